"""Recursive descent over the tokens of one call: arguments and values. The grammar stands in the docstrings.

Depth is bounded by the tokens, every token is read at most a few times, and what can not be read ends in `Bad`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import Any

from ..values import Ref, Template, Value, Var
from .literals import BadNumber, decode, read_number, source_offsets
from .pieces import Mark
from .references import Problem, scan
from .report import Bad, Report
from .tokens import Tokens

_CONSTANTS: dict[str, Any] = {
    "True": True,
    "true": True,
    "False": False,
    "false": False,
    "None": None,
    "null": None,
}
_STOPS = frozenset({",", ")", "]", "}", "end"})
_OPEN = frozenset("([{")
_CLOSE = frozenset(")]}")
_OPERATORS = frozenset("+-*/%^|&<>=!")
_TOOL = re.compile(r"[^\W\d][\w.\-]*+\Z")
_SPACES = re.compile(r"\s+")
_NUMBERS = re.compile(r"[-+]?[0-9.]++(?:\s++[-+]?[0-9.]++)++\Z")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*+")
_CALCULATION = re.compile(r"[^\S\n]*+[-+*/%]{1,2}+[^\S\n]*+(?:[0-9$(]|\.[0-9]|(?P<name>[A-Za-z_]\w*+))")
_NONE: Any = object()
_QUOTES_HINT = 'put text in quotes, as in f("some text"), and a comma between arguments'
_VARIABLE_HINT = 'give a calculation to a tool, or put it in quotes, as in calculate("${x} + 1")'
_ARITHMETIC_HINT = 'give a calculation to a tool, or put it in quotes, as in calculate("$1 + $2")'


class Values:
    """Reads values from tokens.

    Args:
        tokens: What to read.
        report: Where problems go.
        known: Ids for which `$7` in a string is a reference.
        refer: Called with every reference and where it stands.
        variables: Loop variables.
    """

    def __init__(
        self,
        tokens: Tokens,
        report: Report,
        known: Container[int],
        refer: Callable[[Ref, int], None],
        variables: Container[str] = (),
    ) -> None:
        self.tokens = tokens
        self.report = report
        self._kinds = tokens.kinds
        self._known = known
        self._refer = refer
        self._variables = variables

    # -- arguments -----------------------------------------------------------

    def arguments(self) -> tuple[dict[str, Value], dict[str, int]]:
        """The arguments of a call, and where each value stands. Reports what is wrong and reads on.

        arguments = [ argument ( "," argument )* [ "," ] ]
        """
        kinds = self._kinds
        args: dict[str, Value] = {}
        places: dict[str, int] = {}
        keywords = False
        i = 0
        while kinds[i] != "end":
            start = i
            try:
                i, keywords = self._argument(i, args, places, keywords)
                if kinds[i] not in (",", "end"):
                    raise self._unexpected(i)
            except Bad as bad:
                self.report.bad(bad)
                i = self._skip(start)
            if kinds[i] == ",":
                i += 1
        return args, places

    def _argument(
        self, i: int, args: dict[str, Value], places: dict[str, int], keywords: bool
    ) -> tuple[int, bool]:
        """One argument.

        argument = [ name "=" ] item
        """
        kinds, tokens = self._kinds, self.tokens
        at = tokens.starts[i]
        named = (kinds[i] in ("name", "var") and kinds[i + 1] in ("=", ":")) or (
            kinds[i] == "word" and kinds[i + 1] == "="
        )
        if named and _TOOL.match(tokens.word(i)):
            key = tokens.word(i)
            if kinds[i + 1] == ":":
                self.report.warn(
                    "syntax", f"`{key[:80]}:` taken as `{key[:80]}=`", at, "write arguments as name=value"
                )
            if kinds[i + 2] in _STOPS:
                raise Bad(
                    "syntax", f"no value for `{key[:80]}`", tokens.starts[i + 1], "write a value after `=`"
                )
            places_at = tokens.starts[i + 2]
            value, i = self.item(i + 2)
            keywords = True
            if key in args:
                self.report.error(
                    "duplicate-argument", f"`{key[:80]}` is given twice", at, "give each argument once"
                )
        else:
            places_at = at
            value, i = self.item(i)
            if keywords:
                raise Bad(
                    "syntax",
                    "a positional argument after one by name",
                    at,
                    "put positional arguments first, or give this one its name too; text needs quotes",
                )
            key = str(len(args))
        args[key] = value
        places[key] = places_at
        return i, keywords

    def _skip(self, i: int) -> int:
        """Past an argument that can not be read: its comma, or the end."""
        kinds = self._kinds
        depth = 0
        while kinds[i] != "end":
            kind = kinds[i]
            if kind in _OPEN:
                depth += 1
            elif kind in _CLOSE:
                depth = max(0, depth - 1)
            elif kind == "," and not depth:
                break
            i += 1
        return i

    # -- values --------------------------------------------------------------

    def item(self, i: int) -> tuple[Value, int]:
        """A value, or text without quotes; what follows it is a comma, a closing bracket or the end.

        item = value | unquoted
        """
        kinds = self._kinds
        kind = kinds[i]
        if kind in ("name", "word", "var"):
            value = self.tokens.values[i] if kind == "var" else self._constant(i)
            if value is not _NONE and kinds[i + 1] in _STOPS:
                return value, i + 1
            return self._unquoted(i)
        value, after = self.value(i)
        if kinds[after] not in _STOPS:
            raise self._trailing(i, after)
        return value, after

    def value(self, i: int) -> tuple[Value, int]:
        """A value.

        value = string+ | number | constant | reference | variable | list | tuple | dict
        """
        kind = self._kinds[i]
        tokens = self.tokens
        if kind == "str":
            return self._strings(i)
        if kind == "ref":
            self._refer(tokens.values[i], tokens.starts[i])
            return tokens.values[i], i + 1
        if kind == "var":
            return tokens.values[i], i + 1
        if kind == "[":
            return self._sequence(i, "]")
        if kind == "{":
            return self._braces(i)
        if kind == "(":
            items, after = self._sequence(i, ")")
            grouped = (
                len(items) == 1
                and self._kinds[after - 2 if self._kinds[after - 1] == ")" else after - 1] != ","
            )
            return (items[0] if grouped else items), after
        if kind == "dollar":
            raise Bad(
                "bad-reference",
                f"`{tokens.word(i)[:40]}` is not a reference",
                tokens.starts[i],
                'refer to the result of task 1 as $1, $1.field, $1["key"] or $1[0]; put other text in quotes',
            )
        if kind in ("name", "word"):
            value = self._constant(i)
            if value is not _NONE:
                return value, i + 1
            if self._variables and self._calculates(i):
                raise Bad("syntax", "a calculation with the loop variable", tokens.starts[i], _VARIABLE_HINT)
            word = tokens.word(i)
            self.report.warn("unquoted", f"`{word[:80]}` taken as text", tokens.starts[i], _QUOTES_HINT)
            return word, i + 1
        raise self._unexpected(i)

    def _constant(self, i: int) -> Any:
        """The constant or number that a word spells, else `_NONE`."""
        word = self.tokens.word(i)
        constant = _CONSTANTS.get(word, _NONE)
        if constant is not _NONE:
            return constant
        try:
            number = read_number(word)
        except BadNumber as error:
            raise Bad(
                "bad-literal", str(error), self.tokens.starts[i], "use a smaller number, or put it in quotes"
            ) from None
        return _NONE if number is None else number

    def _sequence(self, i: int, close: str) -> tuple[list[Value], int]:
        """A list, or a tuple, which is taken as a list.

        list = "[" [ item ( "," item )* [ "," ] ] "]"
        tuple = "(" [ item ( "," item )* [ "," ] ] ")"
        """
        kinds = self._kinds
        opened = i
        items: list[Value] = []
        i += 1
        while kinds[i] != close:
            if kinds[i] == "end":
                raise self._left_open(opened)
            value, i = self.item(i)
            items.append(value)
            if kinds[i] == ",":
                i += 1
            elif kinds[i] not in (close, "end"):
                raise self._unexpected(i)
        return items, i + 1

    def _braces(self, i: int) -> tuple[Value, int]:
        """A dict, or a set, which is taken as a list.

        dict = "{" [ entry ( "," entry )* [ "," ] ] "}"
        entry = ( string+ | identifier | number | constant ) ":" item
        set = "{" item ( "," item )* [ "," ] "}"
        """
        kinds, tokens = self._kinds, self.tokens
        opened = i
        pairs: dict[str, Value] = {}
        items: list[Value] = []
        i += 1
        while kinds[i] != "}":
            if kinds[i] == "end":
                raise self._left_open(opened)
            at = tokens.starts[i]
            after = i + 1
            while kinds[i] == kinds[after] == "str":
                after += 1
            if kinds[after] == ":" and not items:
                key = self._key(i, after)
                if kinds[after + 1] in _STOPS:
                    raise Bad(
                        "syntax",
                        f'no value for "{key[:80]}"',
                        tokens.starts[after],
                        "write a value after `:`",
                    )
                value, i = self.item(after + 1)
                if key in pairs:
                    self.report.warn(
                        "duplicate-argument",
                        f'"{key[:80]}" is given twice; the last one counts',
                        at,
                        "give each key once",
                    )
                pairs[key] = value
            elif pairs:
                raise Bad(
                    "syntax", "an entry without a key", at, 'write a dict as {"key": value, "other": value}'
                )
            else:
                value, i = self.item(i)
                items.append(value)
            if kinds[i] == ",":
                i += 1
            elif kinds[i] not in ("}", "end"):
                raise self._unexpected(i)
        if items:
            self.report.warn(
                "syntax", "a set is taken as a list", tokens.starts[opened], "write lists as [a, b]"
            )
            return items, i + 1
        return pairs, i + 1

    def _key(self, i: int, after: int) -> str:
        kind, tokens = self._kinds[i], self.tokens
        if kind == "str":
            return "".join(self._text(tokens.values[j]) for j in range(i, after))
        if kind in ("name", "word", "var") and "$" not in (word := tokens.word(i)):
            value = self._constant(i)
            if value is None or isinstance(value, bool):
                word = {True: "true", False: "false", None: "null"}[value]
            self.report.warn(
                "unquoted", f"the key `{word[:80]}` is taken as text", tokens.starts[i], "put keys in quotes"
            )
            return word
        raise Bad("syntax", "a key has to be a string", tokens.starts[i], 'write a dict as {"key": value}')

    def _left_open(self, opened: int) -> Bad:
        bracket = self._kinds[opened]
        return Bad(
            "syntax",
            f"`{bracket}` is not closed",
            self.tokens.starts[opened],
            f"close it with `{ {'(': ')', '[': ']', '{': '}'}[bracket] }`",
        )

    # -- strings -------------------------------------------------------------

    def _strings(self, i: int) -> tuple[str | Template, int]:
        """Strings next to each other are one.

        string = [ prefix ] quote ( character | escape | reference )* quote
        """
        kinds, values = self._kinds, self.tokens.values
        first = self._string(values[i])
        i += 1
        if kinds[i] != "str":
            return first, i
        parts: list[str | Ref | Var] = []
        text: list[str] = []
        pieces: list[str | Template] = [first]
        while kinds[i] == "str":
            pieces.append(self._string(values[i]))
            i += 1
        for piece in pieces:
            for part in piece.parts if isinstance(piece, Template) else (piece,):
                if isinstance(part, str):
                    text.append(part)
                    continue
                if plain := "".join(text):
                    parts.append(plain)
                text.clear()
                parts.append(part)
        plain = "".join(text)
        if not parts:
            return plain, i
        return Template((*parts, plain) if plain else tuple(parts)), i

    def _text(self, mark: Mark) -> str:
        """What a string literal stands for, before references are looked for."""
        if mark.quote not in "\"'":
            self.report.warn("syntax", "typographic quotes", mark.start, 'use plain quotes: "')
        prefix = mark.prefix.lower()
        if "f" in prefix or "b" in prefix:
            self.report.warn(
                "syntax",
                f"the prefix `{mark.prefix}` means nothing here; braces stay as they are",
                mark.start,
                "results go into strings as ${1.field}",
            )
        body = self.tokens.text[mark.body : mark.stop]
        return body if "r" in prefix else decode(body)

    def _string(self, mark: Mark) -> str | Template:
        text = self._text(mark)
        if "$" not in text:
            return text
        return self._scan(text, lambda offsets: [
            mark.body + offset
            for offset in source_offsets(
                self.tokens.text[mark.body : mark.stop], offsets, "r" in mark.prefix.lower()
            )
        ])  # fmt: skip

    def _scan(self, text: str, places: Callable[[list[int]], list[int]]) -> str | Template:
        value, problems, found = scan(
            text, self._known, self._variables.__contains__, bare=bool(self._variables)
        )
        events: list[tuple[int, Problem | Ref]] = [(p.at, p) for p in problems]
        events += found
        events.sort(key=lambda event: event[0])
        for at, (_, event) in zip(places([offset for offset, _ in events]), events, strict=True):
            if isinstance(event, Ref):
                self._refer(event, at)
            else:
                (self.report.warn if event.warning else self.report.error)(
                    event.code, event.message, at, event.hint
                )
        return value

    # -- what is not a value -------------------------------------------------

    def _unquoted(self, i: int) -> tuple[str | Template, int]:
        """Text without quotes, up to the next comma or closing bracket outside brackets of its own.

        unquoted = ( word | "(" unquoted ")" | reference | ... )+
        """
        kinds, tokens = self._kinds, self.tokens
        start = i
        at = tokens.starts[i]
        if kinds[i + 1] == "(" and tokens.starts[i + 1] == tokens.ends[i] and _TOOL.match(tokens.word(i)):
            raise Bad(
                "syntax",
                f"the call of `{tokens.word(i)[:80]}` stands inside another call",
                at,
                "give the inner call its own line, and refer to its result by its number, as in $1",
            )
        depth = 0
        while kinds[i] != "end":
            kind = kinds[i]
            if kind in _OPEN:
                depth += 1
            elif kind in _CLOSE:
                if not depth:
                    break
                depth -= 1
            elif kind == "," and not depth:
                break
            elif kind in ("ref", "var") and i > start and self._beside_operator(i):
                raise Bad("syntax", "a calculation with a result", tokens.starts[i], _ARITHMETIC_HINT)
            elif self._variables and self._calculates(i):
                raise Bad("syntax", "a calculation with the loop variable", tokens.starts[i], _VARIABLE_HINT)
            i += 1
        end = tokens.ends[i - 1]
        raw = tokens.text[at:end]
        if _NUMBERS.match(raw):
            raise Bad(
                "syntax", "numbers without commas", at, "put a comma between them, or put them in quotes"
            )
        text = _SPACES.sub(" ", raw)
        self.report.warn("unquoted", f"text without quotes: {text[:60]!r}", at, _QUOTES_HINT)
        if "$" not in text:
            return text, i
        return self._scan(text, lambda offsets: [min(at + offset, end) for offset in offsets]), i

    def _beside_operator(self, i: int) -> bool:
        text, tokens = self.tokens.text, self.tokens
        return text[tokens.ends[i - 1] - 1] in _OPERATORS or (
            self._kinds[i + 1] != "end" and text[tokens.starts[i + 1]] in _OPERATORS
        )

    def _calculates(self, i: int) -> bool:
        """Whether a calculation with a loop variable starts at `i`: `x + 1`, `x*2`, but not `x-ray`."""
        kind, tokens = self._kinds[i], self.tokens
        at = tokens.ends[i]
        if kind == "word":
            word = _IDENTIFIER.match(tokens.text, tokens.starts[i])
            if word is None or word[0] not in self._variables:
                return False
            at = word.end()
        elif kind != "var":
            return False
        match = _CALCULATION.match(tokens.text, at)
        return match is not None and (match["name"] is None or match["name"] in self._variables)

    def _trailing(self, start: int, i: int) -> Bad:
        """The error for what stands at `i`, directly after the value that starts at `start`."""
        kind, tokens = self._kinds[start], self.tokens
        at = tokens.starts[i]
        if self._kinds[i] == "=":
            return Bad(
                "syntax", "the name of an argument has to be a plain word", at, "write it as name=value"
            )
        if tokens.text[at] in _OPERATORS:
            hint = (
                'put the reference inside the string, as in "text ${1}"'
                if kind == "str"
                else _ARITHMETIC_HINT
            )
            return Bad("syntax", "a calculation among the arguments", at, hint)
        if kind == "str":
            hint = 'put a comma between arguments, and write a quote inside a string as \\"'
            return Bad("syntax", "text after a string", at, hint)
        return self._unexpected(i)

    def _unexpected(self, i: int) -> Bad:
        kind, at = self._kinds[i], self.tokens.starts[i]
        if kind == "end":
            return Bad("syntax", "a value is missing", at, "write a value, or leave the comma out")
        return Bad("syntax", f"unexpected `{self.tokens.word(i)[:40]}`", at, _QUOTES_HINT)
