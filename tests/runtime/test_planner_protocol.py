"""What a planner of one's own may do beside yielding tasks: answer, look at outcomes, be shown fewer tools."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from llmcompiler import LLMCompiler
from llmcompiler.errors import ConfigurationError
from llmcompiler.outcomes import Failed, Succeeded
from llmcompiler.plan import Task
from llmcompiler.protocols import Answer, PlanContext, PlanItem
from llmcompiler.testing import RecordingReporter, ScriptedModel


def double(x: int) -> int:
    return 2 * x


def fail(x: int) -> int:
    raise ValueError("no such thing")


class Looking:
    """Doubles until the value is above 10, then answers with it."""

    async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        value = 1
        for number in range(1, 9):
            yield Task(number, "double", {"x": value})
            outcome = await context.outcome(number)
            assert isinstance(outcome, Succeeded)
            value = outcome.value
            if value > 10:
                yield Answer(value)
                return


async def test_a_planner_looks_at_outcomes_and_answers() -> None:
    seen = RecordingReporter()
    result = await LLMCompiler([double], planner=Looking(), reporters=[seen]).run("?")
    assert result.output == 16
    assert [t.outcome.value for t in result.tasks.values()] == [2, 4, 8, 16]
    assert [type(e).__name__ for e in seen.events].count("RunFinished") == 1


async def test_the_outcome_of_a_call_that_fails_or_can_not_run() -> None:
    told: list[object] = []

    class Planner:
        async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
            yield Task(1, "fail", {"x": 1})
            told.append(await context.outcome(1))
            yield Task(2, "fial", {"x": 1})
            for number in (2, 7):
                with pytest.raises(LookupError) as caught:
                    await context.outcome(number)
                told.append(str(caught.value))
            yield Answer("done")

    result = await LLMCompiler([fail], planner=Planner()).run("?")
    assert result.output == "done"
    assert isinstance(told[0], Failed)
    assert "fial" in str(told[1])
    assert "task 7" in str(told[2])


async def test_an_answer_that_does_not_fit_goes_to_the_joiner() -> None:
    class Planner:
        async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
            yield Answer("many")

    model = ScriptedModel(['{"action": "answer", "answer": 3}'])
    compiler = LLMCompiler([double], model=model, planner=Planner())
    assert (await compiler.run("how many?", output_type=int)).output == 3
    assert "does not fit" in model.requests[0].text


async def test_a_plan_with_an_answer_of_its_own_is_a_bare_join() -> None:
    class Planner:
        async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
            with pytest.raises(LookupError):
                await context.outcome(1)
            yield Answer("hello")

    plan = await LLMCompiler([double], planner=Planner()).plan("?")
    assert not plan.tasks


async def test_a_selector_chooses_what_is_shown_and_the_registry_stays_the_truth() -> None:
    class First:
        def __init__(self) -> None:
            self.asked: list[str] = []

        def select(self, question: str, tools: object) -> list[str]:
            self.asked.append(question)
            return ["double", "unknown"]

    selector = First()
    model = ScriptedModel(["1. fail(1)\n2. double(2)\njoin($2)"])
    result = await LLMCompiler([double, fail], model=model, selector=selector).run("go")
    system = model.requests[0].text
    assert "double(" in system
    assert "fail(" not in system
    assert result.output == 4
    assert isinstance(result.tasks[1].outcome, Failed)
    assert selector.asked == ["go"]


def test_planners_by_name() -> None:
    with pytest.raises(ConfigurationError, match="text, json"):
        LLMCompiler([double], planner="yaml")
    compiler = LLMCompiler([double], model=ScriptedModel(), planner="text")
    assert type(compiler.planner).__name__ == "TextPlanner"
