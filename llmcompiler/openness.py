"""Whether the JSON schema of a Python type tells what values the type takes and gives.

It does not where a type has validators or serializers of its own: what they take and make, only running them shows.
Checks before a run are silent about such types, since they must never refuse a plan that would run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

# A generator takes whatever can be iterated, a named tuple also a record.
_TAKES_MORE = frozenset({"generator", "named-tuple", "call"})
_VALIDATORS = frozenset({"function-before", "function-wrap", "function-plain"})


class ResultSchema(GenerateJsonSchema):
    """JSON schemas of results in which only text is a plain string: numbers that JSON writes as text say so."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A `Decimal`."""
        return {**super().decimal_schema(schema), "format": "decimal"}

    def complex_schema(self, schema: core_schema.ComplexSchema) -> JsonSchemaValue:
        """A `complex`."""
        return {**super().complex_schema(schema), "format": "complex"}


def takes_more(adapter: TypeAdapter[Any]) -> bool:
    """Whether a type may take values that its schema does not show."""
    for node in _nodes(adapter.core_schema):
        kind = node.get("type")
        if kind in _TAKES_MORE or (kind in _VALIDATORS and _is_foreign(node["function"]["function"])):
            return True
    return False


def gives_other(adapter: TypeAdapter[Any]) -> bool:
    """Whether values of a type may differ from what its schema for results shows: other types, other names."""
    for node in _nodes(adapter.core_schema):
        how = node.get("serialization")
        if isinstance(how, Mapping) and _is_foreign(how.get("function")):
            return True
    return adapter.json_schema(mode="serialization") != adapter.json_schema(
        mode="serialization", by_alias=False
    )


def _is_foreign(function: Callable[..., Any] | None) -> bool:
    # pydantic has functions of its own in the schemas of plain types such as Sequence and Path.
    return function is not None and not str(getattr(function, "__module__", "")).startswith("pydantic.")


def _nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    stack, seen = [schema], set()
    while stack:
        node = stack.pop()
        if isinstance(node, Mapping):
            if id(node) not in seen:
                seen.add(id(node))
                yield node
                stack.extend(v for k, v in node.items() if k not in ("metadata", "serialization"))
        elif isinstance(node, (list, tuple)):
            stack.extend(node)
