"""The JSON schema of the JSON form of plans, and nothing else."""

from __future__ import annotations

from typing import Any

from .references import MAX_ID

_VALUE: dict[str, Any] = {"$dynamicRef": "#llmcompiler-value"}


def _form(key: str, value: dict[str, Any]) -> dict[str, Any]:
    # `patternProperties`: tools that look for references in schemas trip over a property called "$ref".
    return {
        "type": "object",
        "patternProperties": {f"^\\{key}$": value},
        "required": [key],
        "additionalProperties": False,
    }


PLAN_JSON_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Plan",
    "description": "Tool calls in order, and the join.",
    "type": "object",
    "required": ["tasks"],
    "additionalProperties": False,
    "properties": {
        "tasks": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "tool"],
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
                    "tool": {"type": "string", "minLength": 1},
                    "args": {
                        "anyOf": [
                            {"type": "object", "additionalProperties": _VALUE},
                            {"type": "array", "items": _VALUE},
                        ]
                    },
                    "thought": {"type": ["string", "null"]},
                    "for": {
                        "anyOf": [
                            {"type": "null"},
                            {
                                "type": "object",
                                "required": ["name", "in"],
                                "additionalProperties": False,
                                "properties": {"name": {"type": "string"}, "in": _VALUE},
                            },
                        ]
                    },
                    "if": {"type": ["string", "null"], "description": "A condition such as $3 > 1.4"},
                },
            },
        },
        "join": {
            "anyOf": [
                {"type": "null"},
                {"type": "object", "maxProperties": 0},
                _form("$ref", {"type": ["string", "integer"]}),
            ]
        },
    },
    "$defs": {
        # A dynamic anchor, as "#/$defs/..." would break where this schema stands inside another one.
        "value": {
            "$dynamicAnchor": "llmcompiler-value",
            "anyOf": [
                {"type": ["null", "boolean", "number", "string"]},
                {"type": "array", "items": _VALUE},
                {
                    "type": "object",
                    "propertyNames": {"not": {"pattern": "^\\$"}},
                    "additionalProperties": _VALUE,
                },
                _form("$ref", {"type": ["string", "integer"]}),
                _form("$var", {"type": "string"}),
                _form("$template", {"type": "string"}),
                _form(
                    "$dict",
                    {
                        "type": "array",
                        "items": {
                            "type": "array",
                            "prefixItems": [{"type": "string"}, _VALUE],
                            "minItems": 2,
                            "maxItems": 2,
                        },
                    },
                ),
            ],
        }
    },
}
"""The JSON schema (draft 2020-12) of the JSON form."""
