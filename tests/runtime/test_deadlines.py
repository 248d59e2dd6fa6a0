"""Time from the run to the tool: who is told how much is left, who does not wait in vain, and that nothing is left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from llmcompiler import (
    Failed,
    LLMCompiler,
    Plan,
    RunResult,
    Succeeded,
    Task,
    TaskRetried,
    ToolContext,
    tool,
)
from llmcompiler.backend.hedging import Hedging
from llmcompiler.errors import TransientError
from llmcompiler.limits import Limits
from llmcompiler.options import CircuitBreaker
from llmcompiler.testing import RecordingReporter
from tests.support.strict_loop import OpenExecutor, assert_events_are_whole, run_strictly


class Busy(TransientError):
    """Try again in so many seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("busy")
        self.retry_after = retry_after


def go(tools: list[Any], *tasks: Task, executor: OpenExecutor | None = None, **options: Any) -> RunResult:
    executor = executor or OpenExecutor()
    result = run_strictly(lambda: LLMCompiler(tools, executor=executor).execute(Plan(tasks), **options))
    executor.assert_nothing_is_left()
    return result


def test_a_try_has_the_smaller_of_its_timeout_and_the_time_of_the_run() -> None:
    left: list[float | None] = []

    @tool(timeout=4, retries=3)
    async def work(i: int, ctx: ToolContext) -> None:
        left.append(ctx.remaining)
        await asyncio.sleep(2)
        raise Busy(1)

    result = go([work], Task(1, "work", {"i": 1}), limits=Limits(seconds=8))
    # At 0, 3 and 6 seconds; the run ends at 8, and the last try with it.
    assert left == [pytest.approx(4), pytest.approx(4), pytest.approx(2)]
    assert result.tasks[1].outcome.status in ("failed", "cancelled")
    assert result.timing.total == pytest.approx(8)


def test_without_limits_nothing_is_left_to_tell() -> None:
    left: list[float | None] = []

    @tool
    async def work(ctx: ToolContext) -> None:
        left.append(ctx.remaining)

    go([work], Task(1, "work"), executor=OpenExecutor(timeout=None))
    assert left == [None]


def test_no_retry_is_slept_for_past_the_end_of_the_run() -> None:
    @tool(retries=3)
    async def work() -> None:
        raise Busy(30)

    reporter = RecordingReporter()
    compiler = LLMCompiler([work], executor=OpenExecutor(), reporters=[reporter])
    result = run_strictly(lambda: compiler.execute(Plan((Task(1, "work"),)), limits=Limits(seconds=20)))
    outcome = result.tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Busy)
    assert result.tasks[1].attempts == 1
    assert result.timing.total == pytest.approx(0)
    assert reporter.of(TaskRetried) == []


def test_the_fallback_is_called_instead_of_a_sleep_past_the_end() -> None:
    @tool
    async def other() -> str:
        return "other"

    @tool(retries=3, fallback=other)
    async def work() -> None:
        raise Busy(30)

    result = go([work], Task(1, "work"), limits=Limits(seconds=20))
    assert result.tasks[1].outcome == Succeeded("other")
    assert result.timing.total == pytest.approx(0)


def test_a_call_that_waits_for_its_next_try_gives_up_its_place() -> None:
    made: list[float] = []

    @tool(retries=1)
    async def flaky() -> str:
        made.append(asyncio.get_running_loop().time())
        if len(made) == 1:
            raise Busy(5)
        return "done"

    @tool
    async def other(i: int) -> int:
        await asyncio.sleep(2)
        return i

    result = go(
        [flaky, other],
        Task(1, "flaky"),
        *(Task(i, "other", {"i": i}) for i in (2, 3, 4)),
        executor=OpenExecutor(max_concurrency=1),
    )
    assert result.tasks[1].outcome == Succeeded("done")
    assert [result.tasks[i].started for i in (2, 3, 4)] == pytest.approx([0, 2, 4])
    assert made == pytest.approx([0, 6])  # awake at 5, it takes a place again, when one is free


