"""Clients that mean no good: odd JSON and HTTP, addresses without end, slow senders, and those who leave at once."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from llmcompiler_server.routes import plans
from llmcompiler_server.security import SizeLimits
from llmcompiler_server.serving import Protocol
from tests.support.serving import PLAN, Gates, Running

JSON = {"Content-Type": "application/json"}
WAITING = '1. wait_at("a")\njoin($1)'
HALF = "\\ud800"
"""Half a character, as JSON can spell it."""


@pytest.fixture
async def strict(start: Any) -> Any:
    """A service with the parser that `serve` has."""
    async with start() as server:
        server.uvicorn.config.http_protocol_class = Protocol
        server.uvicorn.config.h11_max_incomplete_event_size = 60_000
        yield server


class Wire:
    """A connection that says exactly what a test wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, server: Running) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2])))

    async def say(self, text: str) -> None:
        self.writer.write(text.encode())
        await self.writer.drain()

    async def until(self, text: str) -> str:
        return (await asyncio.wait_for(self.reader.readuntil(text.encode()), 30)).decode()

    async def rest(self) -> str:
        """Everything until the connection is closed."""
        said = (await asyncio.wait_for(self.reader.read(), 30)).decode()
        self.leave()
        return said

    def leave(self) -> None:
        self.writer.transport.abort()


# -- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "status"),
    [
        (f'"metadata": {{"a": "{HALF}"}}', 422),
        (f'"output_schema": {{"title": "{HALF}"}}', 200),
        (f'"output_schema": {{"properties": {{"{HALF}": {{}}}}}}', 200),
        ('"output_schema": {"maximum": Infinity}', 200),
        ('"output_schema": {"type": "integer", "examples": [' + "[" * 300 + "]" * 300 + "]}", 200),
        ('"limits": {"tasks": 1' + "0" * 400 + "}", 422),
        ('"limits": {"tokens": 1' + "0" * 4_000 + "}", 422),
        ('"limits": {"seconds": NaN}', 422),
        ('"metadata": {"a": "' + "x" * 5_000 + '"}', 422),
        ('"metadata": {"' + "x" * 200 + '": "a"}', 422),
    ],
)
async def test_odd_json_is_taken_or_refused_and_never_a_fault(
    server: Running, member: str, status: int
) -> None:
    body = f'{{"input": {json.dumps(PLAN)}, {member}}}'
    for key in ({}, {"Idempotency-Key": "a"}):
        reply = await server.http.post("/v1/runs", content=body, headers=JSON | key)
        assert reply.status_code == status, reply.text
    if status == 200:
        again = await server.http.post("/v1/runs", content=body, headers=JSON | key)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json()["id"] == reply.json()["id"]
    elif "metadata" in member:
        chat = f'{{"model": "llmcompiler", "messages": [{{"role": "user", "content": "x"}}], {member}}}'
        reply = await server.http.post("/v1/chat/completions", content=chat, headers=JSON)
        assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {f"p{i}": {} for i in range(20_000)}},
        {"properties": {"p" * 100_000: {}}},
        {"allOf": [{}] * 50_000},
        {"allOf": [{"$ref": "#/$defs/a"}] * 5_000, "$defs": {"a": {}}},
    ],
)
async def test_a_schema_of_many_empty_parts_is_too_large_at_once(server: Running, schema: Any) -> None:
    reply = await server.http.post("/v1/runs", json={"input": PLAN, "output_schema": schema})
    assert (reply.status_code, reply.json()["code"]) == (422, "bad-schema")


