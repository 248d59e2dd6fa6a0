"""Events of runs, over real sockets: from anywhere, exactly once, without gaps, for any number of readers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse

from tests.support.serving import ASKED, PLAN, Running

STEPS = '1. wait_at("a")\n2. wait_at("b")\n3. add(1, 2)\njoin($3)'


async def begin(server: Running, question: str) -> str:
    """Start a run in the background; its id."""
    reply = await server.http.post("/v1/runs", json={"input": question, "background": True})
    assert reply.status_code == 202, reply.text
    return str(reply.json()["id"])


async def read(
    server: Running, run_id: str, after: int | None = None, most: int | None = None
) -> list[ServerSentEvent]:
    """Events of a run until its end, or so many."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    found: list[ServerSentEvent] = []
    async with aconnect_sse(server.http, "GET", f"/v1/runs/{run_id}/events", headers=headers) as source:
        source.response.raise_for_status()
        async for event in source.aiter_sse():
            found.append(event)
            if len(found) == most:
                break
    return found


def ids(events: list[ServerSentEvent]) -> list[int]:
    """Their ids, which are also in their data."""
    assert [int(e.id) for e in events] == [json.loads(e.data)["seq"] for e in events]
    return [int(e.id) for e in events]


async def test_a_run_that_is_over_is_replayed_from_anywhere(server: Running) -> None:
    run_id = (await server.http.post("/v1/runs", json={"input": ASKED})).json()["id"]
    everything = await read(server, run_id)
    count = len(everything)
    assert ids(everything) == list(range(count))
    assert everything[-1].event == "RunFinished"
    for after in range(count - 1):
        assert [e.data for e in await read(server, run_id, after)] == [
            e.data for e in everything[after + 1 :]
        ]
    reply = await server.http.get(f"/v1/runs/{run_id}/events", params={"after": 3})
    assert reply.text.startswith("id: 4\n")


async def test_the_header_counts_before_the_query(server: Running) -> None:
    run_id = (await server.http.post("/v1/runs", json={"input": PLAN})).json()["id"]
    reply = await server.http.get(
        f"/v1/runs/{run_id}/events", params={"after": 0}, headers={"Last-Event-ID": "5"}
    )
    assert reply.text.startswith("id: 6\n")


async def test_who_has_everything_is_told_not_to_come_back(server: Running) -> None:
    run = (await server.http.post("/v1/runs", json={"input": PLAN})).json()
    for after in (run["events"] - 1, run["events"], 10**17):
        reply = await server.http.get(f"/v1/runs/{run['id']}/events", headers={"Last-Event-ID": str(after)})
        assert (reply.status_code, reply.content) == (204, b"")


@pytest.mark.parametrize("bad", ["-1", "x", "1.5", "1e3", "0x1", "9" * 19, "१"])
async def test_an_id_that_is_none_is_refused(server: Running, bad: str) -> None:
    run_id = (await server.http.post("/v1/runs", json={"input": PLAN})).json()["id"]
    where = f"/v1/runs/{run_id}/events"
    replies = [await server.http.get(where, params={"after": bad})]
    if bad.isascii():
        replies.append(await server.http.get(where, headers={"Last-Event-ID": bad}))
    for reply in replies:
        assert (reply.status_code, reply.json()["code"]) == (400, "bad-event-id")


async def test_an_id_beyond_the_end_of_a_running_run_waits_for_what_comes_after_it(server: Running) -> None:
    run_id = await begin(server, STEPS)
    reading = asyncio.ensure_future(read(server, run_id, 10_000))
    async with asyncio.timeout(20):
        while not server.manager.readers:  # noqa: ASYNC110  # nobody tells when a reader has come
            await asyncio.sleep(0.005)
    for gate in "ab":
        server.gates.opened[gate].set()
    assert await asyncio.wait_for(reading, 20) == []


async def test_many_readers_each_see_everything_whenever_they_come(server: Running) -> None:
    run_id = await begin(server, STEPS)
    readers = [asyncio.ensure_future(read(server, run_id)) for _ in range(10)]
    await server.gates.arrived["b"].wait()
    readers += [asyncio.ensure_future(read(server, run_id)) for _ in range(10)]
    server.gates.opened["a"].set()
    readers += [asyncio.ensure_future(read(server, run_id)) for _ in range(10)]
    server.gates.opened["b"].set()
    seen = await asyncio.gather(*readers)
    assert all(ids(events) == list(range(len(seen[0]))) for events in seen)
    assert {events[-1].event for events in seen} == {"RunFinished"}
    assert server.manager.readers == 0


async def test_a_key_has_so_many_streams_at_once_and_no_more(start: Any) -> None:
    async with start(max_readers_per_key=2) as server:
        run_id = await begin(server, STEPS)
        where = f"/v1/runs/{run_id}/events"
        readers = [asyncio.ensure_future(read(server, run_id)) for _ in range(2)]
        async with asyncio.timeout(20):
            while server.manager.readers < 2:  # noqa: ASYNC110  # nobody tells when a reader has come
                await asyncio.sleep(0.005)
        refused = await server.http.get(where)
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-readers")
        assert refused.headers["retry-after"] == "1"
        assert (await server.http.get(f"/v1/runs/{run_id}")).json()["status"] == "running"
        for gate in "ab":
            server.gates.opened[gate].set()
        assert {events[-1].event for events in await asyncio.gather(*readers)} == {"RunFinished"}
        for _ in range(
            3
        ):  # those that ended make room, and so do those that are refused or asked for by HEAD
            assert (await server.http.get(where)).status_code == 200
            assert (await server.http.head(where)).status_code == 200


