"""Plan JSON cut into its tasks while it is being written: text in, the text of each complete object out.

Only brackets, quotes and the keys `tasks` and `join` are looked at, every character once, whatever the chunks; what
the objects mean is read elsewhere. Text before and after the plan, code fences and a model's `<think>` part are
passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from llmcompiler.language.source import Source

PieceKind = Literal["task", "join", "single", "not-a-list", "unclosed", "cut", "end"]
"""`single` is an object that is no plan and may be one task; `cut` is what the text ends in the middle of."""

_LEAD = 400
"""Characters before an object on its line, which carets need."""
_BLANKS = re.compile(r"\s+")
_PROSE = re.compile(r"[^{\[<]+")
_PLAIN = re.compile(r'[^"{}\[\]]+')
_STRING = re.compile(r'[^"\\]+')
_SCALAR = re.compile(r'[^\s,\]}{\["]+')
_TAGS = ("<think>", "<thinking>")
_PAIRS = {"}": "{", "]": "["}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the plan that is complete, or that the text ends in."""

    kind: PieceKind
    source: Source
    """Its text, and where it stands."""


class ValueScan:
    """Finds the end of one JSON object or list, fed in chunks of any size.

    A closing bracket closes every bracket inside it that was left open: a task with a bracket too few is one bad task,
    and the tasks after it are found.
    """

    __slots__ = ("_escaped", "_open", "_quoted", "_stack", "begun", "done")

    def __init__(self) -> None:
        self._stack: list[str] = []
        self._open = {"{": 0, "[": 0}
        self._quoted = self._escaped = False
        self.begun = False
        """Whether its first bracket or quote was seen."""
        self.done = False
        """Whether it is complete."""

    def feed(self, text: str, pos: int = 0) -> int:
        """Take `text` from `pos`; returns where the value ends, or the end of `text`."""
        size, stack = len(text), self._stack
        while pos < size:
            if self._escaped:
                self._escaped = False
                pos += 1
                continue
            match = (_STRING if self._quoted else _PLAIN).match(text, pos)
            if match is not None:
                pos = match.end()
                continue
            char = text[pos]
            pos += 1
            self.begun = True
            if self._quoted:
                self._escaped = char == "\\"
                self._quoted = self._escaped
            elif char == '"':
                self._quoted = True
                continue
            elif char in "{[":
                stack.append(char)
                self._open[char] += 1
            elif self._open[_PAIRS[char]]:
                closed = ""
                while closed != _PAIRS[char]:
                    closed = stack.pop()
                    self._open[closed] -= 1
            if not stack and not self._quoted:
                self.done = True
                return pos
        return pos


