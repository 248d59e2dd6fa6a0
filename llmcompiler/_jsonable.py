"""Any Python value as JSON, without ever raising: for events, prompts and printed results."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import to_json as _to_json
from pydantic_core import to_jsonable_python

_SCALARS = frozenset({str, int, float, bool, type(None), bytes})
_LONGEST_INT = 10_000
"""Bits of the longest whole number that is written in digits. Python refuses a little later, and at millions of
digits the writing itself takes minutes."""


def _fallback(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # a broken __repr__ must not end a run
        return f"<{type(value).__name__}>"


def _holds_iterator(value: Any) -> bool:
    """Whether there is an iterator in `value`: writing it would use it up, and may never end."""
    seen: set[int] = set()
    stack = [value]
    while stack:
        v = stack.pop()
        if type(v) in _SCALARS:
            continue
        if isinstance(v, Iterator):
            return True
        if isinstance(v, (list, tuple, dict, set, frozenset)) and id(v) not in seen:
            seen.add(id(v))
            items = v.values() if isinstance(v, dict) else v
            if not _SCALARS.issuperset(map(type, items)):
                stack.extend(items)
    return False


def _without_iterators(value: Any) -> Any:
    if isinstance(value, Iterator):
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        return {k: _without_iterators(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_without_iterators(v) for v in value]
    return value


def to_jsonable(value: Any) -> Any:
    """`value` as JSON types: records as objects, what JSON can not hold as its `repr`. Never raises.

    Numbers stay what they are, also those that no JSON number can be: see `dumps`. Iterators are not read.
    """
    if type(value) in _SCALARS and not isinstance(value, bytes):
        return value
    try:
        if _holds_iterator(value):
            value = _without_iterators(value)
        return to_jsonable_python(value, fallback=_fallback, bytes_mode="base64", inf_nan_mode="strings")
    except Exception:  # circular, broken model, recursion: the repr still tells what it was
        return _fallback(value)


def to_text(value: Any) -> str:
    """`value` as one would interpolate it into a sentence: strings as they are, the rest as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return str(value)
    if isinstance(value, int):
        return json.dumps(_number(value)).strip('"')
    if isinstance(value, Iterator):
        return str(_without_iterators(value))
    try:
        if _holds_iterator(value):
            value = _without_iterators(value)
        return _to_json(value, fallback=_fallback, bytes_mode="base64", inf_nan_mode="constants").decode()
    except Exception:  # see to_jsonable
        return _fallback(value)


def error_to_dict(error: BaseException) -> dict[str, str]:
    """Type and text of an error, even of one whose `__str__` fails."""
    try:
        message = str(error)
    except Exception:  # see _fallback
        message = ""
    return {"type": type(error).__name__, "message": message}


def describe_error(error: BaseException) -> str:
    """Type and text of an error in one piece, even of one whose `__str__` fails."""
    told = error_to_dict(error)
    return f"{told['type']}: {told['message']}" if told["message"] else told["type"]


def dumps(value: Any, indent: int | None = None, *, ascii_only: bool = False) -> str:
    """What `to_jsonable` gave, as JSON text that can be written as UTF-8 and that any parser reads. Never raises.

    `NaN`, infinite numbers and whole numbers of thousands of digits, which parsers refuse, are written as strings.
    """
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only, allow_nan=False)
        text.encode()
    except UnicodeEncodeError:  # lone surrogates
        return dumps(value, indent, ascii_only=True)
    except (ValueError, RecursionError):
        return json.dumps(_strict(value), indent=indent, ensure_ascii=True, allow_nan=False)
    return text


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _strict(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(v) for v in value]
    return _number(value) if isinstance(value, (int, float)) else value


def _number(value: float) -> float | str:
    if isinstance(value, int) and value.bit_length() > _LONGEST_INT:
        return f"<a number of about {int(value.bit_length() * math.log10(2)) + 1:,} digits>"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
