"""Threads of sync tools, runs in many threads at once, sync code in front, and Ctrl-C in every phase."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmcompiler import Failed, Join, LLMCompiler, Plan, Ref, RunResult, Succeeded, Task, tool
from llmcompiler.backend.threads import ThreadPool
from llmcompiler.bridge import run_blocking
from llmcompiler.testing import ScriptedPlanner
from tests.support.strict_loop import OpenExecutor

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def complaints() -> Iterator[list[Any]]:
    """What a thread died of."""
    seen: list[Any] = []
    before, threading.excepthook = threading.excepthook, seen.append
    yield seen
    threading.excepthook = before
    assert seen == []


def tool_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "llmcompiler-tool"]


def assert_no_thread_is_left() -> None:
    for thread in tool_threads():
        thread.join(10)
    assert tool_threads() == []


def test_runs_in_many_threads_share_one_compiler() -> None:
    lock = threading.Lock()
    running: Counter[int] = Counter()
    most: Counter[int] = Counter()

    def enter(step: int) -> None:
        with lock:
            running[loop_of.get()] += step
            most[loop_of.get()] = max(most[loop_of.get()], running[loop_of.get()])

    loop_of: contextvars.ContextVar[int] = contextvars.ContextVar("loop_of")

    @tool(max_concurrency=2)
    def threaded(x: int) -> int:
        enter(1)
        enter(-1)
        return x + 1

    @tool
    async def looped(x: int) -> int:
        await asyncio.sleep(0)
        return x + 1

    executor = OpenExecutor(max_concurrency=4)
    compiler = LLMCompiler([threaded, looped], executor=executor)
    names = ["threaded", "looped"]
    tasks = [Task(i, names[i % 2], {"x": Ref(i - 10) if i > 10 else i}) for i in range(1, 41)]
    plan = Plan(tuple(tasks))
    expected = {i: (i - 1) % 10 + 5 for i in range(31, 41)}
    results: list[RunResult] = []

    def work(number: int) -> None:
        loop_of.set(number)
        results.extend(compiler.execute_sync(plan) for _ in range(5))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert [r.output for r in results] == [expected] * 40
    assert max(most.values()) <= 2
    executor.assert_nothing_is_left()
    assert_no_thread_is_left()


def test_a_loop_that_is_closed_does_not_harm_a_thread_that_still_works() -> None:
    begun, go_on = threading.Event(), threading.Event()
    ended: list[str] = []

    @tool
    def stuck() -> str:
        begun.set()
        go_on.wait(10)
        ended.append("worked on")
        return "too late"

    async def main() -> None:
        run = asyncio.ensure_future(LLMCompiler([stuck]).execute(Plan((Task(1, "stuck"),))))
        await asyncio.to_thread(begun.wait, 10)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(main())
    assert len(tool_threads()) == 1
    go_on.set()
    assert_no_thread_is_left()
    assert ended == ["worked on"]


def test_a_thread_that_comes_late_ends_even_with_no_run_there() -> None:
    pool = ThreadPool()
    go_on, told = threading.Event(), threading.Event()
    pool.submit(contextvars.copy_context(), lambda: go_on.wait(10), lambda value, error: told.set())
    pool.shrink()
    assert pool.size == 1
    go_on.set()
    assert told.wait(10)
    assert_no_thread_is_left()
    assert pool.size == 0


def test_a_call_whose_thread_can_not_be_started_fails_and_is_never_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []

    @tool
    def work(i: int) -> int:
        made.append(i)
        return i

    begin = threading.Thread.start
    left = 1

    def start(thread: threading.Thread) -> None:
        nonlocal left
        if thread.name == "llmcompiler-tool":
            left -= 1
            if left < 0:
                raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    executor = OpenExecutor()
    plan = Plan((Task(1, "work", {"i": 1}), Task(2, "work", {"i": 2})))
    result = LLMCompiler([work], executor=executor).execute_sync(plan)
    assert sorted(t.outcome.status for t in result.tasks.values()) == ["failed", "succeeded"]
    assert len(made) == 1
    executor.assert_nothing_is_left()
    assert executor.threads.size == 0
    assert_no_thread_is_left()


def test_a_sync_wrapper_of_an_async_function_is_awaited_and_closed_where_nobody_waits() -> None:
    begun, go_on = threading.Event(), threading.Event()

    async def inner() -> int:
        return 1

    @tool
    def wrapper(wait: bool = False) -> Any:
        if wait:
            begun.set()
            go_on.wait(10)
        return inner()

    @tool
    async def release() -> None:
        await asyncio.to_thread(begun.wait, 10)

    async def main() -> None:
        compiler = LLMCompiler([wrapper, release])
        assert (await compiler.execute(Plan((Task(1, "wrapper"),)))).tasks[1].outcome == Succeeded(1)
        run = asyncio.ensure_future(compiler.execute(Plan((Task(1, "wrapper", {"wait": True}),))))
        await asyncio.to_thread(begun.wait, 10)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        go_on.set()
        for thread in tool_threads():
            await asyncio.to_thread(thread.join, 10)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert_no_thread_is_left()


def test_a_sync_tool_out_of_time_fails_and_its_place_is_free() -> None:
    go_on = threading.Event()

    @tool(timeout=0.05, max_concurrency=1)
    def slow(i: int) -> int:
        if i == 1:
            go_on.wait(10)
        return i

    plan = Plan((Task(1, "slow", {"i": 1}), Task(2, "slow", {"i": 2})))
    result = LLMCompiler([slow]).execute_sync(plan)
    go_on.set()
    assert isinstance(result.tasks[1].outcome, Failed)
    assert result.output == {2: 2}
    assert_no_thread_is_left()


def test_run_sync_carries_context_variables_into_its_thread() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")

    @tool
    async def who() -> str:
        return user.get()

    async def main() -> Any:
        user.set("ada")
        planner = ScriptedPlanner([[Task(1, "who"), Join(Ref(1))]])
        return LLMCompiler([who], planner=planner).run_sync("who?").output

    assert asyncio.run(main()) == "ada"


CHILD = """
import asyncio, sys, threading
from llmcompiler import *
from llmcompiler.testing import *

