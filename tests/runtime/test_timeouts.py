"""Timeouts: each try its own, many lengths at once, thousands of one length, and none that comes too early."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmcompiler import (
    AsyncExecutor,
    ConfigurationError,
    Failed,
    LimitExceeded,
    Limits,
    LLMCompiler,
    Plan,
    RunResult,
    Succeeded,
    Task,
    TaskRetried,
    ToolContext,
    ToolTimeout,
    tool,
)
from llmcompiler.backend.timers import Timers
from llmcompiler.testing import RecordingReporter, ScriptedPlanner, run_virtual
from tests.support.strict_loop import OpenExecutor, run_strictly


def go(tools: list[Any], *tasks: Task, **options: Any) -> RunResult:
    executor = OpenExecutor(**options)
    result = run_strictly(lambda: LLMCompiler(tools, executor=executor).execute(Plan(tasks)))
    executor.assert_nothing_is_left()
    return result


def test_each_try_has_the_whole_time() -> None:
    """Two tries that run out of time and one that does not: the time of a call is not shared by its tries."""
    calls: list[float | None] = []

    @tool(timeout=4, retries=2, idempotent=True)
    async def slow(ctx: ToolContext) -> int:
        calls.append(ctx.remaining)
        await asyncio.sleep(10 if len(calls) < 3 else 3.9)
        return len(calls)

    reporter, executor = RecordingReporter(), OpenExecutor()
    compiler = LLMCompiler([slow], executor=executor, reporters=[reporter])
    result = run_strictly(lambda: compiler.execute(Plan((Task(1, "slow"),))))
    assert result.tasks[1].outcome == Succeeded(3)
    assert calls == [pytest.approx(4)] * 3
    assert [type(e.error) for e in reporter.of(TaskRetried)] == [ToolTimeout] * 2
    waits = sum(e.delay for e in reporter.of(TaskRetried))
    assert result.tasks[1].seconds == pytest.approx(4 + 4 + 3.9 + waits)


@pytest.mark.parametrize("retries", [0, 2])
def test_a_call_that_takes_no_time_never_runs_out_of_it(retries: int) -> None:
    @tool(timeout=1e-9, retries=retries)
    async def quick() -> int:
        return 1

    assert go([quick], Task(1, "quick")).tasks[1].outcome == Succeeded(1)


def test_many_lengths_at_once() -> None:
    tools = []
    for i in range(1, 101):

        @tool(name=f"after{i}", timeout=i)
        async def hang() -> None:
            await asyncio.Event().wait()

        tools.append(hang)
    result = go(tools, *(Task(i, f"after{i}") for i in range(1, 101)), max_concurrency=None)
    for i, t in result.tasks.items():
        assert isinstance(t.outcome, Failed)
        assert t.finished == pytest.approx(i)


def test_ten_thousand_calls_of_one_length() -> None:
    """Every second one in time; the others run out of it together."""

    @tool(timeout=5)
    async def nap(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    tasks = [Task(i, "nap", {"seconds": 1 + 8 * (i % 2)}) for i in range(1, 10_001)]
    result = go([nap], *tasks, max_concurrency=None)
    assert sum(t.outcome.status == "failed" for t in result.tasks.values()) == 5_000
    assert result.timing.makespan == pytest.approx(5)


def test_one_timer_serves_all_calls_of_one_length() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        rung: list[tuple[int, float]] = []
        timers: Timers[int] = Timers(loop, lambda call, seconds: rung.append((call, loop.time())))
        for call in range(1_000):
            timers.add(call, 5, loop.time())
            await asyncio.sleep(0.001)
        assert len(loop._scheduled) == 1
        for call in range(999):
            timers.drop(call, 5)
        await asyncio.sleep(10)
        assert rung == [(999, pytest.approx(0.999 + 5))]
        timers.add(1, 5, loop.time())
        timers.clear()
        await asyncio.sleep(10)
        assert len(rung) == 1

    run_strictly(main)


def test_a_queue_of_calls_gets_its_time_from_when_each_is_made() -> None:
    @tool(timeout=2, max_concurrency=1)
    async def nap() -> int:
        await asyncio.sleep(1.9)
        return 1

    result = go([nap], *(Task(i, "nap") for i in range(1, 6)))
    assert [t.outcome for t in result.tasks.values()] == [Succeeded(1)] * 5


@pytest.mark.parametrize(
    "options",
    [
        {"max_concurrency": True},
        {"max_concurrency": "4"},
        {"timeout": "60"},
        {"timeout": float("nan")},
        {"timeout": True},
        {"retries": 1.5},
        {"retries": None},
        {"grace": -1},
        {"block_warning": 0},
    ],
)
def test_settings_that_are_no_numbers_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        AsyncExecutor(**options)


def test_a_run_whose_time_is_up_before_there_is_a_task_ends_at_once() -> None:
    """There is nothing to answer from: the joiner is not given more time."""

    async def main() -> float:
        planner = ScriptedPlanner([[(1000.0, Task(1, "late"))]])
        compiler = LLMCompiler(planner=planner)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(LimitExceeded) as caught:
            await compiler.run("q", limits=Limits(seconds=1))
        assert caught.value.limit == "seconds"
        return asyncio.get_running_loop().time() - begun

    assert run_virtual(main()) == pytest.approx(1)
