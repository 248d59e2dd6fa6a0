"""Reading the values inside the JSON form of a plan: literals, and the `$ref`, `$var`, `$template`, `$dict` forms.

Problems are collected, each with its place; nothing here raises for bad input. Plans and tasks are read in
`jsonform`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from ..diagnostics import Diagnostic
from ..values import Ref, Value, Var
from .heads import JOINS
from .references import MAX_ID, parse_reference, parse_template, parse_variable
from .tokens import MAX_DEPTH

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_RESERVED = frozenset({"and", "or", "not", "in", "is", "True", "False", "None", "true", "false", "null"})

_TOO_LONG = 10**4300  # the text form has the same limit, counted with the sign

_REF_HINT = 'a reference is {"$ref": "1.height"}, {"$ref": "1[0].name"} or {"$ref": "1"}'
_DICT_HINT = 'a dict with keys that begin with "$" is written {"$dict": [[key, value], ...]}'
_TOOL = re.compile(r"[^\W\d][\w.\-]*\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def is_tool_name(text: str) -> bool:
    """Whether `text` can be the name of a tool in a plan."""
    return bool(_TOOL.match(text)) and text not in JOINS and text not in ("for", "if")


def is_argument_name(text: str) -> bool:
    """Whether `text` can be a key of `Task.args`: a name, or a position counted from 0."""
    if text.isascii() and text.isdigit():
        return len(text) < 7 and text == str(int(text))
    return bool(_TOOL.match(text))


def is_variable_name(text: str) -> bool:
    """Whether `text` can be a loop variable."""
    return bool(_NAME.match(text)) and text not in _RESERVED


def short(value: object) -> str:
    """`value` for a message: JSON-like, and never long."""
    if isinstance(value, (Mapping, list, tuple)):
        return "an object" if isinstance(value, Mapping) else "a list"
    if isinstance(value, str):
        text = value if len(value) <= 40 else value[:40] + "..."
        return json.dumps(text)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and value.bit_length() > 200:
        return "a very long integer"
    text = repr(value) if isinstance(value, (int, float)) else f"a {type(value).__name__}"
    return text[:60]


def at(place: str, key: str) -> str:
    """The place of a key inside `place`, for messages."""
    if key.isidentifier() and len(key) <= 40:
        return f"{place}.{key}"
    return f"{place}[{short(key)}]"


def is_int(value: object) -> TypeGuard[int]:
    """Whether `value` is an integer and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def joined(text: str) -> str:
    """`text` with each pair of surrogates made the character it encodes: plan text has no way to keep them apart."""
    if text.isascii():
        return text
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


