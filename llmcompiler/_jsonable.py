"""Any Python value as JSON, without ever raising: for events, prompts and printed results."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_json as _to_json
from pydantic_core import to_jsonable_python


def _fallback(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # a broken __repr__ must not end a run
        return f"<{type(value).__name__}>"


def to_jsonable(value: Any) -> Any:
    """`value` as JSON types: records as objects, what JSON can not hold as its `repr`. Never raises."""
    try:
        return to_jsonable_python(value, fallback=_fallback, bytes_mode="base64", inf_nan_mode="strings")
    except Exception:  # circular, broken model, recursion: the repr still tells what it was
        return _fallback(value)


def to_text(value: Any) -> str:
    """`value` as one would interpolate it into a sentence: strings as they are, the rest as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return str(value)
    try:
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


def dumps(value: Any, indent: int | None = None) -> str:
    """What `to_jsonable` gave, as JSON text that can be written as UTF-8. Never raises."""
    try:
        text = json.dumps(value, indent=indent, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:  # lone surrogates
        return json.dumps(value, indent=indent)
    except (ValueError, RecursionError):  # whole numbers of thousands of digits
        return _to_json(value, fallback=_fallback, indent=indent, inf_nan_mode="constants").decode()
    return text
