"""What a proxy or a cache between client and service could get wrong: addresses, kept answers, bytes held back."""

from __future__ import annotations

import pytest

from tests.support.serving import PLAN, Running


@pytest.mark.parametrize("path", ["/v1/runs/", "/v1/tools/", "/healthz/", "/page/"])
async def test_no_redirect_to_an_address_that_the_service_can_not_know(server: Running, path: str) -> None:
    headers = {"Host": "localhost", "X-Forwarded-Host": "elsewhere.example", "Authorization": "Bearer x"}
    reply = await server.http.get(path, headers=headers)
    assert reply.status_code == 404
    assert "location" not in reply.headers
    assert reply.json()["code"] == "not-found"


async def test_addresses_in_answers_have_no_host(server: Running) -> None:
    reply = await server.http.post("/v1/runs", json={"input": PLAN}, headers={"Host": "localhost:1"})
    assert reply.headers["location"] == f"/v1/runs/{reply.json()['id']}"


@pytest.mark.parametrize(
    "path", ["/v1/runs", "/v1/runs/none", "/v1/tools", "/v1/models", "/healthz", "/metrics"]
)
async def test_answers_are_not_kept(server: Running, path: str) -> None:
    reply = await server.http.get(path)
    assert reply.headers["cache-control"] == "no-store"


async def test_the_pages_files_are_kept_and_asked_for_anew(server: Running) -> None:
    reply = await server.http.get("/")
    assert reply.headers["cache-control"] == "no-cache"
    again = await server.http.get("/", headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code == 304


async def test_streams_say_that_they_are_not_to_be_held_back(server: Running) -> None:
    async with server.http.stream("POST", "/v1/runs", json={"input": PLAN, "stream": True}) as reply:
        assert reply.headers["x-accel-buffering"] == "no"
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in reply.headers
        await reply.aread()
