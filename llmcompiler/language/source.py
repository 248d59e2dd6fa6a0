"""A piece of plan text and where it stands in the whole, for lines, columns and carets."""

from __future__ import annotations

from bisect import bisect_left

from ..plan import Place

_FAR = 300  # columns; further right, a window of the line stands for the line
_WINDOW = 60  # characters either side; `Diagnostic.render` counts on it
_LINE = 400


class Source:
    """`text`, which starts at `line` and `column` (from 1); `lead` is the end of what stands before it on its line."""

    __slots__ = ("_lines", "_newlines", "_only", "column", "lead", "line", "text")

    def __init__(self, text: str, line: int, column: int, lead: str) -> None:
        self.text = text
        self.line = line
        self.column = column
        self.lead = lead
        # A plan has many sources, and most are one line: those need no collections.
        self._only: str | None = None
        self._newlines: list[int] | None = None
        self._lines: dict[int, str] | None = None

    def place(self, offset: int) -> Place:
        """Line, column and source line of the character at `offset`.

        Of a place beyond column 300, the source is 60 characters either side of it.
        """
        text = self.text
        if self._newlines is None and "\n" in text:
            self._newlines = _find_all(text, "\n")
        if self._newlines is None:
            column = offset + self.column
            if column > _FAR:
                return Place(self.line, column, self._window(offset, 0, len(text), self.lead))
            if self._only is None:
                self._only = self.lead + text[: _LINE - len(self.lead)]
            return Place(self.line, column, self._only)
        index = bisect_left(self._newlines, offset)
        start = self._newlines[index - 1] + 1 if index else 0
        stop = self._newlines[index] if index < len(self._newlines) else len(text)
        column = offset - start + (1 if index else self.column)
        lead = "" if index else self.lead
        if column > _FAR:
            return Place(self.line + index, column, self._window(offset, start, stop, lead))
        if self._lines is None:
            self._lines = {}
        line = self._lines.get(index)
        if line is None:
            line = self._lines[index] = lead + text[start : min(stop, start + _LINE - len(lead))]
        return Place(self.line + index, column, line)

    def _window(self, offset: int, start: int, stop: int, lead: str) -> str:
        text = self.text
        before = text[max(start, offset - _WINDOW) : offset]
        if len(before) < _WINDOW:
            before = lead[len(before) - _WINDOW :] + before
        return before + text[offset : min(stop, offset + _WINDOW)]


def _find_all(text: str, char: str) -> list[int]:
    found = []
    at = text.find(char)
    while at >= 0:
        found.append(at)
        at = text.find(char, at + 1)
    return found
