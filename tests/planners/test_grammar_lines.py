"""What the grammar of a plan line allows: calls that bind and check, and no others."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import pytest
from pydantic import BaseModel

from llmcompiler import Tool, tool
from llmcompiler.plan import Task
from llmcompiler.values import Ref, Template
from llmcompiler_planners.grammar import line_grammar
from llmcompiler_planners.words import read_question
from tests.support.gbnf import accepts, compiled


class Place(BaseModel):
    name: str
    people: int
    height: float


@tool
def search(query: str) -> str:
    """Look up one thing in an encyclopedia."""


@tool
def place(city: str) -> Place:
    """Facts of a city."""


@tool
def population(city: str) -> int:
    """Number of people who live in a city."""


@tool
def capital(country: str) -> str:
    """Capital city of a country."""


@tool
def calculate(expression: str) -> float:
    """Result of an arithmetic formula."""


@tool
def distance(origin: str, destination: str) -> float:
    """Distance between two cities."""


class Quantity(BaseModel):
    value: float
    unit: str


@tool
def convert_units(value: float, from_unit: str, to_unit: str) -> Quantity:
    """Convert a value from one unit of measure to another."""


def grammar(tools, question, *earlier, **options):
    by_name = {t.name: t for t in tools}
    return line_grammar(
        tools, read_question(question), [(t, by_name.get(t.tool)) for t in earlier], **options
    )


def allows(tools, question, line, *earlier, **options):
    made = grammar(tools, question, *earlier, **options)
    return made is not None and accepts(made, f" {line}\n")


Q = "Who is older, Scott Derrickson or Ed Wood's brother?"


@pytest.mark.parametrize(
    "line", ['search("Scott Derrickson")', 'search("Ed Wood")', 'search("brother")', "join()"]
)
def test_runs_of_words_of_the_question_may_be_copied(line):
    assert allows([search], Q, line)


@pytest.mark.parametrize(
    "line",
    [
        'search("Scott Wood")',  # not next to each other
        'search("scott Derrickson")',  # case is kept
        'search("Scott Derrickson or")',  # a run does not end with such a word
        'search("Derricks")',  # whole words
        'search("Derrickson")',  # and whole names
        'search("Scott")',
        'search("Tim Burton")',
        'search("")',
        "search()",
        'search("Ed Wood", "brother")',
        'serch("Ed Wood")',
        'search("Ed Wood"',
        "search(Ed Wood)",
        "search($1)",
        "join($1)",
    ],
)
def test_nothing_else_may_be_written(line):
    assert not allows([search], Q, line)


def test_a_call_that_was_made_is_not_made_again():
    first = Task(1, "search", {"0": "Ed Wood"})
    assert not allows([search], Q, 'search("Ed Wood")', first)
    assert not allows([search], Q, 'search("Wood")', first)
    assert allows([search], Q, 'search("Scott Derrickson")', first)


def test_the_first_line_can_not_be_the_join():
    assert not allows([search], Q, "join()", may_join=False)


def test_a_run_is_capped():
    words = " ".join(f"Word{i}" for i in range(40))
    assert allows([search], words, f'search("{" ".join(words.split()[:9])}")')
    assert not allows([search], words, f'search("{" ".join(words.split()[:10])}")')


def test_quoted_text_may_be_copied_whole():
    assert allows(
        [search], 'Who made "The Good, the Bad and the Ugly"?', 'search("The Good, the Bad and the Ugly")'
    )


def test_words_about_the_tool_are_no_argument():
    question = "What time is it in Tokyo and how many people live there?"
    assert allows([population], question, 'population("Tokyo")')
    assert not allows([population], question, 'population("people")')
    assert allows([population], question, 'population("people")', strict=False)


@pytest.mark.parametrize("text", ["$5", '"', "\\", "日本", "a$1b", "naïve", "🎈x", "${1}"])
def test_odd_characters_are_escaped_for_grammar_and_plan(text):
    made = grammar([search], f"Find Foo{text}bar Baz")
    assert made is not None
    pattern = compiled(made)
    assert pattern.fullmatch(' search("Baz")\n')


def test_a_dollar_sign_in_a_word_is_no_reference():
    assert allows([search], "Is the A$1 cheap?", 'search("A$$1")', Task(1, "search", {"0": "x"}))
    assert not allows([search], "Is the A$1 cheap?", 'search("A$1")', Task(1, "search", {"0": "x"}))


# -- references ---------------------------------------------------------------


def test_references_go_to_earlier_results_of_the_right_type():
    one, two = Task(1, "capital", {"0": "Peru"}), Task(2, "population", {"0": "Oslo"})
    tools = [capital, population, calculate, distance]
    q = "Oslo and Peru, what is the capital there?"
    assert allows(tools, q, "population($1)", one, two)
    assert not allows(tools, q, "population($2)", one, two)  # a number is no city
    assert not allows(tools, q, "population($3)", one, two)
    assert not allows(
        tools, q + " Divided?", 'calculate("$2 / 3")', one, two
    )  # there is no 3 in the question
    assert allows(tools, q + " Divided by 3?", 'calculate("$2 / 3")', one, two)
    assert not allows(tools, q + " Divided by 3?", 'calculate("$1 / 3")', one, two)
    assert allows(tools, q, 'distance("Oslo", $1)', one)
    assert not allows(tools, q, "distance($1, $1)", one)


def test_a_field_of_a_record_is_offered_where_the_type_wants_one():
    made = Task(1, "place", {"0": "Oslo"})
    q = "What is the height of Oslo times 3?"
    assert allows([place, calculate], q, 'calculate("${1.height} * 3")', made)
    assert not allows(
        [place, calculate], q, 'calculate("${1.people} * 3")', made
    )  # the question names the height
    assert not allows([place, calculate], q, 'calculate("${1.name} * 3")', made)
    assert allows([place, population], "How many live there, by name?", "population($1.name)", made)


def test_the_result_of_the_last_call_is_owed_to_the_tool_spoken_of_before_it():
    q = "What is the population of the capital of Kenya?"
    tools = [population, capital]
    assert not allows(tools, q, 'population("Kenya")')
    one = Task(1, "capital", {"0": "Kenya"})
    assert not allows(tools, q, "join()", one)
    assert allows(tools, q, "population($1)", one)
    two = Task(2, "population", {"0": Ref(1)})
    assert allows(tools, q, "join()", one, two)


def test_a_pronoun_lifts_that_rule():
    one = Task(1, "capital", {"0": "Kenya"})
    q = "The capital of Kenya and its population?"
    assert not allows([population, capital], q, "join()", one)
    assert allows([population, capital], q, 'population("Kenya")', one)


def test_each_result_of_several_is_owed_to_its_tool():
    q = "What is the population of the capital of Japan divided by the population of the capital of France?"
    tools = [population, capital, calculate]
    made = []
    for line in (
        'capital("Japan")', 'capital("France")', "population($1)", "population($2)", 'calculate("$3 / $4")', "join()"
    ):  # fmt: skip
        assert allows(tools, q, line, *made), line
        assert line == "join()" or not allows(tools, q, "join()", *made), line
        name, _, rest = line.removesuffix(")").partition("(")
        args = {
            "population($1)": Ref(1),
            "population($2)": Ref(2),
            'calculate("$3 / $4")': Template((Ref(3), " / ", Ref(4))),
        }
        made.append(Task(len(made) + 1, name, {"0": args.get(line, rest.strip('"'))}))


# -- numbers, units, formulas --------------------------------------------------


def test_numbers_come_from_the_question():
    @tool
    def power(base: int, exponent: float) -> float:
        """Raise a number."""

    assert allows([power], "Raise 1,500 to 2.5", "power(1500, 2.5)")
    assert not allows([power], "Raise 1,500 to 2.5", "power(2.5, 1500)")  # no whole number
    assert not allows([power], "Raise 1,500 to 2.5", "power(7, 2.5)")
    assert not allows([power], "Raise it", "power(7, -0.5)")
    assert allows([power], "Raise it", "power(7, -0.5)", strict=False)


def test_a_number_keeps_its_unit():
    q = "Convert 5 miles to kilometers and the result to feet."
    assert allows([convert_units], q, 'convert_units(5, "miles", "kilometers")')
    assert not allows([convert_units], q, 'convert_units(5, "kilometers", "miles")')
    one = Task(1, "convert_units", {"0": 5, "1": "miles", "2": "kilometers"})
    assert not allows([convert_units], q, "join()", one)
    assert allows([convert_units], q, 'convert_units($1.value, $1.unit, "feet")', one)


@pytest.mark.parametrize(
    ("question", "formula", "good"),
    [
        ("What is 12*7 plus 15% of 90?", "12 * 7", True),
        ("What is 12*7 plus 15% of 90?", "15 / 100 * 90", True),
        ("What is 12*7 plus 15% of 90?", "12 - 7", False),
        ("What is 12*7 plus 15% of 90?", "12 * 8", False),
        ("What is 12*7?", "12 * 12", False),
        ("What is the square root of 144?", "sqrt(144)", True),
        ("What is the square root of 144?", "144 * 144", False),
        ("How much is half of 8?", "8 / 2", True),
        ("How much is half of 8?", "__import__", False),
    ],
)
def test_formulas_are_made_of_the_questions_numbers_and_operations(question, formula, good):
    assert allows([calculate], question, f'calculate("{formula}")') is good


def test_a_calculation_that_is_asked_for_is_owed():
    one = Task(1, "population", {"0": "Oslo"})
    q = "What is the population of Oslo divided by 3?"
    assert not allows([population, calculate], q, "join()", one)
    assert allows([population, calculate], q, 'calculate("$1 / 3")', one)
    assert allows([population], q, "join()", one)


def test_numbers_and_results_are_used_once_so_that_calculating_ends():
    q = "What is 12*7 plus 15% of 90?"
    one = Task(1, "calculate", {"0": "12 * 7"})
    assert not allows([calculate], q, 'calculate("7 * 12")', one)
    assert allows([calculate], q, 'calculate("$1 + 15 / 100 * 90")', one)
    two = Task(2, "calculate", {"0": "15 / 100 * 90"})
    assert allows([calculate], q, 'calculate("$1 + $2")', one, two)
    three = Task(3, "calculate", {"0": Template((Ref(1), " + ", Ref(2)))})
    assert not allows([calculate], q, 'calculate("$3 + $1")', one, two, three)
    assert allows([calculate], q, "join()", one, two, three)


def test_without_an_operation_no_formula():
    assert grammar([calculate], "What about 12 and 7?", may_join=False) is None
    assert allows([calculate], "What about 12 and 7?", 'calculate("12 + 7")', strict=False)


# -- any schema ---------------------------------------------------------------


class Color(Enum):
    RED = "red"
    GREEN = "green"


def test_enums_booleans_and_optional_arguments():
    @tool
    def paint(
        thing: str, color: Color, shiny: bool, finish: Literal["matt", "gloss"] = "matt", layers: int = 1
    ) -> str:
        """Paint something."""

    tools = [paint]
    q = "Give the Boat 3 layers of gloss"
    assert allows(tools, q, 'paint("Boat", "red", true, finish="gloss", layers=3)')
    assert allows(tools, q, 'paint("Boat", "green", false)')
    assert not allows(tools, q, 'paint("Boat", "blue", false)')
    assert not allows(tools, "Give the Boat a coat", 'paint("Boat", "red", true, finish="gloss")')


def test_lists_objects_and_names_with_dots():
    schema = {
        "type": "object",
        "properties": {
            "filter": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["name", "tags"],
            }
        },
        "required": ["filter"],
    }
    nested = Tool.from_schema("shop.find-items", schema, lambda **a: None, description="Find items.")
    assert allows([nested], "Any Red Boat?", 'shop.find-items({"name": "Boat", "tags": ["Red", "Boat"]})')
    assert not allows([nested], "Any Red Boat?", 'shop.find-items({"tags": ["Red"]})')


def test_a_schema_that_recurses_or_says_nothing_still_gives_a_bounded_grammar():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
    endless = Tool.from_schema(
        "endless",
        {"type": "object", "properties": {"n": node}, "required": ["n"], "$defs": {"node": node}},
        lambda **a: 0,
    )
    loose = Tool.from_schema(
        "loose", {"type": "object", "properties": {"x": {}}, "required": ["x"]}, lambda **a: 0
    )
    assert grammar([endless], "Foo?", may_join=False) is None  # no finite call exists
    assert allows([endless, loose], "Is 5 Foo?", "loose(5)")
    assert allows([endless, loose], "Is 5 Foo?", 'loose("Foo")')


def test_a_tool_without_parameters_is_called_once():
    @tool
    def now() -> str:
        """The time."""

    assert allows([now], "?", "now()")
    assert grammar([now], "?", Task(1, "now", {}), may_join=False) is None


def test_no_words_no_line():
    assert grammar([search], "?!", may_join=False) is None
    assert grammar([], "Foo", may_join=False) is None


def test_size_is_bounded_and_the_text_is_the_same_every_time():
    many = [
        Tool.from_schema(
            f"tool{i}",
            {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
            lambda **a: 0,
        )
        for i in range(12)
    ]
    question = "Alpha beta Gamma, delta! " * 5_000
    made = grammar(many, question)
    assert made == grammar(many, question)
    assert len(made) < 600_000
    compiled(made)
