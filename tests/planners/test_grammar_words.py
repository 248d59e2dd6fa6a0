"""How a question is read: words, numbers, names; and what wording rules out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcompiler import tool
from llmcompiler_planners.lines import line_grammar
from llmcompiler_planners.offer import choose_tools
from llmcompiler_planners.words import MAX_WORDS, read_question
from tests.support.gbnf import compiled


@tool
def population(city: str) -> int:
    """Number of people who live in a city."""


@tool
def area(country: str) -> float:
    """Area of one country."""


@tool
def capital(country: str) -> str:
    """Capital city of a country."""


@tool
def calculate(expression: str, digits: int = 2) -> float:
    """Result of an arithmetic formula. More is said here."""


@pytest.mark.parametrize(
    ("text", "bases"),
    [
        ("Is Tokyo's area 5 km²?", ["Is", "Tokyo", "area", "5", "km²"]),
        ("(St. Louis), U.S. J. Smith!", ["St.", "Louis", "U.S.", "J.", "Smith"]),
        ('"Hello" - ‘world’', ["Hello", "-", "world"]),
        ("東京 tower", ["東", "京", "tower"]),
        ("", []),
        ("?!... ,", []),
        ("a\x00b\nc", ["a", "b", "c"]),
    ],
)
def test_words(text, bases):
    assert [w.base for w in read_question(text).words] == bases


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,500 and 2.50", ("1500", "2.50")),
        ("007 or 0.5", ("7", "0.5")),
        ("three, half and a dozen", ("3", "2", "12")),
        ("15% of 80", ("15", "80", "100")),
        ("2.5 million people", ("2500000",)),
        ("in v2x and A1", ()),
        ("-5 or −6", ("-5", "-6")),
    ],
)
def test_numbers(text, numbers):
    assert read_question(text).numbers == numbers


def test_names():
    q = read_question('Is New York\'s Harbor older than Ed Wood or "the big one", and what of Rome?')
    assert q.names == ("the big one", "New York", "Harbor", "Ed Wood", "Rome")


def test_a_long_question_is_cut_and_says_so():
    q = read_question("word " * 50_000)
    assert q.cut
    assert len(q.words) == MAX_WORDS
    assert len(q.text) < 1_000
    assert not read_question("word " * MAX_WORDS).cut


@given(st.text(max_size=200))
def test_any_text_gives_a_readable_grammar(text):
    question = read_question(text)
    made = line_grammar([population, calculate], question)
    assert made is not None
    compiled(made)


def test_tools_are_chosen_by_the_words_they_share():
    q = read_question("What is the capital of Peru?")
    assert choose_tools([population, area, capital], q, 1) == [capital]
    assert choose_tools([population, area, capital], q, 2) == [population, capital]
    assert choose_tools([population, area, capital], read_question("Foo?"), 2) == [population, area]
