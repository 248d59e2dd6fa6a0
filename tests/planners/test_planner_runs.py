"""Planner and joiner in whole runs: repair, resume, replan and the last round, with a scripted model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from llmcompiler import LLMCompiler, tool
from llmcompiler.errors import ModelReplyInvalid, ModelStreamBroken
from llmcompiler.events import OutputDelta, PlanStarted
from llmcompiler.testing import ScriptedModel


@dataclass
class Peak:
    name: str
    height: float


HEIGHTS = {"K2": 8611.0, "Everest": 8848.86}


class Tools:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def all(self) -> list[Any]:
        @tool(effect="read")
        def search(query: str) -> Peak:
            """Look a mountain up."""
            self.calls.append(query)
            return Peak(query, HEIGHTS[query])

        @tool(effect="pure")
        def divide(expression: str) -> float:
            """Divide."""
            self.calls.append(expression)
            left, right = expression.split(" / ")
            return float(left) / float(right)

        return [search, divide]


def answer(text: Any) -> str:
    return json.dumps({"thought": "", "action": "answer", "answer": text, "feedback": None})


def replan(feedback: str) -> str:
    return json.dumps({"thought": "", "action": "replan", "answer": None, "feedback": feedback})


async def test_a_question_is_planned_run_and_answered() -> None:
    model, tools = (
        ScriptedModel(['1. search("K2")\n2. search("Everest")\njoin()', answer("Everest")]),
        Tools(),
    )
    compiler = LLMCompiler(tools.all(), model=model)
    events = [e async for e in compiler.stream("Which is higher?")]
    assert "".join(e.text for e in events if isinstance(e, OutputDelta)) == "Everest"
    assert events[-1].status == "answered"  # type: ignore[union-attr]
    assert '$1 = search(query="K2"): {"name":"K2","height":8611.0}' in model.requests[1].text
    assert events[-1].usage.model_calls == 2  # type: ignore[union-attr]
    assert events[-1].usage.tokens > 500  # type: ignore[union-attr]


async def test_only_the_broken_task_is_planned_again_while_good_ones_run() -> None:
    plan = '1. search("K2")\n2. serch("Everest")\n3. divide("${1.height} / ${2.height}")\njoin($3)'
    model, tools = ScriptedModel([plan, '2. search("Everest")']), Tools()
    result = await LLMCompiler(tools.all(), model=model).run("K2 over Everest?")
    assert result.output == pytest.approx(8611 / 8848.86)
    assert tools.calls == ["K2", "Everest", "8611.0 / 8848.86"]
    repair = model.requests[1]
    assert repair.purpose == "repair"
    assert "line for id 2," in repair.text
    assert '2. serch("Everest")' in repair.text


async def test_must_beat_21_guessed_numbers_are_planned_again_as_references() -> None:
    plan = '1. search("K2")\n2. search("Everest")\n3. divide("8611 / 8849")\njoin($3)'
    model, tools = ScriptedModel([plan, '3. divide("${1.height} / ${2.height}")']), Tools()
    result = await LLMCompiler(tools.all(), model=model).run("K2 over Everest?")
    assert result.output == pytest.approx(8611 / 8848.86)
    assert "8611 / 8849" not in tools.calls
    assert "the number 8611 is not in the question" in model.requests[1].text


@pytest.mark.parametrize(
    "text", ["<the height of task 1> / 2", "{{1.height}} / 2", "result of task 1", "{{1.height}}"]
)
async def test_must_beat_21_placeholders_never_reach_a_tool(text: str) -> None:
    model, tools = (
        ScriptedModel([f'1. search("K2")\n2. search("{text}")\njoin()', '2. search("Everest")', answer("x")]),
        Tools(),
    )
    result = await LLMCompiler(tools.all(), model=model).run("K2 and Everest?")
    assert result.output == "x"
    assert tools.calls == ["K2", "Everest"]


async def test_must_beat_9_a_replan_reuses_what_is_there_by_reference() -> None:
    model, tools = (
        ScriptedModel(
            [
                '1. search("K2")\njoin()',
                replan("the height of Everest"),
                '2. search("Everest")\n3. divide("${1.height} / ${2.height}")\njoin()',
                answer("0.97"),
            ]
        ),
        Tools(),
    )
    result = await LLMCompiler(tools.all(), model=model).run("K2 over Everest?")
    assert result.output == "0.97"
    assert result.feedback == ["the height of Everest"]
    assert tools.calls == ["K2", "Everest", "8611.0 / 8848.86"]
    assert "<feedback>\nthe height of Everest\n</feedback>" in model.requests[2].text


async def test_a_broken_stream_is_taken_up_again_and_nothing_runs_twice() -> None:
    broken = [(0.0, '1. search("K2")\n2. search("Ever'), (0.0, ModelStreamBroken("gone"))]
    model, tools = ScriptedModel([broken, '2. search("Everest")\njoin()', answer("Everest")]), Tools()
    events = [e async for e in LLMCompiler(tools.all(), model=model).stream("Which is higher?")]
    assert [e.purpose for e in events if isinstance(e, PlanStarted)] == ["plan", "resume"]
    assert tools.calls == ["K2", "Everest"]


async def test_a_resume_that_starts_over_runs_nothing_twice() -> None:
    broken = [(0.0, '1. search("K2")\n2. search("Ever'), (0.0, ModelStreamBroken("gone"))]
    again = '1. search("K2")\n2. search("Everest")\njoin()'
    model, tools = ScriptedModel([broken, again, answer("Everest")]), Tools()
    result = await LLMCompiler(tools.all(), model=model).run("Which is higher?")
    assert result.output == "Everest"
    assert tools.calls == ["K2", "Everest"]


async def test_the_last_round_gets_an_answer_out_of_a_joiner_that_only_wants_more() -> None:
    plans = [
        '1. search("K2")\njoin()',
        replan("a"),
        '2. search("Everest")\njoin()',
        replan("b"),
        replan("all I know is K2"),
    ]
    model, tools = ScriptedModel(plans), Tools()
    result = await LLMCompiler(tools.all(), model=model, max_replans=1).run("Which is higher?")
    assert result.output == "all I know is K2"


async def test_an_answer_of_a_declared_type() -> None:
    class Higher(BaseModel):
        name: str
        by: float

    model, tools = ScriptedModel(['1. search("K2")\njoin()', answer({"name": "K2", "by": 1.5})]), Tools()
    result = await LLMCompiler(tools.all(), model=model).run("Which?", output_type=Higher)
    assert result.output == Higher(name="K2", by=1.5)


@pytest.mark.parametrize("reply", ["", "I can not do that.", "Thought: hm", "```\n```"])
async def test_a_model_that_writes_no_plan_is_one_clear_error(reply: str) -> None:
    tools = Tools()
    with pytest.raises(ModelReplyInvalid, match="no plan|empty"):
        await LLMCompiler(tools.all(), model=ScriptedModel([reply] * 9)).run("Which is higher?")
    assert tools.calls == []
