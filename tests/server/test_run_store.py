"""Stores of runs: both keep the same promises; the one in a file keeps them over a restart, and through trouble."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from llmcompiler.errors import ConfigurationError
from llmcompiler_server.problems import Problem
from llmcompiler_server.records import RunRecord, StoredEvent
from llmcompiler_server.store import IdempotencyKey, MemoryRunStore
from llmcompiler_server.store_sqlite import SQLiteRunStore


def record(number: int, status: Any = "succeeded", owner: str = "ann") -> RunRecord:
    return RunRecord(f"run_{number}", owner, f"question {number}", status, 1000.0 + number)


def event(seq: int, text: str = "") -> StoredEvent:
    return StoredEvent(seq, "TaskProgress", f'{{"seq": {seq}, "text": "{text}"}}')


@pytest.fixture(params=["memory", "file"])
async def store(request: Any, tmp_path: Path) -> AsyncIterator[Any]:
    made: Any = (
        MemoryRunStore(3, 100) if request.param == "memory" else SQLiteRunStore(tmp_path / "runs.db", 3)
    )
    assert await made.open() == []
    yield made
    await made.close()


# -- both -----------------------------------------------------------------------------------------


async def test_what_was_saved_is_read(store: Any) -> None:
    run = record(1, "running")
    store.save(run)
    assert await store.get("run_1") == run
    run.status, run.output, run.result = "succeeded", {"a": [1, None]}, {"tasks": {}}
    assert (await store.get("run_1")).status == "running"  # what was saved, not what it became
    store.save(run)
    assert await store.get("run_1") == run
    assert await store.get("run_2") is None


async def test_events_are_read_in_pages_from_anywhere(store: Any) -> None:
    store.save(record(1, "running"))
    for seq in range(50):
        store.append("run_1", event(seq))
    assert [e.seq for e in await store.events("run_1", -1, 20)] == list(range(20))
    assert await store.events("run_1", 19, 2) == [event(20), event(21)]
    store.append("run_1", event(50))
    assert [e.seq for e in await store.events("run_1", 48, 20)] == [49, 50]
    assert await store.events("run_1", 50, 20) == []
    assert await store.events("run_1", 10**12, 20) == []
    assert await store.events("run_9", -1, 20) == []


async def test_the_oldest_that_are_over_are_let_go_and_those_under_way_never(store: Any) -> None:
    store.save(record(0, "running"))
    store.append("run_0", event(0))
    for number in range(1, 6):
        store.save(record(number, "running"))
        store.append(f"run_{number}", event(0))
        store.save(record(number))
        await store.get(f"run_{number}")
    await store.events("run_0", -1, 1)
    there = [r.id for r in (await store.list(None, None, 10, None))[0]]
    assert there == ["run_5", "run_4", "run_3", "run_0"]
    assert await store.get("run_1") is None
    assert await store.events("run_1", -1, 10) == []


async def test_lists_page_from_the_newest_by_owner_and_status(store: Any) -> None:
    for number in range(9):
        store.save(record(number, "running", "ann" if number % 2 else "bob"))
    page, after = await store.list("ann", None, 3, None)
    assert [r.id for r in page] == ["run_7", "run_5", "run_3"]
    store.save(record(9, "running"))
    page, after = await store.list("ann", None, 3, after)
    assert ([r.id for r in page], after) == (["run_1"], None)
    assert [r.id for r in (await store.list(None, None, 2, None))[0]] == ["run_9", "run_8"]
    store.save(record(4, "waiting", "bob"))
    assert [r.id for r in (await store.list(None, "waiting", 9, None))[0]] == ["run_4"]
    assert len((await store.list(None, "running", 99, None))[0]) == 9
    for bad in ("x", "-1", "9" * 30):
        with pytest.raises(Problem) as caught:
            await store.list(None, None, 2, bad)
        assert caught.value.code == "bad-cursor"


async def test_order_does_not_follow_the_clock_on_the_wall(store: Any) -> None:
    for number, at in ((1, 500.0), (2, 100.0), (3, 300.0)):
        run = record(number, "running")
        run.created_at = at
        store.save(run)
    assert [r.id for r in (await store.list(None, None, 9, None))[0]] == ["run_3", "run_2", "run_1"]


async def test_keys_are_known_as_long_as_their_run(store: Any) -> None:
    store.save(record(1, "running"), IdempotencyKey("ann", "k", "digest"))
    known = await store.known("ann", "k")
    assert (known.digest, known.run_id) == ("digest", "run_1")
    assert await store.known("bob", "k") is None
    for number in range(1, 6):
        store.save(record(number))
        await store.events("run_1", -1, 1)
    assert await store.get("run_1") is None
    assert await store.known("ann", "k") is None


# -- in memory ---------------------------------------------------------------------------------------


async def test_memory_lets_go_by_events_and_large_ones_count_more() -> None:
    store = MemoryRunStore(1000, 100)
    for number in range(1, 5):
        store.save(record(number, "running"))
        for seq in range(40):
            store.append(f"run_{number}", event(seq))
        store.save(record(number))
    assert await store.get("run_2") is None
    assert await store.get("run_3") is not None
    store.save(record(9, "running"))
    store.append("run_9", event(0, "x" * 1_000_000))
    store.save(record(9))
    assert [r.id for r in (await store.list(None, None, 9, None))[0]] == ["run_9"]


async def test_keys_in_memory_lapse() -> None:
    now = 0.0
    store = MemoryRunStore(key_seconds=10, clock=lambda: now)
    store.save(record(1, "running"), IdempotencyKey("ann", "k", "d"))
    now = 9.0
    assert await store.known("ann", "k") is not None
    now = 10.0
    assert await store.known("ann", "k") is None


# -- in a file -----------------------------------------------------------------------------------------


async def reopened(path: Path, **options: Any) -> tuple[SQLiteRunStore, list[RunRecord]]:
    store = SQLiteRunStore(path, **options)
    return store, await store.open()


async def test_a_restart_keeps_runs_events_and_keys(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "runs.db"
    store, _ = await reopened(path)
    done = record(1)
    done.output, done.error, done.metadata = "été", None, {"a": "b"}
    store.save(done, IdempotencyKey("ann", "k", "d"))
    store.append("run_1", event(0, "é"))
    await store.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store, left = await reopened(path)
    assert left == []
    assert await store.get("run_1") == done
    assert await store.events("run_1", -1, 9) == [event(0, "é")]
    assert (await store.known("ann", "k")) is not None
    store.save(record(2))
    assert [r.id for r in (await store.list(None, None, 9, None))[0]] == ["run_2", "run_1"]
    await store.close()


async def test_runs_that_were_under_way_are_interrupted_and_say_so_once(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    store, _ = await reopened(path)
    for number, status in ((1, "running"), (2, "waiting"), (3, "succeeded")):
        store.save(record(number, status))
        store.append(f"run_{number}", event(0))
    await store.close()  # as if it had been killed: nothing more was said of them
    store, left = await reopened(path)
    assert {r.id: r.status for r in left} == {"run_1": "interrupted", "run_2": "interrupted"}
    run = await store.get("run_1")
    assert run is not None
    assert run.error is not None
    assert (run.status, run.error["code"], run.events) == ("interrupted", "interrupted", 2)
    events = await store.events("run_1", -1, 9)
    assert [(e.seq, e.type) for e in events] == [(0, "TaskProgress"), (1, "RunFinished")]
    await store.close()
    store, left = await reopened(path)
    assert left == []
    assert len(await store.events("run_1", -1, 9)) == 2
    await store.close()


async def test_two_services_can_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    store, _ = await reopened(path)
    store.save(record(1, "running"))
    with pytest.raises(ConfigurationError, match="another service uses it"):
        await reopened(path)
    run = await store.get("run_1")
    assert run is not None
    assert run.status == "running"
    await store.close()
    again, left = await reopened(path)
    assert len(left) == 1
    await again.close()


@pytest.mark.parametrize("content", [b"no database at all " * 100, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_broken_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"runs\.db can not be used"):
        await reopened(path)
    assert path.read_bytes() == content


async def test_a_damaged_page_is_found_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    store, _ = await reopened(path)
    store.save(record(1))
    for seq in range(500):
        store.append("run_1", event(seq, "x" * 200))
    await store.close()
    data = bytearray(path.read_bytes())
    for page in range(6, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="can not be used"):
        await reopened(path)


async def test_a_file_of_another_program_or_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (a)")
    db.close()
    with pytest.raises(ConfigurationError, match="another program"):
        await reopened(path)
    newer = tmp_path / "newer.db"
    store, _ = await reopened(newer)
    store.save(record(1))
    await store.close()
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(ConfigurationError, match="another version"):
        await reopened(newer)


async def test_a_locked_file_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    store, _ = await reopened(path)
    await store.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(ConfigurationError, match="locked"):
            await reopened(path)
    finally:
        other.close()


@pytest.mark.parametrize("path", ["", ":memory:"])
def test_a_path_that_is_no_file_s_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="give the path of a file"):
        SQLiteRunStore(path)


async def test_while_the_file_is_locked_everything_is_readable_and_written_later(
    tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr("llmcompiler_server.store_sqlite.AGAIN", 0.02)
    path = tmp_path / "runs.db"
    store, _ = await reopened(path)
    store.save(record(1, "running"))
    store.append("run_1", event(0))
    await store.events("run_1", -1, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.append("run_1", event(1))
    store.save(record(2, "running"))
    assert [e.seq for e in await asyncio.wait_for(store.events("run_1", -1, 9), 20)] == [0, 1]
    store.append("run_1", event(2))
    assert [e.seq for e in await asyncio.wait_for(store.events("run_1", 0, 9), 20)] == [1, 2]
    assert [r.id for r in (await store.list(None, None, 9, None))[0]] == ["run_2", "run_1"]
    assert "can not be written" in caplog.text
    other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(20):
        while store._failing:  # noqa: ASYNC110  # nobody tells when it works again
            await asyncio.sleep(0.01)
    await store.close()
    store, _ = await reopened(path)
    assert [e.seq for e in await store.events("run_1", -1, 9)][:3] == [0, 1, 2]
    assert await store.get("run_2") is not None
    await store.close()


async def test_events_that_can_not_be_written_for_long_are_bounded(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("llmcompiler_server.store_sqlite.AGAIN", 0.02)
    path = tmp_path / "runs.db"
    store, _ = await reopened(path, max_unwritten=50)
    store.save(record(1, "running"))
    await store.events("run_1", -1, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.append("run_1", event(0))
    await store.events("run_1", -1, 1)
    for seq in range(1, 500):
        store.append("run_1", event(seq))
    assert len(await store.events("run_1", -1, 999)) == 50
    other.close()
    await store.close()


async def test_readers_do_not_wait_for_what_comes_after_them(tmp_path: Path) -> None:
    """Under load there is always something that is not written yet."""
    store = SQLiteRunStore(tmp_path / "runs.db")
    await store.open()
    store.save(record(1, "running"))
    stop = False

    async def write_on() -> None:
        seq = 0
        while not stop:
            store.append("run_1", event(seq))
            seq += 1
            # Never idle, and yet no faster than a slow disk takes it.
            await asyncio.sleep(0.002 if seq % 50 == 0 else 0)

    writing = asyncio.ensure_future(write_on())
    try:
        for _ in range(3):
            found = await asyncio.wait_for(store.events("run_1", -1, 10_000), 20)
            assert [e.seq for e in found] == list(range(len(found)))
            assert len((await asyncio.wait_for(store.list(None, None, 5, None), 20))[0]) == 1
    finally:
        stop = True
        await writing
        await store.close()


async def test_a_damaged_row_keeps_nobody_from_the_others(tmp_path: Path, caplog: Any) -> None:
    path = tmp_path / "runs.db"
    store = SQLiteRunStore(path)
    await store.open()
    for number in range(6):
        store.save(record(number, "running" if number in (1, 2) else "succeeded"))
    await store.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE runs SET document = '{' WHERE id IN ('run_1', 'run_4')")
        db.execute("UPDATE runs SET document = '{\"a\": 1}' WHERE id = 'run_5'")
    db.close()
    store = SQLiteRunStore(path, 3)
    assert [r.id for r in await store.open()] == ["run_2"]
    assert await store.get("run_4") is None
    seen, after = [], None
    while True:
        page, after = await store.list(None, None, 1, after)
        seen += [r.id for r in page]
        if after is None:
            break
    assert seen == ["run_3", "run_2", "run_0"]
    assert caplog.text.count("the row of one run") == 3
    store.save(record(7))  # the damaged ones are let go in their turn
    await store.list(None, None, 9, None)
    assert [r.id for r in (await store.list(None, None, 9, None))[0]] == ["run_7"]
    await store.close()


async def test_large_answers_weigh_as_much_as_their_events() -> None:
    store = MemoryRunStore(1_000, 1_000)
    for number in range(100):
        run = record(number, "running")
        store.save(run)
        run.status, run.output = "succeeded", {"text": ["x" * 200_000]}
        store.save(run)
    kept = (await store.list(None, None, 100, None))[0]
    assert 10 < len(kept) < 25
    assert store._weight <= 1_000
