"""Cuts the inside of a call or a clause into tokens. Strings and comments were found by the splitter already.

Tokens carry no meaning: what a word or a bracket stands for is the parser's to say.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from typing import Any

from ..values import Var
from .pieces import Mark
from .references import read_bare, read_braced, read_path
from .report import Bad

MAX_DEPTH = 64
"""How deep brackets may be nested inside a call."""

_WHITE = re.compile(r"\s*+")
_SIMPLE = frozenset("()[]{},:")
_OPERATOR = re.compile(r"==|!=|<=|>=|<|>|=")
_WORD = re.compile(r"(?:[^\s()\[\]{},:=<>!$]|!(?!=))++")
_NAME = re.compile(r"[^\W\d]\w*+\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+(?=[.\[]|(?![^\s()\[\]{},:=<>!$]))")
_BAD_REFERENCE = re.compile(r"\$(?:\{[^{}\s]*+\}?+|[\w.]*+)")


class Tokens:
    """The tokens of a piece of text, as parallel lists; the last one has kind `end`.

    Kinds: the brackets, `,`, `:` and `=` themselves; `op` (a comparison); `str` (value: its `Mark`); `ref` and `var`
    (value: the `Ref` or `Var`); `dollar` (a reference that can not be read); `name` (an identifier); `word` (other
    text).
    """

    __slots__ = ("ends", "kinds", "starts", "text", "values")

    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.values: list[Any] = []

    def word(self, index: int) -> str:
        """The text of a token."""
        return self.text[self.starts[index] : self.ends[index]]


def tokenise(
    text: str, start: int, stop: int, marks: Sequence[Mark], variables: Container[str] = ()
) -> Tokens:
    """The tokens of `text[start:stop]`.

    Args:
        text: The statement.
        start: Where the piece starts.
        stop: Where it ends.
        marks: The strings and comments in the piece, in order.
        variables: Loop variables.

    Raises:
        Bad: Brackets are nested too deep.
    """
    tokens = Tokens(text)
    kinds, starts, ends, values = tokens.kinds, tokens.starts, tokens.ends, tokens.values
    depth = 0
    pending = iter(marks)
    mark = next(pending, None)
    pos = start
    while True:
        white = _WHITE.match(text, pos, stop)
        assert white is not None
        pos = white.end()
        while mark is not None and mark.start < pos:
            mark = next(pending, None)
        if pos >= stop:
            break
        value: Any = None
        ch = text[pos]
        if mark is not None and mark.start == pos:
            end = mark.end
            if mark.quote == "#":
                pos = end
                continue
            kind, value = "str", mark
        elif ch in _SIMPLE:
            kind, end = ch, pos + 1
            if ch in "([{":
                depth += 1
                if depth > MAX_DEPTH:
                    raise Bad(
                        "too-deep",
                        f"brackets nested deeper than {MAX_DEPTH}",
                        pos,
                        "pass a simpler value, or make it in a task of its own",
                    )
            elif ch in ")]}":
                depth = max(0, depth - 1)
        elif ch == "$":
            found = read_bare(text, pos) or _read_variable(text, pos, variables)
            if found is not None and found[1] <= stop:
                value, end = found
                kind = "var" if isinstance(value, Var) else "ref"
            else:
                kind = "dollar"
                match = _BAD_REFERENCE.match(text, pos, stop)
                assert match is not None
                end = match.end()
        elif (match := _OPERATOR.match(text, pos, stop)) is not None:
            kind, end = ("=" if match[0] == "=" else "op"), match.end()
        else:
            limit = stop if mark is None else min(stop, mark.start)
            match = _WORD.match(text, pos, limit)
            end = pos + 1 if match is None else match.end()
            kind = "name" if match is not None and _NAME.match(match[0]) else "word"
            if variables and (match := _VARIABLE.match(text, pos, limit)) and match[0] in variables:
                path, end = read_path(text, match.end())
                kind, value = "var", Var(match[0], path)
        kinds.append(kind)
        starts.append(pos)
        ends.append(end)
        values.append(value)
        pos = end
    kinds.append("end")
    starts.append(stop)
    ends.append(stop)
    values.append(None)
    return tokens


def _read_variable(text: str, pos: int, variables: Container[str]) -> tuple[Var, int] | None:
    """The loop variable that is written as if it were a reference, `$city` or `${city.name}`, and where it ends."""
    if not variables:
        return None
    if (match := _VARIABLE.match(text, pos + 1)) is not None and match[0] in variables:
        path, end = read_path(text, match.end())
        return Var(match[0], path), end
    found = read_braced(text, pos)
    if found is None or not isinstance(found[0], Var) or found[0].name not in variables:
        return None
    path, end = read_path(text, found[1])
    return Var(found[0].name, found[0].path + path), end
