"""`fact`: a small immutable record that is cheap to make.

Type checkers refuse assignment; at run time it is a plain slotted dataclass, because a frozen one takes twice as long
to make and the core makes several for every task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def fact(cls: type[T]) -> type[T]:
    """Make a record of an annotated class."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