@pytest.mark.parametrize("seconds", [1, 5.5])
def test_stopped_while_it_waits_for_its_next_try_or_its_place(seconds: float) -> None:
    tries = 0

    @tool(retries=1, max_concurrency=1)
    async def flaky() -> str:
        nonlocal tries
        tries += 1
        raise Busy(5)

    @tool
    async def other(i: int) -> None:
        await asyncio.sleep(50)

    result = go(
        [flaky, other],
        Task(1, "flaky"),
        Task(2, "other", {"i": 2}),
        executor=OpenExecutor(max_concurrency=1),
        limits=Limits(seconds=seconds),
    )
    # With one second to go it would sleep past the end, and fails at once.
    assert result.tasks[1].outcome.status == ("failed" if seconds == 1 else "cancelled")
    assert result.timing.total == pytest.approx(seconds)
    assert tries == 1


def test_calls_that_take_no_place_can_wait_for_calls_of_the_same_executor() -> None:
    """A compiler used as a tool: with a place of its own it would wait for itself."""
    executor = OpenExecutor(max_concurrency=1)

    @tool
    async def inner(i: int) -> int:
        await asyncio.sleep(1)
        return i

    below = LLMCompiler([inner], executor=executor)

    @tool(timeout=10)
    async def outer(i: int) -> Any:
        result = await below.execute(Plan((Task(1, "inner", {"i": i}),)))
        return result.values[1]

    outer.options = replace(outer.options, counted=False)
    result = go([outer], *(Task(i, "outer", {"i": i}) for i in (1, 2, 3)), executor=executor)
    assert [t.outcome for t in result.tasks.values()] == [Succeeded(i) for i in (1, 2, 3)]
    assert result.timing.makespan == pytest.approx(3)


@pytest.mark.parametrize("deaf", [False, True])
def test_nothing_that_hangs_holds_up_the_end(deaf: bool) -> None:
    """Tries, hedges, batches, fallbacks, rate limits, retries, calls in line: the run ends when its time is up."""

    async def hang() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if not deaf:
                    raise
                return

    async def many(calls: list[dict[str, Any]]) -> None:
        await hang()

    warm = False

    @tool(effect="read", hedge=True)
    async def hedged(i: int) -> None:
        if warm:
            await hang()

    @tool(batch=many)
    async def batched(i: int) -> None:
        await hang()

    @tool
    async def other(i: int) -> None:
        await hang()

    @tool(fallback=other)
    async def falls(i: int) -> None:
        raise ValueError("on")

    @tool(rate_limit="1/h", breaker=CircuitBreaker(), idempotent=True)
    async def rated(i: int) -> None:
        await hang()

    @tool(retries=5)
    async def retried(i: int) -> None:
        raise Busy(4)

    @tool(max_concurrency=1)
    async def capped(i: int) -> None:
        await hang()

    tools = [hedged, batched, falls, rated, retried, capped]
    executor, reporter = OpenExecutor(hedge=Hedging(min_samples=5, budget=1.0)), RecordingReporter()
    compiler = LLMCompiler(tools, executor=executor, reporters=[reporter])

    async def main() -> RunResult:
        nonlocal warm
        await compiler.execute(Plan(tuple(Task(i, "hedged", {"i": i}) for i in range(1, 11))))
        warm = True
        reporter.events.clear()
        tasks = [Task(10 * n + k, t.name, {"i": k}) for n, t in enumerate(tools, 1) for k in range(1, 4)]
        result = await compiler.execute(Plan(tuple(tasks)), limits=Limits(seconds=10))
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    result = run_strictly(main)
    executor.assert_nothing_is_left()
    assert_events_are_whole(reporter)
    assert {t.outcome.status for t in result.tasks.values()} <= {"cancelled", "failed"}
    assert {t.outcome.status for i, t in result.tasks.items() if i not in (51, 52, 53)} == {"cancelled"}
    assert result.timing.total == pytest.approx(10, abs=0.1)
