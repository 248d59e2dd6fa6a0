"""Cuts plan text into statements while it arrives: calls, thoughts and other lines, each as soon as it is complete.

A state machine over characters: what comes out depends on the text alone, never on how it was cut into chunks. It
finds brackets, strings and comments, and recovers where they are not closed. It reads no arguments and knows no ids.

Every character is taken once; a quote that is never closed makes it go back, at most once per kind of quote.
"""

from __future__ import annotations

import re
from typing import Literal

from . import heads
from .intake import Intake
from .pieces import Clause, Line, Mark, Statement, Tail
from .quoting import BODIES, CLAUSE_RUN, RUN, Context
from .source import Source

_NOWHERE = Source("", 0, 0, "")
_BLANKS = re.compile(r"[^\S\n]*+")
_WHITE = re.compile(r"\s*+")
_SEPARATORS = re.compile(r"[^\S\n]*+(?:[;,.][^\S\n]*+)*+")
_CLOSES = {")": "(", "]": "[", "}": "{"}


class Splitter(Intake):
    """Takes text in chunks of any size and hands out events; `close` hands out what is left."""

    def __init__(self) -> None:
        super().__init__()
        self._state = self._line_start
        self._head = ""
        # Set once a triple-quoted string ran to the end of the text: such strings then end like others.
        self._distrust = False
        self._context = Context(clause=False)
        self._reset()

    def _reset(self) -> None:
        self._statement: Statement | None = None
        self._stack: list[str] = []
        self._in_clause = False
        self._quote = ""
        self._open_string = False
        self._paren = False
        self._line_kind: heads.LineKind = "other"
        self._line_from = 0
        self._line_number: str | None = None

    # -- lines ---------------------------------------------------------------

    def _line_start(self, text: str, pos: int) -> int:
        match = _WHITE.match(text, pos)
        assert match is not None
        end = match.end()
        if end > pos:
            self._advance(match[0])
        if end < len(text):
            self._state = self._line_head
        return end

    def _take_head(self, text: str, pos: int) -> tuple[str, int, bool]:
        """The line so far (bounded), where it stops in the chunk, and whether no more of it will be looked at."""
        limit = pos + heads.LIMIT - len(self._head)
        stop = text.find("\n", pos, limit)
        if stop >= 0:
            return self._head + text[pos:stop], stop, True
        stop = min(len(text), limit)
        return self._head + text[pos:stop], stop, stop == limit

    def _line_head(self, text: str, pos: int) -> int:
        """The start of a line outside calls: a call, a thought, a fence, the end of the plan, or anything else."""
        line, stop, complete = self._take_head(text, pos)
        head = heads.line_head(line)
        if head is not None:
            return self._begin(head, line, pos)
        if not complete:
            self._head = line
            return stop
        self._head = ""
        self._keep(line)
        whole = stop < len(text) and text[stop] == "\n"
        self._other_line(line, whole=whole, last=False)
        if whole:
            self._end_line()
        return stop

    def _other_line(self, line: str, *, whole: bool, last: bool) -> None:
        self._line_kind, self._line_number = heads.kind_of_line(line, whole=whole, last=last)
        self._state = self._rest_of_line

    def _begin(self, head: heads.Head, line: str, pos: int) -> int:
        """Start what `head` says; `pos` is where the chunk's share of `line` starts."""
        after = pos + head.end - len(self._head)
        if after < pos:
            # The head was recognised by what follows it.
            self._push(self._head[head.end :])
            after = pos
        self._head = ""
        self._keep(line[: head.end])
        if head.kind == "end":
            self.ended = True
        elif head.kind in ("thought", "fence"):
            self._line_kind = "thought" if head.kind == "thought" else "ignored"
            self._line_from = head.end
            self._state = self._rest_of_line
        else:
            self._statement = Statement(_NOWHERE, head.number)
            self._paren = head.mark == ")"
            self._open(head, 0)
        return after

    def _rest_of_line(self, text: str, pos: int) -> int:
        stop = text.find("\n", pos)
        if stop < 0:
            self._keep(text[pos:])
            return len(text)
        self._keep(text[pos:stop])
        self._end_line()
        return stop

    def _end_line(self) -> None:
        source = self._take()
        if self._line_kind != "ignored":
            self._events.append(Line(source, self._line_kind, self._line_number, self._line_from))
        self._reset()
        self._state = self._line_start

    # -- after a call --------------------------------------------------------

    def _after(self, text: str, pos: int) -> int:
        match = _SEPARATORS.match(text, pos)
        assert match is not None
        if match.end() > pos:
            self._keep(match[0])
            pos = match.end()
        if pos < len(text):
            if text[pos] == "\n":
                self._end_tail()
            else:
                self._state = self._after_head
        return pos

    def _after_head(self, text: str, pos: int) -> int:
        """Another call, a fence or the end of the plan may follow on the same line."""
        line, stop, complete = self._take_head(text, pos)
        head = heads.head_after_call(line)
        if head is not None:
            self._end_tail()
            return self._begin(head, line, pos)
        if not complete and heads.viable_inside(line, paren=True):
            self._head = line
            return stop
        self._head = ""
        self._keep(line)
        self._state = self._rest_of_tail
        return stop

    def _rest_of_tail(self, text: str, pos: int) -> int:
        stop = text.find("\n", pos)
        if stop < 0:
            self._keep(text[pos:])
            return len(text)
        self._keep(text[pos:stop])
        self._end_tail()
        return stop

    def _end_tail(self) -> None:
        if self._size:
            self._events.append(Tail(self._take()))
        self._state = self._line_start

    # -- calls ---------------------------------------------------------------

    def _open(self, head: heads.Head, at: int) -> None:
        """Open the call or clause of a head that was just kept and starts at `at`."""
        statement = self._statement
        assert statement is not None
        if head.kind == "call":
            statement.name, statement.name_at, statement.open_at = head.name, at + head.at, self._size - 1
            self._in_clause = False
            self._stack = ["("]
            self._context = Context(clause=False)
        else:
            kind: Literal["for", "if"] = "for" if head.kind == "for" else "if"
            statement.clauses.append(Clause(kind, at + head.at, self._size, self._size))
            self._in_clause = True
            self._context = Context(clause=True)
        self._state = self._brackets

    def _clause_end(self, text: str, pos: int) -> int:
        """After the colon of a `for` or `if`: the call, or another clause."""
        assert self._statement is not None
        had = len(self._head)
        room = heads.LIMIT - had
        line = self._head + text[pos : pos + room]
        head = heads.head_after_clause(line)
        self._head = ""
        if head is not None:
            at = self._size
            self._keep(line[: head.end])
            after = pos + head.end - had
            if head.kind != "call" and len(self._statement.clauses) == 2:
                return self._break(after)
            self._open(head, at)
            return after
        if len(line) < heads.LIMIT and heads.viable_after_clause(line):
            self._head = line
            return len(text)
        at = self._size
        self._keep(line)
        newline = line.find("\n")
        if newline >= 0:
            self._end_broken(at + newline)
            return pos + len(line) - had
        return self._break(pos + len(line) - had)

    def _break(self, pos: int) -> int:
        """A clause without a call: the rest of its line belongs to the error."""
        assert self._statement is not None
        self._line_kind, self._line_number = "broken", self._statement.number
        self._state = self._rest_of_line
        return pos

    def _end_broken(self, length: int | None = None, kind: Literal["broken", "cut"] = "broken") -> None:
        assert self._statement is not None
        self._line_kind, self._line_number = kind, self._statement.number
        self._events.append(Line(self._take(length), kind, self._statement.number))
        self._reset()
        self._state = self._line_start

    def _brackets(self, text: str, pos: int) -> int:
        """Inside a call or a clause, outside strings."""
        size = len(text)
        pattern = CLAUSE_RUN if self._in_clause else RUN
        while pos < size:
            match = pattern.match(text, pos)
            assert match is not None
            if match.end() > pos:
                run = match[0]
                self._keep(run)
                self._context.see(run)
                pos = match.end()
                if pos == size:
                    break
            ch = text[pos]
            pos += 1
            if ch in "([{":
                self._keep(ch)
                self._stack.append(ch)
                self._context.see(ch)
            elif ch in ")]}":
                self._keep(ch)
                self._context.see(ch)
                if self._close_bracket(ch):
                    self._end_call()
                    return pos
            elif ch == "\n":
                if self._in_clause and not self._stack:
                    self._end_broken()
                    return pos - 1
                self._keep(ch)
                self._context.see(ch)
                self._state = self._continued
                return pos
            elif ch == ":":
                self._keep(ch)
                if not self._stack:
                    assert self._statement is not None
                    self._statement.clauses[-1].end = self._size - 1
                    self._state = self._clause_end
                    return pos
                self._context.see(ch)
            elif ch == "#":
                self._keep(ch)
                if self._context.comments():
                    self._state = self._comment
                    self._open_mark(ch, "")
                    return pos
                self._context.see(ch)
            elif (opened := self._context.opens(ch)) is not None:
                self._keep(ch)
                self._open_mark(ch, opened)
                self._state = self._string_opened if ch in "\"'" else self._string
                return pos
            else:
                self._keep(ch)
                self._context.see("x")
        return pos

    def _close_bracket(self, ch: str) -> bool:
        """Take a closing bracket; whether it closes the call."""
        stack = self._stack
        if not stack:
            return False
        if stack[-1] == _CLOSES[ch]:
            stack.pop()
        elif ch == ")" and not self._in_clause:
            # `f([1, 2)`: the parenthesis closes what was left open inside it.
            while stack.pop() != "(":
                pass
        return not stack and not self._in_clause

    def _open_mark(self, quote: str, prefix: str) -> None:
        assert self._statement is not None
        at = self._size
        self._statement.marks.append(Mark(at - 1 - len(prefix), at, at, at, quote, prefix))
        self._quote = quote
        self._open_string = quote != "#"
        self._body = BODIES.get(quote)
        self._triple = False
        self._escaped = False
        self._count = 0
        self._line_end: int | None = None
        self._suspect = False

    def _end_call(self) -> None:
        statement = self._statement
        assert statement is not None
        statement.end = self._size - 1
        statement.source = self._take()
        self._events.append(statement)
        self._reset()
        self._state = self._after

    def _comment(self, text: str, pos: int) -> int:
        stop = text.find("\n", pos)
        end = len(text) if stop < 0 else stop
        self._keep(text[pos:end])
        if stop >= 0:
            self._end_comment()
        return end

    def _end_comment(self) -> None:
        assert self._statement is not None
        mark = self._statement.marks[-1]
        mark.stop = mark.end = self._size
        self._quote = ""
        self._state = self._brackets

    # -- strings -------------------------------------------------------------

    def _string_opened(self, text: str, pos: int) -> int:
        """After a first `"`: an empty string, a triple quote, or content."""
        if text[pos] == self._quote:
            self._keep(self._quote)
            self._state = self._string_opened_twice
            return pos + 1
        self._state = self._string
        return pos

    def _string_opened_twice(self, text: str, pos: int) -> int:
        assert self._statement is not None
        mark = self._statement.marks[-1]
        if text[pos] == self._quote:
            self._keep(self._quote)
            self._triple = True
            mark.body = self._size
            self._state = self._string
            return pos + 1
        self._close_string(mark.body)
        return pos

    def _close_string(self, stop: int) -> None:
        assert self._statement is not None
        mark = self._statement.marks[-1]
        mark.stop, mark.end = stop, self._size
        self._context.see_string(mark.quote)
        self._open_string = False
        self._state = self._brackets

    def _string(self, text: str, pos: int) -> int:
        assert self._statement is not None
        assert self._body is not None
        size = len(text)
        while pos < size:
            if self._escaped and text[pos] != "\n":
                self._escaped = False
                self._keep(text[pos])
                self._count = 0
                pos += 1
                continue
            match = self._body.match(text, pos)
            assert match is not None
            if match.end() > pos:
                self._keep(match[0])
                self._count = 0
                pos = match.end()
                if pos == size:
                    break
            ch = text[pos]
            pos += 1
            if ch == "\n":
                self._escaped = False
                self._count = 0
                if self._line_end is None:
                    self._line_end = self._size
                self._keep(ch)
                self._state = self._continued
                return pos
            self._keep(ch)
            if ch == "\\":
                self._escaped = True
                continue
            self._count += 1
            if not self._triple or self._count == 3:
                self._close_string(self._size - (3 if self._triple else 1))
                return pos
        return pos

    # -- lines inside a call -------------------------------------------------

    def _continued(self, text: str, pos: int) -> int:
        """A new line inside a call: if it starts a statement, the call was never closed."""
        in_string = self._open_string
        resume = self._string if in_string else self._brackets
        if not self._head:
            match = _BLANKS.match(text, pos)
            assert match is not None
            if match.end() > pos:
                self._keep(match[0])
                pos = match.end()
            if pos == len(text):
                return pos
            if text[pos] == "\n":
                if not in_string and self._context.last not in "([{,:=":
                    self._recover(self._size)
                else:
                    self._state = resume
                return pos
        line, stop, complete = self._take_head(text, pos)
        if heads.head_inside(line, in_string=in_string, paren=self._paren) is not None:
            if in_string and self._triple and not self._distrust:
                self._suspect = True
            else:
                self._head = ""
                self._push(line)
                self._recover(self._size)
                return stop
        elif not complete and heads.viable_inside(line, paren=self._paren):
            self._head = line
            return stop
        self._state = resume
        if not self._head:
            return pos
        self._push(line)
        self._head = ""
        return stop

    def _recover(self, length: int) -> None:
        """End the statement, after `length` characters or at the line end of an open string."""
        statement = self._statement
        assert statement is not None
        if self._open_string:
            assert self._line_end is not None
            length = self._line_end
        if not statement.name:
            self._end_broken(length)
            return
        self._mark_unclosed(statement)
        statement.source = self._take(length)
        if statement.cut and not self._open_string:
            statement.cut_at = len(statement.source.text.rstrip())
        self._end_unclosed(statement)

    def _mark_unclosed(self, statement: Statement) -> None:
        """Note what was left open, and whether a part of the call may be missing with it.

        Only a missing last `)` can be put there: what is inside is whole. Inside a string, a list or after a comma,
        nobody knows what was still to come, and a call with half of its arguments is another call.
        """
        statement.unclosed = "".join(self._stack)
        last = self._context.last
        if self._open_string:
            mark = statement.marks[-1]
            statement.unclosed += mark.quote
            statement.cut, statement.cut_at = "a string", mark.start
        elif len(self._stack) > 1:
            statement.cut, statement.cut_at = "brackets", self._size
        elif last in (",", "=", ":") or (last == "(" and statement.name not in heads.JOINS):
            statement.cut, statement.cut_at = "the arguments", self._size

    def _end_unclosed(self, statement: Statement) -> None:
        statement.end = len(statement.source.text)
        self._events.append(statement)
        self._reset()
        self._state = self._line_start

    # -- the end -------------------------------------------------------------

    def _finish(self) -> bool:
        """Bring the machine to its end; True if text went back to the input and has to be read first."""
        state = self._state
        head, self._head = self._head, ""
        if state == self._line_head:
            self._keep(head)
            self._other_line(head, whole=True, last=True)
            self._end_line()
        elif state == self._rest_of_line:
            if self._line_kind == "broken" and self._statement is not None:
                self._line_kind = "cut"
            self._end_line()
        elif state in (self._after, self._after_head, self._rest_of_tail):
            self._keep(head)
            self._end_tail()
        elif state == self._clause_end:
            self._keep(head)
            self._end_broken(kind="cut")
        elif state == self._continued and head:
            self._inputs.append((head, 0))
            self._state = self._string if self._open_string else self._brackets
            return True
        elif state != self._line_start:
            return self._finish_call()
        return False

    def _finish_call(self) -> bool:
        statement = self._statement
        assert statement is not None
        if self._state == self._comment:
            self._end_comment()
        elif self._state == self._string_opened_twice:
            self._close_string(statement.marks[-1].body)
        if self._open_string and self._suspect and not self._distrust:
            self._distrust = True
            self._recover(self._size)
            self._inputs.append((self._pushed, 0))
            self._pushed = ""
            return True
        if not statement.name:
            self._end_broken(kind="cut")
            return False
        self._mark_unclosed(statement)
        statement.at_end = True
        statement.source = self._take()
        self._end_unclosed(statement)
        return False