def ready(phase):
    if phase == wanted:
        print("ready", flush=True)

wanted, where = sys.argv[1:]

class Told(Reporter):
    def report(self, event):
        if isinstance(event, (TaskFinished, RunFinished)):
            status = event.outcome.status if isinstance(event, TaskFinished) else event.status
            print(event.type, status, flush=True)

@tool
async def looped() -> int:
    try:
        ready("running")
        await asyncio.sleep(1 if wanted == "joining" else 30)
    finally:
        print("cleaned up", flush=True)
    return 1

@tool
def threaded() -> int:
    ready("thread")
    threading.Event().wait(0.01 if wanted == "joining" else 30)
    return 1

class Planner:
    async def plan(self, context):
        yield Task(1, "looped")
        yield Task(2, "threaded")
        if wanted == "planning":
            ready("planning")
            await asyncio.sleep(30)
        yield Join()

class Joiner:
    async def join(self, context):
        ready("joining")
        await asyncio.sleep(30)

compiler = LLMCompiler([looped, threaded], planner=Planner(), joiner=Joiner(), reporters=[Told()])

async def inside():
    return compiler.run_sync("why?")

try:
    if where == "plain":
        compiler.run_sync("why?")
    else:
        # As in a notebook: a loop runs, and Ctrl-C raises KeyboardInterrupt.
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(inside())
        finally:
            loop.close()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def interrupt(child: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process says after Ctrl-C.

    Python may miss a signal that comes just before it blocks, until the next one: then there is another.
    """
    for patience in (10, 10, 20):
        child.send_signal(signal.SIGINT)
        try:
            return child.communicate(timeout=patience)
        except subprocess.TimeoutExpired as e:
            late = e
    raise late


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process")
@pytest.mark.parametrize("where", ["plain", "notebook"])
@pytest.mark.parametrize("phase", ["planning", "running", "thread", "joining"])
def test_ctrl_c_ends_the_run_and_every_call(phase: str, where: str) -> None:
    paths = [str(ROOT / p) for p in (".", "tools", "planners", "server")]
    command = [sys.executable, "-W", "error", "-c", CHILD, phase, where]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env) as child:
        try:
            assert child.stdout is not None
            lines = []
            for line in child.stdout:
                lines.append(line.strip())
                if lines[-1] == "ready":
                    break
            rest, errors = interrupt(child)
        finally:
            child.kill()
    lines += rest.split("\n")
    assert "interrupted" in lines, errors
    assert lines.count("cleaned up") == 1
    assert [line for line in lines if line.startswith("RunFinished")] == ["RunFinished cancelled"]
    status = "succeeded" if phase == "joining" else "cancelled"
    assert [line for line in lines if line.startswith("TaskF")] == [f"TaskFinished {status}"] * 2
    assert errors == ""


class _Interrupting(asyncio.Runner):
    """A runner in which Ctrl-C comes at a given moment outside the run."""

    moment = ""
    runs = 0

    def at(self, moment: str) -> None:
        if moment == self.moment:
            signal.raise_signal(signal.SIGINT)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().get_loop()
        self.at("before")
        return loop

    def run(self, work: Coroutine[Any, Any, Any], **options: Any) -> Any:
        self.runs += 1
        if self.runs == 1:
            result = super().run(work, **options)
            self.at("after")
            return result
        self.at("clearing")
        if self.moment == "within":
            self.get_loop().call_soon(signal.raise_signal, signal.SIGINT)
        return super().run(work, **options)

    def close(self) -> None:
        self.at("closing")
        super().close()
        self.at("closed")


@pytest.mark.parametrize("moment", ["before", "after", "clearing", "within", "closing", "closed"])
def test_ctrl_c_beside_a_run_is_neither_lost_nor_keeps_it_from_clearing_up(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[asyncio.Task[Any]] = []
    ended = []

    async def work() -> None:
        left.append(asyncio.create_task(asyncio.Event().wait()))
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        ended.append("done")

    monkeypatch.setattr(_Interrupting, "moment", moment)
    monkeypatch.setattr(asyncio, "Runner", _Interrupting)
    with pytest.raises(KeyboardInterrupt):
        run_blocking(work())
    if moment == "before":  # cancelled at its first step
        assert ended in (["cancelled"], [])
    else:
        assert ended == ["done"]
    assert all(task.cancelled() for task in left)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_breaks_into_a_step_and_the_rest_is_cleared_up() -> None:
    left: list[asyncio.Task[Any]] = []

    async def work() -> None:
        left.append(asyncio.create_task(asyncio.Event().wait()))
        await asyncio.sleep(0)
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        raise AssertionError("never reached")

    with pytest.raises(KeyboardInterrupt):
        run_blocking(work())
    assert left[0].cancelled()


def test_the_signals_of_somebody_else_stay_theirs() -> None:
    got = []
    before = signal.signal(signal.SIGINT, lambda number, frame: got.append(number))

    async def work() -> int:
        signal.raise_signal(signal.SIGINT)
        return 7

    try:
        assert run_blocking(work()) == 7
    finally:
        signal.signal(signal.SIGINT, before)
    assert got == [signal.SIGINT]


def test_sigterm_is_taken_only_where_asked_for() -> None:
    async def work() -> None:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        run_blocking(work(), terminate=True)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    async def look() -> Any:
        return signal.getsignal(signal.SIGTERM)

    assert run_blocking(look()) is signal.SIG_DFL
