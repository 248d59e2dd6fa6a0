"""Answers out of texts: the model copies a value of each, code compares them."""

from __future__ import annotations

import asyncio
import datetime
import json
from enum import Enum
from pathlib import Path
from typing import Literal

import pytest

from benchmarks.embedded.values import Oracle, accepted, right, score_case
from llmcompiler import LLMCompiler
from llmcompiler.errors import LimitExceeded, ModelReplyInvalid, ModelServerError, UsageError
from llmcompiler.models.base import ModelChunk, Usage
from llmcompiler.outcomes import Failed, Succeeded
from llmcompiler.plan import Task
from llmcompiler.protocols import Answer, JoinContext, Observation
from llmcompiler.testing import ScriptedModel, ScriptedPlanner
from llmcompiler.tools import Tool, ToolRegistry
from llmcompiler.values import Ref
from llmcompiler_planners.local_joiner import LocalJoiner

CASES = json.loads((Path(__file__).parents[2] / "benchmarks/embedded/joins.json").read_text(encoding="utf-8"))
FEATURES = ("completion", "grammar", "logprobs")


def articles(**texts):
    """Observations of `search` for each name, whose articles these are."""
    return [
        Observation(
            Task(i, "search", {"query": name.replace("_", " ")}),
            Failed(text) if isinstance(text, Exception) else Succeeded(text),
        )
        for i, (name, text) in enumerate(texts.items(), 1)
    ]


def saying(*values):
    """Articles about the two that hold these values."""
    names = ["Lena_Orsini", "Magnus_Tveit"]
    return articles(
        **{n: f"Of this one it is told: {v} and nothing more." for n, v in zip(names, values, strict=False)}
    )


def copying(*values, sure=-0.01):
    """A model that copies these, one a request."""
    return ScriptedModel(
        [
            [(0, ModelChunk(f" {v}", logprob=sure)), (0, ModelChunk("\n", usage=Usage(0, 50, 3)))]
            for v in values
        ],
        features=FEATURES,
    )


async def answer(question, observations, *values, output_type=str, model=None, **options):
    context = JoinContext(question, observations, output_type=output_type, **options)
    decision = await LocalJoiner(model or copying(*values)).join(context)
    assert isinstance(decision, Answer)
    return decision.output


FIRST = "Who was born first, Lena Orsini or Magnus Tveit?"
BORN = articles(
    Lena_Orsini="Lena Orsini (born 2 February 1941) is an Italian soprano who sang at many opera houses.",
    Magnus_Tveit="Magnus Tveit, born 17 July 1958, is a Norwegian chess player and coach from Oslo.",
)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['id']}-{c['family'].replace(' ', '-')}")
async def test_right_values_make_right_answers(case):
    row = await score_case(case, Oracle(CASES))
    assert row.right, row.answer
    assert all(row.exact)


def test_the_cases_hold_what_they_expect():
    for case in CASES:
        assert case["texts"].keys() == case["values"].keys()
        for name, values in case["values"].items():
            assert all(v == "none" or v in case["texts"][name] for v in values), case["id"]
    assert len(CASES) >= 60
    assert not accepted("Norwegian painter", ["Norwegian"])
    assert not right("No: ...", {"answer": {"kind": "yes"}})


async def test_every_value_compared_is_in_the_sentence():
    assert await answer(FIRST, BORN, "2 February 1941", "17 July 1958") == (
        "Lena Orsini (2 February 1941); Magnus Tveit (17 July 1958)."
    )
    assert await answer(
        "Are Lena Orsini and Magnus Tveit of the same nationality?", BORN, "Italian", "Norwegian"
    ) == ("No: not the same: Lena Orsini (Italian), Magnus Tveit (Norwegian).")
    assert await answer(
        "Are both Lena Orsini and Magnus Tveit from Norway?", BORN, "Italian", "Norwegian"
    ) == ("No: Lena Orsini (Italian), Magnus Tveit (Norwegian).")
    assert await answer("Where are Lena Orsini and Magnus Tveit from?", BORN, "Italian", "Norwegian") == (
        "Lena Orsini: Italian\nMagnus Tveit: Norwegian"
    )
    assert await answer("When was Lena Orsini born?", BORN[:1], "2 February 1941") == "2 February 1941"