class JSONSplitter:
    """Reads the text of a plan in JSON; what comes out depends on the text alone, not on the chunks."""

    def __init__(self) -> None:
        self.ended = False
        """Whether the plan is complete; what follows is not read."""
        self._state: Callable[[str, int], int] = self._prose
        self._pieces: list[Piece] = []
        self._line = 1
        self._column = 1
        self._lead = ""
        # The value that is being read.
        self._keeping = False
        self._kept: list[str] = []
        self._place = (1, 1, "")
        self._scan = ValueScan()
        self._then: Callable[[Source], None] = self._end_element
        # The object that may turn out to be one task.
        self._whole: list[str] | None = None
        self._whole_place = (1, 1, "")
        self._tag = ""
        self._closing = ""
        self._opener = ""
        self._key = ""
        self._bare = False
        self._wraps = 0
        self._listed = False
        self._join: Piece | None = None
        self._waits = False  # a join before the tasks takes effect after them

    def feed(self, text: str) -> Iterator[Piece]:
        """Take the next piece of text. It is read as the pieces are asked for; ask for all before the next one."""
        pos = 0
        while pos < len(text) and not self.ended:
            start = pos
            keeping = self._keeping
            pos = self._state(text, start)
            if pos > start:
                self._advance(text[start:pos], keep=keeping)
            if self._scan.done:
                self._scan = ValueScan()
                self._finish()
            if self._pieces:
                yield from self._pieces
                self._pieces.clear()

    def close(self) -> Iterator[Piece]:
        """The text is over: what it ends in the middle of, and a join that waited for the end."""
        if self.ended:
            return
        state, kept = self._state, "".join(self._kept)
        in_element = self._keeping and self._then == self._end_element
        in_plan = self._listed or self._whole is not None or in_element
        self.ended = True
        if not in_plan or state in (self._prose, self._thinking, self._maybe, self._tagging):
            return
        if in_element:
            yield Piece("cut", Source(kept, *self._place))
        elif state == self._tasks or not (self._listed or self._join):
            # A list that is not closed may lack tasks, whole as the last one looks.
            yield Piece("cut", Source("", self._line, self._column, self._lead))
        else:
            yield Piece("unclosed", Source("", self._line, self._column, self._lead))
            if self._join is not None and self._waits:
                yield self._join

    # -- the text taken so far -------------------------------------------------

    def _advance(self, text: str, *, keep: bool) -> None:
        if keep:
            self._kept.append(text)
        if self._whole is not None:
            self._whole.append(text)
        newline = text.rfind("\n")
        if newline < 0:
            self._column += len(text)
            self._lead = (self._lead + text)[-_LEAD:]
        else:
            self._line += text.count("\n")
            self._column = len(text) - newline
            self._lead = text[newline + 1 :][-_LEAD:]

    def _here(self) -> tuple[int, int, str]:
        return self._line, self._column, self._lead

    def _begin(self, then: Callable[[Source], None], state: Callable[[str, int], int]) -> None:
        self._keeping, self._kept, self._place = True, [], self._here()
        self._then, self._state = then, state

    def _finish(self) -> None:
        source = Source("".join(self._kept), *self._place)
        self._keeping, self._kept = False, []
        self._then(source)

    # -- before the plan -------------------------------------------------------

    def _prose(self, text: str, pos: int) -> int:
        match = _PROSE.match(text, pos)
        if match is not None:
            return match.end()
        if text[pos] == "<":
            self._tag, self._state = "<", self._tagging
        else:
            self._opener, self._state = text[pos], self._maybe
            self._whole, self._whole_place = [], self._here()
        return pos + 1

    def _tagging(self, text: str, pos: int) -> int:
        tag = self._tag + text[pos].lower()
        if not any(known.startswith(tag) for known in _TAGS):
            self._state = self._prose
            return pos
        self._tag = tag
        if tag in _TAGS:
            self._closing, self._tag, self._state = f"</{tag[1:]}", "", self._thinking
        return pos + 1

    def _thinking(self, text: str, pos: int) -> int:
        # A draft in here is no plan. The last characters are kept, as the tag may be cut.
        end = f"{self._tag}{text[pos:]}".lower().find(self._closing)
        if end >= 0:
            self._state = self._prose
            return pos + end + len(self._closing) - len(self._tag)
        self._tag = f"{self._tag}{text[pos:]}"[-len(self._closing) + 1 :]
        return len(text)

    def _maybe(self, text: str, pos: int) -> int:
        match = _BLANKS.match(text, pos)
        if match is not None:
            return match.end()
        if self._opener == "{" and text[pos] in '"}':
            self._state = self._keys
        elif self._opener == "[" and text[pos] == "{":
            self._bare, self._whole, self._state = True, None, self._tasks
            self._listed = True
        else:
            self._whole, self._state = None, self._prose
        return pos

    # -- the plan --------------------------------------------------------------

    def _keys(self, text: str, pos: int) -> int:
        char = text[pos]
        if char == '"':
            self._begin(self._end_key, self._value)
            return pos
        if char == "}":
            if self._wraps:
                self._wraps -= 1
            else:
                return self._closed(text, pos)
        return pos + 1

    def _closed(self, text: str, pos: int) -> int:
        """The closing bracket of an object: of the plan, or of one that is no plan."""
        if self._listed or self._join is not None:
            if self._join is not None and self._waits:
                self._pieces.append(self._join)
            self._pieces.append(Piece("end", Source("", *self._here())))
            self.ended = True
        else:
            assert self._whole is not None
            source = Source("".join(self._whole) + "}", *self._whole_place)
            self._pieces.append(Piece("single", source))
            self._whole, self._state = None, self._prose
        return pos + 1

    def _end_key(self, source: Source) -> None:
        self._key, self._state = source.text[1:-1], self._colon

    def _colon(self, text: str, pos: int) -> int:
        match = _BLANKS.match(text, pos)
        if match is not None:
            return match.end()
        self._state = self._keys
        if text[pos] != ":":
            return pos
        self._state = self._member
        return pos + 1

    def _member(self, text: str, pos: int) -> int:
        match = _BLANKS.match(text, pos)
        if match is not None:
            return match.end()
        char = text[pos]
        if char == "[" and self._key == "tasks":  # a second list goes on with the first
            self._listed, self._whole, self._state = True, None, self._tasks
            return pos + 1
        if char == "{" and self._key == "plan":
            self._wraps, self._state = self._wraps + 1, self._keys
            return pos + 1
        self._begin(self._end_member, self._value if char in '{["' else self._scalar)
        return pos

    def _end_member(self, source: Source) -> None:
        self._state = self._keys
        if self._key == "tasks" and not self._listed:
            self._listed, self._whole = True, None
            self._pieces.append(Piece("not-a-list", source))
        elif self._key == "join" and self._join is None:
            self._join = Piece("join", source)
            self._waits = not self._listed
            if self._listed:
                self._pieces.append(self._join)

    def _tasks(self, text: str, pos: int) -> int:
        char = text[pos]
        if char == "," or char.isspace():
            match = _BLANKS.match(text, pos)
            return pos + 1 if match is None else match.end()
        if char in "]}":
            if char == "}" or self._bare:
                return self._closed(text, pos)
            self._state = self._keys
            return pos + 1
        self._begin(self._end_element, self._value if char in '{["' else self._scalar)
        return pos

    def _end_element(self, source: Source) -> None:
        self._state = self._tasks
        self._pieces.append(Piece("task", source))

    # -- values ----------------------------------------------------------------

    def _value(self, text: str, pos: int) -> int:
        return self._scan.feed(text, pos)

    def _scalar(self, text: str, pos: int) -> int:
        match = _SCALAR.match(text, pos)
        if match is not None:
            return match.end()
        self._scan.done = True
        return pos


__all__ = ["JSONSplitter", "Piece", "PieceKind", "ValueScan"]
