"""`GET /v1/tools`: what can be called, with schemas, effects and caps."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from llmcompiler import LLMCompiler, Tool, tool
from llmcompiler_server.keys import new_key
from tests.support.serving import Running


@tool(effect="read", resource="people", timeout=5, max_concurrency=2, rate_limit="10/s")
def team(name: str, size: int = 3) -> list[str]:
    """Who is in a team.

    Args:
        name: Of the team.
        size: How many.
    """
    raise AssertionError("nothing is called")


@tool(
    effect=lambda path, **_: "read" if path else "write",
    resource=lambda path, **_: path,
    requires_approval=lambda path, **_: not path,
)
def use(path: str) -> Any:
    """Use a file."""
    raise AssertionError("nothing is called")


given = Tool.from_schema(
    "given-one",
    {"type": "object", "properties": {"x": {"$ref": "#/$defs/X"}}, "$defs": {"X": {"enum": [1, 2]}}},
    lambda **_: None,
    description="Its schema was given.",
    returns={"type": "null"},
)


async def test_tools_are_listed_with_all_that_is_declared(start: Any) -> None:
    async with start(compiler=LLMCompiler([team, use, given])) as server:
        body = (await server.http.get("/v1/tools")).json()
    assert body["object"] == "list"
    assert [t["name"] for t in body["data"]] == ["team", "use", "given-one"]
    first, second, third = body["data"]
    assert first == {
        "name": "team",
        "description": "Who is in a team.",
        "signature": "team(name: str, size: int = 3) -> list[str]",
        "parameters": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Of the team."},
                "size": {"type": "integer", "description": "How many.", "default": 3},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
        "returns": {"type": "array", "items": {"type": "string"}},
        "effect": "read",
        "resource": "people",
        "idempotent": True,
        "requires_approval": False,
        "approval": None,
        "timeout": 5,
        "max_concurrency": 2,
        "rate_limit": "10/1s",
    }
    by = "by its arguments"
    assert (second["effect"], second["resource"], second["approval"]) == (by, by, by)
    assert second["requires_approval"]
    assert not second["idempotent"]
    assert (third["effect"], third["resource"], third["returns"]) == (None, None, {"type": "null"})
    for listed in body["data"]:
        Draft202012Validator.check_schema(listed["parameters"])
    assert Draft202012Validator(third["parameters"]).is_valid({"x": 2})
    assert not Draft202012Validator(third["parameters"]).is_valid({"x": 3})


async def test_approval_that_is_always_needed(server: Running) -> None:
    listed = {t["name"]: t for t in (await server.http.get("/v1/tools")).json()["data"]}
    assert (listed["pay"]["effect"], listed["pay"]["approval"]) == ("write", "always")


async def test_a_service_without_tools_lists_none(start: Any) -> None:
    async with start(compiler=LLMCompiler([])) as server:
        assert (await server.http.get("/v1/tools")).json() == {"object": "list", "data": []}


async def test_listing_needs_the_scope_to_read(start: Any) -> None:
    text, runner = new_key("runner", ["run"])
    async with start(keys=[runner]) as server:
        assert (await server.http.get("/v1/tools")).json()["code"] == "key-missing"
        reply = await server.http.get("/v1/tools", headers={"Authorization": f"Bearer {text}"})
        assert (reply.status_code, reply.json()["code"]) == (403, "scope-missing")