class ValueReader:
    """Reads values; `problems` has everything wrong so far, `task_id` the task it is put down to."""

    def __init__(self) -> None:
        self.problems: list[Diagnostic] = []
        self.task_id: int | None = None

    def report(self, code: str, place: str, problem: str, hint: str = "") -> None:
        """Add a problem at `place`."""
        self.problems.append(
            Diagnostic(
                code=code, message=f"{place}: {problem}", line=0, column=0, hint=hint, task_id=self.task_id
            )
        )

    def value(self, data: Any, place: str, depth: int = 0) -> Value:
        """The value that `data` stands for; None where it is reported as a problem."""
        if data is None or isinstance(data, bool):
            return data
        if isinstance(data, str):
            return joined(data)
        if isinstance(data, (int, float)):
            return self._number(data, place)
        if not isinstance(data, (list, tuple, Mapping)):
            self.report("bad-literal", place, f"{short(data)} is not a JSON value", "use JSON values")
            return None
        special = False
        if isinstance(data, Mapping):
            special = any(isinstance(key, str) and key.startswith("$") for key in data)
            if special and "$dict" not in data:
                return self._leaf(data, place)
        if depth >= MAX_DEPTH:
            self.report("too-deep", place, f"nested more than {MAX_DEPTH} deep", "use flatter values")
            return None
        if isinstance(data, (list, tuple)):
            return [self.value(item, f"{place}[{i}]", depth + 1) for i, item in enumerate(data)]
        if special:
            return self._dict(data, place, depth)
        found = {}
        for key, item in data.items():
            if not isinstance(key, str):
                self.report("bad-literal", place, f"the key {short(key)} is not text", "use text for keys")
                continue
            found[joined(key)] = self.value(item, at(place, key), depth + 1)
        return found

    def _number(self, value: int | float, place: str) -> int | float | None:
        if isinstance(value, float):
            if math.isfinite(value):
                return float(value)
            self.report("bad-literal", place, "the number is infinite or not a number", "use a finite number")
            return None
        if not -_TOO_LONG // 10 < value < _TOO_LONG:
            self.report("bad-literal", place, "the integer is too long", "use at most 4299 digits, or text")
            return None
        return int(value)

    def _leaf(self, data: Mapping[Any, Any], place: str) -> Value:
        """`{"$ref": ...}`, `{"$var": ...}` or `{"$template": ...}`."""
        if not self._alone(data, place):
            return None
        ((key, held),) = data.items()
        if key == "$ref":
            return self.ref(held, place)
        if key == "$var":
            return self._var(held, place)
        if key == "$template":
            return self._template(held, place)
        self.report(
            "syntax",
            place,
            f"unknown form {short(key)}",
            f"the forms are $ref, $var, $template; {_DICT_HINT}",
        )
        return None

    def _alone(self, data: Mapping[Any, Any], place: str) -> bool:
        if len(data) == 1:
            return True
        key = next(k for k in data if isinstance(k, str) and k.startswith("$"))
        self.report("syntax", place, f"{short(key)} stands beside other keys", _DICT_HINT)
        return False

    def _var(self, data: Any, place: str) -> Var | None:
        hint = 'give the name of the loop variable, like "city" or "city.name"'
        if not isinstance(data, str):
            self.report("bad-reference", place, f"text is needed, not {short(data)}", hint)
            return None
        var: Var | None = self.parsed(parse_variable, joined(data), place, "bad-reference", hint)
        return var

    def _template(self, data: Any, place: str) -> Value:
        hint = "write references as ${1.height} and a dollar sign as $$"
        if not isinstance(data, str):
            self.report("bad-reference", place, f"text is needed, not {short(data)}", hint)
            return None
        return self.parsed(parse_template, joined(data), place, "bad-reference", hint)

    def _dict(self, form: Mapping[Any, Any], place: str, depth: int) -> Value:
        """`{"$dict": [[key, value], ...]}`."""
        if not self._alone(form, place):
            return None
        found: dict[str, Value] = {}
        data = form["$dict"]
        if not isinstance(data, (list, tuple)):
            self.report("syntax", place, f"$dict needs a list, not {short(data)}", "give [[key, value], ...]")
            return None
        for i, pair in enumerate(data):
            if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str):
                self.report(
                    "syntax", f"{place}.$dict[{i}]", "a pair of text and value is needed", "give [key, value]"
                )
            elif joined(pair[0]) in found:
                self.report(
                    "syntax", f"{place}.$dict[{i}]", f"the key {short(pair[0])} stands twice", "keep one"
                )
            else:
                found[joined(pair[0])] = self.value(pair[1], at(place, pair[0]), depth + 1)
        return found

    def ref(self, data: Any, place: str) -> Ref | None:
        """The reference that the content of a `$ref` stands for."""
        if is_int(data) and 0 <= data <= MAX_ID:
            data = str(data)
        if not isinstance(data, str):
            self.report("bad-reference", place, f"text is needed, not {short(data)}", _REF_HINT)
            return None
        bare = data[2:-1] if data.startswith("${") and data.endswith("}") else data.removeprefix("$")
        ref: Ref | None = self.parsed(parse_reference, joined(bare), place, "bad-reference", _REF_HINT)
        return ref

    def parsed(self, parse: Callable[[str], Any], text: str, place: str, code: str, hint: str) -> Any:
        """`parse(text)`, or None with its problems reported at `place`."""
        try:
            return parse(text)
        except ValueError as exc:
            self.report(code, place, str(exc), hint)
        return None
