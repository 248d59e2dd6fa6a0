"""What plan text is cut into: calls with their strings and clauses, other lines, and what follows a call. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .heads import LineKind
from .source import Source


@dataclass(slots=True)
class Mark:
    """A string or a comment inside a statement: offsets into its text."""

    start: int
    """Where its prefix or first quote stands."""
    body: int
    """Where its content starts."""
    stop: int
    """Where its content ends."""
    end: int
    """Where what follows starts."""
    quote: str
    """The opening quote; `#` for a comment."""
    prefix: str = ""
    """Letters before the quote, such as `r`."""


@dataclass(slots=True)
class Clause:
    """`for ... :` or `if ... :` before a call: offsets of what stands between the word and the colon."""

    kind: Literal["for", "if"]
    at: int
    start: int
    end: int


@dataclass(slots=True)
class Statement:
    """A call whose closing parenthesis has arrived, or that ended without one."""

    source: Source
    number: str | None = None
    name: str = ""
    name_at: int = 0
    open_at: int = 0
    """The call's opening parenthesis."""
    end: int = 0
    """Where the arguments end: the closing parenthesis, or the end of the text."""
    marks: list[Mark] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    unclosed: str = ""
    """The brackets left open, outermost first, and then the quote, where the next statement or the end came first."""
    cut: str = ""
    """What it stopped in the middle of; "" where no more than the last `)` is missing."""
    cut_at: int = 0
    """Where that shows."""
    at_end: bool = False
    """Whether it was the end of the text that came first."""


@dataclass(slots=True)
class Line:
    """A line that is no call, without its line end."""

    source: Source
    kind: LineKind
    number: str | None = None
    start: int = 0
    """Where its text starts: after `Thought:`, or after leading blanks."""


@dataclass(slots=True)
class Tail:
    """What followed a call on its line."""

    source: Source


Event = Statement | Line | Tail
"""What the splitter hands out."""
