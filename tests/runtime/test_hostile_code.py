"""Other people's code that misbehaves, in every place where a run calls it: the run ends, and tells what happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, computed_field

from llmcompiler import (
    Answer,
    ApprovalDenied,
    ApprovalRequest,
    ConfigurationError,
    Event,
    Failed,
    Join,
    JoinContext,
    LLMCompiler,
    Plan,
    PlanContext,
    PlanError,
    Ref,
    ReferenceFailed,
    RunResult,
    Succeeded,
    Task,
    TaskFinished,
    ToolError,
    UsageError,
    tool,
)
from llmcompiler.testing import RecordingReporter, ScriptedPlanner
from tests.support.strict_loop import OpenExecutor, assert_events_are_whole, run_strictly


@tool
async def nap(seconds: float, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    return value


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


RUDE = [ValueError("no"), asyncio.CancelledError(), SystemExit(3), GeneratorExit(), Unprintable()]


def go(*tasks: Task, tools: list[Any], join: Join | None = None, **options: Any) -> RunResult:
    """The plan, run strictly: its events are whole and no place under the caps stays taken."""
    reporter, executor = RecordingReporter(), OpenExecutor()
    compiler = LLMCompiler(
        [nap, *tools], reporters=[reporter, *options.pop("reporters", [])], executor=executor, **options
    )
    result = run_strictly(lambda: compiler.execute(Plan(tasks, join)))
    assert_events_are_whole(reporter)
    executor.assert_nothing_is_left()
    return result


def raiser(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("error", RUDE, ids=repr)
def test_reporters(error: BaseException) -> None:
    class Rude(RecordingReporter):
        def report(self, event: Event) -> None:
            super().report(event)
            raise error

    rude = Rude()
    result = go(
        Task(1, "nap", {"seconds": 1}), Task(2, "nap", {"seconds": 0, "value": 2}), tools=[], reporters=[rude]
    )
    assert result.output == {1: None, 2: 2}
    assert_events_are_whole(rude)


@pytest.mark.parametrize("error", RUDE, ids=repr)
def test_approvers(error: BaseException) -> None:
    @tool(requires_approval=True)
    async def pay() -> int:
        raise AssertionError("must not run")

    async def approver(request: ApprovalRequest) -> bool:
        await asyncio.sleep(1)
        raise error

    result = go(Task(1, "pay"), Task(2, "nap", {"seconds": 5, "value": 2}), tools=[pay], approver=approver)
    outcome = result.tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ApprovalDenied)
    assert type(error).__name__ in str(outcome.error)
    assert result.output == {2: 2}


def test_an_approver_that_is_no_coroutine_function_denies() -> None:
    @tool(requires_approval=True)
    async def pay() -> int:
        raise AssertionError("must not run")

    outcome = go(Task(1, "pay"), tools=[pay], approver=lambda request: True).tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ApprovalDenied)
    with pytest.raises(ConfigurationError, match="approver=True"):
        LLMCompiler([pay], approver=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", RUDE, ids=repr)
def test_predicates_of_approval(error: BaseException) -> None:
    @tool(requires_approval=raiser(error))
    async def pay(after: Any = None) -> int:
        raise AssertionError("must not run")

    result = go(
        Task(1, "nap", {"seconds": 1, "value": 1}),
        Task(2, "pay", {"after": Ref(1)}),
        Task(3, "nap", {"seconds": 2, "value": 3}),
        tools=[pay],
    )
    outcome = result.tasks[2].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ToolError)
    assert result.output == {3: 3}


@pytest.mark.parametrize(
    "error", [RuntimeError("odd"), KeyError("x"), RecursionError(), Unprintable()], ids=repr
)
def test_validators(error: Exception) -> None:
    def refuse(value: int) -> int:
        raise error

    @tool
    async def strict(x: Annotated[int, AfterValidator(refuse)]) -> int:
        raise AssertionError("must not run")

    with pytest.raises(PlanError, match=type(error).__name__) as caught:
        Plan.parse("1. strict(1)", [strict])
    assert [d.code for d in caught.value.diagnostics] == ["wrong-type"]
    result = go(
        Task(1, "nap", {"seconds": 1, "value": 1}),
        Task(2, "strict", {"x": Ref(1)}),
        Task(3, "nap", {"seconds": 2, "value": 3}),
        tools=[strict],
    )
    assert result.tasks[2].outcome.status == "failed"
    assert result.output == {3: 3}


def test_results_that_raise_when_they_are_read() -> None:
    class Mine(BaseModel):
        @computed_field
        def size(self) -> int:
            raise RuntimeError("unknown")

    @tool
    async def mine() -> Any:
        return Mine()

    result = go(Task(1, "mine"), Task(2, "nap", {"seconds": 0, "value": Ref(1, ("size",))}), tools=[mine])
    outcome = result.tasks[2].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ReferenceFailed)
    assert "RuntimeError: unknown" in str(outcome.error)
    joined = go(Task(1, "mine"), tools=[mine], join=Join(Ref(1, ("size",))))
    assert isinstance(joined.error, ReferenceFailed)


@pytest.mark.parametrize("error", RUDE, ids=repr)
@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize("threaded", [False, True])
def test_tools(error: BaseException, retries: int, threaded: bool) -> None:
    if threaded:
        rude = tool(name="rude", retries=retries)(raiser_of(error))
    else:

        @tool(retries=retries)
        async def rude() -> int:
            raise error

    reporter = RecordingReporter()
    compiler = LLMCompiler([rude], reporters=[reporter])
    result = asyncio.run(compiler.execute(Plan((Task(1, "rude"),))))
    assert_events_are_whole(reporter)
    outcome = result.tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, type(error) if isinstance(error, Exception) else ToolError)
    assert result.to_json()


def raiser_of(error: BaseException) -> Callable[[], int]:
    def rude() -> int:
        raise error

    return rude


def test_a_try_that_fails_while_it_is_given_up_is_no_news() -> None:
    """Nobody looks at its exception, which asyncio would report."""

    @tool(timeout=1, retries=1, idempotent=True)
    async def sore() -> int:
        try:
            await asyncio.sleep(10)
        finally:
            raise ValueError("in the middle of cleaning up")
        return 1

    async def main() -> str:
        # The result is let go of: asyncio reports when it collects what the traceback of the error holds.
        return str((await LLMCompiler([sore]).execute(Plan((Task(1, "sore"),)))).tasks[1].outcome)

    assert "within 1 s" in run_strictly(main)


def test_an_executor_that_can_not_start_a_call_fails_that_call() -> None:
    class Full(OpenExecutor):
        def start(self, call: Any) -> None:
            if call.task.id == 2:
                raise OSError("no room")
            super().start(call)

    async def main() -> RunResult:
        compiler = LLMCompiler([nap], executor=Full())
        return await compiler.execute(
            Plan(tuple(Task(i, "nap", {"seconds": 1, "value": i}) for i in (1, 2, 3)))
        )

    result = run_strictly(main)
    assert result.output == {1: 1, 3: 3}
    assert "no room" in str(result.tasks[2].outcome)


class Asks:
    """A joiner that does what it is told to."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    async def join(self, context: JoinContext) -> Any:
        await asyncio.sleep(1)
        return self.act()


