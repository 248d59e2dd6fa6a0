"""A statement of a Python plan as text, places in it, and the error that refuses it. Nothing is parsed here."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

from llmcompiler.diagnostics import Diagnostic, Severity
from llmcompiler.language.source import Source
from llmcompiler.plan import Place


class SourceLine(str):
    """A line of the plan, for carets, with what it belongs to.

    The runtime hands diagnostics and tasks back when it asks for a repair or another round. Their lines are all that
    is left of the text then, so what the prompt has to say of the text travels with them.
    """

    statement: str
    """The whole top-level statement the line is part of."""
    variable: str
    """The variable that the value of the task was assigned to."""

    def __new__(cls, text: str, statement: str = "", variable: str = "") -> SourceLine:
        """`text` with what belongs to it."""
        line = super().__new__(cls, text)
        line.statement = statement
        line.variable = variable
        return line


@dataclass
class Statement:
    """One top-level statement as it was written."""

    text: str
    line: int
    """Line of its first character, from 1."""
    closers: str = ""
    """Brackets that are still open at its end, as what would close them."""
    stray: bool = False
    """Whether it is indented and belongs to nothing."""

    @cached_property
    def indented(self) -> bool:
        """Whether its first line begins with white space."""
        return self.text[:1] in (" ", "\t", "\f")

    @cached_property
    def _source(self) -> Source:
        return Source(self.text, self.line, 1, "")

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        at = self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def place(self, offset: int) -> Place:
        """The place of the character at `offset`."""
        found = self._source.place(max(0, min(offset, len(self.text))))
        return Place(found.line, found.column, SourceLine(found.source, self.text))

    def offset(self, row: int, column: int, *, characters: bool = False) -> int:
        """The offset of a row (from 1) and a column (from 0, in bytes of UTF-8 unless in characters)."""
        # The parser saw an indented statement one line further down.
        row -= self.indented
        if not 1 <= row <= len(self._starts):
            return 0 if row < 1 else len(self.text)
        start = self._starts[row - 1]
        stop = self._starts[row] - 1 if row < len(self._starts) else len(self.text)
        if characters:
            return min(start + max(0, column), stop)
        # Most columns are small; a whole line may be long, and is not encoded for each place in it.
        head = self.text[start : min(stop, start + max(0, column))]
        if not head.isascii():
            head = head.encode(errors="replace")[: max(0, column)].decode(errors="ignore")
        return start + len(head)

    def place_of(self, node: ast.AST) -> Place:
        """Where a node begins."""
        row, column = getattr(node, "lineno", 1 + self.indented), getattr(node, "col_offset", 0)
        return self.place(self.offset(row, column))


class Problem(Exception):
    """Something in a statement that can not be part of a plan."""

    def __init__(self, code: str, message: str, node: ast.AST | int | None, hint: str) -> None:
        self.code = code
        self.message = message
        self.node = node
        """The node, or an offset into the statement; None for its beginning."""
        self.hint = hint
        super().__init__(message)

    def diagnostic(
        self, statement: Statement, task_id: int | None, severity: Severity = "error"
    ) -> Diagnostic:
        """The problem with its place."""
        node = self.node
        place = statement.place_of(node) if isinstance(node, ast.AST) else statement.place(node or 0)
        return Diagnostic(
            self.code, self.message, place.line, place.column, self.hint, severity, task_id, place.source
        )


def unsupported(node: ast.AST | int | None, message: str, hint: str) -> Problem:
    """Code that a plan can not be written in."""
    return Problem("unsupported", message, node, hint)


__all__ = ["Problem", "SourceLine", "Statement", "unsupported"]
