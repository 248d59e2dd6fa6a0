"""The grammar of a plan line: what it lets through binds and checks, and what can not be right is kept out."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel

from llmcompiler import Plan, Tool, tool
from llmcompiler_planners.lines import in_order, line_grammar
from llmcompiler_planners.words import read_question
from tests.support.gbnf import accepts, compiled


class Place(BaseModel):
    name: str
    people: int
    towns: list[str]


class Stop(BaseModel):
    label: str
    minutes: int


@tool
def search(query: str) -> str:
    """Look up one thing."""


@tool
def place(name: str) -> Place:
    """Facts of a place."""


@tool
def weather(
    city: str, unit: Literal["celsius", "fahrenheit"] = "celsius", days: int = 1, wind: bool = False
) -> str:
    """Weather of a city."""


@tool
def stops(line: str) -> list[Stop]:
    """Stops of a bus line."""


@tool
def calculate(expression: str) -> float:
    """Result of a formula."""


@tool
def mean(values: list[float]) -> float:
    """Average of numbers."""


@tool
def now() -> str:
    """The time."""


TOOLS = [search, place, weather, stops, calculate, mean, now]
BY_NAME = {t.name: t for t in TOOLS}
Q = "Is Rock & Roll Hall's roof, 15% of 2,500 feet, higher than Ed Wood's in Oslo over three days? Celsius, Fahrenheit?"


def made(question: str, plan: str = "", **options: bool) -> str:
    tasks = Plan.parse(plan).tasks
    grammar = line_grammar(
        TOOLS, read_question(question), [(t, BY_NAME.get(t.tool)) for t in tasks], **options
    )
    assert grammar is not None
    return grammar


def allows(line: str, plan: str = "", question: str = Q, **options: bool) -> bool:
    return accepts(made(question, plan, **options), f" {line}\n")


@pytest.mark.parametrize(
    "line",
    [
        'search("Rock & Roll Hall")',
        'search("Ed Wood")',
        'search("higher than Ed Wood")',
        'weather("Oslo")',
        'weather("Oslo", unit="fahrenheit", days=3)',
        'weather("Oslo", wind=true)',
        'calculate("15 / 100 * 2500")',
        'calculate("(15 + 3) / 2500")',
        'calculate("sqrt(2500)")',
        "mean([15, 2500, 3])",
        "now()",
        "join()",
    ],
)
def test_what_may_be_written(line: str) -> None:
    assert allows(line)
    Plan.parse(f"1. {line}", tools=TOOLS)


@pytest.mark.parametrize(
    "line",
    [
        'search("Ed Wood in Paris")',
        'search("")',
        'search("& Roll")',
        'search("roof 15")',  # a stop is between them
        'serach("Ed Wood")',
        "search()",
        'search("Ed Wood", "Oslo")',
        'weather("Oslo", days=4)',
        'weather("Oslo", days=3, unit="celsius")',
        'weather("Oslo", unit="kelvin")',
        'weather(city="Oslo")',
        'calculate("15")',
        'calculate("15 / 7")',
        'calculate("$1 * 2")',
        "search($1)",
        "join($1)",
        "mean([])",
        "for x in $1: search(x)",
    ],
)
def test_what_can_not_be_written(line: str) -> None:
    assert not allows(line)


def test_references_have_the_type_that_is_wanted() -> None:
    plan = '1. place("Oslo")\n2. calculate("15 * 3")\n3. search("Oslo")'
    for line in (
        "weather($1.name)",
        "search($3)",
        'calculate("${1.people} / $2")',
        "mean([$1.people, $2])",
        "join($2)",
    ):
        assert allows(line, plan), line
    for line in (
        "weather($1)",
        "weather($2)",
        "weather($1.people)",
        "mean($2)",
        "join($4)",
    ):
        assert not allows(line, plan), line


def test_loops_go_over_declared_lists_with_what_their_items_have() -> None:
    plan = '1. place("Oslo")\n2. stops("Oslo")'
    for line in (
        "for x in $1.towns: weather(x)",
        'for x in $1.towns: weather(x, unit="celsius")',
        "for x in $2: search(x.label)",
    ):
        assert allows(line, plan), line
        Plan.parse(f"{plan}\n3. {line}", tools=TOOLS)
    for line in (
        "for x in $1: weather(x)",
        "for x in $1.name: weather(x)",
        'for x in $1.towns: weather("Oslo")',
        "for x in $2: search(x)",
        "for x in $2: search(x.minutes)",
        "for x in $1.towns: join()",
    ):
        assert not allows(line, plan), line


def test_the_join_can_be_ruled_out() -> None:
    assert not allows("join()", may_join=False)
    assert line_grammar([], read_question("Who?"), may_join=False) is None


def test_a_tool_without_parameters_is_called_once() -> None:
    assert not allows("now()", "1. now()")


def test_a_result_of_an_unknown_type_may_be_what_is_wanted() -> None:
    unknown = Tool.from_schema(
        "look", {"type": "object", "properties": {"it": {"type": "string"}}, "required": ["it"]}, print
    )
    task = Plan.parse('1. look("Oslo")').tasks[0]
    grammar = line_grammar([unknown, calculate], read_question(Q), [(task, unknown)])
    assert grammar is not None
    assert accepts(grammar, " look($1)\n")
    assert accepts(grammar, ' calculate("$1 * 2")\n')


@pytest.mark.parametrize(
    "text", ['"a\\b" (c)', "100 % $1 ${x}", "東京 と 大阪", "x" * 500, "\u202e evil \x00", "..."]
)
def test_odd_questions_give_grammars_that_can_be_read(text: str) -> None:
    compiled(made(text))


def test_its_size_is_linear_in_the_question_and_in_the_tools() -> None:
    words = " ".join(f"Word{i}" for i in range(160))
    assert len(made(words)) < 20_000
    many = [
        Tool.from_schema(
            f"tool_{i}",
            {
                "type": "object",
                "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
                "required": ["query"],
            },
            print,
        )
        for i in range(500)
    ]
    grammar = line_grammar(many, read_question(words))
    assert grammar is not None
    assert len(grammar) < 150_000
    assert grammar == line_grammar(many, read_question(words))


@pytest.mark.parametrize(
    ("question", "line", "wanted"),
    [
        ("How much is A divided by B?", 'calc("${4} / ${3}")', 'calc("${3} / ${4}")'),
        (
            "How much is A divided by B?",
            'calc("${2.people} / $1", digits=2)',
            'calc("$1 / ${2.people}", digits=2)',
        ),
        ("How much is A minus B?", 'calc("$2 - $1")', 'calc("$1 - $2")'),
        ("What is the ratio of A to B?", 'calc("$10 / $9")', 'calc("$9 / $10")'),
        # Right already, said in another order, not of two results, or said twice.
        ("How much is A divided by B?", 'calc("$1 / $2")', None),
        ("Subtract A from B.", 'calc("$2 - $1")', None),
        ("How much larger is A than B?", 'calc("$2 - $1")', None),
        ("How much is A divided by B?", 'calc("$2 / $1 / 100")', None),
        ("How much is A divided by B?", 'calc("$2 + $1")', None),
        ("What is A minus B, and C divided by D?", 'calc("$4 / $3")', None),
        ("How much is A divided by 5?", 'calc("$2 / 5")', None),
    ],
)
def test_a_quotient_of_two_results_is_in_the_order_of_the_question(
    question: str, line: str, wanted: str | None
) -> None:
    assert in_order(line, read_question(question)) == (wanted or line)


@tool
def convert(value: float, from_unit: str, to_unit: str) -> float:
    """A value in another unit."""


def test_a_conversion_goes_on_in_the_unit_of_the_one_before() -> None:
    question = read_question("Turn 7 yards into feet and then into inches")
    first = Plan.parse('1. convert(7, "yards", "feet")', tools=[convert]).tasks[0]
    made = line_grammar([convert], question, [(first, convert)])
    assert made is not None
    assert accepts(made, ' convert($1, "feet", "inches")\n')
    assert not accepts(made, ' convert($1, "inches", "inches")\n')
    assert accepts(made, ' convert(7, "yards", "inches")\n')
    alone = line_grammar([convert], question)
    assert alone is not None
    assert accepts(alone, ' convert(7, "yards", "feet")\n')


def test_an_amount_is_no_name_where_a_tool_converts_it() -> None:
    question = read_question("What are 26 miles in kilometers, and how far is Oslo Street 9 from here?")
    both = line_grammar([search, convert], question)
    assert both is not None
    assert accepts(both, ' convert(26, "miles", "kilometers")\n')
    assert accepts(both, ' search("Oslo Street 9")\n')
    for run in ("26", "26 miles", "miles", "kilometers", "in kilometers"):
        assert not accepts(both, f' search("{run}")\n'), run
    alone = line_grammar([search], question)
    assert alone is not None
    assert accepts(alone, ' search("26 miles")\n')
    nothing = line_grammar([search, convert], read_question("26 miles"))
    assert nothing is None or not accepts(nothing, ' search("26")\n')


def test_a_choice_that_may_be_left_out_is_one_that_the_question_names() -> None:
    line = 'weather("Oslo", unit="fahrenheit")'
    assert allows(line, question="How warm is Oslo in Fahrenheit?")
    assert not allows(line, question="How warm is Oslo?")
    assert allows('weather("Oslo")', question="How warm is Oslo?")

    @tool
    def must(city: str, unit: Literal["celsius", "fahrenheit"]) -> str:
        """Has to be told."""

    grammar = line_grammar([must], read_question("How warm is Oslo?"))
    assert grammar is not None
    assert accepts(grammar, ' must("Oslo", "fahrenheit")\n')


def test_where_each_of_a_list_is_asked_for_a_loop_comes_next() -> None:
    question = "For all of the towns of Oslo, look up the weather."
    plan = '1. place("Oslo")'
    assert allows("for x in $1.towns: weather(x)", plan, question)
    for line in ("join()", 'weather("Oslo")', "join($1)"):
        assert not allows(line, plan, question), line
    done = plan + "\n2. for x in $1.towns: weather(x)"
    assert allows("join()", done, question)
    assert allows("join()", plan, "Which towns has Oslo?")
    assert allows('place("Oslo")', "", question)