@pytest.mark.parametrize("kind", [None, "text/plain", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", ["/v1/runs", "/v1/plans", "/v1/chat/completions"])
async def test_what_does_not_say_that_it_is_json_is_415(server: Running, kind: str | None, path: str) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    reply = await server.http.post(path, content=json.dumps({"input": PLAN}).encode(), headers=headers)
    assert reply.status_code == 415
    said = reply.json()
    if "chat" in path:
        assert (said["error"]["code"], said["error"]["type"]) == ("not_json", "invalid_request_error")
    else:
        assert reply.headers["content-type"] == "application/problem+json"
        assert (said["code"], said["status"]) == ("not-json", 415)
        assert "application/json" in said["detail"]


async def test_who_leaves_keeps_the_thread_that_explains_their_plan(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads can not be cancelled: were the next one let in, clients that leave could fill every thread there is."""
    go, began = threading.Event(), asyncio.Event()
    at_once = most = 0
    loop = asyncio.get_running_loop()
    real = plans._explain_given

    def slow(*args: Any) -> bytes:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        loop.call_soon_threadsafe(began.set)
        go.wait(30)
        at_once -= 1
        return real(*args)

    monkeypatch.setattr(plans, "_explain_given", slow)
    body = json.dumps({"plan": PLAN})
    head = "POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    try:
        for _ in range(3):
            wire = await Wire.to(server)
            await wire.say(f"{head}Content-Length: {len(body)}\r\n\r\n{body}")
            await asyncio.wait_for(began.wait(), 20)
            wire.leave()
            await server.until_closed()
        assert plans._under_way(server.app.state.parts).alone.locked()
        last = asyncio.ensure_future(server.http.post("/v1/plans", json={"plan": PLAN}))
    finally:
        go.set()
    assert (await asyncio.wait_for(last, 30)).status_code == 200
    assert most == 1


async def test_a_schema_is_called_what_the_client_calls_it(server: Running) -> None:
    schema = {"name": "x", "schema": {"$ref": "http://127.0.0.1:1/"}}
    reply = await server.http.post(
        "/v1/chat/completions",
        json={
            "model": "llmcompiler",
            "messages": [{"role": "user", "content": PLAN}],
            "response_format": {"type": "json_schema", "json_schema": schema},
        },
    )
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (400, "bad_schema", "response_format")
    assert "output_schema" not in error["message"]


# -- HTTP -----------------------------------------------------------------------------------------


async def test_two_lengths_of_one_body_are_refused(strict: Running) -> None:
    wire = await Wire.to(strict)
    await wire.say(
        "POST /v1/runs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    said = await wire.rest()
    assert said.startswith("HTTP/1.1 400 ")
    assert '"code": "bad-http"' in said
    assert said.count("HTTP/1.1") == 1


async def test_an_address_counts_as_headers_do(strict: Running) -> None:
    reply = await strict.http.get(f"/v1/runs/{'x' * 20_000}?a={'y' * 20_000}")
    assert (reply.status_code, reply.json()["code"]) == (431, "headers-too-large")


async def test_nonsense_in_the_middle_of_an_answer_ends_the_connection_quietly(
    strict: Running, caplog: pytest.LogCaptureFixture
) -> None:
    run = (await strict.http.post("/v1/runs", json={"input": WAITING, "background": True})).json()["id"]
    wire = await Wire.to(strict)
    await wire.say(f"GET /v1/runs/{run}/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    await wire.until("event: TaskStarted")
    await wire.say("this is no chunk\r\n")
    assert "HTTP/1.1" not in await wire.rest()
    await strict.until_closed(1)
    assert "Fatal" not in caplog.text
    assert "Traceback" not in caplog.text
    assert (await strict.http.get(f"/v1/runs/{run}")).json()["status"] == "running"


async def test_headers_that_do_not_come_close_the_connection(
    strict: Running, monkeypatch: pytest.MonkeyPatch, gates: Gates
) -> None:
    monkeypatch.setattr(Protocol, "patience", 0.3)
    # Whoever has asked may wait for as long as the answer takes.
    waiting = asyncio.ensure_future(strict.http.post("/v1/runs", json={"input": WAITING}))
    await gates.arrived["a"].wait()
    for begun in ("", "GET /healthz HTTP/1.1\r\nHost:"):
        wire = await Wire.to(strict)
        await wire.say(begun)
        assert await wire.rest() == ""
    wire = await Wire.to(strict)
    await wire.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    await wire.until('{"status":"ok"}')
    await wire.say("GET /healthz HT")
    assert await wire.rest() == ""
    gates.opened["a"].set()
    assert (await waiting).json()["status"] == "succeeded"


async def test_a_body_that_does_not_come_is_given_up(
    strict: Running, monkeypatch: pytest.MonkeyPatch, gates: Gates
) -> None:
    monkeypatch.setattr(SizeLimits, "patience", 0.3)
    waiting = asyncio.ensure_future(strict.http.post("/v1/runs", json={"input": WAITING}))
    await gates.arrived["a"].wait()
    for length in ("Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"):
        wire = await Wire.to(strict)
        await wire.say(f"POST /v1/runs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}")
        said = await wire.rest()
        assert said.startswith("HTTP/1.1 408 ")
        assert "application/problem+json" in said
        assert '"code": "request-timeout"' in said
    gates.opened["a"].set()
    assert (await waiting).json()["status"] == "succeeded"


async def test_a_fault_is_logged_by_the_template_of_its_address(
    server: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(server.manager, "get", broken)
    reply = await server.http.get("/v1/runs/of-a-patient?and=more")
    assert (reply.status_code, reply.json()["code"]) == (500, "internal-error")
    (line,) = [r.getMessage() for r in caplog.records if "failed" in r.getMessage()]
    assert line == f"request {reply.json()['request_id']} failed: GET /v1/runs/{{run_id}}"
    assert "patient" not in " ".join(
        r.getMessage() for r in caplog.records if r.name.startswith("llmcompiler")
    )
