"""Executing plans: outcomes, caps, timeouts, retries, cancellation. Times are virtual."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from typing import Any

import pytest

from llmcompiler import (
    ApprovalDenied,
    ApprovalRequest,
    ArgumentError,
    AsyncExecutor,
    Cancelled,
    ConfigurationError,
    Failed,
    Join,
    Limits,
    LLMCompiler,
    Plan,
    Ref,
    RunFinished,
    RunResult,
    Skipped,
    Succeeded,
    Task,
    TaskFinished,
    TaskProgress,
    TaskRetried,
    TaskStarted,
    ToolContext,
    ToolError,
    ToolTimeout,
    TransientError,
    tool,
)
from llmcompiler.testing import RecordingReporter, run_virtual


@tool
async def nap(seconds: float, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    return value


@tool
async def boom(text: str = "no") -> int:
    raise ValueError(text)


@tool
async def hang(after: Any = None) -> None:
    await asyncio.Event().wait()


def plan(*tasks: Task, join: Join | None = None) -> Plan:
    return Plan(tasks, join)


def go(plan: Plan, *tools: Any, reporter: RecordingReporter | None = None, **options: Any) -> RunResult:
    reporters = [reporter] if reporter else []
    run_options = {k: options.pop(k) for k in ("limits", "output_type") if k in options}
    compiler = LLMCompiler([nap, boom, hang, *tools], reporters=reporters, **options)
    return run_virtual(compiler.execute(plan, **run_options))


def test_independent_tasks_run_at_once_and_dependents_right_after() -> None:
    result = go(
        plan(
            Task(1, "nap", {"seconds": 3, "value": 1}),
            Task(2, "nap", {"seconds": 2, "value": 2}),
            Task(3, "nap", {"seconds": 1, "value": [Ref(1), Ref(2)]}),
            join=Join(Ref(3)),
        )
    )
    assert result.output == [1, 2]
    assert result.timing.makespan == pytest.approx(4)
    assert result.timing.critical_path == pytest.approx(4)
    assert result.timing.sequential == pytest.approx(6)
    assert result.tasks[3].started == pytest.approx(3)


def test_failure_skips_exactly_the_dependents_and_loses_nothing() -> None:
    result = go(
        plan(
            Task(1, "boom", {"text": "out of order"}),
            Task(2, "nap", {"seconds": 1, "value": Ref(1)}),
            Task(3, "nap", {"seconds": 1, "value": "kept"}),
            Task(4, "nap", {"seconds": 1, "value": Ref(2)}),
        )
    )
    assert isinstance(result.tasks[1].outcome, Failed)
    assert result.tasks[2].outcome == Skipped(1, "task 1 failed: ValueError: out of order")
    assert result.tasks[4].outcome == Skipped(1, "task 1 failed: ValueError: out of order")
    assert result.output == {3: "kept"}
    assert result.ok


@pytest.mark.parametrize(
    ("join", "error", "text"),
    [(Join(Ref(1)), ValueError, "no"), (Join(Ref(2)), ToolError, "join.*task 2 was skipped: task 1 failed")],
)
def test_a_join_on_a_task_without_a_value_says_why(join: Join, error: type[Exception], text: str) -> None:
    result = go(plan(Task(1, "boom"), Task(2, "nap", {"seconds": 1, "value": Ref(1)}), join=join))
    assert result.output is None
    assert not result.ok
    with pytest.raises(error, match=text):
        raise result.error or AssertionError


def test_the_overall_cap_is_16_by_default_and_can_be_set() -> None:
    tasks = [Task(i, "nap", {"seconds": 1}) for i in range(1, 41)]
    assert go(plan(*tasks)).timing.makespan == pytest.approx(3)
    assert go(plan(*tasks), executor=AsyncExecutor(max_concurrency=4)).timing.makespan == pytest.approx(10)
    assert go(plan(*tasks), executor=AsyncExecutor(max_concurrency=None)).timing.makespan == pytest.approx(1)


def test_a_capped_tool_does_not_hold_up_others() -> None:
    running = 0
    most = 0

    @tool(max_concurrency=2)
    async def narrow(i: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1
        return i

    tasks = [Task(i, "narrow", {"i": i}) for i in range(1, 21)] + [Task(21, "nap", {"seconds": 1})]
    result = go(plan(*tasks), narrow)
    assert most == 2
    assert result.timing.makespan == pytest.approx(10)
    assert result.tasks[21].finished == pytest.approx(1)


def test_caps_hold_over_concurrent_runs_of_one_compiler() -> None:
    running = most = 0

    @tool(max_concurrency=3)
    async def narrow(i: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1
        return i

    async def main() -> None:
        compiler = LLMCompiler([narrow])
        p = plan(*[Task(i, "narrow", {"i": i}) for i in range(1, 7)])
        await asyncio.gather(compiler.execute(p), compiler.execute(p))

    run_virtual(main())
    assert most == 3


def test_a_call_times_out_alone() -> None:
    @tool(timeout=5)
    async def slow() -> None:
        await asyncio.sleep(100)

    result = go(plan(Task(1, "slow"), Task(2, "nap", {"seconds": 7, "value": "there"})), slow)
    outcome = result.tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ToolTimeout)
    assert "within 5 s" in str(outcome.error)
    assert result.tasks[1].seconds == pytest.approx(5)
    assert result.output == {2: "there"}


def test_every_call_has_a_timeout_by_default() -> None:
    result = go(plan(Task(1, "hang")))
    assert isinstance(result.tasks[1].outcome, Failed)
    assert result.timing.makespan == pytest.approx(60)


def test_a_call_deaf_to_its_cancellation_neither_hangs_the_run_nor_keeps_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @tool(timeout=1, max_concurrency=1)
    async def deaf(i: int) -> int:
        for _ in range(20):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(10)
        return i

    result = go(plan(Task(1, "deaf", {"i": 1}), Task(2, "deaf", {"i": 2})), deaf)
    assert [t.outcome.status for t in result.tasks.values()] == ["failed", "failed"]
    assert result.timing.makespan == pytest.approx(2)
    assert "still running" in caplog.text


def flaky(times: int, error: Exception, **options: Any) -> Any:
    calls: list[int] = []

    @tool(name="flaky", **options)
    async def call() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return len(calls)

    return call, calls


@pytest.mark.parametrize(
    ("options", "error", "tries"),
    [
        ({"retries": 2}, ConnectionError("gone"), 3),
        ({"retries": 2}, TransientError("busy"), 3),
        ({"retries": 2}, ValueError("wrong"), 1),
        ({"retries": 2, "retry_on": [ValueError]}, ValueError("wrong"), 3),
        ({"effect": "read"}, ConnectionError("gone"), 3),
        ({"effect": "read", "retries": 0}, ConnectionError("gone"), 1),
        ({"effect": "write"}, ConnectionError("gone"), 1),
        ({"effect": "write", "idempotent": True}, ConnectionError("gone"), 3),
        ({}, ConnectionError("gone"), 1),
    ],
)
def test_retries(options: dict[str, Any], error: Exception, tries: int) -> None:
    """Transient or declared errors, asked for or harmless by effect; a write is never repeated behind one's back."""
    call, calls = flaky(2, error, **options)
    reporter = RecordingReporter()
    result = go(plan(Task(1, "flaky")), call, reporter=reporter)
    assert len(calls) == tries, result.tasks
    assert result.tasks[1].attempts == tries
    assert isinstance(result.tasks[1].outcome, Succeeded if tries == 3 else Failed)
    retried = reporter.of(TaskRetried)
    assert [r.attempt for r in retried] == list(range(1, tries))
    assert [s.attempt for s in reporter.of(TaskStarted)] == list(range(1, tries + 1))
    if tries == 3:
        assert 0.05 < retried[0].delay < retried[1].delay < 1, "waits grow, with jitter"


