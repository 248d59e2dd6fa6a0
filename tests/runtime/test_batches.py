"""Batches: which calls go together, what becomes of each, and that the pass changes nothing but the number of calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import (
    Call,
    Failed,
    LLMCompiler,
    Plan,
    Ref,
    RunResult,
    Succeeded,
    Task,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    Tool,
    ToolTimeout,
    tool,
)
from llmcompiler.errors import BatchFailed, TransientError
from llmcompiler.limits import Limits
from llmcompiler.options import CircuitBreaker
from llmcompiler.passes import Passes
from llmcompiler.testing import RecordingReporter
from tests.support.strict_loop import OpenExecutor, run_strictly

ON, OFF = Passes(), Passes(batch=False)


class Service:
    """A tool that doubles numbers one by one or many at once, and notes how it was called."""

    def __init__(self, answer: Any = None, **options: Any) -> None:
        self.singles: list[int] = []
        self.batches: list[list[int]] = []
        self.answer = answer or (lambda numbers: [2 * i for i in numbers])

        async def many(calls: list[dict[str, Any]]) -> Any:
            numbers = [c["i"] for c in calls]
            self.batches.append(numbers)
            await asyncio.sleep(0.1)
            return self.answer(numbers)

        @tool(batch=many, **options)
        async def double(i: int, after: Any = None) -> int:
            self.singles.append(i)
            await asyncio.sleep(0.1)
            return 2 * i

        self.tool: Tool = double


def tasks_of(n: int, first: int = 1) -> list[Task]:
    return [Task(i, "double", {"i": i}) for i in range(first, first + n)]


def run(
    tools: list[Any],
    plan: list[Task] | str,
    *,
    executor: OpenExecutor | None = None,
    passes: Passes = ON,
    **options: Any,
) -> tuple[RunResult, RecordingReporter]:
    executor, reporter = executor or OpenExecutor(), RecordingReporter()
    compiler = LLMCompiler(tools, executor=executor, reporters=[reporter], passes=passes)
    given = plan if isinstance(plan, str) else Plan(tuple(plan))
    result = run_strictly(lambda: compiler.execute(given, **options))
    executor.assert_nothing_is_left()
    return result, reporter


def test_calls_that_are_ready_together_are_made_together() -> None:
    service = Service()
    result, reporter = run([service.tool], tasks_of(30))
    assert service.batches == [list(range(1, 31))]
    assert service.singles == []
    assert [t.outcome for t in result.tasks.values()] == [Succeeded(2 * i) for i in range(1, 31)]
    assert {t.via for t in result.tasks.values()} == {"batch"}
    assert {t.attempts for t in result.tasks.values()} == {1}
    assert result.timing.makespan == pytest.approx(0.1)
    assert [e.task_id for e in reporter.of(TaskStarted)] == list(range(1, 31))
    assert [e.via for e in reporter.of(TaskFinished)] == ["batch"] * 30


def test_items_of_a_for_go_together() -> None:
    service = Service()
    result, _ = run([service.tool], "1. for x in [1, 2, 3]: double(x)\n2. double(10)\njoin($1)")
    assert sorted(map(sorted, service.batches)) in ([[1, 2, 3, 10]], [[1, 2, 3], [10]])
    assert result.output == [2, 4, 6]


def test_batches_are_no_larger_than_declared() -> None:
    service = Service(max_batch=4)
    run([service.tool], tasks_of(10))
    assert service.batches == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


def test_one_call_alone_is_made_by_the_plain_function() -> None:
    service = Service(max_batch=4)
    result, _ = run([service.tool], tasks_of(5))
    assert (service.batches, service.singles) == ([[1, 2, 3, 4]], [5])
    assert [t.via for t in result.tasks.values()] == ["batch"] * 4 + ["call"]


@pytest.mark.parametrize("off", ["pass", "max_batch"])
def test_it_can_be_switched_off(off: str) -> None:
    service = Service(max_batch=1 if off == "max_batch" else 100)
    run([service.tool], tasks_of(3), passes=OFF if off == "pass" else ON)
    assert (service.batches, service.singles) == ([], [1, 2, 3])


def test_a_sync_batch_function_runs_in_a_thread() -> None:
    import threading

    names = []

    def many(calls: list[dict[str, Any]]) -> list[int]:
        names.append(threading.current_thread().name)
        return [c["i"] for c in calls]

    @tool(batch=many)
    def same(i: int) -> int:
        return -1

    result = asyncio.run(LLMCompiler([same]).execute(Plan(tuple(Task(i, "same", {"i": i}) for i in (1, 2)))))
    assert [t.outcome for t in result.tasks.values()] == [Succeeded(1), Succeeded(2)]
    assert names == ["llmcompiler-tool"]


def test_an_element_that_is_an_exception_fails_its_own_call() -> None:
    error = ValueError("not 2")
    service = Service(lambda numbers: [error if i == 2 else i for i in numbers])
    result, _ = run([service.tool], [*tasks_of(3), Task(4, "double", {"i": 4, "after": Ref(2)})])
    assert [t.outcome.status for t in result.tasks.values()] == [
        "succeeded",
        "failed",
        "succeeded",
        "skipped",
    ]
    assert result.tasks[2].outcome == Failed(error)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda numbers: numbers[:-1], "gave 2 results; expected 3, one for each call"),
        (lambda numbers: [*numbers, 4], "gave 4 results; expected 3"),
        (lambda numbers: None, "gave a value of type NoneType; expected a list of 3 results"),
        (lambda numbers: {i: i for i in numbers}, "gave a value of type dict; expected a list of 3 results"),
        (lambda numbers: "abc", "gave a value of type str; expected a list of 3 results"),
    ],
)
def test_what_is_not_one_result_for_each_call_fails_each(answer: Any, told: str) -> None:
    service = Service(answer)
    result, _ = run([service.tool], tasks_of(3))
    for t in result.tasks.values():
        assert isinstance(t.outcome, Failed)
        assert isinstance(t.outcome.error, BatchFailed)
        assert str(t.outcome.error).startswith(f"the batch function of `double` {told}")
    assert (len(service.batches), service.singles) == (1, [])


def test_it_takes_one_place_and_the_timeout_holds_for_it_as_a_whole() -> None:
    service = Service(max_batch=5)
    result, _ = run([service.tool], tasks_of(10), executor=OpenExecutor(max_concurrency=1))
    assert result.timing.makespan == pytest.approx(0.2)
    service = Service(timeout=0.05)
    result, _ = run([service.tool], tasks_of(3))
    assert {type(t.outcome.error) for t in result.tasks.values()} == {ToolTimeout}  # type: ignore[union-attr]
    assert result.timing.makespan == pytest.approx(0.05)


def test_it_is_one_call_for_the_rate_limit() -> None:
    service = Service(max_batch=5, rate_limit="1/10s")
    result, _ = run([service.tool], tasks_of(15))
    assert sorted({round(t.started or 0, 3) for t in result.tasks.values()}) == [0, 10, 20]


def test_as_a_whole_it_is_tried_again_where_its_calls_would_be() -> None:
    def answer(numbers: list[int]) -> Any:
        if len(service.batches) < 3:
            raise TransientError("busy")
        return numbers

    service = Service(answer, effect="read")
    result, reporter = run([service.tool], tasks_of(3))
    assert [t.outcome for t in result.tasks.values()] == [Succeeded(i) for i in (1, 2, 3)]
    assert service.batches == [[1, 2, 3]] * 3
    assert {t.attempts for t in result.tasks.values()} == {3}
    assert Counter(e.task_id for e in reporter.of(TaskRetried)) == {1: 2, 2: 2, 3: 2}

    service = Service(answer, effect="write")  # not repeatable: as a single call, it is not tried again
    result, _ = run([service.tool], tasks_of(1))
    assert result.tasks[1].outcome == Succeeded(2)
    service = Service(answer)
    result, _ = run([service.tool], tasks_of(3))
    assert len(service.batches) == 1
    assert {t.outcome.status for t in result.tasks.values()} == {"failed"}


def test_a_batch_that_failed_for_good_is_not_tried_call_by_call() -> None:
    def answer(numbers: list[int]) -> Any:
        raise TransientError("busy")

    service = Service(answer, effect="read", retries=1)
    result, _ = run([service.tool], tasks_of(3))
    assert {t.outcome.status for t in result.tasks.values()} == {"failed"}
    assert (service.batches, service.singles) == ([[1, 2, 3]] * 2, [])


def test_an_element_that_may_be_tried_again_is_tried_by_itself() -> None:
    """Or the pass would turn a call that succeeds into one that fails."""
    service = Service(
        lambda numbers: [TransientError("busy") if i == 2 else 2 * i for i in numbers], effect="read"
    )
    result, reporter = run([service.tool], tasks_of(3))
    assert [t.outcome for t in result.tasks.values()] == [Succeeded(i) for i in (2, 4, 6)]
    assert (service.batches, service.singles) == ([[1, 2, 3]], [2])
    assert [t.via for t in result.tasks.values()] == ["batch", "call", "batch"]
    assert result.tasks[2].attempts == 2
    assert [e.task_id for e in reporter.of(TaskRetried)] == [2]


@pytest.mark.parametrize("whole", [True, False])
def test_fallbacks_are_called_one_by_one(whole: bool) -> None:
    @tool
    async def other(i: int, after: Any = None) -> str:
        return f"other {i}"

    def answer(numbers: list[int]) -> Any:
        if whole:
            raise ValueError("no")
        return [ValueError("no") if i == 2 else i for i in numbers]

    service = Service(answer, fallback=other)
    result, _ = run([service.tool], tasks_of(3))
    expected = ["other 1", "other 2", "other 3"] if whole else [1, "other 2", 3]
    assert [t.outcome for t in result.tasks.values()] == [Succeeded(v) for v in expected]
    assert [t.via for t in result.tasks.values()] == (
        ["fallback"] * 3 if whole else ["batch", "fallback", "batch"]
    )


@pytest.mark.parametrize("whole", [True, False])
def test_the_breaker_counts_each_call(whole: bool) -> None:
    def answer(numbers: list[int]) -> Any:
        if whole:
            raise ValueError("no")
        return [ValueError("no")] * len(numbers)

    service = Service(answer, breaker=CircuitBreaker(failures=3, seconds=60), max_batch=3)
    result, _ = run([service.tool], tasks_of(9), executor=OpenExecutor(max_concurrency=1))
    assert len(service.batches) == 1
    names = [type(t.outcome.error).__name__ for t in result.tasks.values()]  # type: ignore[union-attr]
    assert names == ["ValueError"] * 3 + ["CircuitOpen"] * 6


def test_calls_of_different_runs_do_not_mix() -> None:
    service = Service()
    compiler = LLMCompiler([service.tool], executor=OpenExecutor())

    async def main() -> None:
        await asyncio.gather(
            compiler.execute(Plan(tuple(tasks_of(2)))), compiler.execute(Plan(tuple(tasks_of(2, 3))))
        )

    run_strictly(main)
    assert sorted(service.batches) == [[1, 2], [3, 4]]


def test_one_that_is_stopped_leaves_the_others_alone() -> None:
    service = Service()
    executor = OpenExecutor()
    compiler = LLMCompiler([service.tool], executor=executor)
    drivers: list[Any] = []
    begin = executor.begin
    executor.begin = lambda driver: (drivers.append(driver), begin(driver))[1]  # type: ignore[method-assign]

    async def main() -> RunResult:
        running = asyncio.ensure_future(compiler.execute(Plan(tuple(tasks_of(4)))))
        await asyncio.sleep(0.05)
        (driver,) = drivers
        driver.drop([2])
        return await running

    result = run_strictly(main)
    executor.assert_nothing_is_left()
    assert [t.outcome.status for t in result.tasks.values()] == [
        "succeeded",
        "skipped",
        "succeeded",
        "succeeded",
    ]
    assert service.batches == [[1, 2, 3, 4]]


def test_one_that_is_stopped_before_its_batch_is_put_together_is_not_in_it() -> None:
    class Hasty(OpenExecutor):
        def start(self, call: Call) -> None:
            if call.key == 1:  # before anything of this turn is put together
                asyncio.get_running_loop().call_soon(call.driver.drop, [2])
            super().start(call)

    service = Service()
    result, _ = run([service.tool], tasks_of(3), executor=Hasty())
    assert [t.outcome.status for t in result.tasks.values()] == ["succeeded", "skipped", "succeeded"]
    assert service.batches == [[1, 3]]


@pytest.mark.parametrize("at", [0.0, 0.05, 0.15])
def test_a_run_that_is_stopped_stops_its_batches(at: float) -> None:
    """Before the batch is put together, while it runs, while another one waits for its place."""
    service = Service(max_batch=2)
    executor = OpenExecutor(max_concurrency=1)
    compiler = LLMCompiler([service.tool], executor=executor)

    async def main() -> None:
        running = asyncio.ensure_future(compiler.execute(Plan(tuple(tasks_of(6)))))
        await asyncio.sleep(at)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_strictly(main)
    executor.assert_nothing_is_left()
    assert len(service.batches) == (0 if at == 0 else 1 if at == 0.05 else 2)


def test_a_hung_batch_does_not_hold_up_the_end() -> None:
    async def many(calls: list[dict[str, Any]]) -> None:
        await asyncio.Event().wait()

    @tool(batch=many)
    async def hang(i: int) -> None:
        pass

    result, _ = run([hang], [Task(i, "hang", {"i": i}) for i in range(1, 5)], limits=Limits(seconds=3))
    assert {t.outcome.status for t in result.tasks.values()} == {"cancelled"}
    assert result.timing.total == pytest.approx(3)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["fine", "bad", "flaky"])), min_size=1, max_size=25
    ),
    st.integers(1, 6),
    st.sampled_from([1, 2, None]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_results_are_the_same_with_the_pass_and_without(
    shape: list[tuple[int, str]], max_batch: int, cap: int | None, falls_back: bool
) -> None:
    """Any graph of calls that work, fail, or fail at first: the same outcomes, by other calls."""

    def outcomes(passes: Passes) -> dict[int, Any]:
        seen: Counter[int] = Counter()

        def one(i: int) -> Any:
            seen[i] += 1
            kind = shape[i - 1][1]
            if kind == "bad":
                raise ValueError(i)
            if kind == "flaky" and seen[i] == 1:
                raise TransientError("at first")
            return i

        async def many(calls: list[dict[str, Any]]) -> list[Any]:
            await asyncio.sleep(0.01)
            out: list[Any] = []
            for c in calls:
                try:
                    out.append(one(c["i"]))
                except Exception as e:
                    out.append(e)
            return out

        @tool
        async def other(i: int, after: Any = None) -> str:
            return f"other {i}"

        @tool(batch=many, max_batch=max_batch, effect="read", fallback=other if falls_back else None)
        async def work(i: int, after: Any = None) -> Any:
            await asyncio.sleep(0.01)
            return one(i)

        plan = []
        for i, (back, _) in enumerate(shape, 1):
            args: dict[str, Any] = {"i": i}
            if 0 < back < i:
                args["after"] = Ref(i - back)
            plan.append(Task(i, "work", args))
        result, _ = run([work], plan, executor=OpenExecutor(max_concurrency=cap), passes=passes)
        return {
            i: (t.outcome.status, repr(getattr(t.outcome, "value", getattr(t.outcome, "error", None))))
            for i, t in result.tasks.items()
        }

    assert outcomes(ON) == outcomes(OFF)
