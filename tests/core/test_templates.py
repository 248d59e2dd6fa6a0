"""Templates of plans: what becomes a hole, which questions fill it, and that nothing else does."""

from __future__ import annotations

import json
import string
import time
from typing import Literal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llmcompiler import Plan, PlanTemplate, Tool, UsageError, tool
from llmcompiler.guards import Compare
from llmcompiler.plan import Task
from llmcompiler.templates.atoms import LONGEST, MOST_ATOMS, atoms
from llmcompiler.templates.timely import is_timely
from llmcompiler.values import Ref, Template


@tool
def population(city: str) -> int:
    """People who live in a city."""
    return 1


@tool
def founded(city: str) -> int:
    return 1


@tool
def search(query: str, limit: int = 5) -> list[str]:
    return []


@tool
def calculate(expression: str) -> float:
    return 1


@tool
def convert(value: float, unit: Literal["miles", "km"], to: Literal["miles", "km", "feet"]) -> float:
    return value


@tool
def post(zip_code: str, weight: float = 1.0) -> str:
    return ""


@tool
def meet(who: list[str], day: str, at: str = "") -> str:
    return ""


TOOLS = [population, founded, search, calculate, convert, post, meet]


def made(question: str, plan: str, tools: list[Tool] | None = None) -> PlanTemplate:
    return Plan.parse(plan, TOOLS if tools is None else tools).generalize(question)


def holes(template: PlanTemplate) -> dict[str, object]:
    return {hole.name: hole.example for hole in template.holes}


COMPARE = '1. population("Oslo")\n2. population("Bergen")\njoin()'

# -- what becomes a hole ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "plan", "expected"),
    [
        ("Is Oslo bigger than Bergen?", COMPARE, {"city": "Oslo", "city_2": "Bergen"}),
        ("How many people live in New York?", '1. population("New York")', {"city": "New York"}),
        ("How old is Rio de Janeiro?", '1. founded("Rio de Janeiro")', {"city": "Rio de Janeiro"}),
        ("What is Oslo's population?", '1. population("Oslo")', {"city": "Oslo"}),
        ("15 % of 40?", '1. calculate("40 * 15 / 100")', {"number": 15, "number_2": 40}),
        ("How tall is Mount Everest?", '1. search("height of Mount Everest")', {"name": "Mount Everest"}),
        ("Grow 250 by 15%", '1. calculate("250 * (1 + 15 / 100)")', {"number": 250, "number_2": 15}),
        ("What is 15% more?", '1. search("x")\n2. calculate("$1 * (1 + 15 / 100)")', {"number": 15}),
        ("Is 1,500 over 3.5?", '1. calculate("1500 / 3.5")', {"number": 1500, "number_2": 3.5}),
        ("Convert 5 miles to feet", '1. convert(5, "miles", "feet")', {"value": 5, "unit": "miles", "to": "feet"}),
        ("Post it to 94110", '1. post("94110")', {"zip_code": 94110}),
        ('Find "to be, or not" now', '1. search("to be, or not")', {"query": "to be, or not"}),
        ("Tell ann@example.com", '1. search("ann@example.com")', {"query": "ann@example.com"}),
        ("Read https://a.example/b?c=1.", '1. search("https://a.example/b?c=1")', {"query": "https://a.example/b?c=1"}),
        ("Where is INV-77 now?", '1. search("order INV-77")', {"code": "INV-77"}),
        ("Is Ann in on Monday?", '1. meet(["Ann"], "Monday")', {"name": "Ann", "day": "Monday"}),
        ("Meet at 10:30?", '1. meet([], "lunch", "10:30")', {"at": "10:30"}),
        ("Is Oslo over 5?", '1. founded("Oslo")\n2. if $1 > 5: search("news")', {"city": "Oslo", "number": 5}),
        ("Meet Ann, Bob", '1. for who in ["Ann", "Bob"]: search(who)', {"name": "Ann", "name_2": "Bob"}),
    ],
)  # fmt: skip
def test_what_stands_in_question_and_plan_becomes_a_hole(question: str, plan: str, expected: object) -> None:
    template = made(question, plan)
    assert holes(template) == expected
    assert template.match(question) == expected
    assert template.fill(template.match(question) or {}, TOOLS) == Plan.parse(plan, TOOLS)


