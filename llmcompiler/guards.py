"""The condition of an `if` task, as a small tree. Parsed and printed by the language; evaluated without `eval`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .values import Ref, Value, references

CompareOp = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]


@dataclass(frozen=True, slots=True)
class Truth:
    """`value` itself, taken as true or false."""

    value: Value


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right`."""

    op: CompareOp
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Not:
    """`not operand`."""

    operand: Guard


@dataclass(frozen=True, slots=True)
class BoolOp:
    """`a and b and ...` or `a or b or ...`; at least two operands."""

    op: Literal["and", "or"]
    operands: tuple[Guard, ...]


Guard = Truth | Compare | Not | BoolOp
"""What stands between `if` and `:`."""


def guard_references(guard: Guard) -> Iterator[Ref]:
    """Every reference in a guard, in no particular order."""
    stack: list[Guard] = [guard]
    while stack:
        g = stack.pop()
        if isinstance(g, Truth):
            yield from references(g.value)
        elif isinstance(g, Compare):
            yield from references(g.left)
            yield from references(g.right)
        elif isinstance(g, Not):
            stack.append(g.operand)
        else:
            stack.extend(g.operands)
