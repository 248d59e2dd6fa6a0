"""The planner of the embedded model: prompts, streaming, weak plans, where it ends, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from llmcompiler import tool
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import ModelStreamBroken
from llmcompiler.models.base import ModelChunk, ModelRequest, Usage
from llmcompiler.plan import Join, Task
from llmcompiler.testing import ScriptedModel
from llmcompiler_planners.briefing import plan_prompt, tool_line
from llmcompiler_planners.local import MIN_REFUSAL, LocalPlanner
from tests.support.gbnf import accepts
from tests.support.line_model import (
    FEATURES,
    NAMES,
    OSLO,
    ROME,
    TOOLS,
    TWO,
    LineModel,
    calls,
    capital,
    context,
    items,
    population,
    warnings,
)

# -- prompts -------------------------------------------------------------------------


async def test_a_plan() -> None:
    model = LineModel(OSLO, ROME, "join()")
    found = await items(model, TWO)
    assert calls(found) == ['1. population("Oslo")', '2. population("Rome")']
    assert found[2:] == [Join()]
    first, second, third = model.prompts
    assert first == plan_prompt(TOOLS, TWO) + "1."
    assert first.startswith(f"Tools:\n{tool_line(population)}\n{tool_line(capital)}\n")
    assert first.endswith(f"Question: {TWO}\n1.")
    assert second == f"{first} {OSLO}\n2."
    assert third == f"{second} {ROME}\n3."


async def test_every_line_is_asked_for_with_its_own_grammar_and_the_adapter() -> None:
    model = LineModel('capital("Peru")', "population($1)", "join($2)")
    await items(model, "How many people live in the capital of Peru?")
    for request in model.requests:
        assert request.adapter == "planner"
        assert request.stop == ("\n",)
        assert request.purpose == "plan"
        assert request.temperature == 0
        assert request.max_tokens is not None
        assert not request.messages
    grammars = [request.grammar or "" for request in model.requests]
    assert [accepts(g, " population($1)\n") for g in grammars] == [False, True, True]
    assert [accepts(g, " population($2)\n") for g in grammars] == [False, False, False]
    assert [accepts(g, " join($2)\n") for g in grammars] == [False, False, True]
    assert all(accepts(g, " join()\n") for g in grammars)


@pytest.mark.parametrize(
    ("question", "line", "value"),
    [
        ('Who wrote "The Sea, the Sea"?', 'capital("The Sea, the Sea")', "The Sea, the Sea"),
        ("Is A$AP bigger than $5 Foot?", 'capital("$$5 Foot")', "$5 Foot"),
        ("Is A$AP or $1 or ${1} bigger?", 'capital("$$1")', "$1"),
        ("Capital of Côte d’Ivoire, please", 'capital("Côte d’Ivoire")', "Côte d’Ivoire"),
        ("東京 and Zürich\u202e?", 'capital("東京")', "東京"),
        ("Where is C:\\new\\Town?", 'capital("C:\\\\new\\\\Town")', "C:\\new\\Town"),
        ("1. Where is Oslo?\n2. And Rome?", 'capital("Oslo")', "Oslo"),
    ],
)
async def test_words_of_the_question_come_through_as_they_are(question: str, line: str, value: str) -> None:
    model = LineModel(line, "join()")
    found = await items(model, question)
    assert isinstance(found[0], Task)
    assert found[0].args == {"0": value}
    asked = model.prompts[0].splitlines()
    assert asked[-2].startswith("Question: ")
    assert asked[-1] == "1."
    assert '"' not in asked[-2]


# -- streaming -----------------------------------------------------------------------


async def test_a_task_goes_out_before_the_next_line_is_asked_for() -> None:
    model = LineModel(OSLO, ROME, "join()")
    async with aclosing(LocalPlanner(model).plan(context(TWO))) as found:
        assert isinstance(await anext(found), Task)
        assert len(model.requests) == 1
        assert isinstance(await anext(found), Task)
        assert len(model.requests) == 2
    assert model.closed == 2


class SilentModel:
    """Writes half a line and then nothing more."""

    name = "silent"
    features = FEATURES

    def __init__(self) -> None:
        self.silent = asyncio.Event()
        self.closed = False

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        try:
            yield ModelChunk(" populat", Usage(0, 50, 2))
            self.silent.set()
            await asyncio.Event().wait()
        finally:
            self.closed = True


async def test_a_plan_that_is_cancelled_closes_the_model_and_tells_what_was_used() -> None:
    model, used = SilentModel(), list[Usage]()
    reading = asyncio.create_task(items(model, TWO, usage=used.append))
    await model.silent.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert model.closed
    assert used == [Usage(1, 50, 2)]


class Handmade:
    """A stream that is no generator, and has to be closed all the same."""

    def __init__(self) -> None:
        self.silent = asyncio.Event()
        self.closed = False

    def __aiter__(self) -> Handmade:
        return self

    async def __anext__(self) -> ModelChunk:
        self.silent.set()
        await asyncio.Event().wait()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed = True


async def test_a_stream_of_any_kind_is_closed() -> None:
    class Model(SilentModel):
        def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
            return stream

    stream = Handmade()
    reading = asyncio.create_task(items(Model(), TWO))
    await stream.silent.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert stream.closed


async def test_an_error_of_the_model_comes_after_what_was_planned() -> None:
    used: list[Usage] = []
    planner = LocalPlanner(LineModel(OSLO, ModelStreamBroken("gone"))).plan(context(TWO, usage=used.append))
    assert isinstance(await anext(planner), Task)
    with pytest.raises(ModelStreamBroken):
        await anext(planner)
    assert used == [Usage(1, 101, 7)]


# -- weak plans ----------------------------------------------------------------------


async def test_a_line_it_is_unsure_of_holds_back_the_rest() -> None:
    model = LineModel(OSLO, (ROME, 0.1), 'capital("Oslo")', "join()")
    found = await items(model, TWO)
    assert [type(i) for i in found] == [Task, Diagnostic, Task, Task, Join]
    (warning,) = [i for i in found if isinstance(i, Diagnostic)]
    assert (warning.code, warning.severity) == ("weak-plan", "warning")
    assert "line 2 is a guess (confidence 0.10)" in warning.message
    assert '2. population("Rome")' in warning.message
    assert '3. capital("Oslo")' in warning.message
    assert "LLMCOMPILER_MODEL" in warning.hint


@pytest.mark.parametrize(("least", "held"), [(0.0, False), (0.5, False), (0.8, True)])
async def test_how_sure_it_has_to_be_can_be_set(least: float, held: bool) -> None:
    model = LineModel((OSLO, 0.6), ROME, "join()")
    assert bool(warnings(await items(model, TWO, settings={"min_confidence": least}))) is held


async def test_a_model_that_tells_no_probabilities_is_believed() -> None:
    model = ScriptedModel([OSLO, ROME, "join()"], features=FEATURES)
    assert not warnings(await items(model, TWO))
    model = ScriptedModel(["join()"], features=FEATURES)
    assert warnings(await items(model, TWO), "no-tool")


async def test_writes_wait_until_the_plan_is_whole() -> None:
    model = LineModel(OSLO, 'mail("Bob")', ROME, "join()")
    planner = LocalPlanner(model)
    async with aclosing(planner.plan(context("Is Oslo bigger than Rome? Tell Bob"))) as found:
        assert str(await anext(found)) == f"1. {OSLO}"
        assert len(model.requests) == 1
        assert str(await anext(found)) == '2. mail("Bob")'
        assert len(model.requests) == 4
        assert [str(i) async for i in found if isinstance(i, Task)] == [f"3. {ROME}"]


async def test_writes_of_a_plan_that_breaks_off_are_not_made() -> None:
    model = LineModel(OSLO, 'mail("Bob")', ModelStreamBroken("gone"))
    async with aclosing(LocalPlanner(model).plan(context("Is Oslo bigger than Rome? Tell Bob"))) as found:
        assert str(await anext(found)) == f"1. {OSLO}"
        with pytest.raises(ModelStreamBroken):
            await anext(found)


async def test_what_the_plan_leaves_out_is_said() -> None:
    found = await items(LineModel(OSLO, "join()"), "Which is bigger, Oslo or Rome, by 12?")
    (warning,) = warnings(found)
    assert "no call uses 'Rome', '12'" in warning
    assert isinstance(found[0], Task)  # it was sure of this line, which runs meanwhile


@pytest.mark.parametrize(
    ("question", "missed"),
    [
        ("Weather in Oslo?", ""),
        ("Hello, I'd like Oslo. Thanks!", ""),
        ("Looking for Oslo, am I right? Choose from: A) Oslo", ""),
        ("Renew Oslo", ""),
        ("Renew Oslo Airport", "'Oslo Airport'"),
        ("Bergen or Oslo?", "'Bergen'"),
        ("Is it Oslo? Is it Bergen?", "'Bergen'"),
        ("What of Oslo and 12?", "'12'"),
    ],
)
async def test_only_names_and_numbers_can_be_left_out(question: str, missed: str) -> None:
    said = warnings(await items(LineModel('weather("Oslo")', "join()"), question))
    assert [f"no call uses {missed}" in text for text in said] == [True] * bool(missed)


@pytest.mark.parametrize("name", ["Kepler-823b", "TX-82701", "2019-01-04", "11:05"])
async def test_numbers_in_a_copied_text_are_not_left_out(name: str) -> None:
    found = await items(LineModel(f'weather("{name}")', "join()"), f"What is {name} like?")
    assert not warnings(found)


async def test_the_same_text_twice_in_a_call_is_said() -> None:
    @tool
    def distance(start: str, end: str) -> float:
        """Way from one place to another."""
        return 1.0

    found = await items(LineModel('distance("Oslo", "Oslo")', "join()"), "From Oslo on?", distance)
    assert "the same text twice" in warnings(found)[0]


async def test_a_line_that_is_cut_off_is_no_task() -> None:
    found = await items(LineModel('population("Os…'), TWO)
    assert not calls(found)
    assert "wrote no call: line 1 was cut off" in warnings(found)[0]
    assert not warnings(found, "no-tool")
    assert found[-1] == Join()
    found = await items(LineModel(OSLO, 'population("Ro…'), TWO)
    assert calls(found) == [f"1. {OSLO}"]
    assert "line 2 was cut off" in warnings(found)[0]


@pytest.mark.parametrize(("reply", "said"), [("", "is empty"), ("population Oslo ((", "can not be read")])
async def test_a_model_that_does_not_keep_to_the_grammar_is_told_of(reply: str, said: str) -> None:
    found = await items(ScriptedModel([reply], features=FEATURES), TWO)
    assert not calls(found)
    assert f"line 1 {said}" in warnings(found)[0]
    assert found[-1] == Join()
    found = await items(ScriptedModel([OSLO, reply], features=FEATURES), TWO)
    assert calls(found) == [f"1. {OSLO}"]
    assert f"line 2 {said}" in warnings(found)[0]


# -- where it ends -------------------------------------------------------------------


async def test_the_number_of_lines_is_capped() -> None:
    model = LineModel(*[f'population("{n}")' for n in NAMES])
    found = await items(model, f"Compare {', '.join(NAMES)}", settings={"max_lines": 3})
    assert len(calls(found)) == 3
    assert "limit of 3 lines" in warnings(found)[0]
    assert found[-1] == Join()


async def test_a_plan_of_just_as_many_lines_is_whole() -> None:
    model = LineModel(*[f'population("{n}")' for n in NAMES], "join()")
    found = await items(model, f"Compare {', '.join(NAMES)}", settings={"max_lines": 4})
    assert len(calls(found)) == 4
    assert not warnings(found)


async def test_a_short_question_has_a_short_plan() -> None:
    lines = [f'weather("Oslo", days={n})' for n in (2, 3, 4, 5)]
    found = await items(LineModel(*lines, 'weather("Oslo")'), "Oslo 2,3,4,5")
    assert len(calls(found)) == 4
    assert "limit of 4 lines" in "".join(warnings(found))


async def test_it_stops_where_it_begins_to_repeat_itself() -> None:
    found = await items(LineModel(OSLO, ROME, OSLO), TWO)
    assert calls(found) == [f"1. {OSLO}", f"2. {ROME}"]
    assert "repeat itself at `population`" in warnings(found)[0]
    assert found[-1] == Join()


async def test_the_same_tool_with_other_arguments_is_no_repetition() -> None:
    lines = ('weather("Oslo")', 'weather("Oslo", days=3)', 'land("Oslo")', "for x in $3.towns: weather(x)")
    found = await items(LineModel(*lines, "join()"), "Weather in Oslo for 3 days?")
    assert len(calls(found)) == 4
    assert not warnings(found)


# -- refusals ------------------------------------------------------------------------


async def test_a_question_that_no_tool_fits() -> None:
    model = LineModel("join()")
    found = await items(model, "Who wrote Hamlet?")
    (warning,) = warnings(found, "no-tool")
    assert "no tool that fits" in warning
    assert "population, capital, land, weather, mail" in warning
    assert not warnings(found)
    assert found[-1] == Join()
    assert [type(i) for i in found] == [Diagnostic, Join]


async def test_a_refusal_that_it_is_not_sure_of_is_asked_for_once_more() -> None:
    used: list[Usage] = []
    model = LineModel(("join()", MIN_REFUSAL - 0.1), OSLO, ROME, "join()")
    found = await items(model, TWO, usage=used.append)
    first, second = model.requests[:2]
    assert first.prompt == second.prompt
    assert first.grammar is not None
    assert second.grammar is not None
    assert accepts(first.grammar, " join()\n")
    assert not accepts(second.grammar, " join()\n")
    # Nothing goes out before the plan is whole and what is weak about it is said.
    assert [type(i) for i in found] == [Diagnostic, Task, Task, Join]
    assert "not sure that any tool fits" in warnings(found)[0]
    assert used == [Usage(1, 101, 28)]


async def test_a_sure_refusal_stands_and_how_sure_can_be_set() -> None:
    assert warnings(await items(LineModel(("join()", MIN_REFUSAL + 0.01)), TWO), "no-tool")
    assert warnings(await items(LineModel(("join()", 0.01)), TWO, settings={"min_refusal": 0.0}), "no-tool")
    model = LineModel(("join()", 0.9), OSLO, ROME, "join()")
    assert len(calls(await items(model, TWO, settings={"min_refusal": 1.0}))) == 2


async def test_only_a_first_line_can_be_a_refusal() -> None:
    model = LineModel(OSLO, ROME, ("join()", 0.05))
    found = await items(model, TWO)
    assert len(model.requests) == 3
    assert not warnings(found, "no-tool")


async def test_a_second_try_that_is_cut_off_leaves_no_call() -> None:
    found = await items(LineModel(("join()", 0.1), 'population("Os…'), TWO)
    assert "wrote no call: it was not sure that any tool fits; line 1 was cut off" in warnings(found)[0]
    assert found[-1] == Join()
