"""Questions about JSON schemas of results and parameters: which fields are there, and can one fit the other.

Every answer is cautious: where a schema does not say, nothing is wrong.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from .signatures import resolve, type_text
from .values import PathStep

Schema = Mapping[str, Any]
_COMPOUND = {"array", "object"}


def _branches(schema: Schema, defs: Schema, depth: int = 0) -> list[Schema]:
    """The members of a union, or the schema itself. Unions nested too deep (or in a cycle) say nothing."""
    schema = resolve(schema, defs)
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            return [{}] if depth > 4 else [b for s in schema[key][:20] for b in _branches(s, defs, depth + 1)]
    return [schema]


def field_schema(
    schema: Schema, defs: Schema, path: tuple[PathStep, ...]
) -> tuple[Schema | None, tuple[str, str] | None]:
    """The schema at `path` of a result, and (problem, hint) if the declared type can not have it.

    Returns `(None, None)` where the schema does not say.
    """
    current: Schema = schema
    for step in path:
        options = [b for b in _branches(current, defs) if b.get("type") != "null"]
        if not options:
            return None, None
        found: list[Schema] = []
        names: set[str] = set()
        open_ended = False
        for option in options:
            state, sub = _step(option, step)
            if state == "yes" and sub is not None:
                found.append(sub)
            elif state == "unknown":
                open_ended = True
            else:
                names.update(option.get("properties", {}))
        if not found:
            return (None, None) if open_ended else (None, _no_such(step, options, defs, names))
        if len(found) > 1 or open_ended:
            return None, None
        current = found[0]
    return resolve(current, defs), None


def _step(schema: Schema, step: PathStep) -> tuple[str, Schema | None]:
    kind = schema.get("type")
    if isinstance(kind, list) or (kind is None and "properties" not in schema):
        return "unknown", None
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        if str(step) in properties:
            return "yes", properties[str(step)]
        extra = schema.get("additionalProperties")
        if isinstance(extra, Mapping) and extra:
            return ("yes", extra) if isinstance(step, str) else ("unknown", None)
        if extra or not properties or "patternProperties" in schema:
            return "unknown", None
        return "no", None
    if kind == "array":
        if schema.get("prefixItems"):  # a tuple, perhaps one with names
            return "unknown", None
        if not isinstance(step, int):
            return "no", None
        items = schema.get("items")
        return ("yes", items) if isinstance(items, Mapping) else ("unknown", None)
    return "no", None


def _no_such(step: PathStep, options: list[Schema], defs: Schema, names: set[str]) -> tuple[str, str]:
    if names:
        near = difflib.get_close_matches(str(step), sorted(names), 1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        return f"no field `{step}`", f"{hint}its fields are {', '.join(sorted(names))}"
    kinds = " | ".join(dict.fromkeys(type_text(o, defs) for o in options))
    return f"no `{step}`: it is {kinds}", "use the value as it is"


def _kinds(schema: Schema, defs: Schema) -> set[str] | None:
    """The JSON types a schema allows; None where it does not say."""
    out: set[str] = set()
    for branch in _branches(schema, defs):
        kind = branch.get("type")
        values = branch.get("enum", [branch["const"]] if "const" in branch else [])
        if any(isinstance(v, (list, Mapping)) for v in values):
            return None  # members of an enum: what stands for them is up to the type
        if kind is None:
            if values:
                out.add("string")
                continue
            if "properties" in branch:
                out.add("object")
                continue
            return None
        out.update(kind if isinstance(kind, list) else [kind])
    return out or None


def incompatible(source: Schema, source_defs: Schema, target: Schema, target_defs: Schema) -> bool:
    """Whether a value of `source` can never be one of `target`: a record where a number is wanted, and the like."""
    have, want = _kinds(source, source_defs), _kinds(target, target_defs)
    if any(b.get("type") == "array" and not b.get("items", True) for b in _branches(target, target_defs)):
        return False  # a list of anything takes whatever can be iterated
    if have is None or want is None:
        return False
    have = have - {"null"}
    want = want - {"null"}
    if not have or not want:
        return False
    return not any(h == w or (h not in _COMPOUND and w not in _COMPOUND) for h in have for w in want)


def kinds_text(schema: Schema, defs: Schema) -> str:
    """What kind of value a schema describes, in a word or two."""
    kinds = _kinds(schema, defs)
    if kinds is None:
        return "any value"
    words = {
        "object": "a record",
        "array": "a list",
        "string": "text",
        "number": "a number",
        "integer": "a whole number",
    }
    words |= {"boolean": "true or false", "null": "nothing"}
    return " or ".join(words.get(k, k) for k in sorted(kinds))


def list_fields(schema: Schema, defs: Schema) -> list[str]:
    """The declared fields of a record that are lists."""
    return [
        name
        for branch in _branches(schema, defs)
        for name, field in branch.get("properties", {}).items()
        if (_kinds(field, defs) or set()) - {"null"} == {"array"}
    ]


Sort = Literal["number", "text", "list", "record", "boolean", "nothing"]
"""What a value is when it is compared: values of unlike sorts are in no order."""

_SORTS: dict[str, Sort] = {
    "integer": "number",
    "number": "number",
    "string": "text",
    "array": "list",
    "object": "record",
    "boolean": "boolean",
    "null": "nothing",
}
_SAYS_NO_MORE = frozenset({"type", "title", "description", "default", "examples", "minLength", "maxLength"})


def sorts(schema: Schema, defs: Schema) -> set[Sort] | None:
    """The sorts of values a schema allows; None where it does not say.

    A string that has more said of it, such as a format, may be a date or a number once it is there.
    """
    out: set[Sort] = set()
    for branch in _branches(schema, defs):
        kinds = branch.get("type", "object" if "properties" in branch else None)
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if kind not in _SORTS or (kind == "string" and not _SAYS_NO_MORE.issuperset(branch)):
                return None
            out.add(_SORTS[kind])
    return out
