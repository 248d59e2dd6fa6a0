"""Frozen plans: plans as typed functions, called with no model unless a joiner has to answer."""

from __future__ import annotations

import datetime as dt
import inspect
import json
from pathlib import Path
from typing import Any, Literal

import pytest

from llmcompiler import FrozenPlan, LLMCompiler, Plan, Ref, ToolError, UsageError, tool
from llmcompiler.errors import ArgumentError, LimitExceeded, PlanError, ToolDefinitionError
from llmcompiler.limits import Limits
from llmcompiler.testing import ScriptedModel


@tool(effect="read")
async def population(city: str) -> int:
    """People who live in a city.

    Args:
        city: Its name.
    """
    if city == "Atlantis":
        raise LookupError("no such city")
    return 100 * len(city)


@tool(effect="pure")
def grow(value: int, percent: float) -> float:
    """More by so many percent."""
    return value * (1 + percent / 100)


@tool(effect="pure")
def shout(text: str, how: Literal["loud", "soft"] = "loud") -> str:
    return text.upper() if how == "loud" else text


@tool
def log(what: str) -> str:
    return what


@tool(effect="write", resource=lambda to, **_: f"mail:{to}")
def mail(to: str, day: dt.date) -> str:
    return f"{to} {day!r}"


TOOLS = [population, grow, shout, log, mail]
GROW = '1. population("Oslo")\n2. grow($1, 15)\njoin($2)'
QUESTION = "How many people will live in Oslo after 15% growth?"


def compiler(model: ScriptedModel | None = None) -> LLMCompiler:
    return LLMCompiler(TOOLS, model=model or ScriptedModel([]))


async def test_it_is_called_by_name_or_position_and_asks_no_model() -> None:
    model = ScriptedModel([])
    frozen = compiler(model).freeze(GROW, question=QUESTION, name="growth")
    assert await frozen("Rome", 50) == 600
    assert await frozen(percent=0, city="Lima") == 400
    assert model.requests == []
    result = await frozen.run("Rome", 50)
    assert (result.output, result.usage.model_calls) == (600, 0)


def test_it_is_called_without_an_event_loop() -> None:
    assert compiler().freeze(GROW, question=QUESTION).sync(city="Rome", percent=50) == 600


async def test_its_signature_and_texts_come_from_the_tools() -> None:
    frozen = compiler().freeze(GROW, question=QUESTION, name="growth", description="People after growth.")
    assert str(inspect.signature(frozen)) == "(city: str, percent: float)"
    assert frozen.__name__ == "growth"
    assert frozen.__doc__ is not None
    assert "city (str): Its name." in frozen.__doc__
    assert "1. population(city={city})" in frozen.__doc__
    assert repr(frozen) == "<FrozenPlan growth(city: str, percent: float)>"
    assert frozen.parameters["required"] == ["city", "percent"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"city": ["Oslo"], "percent": 1}, "growth: `city` is text"),
        ({"city": 5, "percent": 1}, "growth: `city` is text, not 5"),
        ({"city": None, "percent": 1}, "growth: `city` is text"),
        ({"city": "Oslo", "percent": "much"}, "growth: `percent` is a number, not 'much'"),
        ({"city": "Oslo", "percent": True}, "growth: `percent` is a number"),
        ({"city": "Oslo", "percent": float("inf")}, "growth: `percent` is a finite number"),
        ({"city": "Oslo"}, "missing a required argument: 'percent'"),
        ({"city": "Oslo", "percent": 1, "town": 2}, "unexpected keyword argument 'town'"),
    ],
)
async def test_a_wrong_argument_is_a_usage_error_that_names_it(
    arguments: dict[str, object], said: str
) -> None:
    frozen = compiler().freeze(GROW, question=QUESTION, name="growth")
    with pytest.raises(UsageError) as caught:
        await frozen(**arguments)
    assert said in str(caught.value)