@pytest.mark.parametrize(
    ("question", "plan", "why"),
    [
        ("What is 100 as a percentage of 100?", '1. calculate("100 / 100 * 100")', "oftener than in the question"),
        ("Sum from 1 to 3?", '1. calculate("1 + 2 + 3")', "a number between"),
        ("Sum from 1 to 2?", '1. calculate("1 + 2")', "the ends of a range of two"),
        ("What is 5 factorial?", '1. calculate("5 * 4 * 3 * 2 * 1")', "numbers below"),
        ("What is 3 factorial?", '1. calculate("3 * 2 * 1")', "numbers below"),
        ("First 3 numbers?", '1. calculate("1 + 2 + 3")', "numbers below"),
        ("The 2 best of it?", '1. search("best", limit=2)\n2. search($1[0])\n3. search($1[1])', "results are named"),
        ("Look 2 times", '1. search("a")\n2. search("b")\n3. calculate("2")', "so many tasks"),
        ("Find 5 of it", '1. search("it", limit=5)', "the default"),
        ("What is 3.50 times -2?", '1. calculate("3.50 * -2")', "numbers that can be written otherwise"),
        ("Area of Norway and its capital?", '1. search("Norway")\n2. population("Oslo")', "a capital known by heart"),
        ("Who leads Norway?", '1. search("Norwegian king")', "a form of the name"),
        ("Who leads Norway?", '1. search("Norway no")\n2. meet(["no"], "Norway")', "a code of two letters"),
        ("How far is Oslo?", '1. search("Oslo", limit=59913)', "a large number known by heart"),
        ("Is New York big?", '1. population("York")', "a part of a name"),
        ("Is the GDP of Norway big?", '1. search("GDP")', "an abbreviation, which is no name"),
        ("Oslo population?", '1. population("Oslo")', "a word that begins the sentence"),
        ("translate water now", '1. search("water")', "a plain word"),
    ],
)  # fmt: skip
def test_what_the_rest_may_depend_on_is_no_hole(question: str, plan: str, why: str) -> None:
    assert holes(made(question, plan)) == {}, why


def test_keys_and_fields_that_name_it_make_it_a_constant() -> None:
    @tool
    def look(query: str) -> dict[str, str]:
        return {}

    plan = '1. look("Oslo and Bergen")\n2. calculate($1["Oslo"])'
    assert holes(made("Oslo, or is it Bergen?", plan, [look, calculate])) == {"name": "Bergen"}


def test_a_tool_that_does_the_same_for_other_things_makes_names_constants() -> None:
    @tool
    def city_size(name: str) -> int:
        return 1

    @tool
    def country_size(name: str) -> int:
        return 1

    plan = '1. city_size("Oslo")'
    assert holes(made("How big is Oslo?", plan, [city_size])) == {"name": "Oslo"}
    assert holes(made("How big is Oslo?", plan, [city_size, country_size])) == {}
    assert holes(made("How big is the city Oslo?", plan, [city_size, country_size])) == {"name": "Oslo"}


def test_one_literal_in_several_places_is_one_hole() -> None:
    template = made("Is Oslo old, and is Oslo big?", '1. founded("Oslo")\n2. population("Oslo")')
    (hole,) = template.holes
    assert len(hole.uses) == 2
    assert template.match("Is Bergen old, and is Bergen big?") == {"city": "Bergen"}
    assert template.match("Is Bergen old, and is Rome big?") is None


def test_thoughts_are_left_out_and_the_rest_of_the_plan_stays() -> None:
    plan = Plan.parse("Thought: Oslo first\n" + COMPARE, TOOLS)
    template = plan.generalize("Is Oslo bigger than Bergen?")
    assert [t.thought for t in template.plan.tasks] == [None, None]
    assert template.plan == Plan.parse(COMPARE, TOOLS)


