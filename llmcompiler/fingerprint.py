"""A fingerprint of one call: the tool's name and exactly these arguments. Pure, and it never fails on a value.

For arguments that JSON can hold it is the SHA-256 of their canonical JSON, which anybody can work out again. What JSON
can not hold is told apart by its type and everything it holds.
"""

from __future__ import annotations

import copyreg
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST_INT = 4_000  # digits, nearly: Python refuses to write longer ones


def digest(tool: str, arguments: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of `{"arguments":{...},"tool":"..."}`: keys sorted, no spaces, ASCII.

    It changes whenever the arguments do: `1`, `1.0`, `True` and `"1"` differ, as do a list and a tuple. Values that
    JSON can not hold count with their type and content; those that show none of it with their `repr`.

    ```python
    import hashlib

    from llmcompiler.fingerprint import digest

    text = '{"arguments":{"body":"Hi","to":"ann"},"tool":"send_mail"}'
    assert digest("send_mail", {"to": "ann", "body": "Hi"}) == hashlib.sha256(text.encode()).hexdigest()
    ```
    """
    return _hash({"arguments": dict(arguments), "tool": tool})


def _hash(value: Any) -> str:
    made = hashlib.sha256()
    for piece in _pieces(value):
        made.update(piece.encode())
    return made.hexdigest()


class _Text(str):
    """A piece of the result, not a value."""

    __slots__ = ()


class _Leave:
    """Marks the end of a container."""

    __slots__ = ("of",)

    def __init__(self, of: int) -> None:
        self.of = of


def _pieces(value: Any) -> Iterator[str]:
    # With a stack of its own: arguments may be nested deeper than Python can recurse.
    stack: list[Any] = [value]
    inside: dict[
        int, int
    ] = {}  # what contains the value at hand, by depth: for values that contain themselves
    kept: list[Any] = []  # what was made on the way stays, or its id could be given to something else
    while stack:
        v = stack.pop()
        if type(v) is _Text:
            yield v
            continue
        if type(v) is _Leave:
            del inside[v.of]
            continue
        plain = _scalar(v)
        if plain is not None:
            yield plain
            continue
        if id(v) in inside:
            yield _tagged("again", json.dumps(inside[id(v)]))
            continue
        inside[id(v)] = len(inside)
        kept.append(v)
        stack.append(_Leave(id(v)))
        stack.extend(reversed(_parts(v)))


def _scalar(v: Any) -> str | None:
    """The text of a value that holds no other; None for all others."""
    kind = type(v)
    if v is None or kind is bool or kind is str:
        return json.dumps(v)
    if kind is int:
        return str(v) if v.bit_length() < 3 * _LONGEST_INT else _tagged("int", json.dumps(hex(v)))
    if kind is float:
        return json.dumps(v) if math.isfinite(v) else _tagged("float", json.dumps(str(v)))
    if kind is bytes:
        return _tagged("bytes", json.dumps(v.hex()))
    if isinstance(v, type):
        return _tagged("type", json.dumps(f"{v.__module__}.{v.__qualname__}"))
    return None


def _tagged(kind: str, text: str) -> str:
    return f'{{"$type":{json.dumps(kind)},"value":{text}}}'


def _parts(v: Any) -> list[Any]:
    """A value that holds others, as text and the values in it."""
    kind = type(v)
    if kind is list:
        return _listed("[", v, "]")
    if kind is dict:
        # A dict that looks like a tag is written as a list of pairs, so that it can not be taken for one.
        if all(type(k) is str for k in v) and "$type" not in v:
            out: list[Any] = [_Text("{")]
            for n, key in enumerate(sorted(v)):
                out += [_Text(("," if n else "") + json.dumps(key) + ":"), v[key]]
            return [*out, _Text("}")]
        pairs = sorted(v.items(), key=lambda pair: _hash(pair[0]))
        return _listed('{"$type":"dict","value":[', [x for pair in pairs for x in pair], "]}")
    if kind is tuple:
        return _listed('{"$type":"tuple","value":[', v, "]}")
    if kind in (set, frozenset):
        return _listed(f'{{"$type":"{kind.__name__}","value":[', sorted(v, key=_hash), "]}")
    head = f'{{"$type":{json.dumps(f"{kind.__module__}.{kind.__qualname__}")},"value":['
    return _listed(head, _content(v), "]}")


def _listed(head: str, values: Any, tail: str) -> list[Any]:
    out: list[Any] = [_Text(head)]
    for n, value in enumerate(values):
        if n:
            out.append(_Text(","))
        out.append(value)
    return [*out, _Text(tail)]


def _content(v: Any) -> list[Any]:
    """Everything an object shows of itself."""
    try:
        with memoryview(v) as view:  # arrays: their `repr` leaves out the middle
            return [view.format, list(view.shape or ()), hashlib.sha256(view.tobytes()).hexdigest()]
    except Exception:  # no array
        return _state(v)


def _state(v: Any) -> list[Any]:
    try:
        known = copyreg.dispatch_table.get(type(v))
        reduced = v.__reduce_ex__(4) if known is None else known(v)
    except Exception:  # locks, generators, connections: they have no content, only an identity
        return [_repr(v), *_own(v)]
    if not isinstance(reduced, tuple):
        return [reduced]
    # What would make a copy: a function, its arguments, the state; then the items of a list and of a dict.
    out = [getattr(reduced[0], "__qualname__", ""), *reduced[1:3]]
    return out + [list(more) for more in reduced[3:5] if more is not None]


def _own(v: Any) -> list[Any]:
    try:
        return [dict(vars(v))]
    except Exception:  # no `__dict__`, or one that is not to be read
        return []


def _repr(v: Any) -> str:
    try:
        return repr(v)
    except Exception:  # a broken __repr__ must not let a call through unseen
        return f"<{type(v).__qualname__} at {id(v):x}>"
