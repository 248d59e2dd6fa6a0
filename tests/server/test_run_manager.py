"""`RunManager` without HTTP: what it promises to the endpoints, and what it leaves behind, which is nothing."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmcompiler import Event, LLMCompiler
from llmcompiler_server.live import event_data, public_error
from llmcompiler_server.problems import Problem
from llmcompiler_server.records import ApprovalDecision, Principal, RunRecord, RunRequest
from llmcompiler_server.runs import RunManager
from llmcompiler_server.store import MemoryRunStore
from tests.support.serving import ASKED, PLAN, Gates, make_compiler, make_settings

ANN = Principal("ann", frozenset(["run", "read", "approve"]))
BOB = Principal("bob", frozenset(["run", "read"]))
ROOT = Principal("root", frozenset(["admin"]))
WAITING = '1. wait_at("a")\njoin($1)'


class Watching:
    """An observer that keeps what it sees."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def run_started(self, record: RunRecord) -> None:
        self.seen.append(f"started {record.status}")

    def event(self, record: RunRecord, event: Event) -> None:
        self.seen.append(event.type)

    def run_finished(self, record: RunRecord) -> None:
        self.seen.append(f"finished {record.status}")


class Failing:
    """An observer that fails at everything."""

    def run_started(self, record: RunRecord) -> None:
        raise RuntimeError("no")

    def event(self, record: RunRecord, event: Event) -> None:
        raise RuntimeError("no")

    def run_finished(self, record: RunRecord) -> None:
        raise RuntimeError("no")


@pytest.fixture
async def make(gates: Gates) -> AsyncIterator[Any]:
    made: list[RunManager] = []

    def begin(compiler: LLMCompiler | None = None, observers: Any = (), **settings: Any) -> RunManager:
        s = make_settings(**{"grace": 0.0, **settings})
        store = MemoryRunStore(s.max_kept_runs, s.max_kept_events)
        made.append(RunManager(compiler or make_compiler(gates), s, store, observers))
        return made[-1]

    yield begin
    gates.stuck.set()
    for manager in made:
        await manager.aclose()


def ask(question: str = PLAN, **more: Any) -> RunRequest:
    return RunRequest(input=question, **more)


async def test_events_and_record_agree(make: Any) -> None:
    manager = make()
    record, new = await manager.start(ANN, ask(ASKED))
    assert (new, record.status, record.owner) == (True, "running", "ann")
    events = [e async for e in manager.events(ANN, record.id)]
    done = await manager.get(ANN, record.id)  # who saw the last event finds the run over
    assert (done.status, done.events) == ("succeeded", len(events))
    assert [e.seq for e in events] == list(range(len(events)))
    last = json.loads(events[-1].data)
    assert (last["output"], last["usage"]) == (done.output, done.usage)
    assert done.result["tasks"]["2"]["outcome"]["value"] == 7
    assert manager.active == 0
    assert await manager.wait(ANN, record.id) == done


async def test_observers_see_everything_and_harm_nothing(make: Any, caplog: Any) -> None:
    watching = Watching()
    manager = make(observers=[Failing(), watching])
    record, _ = await manager.start(ANN, ask())
    done = await manager.wait(ANN, record.id)
    assert done.status == "succeeded"
    assert watching.seen[:2] == ["started running", "RunStarted"]
    assert watching.seen[-2:] == ["RunFinished", "finished succeeded"]
    assert len(watching.seen) == done.events + 2
    assert caplog.text.count("observer Failing failed") == 1


async def test_a_key_may_have_a_quota_of_its_own(make: Any) -> None:
    from llmcompiler_server.keys import new_key

    _, key = new_key("ann", ["run", "read"])
    manager = make(keys=[key.model_copy(update={"max_runs": 1})], max_runs_per_key=2)
    await manager.start(ANN, ask(WAITING))
    with pytest.raises(Problem) as caught:
        await manager.start(ANN, ask())
    assert (caught.value.status, caught.value.code) == (429, "too-many-runs")
    await manager.start(BOB, ask(WAITING))
    await manager.start(BOB, ask(WAITING))


