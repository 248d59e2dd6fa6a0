"""Rate limits: when calls are made, who shares one, who is not held up, what is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmcompiler import ConfigurationError, Failed, LLMCompiler, Plan, RunResult, Succeeded, Task, tool
from llmcompiler.backend.rates import check_rates
from llmcompiler.errors import TransientError
from llmcompiler.limits import Limits
from llmcompiler.options import RateLimit
from llmcompiler.testing import run_virtual
from tests.support.strict_loop import OpenExecutor, run_strictly


def times(result: RunResult) -> list[float | None]:
    return sorted(t.started for t in result.tasks.values() if t.started is not None)  # type: ignore[type-var]


def calls_of(name: str, n: int, first: int = 1) -> list[Task]:
    return [Task(i, name, {"i": i}) for i in range(first, first + n)]


def run(
    tools: list[Any], tasks: list[Task], executor: OpenExecutor | None = None, **options: Any
) -> RunResult:
    executor = executor or OpenExecutor()
    result = run_strictly(
        lambda: LLMCompiler(tools, executor=executor).execute(Plan(tuple(tasks)), **options)
    )
    executor.assert_nothing_is_left()
    return result


@tool(rate_limit="2/s")
async def two(i: int) -> int:
    """Twice a second."""
    return i


def test_calls_wait_for_their_rate() -> None:
    result = run([two], calls_of("two", 6))
    assert times(result) == pytest.approx([0, 0, 0.5, 1.0, 1.5, 2.0], abs=1e-6)
    assert [t.outcome for t in result.tasks.values()] == [Succeeded(i) for i in range(1, 7)]


def test_calls_can_be_spaced_evenly() -> None:
    @tool(rate_limit="1/0.5s")
    async def even(i: int) -> int:
        return i

    assert times(run([even], calls_of("even", 4))) == pytest.approx([0, 0.5, 1.0, 1.5], abs=1e-6)


def test_a_rate_below_one_call() -> None:
    @tool(rate_limit=RateLimit(0.5, 1))
    async def rare(i: int) -> int:
        return i

    assert times(run([rare], calls_of("rare", 3))) == pytest.approx([0, 2, 4], abs=1e-6)


def test_tools_share_a_limit_by_name_and_others_have_their_own() -> None:
    shared = RateLimit(1, 1, name="api")

    @tool(rate_limit=shared)
    async def a(i: int) -> int:
        return i

    @tool(rate_limit=RateLimit(1, 1, name="api"))
    async def b(i: int) -> int:
        return i

    @tool(rate_limit="1/s")
    async def c(i: int) -> int:
        return i

    result = run([a, b, c], calls_of("a", 2) + calls_of("b", 2, 3) + calls_of("c", 1, 5))
    assert times(result) == pytest.approx([0, 0, 1, 2, 3], abs=1e-6)


def test_a_call_that_waits_for_its_rate_takes_no_place_under_the_caps() -> None:
    @tool
    async def free(i: int) -> int:
        await asyncio.sleep(0.1)
        return i

    executor = OpenExecutor(max_concurrency=1)
    result = run([two, free], calls_of("two", 5) + calls_of("free", 3, 6), executor)
    assert max(result.tasks[i].finished for i in (6, 7, 8)) < 0.4
    assert result.tasks[5].started == pytest.approx(1.5, abs=1e-6)


def test_a_retry_waits_for_the_limit_too() -> None:
    made: list[float] = []

    @tool(rate_limit="1/10s", retries=2)
    async def flaky() -> str:
        made.append(asyncio.get_running_loop().time())
        if len(made) < 3:
            raise TransientError("busy")
        return "done"

    result = run([flaky], [Task(1, "flaky")])
    assert result.tasks[1].outcome == Succeeded("done")
    assert made == pytest.approx([0, 10, 20], abs=1e-6)


def test_the_limit_holds_over_runs_one_after_the_other() -> None:
    executor = OpenExecutor()
    compiler = LLMCompiler([two], executor=executor)

    async def main() -> list[float]:
        await compiler.execute(Plan(tuple(calls_of("two", 2))))
        begun = asyncio.get_running_loop().time()
        await compiler.execute(Plan(tuple(calls_of("two", 2))))
        return [begun, asyncio.get_running_loop().time()]

    begun, ended = run_strictly(main)
    assert begun == pytest.approx(0, abs=1e-6)
    assert ended == pytest.approx(1.0, abs=1e-6)


def test_the_limit_goes_on_in_the_next_event_loop() -> None:
    @tool(rate_limit="2/h")
    async def rare(i: int) -> int:
        return i

    compiler = LLMCompiler([rare])
    plan = Plan(tuple(calls_of("rare", 2)))
    asyncio.run(compiler.execute(plan))
    result = asyncio.run(compiler.execute(plan, limits=Limits(seconds=0.05)))
    assert {t.outcome.status for t in result.tasks.values()} == {"cancelled"}


def test_cancelled_calls_leave_nothing_behind_and_take_nothing() -> None:
    executor = OpenExecutor()

    @tool(rate_limit="1/10s")
    async def slow(i: int) -> int:
        return i

    compiler = LLMCompiler([slow], executor=executor)

    async def main() -> tuple[RunResult, RunResult, float]:
        cut = await compiler.execute(Plan(tuple(calls_of("slow", 50))), limits=Limits(seconds=1))
        assert asyncio.all_tasks() == {asyncio.current_task()}
        whole = await compiler.execute(Plan(tuple(calls_of("slow", 1))))
        return cut, whole, asyncio.get_running_loop().time()

    cut, whole, now = run_strictly(main)
    executor.assert_nothing_is_left()
    assert [t.outcome.status for t in cut.tasks.values()] == ["succeeded"] + ["cancelled"] * 49
    assert cut.timing.total == pytest.approx(1)
    assert whole.tasks[1].outcome == Succeeded(1)
    assert now == pytest.approx(10, abs=1e-6)  # not 500: the fifty that gave up are not counted


def test_a_limit_of_one_name_that_says_two_things() -> None:
    @tool(rate_limit=RateLimit(1, 1, name="api"))
    async def a(i: int) -> int:
        return i

    @tool(rate_limit=RateLimit(2, 1, name="api"))
    async def b(i: int) -> int:
        return i

    with pytest.raises(
        ConfigurationError, match="'api' is one for all its tools: `a` says 1 calls in 1 s, `b` 2"
    ):
        check_rates([a, b])

    @tool(fallback=b)
    async def c(i: int) -> int:
        return i

    with pytest.raises(ConfigurationError, match="api"):
        check_rates([a, c])


def test_where_it_was_not_checked_before_the_call_says_so() -> None:
    """Two compilers on one executor: neither sees the other's tools."""

    @tool(rate_limit=RateLimit(1, 1, name="api"))
    async def a(i: int) -> int:
        return i

    @tool(rate_limit=RateLimit(2, 1, name="api"))
    async def b(i: int) -> int:
        return i

    executor = OpenExecutor()

    async def main() -> RunResult:
        await LLMCompiler([a], executor=executor).execute(Plan(tuple(calls_of("a", 1))))
        return await LLMCompiler([b], executor=executor).execute(Plan(tuple(calls_of("b", 1))))

    outcome = run_strictly(main).tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert "make them the same" in str(outcome.error)


