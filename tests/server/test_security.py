"""Rates, sizes, headers, hosts and CORS, over real sockets; what no client would send goes over a bare one."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from llmcompiler_server.keys import new_key
from llmcompiler_server.security import SECURITY_HEADERS
from llmcompiler_server.serving import Protocol
from tests.support.serving import PLAN, Running

MB = 1_000_000


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
async def strict(start: Any) -> AsyncIterator[Running]:
    """A service with the parser that `serve` has."""
    async with start() as server:
        server.uvicorn.config.http_protocol_class = Protocol
        server.uvicorn.config.h11_max_incomplete_event_size = 36_000
        yield server


class Raw:
    """A connection that says exactly what a test wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, server: Running) -> Raw:
        return cls(*await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2])))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer, while the request may be unfinished."""
        async with asyncio.timeout(30):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split()[1]), headers, body

    async def closed(self) -> bool:
        async with asyncio.timeout(30):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True

    async def leave(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


HEAD = b"POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


# -- rates --------------------------------------------------------------------------------


async def test_rate_of_the_settings_and_of_a_key(start: Any) -> None:
    slow, kept_slow = new_key("slow", rate=3)
    usual, kept_usual = new_key("usual", ["read"])
    async with start(keys=[kept_slow, kept_usual], rate=5) as server:
        for key, many in ((slow, 3), (usual, 5)):
            replies = [await server.http.get("/v1/tools", headers=bearer(key)) for _ in range(many + 1)]
            assert [r.status_code for r in replies] == [200] * many + [429]
            refused = replies[-1]
            assert refused.json()["code"] == "rate-limited"
            assert f"{many} requests a minute" in refused.json()["detail"]
            assert int(refused.headers["retry-after"]) == -(-60 // many)
            assert refused.headers["content-type"] == "application/problem+json"
        # A key whose rate is used up may not ask on by another door, nor with what its scope does not cover.
        for method, path in (("GET", "/metrics"), ("POST", "/v1/runs"), ("GET", "/v1/models")):
            reply = await server.http.request(method, path, json={"input": PLAN}, headers=bearer(usual))
            assert reply.status_code == 429, path
        assert (await server.http.get("/healthz")).status_code == 200
        assert server.manager.active == 0


async def test_requests_of_a_wrong_scope_count(start: Any) -> None:
    reader, kept = new_key("reader", ["read"], rate=2)
    async with start(keys=[kept]) as server:
        asked = [await server.http.post("/v1/runs", json={}, headers=bearer(reader)) for _ in range(3)]
        assert [r.status_code for r in asked] == [403, 403, 429]


async def test_a_rate_below_one_a_minute_lets_one_request_through(start: Any) -> None:
    rare, kept = new_key("rare", rate=0.5)
    async with start(keys=[kept]) as server:
        first, second = [await server.http.get("/v1/tools", headers=bearer(rare)) for _ in range(2)]
        assert (first.status_code, second.status_code) == (200, 429)
        assert second.headers["retry-after"] == "120"


async def test_without_keys_all_share_one_rate(start: Any) -> None:
    async with start(rate=2) as server:
        asked = [await server.http.get("/v1/tools", headers=h) for h in ({}, bearer("a"), bearer("b"))]
        assert [r.status_code for r in asked] == [200, 200, 429]


async def test_runs_at_once_of_a_key(start: Any) -> None:
    few, kept_few = new_key("few", max_runs=1)
    usual, kept_usual = new_key("usual")
    async with start(keys=[kept_few, kept_usual], max_runs_per_key=2) as server:
        for key, many in ((few, 1), (usual, 2)):
            for i in range(many + 1):
                body = {"input": f'1. wait_at("{many}-{i}")\njoin($1)', "background": True}
                reply = await server.http.post("/v1/runs", json=body, headers=bearer(key))
                assert reply.status_code == (202 if i < many else 429)
            assert reply.json()["code"] == "too-many-runs"
            assert int(reply.headers["retry-after"]) > 0


# -- sizes --------------------------------------------------------------------------------


async def test_a_gigabyte_that_says_its_length_is_refused_unread(server: Running) -> None:
    raw = await Raw.open(server)
    await raw.send(HEAD + f"Content-Length: {1_000 * MB}\r\n\r\n".encode() + b'{"input": "')
    status, headers, body = await raw.answer()  # nothing more was sent
    assert (status, json.loads(body)["code"]) == (413, "body-too-large")
    assert headers["connection"] == "close"
    assert headers["x-content-type-options"] == "nosniff"
    assert await raw.closed()
    await raw.leave()


async def test_a_chunked_gigabyte_is_refused_when_it_is_too_large(start: Any) -> None:
    async with start(max_body=100_000) as server:
        raw = await Raw.open(server)
        await raw.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        sent = 0
        answer = asyncio.ensure_future(raw.answer())
        with contextlib.suppress(ConnectionError):
            while not answer.done() and sent < 1_000 * MB:
                await raw.send(chunk)
                sent += 0x10000
                await asyncio.sleep(0)
        status, _, body = await answer
        assert (status, json.loads(body)["code"]) == (413, "body-too-large")
        # What was taken in is what the sockets hold at most, and far from all of it.
        assert sent < 100 * MB
        await raw.leave()
        assert (await server.http.get("/v1/runs")).json()["data"] == []


async def test_a_body_just_small_enough_and_one_byte_more(start: Any) -> None:
    async with start(max_body=2_000) as server:
        fits = json.dumps({"input": PLAN}).encode().ljust(2_000)

        async def pieces(data: bytes) -> Any:
            for i in range(0, len(data), 300):
                yield data[i : i + 300]

        for content, expected in ((fits, 200), (fits + b" ", 413)):
            headers = {"Content-Type": "application/json"}
            whole = await server.http.post("/v1/runs", content=content, headers=headers)
            parts = await server.http.post("/v1/runs", content=pieces(content), headers=headers)
            assert (whole.status_code, parts.status_code) == (expected, expected)


@pytest.mark.parametrize("path", ["/healthz", "/nothing/here", "/v1/tools", "/"])
async def test_bodies_that_nobody_asked_for_are_refused_too(server: Running, path: str) -> None:
    raw = await Raw.open(server)
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {1_000 * MB}\r\n\r\n"
    await raw.send(head.encode())
    assert (await raw.answer())[0] == 413
    await raw.leave()


async def test_a_client_that_stops_in_the_middle_of_its_body(server: Running) -> None:
    raw = await Raw.open(server)
    await raw.send(HEAD + b"Content-Length: 1000\r\n\r\n" + b'{"input"')
    await raw.leave()
    await server.until_closed()
    assert (await server.http.get("/v1/runs")).json()["data"] == []


@pytest.mark.parametrize(
    "lengths",
    [b"Content-Length: -1\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: 1e3\r\n"],
)
async def test_lengths_that_are_none(strict: Running, lengths: bytes) -> None:
    raw = await Raw.open(strict)
    await raw.send(HEAD + lengths + b"\r\n{}")
    status, headers, _ = await raw.answer()
    assert status == 400
    assert set(map(str.lower, SECURITY_HEADERS)) <= headers.keys()
    await raw.leave()


@pytest.mark.parametrize("size", [33_000, 300_000])
async def test_headers_too_large(strict: Running, size: int) -> None:
    """Also those so large that no server would read them to their end."""
    raw = await Raw.open(strict)
    with contextlib.suppress(ConnectionError):
        await raw.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * size + b"\r\n\r\n")
    status, headers, body = await raw.answer()
    assert status == 431
    document = json.loads(body)
    assert (document["code"], document["status"]) == ("headers-too-large", 431)
    assert headers["content-type"] == "application/problem+json"
    assert set(map(str.lower, SECURITY_HEADERS)) <= headers.keys()
    await raw.leave()
    many = {f"X-{i}": "b" * 100 for i in range(400)}
    assert (await strict.http.get("/healthz", headers=many)).status_code == 431
    assert (await strict.http.get("/healthz")).status_code == 200


async def test_what_is_no_http(strict: Running) -> None:
    raw = await Raw.open(strict)
    await raw.send(b"\x16\x03\x01 secret\r\n\r\n")
    status, headers, body = await raw.answer()
    assert (status, json.loads(body)["code"]) == (400, "bad-http")
    assert b"secret" not in body
    assert set(map(str.lower, SECURITY_HEADERS)) <= headers.keys()
    assert await raw.closed()
    await raw.leave()


# -- headers, hosts, CORS -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/", 200),
        ("GET", "/v1/tools", 200),
        ("GET", "/nothing", 404),
        ("DELETE", "/v1/runs", 405),
        ("POST", "/v1/runs", 422),
        ("POST", "/v1/chat/completions", 400),
        ("GET", "/v1/runs/run_0", 404),
        ("GET", "/v1/runs//", 404),
        ("OPTIONS", "/v1/runs", 405),
    ],
)
async def test_security_headers_are_on_every_answer(
    server: Running, method: str, path: str, status: int
) -> None:
    reply = await server.http.request(method, path)
    assert reply.status_code == status
    for name, value in SECURITY_HEADERS.items():
        assert reply.headers[name] == value
    assert (
        "server" not in reply.headers or reply.headers["server"] == "uvicorn"
    )  # `Server` of ours sends none
    assert not [name for name in reply.headers if name.startswith("access-control-")]
    policy = reply.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy


async def test_security_headers_are_on_streams_and_on_faults(
    server: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stream = await server.http.post("/v1/runs", json={"input": PLAN, "stream": True})
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["x-frame-options"] == "DENY"

    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("internals: llmc_secret")

    monkeypatch.setattr(server.manager, "list", broken)
    reply = await server.http.get("/v1/runs")
    assert (reply.status_code, reply.json()["code"]) == (500, "internal-error")
    assert "secret" not in reply.text
    assert "RuntimeError" not in reply.text
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.json()["request_id"] in caplog.text


ASKING = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}


async def test_cors_is_off_by_default(server: Running) -> None:
    for reply in (
        await server.http.options("/v1/runs", headers=ASKING),
        await server.http.get("/v1/tools", headers={"Origin": "https://app.example"}),
    ):
        assert not [name for name in reply.headers if name.startswith("access-control-")]


async def test_cors_for_named_origins(start: Any) -> None:
    async with start(cors_origins=["https://app.example"], max_body=1_000) as server:
        wanted = {**ASKING, "Access-Control-Request-Headers": "authorization, content-type, last-event-id"}
        flight = await server.http.options("/v1/runs", headers=wanted)
        assert flight.status_code == 200
        assert flight.headers["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-credentials" not in flight.headers
        stranger = await server.http.options("/v1/runs", headers={**ASKING, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers
        # Scripts can read refusals, too, and what they need of the headers.
        for content, status in ((b"{}", 422), (b" " * 2_000, 413)):
            reply = await server.http.post(
                "/v1/runs",
                content=content,
                headers={"Origin": "https://app.example", "Content-Type": "application/json"},
            )
            assert reply.status_code == status
            assert reply.headers["access-control-allow-origin"] == "https://app.example"
            assert "Location" in reply.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
async def test_a_page_elsewhere_can_not_start_runs_unasked(server: Running, content_type: str) -> None:
    """What browsers send to anybody without asking first is not read as JSON."""
    headers = {"Content-Type": content_type, "Origin": "https://evil.example"}
    for path in ("/v1/runs", "/v1/chat/completions", "/v1/plans"):
        reply = await server.http.post(path, content=json.dumps({"input": PLAN}), headers=headers)
        assert 400 <= reply.status_code < 500, path
    assert (await server.http.get("/v1/runs")).json()["data"] == []


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost:8000", True),
        ("127.0.0.1", True),
        ("[::1]:8000", True),
        ("LOCALHOST", True),
        ("app.localhost", True),
        ("worker", True),
        ("llm.example.org", True),
        ("llm.example.org:8443", True),
        ("evil.example", False),
        ("evil.example.", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example:8000", False),
    ],
)
async def test_without_keys_strange_names_are_refused(start: Any, host: str, known: bool) -> None:
    """A page on the web must not reach a service on its reader's machine under a name of its own."""
    async with start(hosts=["llm.example.org"]) as server:
        reply = await server.http.get("/v1/tools", headers={"Host": host})
        assert reply.status_code == (200 if known else 403)
        if not known:
            assert reply.json()["code"] == "host-unknown"
            assert "`hosts`" in reply.json()["detail"]
            assert reply.headers["x-frame-options"] == "DENY"


async def test_with_keys_any_name_will_do(start: Any) -> None:
    key, kept = new_key("web")
    async with start(keys=[kept]) as server:
        headers = {"Host": "llm.example.org", "X-API-Key": key}
        assert (await server.http.get("/v1/tools", headers=headers)).status_code == 200


async def test_keys_by_either_header_and_beside_a_proxys_own(start: Any) -> None:
    key, kept = new_key("web")
    async with start(keys=[kept]) as server:
        for headers in (
            bearer(key),
            {"X-API-Key": key},
            {"authorization": f"bearer {key}"},
            {"Authorization": "Basic cHJveHk6eA==", "X-API-Key": key},
        ):
            reply: httpx.Response = await server.http.get("/v1/tools", headers=headers)
            assert reply.status_code == 200, headers
        for url in (f"/v1/tools?key={key}", f"/v1/tools?api_key={key}"):
            assert (await server.http.get(url)).status_code == 401  # an address ends up in logs
