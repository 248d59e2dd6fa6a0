"""What goes wrong around runs: killed clients, shutdowns, full disks, clocks that jump. Nothing hangs or is lost."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from llmcompiler_server.records import Principal
from llmcompiler_server.store_sqlite import SQLiteRunStore
from tests.support.serving import PLAN, Gates, Running

ANYBODY = Principal("anonymous", frozenset(["run", "read", "approve", "admin"]))
WAITING = '1. wait_at("a")\njoin($1)'


async def begin(server: Running, question: str) -> str:
    reply = await server.http.post("/v1/runs", json={"input": question, "background": True})
    assert reply.status_code == 202, reply.text
    return str(reply.json()["id"])


async def all_events(server: Running, run_id: str) -> list[dict[str, Any]]:
    reply = await server.http.get(f"/v1/runs/{run_id}/events")
    told = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: ")]
    assert [t["seq"] for t in told] == list(range(len(told)))
    return told


async def test_a_client_that_is_killed_in_the_middle_of_a_stream(server: Running) -> None:
    body = json.dumps({"input": WAITING, "stream": True}).encode()
    head = f"POST /v1/runs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    port = int(server.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + body)
    await reader.readuntil(b"event: TaskStarted")
    # No goodbye: the connection is reset, as when a machine goes away.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    await asyncio.wait_for(server.gates.cancelled["a"].wait(), 20)
    await server.until_closed()
    (run,) = (await server.http.get("/v1/runs")).json()["data"]
    told = await all_events(server, run["id"])
    assert (told[-1]["type"], told[-1]["status"]) == ("RunFinished", "cancelled")
    assert (await server.http.get(f"/v1/runs/{run['id']}")).json()["status"] == "cancelled"


async def test_shutdown_with_streams_open_and_a_call_that_hangs(
    start: Any, tmp_path: Path, gates: Gates
) -> None:
    path = tmp_path / "runs.db"
    async with start(store=str(path), grace=0.05) as server:
        hung, slow = await begin(server, "1. add(1, 2)\n2. hang()\njoin()"), await begin(server, WAITING)
        following = [asyncio.ensure_future(all_events(server, r)) for r in (hung, slow)]
        await gates.arrived["a"].wait()
        reply = await server.http.get(f"/v1/runs/{hung}")
        assert reply.json()["status"] == "running"
        # As the server's own shutdown does it: first the runs, whose streams end with them, then the connections.
        await asyncio.wait_for(server.manager.aclose(), 30)
        for told in await asyncio.gather(*following):
            assert (told[-1]["type"], told[-1]["error"]["type"]) == ("RunFinished", "Interrupted")
        refused = await server.http.post("/v1/runs", json={"input": PLAN})
        assert (refused.status_code, refused.json()["code"]) == (503, "shutting-down")
        assert int(refused.headers["retry-after"]) > 0
    store = SQLiteRunStore(path)
    assert await store.open() == []  # nothing was left half-way
    for run_id in (hung, slow):
        run = await store.get(run_id)
        assert run is not None
        assert run.status == "interrupted"
        assert (await store.events(run_id, run.events - 2, 9))[-1].type == "RunFinished"
    run = await store.get(hung)
    assert run is not None
    assert run.result is not None
    assert run.result["tasks"]["1"]["outcome"]["value"] == 3
    await store.close()


async def test_a_service_that_was_killed_is_taken_up_where_it_was(start: Any, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    async with start(store=str(path)) as server:
        done = (await server.http.post("/v1/runs", json={"input": PLAN})).json()
        events = await all_events(server, done["id"])
        running = await begin(server, WAITING)
        await server.gates.arrived["a"].wait()
        await server.manager.store.events(running, -1, 1)  # written
        # What a killed process leaves: the file as it is now.
        copy = tmp_path / "copy.db"
        with sa.create_engine(f"sqlite:///{path}").connect() as db:
            db.exec_driver_sql(f"VACUUM INTO '{copy}'")
            db.engine.dispose()
    async with start(store=str(copy)) as server:
        assert (await server.http.get(f"/v1/runs/{done['id']}")).json() == done
        assert await all_events(server, done["id"]) == events
        run = (await server.http.get(f"/v1/runs/{running}")).json()
        assert (run["status"], run["error"]["code"]) == ("interrupted", "interrupted")
        told = await all_events(server, running)
        assert (told[0]["type"], told[-1]["type"]) == ("RunStarted", "RunFinished")
        assert (await server.http.post(f"/v1/runs/{running}/cancel")).json() == run
        page = (await server.http.get("/v1/runs")).json()
        assert [r["id"] for r in page["data"]] == [running, done["id"]]


async def test_a_full_disk_does_not_hold_runs_up(start: Any, tmp_path: Path, caplog: Any) -> None:
    path = tmp_path / "runs.db"
    store = SQLiteRunStore(path)
    async with start(store_object=store, buffer=2) as server:
        assert (await server.http.post("/v1/runs", json={"input": PLAN})).json()["output"] == 7
        await store.events("run_none", -1, 1)

        def bound(connection: Any, *_: Any) -> None:
            connection.execute("PRAGMA max_page_count = 1")

        assert store._file._engine is not None
        store._file._engine.dispose()
        sa.event.listen(store._file._engine, "connect", bound)
        run = (
            await server.http.post("/v1/runs", json={"input": "1. chatty(500)\n2. big(100000)\njoin($1)"})
        ).json()
        assert run["output"] == 500
        # Nothing is lost while the service lives: it is held in memory.
        told = await all_events(server, run["id"])
        assert sum(t["type"] == "TaskProgress" for t in told) == 500
        assert (await server.http.get(f"/v1/runs/{run['id']}")).json() == run
        page = (await server.http.get("/v1/runs")).json()
        assert len(page["data"]) == 2
    # The writer may have tried last when the service ended.
    assert "can not be written" in caplog.text or "could not be written" in caplog.text


@pytest.mark.parametrize("store", ["memory", "file"])
async def test_a_hundred_thousand_events_are_replayed(start: Any, tmp_path: Path, store: str) -> None:
    where = "memory" if store == "memory" else str(tmp_path / "runs.db")
    async with start(store=where) as server:
        run_id = await begin(server, "1. chatty(100000)\njoin($1)")
        await asyncio.wait_for(server.manager.wait(ANYBODY, run_id), 100)
        text = bytearray()
        async with server.http.stream("GET", f"/v1/runs/{run_id}/events") as reply:
            async for piece in reply.aiter_bytes():
                text += piece
        found = [int(n) for n in re.findall(rb"^id: (\d+)$", text, re.MULTILINE)]
        assert found == list(range(len(found)))
        assert text.count(b"\nevent: TaskProgress\n") == 100_000


async def test_the_clock_on_the_wall_may_jump(server: Running, monkeypatch: Any) -> None:
    import time

    real = time.time
    jump = 0.0
    monkeypatch.setattr("llmcompiler_server.runs.time.time", lambda: real() + jump)
    first = (await server.http.post("/v1/runs", json={"input": PLAN})).json()
    run_id = await begin(server, WAITING)
    jump = -1e6
    second = (await server.http.post("/v1/runs", json={"input": PLAN})).json()
    server.gates.opened["a"].set()
    record = await server.manager.wait(ANYBODY, run_id)
    assert record.status == "succeeded"
    assert 0 <= record.finished_at - record.created_at < 60
    told = await all_events(server, run_id)
    assert all(0 <= t["at"] < 60 for t in told)
    page = (await server.http.get("/v1/runs")).json()
    assert [r["id"] for r in page["data"]] == [second["id"], run_id, first["id"]]


async def test_tools_that_hold_values_json_can_not_cost_no_event(server: Running) -> None:
    run = (
        await server.http.post("/v1/runs", json={"input": '1. fail("\\ud800 \\u0000 \\n\\ndata: x")\njoin()'})
    ).json()
    told = await all_events(server, run["id"])
    assert told[-1]["type"] == "RunFinished"