@pytest.mark.parametrize(("options", "tries"), [({"retries": 1}, 1), ({"retries": 1, "idempotent": True}, 2)])
def test_a_call_that_ran_out_of_time_is_only_repeated_if_it_may_be(
    options: dict[str, Any], tries: int
) -> None:
    calls = []

    @tool(timeout=1, **options)
    async def slow() -> None:
        calls.append(1)
        await asyncio.sleep(10)

    result = go(plan(Task(1, "slow")), slow)
    assert len(calls) == tries, result.tasks
    outcome = result.tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ToolTimeout)


def test_retry_after_of_the_error_is_honoured() -> None:
    error = TransientError("busy")
    error.retry_after = 7  # type: ignore[attr-defined]
    call, _ = flaky(1, error, retries=1)
    assert go(plan(Task(1, "flaky")), call).timing.makespan == pytest.approx(7)


@pytest.mark.parametrize(
    "raised", [SystemExit(3), asyncio.CancelledError(), GeneratorExit(), StopAsyncIteration()]
)
def test_whatever_a_tool_raises_stays_with_its_task(raised: BaseException) -> None:
    @tool
    async def rude() -> None:
        raise raised

    result = go(plan(Task(1, "rude"), Task(2, "nap", {"seconds": 1, "value": 1})), rude)
    assert isinstance(result.tasks[1].outcome, Failed)
    assert result.output == {2: 1}


