"""Circuit breakers in runs: what counts, who fails at once, who is let through, and over which runs it holds."""

from __future__ import annotations

import asyncio
import threading
from queue import SimpleQueue
from typing import Any

import pytest

from llmcompiler import (
    ArgumentError,
    Failed,
    LLMCompiler,
    Plan,
    RunResult,
    Succeeded,
    Task,
    ToolContext,
    ToolTimeout,
    tool,
)
from llmcompiler.backend.retries import retryable
from llmcompiler.errors import CircuitOpen, TransientError
from llmcompiler.limits import Limits
from llmcompiler.options import CircuitBreaker
from tests.support.strict_loop import OpenExecutor, run_strictly


def plan(name: str, n: int) -> Plan:
    return Plan(tuple(Task(i, name, {"i": i}) for i in range(1, n + 1)))


def errors(result: RunResult) -> list[str]:
    return [type(getattr(t.outcome, "error", None)).__name__ for t in result.tasks.values()]


class Service:
    """Something that is down until it is mended."""

    def __init__(self, **options: Any) -> None:
        self.down = True
        self.calls = 0

        @tool(breaker=CircuitBreaker(failures=3, seconds=10), **options)
        async def ask(i: int) -> int:
            self.calls += 1
            await asyncio.sleep(0.1)
            if self.down:
                raise ValueError("down")
            return i

        self.tool = ask


def test_after_failures_in_a_row_calls_fail_at_once_then_one_is_let_through() -> None:
    service = Service()
    executor = OpenExecutor(max_concurrency=1)
    compiler = LLMCompiler([service.tool], executor=executor)

    async def main() -> None:
        first = await compiler.execute(plan("ask", 6))
        assert errors(first) == ["ValueError"] * 3 + ["CircuitOpen"] * 3
        assert service.calls == 3
        assert first.timing.total == pytest.approx(0.3)
        error = first.tasks[6].outcome.error  # type: ignore[union-attr]
        assert isinstance(error, CircuitOpen)
        assert error.tool == "ask"
        assert error.seconds == pytest.approx(10)
        assert first.tasks[6].started is None
        # The breaker is the executor's: it holds in the next run.
        await asyncio.sleep(9)
        assert errors(await compiler.execute(plan("ask", 2))) == ["CircuitOpen"] * 2
        await asyncio.sleep(1)
        assert errors(await compiler.execute(plan("ask", 2))) == ["ValueError", "CircuitOpen"]
        await asyncio.sleep(10)
        service.down = False
        again = await compiler.execute(plan("ask", 3))
        assert [t.outcome for t in again.tasks.values()] == [Succeeded(i) for i in (1, 2, 3)]
        assert service.calls == 3 + 1 + 3

    run_strictly(main)
    executor.assert_nothing_is_left()


def test_while_one_tries_the_others_fail() -> None:
    """Ready at the same moment, with room for all: exactly one is made."""
    service = Service()
    compiler = LLMCompiler([service.tool], executor=OpenExecutor())

    async def main() -> None:
        await compiler.execute(plan("ask", 3))
        await asyncio.sleep(10)
        service.calls, service.down = 0, False
        result = await compiler.execute(plan("ask", 5))
        assert service.calls == 1
        assert sorted(errors(result)) == ["CircuitOpen"] * 4 + ["NoneType"]

    run_strictly(main)


def test_open_it_does_not_wait_for_a_place() -> None:
    """Sixteen calls hang in all the places there are; a call of the open tool fails all the same."""
    service = Service()

    @tool(timeout=50)
    async def hang(i: int) -> None:
        await asyncio.Event().wait()

    compiler = LLMCompiler([service.tool, hang], executor=OpenExecutor(max_concurrency=3))

    async def main() -> None:
        await compiler.execute(plan("ask", 3))
        tasks = [Task(i, "hang", {"i": i}) for i in (1, 2, 3)]
        result = await compiler.execute(Plan((*tasks, Task(4, "ask", {"i": 4}))), limits=Limits(seconds=5))
        assert isinstance(result.tasks[4].outcome, Failed)
        assert result.tasks[4].finished == pytest.approx(0)

    run_strictly(main)