@pytest.mark.parametrize(
    ("question", "values", "starts"),
    [
        ("Is Lena Orsini older than Magnus Tveit?", ("1941", "1958"), "Yes"),
        ("Is Lena Orsini younger than Magnus Tveit?", ("1941", "1958"), "No"),
        ("Is Lena Orsini older than Magnus Tveit?", ("80 years", "70 years"), "Yes"),
        ("Who is older, Lena Orsini or Magnus Tveit?", ("80", "70"), "Lena"),
        ("Who is younger, Lena Orsini or Magnus Tveit?", ("80", "70"), "Magnus"),
        ("Who lived longer, Lena Orsini or Magnus Tveit?", ("1900 – 1980", "1850 – 1900"), "Lena"),
        ("Who is the most recent champion, Lena Orsini or Magnus Tveit?", ("1941", "1958"), "Magnus"),
        ("Was Lena Orsini born before 1950?", ("1941",), "Yes"),
        ("Do Lena Orsini and Magnus Tveit have different jobs?", ("soprano", "coach"), "Yes"),
        ("Do Lena Orsini and Magnus Tveit share a profession?", ("coach and singer", "coach"), "Yes"),
        ("Are either Lena Orsini or Magnus Tveit from Italy?", ("Italian", "Norwegian"), "Lena"),
        # Nothing settles these: the values are only told.
        (FIRST, ("1941", "1941"), "Lena Orsini: 1941\n"),
        (
            FIRST,
            ("Italian", "17 July 1958"),
            "Lena Orsini: Italian\n",
        ),
        ("Is Lena Orsini not Italian?", ("Italian",), "Italian"),
        ("How many years older is Lena Orsini than Magnus Tveit?", ("1941", "1958"), "Lena Orsini: 1941\n"),
    ],
)
async def test_comparisons(question, values, starts):
    assert (await answer(question, saying(*values), *values)).startswith(starts)


class Land(Enum):
    IT = "Italian"
    NO = "Norwegian"


@pytest.mark.parametrize(
    ("question", "values", "kind", "value"),
    [
        ("Are Lena Orsini and Magnus Tveit both Italian?", ("Italian", "Norwegian"), bool, False),
        (
            "Are Lena Orsini and Magnus Tveit both Italian?",
            ("Italian", "Italian"),
            Literal["yes", "no"],
            "yes",
        ),
        (FIRST, ("1941", "1958"), Literal["Magnus Tveit", "Lena Orsini"], "Lena Orsini"),
        ("When was Lena Orsini born?", ("2 February 1941",), datetime.date, datetime.date(1941, 2, 2)),
        ("When was Lena Orsini born?", ("1941",), int, 1941),
        ("How tall is Lena Orsini?", ("1.7 m",), float, 1.7),
        ("What nationality has Lena Orsini?", ("Italian",), Land, Land.IT),
        (
            "What nationality have Lena Orsini and Magnus Tveit?",
            ("Italian", "Norwegian"),
            list[str],
            ["Italian", "Norwegian"],
        ),
    ],
)
async def test_types_are_respected(question, values, kind, value):
    made = await answer(question, saying(*values), *values, output_type=kind)
    assert made == value
    assert type(made) is type(value)


async def test_a_type_the_values_do_not_fit_is_refused():
    with pytest.raises(ModelReplyInvalid, match="int"):
        await answer("What nationality has Lena Orsini?", BORN[:1], "Italian", output_type=int)
    with pytest.raises(ModelReplyInvalid):
        await answer(
            "Are Lena Orsini and Magnus Tveit both Italian?", BORN, "Italian", "none", output_type=bool
        )


@pytest.mark.parametrize("model", [copying("Italian", "none"), copying("Italian", "Norwegian", sure=-3)])
async def test_where_the_model_is_not_sure_texts_are_shown(model):
    text = await answer("Are Lena Orsini and Magnus Tveit of the same nationality?", BORN, model=model)
    assert "could not take what was asked for" in text
    assert "Magnus Tveit, born 17 July 1958" in text
    assert not text.startswith(("Yes", "No"))


async def test_what_was_found_stands_beside_the_text_that_does_not_say():
    text = await answer("Where are Lena Orsini and Magnus Tveit from?", BORN, "Italian", "none")
    assert text.splitlines()[0] == "Lena Orsini: Italian"
    assert "Magnus Tveit, born" in text
    assert "Lena Orsini (born" not in text


async def test_a_failed_call_leaves_nothing_to_compare_with():
    observations = [BORN[0], articles(x="", Magnus_Tveit=ValueError("no article"))[1]]
    text = await answer(FIRST, observations, "2 February 1941")
    assert text.splitlines()[0] == "Lena Orsini: 2 February 1941"
    assert "no article" in text


@pytest.mark.parametrize(
    "question",
    [
        "Tell me about Lena Orsini and Magnus Tveit",
        "Who are Lena Orsini and Magnus Tveit?",
        "Summarise the life of Lena Orsini and Magnus Tveit",
        "Why are Lena Orsini and Magnus Tveit famous?",
        "Find a movie similar to Lena Orsini, Magnus Tveit",
    ],
)
async def test_no_value_is_taken_where_the_texts_are_asked_for(question):
    model = copying()
    assert "Italian soprano" in await answer(question, BORN, model=model)
    assert not model.requests


async def test_typed_results_and_models_that_can_not_are_left_alone():
    numbers = [Observation(Task(1, "population", {"city": "Oslo"}), Succeeded(709_000))]
    model = copying()
    assert await answer("How many live in Oslo?", numbers, model=model) == "Population of Oslo: 709,000"
    chat = ScriptedModel([], features=["chat"])
    assert "Italian soprano" in await answer("When was Lena Orsini born?", BORN[:1], model=chat)
    assert not model.requests
    assert not chat.requests


