"""JSON schemas as short type text, for prompts and error messages: `city: str, limit: int = 5`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ._jsonable import to_jsonable

if TYPE_CHECKING:
    from .parameters import Parameter

_SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_DEPTH = 3


def resolve(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    """`schema` with a leading local `$ref` followed (at most a few steps, so that a cycle ends)."""
    for _ in range(16):
        ref = schema.get("$ref")
        if not isinstance(ref, str):
            return schema
        target = defs.get(ref.rsplit("/", 1)[-1])
        if not isinstance(target, Mapping):
            return schema
        schema = target
    return {}


def type_text(schema: Any, defs: Mapping[str, Any], depth: int = 0) -> str:
    """A JSON schema as a short Python-like type. Records show their fields, down to a few levels."""
    if not isinstance(schema, Mapping):
        return "any"
    schema = resolve(schema, defs)
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return " | ".join(json.dumps(v, ensure_ascii=False) for v in schema["enum"][:12])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(type_text(s, defs, depth + 1) for s in schema[key][:6]))
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return type_text(schema["allOf"][0], defs, depth)
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_SIMPLE.get(str(k), str(k)) for k in kind)
    if kind == "array":
        return f"list[{type_text(schema['items'], defs, depth + 1)}]" if "items" in schema else "list"
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties")
        if properties and depth < _DEPTH:
            inner = ", ".join(
                f"{k}: {type_text(v, defs, depth + 1)}" for k, v in list(properties.items())[:24]
            )
            return f"{{{inner}}}"
        value = schema.get("additionalProperties")
        return (
            f"dict[str, {type_text(value, defs, depth + 1)}]"
            if isinstance(value, Mapping) and value
            else "dict"
        )
    if schema.get("format") in ("date", "date-time", "time"):
        return str(schema["format"])
    return _SIMPLE.get(str(kind), "any")


def _default_text(p: Parameter) -> str:
    from .parameters import MISSING

    return "..." if p.default is MISSING else json.dumps(to_jsonable(p.default), ensure_ascii=False)


def signature_text(
    name: str, params: Iterable[Parameter], defs: Mapping[str, Any], returns: Mapping[str, Any] | None
) -> str:
    """A tool as one line: `name(a: str, b: int = 5) -> {x: int}`."""
    parts = []
    for p in params:
        text = f"{p.name}: {type_text(p.schema, defs)}"
        if not p.required:
            text += f" = {_default_text(p)}"
        parts.append(text)
    end = "" if returns is None else f" -> {type_text(returns, returns.get('$defs', {}))}"
    return f"{name}({', '.join(parts)}){end}"
