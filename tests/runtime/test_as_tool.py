"""A compiler as a tool of another one, and of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import BaseModel

from llmcompiler import (
    Answer,
    AsyncExecutor,
    ConfigurationError,
    Failed,
    Join,
    JoinContext,
    LimitExceeded,
    Limits,
    LLMCompiler,
    PlanContext,
    Ref,
    Replan,
    RunResult,
    Task,
    TaskProgress,
    Tool,
    ToolDefinitionError,
    ToolError,
    ToolRegistry,
    Usage,
    tool,
)
from llmcompiler.testing import RecordingReporter, ScriptedPlanner, run_virtual
from tests.support.scripted_run import ScriptedJoiner, nap


def inner(plan: Any = '1. nap(2, "found")\njoin($1)', *answers: Any, **options: Any) -> LLMCompiler:
    planner = ScriptedPlanner([plan] * 5)
    return LLMCompiler([nap], planner=planner, joiner=ScriptedJoiner(*answers), **options)


def go(made: Tool, plan: str = '1. research("why?")\njoin($1)', **options: Any) -> RunResult:
    limits = options.pop("limits", None)
    return run_virtual(LLMCompiler([made, nap], **options).execute(plan, limits=limits))


def error_of(result: RunResult, task: int = 1) -> Exception:
    outcome = result.tasks[task].outcome
    assert isinstance(outcome, Failed)
    return outcome.error


def test_it_takes_a_question_and_gives_the_answer() -> None:
    compiler = inner()
    made = compiler.as_tool("research", "Find something out.")
    assert made.signature == "research(question: str) -> str"
    assert made.description == "Find something out."
    assert made.parameters["required"] == ["question"]
    assert made.parameter_text("question")
    result = go(made, '1. research("what?")\n2. nap(1, $1)\njoin($2)')
    assert result.output == "found"
    assert round(result.timing.total) == 3
    assert compiler._planner.contexts[0].question == "what?"  # type: ignore[union-attr]


class City(BaseModel):
    name: str
    people: int


def test_the_answer_has_the_type_that_was_asked_for() -> None:
    city = {"name": "Oslo", "people": 700_000}
    made = inner([Task(1, "nap", {"seconds": 1, "value": city}), Join(Ref(1))]).as_tool(output_type=City)
    assert "City" in made.signature or "people" in made.signature
    result = go(made, '1. research("why?")\n2. nap(1, $1.people)\njoin($2)')
    assert result.output == 700_000
    assert result.values[1] == City(name="Oslo", people=700_000)


def test_with_one_place_for_calls_that_both_share_they_do_not_wait_for_each_other() -> None:
    executor = AsyncExecutor(max_concurrency=1)
    made = inner("1. nap(1)\n2. nap(1, 7)\njoin($2)", executor=executor).as_tool()
    plan = '1. research("a?")\n2. research("b?")\n3. nap(1)\njoin([$1, $2])'.replace(
        "join([$1, $2])", "join()"
    )
    result = go(made, plan, executor=executor)
    assert result.output == {1: 7, 2: 7, 3: None}
    assert round(result.timing.total) == 5  # five calls of a second, one at a time


# -- time ----------------------------------------------------------------------------


def test_the_run_inside_has_no_more_time_than_the_call() -> None:
    class Late:
        async def join(self, context: JoinContext) -> Any:
            await asyncio.sleep(3)
            return Answer(context.reason)

    def research(limits: Limits | None, **options: Any) -> Tool:
        planner = ScriptedPlanner(["1. nap(99)\njoin()"])
        return LLMCompiler([nap], planner=planner, joiner=Late()).as_tool(limits=limits, **options)

    # Its own limit, shorter than the call's time.
    assert go(research(Limits(seconds=3))).output == "the run's time (3 s) was up"
    # The timeout of the tool, less a fifth of it or ten seconds to answer in.
    assert go(research(Limits(seconds=500), timeout=30)).output == "the run's time (24 s) was up"
    assert go(research(None, timeout=55)).output == "the run's time (45 s) was up"
    # The time of the run outside.
    assert go(research(None), limits=Limits(seconds=20)).output == "the run's time (16 s) was up"


def test_cancelling_the_run_outside_ends_the_one_inside() -> None:
    ended: list[str] = []

    @tool
    async def slow() -> None:
        try:
            await asyncio.sleep(99)
        finally:
            ended.append("inside")

    reporter = RecordingReporter()
    made = LLMCompiler(
        [slow], planner=ScriptedPlanner(["1. slow()\njoin()"]), joiner=ScriptedJoiner(), reporters=[reporter]
    ).as_tool()

    async def main() -> None:
        async with LLMCompiler([made]).start(plan='1. research("why?")'):
            await asyncio.sleep(5)
        assert ended == ["inside"]
        assert reporter.events[-1].type == "RunFinished"
        assert reporter.events[-1].status == "cancelled"  # type: ignore[attr-defined]

    run_virtual(main())


# -- failures --------------------------------------------------------------------------


def test_a_run_inside_without_an_answer_fails_its_call_alone() -> None:
    made = inner('1. nap(1, "kept")\njoin()', ValueError("no words")).as_tool()
    result = go(made, '1. research("why?")\n2. nap(9, 7)\njoin($2)')
    assert result.output == 7
    error = error_of(result)
    assert isinstance(error, ToolError)
    assert str(error) == "`research` gave no answer: ValueError: no words"
    assert error.result is not None
    assert error.result.values == {1: "kept"}
    assert isinstance(error.__cause__, ValueError)


def test_limits_of_the_run_inside_are_its_own() -> None:
    made = inner("1. nap(1)\n2. nap(1)\n3. nap(1)\njoin()", Answer("some")).as_tool(limits=Limits(tasks=2))
    assert go(made, limits=Limits(tasks=1)).output == "some"

    class Greedy(ScriptedPlanner):
        async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
            for _ in range(9):
                context.allow_call()
            yield Join()

    compiler = LLMCompiler([nap], planner=Greedy([]), joiner=ScriptedJoiner())
    error = error_of(go(compiler.as_tool(limits=Limits(model_calls=3))))
    assert "3 model_calls" in str(error)
    assert isinstance(error.__cause__, LimitExceeded)


def test_questions_that_are_none_fail_the_call() -> None:
    assert "the question is empty" in str(error_of(go(inner().as_tool(), '1. research("  ")')))


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"efect": "read"},
        {"counted": True},
        {"batch": len},
        {"max_concurrency": 1},
        {"name": "join"},
    ],
)
def test_options_that_are_wrong(options: dict[str, Any]) -> None:
    with pytest.raises(ToolDefinitionError):
        inner().as_tool(**options)


@pytest.mark.parametrize("depth", [0, -1, True, 1.5])
def test_depths_that_are_none(depth: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_depth="):
        inner().as_tool(max_depth=depth)
    with pytest.raises(ConfigurationError, match="is not a Limits"):
        inner().as_tool(limits=3)  # type: ignore[arg-type]


# -- circles -----------------------------------------------------------------------------


class Asking:
    """Passes every question on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked = 0

    async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
        self.asked += 1
        yield Task(1, self.name, {"question": f"{context.question}?"})
        yield Join(Ref(1))

    async def join(self, context: JoinContext) -> Any:
        (only,) = context.observations
        assert isinstance(only.outcome, Failed)
        return Answer(str(only.outcome.error))


