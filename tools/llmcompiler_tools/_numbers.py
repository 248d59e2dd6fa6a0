"""`compare` and `rank`: which of several numbers is the largest, and by how much. Plain numbers only."""

from __future__ import annotations

import math

from pydantic import Field

from llmcompiler.errors import ToolError
from llmcompiler.tools import tool

from ._record import Record, tidy

_MOST = 10_000


class Comparison(Record):
    """Two numbers side by side."""

    larger: str = Field(description="name of the larger one; of the first, where both are equal")
    smaller: str = Field(description="name of the smaller one; of the second, where both are equal")
    larger_value: float = Field(description="the larger number")
    smaller_value: float = Field(description="the smaller number")
    difference: float = Field(description="larger minus smaller, never negative")
    ratio: float | None = Field(description="larger divided by smaller; none where that makes no sense")
    equal: bool = Field(description="whether both are the same")
    text: str = Field(description="the comparison as a sentence")


class Ranked(Record):
    """One number in a ranking."""

    place: int = Field(description="1 for the first; equal numbers share a place")
    name: str = Field(description="its name; its position from 1 in a plain list")
    value: float = Field(description="the number")


class Ranking(Record):
    """Numbers in order."""

    items: tuple[Ranked, ...] = Field(description="all of them, in order")
    first: str = Field(description="name of the first")
    last: str = Field(description="name of the last")
    largest: str = Field(description="name of the largest")
    smallest: str = Field(description="name of the smallest")
    total: float = Field(description="sum of all")
    mean: float = Field(description="arithmetic mean of all")
    text: str = Field(description="the order as a line of text")


def _plain(value: float) -> float:
    value = tidy(value)
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _shown(value: float) -> str:
    value = _plain(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}" if abs(value) < 1e6 else f"{value:,.2f}"


def _finite(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise ToolError(f"{name} is {value}; only finite numbers can be compared")
    return value


@tool(effect="pure", timeout=10)
def compare(
    first: float, second: float, first_name: str = "first", second_name: str = "second"
) -> Comparison:
    """Compare two numbers: which is larger, difference and ratio.

    Args:
        first: A number.
        second: Another number.
        first_name: What the first number belongs to, such as a city's name.
        second_name: What the second number belongs to.

    Raises:
        ToolError: A number is infinite or not a number.
    """
    pairs = [(first_name, _finite(first, first_name)), (second_name, _finite(second, second_name))]
    if first < second:
        pairs.reverse()
    (larger, high), (smaller, low) = pairs
    difference = high - low
    ratio = high / low if low > 0 else None
    if not math.isfinite(difference):
        raise ToolError("the difference of the two is too large to compute")
    if high == low:
        text = f"{larger} and {smaller} are equal ({_shown(high)})"
    else:
        times = f", {_shown(ratio)} times as large" if ratio is not None and math.isfinite(ratio) else ""
        text = f"{larger} ({_shown(high)}) is larger than {smaller} ({_shown(low)}) by {_shown(difference)}{times}"
    return Comparison(
        larger=larger,
        smaller=smaller,
        larger_value=_plain(high),
        smaller_value=_plain(low),
        difference=_plain(difference),
        ratio=None if ratio is None or not math.isfinite(ratio) else tidy(ratio),
        equal=high == low,
        text=text,
    )


@tool(effect="pure", timeout=10)
def rank(values: dict[str, float] | list[float], descending: bool = True) -> Ranking:
    """Put numbers in order, largest first, with their names.

    Args:
        values: Numbers by name, such as {"Oslo": $1, "Rome": $2}, or a list of numbers.
        descending: False for smallest first.

    Raises:
        ToolError: No numbers, too many, or one that is not finite.
    """
    named = (
        list(values.items()) if isinstance(values, dict) else [(str(i), v) for i, v in enumerate(values, 1)]
    )
    if not named:
        raise ToolError("there is nothing to rank: give at least one number")
    if len(named) > _MOST:
        raise ToolError(f"{len(named)} numbers to rank; {_MOST} are allowed")
    for name, value in named:
        _finite(value, name)
    named.sort(key=lambda pair: pair[1], reverse=descending)  # stable: equal numbers stay in the order given
    items: list[Ranked] = []
    for i, (name, value) in enumerate(named, 1):
        place = items[-1].place if items and items[-1].value == value else i
        items.append(Ranked(place=place, name=name, value=value))
    try:
        total = math.fsum(v for _, v in named)
    except OverflowError:
        raise ToolError("the sum of the numbers is too large to compute") from None
    first, last = items[0].name, items[-1].name
    text = ", ".join(f"{r.place}. {r.name} ({_shown(r.value)})" for r in items[:20])
    return Ranking(
        items=tuple(items),
        first=first,
        last=last,
        largest=first if descending else last,
        smallest=last if descending else first,
        total=_plain(total),
        mean=_plain(total / len(items)),
        text=text + (f" and {len(items) - 20} more" if len(items) > 20 else ""),
    )