async def test_what_a_tool_does_not_take_is_a_usage_error_that_names_it() -> None:
    frozen = compiler().freeze('1. shout("hey", how="soft")\njoin($1)', holes={"words": "hey", "how": "soft"})
    assert str(frozen.signature) == "(words: str, how: Literal['loud', 'soft'])"
    with pytest.raises(UsageError, match="`how` .*for `how` of `shout`"):
        await frozen("a", "angry")
    whole = compiler().freeze("1. grow(3, 5)\njoin($1)", holes={"value": 3})
    with pytest.raises(UsageError, match="`value`"):
        await whole(value=2.5)


async def test_arguments_are_literals() -> None:
    frozen = compiler().freeze(
        '1. log("a")\n2. shout("hey $1")\njoin($2)', holes={"text": "hey", "what": "a"}
    )
    assert await frozen('${1} $$5 "x" {text}', "secret") == '${1} $$5 "X" {TEXT} SECRET'
    with pytest.raises(UsageError, match="not a reference"):
        await frozen(Ref(1), "secret")


async def test_dates_are_given_as_dates_or_as_text() -> None:
    frozen = compiler().freeze('1. mail("Ann", "2026-03-04")\njoin($1)', question="Mail Ann on 2026-03-04")
    assert await frozen("Bob", "2027-01-01") == "Bob datetime.date(2027, 1, 1)"
    assert await frozen("Bob", dt.date(2027, 1, 1)) == "Bob datetime.date(2027, 1, 1)"
    with pytest.raises(UsageError, match="`day`"):
        await frozen("Bob", "soon")


async def test_a_bare_join_gives_values_or_the_joiners_answer() -> None:
    plan = '1. population("Oslo")\n2. population("Bergen")\njoin()'
    model = ScriptedModel(["Action: Finish(Rome is)"])
    host = compiler(model)
    asked = "Is Oslo bigger than Bergen?"
    values = host.freeze(host._checked(plan)[0].generalize(asked))
    assert await values("Rome", "Lima") == {1: 400, 2: 400}
    answers = host.freeze(plan, question=asked)
    assert await answers("Rome", "Lima") == "Rome is"
    assert "Is Rome bigger than Lima?" in model.requests[0].text


async def test_without_a_question_and_without_holes_it_takes_nothing() -> None:
    frozen = compiler().freeze(GROW)
    assert str(frozen.signature) == "()"
    assert await frozen() == pytest.approx(460)


async def test_a_failed_call_is_raised_with_what_was_done() -> None:
    frozen = compiler().freeze(GROW, question=QUESTION)
    with pytest.raises(ToolError, match="no such city") as caught:
        await frozen("Atlantis", 1)
    assert caught.value.result is not None
    assert caught.value.result.tasks[2].outcome.status == "skipped"
    both = compiler().freeze('1. population("Oslo")\n2. log("x")\njoin()', holes={"city": "Oslo"})
    with pytest.raises(LookupError) as raised:
        await both("Atlantis")
    assert raised.value.result.values == {2: "x"}  # type: ignore[attr-defined]
    assert (await both.run("Atlantis")).output == {2: "x"}


async def test_limits_of_the_compiler_hold() -> None:
    host = LLMCompiler(TOOLS, model=ScriptedModel([]), limits=Limits(tasks_per_tool={"population": 1}))
    with pytest.raises(LimitExceeded):
        await host.freeze('1. population("Oslo")\n2. population("Rome")\njoin($2)')()


def test_what_can_not_be_frozen() -> None:
    host = compiler()
    plan = Plan.parse(GROW, TOOLS)
    template = plan.generalize(QUESTION)
    for made, said in [
        (lambda: host.freeze(GROW, question="  "), "give the question"),
        (lambda: host.freeze(GROW, holes={"city": "Rome"}), "no literal of the plan"),
        (lambda: host.freeze(GROW, name="two words"), "name="),
        (lambda: host.freeze(template, holes={"city": "Oslo"}), "a template has its holes"),
        (lambda: host.freeze(template, question="Who?"), "another question"),
        (lambda: host.freeze("join()"), "no task"),
        (lambda: host.freeze(7), "not int"),  # type: ignore[arg-type]
        (lambda: LLMCompiler([grow]).freeze(template), "there is no tool `population`"),
    ]:
        with pytest.raises(UsageError, match=said):
            made()
    with pytest.raises(PlanError):
        host.freeze("1. nothing(1)")


# -- as a tool -----------------------------------------------------------------------------


