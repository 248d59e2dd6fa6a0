"""The text of a Python plan as it streams in, cut into top-level statements. Nothing is parsed or decided here.

A simple statement is complete at the end of its line, or of the line with its last closing bracket; an `if` or `for`
when the next line at its own depth begins. Cutting looks at whole lines, so every chunking gives the same statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .source import Statement

_COMPOUND = re.compile(r"(?:if|for|while|with|try|def|class|async)(?!\w)|@|(?:match|case)\b.*:\s*(?:#.*)?$")
_CONTINUES = re.compile(r"(?:else|elif|except|finally)\b")
_CONTINUING = ("else", "elif", "except", "finally")
# A line at the outermost depth that begins a statement, although a bracket is still open.
_RESTART = re.compile(
    r"(?:[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*\s+=\s"
    r"|(?:return|import|from|pass|break|continue|del|global|raise|assert)\b"
    r"|(?:print|join|return)\("
    r"|(?:if|for|while|with|def|class|else|elif|try)\b.*:\s*(?:#.*)?$)"
)
_MARK = re.compile(r"\"\"\"|'''|[\"'#()\[\]{}\\]")
_STRING_END = {
    '"': re.compile(r'(?:[^"\\]|\\.)*+(")?', re.DOTALL),
    "'": re.compile(r"(?:[^'\\]|\\.)*+(')?", re.DOTALL),
}
_CLOSER = {"(": ")", "[": "]", "{": "}"}
_ENDS = ("<END_OF_PLAN>", "<|im_end|>", "</s>", "<|endoftext|>")
_FENCES = ("```", "~~~")
_RECOVERIES = 8
"""Texts in triple quotes without an end that are left behind, to go on in the line after their beginning."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of its own line."""

    text: str
    line: int


