"""What an argument of a planned call can be: literals, references and templates.

Values are immutable by convention: code that changes one makes a new one. Nothing here parses text,
looks at results or knows tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PathStep = str | int
"""A field name or key (`str`), or an index into a list (`int`, negative from the end)."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def _path_text(path: tuple[PathStep, ...]) -> str:
    out = []
    for step in path:
        if isinstance(step, int):
            out.append(f"[{step}]")
        elif _NAME.match(step):
            out.append(f".{step}")
        else:
            out.append(f"[{quote(step)}]")
    return "".join(out)


def quote(text: str) -> str:
    """`text` as a string literal of the plan language: double quotes and JSON escapes."""
    out = ['"']
    for ch in text:
        if ch in _ESCAPES:
            out.append(_ESCAPES[ch])
        elif ch.isprintable():
            out.append(ch)
        else:
            code = ord(ch)
            out.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    out.append('"')
    return "".join(out)


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of an earlier task, or a part of it: `$1`, `$1.height`, `$1["k"][0]`."""

    task: int
    path: tuple[PathStep, ...] = ()

    def __str__(self) -> str:
        return f"${self.task}{_path_text(self.path)}"

    @property
    def braced(self) -> str:
        """The form used inside strings: `${1.height}`."""
        return f"${{{self.task}{_path_text(self.path)}}}"


@dataclass(frozen=True, slots=True)
class Var:
    """The loop variable of a `for` task, or a part of it: `city`, `city.name`."""

    name: str
    path: tuple[PathStep, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}{_path_text(self.path)}"

    @property
    def braced(self) -> str:
        """The form used inside strings: `${city.name}`."""
        return f"${{{self.name}{_path_text(self.path)}}}"


@dataclass(frozen=True, slots=True)
class Template:
    """A string with references in it; text and references take turns as they stand in the string."""

    parts: tuple[str | Ref | Var, ...]

    def __str__(self) -> str:
        return "".join(p.replace("$", "$$") if isinstance(p, str) else p.braced for p in self.parts)


Value = Any
"""A literal (`None`, `bool`, `int`, `float`, `str`), a `Ref`, `Var` or `Template`, or a list or dict of values."""


def references(value: Value) -> Iterator[Ref]:
    """Every reference in `value`, in order, at any depth (no recursion, so depth is no danger)."""
    stack = [value]
    while stack:
        v = stack.pop()
        if isinstance(v, Ref):
            yield v
        elif isinstance(v, Template):
            stack.extend(p for p in reversed(v.parts) if not isinstance(p, str))
        elif isinstance(v, (list, tuple)):
            stack.extend(reversed(v))
        elif isinstance(v, Mapping):
            stack.extend(reversed(list(v.values())))


def variables(value: Value) -> Iterator[Var]:
    """Every loop variable in `value`, in order, at any depth."""
    stack = [value]
    while stack:
        v = stack.pop()
        if isinstance(v, Var):
            yield v
        elif isinstance(v, Template):
            stack.extend(reversed(v.parts))
        elif isinstance(v, (list, tuple)):
            stack.extend(reversed(v))
        elif isinstance(v, Mapping):
            stack.extend(reversed(list(v.values())))


def is_literal(value: Value) -> bool:
    """Whether `value` holds no reference, variable or template at any depth."""
    stack = [value]
    while stack:
        v = stack.pop()
        if isinstance(v, (Ref, Var, Template)):
            return False
        if isinstance(v, (list, tuple)):
            stack.extend(v)
        elif isinstance(v, Mapping):
            stack.extend(v.values())
    return True


def has_variable(value: Value) -> bool:
    """Whether `value` holds a loop variable at any depth."""
    return next(variables(value), None) is not None