async def test_as_a_tool_it_runs_inside_another_compiler() -> None:
    made = compiler().freeze(GROW, question=QUESTION, name="growth").as_tool()
    assert made.signature == "growth(city: str, percent: float) -> float"
    outer = LLMCompiler([made], model=ScriptedModel([]))
    result = await outer.execute('1. growth("Rome", 50)\n2. growth(city="Atlantis", percent=1)\njoin()')
    assert result.values == {1: 600}
    assert "no such city" in str(result.tasks[2].outcome.error)  # type: ignore[union-attr]
    with pytest.raises(PlanError):
        await outer.execute('1. growth("Rome", "much")')


@pytest.mark.parametrize(
    ("plan", "effect"),
    [
        ('1. shout("a")', "pure"),
        ('1. shout("a")\n2. population("Oslo")', "read"),
        ('1. log("a")\n2. population("Oslo")', None),
        ('1. log("a")\n2. mail("Ann", "2026-03-04")', "write"),
    ],
)
def test_its_effect_as_a_tool_is_the_worst_of_its_tools(plan: str, effect: str | None) -> None:
    frozen = compiler().freeze(plan)
    assert frozen.effect == effect
    assert frozen.as_tool().effect == effect
    assert frozen.as_tool(effect="write").effect == "write"


def test_options_that_make_no_sense_for_it_as_a_tool_are_refused() -> None:
    with pytest.raises(ToolDefinitionError, match="max_concurrency"):
        compiler().freeze(GROW).as_tool(max_concurrency=1)
    with pytest.raises(ToolDefinitionError, match="unknown options"):
        compiler().freeze(GROW).as_tool(colour="red")


async def test_as_a_tool_it_ends_within_the_time_of_the_call() -> None:
    import asyncio

    @tool
    async def hang(what: str) -> str:
        await asyncio.Event().wait()
        return what

    made = LLMCompiler([hang], model=ScriptedModel([])).freeze('1. hang("a")\njoin($1)').as_tool(timeout=0.2)
    result = await LLMCompiler([made], model=ScriptedModel([])).execute("1. frozen()\njoin($1)")
    assert isinstance(result.error, ToolError)


# -- files -----------------------------------------------------------------------------------


async def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    path = tmp_path / "growth.json"
    compiler().freeze(GROW, question=QUESTION, name="growth", description="More.").save(path)
    again = FrozenPlan.load(path, compiler())
    assert (again.name, again.description, again.asks) == ("growth", "More.", True)
    assert await again("Rome", 50) == 600


def test_a_file_that_is_none_says_so(tmp_path: Path) -> None:
    host = compiler()
    path = tmp_path / "growth.json"
    with pytest.raises(UsageError, match="can not be read"):
        FrozenPlan.load(path, host)
    host.freeze(GROW, question=QUESTION).save(path)
    good = json.loads(path.read_text(encoding="utf-8"))
    for data in (
        "",
        "{",
        "[]",
        '{"frozen": 7}',
        json.dumps({**good, "plan": 1}),
        json.dumps({**good, "name": 1}),
        "\ud800",
    ):
        path.write_text(data, encoding="utf-8", errors="surrogatepass")
        with pytest.raises(UsageError, match=r"growth\.json"):
            FrozenPlan.load(path, host)
    path.write_text(json.dumps(good), encoding="utf-8")

    @tool(name="population")
    def changed(town: str) -> int:
        return 1

    with pytest.raises(
        UsageError, match=r"`population\(town: str\) -> int` was population\(city: str\) -> int"
    ):
        FrozenPlan.load(path, LLMCompiler([changed, grow]))


async def test_arguments_that_only_a_call_can_check_are_its_failure() -> None:
    @tool
    def numbers(text: str) -> list[Any]:
        return [int(n) if n.isdigit() else n for n in text.split()]

    @tool
    def total(of: list[int]) -> int:
        return sum(of)

    frozen = LLMCompiler([numbers, total]).freeze(
        '1. numbers("1 2")\n2. total($1)\njoin($2)', holes={"text": "1 2"}
    )
    assert await frozen("3 4") == 7
    with pytest.raises(ArgumentError):
        await frozen("3 x")