def test_it_is_shown_with_its_holes() -> None:
    template = made("How old is Oslo, plus 15?", '1. founded("Oslo")\n2. calculate("$1 + 15")\njoin($2)')
    assert str(template).splitlines() == [
        "How old is {city}, plus {number}?",
        "1. founded(city={city})",
        '2. calculate(expression="${1} + {number}")',
        "3. join($2)",
    ]
    assert template.ask({"city": "Rome", "number": 2}) == "How old is Rome, plus 2?"


# -- which questions fill it -----------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "Is Rome bigger than Paris?",
        "  is Rome bigger\n than  Paris ",
        "Is New York bigger than Stratford-upon-Avon.",
        "Is Ålesund bigger than the UK?".replace("the ", ""),
        "Is Oslo bigger than St. Moritz?".replace("St. ", ""),
    ],
)
def test_questions_of_the_same_form(question: str) -> None:
    assert made("Is Oslo bigger than Bergen?", COMPARE).match(question) is not None


@pytest.mark.parametrize(
    "question",
    [
        "Is Oslo older than Bergen?",
        "Is Oslo not bigger than Bergen?",
        "Is Oslo NOT bigger than Bergen?",
        "Isn't Oslo bigger than Bergen?",
        "Is Oslo bigger than Bergen and Rome?",
        "Is Oslo And Rome bigger than Bergen?",
        "Is Oslo bigger than Bergen, Rome?",
        "Is Oslo bigger than Bergen in 2020?",
        "Is Oslo bigger than 7?",
        "Is Oslo bigger than bergen?",
        "Is Oslo bigger than Oslo?",
        "Is Oslo bigger than?",
        "Is bigger than Bergen?",
        "Is Oslo bigger than ann@example.com?",
        "Is Oslo bigger than May?",
        "Is Oslo bigger than Monday?",
        'Is Oslo bigger than "Bergen"?',
        "Is Oslo bigger than Bergen? Not",
        "Is Oslo bigger than Bergen! Really?",
        "Is Oslo BIGGER than Bergen?",
        "Is Oslo bigger than HSBC?",
        "Is Oslo bigger than Bergen's?",
        "Was Oslo bigger than Bergen?",
        "",
        "?",
    ],
)
def test_questions_of_another_form(question: str) -> None:
    assert made("Is Oslo bigger than Bergen?", COMPARE).match(question) is None


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What is 15% of 40?", 15),
        ("What is 7% of 40?", 7),
        ("What is -7% of 40?", None),
        ("What is 07% of 40?", None),
        ("What is 1,500% of 40?", None),
        ("What is 7.5% of 40?", None),
        ("What is 7e2% of 40?", None),
        ("What is 1,5% of 40?", None),
        ("What is Oslo% of 40?", None),
        ("What is 7 of 40?", None),
        ("What is 7% of -40?", None),
        ("What is 7% of 99999999999999999999?", None),
    ],
)
def test_numbers_are_taken_only_as_they_are_surely_meant(question: str, value: int | None) -> None:
    found = made("What is 15% of 40?", '1. calculate("40 * 15 / 100")').match(question)
    assert (None if found is None else found["number"]) == value


def test_a_number_with_commas_is_taken_where_the_first_had_some() -> None:
    template = made("Halve 1,500", '1. calculate("1500 / 2")')
    assert template.match("Halve 2,500,000") == {"number": 2_500_000}
    assert template.match("Halve 20") == {"number": 20}
    assert template.match("Halve 2,5") is None
    assert template.fill({"number": 2_500_000})[1].args == {"0": "2500000 / 2"} or template.fill(
        {"number": 2_500_000}
    )[1].args == {"expression": "2500000 / 2"}


def test_codes_keep_their_letters() -> None:
    template = made("Where is INV-77 now?", '1. search("INV-77")')
    assert template.match("Where is INV-1234 now?") == {"query": "INV-1234"}
    assert template.match("Where is ORD-1234 now?") is None
    assert template.match("Where is INV-12-34 now?") is None


