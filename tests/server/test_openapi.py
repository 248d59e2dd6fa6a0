"""The OpenAPI document: whole, with examples that hold; and what is sent by its rules gets answers by its rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from jsonschema import Draft202012Validator
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from llmcompiler_server import create_app
from llmcompiler_server.keys import new_key
from tests.support.serving import Gates, make_compiler, make_settings, serving_in_thread

DOCUMENT: dict[str, Any] = create_app(make_compiler(Gates()), make_settings()).openapi()
OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]
OPEN = {"health", "readiness"}


def holds(schema: dict[str, Any], value: Any) -> None:
    """Make sure that an example fits its schema."""
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def examples(content: dict[str, Any]) -> list[Any]:
    """Every example of a media type, or of its schema."""
    found = [content["example"]] if "example" in content else []
    found += [e["value"] for e in content.get("examples", {}).values()]
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found + schema.get("examples", [])


def test_every_endpoint_of_the_contract_is_in_it() -> None:
    assert {(m.upper(), p) for p, item in DOCUMENT["paths"].items() for m in item} == {
        ("POST", "/v1/runs"),
        ("GET", "/v1/runs"),
        ("GET", "/v1/runs/{run_id}"),
        ("GET", "/v1/runs/{run_id}/events"),
        ("POST", "/v1/runs/{run_id}/cancel"),
        ("GET", "/v1/runs/{run_id}/approvals"),
        ("POST", "/v1/runs/{run_id}/approvals/{task_id}"),
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/{model}"),
        ("POST", "/v1/plans"),
        ("GET", "/v1/tools"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
    }
    assert DOCUMENT["info"]["version"]
    assert "RFC 9457" in DOCUMENT["info"]["description"]


def test_names_are_used_once_and_tags_are_described() -> None:
    names = [o.values[2]["operationId"] for o in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    tags = {t["name"]: t["description"] for t in DOCUMENT["tags"]}
    assert {t for o in OPERATIONS for t in o.values[2]["tags"]} == set(tags)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_an_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert not operation["summary"].endswith(".")
    assert len(operation["tags"]) == 1
    for parameter in operation.get("parameters", []):
        assert (
            parameter.get("description")
            or parameter["schema"].get("enum")
            or "default" in parameter["schema"]
        )
    if operation["operationId"] in OPEN:
        assert "security" not in operation
    else:
        assert {name for way in operation["security"] for name in way} == {"bearer", "key"}
    if "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        assert examples(content)
        for example in examples(content):
            holds(content["schema"], example)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_answer_has_an_example_that_fits(path: str, method: str, operation: dict[str, Any]) -> None:
    bodies = 0
    for status, response in operation["responses"].items():
        assert response["description"] not in ("", "Successful Response", "Validation Error")
        for kind, content in response.get("content", {}).items():
            bodies += 1
            assert examples(content), f"{status} {kind}"
            for example in examples(content):
                if kind.endswith("json"):
                    holds(content["schema"], example)
        if int(status) >= 400:
            assert response["content"], status
    assert bodies


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_errors_are_problem_documents(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    statuses = {int(s) for s in responses}
    expected = {403, 431, 500}
    if operation["operationId"] not in OPEN:
        expected |= {401, 429}
    if "requestBody" in operation:
        expected |= {413, 400, 422}
    if "{" in path:
        expected |= {404}
    assert expected <= statuses
    for status in sorted(s for s in statuses if s >= 400):
        content = responses[str(status)]["content"]
        if operation["tags"] == ["openai"] and "application/json" in content:
            assert content["application/json"]["schema"]["$ref"].endswith("/OpenAIErrorDocument")
            assert status not in (413, 431), "found before a request gets there"
        else:
            assert list(content) == ["application/problem+json"]
            assert content["application/problem+json"]["example"]["status"] == status


def test_security_schemes_are_declared() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert (schemes["key"]["type"], schemes["key"]["in"], schemes["key"]["name"]) == (
        "apiKey",
        "header",
        "X-API-Key",
    )


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for v in value.values():
                yield from references(v)
        elif isinstance(value, list):
            for v in value:
                yield from references(v)

    schemas = DOCUMENT["components"]["schemas"]
    # A `$ref` in an example of a plan is a reference of the plan.
    found = {r for r in references({k: v for k, v in DOCUMENT.items() if k != "info"}) if r.startswith("#")}
    assert found
    assert {r.rpartition("/")[2] for r in found} <= set(schemas)


# -- what is sent by its rules ------------------------------------------------------------------


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[str, str]]:
    """A service with a key: its address and the key."""
    gates = Gates()
    text, key = new_key("everything", ["run", "read", "approve"])
    app = create_app(make_compiler(gates), make_settings(keys=[key], heartbeat=0.05, rate=1e9))
    with serving_in_thread(app) as url:
        yield url, text


schema = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS: list[CheckFunction] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@schema.parametrize()
@settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_what_is_sent_by_its_rules_gets_answers_by_its_rules(
    case: schemathesis.Case, service: tuple[str, str]
) -> None:
    url, key = service
    case.call_and_validate(
        base_url=url, headers={"Authorization": f"Bearer {key}"}, checks=CHECKS, timeout=30
    )


# -- what is written about it ---------------------------------------------------------------------


def test_the_documentation_lists_every_code_of_a_problem() -> None:
    root = Path(__file__).resolve().parents[2]
    text = (root / "docs/server.md").read_text(encoding="utf-8")
    raised = {
        (int(status), code)
        for source in (root / "server/llmcompiler_server").rglob("*.py")
        for status, code in re.findall(
            r'Problem\(\s*(\d{3}),\s*"([a-z-]+)"', source.read_text(encoding="utf-8")
        )
        if source.name not in ("openai_requests.py", "openai_shapes.py", "chat.py")
    }
    assert len(raised) > 15
    rows = {
        int(status): set(re.findall(r"`([a-z-]+)`", codes))
        for status, codes in re.findall(r"^\| (4\d\d|5\d\d) \| ([^|]*) \|", text, re.MULTILINE)
    }
    assert {(s, c) for s, c in raised if c not in rows.get(s, set())} == set()
