"""Fallbacks: when they are called, with what, in which place, on which terms, and what is said when they fail too."""

from __future__ import annotations

import asyncio
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
    TaskFinished,
    TaskRetried,
    TaskStarted,
    Tool,
    ToolContext,
    ToolDefinitionError,
    ToolError,
    ToolTimeout,
    tool,
)
from llmcompiler.errors import TransientError
from llmcompiler.limits import Limits
from llmcompiler.options import CircuitBreaker
from llmcompiler.testing import RecordingReporter
from tests.support.strict_loop import OpenExecutor, run_strictly


def run(
    tools: list[Any], *tasks: Task, executor: OpenExecutor | None = None, **options: Any
) -> tuple[RunResult, RecordingReporter]:
    executor, reporter = executor or OpenExecutor(), RecordingReporter()
    compiler = LLMCompiler(tools, executor=executor, reporters=[reporter])
    result = run_strictly(lambda: compiler.execute(Plan(tasks), **options))
    executor.assert_nothing_is_left()
    return result, reporter


@tool
async def spare(x: int) -> str:
    """Works."""
    return f"spare {x}"


def test_it_is_called_when_the_tool_failed_for_good() -> None:
    @tool(fallback=spare, retries=2)
    async def main(x: int) -> str:
        raise TransientError("busy")

    result, reporter = run([main], Task(1, "main", {"x": 7}))
    assert result.tasks[1].outcome == Succeeded("spare 7")
    assert result.tasks[1].via == "fallback"
    assert result.tasks[1].attempts == 4
    assert [(e.tool, e.attempt, e.args) for e in reporter.of(TaskStarted)] == [
        ("main", 1, {"x": 7}),
        ("main", 2, {"x": 7}),
        ("main", 3, {"x": 7}),
        ("spare", 4, {"x": 7}),
    ]
    assert len(reporter.of(TaskRetried)) == 2
    (finished,) = reporter.of(TaskFinished)
    assert (finished.tool, finished.via) == ("main", "fallback")


def test_it_is_not_called_when_the_tool_works() -> None:
    called = []

    @tool
    async def never(x: int) -> str:
        called.append(x)
        return ""

    @tool(fallback=never)
    async def main(x: int) -> str:
        return "fine"

    result, _ = run([main], Task(1, "main", {"x": 7}))
    assert (result.tasks[1].outcome, result.tasks[1].via, called) == (Succeeded("fine"), "call", [])


@pytest.mark.parametrize("how", ["timeout", "open", "exit", "cancels itself"])
def test_every_way_to_fail(how: str) -> None:
    @tool(fallback=spare, timeout=1, breaker=CircuitBreaker(failures=1, seconds=60))
    async def main(x: int) -> str:
        if how == "timeout":
            await asyncio.Event().wait()
        if how == "exit":
            raise SystemExit(3)
        if how == "cancels itself":
            raise asyncio.CancelledError
        raise ValueError("opens it")

    result, _ = run(
        [main],
        *(Task(i, "main", {"x": i}) for i in range(1, 4)),
        executor=OpenExecutor(max_concurrency=1),
    )
    assert [t.outcome for t in result.tasks.values()] == [Succeeded(f"spare {i}") for i in range(1, 4)]
    assert result.tasks[2].attempts == 1  # the second call never reached the tool itself


def test_a_sync_tool_that_exits_is_named() -> None:
    @tool
    def main(x: int) -> str:
        raise SystemExit(3)

    outcome = asyncio.run(LLMCompiler([main]).execute(Plan((Task(1, "main", {"x": 1}),)))).tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert str(outcome.error) == "`main` raised SystemExit: 3"


def test_when_both_fail_both_are_told() -> None:
    first, last = ValueError("no luck"), KeyError("x")

    @tool
    async def other(x: int) -> str:
        raise last

    @tool(fallback=other)
    async def main(x: int) -> str:
        raise first

    result, _ = run([main], Task(1, "main", {"x": 7}))
    outcome = result.tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert outcome.error.__cause__ is first
    assert outcome.error.__context__ is last
    assert "`main` failed: ValueError: no luck; its fallback `other` failed too: KeyError: 'x'" in str(
        outcome.error
    )
    assert result.tasks[1].via == "fallback"


def test_a_chain_of_fallbacks() -> None:
    @tool(fallback=spare)
    async def second(x: int) -> str:
        raise ValueError("2")

    @tool(fallback=second)
    async def first(x: int) -> str:
        raise ValueError("1")

    result, reporter = run([first], Task(1, "first", {"x": 7}))
    assert result.tasks[1].outcome == Succeeded("spare 7")
    assert [e.tool for e in reporter.of(TaskStarted)] == ["first", "second", "spare"]


def test_a_circle_ends() -> None:
    """It can not be declared; whoever makes one by hand gets an error, not a loop."""

    @tool
    async def a(x: int) -> str:
        raise ValueError("a")

    @tool(fallback=a)
    async def b(x: int) -> str:
        raise ValueError("b")

    a.fallback = b
    result, reporter = run([a], Task(1, "a", {"x": 1}))
    assert result.tasks[1].outcome.status == "failed"
    assert [e.tool for e in reporter.of(TaskStarted)] == ["a", "b"]


