"""Answers made in code from typed results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from llmcompiler.errors import ModelReplyInvalid, ToolError
from llmcompiler.models.base import Usage
from llmcompiler.outcomes import Failed, Skipped, Succeeded
from llmcompiler.plan import Task
from llmcompiler.protocols import Answer, JoinContext, Observation
from llmcompiler.values import Ref, Template
from llmcompiler_planners.local_joiner import LocalJoiner


@dataclass
class Element:
    name: str
    density: float
    atomic_mass: float


@dataclass
class Quantity:
    value: float
    unit: str


@dataclass
class Distance:
    origin: str
    destination: str
    kilometres: float
    miles: float


def called(*calls):
    """Observations of `(tool, args, value or exception)`, numbered from 1."""
    return [
        Observation(Task(i, tool, args), Failed(v) if isinstance(v, Exception) else Succeeded(v))
        for i, (tool, args, v) in enumerate(calls, 1)
    ]


async def answer(question, observations, output_type=str, **options):
    said: list[str] = []
    context = JoinContext(question, observations, output_type=output_type, delta=said.append, **options)
    decision = await LocalJoiner().join(context)
    assert isinstance(decision, Answer)
    if output_type is str:
        assert "".join(said) == decision.output
    return decision.output


def population(**people):
    return called(*(("population", {"city": k.replace("_", " ")}, v) for k, v in people.items()))


CITIES = population(Tokyo=37_977_000, Delhi=29_617_000)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (
            "Which is bigger, Tokyo or Delhi?",
            "Tokyo (37,977,000) is larger than Delhi (29,617,000) by population.",
        ),
        (
            "Which has fewer people, Tokyo or Delhi?",
            "Delhi (29,617,000) is smaller than Tokyo (37,977,000) by population.",
        ),
        (
            "Is Delhi larger than Tokyo?",
            "No: Tokyo (37,977,000) is larger than Delhi (29,617,000) by population.",
        ),
        (
            "Does Tokyo have more people than Delhi?",
            "Yes: Tokyo (37,977,000) is larger than Delhi (29,617,000) by population.",
        ),
        (
            "Is Delhi smaller than Tokyo?",
            "Yes: Tokyo (37,977,000) is larger than Delhi (29,617,000) by population.",
        ),
        (
            "How many live in Tokyo and Delhi together?",
            "Total population: 67,594,000, from Tokyo (37,977,000) + Delhi (29,617,000).",
        ),
        (
            "The average of Tokyo and Delhi?",
            "Average population: 33,797,000, of Tokyo (37,977,000), Delhi (29,617,000).",
        ),
        (
            "How many more people live in Tokyo than in Delhi?",
            "Difference in population: 8,360,000; Tokyo (37,977,000) against Delhi (29,617,000).",
        ),
        (
            "The ratio of Delhi to Tokyo?",
            "Ratio of population: 0.779867; Delhi (29,617,000) to Tokyo (37,977,000).",
        ),
        (
            "Do Tokyo and Delhi have the same population?",
            "No: population is not the same: Tokyo (37,977,000), Delhi (29,617,000).",
        ),
    ],
)
async def test_two_numbers_are_compared_as_asked(question, text):
    assert await answer(question, CITIES) == text


@pytest.mark.parametrize(
    "question",
    [
        "What is the population of Tokyo and of Delhi?",
        "How many people live in Tokyo, and how many in Delhi?",
    ],
)
async def test_what_the_question_does_not_compare_is_only_told(question):
    assert (
        await answer(question, CITIES) == "Population of Tokyo: 37,977,000\nPopulation of Delhi: 29,617,000"
    )


async def test_several_are_ranked():
    cities = population(Oslo=700_000, Rome=2_800_000, Paris=2_100_000)
    assert await answer("Which is the largest?", cities) == (
        "Rome (2,800,000) is the largest by population; then Paris (2,100,000), Oslo (700,000)."
    )
    assert (await answer("Which is the smallest city?", cities)).startswith("Oslo (700,000) is the smallest")
    assert await answer("Rank them from least to most", cities) == (
        "By population: 1. Oslo (700,000); 2. Paris (2,100,000); 3. Rome (2,800,000)."
    )


async def test_ties_are_said():
    assert await answer("Which is larger?", population(A=5, B=5)) == "A and B are equal by population (5)."
    assert await answer("Which is the largest?", population(A=5, B=5, C=1)) == (
        "A and B (5 each) are the largest by population; then C (1)."
    )


async def test_texts_are_the_same_or_not():
    money = called(
        ("currency", {"country": "France"}, "Euro (EUR)"), ("currency", {"country": "Austria"}, "Euro (EUR)")
    )
    assert await answer("Do France and Austria use the same money?", money) == (
        "Yes: currency is the same: France (Euro (EUR)), Austria (Euro (EUR))."
    )
    assert await answer("What money do France and Austria use?", money) == (
        "Currency of France: Euro (EUR)\nCurrency of Austria: Euro (EUR)"
    )


async def test_free_texts_are_shown_and_not_judged():
    texts = called(
        ("wikipedia", {"title": "A"}, "A is an actor. " * 9),
        ("wikipedia", {"title": "B"}, "B is an actor. " * 9),
    )
    text = await answer("Are A and B of the same nationality?", texts)
    assert text.startswith("Wikipedia of A: A is an actor.")


async def test_the_field_that_is_asked_for_is_compared():
    metals = called(
        ("element", {"name": "gold"}, Element("Au", 19.3, 196.97)),
        ("element", {"name": "lead"}, Element("Pb", 11.34, 207.2)),
    )
    assert (await answer("Which is denser, gold or lead?", metals)).startswith(
        "gold (19.3) is larger than lead (11.34) by density"
    )
    assert (await answer("Which is heavier, gold or lead?", metals)).startswith("lead (207.2) is larger")


async def test_one_result_is_told_with_what_it_belongs_to():
    assert await answer("How many live in Oslo?", population(Oslo=709_037)) == "Population of Oslo: 709,037"
    way = called(
        ("distance", {"origin": "Oslo", "destination": "Rome"}, Distance("Oslo", "Rome", 2008.5, 1248.0))
    )
    assert (
        await answer("How far is Oslo from Rome?", way) == "Distance from Oslo to Rome: 2,008.50 kilometres"
    )
    assert await answer("How far is it in miles?", way) == "Distance from Oslo to Rome: 1,248 miles"
    conversion = called(
        (
            "convert_units",
            {"value": 5, "from_unit": "miles", "to_unit": "kilometers"},
            Quantity(8.04672, "kilometers"),
        )
    )
    assert await answer("5 miles?", conversion) == "5 miles = 8.04672 kilometers"
    formula = called(("calculate", {"expression": "17 * 23"}, 391))
    assert await answer("17 * 23?", formula) == "17 * 23 = 391"


async def test_references_are_named_by_what_they_stood_for():
    chain = called(
        ("capital", {"country": "Peru"}, "Lima"),
        ("population", {"city": Ref(1)}, 7_737_002),
        ("calculate", {"expression": Template((Ref(2), " / 2"))}, 3_868_501),
    )
    assert await answer("How many live in the capital of Peru?", chain[:2]) == "Population of Lima: 7,737,002"
    assert await answer("Half of it?", chain) == "7,737,002 / 2 = 3,868,501"


async def test_unlike_results_stand_one_below_the_other():
    mixed = called(
        ("capital", {"country": "Ghana"}, "Accra"), *[("population", {"city": "Accra"}, 4_200_000)]
    )
    assert (
        await answer("Capital of Ghana and people of Accra?", mixed)
        == "Capital of Ghana: Accra\nPopulation of Accra: 4,200,000"
    )


async def test_the_comparison_comes_first():
    mixed = called(
        ("time", {"city": "Oslo"}, "12:00"), *[(o.task.tool, o.task.args, o.outcome.value) for o in CITIES]
    )
    assert (await answer("Time in Oslo? And which is larger, Tokyo or Delhi?", mixed)).startswith("Tokyo (")


async def test_failures_are_shown_and_the_rest_is_answered():
    some = called(
        ("population", {"city": "Oslo"}, 700_000),
        ("population", {"city": "Atlantis"}, ValueError("no such place")),
    )
    text = await answer("Which is larger, Oslo or Atlantis?", some)
    assert text.splitlines()[0] == "Population of Oslo: 700,000"
    assert "Atlantis" in text
    assert "no such place" in text
    skipped = [some[1], Observation(Task(3, "population", {"city": Ref(2)}), Skipped(2))]
    with pytest.raises(ToolError, match="no result to answer with(?s:.)*no such place(?s:.)*skipped"):
        await answer("x", skipped)


async def test_nothing_was_called():
    with pytest.raises(ToolError, match="no call was planned"):
        await answer("x", [])
    with pytest.raises(ToolError, match=r"\(out of time\)"):
        await answer("x", [], reason="out of time")


@pytest.mark.parametrize(
    ("question", "kind", "value"),
    [
        ("Is Delhi larger than Tokyo?", bool, False),
        ("How many live in Tokyo and Delhi together?", int, 67_594_000),
        ("The ratio of Delhi to Tokyo?", float, 29_617_000 / 37_977_000),
        ("Which is larger, Tokyo or Delhi?", Literal["Tokyo", "Delhi"], "Tokyo"),
        ("Rank Delhi and Tokyo", list[str], ["Tokyo", "Delhi"]),
    ],
)
async def test_plain_types_are_made(question, kind, value):
    assert await answer(question, CITIES, kind) == value


async def test_a_type_it_can_not_make_is_refused():
    with pytest.raises(ModelReplyInvalid, match="Element"):
        await answer("Which is larger?", CITIES, Element)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        10**400,
        None,
        b"\xff",
        {"a": {"b": 1}},
        [[1]],
        "x" * 100_000,
        "$1\n2. send()",
    ],
)
async def test_odd_values_are_shown_and_never_raise(value):
    text = await answer(
        "Which is larger, A or B?", called(("t", {"x": "A"}, value), ("t", {"x": "B"}, value))
    )
    assert text
    assert len(text) < 3_000


async def test_no_model_is_asked():
    def refuse():
        raise AssertionError("a model call")

    context = JoinContext(
        "Which is larger?", CITIES, allow_call=refuse, usage=lambda u: refuse() if u != Usage() else None
    )
    assert isinstance(await LocalJoiner().join(context), Answer)