def test_words_by_hand_may_be_several_where_there_is_one_way_to_read_them() -> None:
    plan = Plan.parse('1. search("red wine")\n2. search("old cheese")', TOOLS)
    template = plan.generalize(
        "Does red wine go with old cheese?", holes={"a": "red wine", "b": "old cheese"}
    )
    assert template.match("Does beer go with white bread?") == {"a": "beer", "b": "white bread"}
    assert template.match("Does beer go with wine go with bread?") is None
    assert template.match("Does beer and wine go with bread?") is None
    assert template.match("Does no beer go with bread?") is None
    side_by_side = plan.generalize("red wine old cheese", holes={"a": "red wine", "b": "old cheese"})
    assert not side_by_side.can_match
    assert side_by_side.match("red wine old cheese") is None
    one = Plan.parse('1. search("red wine")', TOOLS).generalize("red wine", holes={"a": "red wine"})
    assert one.match("dry white wine") == {"a": "dry white wine"}


# -- filling -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["$1", "${1.x}", '"); drop("', "$$5", "1. search()", "{city}", "\ue0000\ue001", "Ø\n\t"]
)
def test_what_fills_a_hole_is_a_literal(value: str) -> None:
    template = made("How tall is Everest?", '1. founded("Everest")\n2. search("$1 metres: Everest")')
    plan = template.fill({"city": value}, TOOLS)
    assert plan[1].args == {"city": value}
    assert plan[2].args == {"query": Template((Ref(1), f" metres: {value}"))}
    assert Plan.parse(str(plan), TOOLS) == plan
    assert plan[2].depends_on == (1,)


def test_a_number_below_zero_keeps_its_meaning_in_a_formula() -> None:
    template = made("What is 7 squared?", '1. calculate("7 ** 2")')
    assert template.fill({"number": -3}, TOOLS)[1].args == {"expression": "(-3) ** 2"}
    assert template.fill({"number": 1e-7}, TOOLS)[1].args == {"expression": "0.0000001 ** 2"}


def test_filling_says_what_is_wrong() -> None:
    template = made("Convert 5 miles to feet", '1. convert(5, "miles", "feet")')
    for values, said in [
        ({"value": 5, "unit": "km"}, "no value for `to`"),
        ({"value": 5, "unit": "km", "to": "km", "x": 1}, "no hole `x`"),
        ({"value": "5", "unit": "km", "to": "km"}, "`value` is a number, not '5'"),
        ({"value": float("nan"), "unit": "km", "to": "km"}, "`value` is a finite number"),
        ({"value": 5, "unit": "light years", "to": "km"}, "`unit` is one of 'miles', 'km'"),
    ]:
        with pytest.raises(UsageError, match=said):
            template.fill(values, TOOLS)


def test_a_tool_that_changed_invalidates_it() -> None:
    template = made("How many people live in Oslo?", '1. population("Oslo")')

    @tool(name="population")
    def renamed(town: str) -> int:
        return 1

    @tool(name="population")
    def described(city: str) -> int:
        """Another text."""
        return 1

    assert template.changed({"population": population}) == ""
    assert template.changed({"population": described}) == ""
    assert "there is no tool `population`" in template.changed({})
    with pytest.raises(UsageError, match=r"population\(town: str\) -> int` was population\(city: str\)"):
        template.fill({"city": "Rome"}, [renamed])


def test_holes_by_hand() -> None:
    plan = Plan.parse('1. search("water", limit=3)\n2. search("no water")', TOOLS)
    template = plan.generalize(holes={"what": "water", "most": 3})
    assert template.fill({"what": "wine", "most": 9}, TOOLS)[1].args == {"query": "wine", "limit": 9}
    assert template.fill({"what": "wine", "most": 9}, TOOLS)[2].args == {"query": "no wine"}
    assert not template.can_match
    assert template.match("water") is None
    asked = plan.generalize("Find 3 of water", holes={"what": "water", "most": 3})
    assert asked.match("Find 4 of tea") == {"what": "tea", "most": 4}
    for wrong, said in [
        ({"x": "wine"}, "no literal of the plan"),
        ({"a b": "water"}, "the name of a hole"),
        ({"a": "water", "b": "water"}, "`a` and `b` stand in one place"),
        ({"a": "no water", "b": "water"}, "`a` and `b` stand in one place"),
    ]:
        with pytest.raises(UsageError, match=said):
            plan.generalize(holes=wrong)