def test_bad_arguments_and_missing_fields_are_the_outcome_of_their_task() -> None:
    result = go(
        plan(
            Task(1, "nap", {"seconds": 0, "value": {"height": "tall"}}),
            Task(2, "nap", {"seconds": Ref(1, ("height",))}),
            Task(3, "nap", {"seconds": Ref(1, ("width",))}),
        )
    )
    second, third = result.tasks[2].outcome, result.tasks[3].outcome
    assert isinstance(second, Failed)
    assert isinstance(second.error, ArgumentError)
    assert "(from $1.height)" in str(second.error)
    assert isinstance(third, Failed)
    assert "a record with height and has no 'width'" in str(third.error)


def test_the_runs_time_ends_calls_and_keeps_what_is_there() -> None:
    result = go(
        plan(
            Task(1, "nap", {"seconds": 1, "value": "kept"}),
            Task(2, "hang"),
            Task(3, "hang", {"after": Ref(2)}),
        ),
        limits=Limits(seconds=5),
    )
    assert result.output == {1: "kept"}
    assert result.tasks[2].outcome == Cancelled("the run's time (5 s) was up")
    assert result.tasks[3].outcome == Cancelled("the run's time (5 s) was up")
    assert result.timing.total == pytest.approx(5)


def test_cancelling_the_run_ends_every_call_and_tells_it_once() -> None:
    ended: list[str] = []
    reporter = RecordingReporter()

    @tool
    async def careful() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(1)
            ended.append("cleaned up")

    async def main() -> None:
        compiler = LLMCompiler([careful, nap], reporters=[reporter])
        run = asyncio.ensure_future(
            compiler.execute(
                plan(
                    Task(1, "careful"),
                    Task(2, "nap", {"seconds": 0, "value": 1}),
                    Task(3, "nap", {"seconds": Ref(1)}),
                )
            )
        )
        await asyncio.sleep(5)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert ended == ["cleaned up"]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main())
    assert sorted(e.task_id for e in reporter.of(TaskFinished)) == [1, 2, 3]
    assert [e.status for e in reporter.of(RunFinished)] == ["cancelled"]
    assert reporter.types[-1] == "RunFinished"


def test_sync_tools_run_in_threads_together_with_context_variables() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")
    barrier = threading.Barrier(3, timeout=10)
    names: list[int] = []

    @tool
    def together(i: int) -> str:
        barrier.wait()
        names.append(threading.get_ident())
        return f"{user.get()}{i}"

    async def main() -> RunResult:
        user.set("ada")
        return await LLMCompiler([together]).execute(
            plan(*[Task(i, "together", {"i": i}) for i in (1, 2, 3)])
        )

    assert asyncio.run(main()).output == {1: "ada1", 2: "ada2", 3: "ada3"}
    assert len(set(names)) == 3
    assert threading.main_thread().ident not in names


def test_threads_end_with_the_last_run() -> None:
    @tool
    def work() -> int:
        return 1

    compiler = LLMCompiler([work])
    compiler.execute_sync(plan(*[Task(i, "work") for i in range(1, 9)]))
    for thread in threading.enumerate():
        if thread.name == "llmcompiler-tool":
            thread.join(10)
            assert not thread.is_alive()


def test_context_variables_do_not_leak_from_call_to_call() -> None:
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="clean")

    @tool
    async def stain(after: Any = None) -> str:
        before = mark.get()
        mark.set("stained")
        return before

    result = go(plan(Task(1, "stain"), Task(2, "stain", {"after": Ref(1)})), stain)
    assert [t.outcome for t in result.tasks.values()] == [Succeeded("clean"), Succeeded("clean")]


def test_an_async_tool_that_blocks_the_loop_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    @tool
    async def blocking() -> int:
        for _ in range(2):
            threading.Event().wait(0.15)
            await asyncio.sleep(0)
        return 1

    reporter = RecordingReporter()
    result = asyncio.run(LLMCompiler([blocking], reporters=[reporter]).execute(plan(Task(1, "blocking"))))
    assert [d.code for d in result.diagnostics] == ["blocking-tool"]
    assert "`blocking` held up the event loop" in caplog.text


