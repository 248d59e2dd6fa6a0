"""Text that is safe and short enough to show: control characters made visible, values cut to a glance.

Everything is bounded by the length asked for, never by the size of the value: a result of 50 MB costs as much as one
of 50 bytes.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Set
from enum import Enum
from itertools import islice
from typing import Any

from ..guards import Guard
from ..plan import Task
from ..values import Ref, Template, Var

# C0 and C1 controls (escape sequences, carriage returns), lone surrogates, line separators, and the marks that reorder
# or hide text: shown as escapes, so that a result can not move the cursor, recolour the screen or disguise itself.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_UNSAFE_LINE = re.compile(_UNSAFE.pattern[:-1] + "\t\n]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    ch = match.group()
    return _NAMED.get(ch) or (f"\\x{ord(ch):02x}" if ord(ch) < 256 else f"\\u{ord(ch):04x}")


def harmless(text: str) -> str:
    """`text` with its lines and tabs, and every other control character as an escape."""
    return _UNSAFE.sub(_escape, text.replace("\r\n", "\n"))


def one_line(text: str, limit: int = 500) -> str:
    """The first `limit` characters of `text` on one line, control characters as escapes."""
    return _UNSAFE_LINE.sub(_escape, text[:limit]) + ("..." if len(text) > limit else "")


def preview(value: Any, limit: int = 80) -> str:
    """A value at a glance, in about `limit` characters: a text as it is, records as `{name: "x"}`."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return one_line(value[: 4 * limit].strip(), limit)
    return _short(value, limit)


def call_text(task: Task, limit: int = 160) -> str:
    """The call of a task at a glance: `search("Everest")`; names are left out where there is one argument."""
    head = ""
    if task.each is not None:
        head = f"for {task.each.name} in {_short(task.each.source, 60)}: "
    if task.when is not None:
        head += f"if {_guard(task.when)}: "
    named = len(task.args) > 1
    share = max(24, limit // max(1, len(task.args)))
    args = []
    for k, v in islice(task.args.items(), 12):
        text = _short(v, share)
        args.append(f"{k}={text}" if named and not k.isdigit() else text)
    if len(task.args) > 12:
        args.append("...")
    return one_line(f"{head}{task.tool}({', '.join(args)})", limit)


def _guard(guard: Guard) -> str:
    from ..guards import Compare, Not, Truth

    if isinstance(guard, Compare):
        return f"{_short(guard.left, 30)} {guard.op} {_short(guard.right, 30)}"
    if isinstance(guard, Truth):
        return _short(guard.value, 30)
    if isinstance(guard, Not):
        return f"not ({_guard(guard.operand)})"
    return f" {guard.op} ".join(f"({_guard(g)})" for g in guard.operands[:3])


class _Full(Exception):
    pass


class _Writer:
    """Writes a value until the limit is reached; nesting is bounded, so that a cycle ends."""

    def __init__(self, limit: int) -> None:
        self.out: list[str] = []
        self.left = limit

    def put(self, text: str) -> None:
        if len(text) > self.left:
            self.out.append(text[: max(0, self.left)] + "...")
            raise _Full
        self.left -= len(text)
        self.out.append(text)

    def write(self, value: Any, depth: int = 0) -> None:
        if isinstance(value, Enum):
            value = value.value
        if value is None or isinstance(value, bool):
            self.put({None: "null", True: "true", False: "false"}[value])
        elif isinstance(value, str):
            cut = one_line(value[: self.left + 1], self.left + 1).replace('"', '\\"')
            self.put(f'"{cut}')
            self.put('"')
        elif isinstance(value, (int, float)):
            self.put(_number(value))
        elif isinstance(value, (Ref, Var)):
            self.put(str(value))
        elif isinstance(value, Template):
            self.put(f'"{one_line(str(value), self.left + 1)}"')
        elif isinstance(value, (bytes, bytearray, memoryview)):
            self.put(f"<{len(value):,} bytes>")
        elif depth >= 4:
            self.put("...")
        elif isinstance(value, Mapping):
            self.items(((str(k), v) for k, v in value.items()), len(value), "{}", depth)
        elif isinstance(value, (list, tuple, Set)) and not hasattr(value, "_fields"):
            self.items(((None, v) for v in value), len(value), "[]", depth)
        elif (fields := _fields(value)) is not None:
            self.items(iter(fields.items()), len(fields), "{}", depth)
        else:
            self.put(one_line(repr(value), self.left + 1))

    def items(self, pairs: Iterable[tuple[str | None, Any]], size: int, brackets: str, depth: int) -> None:
        self.put(brackets[0])
        for k, (key, v) in enumerate(pairs):
            if k:
                self.put(", ")
            if self.left < 12 and k:
                self.put(f"+{size - k}")
                break
            if key is not None:
                self.put(f"{one_line(key, 40)}: ")
            self.write(v, depth + 1)
        self.put(brackets[1])


def _short(value: Any, limit: int) -> str:
    writer = _Writer(limit)
    try:
        writer.write(value)
    except _Full:
        pass
    except Exception:  # a broken __repr__ or property of the user's must not end the display
        writer.out.append(f"<{type(value).__name__}>")
    return "".join(writer.out)


def _number(value: float) -> str:
    if isinstance(value, int):
        # Python refuses to print integers of more than a few thousand digits.
        return str(value) if value.bit_length() < 10_000 else f"<integer of {value.bit_length():,} bits>"
    text = repr(value)
    return (
        text
        if len(text) <= 10
        else f"{value:.6g}"
        if abs(value) < 1e6
        else f"{value:.2f}"
        if abs(value) < 1e15
        else text
    )


def _fields(value: Any) -> dict[str, Any] | None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.repr}
    if hasattr(type(value), "model_fields"):
        return dict(vars(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=False))
    return None


def seconds(value: float) -> str:
    """A duration in a few characters, with its unit: `8.1 ms`, `1.23 s`, `2 min 05 s`."""
    if value < 0.0995:
        return f"{value * 1000:.1f} ms" if value < 0.00995 else f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60):02d} s"


def plural(n: int, word: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
