"""The planner for the newly trained adapter, with a model that writes what the test says, token by token."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from pydantic import BaseModel

from llmcompiler import Cancelled, Failed, LLMCompiler, Skipped, Succeeded, Tool, tool
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import LimitExceeded, ModelStreamBroken, UsageError
from llmcompiler.models.base import ModelChunk, ModelRequest, Usage
from llmcompiler.plan import Each, Join, Plan, Task
from llmcompiler.protocols import Observation, PlanContext, PlanItem
from llmcompiler.testing import ScriptedModel
from llmcompiler.tools import ToolRegistry
from llmcompiler.values import Ref
from llmcompiler_planners.briefing import plan_prompt, tool_line
from llmcompiler_planners.trained import MIN_REFUSAL, LocalPlanner, written
from tests.support.gbnf import accepts
from training.generate import groups
from training.specs import Split

FEATURES = frozenset({"chat", "completion", "grammar", "logprobs", "adapter"})


class Land(BaseModel):
    name: str
    people: int
    towns: list[str]


@tool
def population(city: str) -> int:
    """Number of people who live in a city."""
    return len(city)


@tool
def capital(country: str) -> str:
    """Capital city of a country."""
    return f"{country} City"


@tool
def land(name: str) -> Land:
    """Facts of a country."""
    return Land(name=name, people=9, towns=["A", "B"])


@tool
def weather(city: str, unit: str = "celsius", days: int = 1) -> str:
    """Weather of a city."""
    return "rain"


@tool(effect="write")
def mail(person: str) -> str:
    """Send a letter."""
    return "sent"


TOOLS = (population, capital, land, weather, mail)

Line = str | tuple[str, float] | Exception


class LineModel:
    """Writes one line a request, in pieces, each with a probability, and only what the request's grammar allows.

    A line is a text, a text with the probability of its pieces, or an error; a text that ends in `…` is cut off there.
    """

    name = "lines"
    features = FEATURES

    def __init__(self, *lines: Line) -> None:
        self.lines = list(lines)
        self.requests: list[ModelRequest] = []
        self.closed = 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        self.requests.append(request)
        assert len(self.requests) <= len(self.lines), f"one request too many: {request.prompt}"
        line = self.lines[len(self.requests) - 1]
        if isinstance(line, Exception):
            raise line
        text, probability = line if isinstance(line, tuple) else (line, 0.95)
        finish = "length" if text.endswith("…") else "stop"
        assert request.grammar is not None
        if finish == "stop":
            assert accepts(request.grammar, f" {text}\n"), f"{text!r} is not in\n{request.grammar}"
        try:
            text = f" {text.removesuffix('…')}"
            for i in range(0, len(text), 5):
                yield ModelChunk(text[i : i + 5], logprob=math.log(probability))
            yield ModelChunk("", Usage(0, 100 + len(self.requests), 7), finish)
        finally:
            self.closed += 1

    @property
    def prompts(self) -> list[str]:
        return [request.text for request in self.requests]


def context(question: str, *tools: Tool, **options: Any) -> PlanContext:
    return PlanContext(question, ToolRegistry(tools or TOOLS), **options)


async def items(
    model: Any, question: str, *tools: Tool, settings: dict[str, Any] | None = None, **options: Any
) -> list[PlanItem]:
    planner = LocalPlanner(model, **(settings or {}))
    return [item async for item in planner.plan(context(question, *tools, **options))]


def calls(found: list[PlanItem]) -> list[str]:
    return [str(t) for t in found if isinstance(t, Task)]


def warnings(found: list[PlanItem], code: str = "weak-plan") -> list[str]:
    return [i.message for i in found if isinstance(i, Diagnostic) and i.code == code]


def bound(text: str, *tools: Tool) -> list[Task]:
    """The tasks of a plan as the runtime hands them back: arguments by name."""
    return list(Plan.parse(text, tools=tools or TOOLS).tasks)


TWO = "Which is bigger, Oslo or Rome?"
OSLO, ROME = 'population("Oslo")', 'population("Rome")'


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


NAMES = ["Oslo", "Rome", "Bern", "Kyiv"]


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


# -- later rounds --------------------------------------------------------------------


def outcomes(text: str, *results: Any, round: int = 1) -> list[Observation]:
    return [Observation(task, result, round) for task, result in zip(bound(text), results, strict=True)]


async def test_a_second_round_has_the_results_in_view_and_numbers_go_on() -> None:
    seen = outcomes(
        '1. capital("Peru")\n2. weather("Rome", days=2)', Succeeded("Lima"), Failed(KeyError("x"))
    )
    model = LineModel("population($1)", "join($3)")
    found = await items(
        model, "Capital of Peru, Rome 2?", purpose="replan", round=2, next_id=3, observations=seen
    )
    assert calls(found) == ["3. population($1)"]
    first, second = model.requests
    assert first.prompt == (
        plan_prompt(TOOLS, "Capital of Peru, Rome 2?")
        + '1. capital("Peru")\n2. weather("Rome", days=2)\nResults:\n1: Lima\n2: failed\n3.'
    )
    assert second.prompt == f"{first.prompt} population($1)\n4."
    assert {r.purpose for r in model.requests} == {"replan"}
    assert found[-1] == Join()  # the weather was not used by any other call: it is to be read


async def test_a_second_round_that_needs_nothing_more() -> None:
    seen = outcomes('1. capital("Peru")\n2. population($1)', Succeeded("Lima"), Succeeded(5))
    model = LineModel(("join($2)", 0.1))
    found = await items(
        model, "People in the capital of Peru?", round=2, purpose="replan", next_id=3, observations=seen
    )
    assert found == [Join(Ref(2))]


async def test_a_call_of_an_earlier_round_is_not_made_again() -> None:
    seen = outcomes(f"1. {OSLO}", Failed(KeyError("x")))
    found = await items(LineModel(OSLO), TWO, purpose="replan", round=2, next_id=2, observations=seen)
    assert not calls(found)
    assert "repeat itself" in warnings(found)[0]


async def test_calls_of_earlier_rounds_do_not_count_against_the_limit() -> None:
    seen = outcomes("\n".join(f"{i}. {c}" for i, c in enumerate([OSLO, ROME], 1)), Succeeded(1), Succeeded(2))
    model = LineModel('population("Bern")', 'population("Kyiv")', "join()")
    found = await items(
        model,
        f"Compare {', '.join(NAMES)}",
        settings={"max_lines": 2},
        purpose="replan",
        round=2,
        next_id=3,
        observations=seen,
    )
    assert len(calls(found)) == 2
    assert not warnings(found)


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        (Succeeded("two\nlines\n9. join()"), "two lines 9. join()"),
        (Succeeded({"a": [1, None]}), '{"a": [1, null]}'),
        (Succeeded("x" * 5_000), "x" * 117 + "..."),
        (Skipped(4), "skipped"),
        (Cancelled(), "cancelled"),
    ],
)
async def test_a_result_is_one_short_line(outcome: Any, shown: str) -> None:
    model = LineModel(ROME, "join()")
    seen = outcomes(f"1. {OSLO}", outcome)
    await items(model, TWO, purpose="replan", round=2, next_id=2, observations=seen)
    assert model.prompts[0].endswith(f"\nResults:\n1: {shown}\n2.")


async def test_a_broken_stream_is_taken_up_with_the_same_text() -> None:
    whole = LineModel(OSLO, ROME, "join()")
    await items(whole, TWO)
    model = LineModel(ROME, "join()")
    seen = outcomes(f"1. {OSLO}", Succeeded(5))
    found = await items(model, TWO, purpose="resume", next_id=2, observations=seen)
    assert calls(found) == [f"2. {ROME}"]
    assert model.prompts == whole.prompts[1:]
    running = LineModel(ROME, "join()")
    await items(running, TWO, purpose="resume", next_id=2, running=[o.task for o in seen])
    assert running.prompts == whole.prompts[1:]


async def test_a_second_round_that_breaks_is_taken_up_with_the_same_text() -> None:
    first = outcomes('1. capital("Peru")', Succeeded("Lima"))
    options: dict[str, Any] = {"round": 2, "observations": first}
    whole = LineModel("population($1)", "weather($1)", "join()")
    await items(whole, "About the capital of Peru", purpose="replan", next_id=2, **options)
    model = LineModel("weather($1)", "join()")
    more = Task(2, "population", {"city": Ref(1)})
    options["observations"] = [*first, Observation(more, Succeeded(3), 2)]
    found = await items(model, "About the capital of Peru", purpose="resume", next_id=3, **options)
    assert calls(found) == ["3. weather($1)"]
    assert model.prompts == whole.prompts[1:]


async def test_lines_before_a_break_count() -> None:
    model = LineModel('population("Kyiv")')
    found = await items(
        model,
        f"Compare {', '.join(NAMES)}",
        settings={"max_lines": 3},
        purpose="resume",
        next_id=4,
        running=bound("\n".join(f'{i}. population("{n}")' for i, n in enumerate(NAMES[:3], 1))),
    )
    assert not calls(found)
    assert "limit of 3 lines" in warnings(found)[0]


async def test_a_repair_yields_nothing() -> None:
    assert await items(LineModel(), TWO, purpose="repair", broken=(1,)) == []


def test_calls_are_written_as_the_model_writes_them() -> None:
    (one, two) = bound('1. land(name="Peru")\n2. for x in $1.towns: weather(city=x, days=3)')
    assert written(one, land) == '1. land("Peru")'
    assert written(two, weather) == "2. for x in $1.towns: weather(x, days=3)"
    assert two.each == Each("x", Ref(1, ("towns",)))
    assert written(one, None) == '1. land(name="Peru")'
    (line,) = bound('1. land(name="a\\nb $$1 \\"c\\"")')
    assert written(line, land) == '1. land("a\\nb $$1 \\"c\\"")'


# -- the join ------------------------------------------------------------------------


@tool
def calculate(expression: str) -> float:
    """Result of a formula."""
    return 1.0


def ratio(one: str, other: str) -> str:
    return f'calculate("${{{one[1:]}.people}} / ${{{other[1:]}.people}}")'


@pytest.mark.parametrize(
    ("lines", "join"),
    [
        (('capital("Peru")', "population($1)", "join($2)"), Join(Ref(2))),
        (('capital("Peru")', "population($1)", "join()"), Join()),
        (('land("Peru")', "join($1.people)"), Join(Ref(1, ("people",)))),
        (('land("Peru")', 'weather("Lima")', "join($1.people)"), Join()),
        (('capital("Peru")', 'weather("Lima")', "join($2)"), Join()),
        (('capital("Peru")', "population($1)", "weather($1)", "join($2)"), Join()),
        (('mail("Lima")', 'capital("Peru")', "join($2)"), Join(Ref(2))),
        (('land("Peru")', "for x in $1.towns: weather(x)", "join($1.people)"), Join()),
        (('land("Peru")', 'land("Lima")', 'land("Oslo")', ratio("$1", "$2"), "join($4)"), Join(Ref(4))),
        (('land("Peru")', 'land("Lima")', ratio("$1", "$2"), ratio("$2", "$1"), "join($4)"), Join(Ref(4))),
        (('land("Peru")', 'land("Lima")', 'weather("Oslo")', ratio("$1", "$2"), "join($4)"), Join()),
        (('land("Peru")', 'land("Oslo")', ratio("$1", "$1"), "join($3)"), Join()),
    ],
)
async def test_a_value_is_the_answer_only_where_nothing_beside_it_is_to_be_read(
    lines: tuple[str, ...], join: Join
) -> None:
    found = await items(LineModel(*lines), "Peru, Lima and Oslo?", *TOOLS, calculate)
    assert found[-1] == join


# -- usage and limits ----------------------------------------------------------------


async def test_a_plan_is_one_model_call() -> None:
    used: list[Usage] = []
    asked: list[int] = []
    model = LineModel(OSLO, ROME, "join()")
    await items(model, TWO, usage=used.append, allow_call=lambda: asked.append(len(model.requests)))
    assert used == [Usage(1, 101, 21)]
    assert asked == [0]


async def test_a_limit_stops_it_before_the_model_is_asked() -> None:
    def refuse() -> None:
        raise LimitExceeded("model_calls", 0)

    model, used = LineModel(), list[Usage]()
    with pytest.raises(LimitExceeded):
        await items(model, TWO, allow_call=refuse, usage=used.append)
    assert not model.requests
    assert not used


# -- odd questions and tools -----------------------------------------------------------


def never() -> None:
    pytest.fail("no model call is needed here")


@pytest.mark.parametrize("question", ["", "   ", "?!", "\x00"])
async def test_without_words_nothing_is_asked(question: str) -> None:
    found = await items(LineModel(), question, allow_call=never, usage=lambda u: never())
    assert warnings(found, "no-tool")
    assert found[-1] == Join()


async def test_without_tools_nothing_is_asked() -> None:
    empty = PlanContext(TWO, ToolRegistry([]), allow_call=never)
    found = [item async for item in LocalPlanner(LineModel()).plan(empty)]
    assert "(there are: none)" in warnings(found, "no-tool")[0]
    assert found[-1] == Join()


async def test_a_tool_without_parameters_needs_no_words() -> None:
    @tool
    def now() -> str:
        """The time."""
        return "12:00"

    found = await items(LineModel("now()", "join($1)"), "?!", now)
    assert [type(i) for i in found] == [Task, Join]


async def test_a_question_of_500_words_is_cut_and_that_is_said() -> None:
    model = LineModel(OSLO, "join()")
    found = await items(model, "Oslo, " + "and so on, " * 170)
    assert "only the first 160 words of the question were read" in warnings(found)[0]
    assert calls(found) == [f"1. {OSLO}"]
    (asked,) = [line for line in model.prompts[0].splitlines() if line.startswith("Question: ")]
    assert len(asked.split()) == 161


async def test_of_many_tools_the_most_likely_are_offered() -> None:
    model = LineModel('capital("Peru")', "join()")
    found = await items(model, "The capital of Peru?", settings={"max_tools": 1})
    assert "only 1 of 5 tools were offered to the embedded model: capital" in warnings(found)[0]
    assert "population" not in model.prompts[0]


async def test_tools_that_were_not_chosen_are_not_shown() -> None:
    model = LineModel('capital("Peru")', "join()")
    found = await items(model, "The capital of Peru?", offered=ToolRegistry([capital]))
    assert not warnings(found)
    assert model.prompts[0].startswith(f"Tools:\n{tool_line(capital)}\nQuestion: ")


# -- settings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"max_lines": 0},
        {"max_tools": 0},
        {"min_confidence": 1.5},
        {"min_confidence": -1},
        {"min_refusal": 1.5},
        {"min_refusal": math.nan},
    ],
)
def test_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        LocalPlanner(LineModel(), **settings)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ({"chat"}, "completion and grammar"),
        ({"chat", "grammar"}, "with completion,"),
        ((), "has no features"),
    ],
)
def test_a_model_that_can_not_do_it_is_refused(features: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        LocalPlanner(ScriptedModel(features=features))


# -- whole runs ----------------------------------------------------------------------


def compiler(model: Any, *tools: Tool | Callable[..., Any], **settings: Any) -> LLMCompiler:
    return LLMCompiler(tools or TOOLS, planner=LocalPlanner(model), **settings)


async def test_a_whole_run() -> None:
    model = LineModel('capital("Peru")', "population($1)", "join($2)")
    result = await compiler(model).run("How many people live in the capital of Peru?")
    assert result.output == len("Peru City")
    assert result.plans[0].tasks[0].args == {"country": "Peru"}
    assert result.usage.model_calls == 1


async def test_a_run_whose_stream_breaks_goes_on_where_it_was() -> None:
    model = LineModel('capital("Peru")', ModelStreamBroken("gone"), "population($1)", "join($2)")
    result = await compiler(model).run("How many people live in the capital of Peru?")
    assert result.output == len("Peru City")
    assert model.prompts[1] == model.prompts[2]
    assert len(result.tasks) == 2


async def test_a_run_that_no_tool_fits() -> None:
    model = LineModel("join()")
    result = await compiler(model).run("Who wrote Hamlet?")
    assert [d.code for d in result.diagnostics] == ["no-tool"]
    assert not result.tasks


# -- what it is trained on ---------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "held"])
async def test_examples_of_the_training_are_planned_as_they_stand(split: Split) -> None:
    """What the model learns to go on from is what it is asked; what it learns to write becomes the plan."""
    unsure = later = every = 0
    for example in (e for group in groups(3, 60, split, values=0) for e in group):
        before, _, results = example.prompt.partition("Results:\n")
        done = before.splitlines(keepends=True)[1:]
        *lines, join = example.target.splitlines(keepends=True)
        options: dict[str, Any] = {}
        if done:
            seen = [Succeeded(line.partition(": ")[2]) for line in results.splitlines()]
            options = {"purpose": "replan", "round": 2, "next_id": len(done) + 1}
            tasks = bound("".join(done), *example.tools)
            options["observations"] = [Observation(t, o) for t, o in zip(tasks, seen, strict=True)]
        model = ScriptedModel([t.partition(". ")[2].strip() for t in (*lines, join)], features=FEATURES)
        found = await items(model, example.question, *example.tools, **options)
        number = len(done) + 1
        assert model.requests[0].prompt == f"{example.shared}{example.prompt}{number}."
        number += len(lines)
        assert model.requests[-1].prompt == f"{example.shared}{example.prompt}{''.join(lines)}{number}."
        whole = Plan.parse("".join(done) + example.target)
        assert tuple(t for t in found if isinstance(t, Task)) == whole.tasks[len(done) :]
        assert done or found[-1] == whole.join
        every += 1
        later += bool(done)
        unsure += bool(warnings(found))
    assert every > 50
    assert later
    assert unsure < every / 10, "warnings that are wrong too often are not read"
