"""The base of every result record: frozen, compared by value, its fields described for planners. No data lives here."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A result with named fields, which a plan refers to as `$1.field`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def tidy(number: float, digits: int = 15) -> float:
    """`number` without the noise of binary fractions: rounded to significant digits."""
    return float(f"{number:.{digits}g}")
