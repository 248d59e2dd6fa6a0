"""The planner for the embedded model, with a model that writes what the test says, token by token."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from llmcompiler import LLMCompiler, Succeeded, tool
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import LimitExceeded, ModelStreamBroken, UsageError
from llmcompiler.models.base import ModelChunk, ModelRequest, Usage
from llmcompiler.plan import Join, Task
from llmcompiler.protocols import Observation, PlanContext
from llmcompiler.testing import ScriptedModel
from llmcompiler.tools import ToolRegistry
from llmcompiler.values import Ref
from llmcompiler_planners import LocalPlanner
from tests.support.gbnf import accepts

FEATURES = frozenset({"chat", "completion", "grammar", "logprobs", "adapter"})


@tool
def population(city: str) -> int:
    """Number of people who live in a city."""
    return len(city)


@tool
def capital(country: str) -> str:
    """Capital city of a country."""
    return f"{country} City"


@tool
def area(country: str) -> float:
    """Area of one country."""
    return 1.0


@tool(effect="write")
def mail(person: str) -> str:
    """Send a letter."""
    return "sent"


class LineModel:
    """Writes one line a request, in pieces, with a probability for each; a line is text or (text, probability)."""

    name = "lines"
    features = FEATURES

    def __init__(self, *lines: str | tuple[str, float] | Exception, finish: str = "stop") -> None:
        self.lines = list(lines)
        self.requests: list[ModelRequest] = []
        self.closed = 0
        self.finish = finish

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        self.requests.append(request)
        line = self.lines[len(self.requests) - 1]
        if isinstance(line, Exception):
            raise line
        text, probability = line if isinstance(line, tuple) else (line, 0.95)
        assert request.grammar is not None
        if self.finish == "stop":
            assert accepts(request.grammar, f" {text}\n"), f"{text!r} is not in\n{request.grammar}"
        try:
            for i in range(0, len(text), 5):
                yield ModelChunk(text[i : i + 5], logprob=math.log(probability))
            yield ModelChunk("", Usage(0, 100, 7), self.finish)
        finally:
            self.closed += 1


def context(question, *tools, **options):
    return PlanContext(question, ToolRegistry(tools or (population, capital, area, mail)), **options)


async def items(model, question, *tools, settings=None, **options):
    planner = LocalPlanner(model, **(settings or {}))
    return [item async for item in planner.plan(context(question, *tools, **options))]


def calls(found):
    return [f"{t.id}. {t.tool} {dict(t.args)}" for t in found if isinstance(t, Task)]


def weak(found):
    return [i for i in found if isinstance(i, Diagnostic) and i.code == "weak-plan"]


TWO = "Which is bigger, Oslo or Rome?"


async def test_a_plan():
    model = LineModel('population("Oslo")', 'population("Rome")', "join()")
    found = await items(model, TWO)
    assert calls(found) == ["1. population {'0': 'Oslo'}", "2. population {'0': 'Rome'}"]
    assert found[-1] == Join()
    assert not weak(found)
    first, second, third = model.requests
    assert first.adapter == "planner"
    assert first.stop == ("\n",)
    assert first.purpose == "plan"
    assert first.temperature == 0
    assert first.prompt.startswith("Tools:\npopulation(city): number of people who live in a city\n")
    assert first.prompt.endswith(f"Question: {TWO}\n1.")
    assert second.prompt == first.prompt + ' population("Oslo")\n2.'
    assert third.prompt == second.prompt + ' population("Rome")\n3.'
    assert not accepts(first.grammar, " join()\n")
    assert not accepts(second.grammar, ' population("Oslo")\n')


async def test_a_task_goes_out_before_the_next_line_is_asked_for():
    model = LineModel('population("Oslo")', 'population("Rome")', "join()")
    async with aclosing(LocalPlanner(model).plan(context(TWO))) as found:
        assert isinstance(await anext(found), Task)
        assert len(model.requests) == 1
    assert model.closed == 1


async def test_a_line_it_is_unsure_of_holds_back_the_rest():
    model = LineModel('population("Oslo")', ('population("Rome")', 0.1), 'capital("Oslo")', "join()")
    found = await items(model, TWO)
    assert [type(i) for i in found] == [Task, Diagnostic, Task, Task, Join]
    (warning,) = weak(found)
    assert warning.severity == "warning"
    assert "line 2 is a guess" in warning.message
    assert '2. population("Rome")' in warning.message
    assert '3. capital("Oslo")' in warning.message


async def test_a_model_that_tells_no_probabilities_is_believed():
    model = ScriptedModel(['population("Oslo")', 'population("Rome")', "join()"], features=FEATURES)
    assert not weak(await items(model, TWO))


async def test_writes_wait_until_the_plan_is_whole():
    model = LineModel('mail("Bob")', 'population("Rome")', "join()")
    planner = LocalPlanner(model)
    async with aclosing(planner.plan(context("Tell Bob and count Rome"))) as found:
        first = await anext(found)
        assert isinstance(first, Task)
        assert first.tool == "mail"
        assert len(model.requests) == 3


async def test_what_the_plan_leaves_out_is_said():
    found = await items(LineModel('population("Oslo")', "join()"), "Which is bigger, Oslo or Rome, by 12?")
    (warning,) = weak(found)
    assert "no call uses 'Rome', '12'" in warning.message
    assert isinstance(found[0], Task)  # it was sure of this line, which runs meanwhile
    found = await items(LineModel('population("Rome")', "join()"), "How many people has Rome on what area?")
    assert "`area`" in weak(found)[0].message


async def test_a_line_that_is_cut_off_is_no_task():
    found = await items(LineModel('population("Os', finish="length"), TWO)
    assert not calls(found)
    assert "line 1 was cut off" in weak(found)[0].message
    assert found[-1] == Join()


async def test_the_number_of_lines_is_capped():
    names = ["Oslo", "Rome", "Bern", "Kyiv"]
    model = LineModel(*[f'population("{n}")' for n in names])
    found = await items(model, f"Compare {', '.join(names)}", settings={"max_lines": 3})
    assert len(calls(found)) == 3
    assert "limit of 3 lines" in weak(found)[0].message


async def test_the_result_of_a_chain_is_the_answer():
    model = LineModel('capital("Peru")', "population($1)", "join()")
    found = await items(model, "How many people live in the capital of Peru?")
    assert found[-1] == Join(Ref(2))
    assert found[1].depends_on == (1,)


async def test_a_second_round_is_not_planned():
    found = await items(LineModel(), TWO, purpose="replan", round=2, next_id=3)
    assert len(weak(found)) == 1
    assert found[-1] == Join()


async def test_a_repair_yields_nothing():
    assert await items(LineModel(), TWO, purpose="repair", broken=(1,)) == []


async def test_a_broken_stream_is_taken_up_at_the_next_line():
    done = Task(1, "population", {"city": "Oslo"})
    model = LineModel('population("Rome")', "join()")
    found = await items(
        model, TWO, purpose="resume", next_id=2, observations=[Observation(done, Succeeded(5))]
    )
    assert calls(found) == ["2. population {'0': 'Rome'}"]
    assert model.requests[0].prompt.endswith('1. population(city="Oslo")\n2.')


async def test_an_error_of_the_model_comes_after_what_was_planned():
    model = LineModel('population("Oslo")', ModelStreamBroken("gone"))
    planner = LocalPlanner(model).plan(context(TWO))
    assert isinstance(await anext(planner), Task)
    with pytest.raises(ModelStreamBroken):
        await anext(planner)


async def test_a_plan_is_one_model_call():
    used: list[Usage] = []
    asked: list[int] = []
    await items(
        LineModel('population("Oslo")', 'population("Rome")', "join()"),
        TWO,
        usage=used.append,
        allow_call=lambda: asked.append(1),
    )
    assert used == [Usage(1, 100, 21)]
    assert asked == [1]


async def test_a_limit_stops_it_before_the_model_is_asked():
    def refuse():
        raise LimitExceeded("model_calls", 0)

    model = LineModel()
    with pytest.raises(LimitExceeded):
        await items(model, TWO, allow_call=refuse)
    assert not model.requests


@pytest.mark.parametrize("question", ["", "   ", "?!", "\x00"])
async def test_a_question_without_words_gives_an_empty_plan_with_a_warning(question):
    model = LineModel()
    found = await items(model, question)
    assert "it has no call" in weak(found)[0].message
    assert found[-1] == Join()
    assert not model.requests


async def test_a_long_question_is_cut_and_that_is_said():
    model = LineModel('population("Oslo")', "join()")
    found = await items(model, "Oslo " + "and so on " * 10_000)
    assert "words of the question were read" in weak(found)[0].message
    assert len(model.requests[0].prompt) < 2_000


async def test_of_many_tools_the_most_likely_are_offered():
    model = LineModel('capital("Peru")', "join()")
    found = await items(model, "The capital of Peru?", settings={"max_tools": 1})
    assert "only 1 of 4 tools" in weak(found)[0].message
    assert "population" not in model.requests[0].prompt


@pytest.mark.parametrize(
    "settings", [{"max_lines": 0}, {"max_tools": 0}, {"min_confidence": 1.5}, {"min_confidence": -1}]
)
def test_settings_out_of_range(settings):
    with pytest.raises(UsageError):
        LocalPlanner(LineModel(), **settings)


def test_a_model_without_grammar_is_refused():
    with pytest.raises(UsageError, match="completion and grammar"):
        LocalPlanner(ScriptedModel(features={"chat"}))


async def test_a_whole_run():
    model = LineModel('population("Oslo")', 'population("Madrid")', "join()")
    result = await LLMCompiler([population], planner=LocalPlanner(model)).run(
        "Which is bigger, Oslo or Madrid?"
    )
    assert result.plans[0].tasks[1].args == {"city": "Madrid"}
    assert result.usage.model_calls == 1