def test_arguments_are_validated_by_its_own_schema() -> None:
    seen: list[Any] = []

    async def take(**arguments: Any) -> str:
        seen.append(arguments)
        return "ok"

    schema = {"type": "object", "properties": {"x": {"type": "integer", "maximum": 10}}, "required": ["x"]}
    other = Tool.from_schema("other", schema, take)

    @tool(fallback=other)
    async def main(x: int) -> str:
        raise ValueError("no")

    result, _ = run([main], Task(1, "main", {"x": 7}), Task(2, "main", {"x": 70}))
    assert result.tasks[1].outcome == Succeeded("ok")
    outcome = result.tasks[2].outcome
    assert isinstance(outcome, Failed)
    assert "ValueError: no" in str(outcome.error)
    assert "bad arguments for `other`" in str(outcome.error)
    assert isinstance(outcome.error.__context__, ArgumentError)
    assert seen == [{"x": 7}]


def test_the_terms_are_its_own() -> None:
    """Timeout, retries, context: those of the fallback."""
    seen: list[tuple[str, int, float | None, str]] = []

    @tool(timeout=3, retries=1)
    async def other(x: int, ctx: ToolContext) -> str:
        seen.append((ctx.tool, ctx.attempt, ctx.remaining, ctx.idempotency_key))
        if len(seen) == 1:
            raise TransientError("once more")
        await asyncio.Event().wait()
        return ""

    @tool(timeout=50, fallback=other)
    async def main(x: int) -> str:
        raise ValueError("no")

    result, _ = run([main], Task(1, "main", {"x": 7}))
    outcome = result.tasks[1].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__context__, ToolTimeout)
    assert "`other` gave no result within 3 s" in str(outcome.error)
    key = f"{result.run_id}:1"
    assert seen == [("other", 2, pytest.approx(3), key), ("other", 3, pytest.approx(3), key)]


def test_its_breaker_and_its_rate_limit_hold() -> None:
    @tool(rate_limit="1/10s", breaker=CircuitBreaker(failures=2, seconds=1000))
    async def other(x: int) -> str:
        raise ValueError("other")

    @tool(fallback=other)
    async def main(x: int) -> str:
        raise ValueError("main")

    result, _ = run([main], *(Task(i, "main", {"x": i}) for i in range(1, 5)))
    assert [t.finished for t in result.tasks.values()] == pytest.approx([0, 10, 10, 10], abs=1e-6)
    assert ["CircuitOpen" in str(t.outcome) for t in result.tasks.values()] == [False, False, True, True]


def test_it_runs_in_the_same_place() -> None:
    """With one place for all, the next call begins when the fallback is done, not before."""

    @tool
    async def other(x: int) -> str:
        await asyncio.sleep(1)
        return "ok"

    @tool(fallback=other)
    async def main(x: int) -> str:
        await asyncio.sleep(1)
        raise ValueError("no")

    result, _ = run(
        [main], *(Task(i, "main", {"x": i}) for i in range(1, 4)), executor=OpenExecutor(max_concurrency=1)
    )
    assert [t.started for t in result.tasks.values()] == pytest.approx([0, 2, 4])


def test_its_own_cap_holds() -> None:
    running = most = 0

    @tool(max_concurrency=1)
    async def other(x: int) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1
        return "ok"

    @tool(fallback=other)
    async def main(x: int) -> str:
        raise ValueError("no")

    result, _ = run(
        [main, other], *(Task(i, "main", {"x": i}) for i in range(1, 6)), Task(6, "other", {"x": 6})
    )
    assert most == 1
    assert result.timing.makespan == pytest.approx(6)


def test_one_that_needs_approval_or_writes_unexpectedly_is_refused_when_declared() -> None:
    async def main(x: int) -> str:
        return "main"

    @tool(requires_approval=True)
    async def asks(x: int) -> str:
        return "ok"

    @tool(effect="write")
    async def writes(x: int) -> str:
        return "ok"

    with pytest.raises(ToolDefinitionError, match="needs approval; a fallback can not ask"):
        tool(fallback=asks)(main)
    for effect in (None, "pure", "read"):
        with pytest.raises(ToolDefinitionError, match="which writes"):
            tool(fallback=writes, effect=effect)(main)
    assert tool(fallback=writes, effect="write")(main).fallback is writes


def test_what_the_fallback_touches_is_ordered_too() -> None:
    log: list[str] = []

    @tool(effect="write", resource="b")
    async def other(x: int) -> str:
        await asyncio.sleep(1)
        log.append("fallback")
        return "ok"

    @tool(effect="write", resource="a", fallback=other)
    async def main(x: int) -> str:
        raise ValueError("no")

    @tool(effect="read", resource="b")
    async def look() -> str:
        log.append("look")
        return "seen"

    run([main, look], Task(1, "main", {"x": 1}), Task(2, "look"))
    assert log == ["fallback", "look"]


def test_the_run_ends_in_the_middle_of_it() -> None:
    @tool
    async def other(x: int) -> str:
        await asyncio.Event().wait()
        return "ok"

    @tool(fallback=other)
    async def main(x: int) -> str:
        raise ToolError("no")

    result, _ = run([main], Task(1, "main", {"x": 7}), limits=Limits(seconds=2))
    assert result.tasks[1].outcome.status == "cancelled"
    assert result.timing.total == pytest.approx(2)
