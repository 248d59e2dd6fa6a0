"""A planner that waits for an outcome gets one, whatever becomes of the call; and it never outlives its run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from llmcompiler import Limits, LLMCompiler, Passes, tool
from llmcompiler.language import parse_plan
from llmcompiler.outcomes import Cancelled, Failed, Skipped, Succeeded
from llmcompiler.plan import Task
from llmcompiler.protocols import Answer, PlanContext, PlanItem


@tool(effect="pure")
async def double(x: int) -> int:
    """Twice the number."""
    return 2 * x


@tool
async def fail(x: int) -> int:
    """Never works."""
    raise ValueError("no such thing")


@tool(effect="write", requires_approval=True)
async def pay(x: int) -> int:
    """Pays."""
    return x


@tool
async def hang(x: int) -> int:
    """Takes for ever."""
    await asyncio.Event().wait()
    return x


TOOLS = [double, fail, pay, hang]


class Looking:
    """Yields the tasks of a plan text, then waits for the outcomes of some of them, then answers with their kinds."""

    def __init__(self, text: str, *wanted: int) -> None:
        self.tasks: list[Task] = list(parse_plan(text)[0].tasks)
        self.wanted = wanted
        self.seen: list[Any] = []
        self.ended = False

    async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        try:
            for task in self.tasks:
                yield task
            for number in self.wanted:
                self.seen.append(await context.outcome(number))
            yield Answer(" ".join(type(o).__name__ for o in self.seen))
        finally:
            self.ended = True


def compiler(planner: Looking, **options: Any) -> LLMCompiler:
    return LLMCompiler(TOOLS, planner=planner, **options)


@pytest.mark.parametrize(
    ("text", "wanted", "kinds"),
    [
        ("1. double(2)\n2. if $1 > 100: double($1)", (1, 2), "Succeeded Skipped"),
        ("1. fail(1)\n2. double($1)\n3. double($2)", (3, 2, 1), "Skipped Skipped Failed"),
        ("1. double(1)\n2. double(1)", (2, 1), "Succeeded Succeeded"),  # merged
        ("1. double(3)", (1, 1, 1), "Succeeded Succeeded Succeeded"),
    ],
)
@pytest.mark.parametrize("passes", [None, Passes(fold=False, merge=False, drop=False, batch=False)])
async def test_an_outcome_of_each_kind_comes(
    text: str, wanted: tuple[int, ...], kinds: str, passes: Any
) -> None:
    options = {} if passes is None else {"passes": passes}
    result = await asyncio.wait_for(compiler(Looking(text, *wanted), **options).run("?"), 20)
    assert result.output == kinds


@pytest.mark.parametrize(("allow", "kind"), [(True, Succeeded), (False, Failed)])
async def test_a_call_that_waits_for_approval_is_waited_for(allow: bool, kind: type) -> None:
    planner = Looking("1. pay(20)", 1)
    async with compiler(planner).start("?") as run:
        async for event in run.events():
            if event.type == "ApprovalRequested":
                assert not planner.seen
                run.approve(1) if allow else run.reject(1, "too much")
        assert (await run).output == kind.__name__
    assert planner.ended


async def test_an_approval_that_expires_is_an_outcome() -> None:
    planner = Looking("1. pay(20)", 1)
    async with compiler(planner, approval_timeout=0.02).start("?") as run:
        assert (await asyncio.wait_for(run, 20)).output == "Failed"


@pytest.mark.parametrize("text", ["1. pay(20)", "1. hang(1)"])
async def test_a_run_that_is_cancelled_takes_its_planner_along(text: str) -> None:
    planner = Looking(text, 1)
    run = compiler(planner).start("?")
    async for event in run.events():
        if event.type in ("ApprovalRequested", "TaskStarted"):
            run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert planner.ended
    assert all(isinstance(o, Cancelled) for o in planner.seen)
    assert isinstance(run.result.tasks[1].outcome, Cancelled)


async def test_a_run_whose_time_is_up_does_not_wait_for_its_planner() -> None:
    planner = Looking("1. double(4)\n2. hang(1)", 1, 2)
    with contextlib.suppress(Exception):  # whether there is an answer is the joiner's matter
        await asyncio.wait_for(compiler(planner, limits=Limits(seconds=0.2)).run("?"), 30)
    assert planner.ended
    assert isinstance(planner.seen[0], Succeeded)


@pytest.mark.parametrize("limits", [Limits(tasks=1), Limits(tasks_per_tool=1)])
async def test_a_task_over_a_limit_can_not_be_waited_for_for_ever(limits: Limits) -> None:
    planner = Looking("1. double(1)\n2. double(7)", 1, 2)
    with contextlib.suppress(Exception):
        await asyncio.wait_for(compiler(planner, limits=limits).run("?"), 30)
    assert planner.ended


async def test_many_wait_for_one_outcome() -> None:
    gathered: list[Any] = []

    class Crowd:
        async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
            yield Task(1, "double", {"x": 5})
            gathered.extend(await asyncio.gather(*(context.outcome(1) for _ in range(50))))
            yield Answer("done")

    result = await asyncio.wait_for(LLMCompiler(TOOLS, planner=Crowd()).run("?"), 20)
    assert result.output == "done"
    assert [o.value for o in gathered] == [10] * 50


_Outcome = Callable[[int], Any]


async def test_an_outcome_that_is_asked_for_after_the_run_is_an_error_and_no_wait() -> None:
    kept: list[_Outcome] = []

    class Keeping:
        async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
            kept.append(context.outcome)
            yield Task(1, "double", {"x": 5})
            yield Answer("early")

    await asyncio.wait_for(LLMCompiler(TOOLS, planner=Keeping()).run("?"), 20)
    with contextlib.suppress(LookupError):
        outcome = await asyncio.wait_for(kept[0](1), 5)
        assert isinstance(outcome, (Succeeded, Cancelled, Skipped))
    with pytest.raises(LookupError):
        await asyncio.wait_for(kept[0](9), 5)