def test_calls_that_wait_for_their_rate_fail_at_once_when_it_opens() -> None:
    """And the one that is let through in the end finds its turn unharmed."""
    service = Service(rate_limit="1/s")
    compiler = LLMCompiler([service.tool], executor=OpenExecutor())

    async def main() -> None:
        result = await compiler.execute(plan("ask", 50))
        assert errors(result) == ["ValueError"] * 3 + ["CircuitOpen"] * 47
        assert result.timing.total == pytest.approx(2.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await asyncio.sleep(10)
        service.down = False
        assert (await compiler.execute(plan("ask", 1))).tasks[1].outcome == Succeeded(1)

    run_strictly(main)


def test_timeouts_count_and_wrong_arguments_do_not() -> None:
    @tool(breaker=CircuitBreaker(failures=2, seconds=10), timeout=1)
    async def slow(i: int) -> None:
        await asyncio.Event().wait()

    @tool(breaker=CircuitBreaker(failures=1, seconds=10))
    async def picky(i: int) -> None:
        raise ArgumentError("picky", ["not that"])

    result = run_strictly(
        lambda: LLMCompiler([slow], executor=OpenExecutor(max_concurrency=1)).execute(plan("slow", 3))
    )
    assert errors(result) == ["ToolTimeout", "ToolTimeout", "CircuitOpen"]
    result = run_strictly(
        lambda: LLMCompiler([picky], executor=OpenExecutor(max_concurrency=1)).execute(plan("picky", 3))
    )
    assert errors(result) == ["ArgumentError"] * 3


def test_a_cancelled_trial_lets_the_next_one_try() -> None:
    service = Service()
    executor = OpenExecutor()
    compiler = LLMCompiler([service.tool], executor=executor)

    async def main() -> None:
        await compiler.execute(plan("ask", 3))
        await asyncio.sleep(10)
        await compiler.execute(plan("ask", 1), limits=Limits(seconds=0.01))
        service.down = False
        assert (await compiler.execute(plan("ask", 1))).tasks[1].outcome == Succeeded(1)

    run_strictly(main)
    executor.assert_nothing_is_left()


def test_a_call_whose_own_failure_opens_it_is_not_tried_again() -> None:
    """Its error is its own, not that the circuit is open; and it does not wait for a try that would be refused."""
    made = []

    @tool(breaker=CircuitBreaker(failures=2, seconds=60), retries=5)
    async def ask(i: int) -> None:
        made.append(i)
        raise TransientError("busy")

    result = run_strictly(
        lambda: LLMCompiler([ask], executor=OpenExecutor(max_concurrency=1)).execute(plan("ask", 1))
    )
    assert errors(result) == ["TransientError"]
    assert len(made) == 2


def test_one_that_waits_for_its_next_try_is_refused_and_says_why_it_tried() -> None:
    made = []

    @tool(breaker=CircuitBreaker(failures=2, seconds=60), retries=5)
    async def ask(i: int) -> None:
        made.append(i)
        await asyncio.sleep(0.01 * i)
        raise TransientError(f"busy {i}")

    result = run_strictly(lambda: LLMCompiler([ask], executor=OpenExecutor()).execute(plan("ask", 2)))
    assert made == [1, 2]
    assert errors(result) == ["CircuitOpen", "TransientError"]
    first = result.tasks[1].outcome
    assert isinstance(first, Failed)
    assert str(first.error.__cause__) == "busy 1"


def test_no_retry_is_worth_it_while_it_is_open() -> None:
    @tool(retries=3, retry_on=[Exception])
    async def eager(i: int) -> None:
        """Tries everything again."""

    assert retryable(ValueError(), eager)
    assert not retryable(CircuitOpen("eager", 1), eager)


@pytest.mark.parametrize("hard", [True, False])
def test_context_is_not_disturbed(hard: bool) -> None:
    """A tool with a breaker has its context and timeout as any other."""

    @tool(breaker=CircuitBreaker(), timeout=4, retries=0)
    async def ask(ctx: ToolContext) -> float | None:
        if hard:
            await asyncio.sleep(5)
        return ctx.remaining

    outcome = (
        run_strictly(lambda: LLMCompiler([ask], executor=OpenExecutor()).execute(Plan((Task(1, "ask"),))))
        .tasks[1]
        .outcome
    )
    if hard:
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, ToolTimeout)
    else:
        assert outcome == Succeeded(pytest.approx(4))


def test_of_two_event_loops_in_two_threads_one_tries() -> None:
    made = []
    gate = threading.Event()

    @tool(breaker=CircuitBreaker(failures=1, seconds=0.05))
    def ask(i: int) -> int:
        made.append(i)
        if len(made) == 1:
            raise ValueError("down")
        gate.wait(10)
        return i

    compiler = LLMCompiler([ask])
    asyncio.run(compiler.execute(plan("ask", 1)))
    threading.Event().wait(0.06)  # the breaker's seconds, on the real clock: it is shared by real loops
    results: SimpleQueue[RunResult] = SimpleQueue()
    both = [
        threading.Thread(target=lambda: results.put(asyncio.run(compiler.execute(plan("ask", 3)))))
        for _ in range(2)
    ]
    for thread in both:
        thread.start()
    found = errors(results.get(timeout=10))  # the run that is refused three times ends by itself
    gate.set()
    found += errors(results.get(timeout=10))
    for thread in both:
        thread.join(10)
    assert len(made) == 2
    assert sorted(found) == ["CircuitOpen"] * 5 + ["NoneType"]
