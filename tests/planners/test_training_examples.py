"""What the embedded planner is trained on: plans that hold, texts that can be copied, and splits that share nothing."""

from __future__ import annotations

import random
import re
import sys
from functools import cache
from pathlib import Path

import pytest

from llmcompiler import Plan
from llmcompiler_planners import briefing

ROOT = Path(__file__).resolve().parents[2] / "planners"
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from training import generate  # noqa: E402
from training.families.wording import wordings  # noqa: E402
from training.specs import Example, Slot, Spec, Split  # noqa: E402
from training.toolbox import build_tool  # noqa: E402

SPLITS: tuple[Split, ...] = ("train", "held")
FAMILIES = set(generate.SHARES) - {"plain sums"}


@cache
def groups(split: Split, seed: int = 7, count: int = 300) -> list[list[Example]]:
    return list(generate.groups(seed, count, split))


def examples(split: Split) -> list[Example]:
    return [e for group in groups(split) for e in group]


def question_line(prompt: str) -> str:
    return prompt.partition("\n")[0].removeprefix("Question: ")


@pytest.mark.parametrize("split", SPLITS)
def test_as_many_examples_come_as_were_asked_for(split: Split) -> None:
    assert len(examples(split)) == 300
    assert all(e.split == split for e in examples(split))


@pytest.mark.parametrize("split", SPLITS)
def test_every_plan_holds_against_its_tools_and_ends_with_one_join(split: Split) -> None:
    for e in examples(split):
        if e.family == "values":
            continue
        lines = [x for x in e.prompt.splitlines(keepends=True)[1:] if re.match(r"\d+\. ", x)]
        text = "".join(lines) + e.target
        plan = Plan.parse(text, tools=e.tools)
        assert plan.join is not None
        assert text.count("join(") == 1
        numbers = [int(line.partition(".")[0]) for line in text.splitlines()]
        assert numbers == list(range(1, len(numbers) + 1)), text
        assert len({line.partition(". ")[2] for line in text.splitlines()}) == len(numbers), text


@pytest.mark.parametrize("split", SPLITS)
def test_free_text_stands_in_the_question_as_whole_words(split: Split) -> None:
    seen = 0
    for e in examples(split):
        if e.family in ("values", "next calls"):
            continue
        question = question_line(e.prompt)
        for task in Plan.parse(e.target, tools=e.tools).tasks:
            tool = next(t for t in e.tools if t.name == task.tool)
            for name, value in task.args.items():
                schema = tool.params[name].schema
                if "enum" in schema or briefing.is_formula(name):
                    continue
                for text in value if isinstance(value, (list, tuple)) else (value,):
                    if isinstance(text, str):
                        seen += 1
                        assert generate.stands_in(text, question), (text, question)
    assert seen > 200


@pytest.mark.parametrize("split", SPLITS)
def test_groups_begin_alike_and_prompts_are_those_of_the_briefing(split: Split) -> None:
    for group in groups(split):
        assert len({e.shared for e in group}) == 1
        for e in group:
            if e.family == "values":
                assert e.shared == ""
                assert e.prompt.endswith("Value:")
                value = e.target.strip()
                assert value == briefing.NOTHING or value in e.prompt
            elif e.family != "next calls":
                assert e.shared + e.prompt == briefing.plan_prompt(e.tools, e.question)


@pytest.mark.parametrize("split", SPLITS)
def test_what_is_no_lookup_has_no_calls(split: Split) -> None:
    refused = [e for e in examples(split) if e.family == "no tool fits"]
    assert refused
    assert {e.target for e in refused} == {"1. join()\n"}


@pytest.mark.parametrize("split", SPLITS)
def test_prompts_of_next_calls_go_on_after_results(split: Split) -> None:
    found = [e for e in examples(split) if e.family == "next calls"]
    assert found
    for e in found:
        assert "\nResults:\n1: " in e.prompt
        assert not e.target.startswith("1. ")


def test_the_same_seed_gives_the_same_examples() -> None:
    again = list(generate.groups(7, 120, "train"))
    first = list(generate.groups(7, 120, "train"))
    assert [[(e.shared, e.prompt, e.target) for e in g] for g in again] == [
        [(e.shared, e.prompt, e.target) for e in g] for g in first
    ]
    other = list(generate.groups(8, 120, "train"))
    assert [e.prompt for g in other for e in g] != [e.prompt for g in first for e in g]


@pytest.mark.parametrize("split", SPLITS)
def test_every_family_comes_about_as_often_as_it_should(split: Split) -> None:
    made = [e.family for e in examples(split)]
    assert set(made) == {*FAMILIES, "values"}
    for family, share in {**generate.SHARES, "values": generate.VALUES}.items():
        if family in FAMILIES or family == "values":
            assert made.count(family) >= 0.3 * share * len(made), family


@pytest.mark.parametrize("values", [0.0, 1.0])
def test_plans_and_values_can_be_asked_for_alone(values: float) -> None:
    made = [e.family for group in generate.groups(3, 40, "train", values=values) for e in group]
    assert {family == "values" for family in made} == {values == 1.0}


def test_held_out_tools_are_never_trained_on() -> None:
    train, held = generate.pool("train"), generate.pool("held")
    assert not {s.domain for s in train.plain} & {s.domain for s in held.plain}
    assert all(s.split == "held" for s in held.specs)
    trained_on = {id(s) for s in train.specs}
    assert not any(id(s) in trained_on for s in held.specs)


def test_questions_of_the_splits_share_no_wording_lists() -> None:
    every = ["a {}", "b {}", "c {}", "d {}", "e {}", "f {}"]
    assert set(wordings(every, "train")) | set(wordings(every, "held")) == set(every)
    assert not set(wordings(every, "train")) & set(wordings(every, "held"))
    assert list(wordings(every, "held")) == ["f {}"]
    assert list(wordings(every[:2], "held")) == list(wordings(every[:2], "train")) == every[:2]
    questions = {e.question for e in examples("train")} & {e.question for e in examples("held")}
    assert not questions


def test_a_tool_keeps_its_slots_whatever_it_is_called() -> None:
    spec = Spec(
        names=("weather", "get_weather"),
        slots=(
            Slot("city", "city", aliases=("place",)),
            Slot("units", "choice", choices=("c", "f"), optional=True, aliases=("scale",)),
        ),
        abouts=("what the weather is like",),
        asks=("What is the weather in {city}?",),
        returns={"type": "string"},
    )
    plain, params = build_tool(spec, random.Random(1), vary=False)
    assert (plain.name, params) == ("weather", {"city": "city", "units": "units"})
    assert briefing.tool_line(plain) == 'weather(city, units?: "c"|"f") -> text: what the weather is like'
    seen = set()
    for seed in range(300):
        tool, params = build_tool(spec, random.Random(seed))
        assert list(tool.params) == [params["city"], params["units"]]
        assert [p.required for p in tool.params.values()] == [True, False]
        seen.add((tool.name, *params.values(), tool.description, tool.returns is None))
        if tool.name not in spec.names and "eather" not in tool.name:
            assert tool.description, "a name that says nothing needs a description"
    assert {name for _, name, *_ in seen} == {"city", "place"}
    assert len(seen) > 20