async def test_waiters_may_leave_without_harm(make: Any, gates: Gates) -> None:
    manager = make()
    record, _ = await manager.start(ANN, ask(WAITING))
    waiting = [asyncio.ensure_future(manager.wait(ANN, record.id)) for _ in range(3)]
    await gates.arrived["a"].wait()
    waiting[0].cancel()
    gates.opened["a"].set()
    assert {(await w).status for w in waiting[1:]} == {"succeeded"}


async def test_what_others_own_is_not_there(make: Any) -> None:
    manager = make()
    record, _ = await manager.start(ANN, ask(WAITING))
    for call in (
        manager.get(BOB, record.id),
        manager.wait(BOB, record.id),
        manager.cancel(BOB, record.id),
        manager.approvals(BOB, record.id),
        manager.decide(BOB, record.id, 1, ApprovalDecision(decision="approve")),
        anext(manager.events(BOB, record.id)),
    ):
        with pytest.raises(Problem) as caught:
            await call
        assert caught.value.code == "run-not-found"
    assert (await manager.get(ROOT, record.id)).owner == "ann"
    assert (await manager.list(BOB))[0] == []
    assert len((await manager.list(ROOT))[0]) == 1


async def test_a_service_that_is_not_set_up_says_so_and_no_more(
    make: Any, caplog: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("LLMCOMPILER_MODEL", "nobody:secret-name")
    manager = make(LLMCompiler([]))
    with pytest.raises(Problem) as caught:
        await manager.start(ANN, ask())
    assert (caught.value.status, caught.value.code) == (503, "not-configured")
    assert "secret-name" not in caught.value.detail
    assert "secret-name" in caplog.text
    assert manager.active == 0


async def test_items_are_decided_one_by_one(make: Any, gates: Gates) -> None:
    manager = make()
    record, _ = await manager.start(ANN, ask('1. for who in ["Ann", "Bob"]: pay(who, 5)\njoin()'))
    async for event in manager.events(ANN, record.id):
        if event.type == "ApprovalRequested" and len(await manager.approvals(ANN, record.id)) == 2:
            break
    asked = await manager.approvals(ANN, record.id)
    assert [(a.item, a.arguments["to"]) for a in asked] == [(0, "Ann"), (1, "Bob")]
    with pytest.raises(Problem) as caught:
        await manager.decide(ANN, record.id, 1, ApprovalDecision(decision="approve"))
    assert caught.value.code == "approval-not-found"
    left = await manager.decide(ANN, record.id, 1, ApprovalDecision(decision="reject", item=0))
    assert [a.item for a in left] == [1]
    await manager.decide(
        ANN, record.id, 1, ApprovalDecision(decision="approve", item=1, digest=asked[1].digest)
    )
    await manager.wait(ANN, record.id)
    assert gates.calls == ["pay(Bob, 5)"]


# -- the end -----------------------------------------------------------------------------------------


async def test_closing_lets_runs_end_in_their_time(make: Any, gates: Gates) -> None:
    manager = make(grace=30)
    record, _ = await manager.start(ANN, ask(WAITING))
    await gates.arrived["a"].wait()
    closing = asyncio.ensure_future(manager.aclose())
    while not manager.closing:  # noqa: ASYNC110  # it is about to be
        await asyncio.sleep(0)
    with pytest.raises(Problem) as caught:
        await manager.start(ANN, ask())
    assert (caught.value.status, caught.value.code) == (503, "shutting-down")
    gates.opened["a"].set()
    await closing
    assert (await manager.get(ANN, record.id)).output == "through a"


async def test_closing_interrupts_what_does_not_end(make: Any, gates: Gates) -> None:
    manager = make(grace=0.01)
    record, _ = await manager.start(ANN, ask('1. add(1, 2)\n2. wait_at("a")\njoin()'))
    await gates.arrived["a"].wait()
    reading = asyncio.ensure_future(_all(manager, record.id))
    await asyncio.gather(manager.aclose(), manager.aclose())
    done = await manager.get(ANN, record.id)
    assert (done.status, done.error["code"]) == ("interrupted", "interrupted")
    assert done.result["tasks"]["1"]["outcome"]["value"] == 3  # what was done is not lost
    last = json.loads((await reading)[-1].data)
    assert (last["type"], last["status"], last["error"]["type"]) == (
        "RunFinished",
        "cancelled",
        "Interrupted",
    )
    await manager.aclose()


async def test_closing_leaves_a_call_behind_that_hangs(make: Any, gates: Gates, monkeypatch: Any) -> None:
    monkeypatch.setattr("llmcompiler_server.runs.PATIENCE", 0.05)
    manager = make(grace=0.01)
    record, _ = await manager.start(ANN, ask("1. hang()\njoin($1)"))
    events = manager.events(ANN, record.id)
    async for event in events:
        if event.type == "TaskStarted":
            break
    await asyncio.wait_for(manager.aclose(), 20)
    done = await manager.get(ANN, record.id)
    assert done.status == "interrupted"
    rest = [e async for e in events]
    assert rest[-1].type == "RunFinished"
    assert [e.type for e in await _all(manager, record.id)].count("RunFinished") == 1
    assert manager.active == 0
    gates.stuck.set()


async def _all(manager: RunManager, run_id: str) -> list[Any]:
    return [e async for e in manager.events(ANN, run_id)]


async def test_a_run_that_can_not_be_followed_ends_all_the_same(
    make: Any, gates: Gates, monkeypatch: Any
) -> None:
    manager = make()

    def broken(event: Event, most: int) -> str:
        if event.type == "TaskStarted":
            raise RuntimeError("a bug")
        return event_data(event, most)

    monkeypatch.setattr("llmcompiler_server.runs.event_data", broken)
    record, _ = await manager.start(ANN, ask(WAITING))
    done = await asyncio.wait_for(manager.wait(ANN, record.id), 20)
    assert (done.status, done.error["code"]) == ("failed", "internal-error")
    events = await _all(manager, record.id)
    assert [e.seq for e in events] == list(range(len(events)))
    assert events[-1].type == "RunFinished"
    await gates.cancelled["a"].wait()


# -- nothing is left -----------------------------------------------------------------------------------


async def test_no_asyncio_task_and_no_run_is_left(make: Any) -> None:
    manager = make(max_kept_runs=5)
    await manager.wait(ANN, (await manager.start(ANN, ask()))[0].id)
    before = len(asyncio.all_tasks())
    for _ in range(30):
        record, _ = await manager.start(ANN, ask(ASKED), idempotency_key=str(_))
        reader = manager.events(ANN, record.id)
        await anext(reader)
        await reader.aclose()  # one that leaves half-way
        assert (await _all(manager, record.id))[-1].type == "RunFinished"
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) <= before
    assert (manager.active, manager.readers, manager.waiting) == (0, 0, 0)
    assert len(manager.store._runs) == 5
    assert len(manager.store._keys) == 5
    gc.collect()
    assert not manager._starting
    assert not manager._of_key


