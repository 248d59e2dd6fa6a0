"""Hedging: when a second call is made, which result counts, what it may cost, and that nothing is left of the loser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from llmcompiler import (
    ConfigurationError,
    Failed,
    LLMCompiler,
    Plan,
    Ref,
    RunResult,
    Succeeded,
    Task,
    Tool,
    ToolContext,
    ToolTimeout,
    tool,
)
from llmcompiler.backend.hedging import Allowance, Hedging
from llmcompiler.events import TaskHedged
from llmcompiler.limits import Limits
from llmcompiler.testing import RecordingReporter
from tests.support.strict_loop import OpenExecutor, run_strictly

TYPICAL = 0.01
WARM_UP = 40


class Service:
    """A tool whose calls take `TYPICAL` seconds until `script` says otherwise: a function for each further call."""

    def __init__(self, *script: Callable[[], Any], effect: str | None = "read", **options: Any) -> None:
        self.script = list(script)
        self.warm = False
        self.made = 0
        self.cancelled = 0
        self.contexts: list[ToolContext] = []

        @tool(effect=effect, retries=0, **options)
        async def ask(i: int, ctx: ToolContext) -> Any:
            if not self.warm:
                await asyncio.sleep(TYPICAL)
                return i
            self.made += 1
            self.contexts.append(ctx)
            step = self.script.pop(0)
            try:
                return await step()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise

        self.tool: Tool = ask

    def run(
        self,
        *tasks: Task,
        executor: OpenExecutor | None = None,
        tools: tuple[Any, ...] = (),
        limits: Limits | None = None,
    ) -> tuple[RunResult, RecordingReporter]:
        """Warm up, then run the tasks."""
        executor, reporter = executor or OpenExecutor(hedge=True), RecordingReporter()
        compiler = LLMCompiler([self.tool, *tools], executor=executor)

        async def main() -> RunResult:
            warm = Plan(tuple(Task(i, "ask", {"i": -i}) for i in range(1, WARM_UP + 1)))
            await compiler.execute(warm)
            self.warm = True
            compiler.reporters = (reporter,)
            return await compiler.execute(Plan(tasks or (Task(1, "ask", {"i": 1}),)), limits=limits)

        result = run_strictly(main)
        executor.assert_nothing_is_left()
        return result, reporter


def after(seconds: float, value: Any) -> Callable[[], Any]:
    async def step() -> Any:
        await asyncio.sleep(seconds)
        if isinstance(value, Exception):
            raise value
        return value

    return step


def test_a_second_call_wins_and_the_first_is_cancelled() -> None:
    service = Service(after(5, "slow"), after(0.02, "quick"))
    result, reporter = service.run()
    task = result.tasks[1]
    assert task.outcome == Succeeded("quick")
    assert task.attempts == 2
    assert task.seconds == pytest.approx(TYPICAL + 0.02, rel=0.01)
    assert service.cancelled == 1
    (event,) = reporter.of(TaskHedged)
    assert (event.task_id, event.tool) == (1, "ask")
    assert event.after == pytest.approx(TYPICAL, rel=0.01)
    assert [c.attempt for c in service.contexts] == [1, 2]
    assert len({c.idempotency_key for c in service.contexts}) == 1


def test_the_first_wins_when_it_is_quicker_after_all() -> None:
    service = Service(after(0.02, "first"), after(5, "second"))
    result, _ = service.run()
    assert result.tasks[1].outcome == Succeeded("first")
    assert service.cancelled == 1
    assert result.timing.total == pytest.approx(0.02)


def test_no_second_call_for_one_that_is_not_slow() -> None:
    service = Service(after(TYPICAL, "in time"))
    result, reporter = service.run()
    assert (result.tasks[1].outcome, service.made) == (Succeeded("in time"), 1)
    assert reporter.of(TaskHedged) == []


@pytest.mark.parametrize(
    ("first", "second", "value", "seconds"),
    [
        (after(0.02, ValueError("1")), after(1, "second"), "second", TYPICAL + 1),
        (after(1, "first"), after(0.02, ValueError("2")), "first", 1),
    ],
)
def test_where_one_fails_the_other_counts(first: Any, second: Any, value: str, seconds: float) -> None:
    result, _ = Service(first, second).run()
    assert result.tasks[1].outcome == Succeeded(value)
    assert result.tasks[1].seconds == pytest.approx(seconds, rel=0.01)


def test_where_both_fail_the_first_error_is_told() -> None:
    error = ValueError("1")
    result, _ = Service(after(0.5, error), after(0.02, ValueError("2"))).run()
    assert result.tasks[1].outcome == Failed(error)


def test_a_first_call_that_fails_early_gets_no_second() -> None:
    service = Service(after(0.001, ValueError("1")))
    result, _ = service.run()
    assert result.tasks[1].outcome.status == "failed"
    assert service.made == 1


def test_the_timeout_bounds_both_together() -> None:
    service = Service(after(50, ""), after(50, ""), timeout=2)
    result, _ = service.run()
    outcome = result.tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ToolTimeout)
    assert result.tasks[1].seconds == pytest.approx(2)
    assert service.cancelled == 2
    ends = [c.deadline for c in service.contexts]
    assert ends[0] == pytest.approx(ends[1])  # the second is told that it has less time


def test_the_run_ends_with_both_under_way() -> None:
    service = Service(after(50, ""), after(50, ""))
    result, _ = service.run(limits=Limits(seconds=1))
    assert result.tasks[1].outcome.status == "cancelled"
    assert service.cancelled == 2


@pytest.mark.parametrize(
    ("effect", "options", "hedge", "made"),
    [
        ("read", {}, False, 1),
        ("read", {}, True, 2),
        ("read", {"hedge": False}, True, 1),
        ("read", {"hedge": True}, False, 2),
        ("pure", {}, True, 2),
        (None, {}, True, 1),
        ("write", {}, True, 1),
        ("write", {"idempotent": True}, True, 2),
        (lambda i: "read", {}, True, 2),
        (lambda i: "write" if i > 0 else "read", {}, True, 1),
        (lambda i: "read", {"idempotent": False}, True, 1),
    ],
)
def test_only_calls_that_may_be_repeated(effect: Any, options: Any, hedge: bool, made: int) -> None:
    service = Service(after(1, "first"), after(0.1, "second"), effect=effect, **options)
    service.run(executor=OpenExecutor(hedge=hedge))
    assert service.made == made


def test_too_little_known_of_a_tool() -> None:
    service = Service(after(1, "first"))
    service.run(executor=OpenExecutor(hedge=Hedging(min_samples=WARM_UP + 1)))
    assert service.made == 1


def test_the_budget_bounds_the_load() -> None:
    """Every call has become slow: the second calls stay a twentieth of the first ones, as many as were saved up."""
    n = 200
    service = Service(*[after(1, "slow")] * 2 * n)
    result, reporter = service.run(
        *(Task(i, "ask", {"i": i}) for i in range(1, n + 1)),
        executor=OpenExecutor(hedge=True, max_concurrency=None),
    )
    assert all(t.outcome == Succeeded("slow") for t in result.tasks.values())
    assert len(reporter.of(TaskHedged)) == 10  # what may be saved up
    assert service.made == n + 10


def test_at_no_time_more_than_the_share() -> None:
    allowance, taken = Allowance(0.05, 10), 0
    for calls in range(1, 2_000):
        allowance.called()
        if allowance.any:
            allowance.take()
            taken += 1
        assert taken <= calls * 0.05 + 1e-6
    assert taken == 99


@pytest.mark.parametrize("cap", ["overall", "tool", "line"])
def test_a_second_call_takes_only_a_place_that_is_free(cap: str) -> None:
    @tool
    async def other(i: int) -> int:
        await asyncio.sleep(1)
        return i

    service = Service(after(1, "first"), after(0.1, "second"), max_concurrency=1 if cap == "tool" else None)
    executor = OpenExecutor(hedge=True, max_concurrency={"overall": 1, "tool": 16, "line": 2}[cap])
    more = [Task(i, "other", {"i": i}) for i in range(2, 6)] if cap == "line" else []
    service.run(Task(1, "ask", {"i": 1}), *more, executor=executor, tools=(other,))
    assert service.made == 1


def test_where_no_place_was_free_it_is_asked_for_again() -> None:
    """When the call is slow, both places are taken; when it has taken twice as long, again and so on, one is free."""

    @tool
    async def other(i: int) -> int:
        await asyncio.sleep(0.05)
        return i

    service = Service(after(5, "first"), after(0.1, "second"))
    result, reporter = service.run(
        Task(1, "ask", {"i": 1}),
        Task(2, "other", {"i": 2}),
        executor=OpenExecutor(hedge=True, max_concurrency=2),
        tools=(other,),
    )
    assert result.tasks[1].outcome == Succeeded("second")
    assert [e.after for e in reporter.of(TaskHedged)] == [pytest.approx(8 * TYPICAL, rel=0.01)]


def test_its_place_is_given_back_at_once() -> None:
    """The hedged call has both places, and when it ends both are free again, though the loser is deaf."""

    async def deaf() -> str:
        for _ in range(10):
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                service.cancelled += 1
        return "deaf"

    @tool
    async def other(i: int, after: str) -> int:
        await asyncio.sleep(0.3)
        return i

    service = Service(deaf, after(0.02, "quick"))
    result, _ = service.run(
        Task(1, "ask", {"i": 1}),
        *(Task(i, "other", {"i": i, "after": Ref(1)}) for i in (2, 3)),
        executor=OpenExecutor(hedge=True, max_concurrency=2),
        tools=(other,),
    )
    assert result.tasks[1].outcome == Succeeded("quick")
    assert service.cancelled >= 1
    ended = result.tasks[1].finished
    assert [result.tasks[i].started for i in (2, 3)] == [pytest.approx(ended)] * 2


def test_a_second_call_does_not_wait_for_the_rate() -> None:
    """Forty calls a minute, all used up by warming up: the next one is made when one is free, and gets no second."""
    service = Service(after(1, "first"), after(0.1, "second"), rate_limit=f"{WARM_UP + 1}/h")
    service.run()
    assert service.made == 1


def test_a_second_call_counts_for_the_rate() -> None:
    service = Service(
        after(1, "first"), after(0.1, "second"), after(0, "third"), rate_limit=f"{WARM_UP + 2}/h"
    )
    result, _ = service.run(Task(1, "ask", {"i": 1}), Task(2, "late", {"i": 2}), tools=(Renamed(service),))
    assert service.made == 3
    assert result.tasks[2].finished > 60  # three calls, and two were left of this hour's


def Renamed(service: Service) -> Tool:  # noqa: N802 - reads as what it makes
    @tool(name="late", fallback=service.tool)
    async def late(i: int) -> None:
        await asyncio.sleep(0.5)
        raise ValueError("on to the fallback")

    return late


def test_a_sync_loser_is_left_to_end_by_itself() -> None:
    """In threads, on the real clock: the run ends with the first result, while the other thread still works."""
    begun, release, done = threading.Semaphore(0), threading.Event(), threading.Event()
    calls = []
    warm = threading.Event()

    @tool(effect="read", retries=0)
    def ask(i: int) -> str:
        if not warm.is_set():
            return "warm"
        calls.append(i)
        if len(calls) == 1:
            begun.release()
            release.wait(20)
            done.set()
            return "slow"
        return "quick"

    compiler = LLMCompiler([ask], executor=OpenExecutor(hedge=True))

    async def main() -> RunResult:
        await compiler.execute(Plan(tuple(Task(i, "ask", {"i": i}) for i in range(1, WARM_UP))))
        warm.set()
        result = await compiler.execute(Plan((Task(1, "ask", {"i": 0}),)))
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    result = asyncio.run(main())
    assert result.tasks[1].outcome == Succeeded("quick")
    assert begun.acquire(timeout=5)
    assert not done.is_set()
    release.set()
    assert done.wait(10)


@pytest.mark.parametrize(
    "options",
    [
        {"quantile": 1},
        {"quantile": 0},
        {"quantile": "0.9"},
        {"min_samples": 0},
        {"min_samples": 2.5},
        {"budget": 0},
        {"budget": 2},
        {"budget": float("nan")},
        {"burst": 0.5},
        {"min_delay": -1},
        {"min_delay": True},
    ],
)
def test_settings_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Hedging(**options)


def test_hedge_is_a_switch_or_settings() -> None:
    with pytest.raises(ConfigurationError, match="hedge="):
        OpenExecutor(hedge=0.05)
