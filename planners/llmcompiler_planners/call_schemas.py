"""JSON schemas of calls as models are given them: those of the tools, in which placeholders for results fit, too.

Every value may be a placeholder such as `"$1.height"`, whatever the type of the argument. The same tools give the same
schemas, byte for byte. Nothing here reads what a model wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llmcompiler.parameters import MISSING

from .excerpts import one_line, printable

if TYPE_CHECKING:
    from llmcompiler.tools import Tool, ToolRegistry

NAME_LENGTH = 64
"""Characters that providers allow in the name of a function."""
_DEPTH = 24
_TEXT = 1_000
_PATH = r"[A-Za-z0-9_.' \[\]}-]*$"
# Both ends bound, and no character that JSON escapes: servers turn patterns into grammars.
_RESULT: dict[str, Any] = {"type": "string", "pattern": rf"^\$\{{?[0-9]{_PATH}"}
_RESULT_OR_ITEM: dict[str, Any] = {"type": "string", "pattern": rf"^\$\{{?[A-Za-z0-9_]{_PATH}"}
_TEXT_KEYS = frozenset({"type", "title", "description", "default", "examples"})
_NESTED = frozenset({"properties", "items", "anyOf", "oneOf", "$ref", "$defs", "description", "title"})
_BOUNDS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"}
)
_SCALARS = ["string", "number", "boolean", "null"]
_ANYTHING: list[dict[str, Any]] = [
    {"type": _SCALARS},
    {"type": "array", "items": {"type": _SCALARS}},
    {"type": "object", "additionalProperties": True},
]


def native_names(tools: Mapping[str, Tool]) -> dict[str, str]:
    """A name that providers allow for every tool, by the tool's own; no two are the same."""
    given: dict[str, str] = {}
    taken: set[str] = set()
    allowed = re.compile(rf"[A-Za-z0-9_-]{{1,{NAME_LENGTH}}}\Z")
    # Names that are allowed as they are stay, whatever others become.
    for name in sorted(tools, key=lambda n: allowed.match(n) is None):
        base = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:NAME_LENGTH]
        made, number = base, 1
        while made in taken:
            number += 1
            made = f"{base[: NAME_LENGTH - len(str(number)) - 1]}_{number}"
        taken.add(made)
        given[name] = made
    return {name: given[name] for name in tools}


