"""The types of results and parameters as far as a plan's references need them: what may stand where.

Read from JSON schemas; values themselves are never looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmcompiler.plan import Task
from llmcompiler.signatures import resolve
from llmcompiler.tools import Tool

from .phrases import parts

TEXT = frozenset({"string"})
NUMERIC = frozenset({"integer", "number"})
_MAX_DEPTH = 3

Earlier = Sequence[tuple[Task, Tool | None]]
"""The calls of the lines before, each with its tool where that is known."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One thing a reference may name: its text after `$`, and the JSON types it may have (empty: not known)."""

    text: str
    kinds: frozenset[str]

    @property
    def task(self) -> int:
        """The task it is a result of."""
        return int(self.text.partition(".")[0])

    @property
    def field(self) -> str:
        """The field it names; empty for a whole result."""
        return self.text.partition(".")[2]

    def fits(self, wanted: frozenset[str]) -> bool:
        """Whether a value of it can be one of these types; what is not known fits everything."""
        given = self.kinds - {"null"}
        return (
            not wanted
            or not self.kinds
            or bool(given & wanted)
            or ("number" in wanted and "integer" in given)
        )


def result_shapes(task: Task, tool: Tool | None) -> list[Shape]:
    """What later lines may refer to of a task's result: the value itself, then the fields of a declared record."""
    if task.each is not None:
        return [Shape(f"{task.id}", frozenset({"array"}))]
    if tool is None or tool.returns is None:
        return [Shape(f"{task.id}", frozenset())]
    defs = tool.returns.get("$defs", {})
    schema = resolve(tool.returns, defs)
    shapes = [Shape(f"{task.id}", kinds_of(schema, defs))]
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        names = [k for k in properties if re.fullmatch(r"[A-Za-z_]\w*", k)]
        shapes += [Shape(f"{task.id}.{k}", kinds_of(properties[k], defs)) for k in names[:40]]
    return shapes


def kinds_of(schema: Any, defs: Mapping[str, Any], depth: int = 0) -> frozenset[str]:
    """The JSON types a schema allows; empty where it does not say."""
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return frozenset()
    schema = resolve(schema, defs)
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    if isinstance(kind, (list, tuple)):
        return frozenset(map(str, kind))
    if "const" in schema or isinstance(schema.get("enum"), list):
        return frozenset(map(_json_kind, schema.get("enum") or [schema.get("const")]))
    for key in ("anyOf", "oneOf", "allOf"):
        options = schema.get(key)
        if isinstance(options, list) and options and (key != "allOf" or len(options) == 1):
            found = [kinds_of(s, defs, depth + 1) for s in options[:8]]
            return frozenset[str]().union(*found) if all(found) else frozenset()
    return frozenset({"object"}) if "properties" in schema else frozenset()


def _json_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    for kind, name in (
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (Mapping, "object"),
        (list, "array"),
    ):
        if isinstance(value, kind):
            return name
    return "null"


def takes_text(tool: Tool) -> bool:
    """Whether a required parameter takes free text."""
    return any(p.required and kinds_of(p.schema, tool.defs) == TEXT for p in tool.params.values())


def unit_parameters(tool: Tool) -> int | None:
    """Where a tool takes a number, its unit and the unit wanted, one after another; None where it does not."""
    params = list(tool.params.values())
    for k in range(len(params) - 2):
        number, *units = params[k : k + 3]
        texts = all("unit" in parts(u.name) and kinds_of(u.schema, tool.defs) == TEXT for u in units)
        if texts and kinds_of(number.schema, tool.defs) & NUMERIC:
            return k
    return None
