"""JSON schemas of clients as output types: what they accept, and that no schema can stop the service."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from llmcompiler_server.output_schema import output_type
from llmcompiler_server.problems import Problem


def fits(schema: dict[str, Any], value: Any) -> bool:
    try:
        TypeAdapter(output_type(schema)).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, 3, "3"),
        ({"type": "string", "pattern": "^a+$"}, "aaa", "ab"),
        ({"type": "array", "uniqueItems": True}, [1, {"a": 1}], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1}, {"b": 1}),
        (
            {"patternProperties": {"^n": {"type": "integer"}}, "additionalProperties": False},
            {"n1": 1},
            {"n1": "x"},
        ),
        ({"patternProperties": {"^n": {}}, "additionalProperties": {"type": "string"}}, {"x": "y"}, {"x": 1}),
        (
            {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}], "$defs": {"A": {"type": "integer"}}},
            None,
            "x",
        ),
        ({"$ref": "#/definitions/a~1b", "definitions": {"a/b": {"const": 1}}}, 1, 2),
        ({"properties": {"$ref": {"type": "integer"}}}, {"$ref": 1}, {"$ref": "x"}),
        ({"enum": [{"$ref": "x"}]}, {"$ref": "x"}, {}),
        ({"items": False}, [], [1]),
    ],
)
def test_what_fits_and_what_does_not(schema: dict[str, Any], good: Any, bad: Any) -> None:
    assert fits(schema, good)
    assert not fits(schema, bad)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "other.json#/A"},
        {"$ref": "#/$defs/None"},
        {"$ref": 5},
        {"$dynamicRef": "#x"},
        {"unevaluatedProperties": False},
        {"$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}, "$ref": "#/$defs/A"},
        {"$defs": {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i - 1}"}] * 4} for i in range(1, 12)} | {"a0": {}}, "$ref": "#/$defs/a11"},  # noqa: E501
        {"type": "nix"},
        {"properties": []},
        {"pattern": "(?=a)"},
        {"patternProperties": {"(": {}}},
        {"minLength": -1},
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Problem) as caught:
        output_type(schema)
    assert (caught.value.status, caught.value.code) == (422, "bad-schema")


def test_deep_schemas_are_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5_000):
        schema = {"items": schema}
    with pytest.raises(Problem, match="deep"):
        output_type(schema)


def test_an_answer_too_large_for_its_schema_does_not_fit() -> None:
    schema = {"items": {"anyOf": [{"type": "string", "minLength": i} for i in range(100)]}}
    assert fits(schema, ["x" * 100] * 100)
    assert not fits(schema, ["x" * 100] * 10_000)


def test_names_within_a_schema_are_no_keywords() -> None:
    assert fits({"properties": {"$id": {"type": "integer"}}}, {"$id": 1})
    assert not fits({"properties": {"$id": {"type": "integer"}}}, {"$id": "x"})
