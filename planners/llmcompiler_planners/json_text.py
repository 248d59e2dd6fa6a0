"""JSON text as models write it: what is odd but readable, what can not be read, and where things stand in it.

Nothing here knows plans or tools.
"""

from __future__ import annotations

import json
import re
from itertools import zip_longest
from typing import Any

from llmcompiler.language.json_values import short

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\]:,]|[^\s{}\[\]:,"]++', re.DOTALL)
_ESCAPE = re.compile(r'\\(?:(["\\/bfnrtu])|(.))', re.DOTALL)
_WORDS = {"True": "true", "False": "false", "None": "null"}


class BadJSON(ValueError):
    """Text that is no JSON, or holds what a plan can not."""

    def __init__(self, code: str, message: str, hint: str, at: int = 0) -> None:
        self.code = code
        self.hint = hint
        self.at = at
        super().__init__(message)


def load(text: str) -> tuple[Any, list[str]]:
    """The data in JSON text, and what is odd but readable about it.

    A comma before a closing bracket, an escape that JSON does not have, raw line ends in strings and Python's `None`,
    `True` and `False` are read.

    Raises:
        BadJSON: It can not be read.
    """
    odd: list[str] = []
    try:
        return _loads(text), odd
    except json.JSONDecodeError as first:
        parts = [match[0] for match in _TOKEN.finditer(text)]
        mended = " ".join(
            _ESCAPE.sub(lambda m: m[0] if m[1] else m[2], part) if part[0] == '"' else _WORDS.get(part, part)
            for part, after in zip_longest(parts, parts[1:], fillvalue="")
            if not (part == "," and after in ("}", "]"))
        )
        try:
            data = _loads(mended)
        except json.JSONDecodeError:
            raise BadJSON(
                "syntax", f"this is not JSON: {first.msg}", "write it as JSON, with double quotes", first.pos
            ) from None
        odd.append(
            "a comma before a closing bracket, a Python word or a strange escape is not JSON; read all the same"
        )
        return data, odd


def _loads(text: str) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            seen: set[str] = set()
            twice = next(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise BadJSON(
                "duplicate-argument", f"the key {short(twice)} stands twice in one object", "keep one"
            )
        return found

    try:
        return json.loads(text, strict=False, object_pairs_hook=pairs, parse_constant=_no_constant)
    except (json.JSONDecodeError, BadJSON):
        raise
    except RecursionError:
        raise BadJSON(
            "too-deep", "the JSON is nested too deep to be read", "nest lists and objects less"
        ) from None
    except ValueError as e:  # an integer of more digits than Python converts
        raise BadJSON(
            "bad-literal", f"a number can not be represented: {e}", "use a smaller number, or text"
        ) from None


def _no_constant(word: str) -> Any:
    raise BadJSON("bad-literal", f"`{word}` is not a number that a plan can hold", "use a finite number")


def key_offsets(text: str, depth: int = 2) -> dict[str, int]:
    """Where the values of an object's keys start in JSON text, by `key` and, down to `depth`, by `key.key`."""
    found: dict[str, int] = {}
    path: list[str] = []
    stack: list[str] = []
    last = due = ""
    for match in _TOKEN.finditer(text):
        part = match[0]
        if due:
            found.setdefault(due, match.start())
            due = ""
        if part in ("{", "["):
            stack.append(part)
            path.append("")
        elif part in ("}", "]"):
            if stack:
                stack.pop()
                path.pop()
        elif part == ":" and last and len(stack) <= depth and stack.count("{") == len(stack) > 0:
            path[-1] = last[1:-1]
            due = ".".join(path)
        last = part if part[0] == '"' else ""
    return found


__all__ = ["BadJSON", "key_offsets", "load"]