# -- forms ---------------------------------------------------------------------------------------


def test_its_json_form_round_trips_and_is_checked_as_a_whole() -> None:
    template = made("Is Oslo big? If over 500, tell", '1. population("Oslo")\n2. if $1 > 500: search("news")')
    data = json.loads(template.model_dump_json())
    assert PlanTemplate.model_validate(data) == template
    assert isinstance(template.plan[2].when, Compare)
    for change in (
        {"template": 2},
        {"question": "Is Rome big? If over 500, tell"},
        {"plan": {"tasks": []}},
        {"plan": 7},
        {"holes": [{**data["holes"][0], "example": "Rome"}]},
        {"holes": [{**data["holes"][0], "kind": "eval"}]},
        {"holes": [{**data["holes"][0], "name": "a b"}]},
        {"holes": [{**data["holes"][0], "at": [[0, 99]]}]},
        {"holes": [{**data["holes"][0], "uses": [{"task": 9, "path": ["args", "city"]}]}]},
        {
            "holes": [
                {**data["holes"][0], "uses": [{"task": 1, "path": ["args", "city"], "start": 0, "end": 99}]}
            ]
        },
        {"holes": data["holes"][:1] * 2},
        {"tools": []},
    ):
        with pytest.raises(UsageError, match="plan template"):
            PlanTemplate.model_validate({**data, **change})
    for text in ("", "{", "[]", "null", "[" * 100_000):
        with pytest.raises(UsageError, match="no plan template"):
            PlanTemplate.model_validate_json(text)


# -- hostile ----------------------------------------------------------------------------------------


