"""One written form for equal values, told apart as a tool would tell them apart. Pure.

`1`, `1.0` and `True` differ, a list and a tuple differ, and so do two dicts whose keys come in another order: a
function can see all of that. What has no such form (an object of some class of its own, a lock, an array) is refused
rather than guessed at.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from pydantic_core import TzInfo

_DEEPEST = 100
_LONGEST = 200_000
"""Pieces a form may have: beyond that, writing it down takes longer than it is worth."""

_BUILT_IN = (str, bytes, bytearray, int, float, complex, list, tuple, dict, set, frozenset)
_AS_TEXT = (Decimal, Fraction, UUID)


class NotCanonical(TypeError):
    """The value has no canonical form."""


class Form(NamedTuple):
    """Equal for values that no function of them could tell apart."""

    digest: bytes
    """SHA-256 of the written form: it is as long for a large value, and tells nothing of a secret one."""
    kinds: tuple[type, ...]
    """Classes in it that can not be named, as they are defined inside a function."""

    @property
    def lasting(self) -> bool:
        """Whether the digest means the same in another process."""
        return not self.kinds


def canonical(value: Any) -> Form:
    """The canonical form of a value.

    Plain values, containers of them, enums, dates, decimals, UUIDs, paths, URLs, dataclasses, named tuples and pydantic
    models have one.

    Raises:
        NotCanonical: There is none, or the value is too large or too deep.

    ```python
    from llmcompiler.sharing.canonical import canonical

    assert canonical({"a": [1]}) == canonical({"a": [1]})
    assert canonical([1]) != canonical([1.0]) != canonical([True])
    ```
    """
    writer = _Writer()
    try:
        writer.put(value, 0)
    except NotCanonical:
        raise
    except Exception as e:  # a field that was deleted, a property of the user's own that raises
        raise NotCanonical(f"{type(value).__name__} has no canonical form") from e
    return Form(hashlib.sha256(b"".join(writer.out)).digest(), tuple(dict.fromkeys(writer.kinds)))


def key_name(key: Hashable) -> str:
    """A text that names a resource key in every process, the same for keys that are equal.

    Raises:
        NotCanonical: The key is not made of texts, bytes, numbers, None, enums and tuples or frozensets of these.
    """
    return canonical(_as_key(key)).digest.hex()


def _as_key(key: Any) -> Any:
    # Keys overlap where they are equal: 1, 1.0 and True are one key, and so are a `str` enum's member and its text.
    if isinstance(key, Enum) and isinstance(key, (str, int, float)):
        key = key.value
    kind = type(key)
    if kind in (str, bytes, type(None)) or isinstance(key, Enum):
        return key
    if kind in (bool, int, float):
        return int(key) if key == key and abs(key) != float("inf") and key == int(key) else key
    if kind is tuple:
        return tuple(map(_as_key, key))
    if kind is frozenset:
        return frozenset(map(_as_key, key))
    raise NotCanonical(f"a resource key of type {kind.__name__} has no name of its own")


class _Writer:
    """Writes values one after another. Every piece says its kind and its length, so no two values look alike."""

    __slots__ = ("kinds", "out")

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.kinds: list[type] = []

    def put(self, v: Any, depth: int) -> None:
        kind = type(v)
        if kind is str:
            self._bytes(b"s", v.encode("utf-8", "surrogatepass"))
        elif v is None:
            self.out.append(b"n")
        elif kind is bool:
            self.out.append(b"T" if v else b"F")
        elif kind is int:
            self.out.append(b"i%x;" % v)  # Python refuses to write thousands of decimal digits
        elif kind is float:
            self.out.append(b"f" + (v.hex().encode() if v == v else b"nan") + b";")
        elif kind is list:
            self._items(b"l", v, len(v), depth)
        elif kind is dict:
            self._pairs(b"d", v, depth)
        elif kind is tuple:
            self._items(b"t", v, len(v), depth)
        else:
            self._other(v, kind, depth)

    def _bytes(self, tag: bytes, data: bytes) -> None:
        self.out.append(b"%s%d:" % (tag, len(data)))
        self.out.append(data)

    def _items(self, tag: bytes, items: Iterable[Any], count: int, depth: int) -> None:
        if depth >= _DEEPEST or count + len(self.out) > _LONGEST:
            raise NotCanonical("the value is too large or too deep")
        self.out.append(b"%s%d:" % (tag, count))
        for item in items:
            self.put(item, depth + 1)

    def _pairs(self, tag: bytes, pairs: Mapping[Any, Any], depth: int) -> None:
        self._items(tag, (part for pair in pairs.items() for part in pair), 2 * len(pairs), depth)

    def _other(self, v: Any, kind: type, depth: int) -> None:
        if kind is bytes or kind is bytearray:
            self._bytes(b"b" if kind is bytes else b"B", bytes(v))
        elif kind is set or kind is frozenset:
            self._set(b"S" if kind is set else b"Z", v, depth)
        elif kind is complex:
            self._items(b"c", (v.real, v.imag), 2, depth)
        elif isinstance(v, Enum):
            self._kind(b"e", kind)
            self.put(v._value_, depth + 1)
        elif isinstance(v, tuple) and hasattr(kind, "_fields"):
            self._kind(b"m", kind)
            self._items(b"t", v, len(v), depth)
        elif isinstance(v, _BUILT_IN):
            raise NotCanonical(f"{kind.__name__} is a class of its own")
        elif dataclasses.is_dataclass(v):
            self._dataclass(v, kind, depth)
        elif isinstance(v, BaseModel):
            self._kind(b"p", kind)
            self._pairs(b"d", v.__dict__, depth)
            self.put(v.__pydantic_extra__, depth + 1)
            self.put(v.__pydantic_private__, depth + 1)
            self.put(v.__pydantic_fields_set__, depth + 1)
        else:
            self._library(v, kind, depth)

    def _set(self, tag: bytes, members: Iterable[Any], depth: int) -> None:
        before, written = self.out, []
        for member in members:
            self.out = []
            self.put(member, depth + 1)
            written.append(b"".join(self.out))
        self.out = before
        self._items(tag, (), 0, depth)
        for data in sorted(written):
            self._bytes(b"x", data)
        self.out.append(b";")

    def _dataclass(self, v: Any, kind: type, depth: int) -> None:
        names = [f.name for f in dataclasses.fields(v)]
        if not set(getattr(v, "__dict__", ())) <= set(names):
            raise NotCanonical(f"{kind.__name__} holds more than its fields")
        self._kind(b"D", kind)
        self._pairs(b"d", {name: getattr(v, name) for name in names}, depth)

    def _library(self, v: Any, kind: type, depth: int) -> None:
        """Values of the standard library and of pydantic that are written as text."""
        if (
            kind in _AS_TEXT
            or isinstance(v, PurePath)
            or kind.__module__ in ("ipaddress", "pydantic.networks")
        ):
            self._kind(b"x", kind)
            self.put(str(v), depth + 1)
        elif kind is timedelta:
            self._items(b"w", (v.days, v.seconds, v.microseconds), 3, depth)
        elif kind is date:
            self._bytes(b"a", v.isoformat().encode())
        elif kind is datetime or kind is time:
            zone = v.tzinfo
            self._bytes(b"A" if kind is datetime else b"h", v.replace(tzinfo=None).isoformat().encode())
            self.put(v.fold, depth + 1)
            self.put(zone, depth + 1)
        elif kind is timezone:
            self._bytes(b"z", repr(v).encode())
        elif kind is TzInfo and not v.utcoffset(None):
            self._bytes(b"z", repr(UTC).encode())  # what pydantic makes of `Z` is UTC in all that shows
        elif kind is ZoneInfo and v.key is not None:
            self._bytes(b"Y", v.key.encode())
        elif kind is range:
            self._items(b"r", (v.start, v.stop, v.step), 3, depth)
        else:
            raise NotCanonical(f"{kind.__name__} has no canonical form")

    def _kind(self, tag: bytes, kind: type) -> None:
        self._bytes(tag, f"{kind.__module__}:{kind.__qualname__}".encode())
        if not is_named(kind):
            self.kinds.append(kind)


def is_named(what: Any) -> bool:
    """Whether a class or function is what its module has under its name: whoever imports that gets this very thing."""
    found: Any = sys.modules.get(what.__module__)
    for name in what.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is what