async def test_fifty_runs_at_once_with_readers_lose_and_repeat_nothing(make: Any) -> None:
    manager = make(buffer=3)

    async def one(number: int) -> None:
        record, _ = await manager.start(
            ANN, ask(f"1. add({number}, 1)\n2. chatty(20)\n3. add($1, $2)\njoin($3)")
        )
        lists = await asyncio.gather(*[_all(manager, record.id) for _ in range(3)])
        for events in lists:
            assert [e.seq for e in events] == list(range(len(events)))
            assert events[-1].type == "RunFinished"
        assert (await manager.wait(ANN, record.id)).output == number + 21

    await asyncio.gather(*[one(n) for n in range(50)])


def test_errors_in_words_for_clients() -> None:
    from llmcompiler.errors import ConfigurationError, LimitExceeded, ModelTimeout, ToolError

    assert public_error(ToolError("no luck")) == {"code": "tool-error", "message": "no luck"}
    assert public_error(LimitExceeded("tasks", 3))["code"] == "limit-exceeded"
    for error, code in (
        (ModelTimeout("http://10.0.0.1/secret"), "model-timeout"),
        (ConfigurationError("secret"), "configuration-error"),
        (KeyError("secret"), "internal-error"),
    ):
        said = public_error(error)
        assert said["code"] == code
        assert "secret" not in said["message"]
