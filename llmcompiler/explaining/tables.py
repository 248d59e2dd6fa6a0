"""Plain text tables and times for explanations. Nothing here knows plans, runs or terminals."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_WIDTH = 118
_NARROWEST = 24
"""Characters left to the column that gives way."""
_SHORTEST = 16
"""Characters left to any other column that is too wide."""
HEAD, TAIL = 100, 20
"""Rows shown of a table that is too long: so many at its beginning, so many at its end."""
_TOO_LONG = 200


@dataclass(slots=True)
class Column:
    """A column of a table; it is left out where every cell is empty."""

    head: str
    cells: list[str] = field(default_factory=list)
    right: bool = False
    most: int = 72
    """Characters at most; what is longer is cut."""

    @property
    def width(self) -> int:
        """Characters it takes."""
        return min(self.most, max(len(self.head), *(len(c) for c in self.cells)))


def table(columns: Sequence[Column], below: Sequence[str | None] = (), wide: int = 1) -> list[str]:
    """The lines of a table no wider than 118 characters; the column at `wide` gives way to the others.

    Args:
        columns: Of equal length; a cell is one line.
        below: For each row, a line to stand below it, or None.
        wide: Position of the column that may be cut most.
    """
    if not columns or not columns[0].cells:
        return []
    flexible = columns[wide]
    for c in columns:
        c.cells = [one_line(cell) for cell in c.cells]
    shown = [c for c in columns if any(c.cells)]
    others = [c for c in shown if c is not flexible]
    while (taken := sum(c.width + 2 for c in others)) > _WIDTH - _NARROWEST:
        widest = max(others, key=lambda c: c.width)
        if widest.width <= _SHORTEST:
            break
        widest.most = widest.width - 1
    flexible.most = max(_NARROWEST, min(flexible.most, _WIDTH - taken))
    rows = len(flexible.cells)
    keep = range(rows) if rows <= _TOO_LONG else (*range(HEAD), *range(rows - TAIL, rows))
    lines = [_row(shown, [c.head for c in shown])]
    for k in keep:
        if rows > _TOO_LONG and k == rows - TAIL:
            lines.append(f"... {rows - HEAD - TAIL} more, not shown ...")
        lines.append(_row(shown, [c.cells[k] for c in shown]))
        if k < len(below) and (line := below[k]) is not None:
            lines.append(cut(one_line(line), _WIDTH))
    return lines


def _row(columns: Sequence[Column], cells: Sequence[str]) -> str:
    parts = []
    for c, cell in zip(columns, cells, strict=True):
        text = cut(cell, c.width)
        parts.append(text.rjust(c.width) if c.right else text.ljust(c.width))
    return "  ".join(parts).rstrip()


def one_line(text: str) -> str:
    """`text` with everything that is not printed as itself made a space."""
    return text if text.isprintable() else "".join(ch if ch.isprintable() else " " for ch in text)


def cut(text: str, width: int) -> str:
    """`text`, or its beginning and dots."""
    return text if len(text) <= width else text[: max(0, width - 3)] + "..."


def elide(items: Sequence[str], most: int = 24) -> list[str]:
    """`items`, or the first and last of them with dots between."""
    return list(items) if len(items) <= most else [*items[: most // 2], "...", *items[-(most // 2) :]]


def ids(numbers: Sequence[int], most: int = 6) -> str:
    """Task ids in a table cell: `1, 2`; of many, the first and how many more."""
    if len(numbers) > most:
        return ", ".join(map(str, numbers[: most - 1])) + f" +{len(numbers) - most + 1}"
    return ", ".join(map(str, numbers))


class Clock:
    """Times of one table in one unit, chosen by the longest of them.

    Args:
        longest: Seconds; None for steps, in which each call takes one.
    """

    def __init__(self, longest: float | None) -> None:
        self.unit = "steps" if longest is None else "s" if longest >= 1 else "ms"
        self._digits = 0 if longest is None else self._digits_for(longest)
        self._scale = 1000.0 if self.unit == "ms" else 1.0

    def _digits_for(self, longest: float) -> int:
        size = longest * (1000.0 if self.unit == "ms" else 1.0)
        return 2 if size < 10 else 1 if size < 100 or self.unit == "ms" else 0

    @property
    def head(self) -> str:
        """The unit, for the head of a column; empty for steps."""
        return "" if self.unit == "steps" else f" ({self.unit})"

    def cell(self, value: float) -> str:
        """A time without its unit."""
        return f"{value * self._scale:.{self._digits}f}"

    def span(self, start: float, finish: float) -> str:
        """From when to when, without the unit."""
        return f"{self.cell(start)}-{self.cell(finish)}"

    def text(self, value: float) -> str:
        """A time with its unit: `3 steps`, `1.25 s`."""
        shown = self.cell(value)
        return f"{shown} step" if self.unit == "steps" and shown == "1" else f"{shown} {self.unit}"


def paragraphs(texts: Iterable[str]) -> list[str]:
    """Lines of texts, none wider than a table; a text of more than 2,000 characters is cut."""
    return [
        line
        for text in texts
        for line in textwrap.wrap(
            cut(one_line(text), 2_000), _WIDTH, subsequent_indent="  ", break_on_hyphens=False
        )
    ]


def count(n: int, word: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
