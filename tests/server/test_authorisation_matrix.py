"""Every operation of the OpenAPI document, asked with no key, a wrong key, another's key and a key of wrong scopes.

The operations are taken from the document and the scopes from the routes themselves: a new endpoint is in the matrix by
itself. What needs no key is listed here, so that an endpoint without one is a decision.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from llmcompiler_server import create_app
from llmcompiler_server.keys import SCOPES, new_key
from tests.support.serving import PLAN, Gates, Running, make_compiler, make_settings, serving

OPEN = {("get", "/healthz"), ("get", "/readyz")}
"""Needs no key, and tells nothing."""
BODIES: dict[str, Any] = {
    "/v1/runs": {"input": PLAN},
    "/v1/plans": {"plan": PLAN},
    "/v1/chat/completions": {"model": "llmcompiler", "messages": [{"role": "user", "content": PLAN}]},
    "/v1/runs/{run_id}/approvals/{task_id}": {"decision": "approve"},
}
WRITES = {"post", "put", "patch", "delete"}
KEYS = {name: new_key(name, [name]) for name in SCOPES} | {
    "nothing-else": new_key("nothing-else", ["read"]),
    "owner": new_key("owner", ["run", "read", "approve"]),
    "other": new_key("other", ["run", "read", "approve"]),
}


def operations() -> Iterator[tuple[str, str]]:
    document = create_app(make_compiler(), make_settings()).openapi()
    for path, methods in document["paths"].items():
        for method in methods:
            yield method, path


OPERATIONS = sorted(operations(), key=lambda o: (o[1], o[0]))
OF_RUNS = [o for o in OPERATIONS if "{run_id}" in o[1]]


@pytest.fixture
async def guarded(gates: Gates) -> AsyncIterator[Running]:
    settings = make_settings(keys=[kept for _, kept in KEYS.values()])
    async with serving(create_app(make_compiler(gates), settings), gates) as running:
        yield running


async def ask(
    server: Running, method: str, path: str, run_id: str = "run_0", **headers: str
) -> httpx.Response:
    url = path.replace("{run_id}", run_id).replace("{task_id}", "1").replace("{model}", "llmcompiler")
    assert "{" not in url, f"say here what {path} is asked with"
    body = BODIES.get(path, {} if method in WRITES else None)
    return await server.http.request(method.upper(), url, json=body, headers=headers)


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[name][0]}"}


def code(reply: httpx.Response) -> str:
    document = reply.json()
    return str(
        document["error"]["code"] if "error" in document and "code" not in document else document["code"]
    )


def test_the_matrix_is_not_empty() -> None:
    assert len(OPERATIONS) >= 14
    assert set(OPERATIONS) >= OPEN


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_no_key_and_wrong_keys(guarded: Running, method: str, path: str) -> None:
    right = KEYS["owner"][0]
    wrong = [right[:-1] + ("a" if right[-1] != "a" else "b"), "llmc_", KEYS["owner"][1].hash, "x" * 5_000]
    for headers, expected in [
        ({}, "key-missing"),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, "key-missing"),
        *(({"Authorization": f"Bearer {key}"}, "key-wrong") for key in wrong),
        *(({"X-API-Key": key}, "key-wrong") for key in wrong),
    ]:
        reply = await ask(guarded, method, path, **headers)
        if (method, path) in OPEN:
            assert reply.status_code == 200, path
            continue
        assert reply.status_code == 401, (path, headers, reply.text)
        assert reply.headers["www-authenticate"].startswith("Bearer ")
        assert code(reply) in (expected, "invalid_api_key")
        assert not any(key in reply.text for key in wrong if len(key) > 5)
    assert guarded.manager.active == 0
    assert (await guarded.http.get("/v1/runs", headers=bearer("admin"))).json()["data"] == []


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_scopes(guarded: Running, method: str, path: str) -> None:
    """One scope, and `admin`, are let in; the others are told which one is missing, before anything happens."""
    allowed = []
    for scope in SCOPES:
        reply = await ask(guarded, method, path, **bearer(scope))
        assert reply.status_code < 500, reply.text
        assert reply.status_code != 401
        if reply.status_code == 403:
            assert "scope" in reply.text
        else:
            allowed.append(scope)
    if (method, path) in OPEN:
        assert allowed == list(SCOPES)
        return
    assert len(allowed) == 2, f"{path} is open to {allowed}"
    assert "admin" in allowed
    if method == "get":
        assert "read" in allowed  # who may only read can look at everything of their own
    if "approvals/" in path and method == "post":
        assert "approve" in allowed


@pytest.mark.parametrize(("method", "path"), OF_RUNS)
async def test_the_runs_of_other_keys_are_not_there(guarded: Running, method: str, path: str) -> None:
    question = '1. pay("ann", 5)\njoin($1)'
    begun = await guarded.http.post(
        "/v1/runs", json={"input": question, "background": True}, headers=bearer("owner")
    )
    run_id = begun.json()["id"]
    async with guarded.http.stream("GET", f"/v1/runs/{run_id}/events", headers=bearer("owner")) as told:
        async for line in told.aiter_lines():
            if line == "event: ApprovalRequested":
                break
    theirs = await ask(guarded, method, path, run_id, **bearer("other"))
    nobodys = await ask(guarded, method, path, "run_00000000", **bearer("other"))
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json() == nobodys.json()  # not even that it is there
    now = (await guarded.http.get(f"/v1/runs/{run_id}", headers=bearer("owner"))).json()
    assert now["status"] == "waiting"
    assert guarded.gates.calls == []
    if not path.endswith("/events"):  # which would follow it until it is over
        assert (await ask(guarded, method, path, run_id, **bearer("owner"))).status_code == 200
    await guarded.http.post(f"/v1/runs/{run_id}/cancel", headers=bearer("admin"))


async def test_lists_hold_a_keys_own_runs_only(guarded: Running) -> None:
    for name in ("owner", "other"):
        for path in ("/v1/runs", "/v1/chat/completions"):
            assert (await ask(guarded, "post", path, **bearer(name))).status_code == 200
    found = {}
    for name in ("owner", "other", "admin", "nothing-else"):
        page = (await guarded.http.get("/v1/runs", headers=bearer(name))).json()
        found[name] = {run["id"] for run in page["data"]}
    assert len(found["owner"]) == len(found["other"]) == 2
    assert not found["owner"] & found["other"]
    assert found["admin"] == found["owner"] | found["other"]
    assert found["nothing-else"] == set()


async def test_an_idempotency_key_belongs_to_its_key(guarded: Running) -> None:
    runs = [
        (
            await guarded.http.post(
                "/v1/runs", json={"input": PLAN}, headers={"Idempotency-Key": "same", **bearer(name)}
            )
        ).json()["id"]
        for name in ("owner", "other", "owner")
    ]
    assert runs[0] == runs[2] != runs[1]


@pytest.mark.parametrize("path", ["/", "/page/index.html", "/openapi.json"])
async def test_what_is_outside_of_the_document_holds_no_data(guarded: Running, path: str) -> None:
    """The page and the document itself need no key: they are the same for everybody."""
    assert (await ask(guarded, "post", "/v1/runs", **bearer("owner"))).status_code == 200
    reply = await guarded.http.get(path)
    assert reply.status_code == 200
    for key, kept in KEYS.values():
        assert key not in reply.text
        assert kept.hash not in reply.text
    assert not re.search(r"run_[0-9a-f]{20}", reply.text)


def test_every_route_is_in_the_document_or_is_the_page() -> None:
    """No endpoint escapes the matrix by being left out of the document."""
    app = create_app(make_compiler(), make_settings())
    from llmcompiler_server.routes import chat, operation, page, plans, runs

    known = {re.sub(r"\{(\w+):\w+\}", r"{\1}", path) for path in app.openapi()["paths"]}
    for module in (chat, operation, plans, runs):
        for route in module.router.routes:
            assert re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path) in known
    hidden = {route.path for route in page.router.routes}  # type: ignore[attr-defined]
    assert hidden == {"/", "/page/{name}"}


def test_the_document_says_which_operations_need_a_key() -> None:
    document = create_app(make_compiler(), make_settings()).openapi()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "key"}
    for method, path in OPERATIONS:
        said = document["paths"][path][method].get("security", [])
        if (method, path) in OPEN:
            assert not said
        else:
            assert {name for choice in said for name in choice} == {"bearer", "key"}, path
    assert "hash" not in json.dumps(document)