class StatementReader:
    """Cuts text into statements; feed it pieces, then close it."""

    def __init__(self) -> None:
        self.ended = False
        """An end mark was read; what follows is ignored."""
        self._pieces: list[str] = []
        self._head = ""
        self._after_return = False
        self._first = True
        self._row = 0
        self._fenced = False
        self._fence_seen = False
        self._base: int | None = None
        self._recoveries = 0
        self._out: list[Statement | Comment] = []
        self._reset()

    def _reset(self) -> None:
        self._lines: list[str] = []
        self._start = 0
        self._kind = ""
        self._stack: list[str] = []
        self._quote = ""
        self._continued = False
        self._held: list[str] = []

    # -- input -----------------------------------------------------------------

    def feed(self, text: str) -> Iterator[Statement | Comment]:
        """Take the next piece; gives what is complete now."""
        if self._first and text:
            self._first = False
            text = text.removeprefix("\ufeff")
        if self._after_return and text.startswith("\n"):
            text = text[1:]
            self._after_return = False
        if "\r" in text:
            self._after_return = text.endswith("\r")
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        elif text:
            self._after_return = False
        *lines, rest = text.split("\n")
        for line in lines:
            if self.ended:
                break
            self._pieces.append(line)
            whole = "".join(self._pieces)
            self._pieces, self._head = [], ""
            self._line(whole)
            yield from self._taken()
        if self.ended or not rest:
            return
        self._pieces.append(rest)
        if len(self._head) < 12:
            self._head += rest[:12]
            self._peek()
            yield from self._taken()

    def close(self) -> Iterator[Statement | Comment]:
        """The text is over: gives what is left."""
        if self._pieces and not self.ended:
            whole = "".join(self._pieces)
            self._pieces, self._head = [], ""
            self._line(whole)
        while self._lines:
            self._finish()
        yield from self._taken()
        self.ended = True

    def _taken(self) -> list[Statement | Comment]:
        out, self._out = self._out, []
        return out

    def _peek(self) -> None:
        """An `if` or `for` is complete as soon as the next line can not belong to it."""
        if self._kind != "compound" or self._open or self._base:
            return
        head = self._head
        word = re.match(r"\w*", head)
        assert word is not None
        if head[0] in " \t\f#" or word[0] in _CONTINUING or self._lines[-1].lstrip().startswith("@"):
            return
        if word[0] == head and any(c.startswith(head) for c in _CONTINUING):
            return
        self._finish()

    # -- lines -----------------------------------------------------------------

    @property
    def _open(self) -> bool:
        return bool(self._stack or self._quote or self._continued)

    def _line(self, line: str) -> None:
        self._row += 1
        if self._quote:
            self._add(line)
            return
        stripped = line.strip()
        if stripped.startswith(_FENCES):
            self._fence()
            return
        if self._fence_seen and not self._fenced:
            return
        # A string that holds such a mark has a quote behind it; in a comment it is a remark.
        marks = () if stripped.startswith("#") else _ENDS
        end = next((mark for mark in marks if stripped.endswith(mark)), None)
        if end is None:
            self._code(line)
            return
        if rest := line[: line.rindex(end)].rstrip():
            self._code(rest)
        while self._lines:
            self._finish()
        self.ended = True

    def _fence(self) -> None:
        while self._lines:
            self._finish()
        self._fenced = not self._fenced
        self._fence_seen = True
        self._base = None

    def _code(self, line: str) -> None:
        body = line.lstrip(" \t\f")
        indent = len(line) - len(body)
        if self._open:
            if self._stack and indent <= (self._base or 0) and _RESTART.match(body):
                self._finish()
            else:
                self._add(line)
                return
        if not body.strip():
            if self._lines:
                self._held.append(line)
            return
        if body.startswith("#"):
            if self._lines:
                self._held.append(line)
            else:
                self._out.append(Comment(body[1:].strip(), self._row))
            return
        if self._base is None:
            self._base = indent
        outer = indent <= self._base
        if self._kind in ("compound", "stray"):
            if not outer or (self._kind == "compound" and self._goes_on(body)):
                self._lines += self._held
                self._held = []
                self._add(line)
                return
            self._finish()
        if outer and indent < self._base:
            self._base = indent
        self._start = self._row
        if not outer:
            self._kind = "stray"
        else:
            self._kind = "compound" if _COMPOUND.match(body) else "simple"
        self._add(line)

    def _goes_on(self, body: str) -> bool:
        return _CONTINUES.match(body) is not None or self._lines[-1].lstrip().startswith("@")

    def _add(self, line: str) -> None:
        self._lines.append(line)
        broken = self._scan(line)
        if broken or (self._kind == "simple" and not self._open):
            self._finish()

    def _scan(self, line: str) -> bool:
        """Follow quotes and brackets through a line; whether it ends inside a string that can not go on."""
        pos = 0
        self._continued = False
        while True:
            if self._quote:
                pos = self._string(line, pos)
                if self._quote:
                    # A single quote goes on only behind a backslash at the end of the line.
                    return len(self._quote) == 1 and not _ends_escaped(line)
            found = _MARK.search(line, pos)
            if found is None:
                return False
            mark, pos = found[0], found.end()
            if mark == "#":
                return False
            if mark == "\\":
                self._continued = pos == len(line)
            elif mark in _CLOSER:
                self._stack.append(mark)
            elif mark in ")]}":
                if self._stack and _CLOSER[self._stack[-1]] == mark:
                    self._stack.pop()
                else:
                    self._stack.clear()  # whatever was meant, the statement is wrong
            else:
                self._quote = mark

    def _string(self, line: str, pos: int) -> int:
        if len(self._quote) == 1:
            found = _STRING_END[self._quote].match(line, pos)
            assert found is not None
            if found[1]:
                self._quote = ""
            return found.end()
        while True:
            end = line.find(self._quote, pos)
            if end < 0:
                return len(line)
            escape = line.find("\\", pos, end)
            if escape < 0:
                pos = end + 3
                self._quote = ""
                return pos
            pos = escape + 2

    # -- output ----------------------------------------------------------------

    def _finish(self) -> None:
        """Hand out the statement that was collected, and the comments behind it."""
        lines, held, start = self._lines, self._held, self._start
        closers = "".join(_CLOSER[b] for b in reversed(self._stack))
        unended, stray = self._quote, self._kind == "stray"
        self._reset()
        if len(unended) == 3 and len(lines) > 1 and self._recoveries < _RECOVERIES:
            # Nothing says where the text was to end: what stands below its first line may be the rest of the plan.
            self._recoveries += 1
            self._out.append(Statement(lines[0], start, stray=stray))
            row, self._row = self._row, start
            for line in lines[1:]:
                self._line(line)
            self._row = row
            return
        self._out.append(Statement("\n".join(lines), start, "" if unended else closers, stray))
        row = start + len(lines)
        for offset, line in enumerate(held):
            if line.strip():
                self._out.append(Comment(line.strip()[1:].strip(), row + offset))


def _ends_escaped(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


__all__ = ["Comment", "StatementReader"]