async def test_a_broken_connection_is_taken_up_where_it_broke(server: Running) -> None:
    run_id = await begin(server, STEPS)
    first = await read(server, run_id, most=4)
    for gate in "ab":
        server.gates.opened[gate].set()
    rest = await read(server, run_id, ids(first)[-1])
    assert ids(first) + ids(rest) == list(range(len(first) + len(rest)))
    assert rest[-1].event == "RunFinished"


@pytest.mark.parametrize("buffer", [1, 7, 256])
@pytest.mark.parametrize("store", ["memory", "file"])
async def test_readers_slower_than_the_buffer_read_from_the_store(
    start: Any, buffer: int, store: str, tmp_path: Any
) -> None:
    where = "memory" if store == "memory" else str(tmp_path / "runs.db")
    async with start(buffer=buffer, store=where) as server:
        run_id = await begin(server, "1. chatty(3000)\njoin($1)")
        events = await read(server, run_id)
        assert ids(events) == list(range(len(events)))
        assert sum(e.event == "TaskProgress" for e in events) == 3000


async def test_a_reader_that_does_not_read_holds_nothing_up(start: Any) -> None:
    async with start(buffer=4) as server:
        large = "\n".join(f"{i}. big({900_000 + i})" for i in range(2, 12))
        question = f"1. chatty(2000)\n{large}\njoin($1)"
        run_id = await begin(server, question)
        port = int(server.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
        writer.write(f"GET /v1/runs/{run_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await writer.drain()
        await reader.readline()  # it is being answered; nothing is read from now on
        await asyncio.wait_for(server.manager.wait(_anonymous(), run_id), 60)
        assert (await server.http.get(f"/v1/runs/{run_id}")).json()["output"] == 2000
        # And once it reads on, everything is there.
        text = b""
        while b"event: RunFinished" not in text[-5000:]:
            piece = await asyncio.wait_for(reader.read(1_000_000), 20)
            assert piece
            text += piece
        assert text.count(b"\nevent: TaskProgress\n") + text.startswith(b"event: TaskProgress\n") == 2000
        writer.close()


async def test_a_silent_stream_sends_comments(start: Any) -> None:
    async with start(heartbeat=0.02) as server:
        run_id = await begin(server, '1. wait_at("a")\njoin($1)')
        async with server.http.stream("GET", f"/v1/runs/{run_id}/events") as reply:
            beats = 0
            async for line in reply.aiter_lines():
                beats += line.startswith(":")
                if beats == 3:
                    server.gates.opened["a"].set()
                if "RunFinished" in line:
                    break
        assert beats >= 3


async def test_large_values_are_cut_in_events_and_say_so(start: Any) -> None:
    async with start(max_output=5_000) as server:
        run = (
            await server.http.post("/v1/runs", json={"input": "1. big(100000)\n2. add(1, 2)\njoin($1)"})
        ).json()
        assert run["output"] == "x" * 100_000  # the answer itself is whole
        assert len(json.dumps(run["tasks"])) < 10_000
        events = await read(server, run["id"])
        assert all(len(e.data.encode()) <= 5_000 for e in events)
        told = [json.loads(e.data) for e in events]
        (finished,) = [t for t in told if t["type"] == "TaskFinished" and t["task_id"] == 1]
        assert finished["cut"] is True
        assert finished["outcome"]["status"] == "succeeded"
        assert "cut: " in finished["outcome"]["value"]
        assert ids(events) == list(range(len(events)))


async def test_a_run_let_go_while_it_is_read_ends_the_stream(start: Any) -> None:
    async with start(max_kept_runs=1) as server:
        run_id = (await server.http.post("/v1/runs", json={"input": PLAN})).json()["id"]
        batches = server.manager.batches(_anonymous(), run_id)
        first = await anext(batches)
        assert first[0].seq == 0
        for _ in range(3):
            await server.http.post("/v1/runs", json={"input": PLAN})
        assert [b async for b in batches] == []
        reply = await server.http.get(f"/v1/runs/{run_id}/events", headers={"Last-Event-ID": "2"})
        assert reply.status_code == 404


def _anonymous() -> Any:
    from llmcompiler_server.records import Principal

    return Principal("anonymous", frozenset(["run", "read", "approve", "admin"]))


async def test_readers_that_leave_are_forgotten(server: Running) -> None:
    run_id = await begin(server, '1. wait_at("a")\njoin($1)')
    await server.gates.arrived["a"].wait()
    async with httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as http:
        for _ in range(5):
            async with aconnect_sse(http, "GET", f"/v1/runs/{run_id}/events") as source:
                async for _event in source.aiter_sse():
                    break
    await server.until_closed(but=1)
    async with asyncio.timeout(20):
        while server.manager.readers:  # noqa: ASYNC110  # nobody tells when a reader is forgotten
            await asyncio.sleep(0.005)