class CallSchemas:
    """Schemas of the arguments of calls.

    Args:
        strict: Whether only what strict modes of servers know is used: every object closed, every key required, and
            `null` for what is left out. Where a tool takes an open object there is no such schema, and it stays open.
        items: Whether a placeholder may also be the item of a `for`.
    """

    def __init__(self, *, strict: bool, items: bool = False) -> None:
        self._strict = strict
        self._placeholder = _RESULT_OR_ITEM if items else _RESULT
        self._prefix = ""
        self.defs: dict[str, Any] = {}
        """Definitions that the schemas made so far refer to."""

    def arguments(self, tool: Tool, prefix: str = "") -> dict[str, Any]:
        """The schema of the arguments of `tool`, an object; names of its definitions begin with `prefix`."""
        self._prefix = prefix
        todo = dict(tool.defs)
        properties = {}
        for param in tool.params.values():
            schema = dict(param.schema)
            if text := one_line(tool.parameter_text(param.name)):
                schema["description"] = text
            if param.default is not MISSING and "default" not in schema:
                from llmcompiler._jsonable import to_jsonable

                schema["default"] = to_jsonable(param.default)
            properties[param.name] = self._value(schema, 0, optional=not param.required)
        for name, schema in todo.items():
            self.defs[self._def_name(name)] = self._definition(schema)
        required = [p.name for p in tool.params.values() if p.required or self._strict]
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": tool.extra_arguments,
        }

    def _def_name(self, name: str) -> str:
        return re.sub(r"[^A-Za-z0-9_.-]", "_", f"{self._prefix}{name}")

    def _definition(self, schema: Any) -> dict[str, Any]:
        options = self._options(schema, 0) if isinstance(schema, Mapping) else list(_ANYTHING)
        return options[0] if len(options) == 1 else {"anyOf": options}

    # -- values ----------------------------------------------------------------

    def _value(self, schema: Any, depth: int, *, optional: bool = False) -> dict[str, Any]:
        """`schema` with room for a placeholder, and for `null` where that stands for what is left out."""
        if not isinstance(schema, Mapping):
            schema = {}
        options = self._options(schema, depth)
        if not any(_takes_any_text(option) for option in options):
            options.append(self._placeholder)
        if optional and self._strict and not any(_takes_null(option) for option in options):
            if options == [{"type": "string"}]:
                options = [{"type": ["string", "null"]}]
            else:
                options.append({"type": "null"})
        made: dict[str, Any] = {}
        if about := self._about(schema, optional):
            made["description"] = about
        return made | (options[0] if len(options) == 1 else {"anyOf": options})

    def _about(self, schema: Mapping[str, Any], optional: bool) -> str:
        about = [printable(one_line(str(schema["description"])))[:_TEXT]] if schema.get("description") else []
        if self._strict:
            if schema.get("format"):
                about.append(f"format: {schema['format']}")
            if schema.get("pattern"):
                about.append(f"matches {schema['pattern']}"[:200])
        if optional and schema.get("default") is not None:
            shown = json.dumps(schema["default"], ensure_ascii=False, default=str)
            about.append(f"default: {shown}" if len(shown) <= 200 else "")
        return "; ".join(part.rstrip(".") for part in about if part) if len(about) > 1 else "".join(about)

    def _options(self, schema: Mapping[str, Any], depth: int) -> list[dict[str, Any]]:
        """What a value may be, one schema for each kind; without a description of their own."""
        if depth > _DEPTH:
            return list(_ANYTHING) if self._strict else [{}]
        if isinstance(schema.get("$ref"), str):
            return [{"$ref": f"#/$defs/{self._def_name(schema['$ref'].rsplit('/', 1)[-1])}"}]
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list) and schema[key]:
                found = [
                    o for s in schema[key] if isinstance(s, Mapping) for o in self._options(s, depth + 1)
                ]
                return [option for i, option in enumerate(found) if option not in found[:i]]
        rest = {key: value for key, value in schema.items() if key not in _NESTED and key != "default"}
        if "const" in rest and self._strict:
            rest = {"type": rest.get("type"), "enum": [rest["const"]]}
        if "enum" in rest:
            kept = {"type": rest["type"]} if rest.get("type") else {}
            return [kept | {"enum": rest["enum"]}]
        kind = schema.get("type") or ("object" if "properties" in schema else None)
        if isinstance(kind, list):
            return [o for k in kind for o in self._options({**schema, "type": k}, depth + 1)]
        if kind == "array":
            kept = {k: v for k, v in rest.items() if k in _BOUNDS or not self._strict}
            if "items" in schema or self._strict:
                kept["items"] = self._value(schema.get("items"), depth + 1)
            return [{"type": "array"} | kept]
        if kind == "object":
            return [self._object(schema, rest, depth)]
        if not self._strict:
            return [rest]
        if kind in ("integer", "number", "boolean", "null", "string"):
            return [{"type": kind} | {k: v for k, v in rest.items() if k in _BOUNDS}]
        return list(_ANYTHING)

    def _object(self, schema: Mapping[str, Any], rest: dict[str, Any], depth: int) -> dict[str, Any]:
        more = schema.get("additionalProperties", True)
        more = self._value(more, depth + 1) if isinstance(more, Mapping) and more else more is not False
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return ({} if self._strict else rest) | {"type": "object", "additionalProperties": more}
        required = [n for n in schema.get("required", ()) if n in properties]
        made = {n: self._value(sub, depth + 1, optional=n not in required) for n, sub in properties.items()}
        if not self._strict:
            return rest | {"type": "object", "properties": made, "additionalProperties": more}
        # A record that merely does not forbid other keys needs none of them.
        return _closed(made) | ({"additionalProperties": more} if isinstance(more, dict) else {})


def _takes_any_text(option: Mapping[str, Any]) -> bool:
    kinds = option.get("type")
    text = kinds == "string" or (isinstance(kinds, list) and "string" in kinds)
    return not option or (text and set(option) <= _TEXT_KEYS)


def _takes_null(option: Mapping[str, Any]) -> bool:
    kinds = option.get("type")
    return not option or kinds == "null" or (isinstance(kinds, list) and "null" in kinds)


def plan_schema(tools: ToolRegistry) -> dict[str, Any]:
    """The JSON schema of a plan of calls of `tools`, as a model is to write it; it differs by tool."""
    schemas = CallSchemas(strict=True, items=True)
    names = native_names(tools)
    made = {name: schemas.arguments(tool, f"{names[name]}.") for name, tool in tools.items()}
    variants: list[dict[str, Any]] = []
    for name in tools:
        call = {
            "id": {"type": "integer"},
            "tool": {"type": "string", "enum": [name]},
            "args": {"$ref": f"#/$defs/{names[name]}"},
        }
        variants.append(_closed(call))
        variants.append(_closed({**_CLAUSES, **call}))
    tasks: dict[str, Any] = {"type": "array", "items": {"anyOf": variants}}
    if not variants:
        tasks = {"type": "array", "items": _closed({}), "maxItems": 0}
    plan = _closed({"tasks": tasks, "join": {"type": "string"}})
    defs = {"for": _FOR} | {names[name]: arguments for name, arguments in made.items()} | schemas.defs
    return {"title": "plan", **plan, **({"$defs": defs} if variants else {})}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_FOR: dict[str, Any] = _closed(
    {
        "name": {"type": "string"},
        "in": {"anyOf": [_RESULT, {"type": "array", "items": {"type": ["string", "number", "boolean"]}}]},
    }
)
# No tool can be called `for`: the definition has that name for itself.
_CLAUSES: dict[str, Any] = {
    "thought": {"type": ["string", "null"]},
    "for": {"anyOf": [{"$ref": "#/$defs/for"}, {"type": "null"}]},
    "if": {"type": ["string", "null"]},
}

__all__ = ["CallSchemas", "native_names", "plan_schema"]