@pytest.mark.parametrize("depth", [1, 4, 7])
@pytest.mark.parametrize("several", [False, True])
def test_compilers_that_have_each_other_as_tools_end(depth: int, several: bool) -> None:
    first, second = Asking("second"), Asking("first")
    mine = ToolRegistry()
    one = LLMCompiler(mine, planner=first, joiner=first)
    two = LLMCompiler([one.as_tool("first", max_depth=depth)], planner=second, joiner=second)
    mine._add((two if several else one).as_tool("second", max_depth=depth))
    result = run_virtual(one.run("why?"))
    assert "compilers each other" in result.output or "in a circle" in result.output
    assert f"{depth} are allowed" in result.output
    assert first.asked + second.asked == depth + 1


# -- what is seen and counted --------------------------------------------------------------


def test_the_run_outside_hears_how_it_goes() -> None:
    reporter = RecordingReporter()
    go(inner('1. nap(1, "a")\n2. nap(2, "b")\njoin($2)').as_tool(), reporters=[reporter])
    news = reporter.of(TaskProgress)
    assert [e.message for e in news] == [
        "1. nap began",
        "2. nap began",
        "1. nap succeeded",
        "2. nap succeeded",
    ]
    assert (news[-1].fraction, news[-1].task_id) == (1.0, 1)
    assert news[-1].data["event"] == "TaskFinished"


class Spending(ScriptedPlanner):
    model = type("Model", (), {"name": "m", "prices": (1.0, 1.0)})()

    async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
        context.allow_call()
        context.usage(Usage(1, 1_000_000, 0))
        async for item in super().plan(context):
            yield item


def test_what_it_uses_of_models_counts_outside_however_it_ends() -> None:
    def spending(plan: str) -> Tool:
        planner = Spending([plan, plan])
        return LLMCompiler([nap], planner=planner, joiner=ScriptedJoiner(ValueError("no"))).as_tool(timeout=5)

    for plan in ("1. nap(1)\njoin($1)", "1. nap(1)\njoin()", "1. nap(99)\njoin()"):
        assert go(spending(plan)).usage == Usage(1, 1_000_000, 0, 1.0)
    result = go(spending("1. nap(1)\njoin($1)"), '1. research("a?")\n2. research("b?")')
    assert result.usage == Usage(2, 2_000_000, 0, 2.0)


def test_and_counts_for_the_limits_outside() -> None:
    made = LLMCompiler([nap], planner=Spending(["1. nap(1)\njoin($1)"]), joiner=ScriptedJoiner()).as_tool()
    planner = Spending(['1. research("a?")\njoin()', "2. nap(1)\njoin()"])
    joiner = ScriptedJoiner(Replan("more"), Answer("best"))
    compiler = LLMCompiler([made, nap], planner=planner, joiner=joiner)
    result = run_virtual(compiler.run("why?", limits=Limits(cost=2)))
    assert (result.output, len(result.tasks)) == ("best", 1)
    assert "$2" in joiner.contexts[-1].reason
    assert result.usage.cost == 2.0
