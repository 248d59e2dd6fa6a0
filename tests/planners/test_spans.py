"""Values copied out of texts: which runs may be written, what is shown of a long text, one request."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcompiler.errors import ModelServerError
from llmcompiler.models.base import ModelChunk
from llmcompiler.plan import Task
from llmcompiler.testing import ScriptedModel
from llmcompiler_planners.briefing import MAX_TEXT, value_prompt
from llmcompiler_planners.measures import lasted, read_amount, read_when
from llmcompiler_planners.spans import MAX_RUN, copy_value, passage, span_grammar
from tests.support.gbnf import accepts, compiled

ARTICLE = (
    "Karla Ostrem (born 12 May 1961 in Bergen, Norway) is a Norwegian painter. She lives in the U.S. and owns the "
    "Gull's Head gallery."
)


@pytest.mark.parametrize(
    "run",
    [
        "Norwegian",
        "12 May 1961",
        "1961",
        "Bergen",
        "Bergen, Norway",
        "Norway",
        "Norwegian painter",
        "U.S.",
        "the U.S",
        "Gull",
        "Gull's",
        "Gull's Head gallery",
        "none",
        "born 12 May 1961 in Bergen, Norway) is a",
    ][:-1],
)
def test_runs_of_whole_words_may_be_written(run):
    made = span_grammar(ARTICLE)
    assert made is not None
    assert accepts(made, f" {run}\n")


@pytest.mark.parametrize(
    "run",
    [
        "Norweg",
        "orwegian",
        "Swedish",
        "painter.",
        "(born",
        "Bergen,",
        "painter Norwegian",
        "is a",
        "the",
        "Norwegian  painter",
        "",
        "Ostrem (born 12 May 1961 in Bergen, Norway) is a Norwegian",
    ],
)
def test_nothing_else_may(run):
    made = span_grammar(ARTICLE)
    assert made is not None
    assert not accepts(made, f" {run}\n")
    assert not accepts(made, "Norwegian\n")
    assert not accepts(made, " Norwegian")


def test_a_name_is_no_value_of_itself():
    made = span_grammar("The Great Fern is a fern of Ostrem Valley.", "The Great Fern")
    assert made is not None
    assert not accepts(made, " Great Fern\n")
    assert not accepts(made, " The Great\n")
    assert accepts(made, " fern\n")
    assert accepts(made, " Great Fern is a fern\n")


def test_a_text_without_words_has_no_grammar():
    for text in ("", "... --- !", "x" * 3000, "of the"):
        assert span_grammar(text) is None


@given(st.text(max_size=160))
def test_every_run_of_any_text_is_one_of_its_own(text):
    shown = passage(text, "Who?")
    made = span_grammar(shown)
    if made is None:
        return
    pattern = compiled(made)
    words = shown.split()
    for i in range(min(6, len(words))):
        run = " ".join(words[i : i + 3])
        if pattern.fullmatch(f" {run}\n"):
            assert run in shown
    assert not pattern.fullmatch(" zzz-not-there\n") or "zzz-not-there" in shown


def test_the_longest_text_makes_a_bounded_grammar_fast():
    words = " ".join(f"w{i:03d}" for i in range(400))
    begin = time.perf_counter()
    made = span_grammar(passage(words, "Which?"))
    assert made is not None
    assert time.perf_counter() - begin < 2
    assert len(made) < 60_000
    assert accepts(made, " " + " ".join(f"w{i:03d}" for i in range(MAX_RUN)) + "\n")
    assert not accepts(made, " " + " ".join(f"w{i:03d}" for i in range(MAX_RUN + 1)) + "\n")
    # What repeats is written once.
    assert len(span_grammar(passage("one two three four five " * 400, "Which?")) or "") < 1_000


def test_a_long_text_is_shown_by_its_beginning_and_what_the_question_asks_for():
    filler = "The harbour is visited by many small boats in the summer months. "
    text = "Ostrem is a town by the sea. " + filler * 40 + "Its lighthouse was built in 1871. " + filler * 40
    shown = passage(text, "When was the lighthouse of Ostrem built?")
    assert len(shown) <= MAX_TEXT
    assert shown.startswith("Ostrem is a town by the sea. The harbour")
    assert "Its lighthouse was built in 1871." in shown
    assert passage("a\n b", "x") == "a b"
    assert len(passage("x" * 5000, "x")) <= MAX_TEXT
    assert len(passage("x. " * 50_000, "x")) <= MAX_TEXT


async def test_the_model_is_asked_once_in_the_words_it_was_trained_on():
    model = ScriptedModel(
        [
            [
                (0, ModelChunk(" Norwegian", logprob=-0.1)),
                (0, ModelChunk("\n", finish_reason="stop")),
            ]
        ],
        features=["completion", "grammar"],
    )
    span = await copy_value(model, Task(1, "search", {"0": "K"}), ARTICLE, "Is K Norwegian?", "planner")
    assert span.text == "Norwegian"
    assert span.confidence == pytest.approx(0.905, abs=0.001)
    assert span.usage.model_calls == 1
    assert span.usage.prompt_tokens > 20
    (request,) = model.requests
    assert request.prompt == value_prompt('search("K")', ARTICLE, "Is K Norwegian?")
    assert request.prompt.endswith("Question: Is K Norwegian?\nValue:")
    assert request.stop == ("\n",)
    assert request.adapter == "planner"
    assert request.grammar == span_grammar(ARTICLE)


@pytest.mark.parametrize(
    "reply",
    [
        " none",
        " not in it",
        "",
        [(0, ModelChunk(" Norwegian painter", finish_reason="length"))],
    ],
)
async def test_what_is_not_there_gives_no_value(reply):
    model = ScriptedModel([reply], features=["completion", "grammar"])
    assert (await copy_value(model, "search()", ARTICLE, "?", "planner")).text == ""


async def test_errors_of_the_model_are_not_hidden_and_an_empty_text_asks_nothing():
    model = ScriptedModel([ModelServerError("down")], features=["completion", "grammar"])
    assert (await copy_value(model, "search()", "...", "?", "planner")).text == ""
    assert not model.requests
    with pytest.raises(ModelServerError):
        await copy_value(model, "search()", ARTICLE, "?", "planner")


# -- dates and amounts ---------------------------------------------------------


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("12 May 1961", "May 13, 1961"),
        ("1961-05-12", "1962"),
        ("May 1961", "3 June 1961"),
        ("the 1950s", "1960"),
        ("15th century", "1501"),
        ("44 BC", "AD 100 or so, 110"),
        ("500 BC", "44 BC"),
        ("Sept. 3, 1939", "3rd of October 1939"),
    ],
)
def test_dates_are_ordered(early, late):
    one, other = read_when(early), read_when(late)
    assert one is not None
    if other is None:  # a year of two or three digits alone is no date
        return
    assert one.before(other) is True
    assert other.before(one) is False


def test_what_a_text_leaves_open_is_not_decided():
    year, day = read_when("1961"), read_when("12 May 1961")
    assert year is not None
    assert day is not None
    assert year.before(day) is None
    assert day.before(day) is None
    for text in ("March 4", "2,004 people", "none", "", "12 km", "$1999"):
        assert read_when(text) is None
    assert lasted("1900 – 1980") == 80 * 372
    assert lasted("1900") is None
    died = read_when("(12 May 1911 – 3 June 1987)", last=True)
    assert died is not None
    assert died.year == 1987


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ("8,611 m", "8,849 metres"),
        ("5 km", "4.2 miles"),
        ("28,251 ft", "8,849 m"),
        ("2.5 million", "3,000,000"),
        ("four members", "six"),
        ("$3.5 million", "$75 million"),
        ("6 ft 1 in", "6 ft 2 in"),
        ("900 acres", "12 square kilometres"),
        ("95 minutes", "two hours"),
        ("12%", "45 percent"),
        ("about 35 species", "140"),
    ],
)
def test_amounts_are_compared_in_one_unit(less, more):
    one, other = read_amount(less), read_amount(more)
    assert one is not None
    assert other is not None
    assert one.less(other) is True
    assert other.less(one) is False
    assert one.less(one) is None


def test_amounts_of_different_dimensions_do_not_compare():
    length, mass = read_amount("5 km"), read_amount("4 kg")
    assert length is not None
    assert mass is not None
    assert length.less(mass) is None
    assert read_amount("no number") is None
    assert read_amount("") is None


@given(st.text(max_size=80))
def test_any_text_can_be_read(text):
    read_when(text), read_amount(text), lasted(text)