def test_context_progress_and_keys() -> None:
    seen: list[ToolContext] = []

    @tool(timeout=10)
    async def watched(ctx: ToolContext, x: int = 1) -> int:
        seen.append(ctx)
        await ctx.progress("half", 0.5, {"n": 1})
        await asyncio.sleep(4)
        assert ctx.remaining == pytest.approx(6)
        return x

    reporter = RecordingReporter()
    result = go(plan(Task(1, "watched"), Task(2, "watched", {"x": Ref(1)})), watched, reporter=reporter)
    assert result.output == {2: 1}
    assert {c.idempotency_key for c in seen} == {f"{result.run_id}:1", f"{result.run_id}:2"}
    assert [(p.task_id, p.message, p.fraction) for p in reporter.of(TaskProgress)] == [
        (1, "half", 0.5),
        (2, "half", 0.5),
    ]


def test_progress_from_a_thread_arrives_in_order() -> None:
    @tool
    def threaded(ctx: ToolContext) -> int:
        for i in range(5):
            ctx.report(f"step {i}")
        return 1

    reporter = RecordingReporter()
    asyncio.run(LLMCompiler([threaded], reporters=[reporter]).execute(plan(Task(1, "threaded"))))
    assert [p.message for p in reporter.of(TaskProgress)] == [f"step {i}" for i in range(5)]
    assert [e.seq for e in reporter.events] == list(range(len(reporter.events)))


@pytest.mark.parametrize("answer", [True, False])
def test_approval_is_bound_to_the_exact_arguments_and_holds_up_only_dependents(answer: bool) -> None:
    asked: list[ApprovalRequest] = []

    @tool(requires_approval=lambda amount: amount > 10)
    async def pay(amount: int) -> str:
        return f"paid {amount}"

    async def approver(request: ApprovalRequest) -> bool:
        asked.append(request)
        await asyncio.sleep(30)
        return answer

    result = go(
        plan(
            Task(1, "nap", {"seconds": 1, "value": 99}),
            Task(2, "pay", {"amount": Ref(1)}),
            Task(3, "pay", {"amount": 5}),
            Task(4, "nap", {"seconds": 1, "value": Ref(2)}),
        ),
        pay,
        approver=approver,
    )
    assert [dict(a.arguments) for a in asked] == [{"amount": 99}]
    assert result.tasks[3].finished == pytest.approx(0)
    if answer:
        assert result.output == {3: "paid 5", 4: "paid 99"}
    else:
        outcome = result.tasks[2].outcome
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, ApprovalDenied)
        assert result.tasks[4].outcome.status == "skipped"


def test_without_an_approver_nothing_that_needs_approval_runs() -> None:
    @tool(requires_approval=True)
    async def pay(amount: int) -> str:
        raise AssertionError("must not run")

    outcome = go(plan(Task(1, "pay", {"amount": 1})), pay).tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ApprovalDenied)


def test_a_reporter_that_fails_does_not_harm_the_run(caplog: pytest.LogCaptureFixture) -> None:
    class Bad(RecordingReporter):
        def report(self, event: Any) -> None:
            raise RuntimeError("bad reporter")

    assert go(plan(Task(1, "nap", {"seconds": 1, "value": 1})), reporter=Bad()).output == {1: 1}
    assert caplog.text.count("reporter Bad failed") == 1


def test_long_chains_and_wide_plans_do_not_recurse() -> None:
    @tool
    async def step(x: int) -> int:
        return x + 1

    chain = plan(
        Task(1, "step", {"x": 0}),
        *[Task(i, "step", {"x": Ref(i - 1)}) for i in range(2, 5001)],
        join=Join(Ref(5000)),
    )
    assert go(chain, step).output == 5000
    broken = plan(Task(1, "boom"), *[Task(i, "step", {"x": Ref(i - 1)}) for i in range(2, 5001)])
    result = go(broken, step)
    assert sum(t.outcome.status == "skipped" for t in result.tasks.values()) == 4999


@pytest.mark.parametrize(
    "options", [{"max_concurrency": 0}, {"timeout": 0}, {"retries": -1}, {"max_concurrency": 1.5}]
)
def test_settings_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        AsyncExecutor(**options)


@pytest.mark.parametrize("options", [{"tasks": 0}, {"seconds": -1}, {"tokens": True}])
def test_limits_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Limits(**options)