def failing_run(planner: Any, joiner: Any, **options: Any) -> tuple[BaseException, RecordingReporter]:
    reporter, executor = RecordingReporter(), OpenExecutor()

    async def main() -> BaseException:
        compiler = LLMCompiler([nap], planner=planner, joiner=joiner, reporters=[reporter], executor=executor)
        try:
            await compiler.run("why?", **options)
        except (Exception, asyncio.CancelledError) as e:
            return e
        raise AssertionError("the run should fail")

    error = run_strictly(main)
    assert_events_are_whole(reporter)
    executor.assert_nothing_is_left()
    return error, reporter


@pytest.mark.parametrize("error", [ValueError("no"), Unprintable(), asyncio.CancelledError()], ids=repr)
def test_joiners(error: BaseException) -> None:
    plan = [Task(1, "nap", {"seconds": 1, "value": 1}), Join()]
    raised, reporter = failing_run(ScriptedPlanner([plan]), Asks(raiser(error)))
    assert raised is error
    assert reporter.of(TaskFinished)[0].outcome == Succeeded(1)
    if isinstance(raised, Exception):
        assert raised.result.tasks[1].outcome == Succeeded(1)  # type: ignore[attr-defined]


def test_a_joiner_that_decides_nothing() -> None:
    error, _ = failing_run(ScriptedPlanner([[Join()]]), Asks(lambda: "the answer"))
    assert isinstance(error, ConfigurationError)
    assert "'the answer', not an Answer or Replan" in str(error)


@pytest.mark.parametrize("error", [ValueError("no"), Unprintable(), asyncio.CancelledError()], ids=repr)
def test_planners_that_break_with_calls_under_way(error: BaseException) -> None:
    class Rude:
        async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
            yield Task(1, "nap", {"seconds": 9, "value": 1})
            await asyncio.sleep(1)
            raise error

    if isinstance(error, asyncio.CancelledError):
        raised, reporter = failing_run(Rude(), Asks(lambda: Answer("done")))
        assert raised is error
        assert reporter.of(TaskFinished)[0].outcome.status == "cancelled"
        return

    async def main() -> RunResult:
        return await LLMCompiler([nap], planner=Rude(), joiner=Asks(lambda: Answer("done"))).run("why?")

    result = run_strictly(main)
    assert result.output == "done"
    assert result.tasks[1].outcome == Succeeded(1)


def test_planners_that_are_none() -> None:
    class NotAGenerator:
        async def plan(self, context: PlanContext) -> list[Task]:
            return []

    error, _ = failing_run(NotAGenerator(), Asks(lambda: Answer("done")))
    assert isinstance(error, UsageError)
    assert "not an async iterator" in str(error)


def test_an_output_type_that_is_no_type_is_refused_before_anything_runs() -> None:
    class Opaque:
        pass

    compiler = LLMCompiler([nap], planner=ScriptedPlanner([]), joiner=Asks(lambda: Answer("done")))
    with pytest.raises(ConfigurationError, match="output_type="):
        run_strictly(lambda: compiler.run("why?", output_type=Opaque))


def test_reporters_that_would_never_run_are_refused() -> None:
    class Async:
        async def report(self, event: Event) -> None: ...

    for reporters, text in (([Async()], "is async"), (RecordingReporter(), "not a list"), ([3], "no method")):
        with pytest.raises(ConfigurationError, match=text):
            LLMCompiler([nap], reporters=reporters)  # type: ignore[arg-type]
