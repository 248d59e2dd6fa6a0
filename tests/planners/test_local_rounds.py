"""The planner of the embedded model: later rounds, the join, limits, odd input, whole runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from llmcompiler import Cancelled, Failed, LLMCompiler, Skipped, Succeeded, Tool, tool
from llmcompiler.errors import LimitExceeded, ModelStreamBroken, UsageError
from llmcompiler.models.base import Usage
from llmcompiler.plan import Each, Join, Plan, Task
from llmcompiler.protocols import Observation, PlanContext
from llmcompiler.testing import ScriptedModel
from llmcompiler.tools import ToolRegistry
from llmcompiler.values import Ref
from llmcompiler_planners.briefing import plan_prompt, tool_line
from llmcompiler_planners.local import LocalPlanner, written
from tests.support.line_model import (
    FEATURES,
    NAMES,
    OSLO,
    ROME,
    TOOLS,
    TWO,
    LineModel,
    bound,
    calls,
    capital,
    items,
    land,
    warnings,
    weather,
)
from training.generate import groups
from training.specs import Split

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