def test_questions_that_are_too_long_match_nothing_and_cost_nothing() -> None:
    template = made("Is Oslo bigger than Bergen?", COMPARE)
    begun = time.perf_counter()
    for piece in (
        "Oslo ",
        '"',
        "a-",
        "1,",
        "https://",
        "a@",
        "(",
        "[(.*)+]+",
        "\u202e",
        "\ud800",
        "Øß ",
        "-1",
    ):
        assert template.match(piece * (200_000 // len(piece))) is None
        assert template.match(piece * (LONGEST // len(piece))) is None
    assert time.perf_counter() - begun < 5
    with pytest.raises(UsageError, match="too long"):
        Plan.parse(COMPARE, TOOLS).generalize("Oslo " * 50_000)
    assert len(atoms("Oslo, " * (MOST_ATOMS // 2)) or ()) <= MOST_ATOMS


def test_words_of_a_question_are_no_patterns() -> None:
    template = made("Is Oslo (.*) \\d+ [a-z]?", '1. population("Oslo")')
    assert template.match("Is Rome (.*) \\d+ [a-z]?") == {"city": "Rome"}
    assert template.match("Is Rome (abc) 7 x?") is None


def test_a_plan_nested_too_deep_or_of_odd_values_is_refused() -> None:
    deep: object = "Oslo"
    for _ in range(200):
        deep = [deep]
    with pytest.raises(UsageError, match="nested deeper"):
        Plan((Task(1, "x", {"a": deep}),)).generalize("Is Oslo big?")


def test_numbers_of_any_size_are_no_danger() -> None:
    huge = Plan(
        (Task(1, "x", {"a": 10**400, "b": "Oslo", "c": float("nan")}), Task(2, "x", {"a": "9" * 5_000}))
    )
    template = huge.generalize("Is 5 more than Oslo?")
    assert template.holes == ()


@pytest.mark.parametrize(
    ("question", "plan", "timely"),
    [
        ("Weather in Oslo today?", '1. meet(["Oslo"], "2026-03-04")', True),
        ("Weather in Oslo?", '1. meet(["Oslo"], "2026-03-04")', True),
        ("Weather in Oslo on 2026-03-04?", '1. meet(["Oslo"], "2026-03-04")', False),
        ("News of this week?", '1. search("news", limit=7)', True),
        ("News?", '1. search("news", limit=7)', False),
        ("How many hours are 3 days?", '1. calculate("3 * 24")', False),
    ],
)
def test_plans_that_hold_for_a_day_only(question: str, plan: str, timely: bool) -> None:
    assert is_timely(question, Plan.parse(plan, TOOLS)) is timely


# -- properties -----------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["Oslo", "New York", "Rio de Janeiro", "K2", "Ålesund", "Stratford-upon-Avon", "O'Hare", "Sør Trøndelag"]
)
NUMBERS = st.one_of(st.integers(0, 10**9), st.sampled_from([0.5, 2.75, 1500.25]))
WORDS = st.sampled_from("is bigger older than of the and not in with how what population".split())  # noqa: SIM905


@st.composite
def asked(draw: st.DrawFn) -> tuple[str, Plan, list[object]]:
    values = draw(st.lists(st.one_of(NAMES, NUMBERS), min_size=1, max_size=4, unique=True))
    said, tasks = [draw(WORDS).title()], []
    for number, value in enumerate(values, 1):
        said += [draw(WORDS), str(value), draw(WORDS)]
        kind = draw(st.sampled_from(["whole", "text", "list", "after"]))
        if kind == "whole" or number == 1:
            args: dict[str, object] = {"q": value}
        elif kind == "text":
            args = {"q": f"say {value} here"}
        elif kind == "list":
            args = {"q": [1, {"k": value}]}
        else:
            args = {"q": Template((Ref(number - 1), f" and {value}"))}
        tasks.append(Task(number, "tool", args))
    return " ".join(said) + "?", Plan(tuple(tasks)), values


@settings(max_examples=300, deadline=None)
@given(asked())
def test_its_own_question_gives_its_own_plan(case: tuple[str, Plan, list[object]]) -> None:
    question, plan, _ = case
    template = plan.generalize(question)
    values = template.match(question)
    if values is None:  # two holes of one value
        return
    assert template.fill(values) == plan
    assert PlanTemplate.model_validate_json(template.model_dump_json()) == template


@settings(max_examples=300, deadline=None)
@given(asked(), st.data())
def test_no_question_with_another_word_matches(
    case: tuple[str, Plan, list[object]], data: st.DataObject
) -> None:
    question, plan, values = case
    template = plan.generalize(question)
    words = question.split()
    inside = {word for value in values for word in str(value).split()}
    at = data.draw(st.integers(0, len(words)))
    change = data.draw(st.sampled_from(["insert", "drop", "replace"]))
    word = data.draw(st.one_of(WORDS, st.text(string.ascii_lowercase, min_size=1, max_size=6)))
    if change == "insert":
        # Within a name it makes another name: `New of York`.
        assume(not {w.strip("?") for w in words[max(0, at - 1) : at + 1]} <= inside or at in (0, len(words)))
        words.insert(at, word)
        assume(" ".join(words) != question)
    else:
        assume(at < len(words) and words[at] not in inside and words[at].strip("?").casefold() != word)
        words[at : at + 1] = [] if change == "drop" else [word]
    assert template.match(" ".join(words)) is None


@settings(max_examples=300, deadline=None)
@given(asked(), st.text(max_size=40))
def test_any_text_matches_only_with_every_word_in_its_place(
    case: tuple[str, Plan, list[object]], text: str
) -> None:
    question, plan, _ = case
    template = plan.generalize(question)
    for candidate in (text, f"{question} {text}", f"{text} {question}"):
        found = template.match(candidate)
        if found is not None:
            plain = _bare(template.ask(found))
            assert plain == _bare(candidate)


def _bare(text: str) -> list[str]:
    return "".join(text.split()).rstrip(".?!…").casefold().split()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_what_fills_a_hole_comes_back_from_text_and_json(value: str) -> None:
    template = made("How tall is Everest?", '1. founded("Everest")\n2. search("$1 metres: Everest")')
    plan = template.fill({"city": value})
    assert plan[1].args["city"] == value
    assert plan[2].depends_on == (1,)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