async def test_texts_inside_records_and_lists_are_read():
    hits = [{"title": "Lena Orsini", "snippet": "Lena Orsini is an Italian soprano who sang in many houses."}]
    model = copying("Italian")
    observation = Observation(Task(1, "search", {"query": "Lena Orsini"}), Succeeded(hits))
    assert await answer("What nationality has Lena Orsini?", [observation], model=model) == "Italian"
    assert "Italian soprano" in (model.requests[0].prompt or "")
    # A dict that holds itself ends somewhere.
    ring: dict[str, object] = {"text": "One sentence that says what it says. " * 3}
    ring["self"] = ring
    assert await answer(
        "What nationality has Lena Orsini?", [Observation(observation.task, Succeeded(ring))], "One"
    )


async def test_what_else_came_out_stands_below():
    also = Observation(Task(3, "population", {"city": "Bergen"}), Succeeded(291_000))
    text = await answer(FIRST[:-1] + ", and how many live in Bergen?", [*BORN, also], "1941", "1958")
    assert text == "Lena Orsini (1941); Magnus Tveit (1958).\nPopulation of Bergen: 291,000"


async def test_a_chain_is_named_by_what_its_reference_stood_for():
    chain = [
        Observation(Task(1, "mayor", {"city": "Oslo"}), Succeeded("Ana Ruiz")),
        Observation(
            Task(2, "search", {"query": Ref(1)}), Succeeded("Ana Ruiz is a Norwegian engineer and mayor.")
        ),
    ]
    assert await answer("What profession has the mayor of Oslo?", chain, "engineer") == "engineer"


async def test_calls_are_written_as_plans_write_them():
    tool = Tool.from_schema(
        "search",
        {"type": "object", "properties": {"query": {}, "lang": {}}, "required": ["query"]},
        lambda **_: None,
    )
    model = copying("Italian")
    observation = Observation(Task(1, "search", {"query": "Lena", "lang": "en"}), BORN[0].outcome)
    await answer("What nationality has Lena?", [observation], model=model, tools=ToolRegistry([tool]))
    assert (model.requests[0].prompt or "").startswith(
        'Result of search("Lena", lang="en"): Lena Orsini (born'
    )


async def test_calls_are_counted_and_limits_and_failures_lose_nothing():
    used: list[Usage] = []
    allowed: list[int] = []
    context = JoinContext(FIRST, BORN, usage=used.append, allow_call=lambda: allowed.append(1))
    await LocalJoiner(copying("1941", "1958")).join(context)
    assert [u.model_calls for u in used] == [1, 1]
    assert all(u.prompt_tokens > 20 for u in used)
    assert len(allowed) == 2

    def refuse():
        raise LimitExceeded("model_calls", 0)

    for options in (
        {"allow_call": refuse},
        {"model": ScriptedModel([ModelServerError("down")] * 2, features=FEATURES)},
    ):
        text = await answer(FIRST, BORN, **options)
        assert "Italian soprano" in text
        assert "could not take" in text


async def test_more_texts_than_it_takes_are_only_shown():
    many = articles(
        **{
            f"Thing_{i}": "It is a thing of which a long sentence tells something at length."
            for i in range(9)
        }
    )
    model = copying(*["x"] * 9)
    assert "could not take" not in await answer("Which thing was built first?", many, model=model)
    assert not model.requests
    with pytest.raises(UsageError):
        LocalJoiner(max_texts=-1)
    with pytest.raises(UsageError):
        LocalJoiner(min_confidence=2)


class Meeting:
    """A model whose replies wait until as many were asked for: one after the other, they would never come."""

    name = "meeting"
    features = frozenset(FEATURES)

    def __init__(self, count):
        self.barrier = asyncio.Barrier(count)

    async def stream(self, request):
        await self.barrier.wait()
        yield ModelChunk(" 1941" if "Lena Orsini (" in request.prompt else " 1958")


async def test_the_texts_are_read_at_the_same_time():
    async with asyncio.timeout(5):
        text = await answer(FIRST, BORN, model=Meeting(2))
    assert text.startswith("Lena Orsini (1941)")


async def test_a_whole_run():
    def search(query: str) -> str:
        """Look up an article."""
        return str({o.task.args["query"]: o.outcome.value for o in BORN}[query])

    planner = ScriptedPlanner(['1. search("Lena Orsini")\n2. search("Magnus Tveit")\njoin()'])
    joiner = LocalJoiner(copying("2 February 1941", "17 July 1958"))
    result = await LLMCompiler([search], planner=planner, joiner=joiner).run(FIRST)
    assert result.output.startswith("Lena Orsini (2 February 1941)")
    assert result.usage.model_calls == 2