def test_one_that_needs_approval_is_refused_before_anybody_is_asked() -> None:
    asked = []

    async def approver(request: Any) -> bool:
        asked.append(request)
        return True

    @tool(rate_limit=RateLimit(1, 1, name="api"))
    async def a(i: int) -> int:
        return i

    @tool(rate_limit=RateLimit(2, 1, name="api"), requires_approval=True)
    async def b(i: int) -> int:
        return i

    executor = OpenExecutor()

    async def main() -> RunResult:
        await LLMCompiler([a], executor=executor).execute(Plan(tuple(calls_of("a", 1))))
        compiler = LLMCompiler([b], executor=executor, approver=approver)
        return await compiler.execute(Plan(tuple(calls_of("b", 1))))

    assert run_strictly(main).tasks[1].outcome.status == "failed"
    assert asked == []


def test_a_call_waits_for_its_rate_after_it_was_approved() -> None:
    async def approver(request: Any) -> bool:
        await asyncio.sleep(0.0 if request.task_id == 3 else 5.0)
        return True

    @tool(rate_limit="1/s", requires_approval=True)
    async def a(i: int) -> int:
        return i

    compiler = LLMCompiler([a], executor=OpenExecutor(), approver=approver)
    result = run_strictly(lambda: compiler.execute(Plan(tuple(calls_of("a", 3)))))
    assert [t.started for t in result.tasks.values()] == pytest.approx([5, 6, 0], abs=1e-6)


def test_thousands_of_calls() -> None:
    @tool(rate_limit="1000/s")
    async def fast(i: int) -> int:
        return i

    result = run_virtual(LLMCompiler([fast]).execute(Plan(tuple(calls_of("fast", 3_000)))))
    assert result.timing.makespan == pytest.approx(2.0, abs=0.01)
