"""The JSON form: what is written, what is accepted, and what is said about the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pydantic
import pytest

from llmcompiler.diagnostics import CODES
from llmcompiler.errors import PlanError
from llmcompiler.guards import Compare
from llmcompiler.language import (
    PLAN_JSON_SCHEMA,
    parse_plan,
    plan_from_json,
    plan_from_json_text,
    plan_to_json,
    print_plan,
    task_to_json,
)
from llmcompiler.plan import Each, Join, Plan, Task
from llmcompiler.values import Ref, Template, Var
from tests.support.stopwatch import processor_seconds

TEXT = """\
Thought: two searches
1. search("Mount Everest")
2. search(query="K2")
3. calculate("${1.height} / ${2.height}")
4. report(ratio=$3, sources=[$1.url, $2["the url"][-1]], note="costs $$5", extra={"$x": 1})
5. for city in $4.cities: weather(city, at=city.name, text="in ${city.name}")
6. if $3 > 1.4: notify("taller by far")
7. join($3)"""

FORM = {
    "tasks": [
        {"id": 1, "tool": "search", "args": {"0": "Mount Everest"}, "thought": "two searches"},
        {"id": 2, "tool": "search", "args": {"query": "K2"}},
        {"id": 3, "tool": "calculate", "args": {"0": {"$template": "${1.height} / ${2.height}"}}},
        {
            "id": 4,
            "tool": "report",
            "args": {
                "ratio": {"$ref": "3"},
                "sources": [{"$ref": "1.url"}, {"$ref": '2["the url"][-1]'}],
                "note": "costs $5",
                "extra": {"$dict": [["$x", 1]]},
            },
        },
        {
            "id": 5,
            "tool": "weather",
            "args": {
                "0": {"$var": "city"},
                "at": {"$var": "city.name"},
                "text": {"$template": "in ${city.name}"},
            },
            "for": {"name": "city", "in": {"$ref": "4.cities"}},
        },
        {"id": 6, "tool": "notify", "args": {"0": "taller by far"}, "if": "$3 > 1.4"},
    ],
    "join": {"$ref": "3"},
}


def problems(data: Any, **options: Any) -> list[tuple[str, str]]:
    """Codes and places of what is wrong with `data`."""
    with pytest.raises(PlanError) as caught:
        plan_from_json(data, **options)
    for diagnostic in caught.value.diagnostics:
        assert diagnostic.code in CODES
        assert diagnostic.severity == "error"
        assert (diagnostic.line, diagnostic.column) == (0, 0)
        assert diagnostic.render()
    return [(d.code, d.message.split(": ")[0]) for d in caught.value.diagnostics]


def one(**task: Any) -> dict[str, Any]:
    return {"tasks": [{"id": 1, "tool": "f", **task}]}


def test_both_ways() -> None:
    plan, diagnostics = parse_plan(TEXT)
    assert diagnostics == []
    assert plan_to_json(plan) == FORM
    assert plan_from_json(FORM) == plan
    assert plan_from_json_text(json.dumps(FORM)) == plan
    assert task_to_json(plan.tasks[1]) == FORM["tasks"][1]  # type: ignore[index]
    jsonschema.validate(FORM, PLAN_JSON_SCHEMA)


def test_the_join() -> None:
    assert plan_from_json({"tasks": []}) == Plan()
    assert plan_from_json({"tasks": [], "join": None}) == Plan()
    assert plan_from_json({"tasks": [], "join": {}}) == Plan((), Join())
    assert plan_to_json(Plan((), Join())) == {"tasks": [], "join": {}}
    assert problems({"tasks": [], "join": {"$ref": "1"}}) == [("unknown-reference", "join")]
    assert plan_from_json({"tasks": [], "join": {"$ref": "1"}}, earlier=[1]).join == Join(Ref(1))
    for wrong in ("$1", 1, [], {"a": 1}, {"$ref": "1", "x": 2}, {"$template": "${1}"}):
        assert problems({"tasks": [], "join": wrong}) == [("join-arguments", "join")]


@pytest.mark.parametrize("form", ["$1.height", "1.height", "${1.height}", '1["height"]'])
def test_spellings_of_a_reference(form: str) -> None:
    plan = plan_from_json({"tasks": [{"id": 2, "tool": "f", "args": [{"$ref": form}]}]}, earlier=[1])
    assert plan.tasks[0].args == {"0": Ref(1, ("height",))}


def test_an_integer_is_a_reference() -> None:
    plan = plan_from_json({"tasks": [{"id": 2, "tool": "f", "args": [{"$ref": 1}]}]}, earlier=[1])
    assert plan.tasks[0].args == {"0": Ref(1)}


def test_strings_are_never_scanned() -> None:
    args = {"a": "$1", "b": "${1}", "c": "$$", "d": "1. f()", "e": ["$1"], "f": {"x": "$1"}}
    plan = plan_from_json(one(args=args))
    assert plan.tasks[0].args == args
    assert plan.tasks[0].depends_on == ()


def test_a_template_without_references_is_a_string() -> None:
    plan = plan_from_json(one(args={"a": {"$template": "costs $$5"}}))
    assert plan.tasks[0].args == {"a": "costs $5"}


def test_for_and_if() -> None:
    data = {
        "tasks": [
            {"id": 1, "tool": "f"},
            {
                "id": 2,
                "tool": "g",
                "for": {"name": "x", "in": [1, {"$ref": 1}]},
                "if": "$1.n >= 2",
                "args": None,
            },
        ]
    }
    task = plan_from_json(data).tasks[1]
    assert task == Task(2, "g", {}, Each("x", [1, Ref(1)]), Compare(">=", Ref(1, ("n",)), 2))


def test_thoughts_are_normalised() -> None:
    assert plan_from_json(one(thought=" a\r\n\n b ")).tasks[0].thought == "a\nb"
    assert plan_from_json(one(thought=" \n")).tasks[0].thought is None
    assert plan_from_json(one(thought=None)).tasks[0].thought is None


@pytest.mark.parametrize("data", [None, 1, "x", [], True, 1.5, [{"id": 1, "tool": "f"}]])
def test_no_plan_at_all(data: Any) -> None:
    assert problems(data) == [("syntax", "the plan")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, ("syntax", "tasks")),
        ({"tasks": {}}, ("syntax", "tasks")),
        ({"tasks": [], "steps": 1}, ("syntax", "the plan")),
        ({"tasks": [3]}, ("syntax", "tasks[0]")),
        ({"tasks": [{"tool": "f"}]}, ("bad-id", "tasks[0].id")),
        ({"tasks": [{"id": 1}]}, ("syntax", "tasks[0].tool")),
        (one(arguments={}), ("syntax", "tasks[0]")),
        (one(id=0), ("bad-id", "tasks[0].id")),
        (one(id=-1), ("bad-id", "tasks[0].id")),
        (one(id="1"), ("bad-id", "tasks[0].id")),
        (one(id=1.0), ("bad-id", "tasks[0].id")),
        (one(id=True), ("bad-id", "tasks[0].id")),
        (one(id=10**30), ("bad-id", "tasks[0].id")),
        (one(tool=""), ("syntax", "tasks[0].tool")),
        (one(tool="a b"), ("syntax", "tasks[0].tool")),
        (one(tool="f()\n2. g"), ("syntax", "tasks[0].tool")),
        (one(tool=None), ("syntax", "tasks[0].tool")),
        (one(tool="join"), ("syntax", "tasks[0].tool")),
        (one(args=3), ("syntax", "tasks[0].args")),
        (one(args="x"), ("syntax", "tasks[0].args")),
        (one(args={"a b": 1}), ("syntax", "tasks[0].args")),
        (one(args={"$ref": "1"}), ("syntax", "tasks[0].args")),
        (one(args={"1": 1}), ("missing-argument", "tasks[0].args")),
        (one(args={"00": 1}), ("syntax", "tasks[0].args")),
        (one(thought=1), ("syntax", "tasks[0].thought")),
        ({"tasks": [{"id": 1, "tool": "f", "for": []}]}, ("syntax", "tasks[0].for")),
        (
            {"tasks": [{"id": 1, "tool": "f", "for": {"name": "a b", "in": []}}]},
            ("syntax", "tasks[0].for.name"),
        ),
        (
            {"tasks": [{"id": 1, "tool": "f", "for": {"name": "not", "in": []}}]},
            ("syntax", "tasks[0].for.name"),
        ),
        ({"tasks": [{"id": 1, "tool": "f", "for": {"name": "a"}}]}, ("syntax", "tasks[0].for.in")),
        ({"tasks": [{"id": 1, "tool": "f", "if": 1}]}, ("syntax", "tasks[0].if")),
        (one(args={"a": {"$ref": None}}), ("bad-reference", "tasks[0].args.a")),
        (one(args={"a": {"$ref": "x"}}), ("bad-reference", "tasks[0].args.a")),
        (one(args={"a": {"$ref": "1..b"}}), ("bad-reference", "tasks[0].args.a")),
        (one(args={"a": {"$ref": ""}}), ("bad-reference", "tasks[0].args.a")),
        (one(args={"a": {"$ref": "1", "b": 2}}), ("syntax", "tasks[0].args.a")),
        (one(args={"a": {"$reference": "1"}}), ("syntax", "tasks[0].args.a")),
        (one(args={"a": {"$var": "1"}}), ("bad-reference", "tasks[0].args.a")),
        (one(args={"a": {"$var": 1}}), ("bad-reference", "tasks[0].args.a")),
        (one(args={"a": {"$var": "x}${y"}}), ("bad-reference", "tasks[0].args.a")),
        (one(args={"a": {"$template": 1}}), ("bad-reference", "tasks[0].args.a")),
        (one(args={"a": {"$dict": {}}}), ("syntax", "tasks[0].args.a")),
        (one(args={"a": {"$dict": [["k"]]}}), ("syntax", "tasks[0].args.a.$dict[0]")),
        (one(args={"a": {"$dict": [["$k", 1], ["$k", 2]]}}), ("syntax", "tasks[0].args.a.$dict[1]")),
        (one(args={"a": float("nan")}), ("bad-literal", "tasks[0].args.a")),
        (one(args={"a": [1, float("inf")]}), ("bad-literal", "tasks[0].args.a[1]")),
        (one(args={"a": {"x y": {1: 2}}}), ("bad-literal", 'tasks[0].args.a["x y"]')),
        (one(args={"a": {1, 2}}), ("bad-literal", "tasks[0].args.a")),
        (one(args={"a": 10**5000}), ("bad-literal", "tasks[0].args.a")),
    ],
)
def test_every_problem_is_named_by_its_place(data: Any, expected: tuple[str, str]) -> None:
    found = problems(data)
    assert expected in found
    assert {place for _, place in found} == {expected[1]}


def test_all_problems_at_once() -> None:
    data = {
        "tasks": [
            {"id": 1, "tool": "f", "args": {"a": {"$ref": "2"}, "b": {"$ref": "1"}, "c": {"$ref": "99"}}},
            {"id": 2, "tool": "", "args": {"a": {"$ref": "x"}}, "if": "$3 > 1 >"},
            {"id": 2, "tool": "g"},
        ],
        "join": {"$ref": "8"},
    }
    found = problems(data)
    assert [code for code, place in found if place == "tasks[0]"] == [
        "forward-reference",
        "self-reference",
        "unknown-reference",
    ]
    assert ("syntax", "tasks[1].tool") in found
    assert ("bad-reference", "tasks[1].args.a") in found
    assert any(place == "tasks[1].if" for _, place in found)
    assert ("duplicate-id", "tasks[2].id") in found
    assert ("unknown-reference", "join") in found


def test_earlier_rounds() -> None:
    data = {"tasks": [{"id": 5, "tool": "f", "args": {"a": {"$ref": "2.x"}}}], "join": {"$ref": "3"}}
    assert problems(data) == [("unknown-reference", "tasks[0]"), ("unknown-reference", "join")]
    assert plan_from_json(data, earlier=[2, 3]).tasks[0].depends_on == (2,)
    assert plan_from_json_text(json.dumps(data), earlier=iter([2, 3])).join == Join(Ref(3))
    assert problems(data, earlier=[2, 3, 5]) == [("duplicate-id", "tasks[0].id")]


def nested(depth: int) -> Any:
    value: Any = 1
    for i in range(depth):
        value = [value] if i % 2 else {"k": value}
    return value


def test_depth() -> None:
    plan = plan_from_json(one(args={"a": nested(64)}))
    assert plan_from_json(plan_to_json(plan)) == plan
    assert [code for code, _ in problems(one(args={"a": nested(65)}))] == ["too-deep"]
    assert [code for code, _ in problems(one(args={"a": nested(100_000)}))] == ["too-deep"]
    knot: list[Any] = []
    knot.append(knot)
    assert [code for code, _ in problems(one(args={"a": knot}))] == ["too-deep"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "syntax"),
        ("{", "syntax"),
        ("not json", "syntax"),
        ('{"tasks": []} x', "syntax"),
        (b"\xff\xfe{}", "syntax"),
        (b'{"tasks": []', "syntax"),
        ("[" * 500_000, "too-deep"),
        ('{"a":' * 500_000, "too-deep"),
        ('{"tasks": [], "x": NaN}', "bad-literal"),
        ('{"tasks": [{"id": 1, "tool": "f", "args": {"a": -Infinity}}]}', "bad-literal"),
        ('{"tasks": [{"id": 1, "tool": "f", "args": {"a": 1e999}}]}', "bad-literal"),
        ('{"tasks": [{"id": 1, "tool": "f", "args": {"a": ' + "9" * 5000 + "}}]}", "bad-literal"),
        ('{"tasks": [{"id": ' + "9" * 4000 + ', "tool": "f"}]}', "bad-id"),
        ('{"tasks": [{"id": 1, "tool": "f", "args": {"a": 1, "a": 2}}]}', "syntax"),
        ('{"tasks": [], "tasks": []}', "syntax"),
    ],
)
def test_bad_json_text(text: str | bytes, code: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan_from_json_text(text)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert len(str(caught.value)) < 2_000


def test_the_place_of_a_syntax_error() -> None:
    with pytest.raises(PlanError) as caught:
        plan_from_json_text('{\n  "tasks": [oops]\n}')
    (found,) = caught.value.diagnostics
    assert (found.line, found.column, found.source) == (2, 13, '  "tasks": [oops]')
    assert "  " + " " * 12 + "^" in found.render()


def test_a_byte_order_mark_is_ignored() -> None:
    assert plan_from_json_text('\ufeff{"tasks": []}') == Plan()
    assert plan_from_json_text('\ufeff{"tasks": []}'.encode()) == Plan()


def test_reading_is_linear() -> None:
    def read(n: int) -> Callable[[], None]:
        # Every task is wrong in a way that looks for names of other tasks.
        tasks = [{"id": i + 1, "tool": "f", "args": {"a": {"$ref": str(i + 10**6)}}} for i in range(n)]

        def work() -> None:
            with pytest.raises(PlanError):
                plan_from_json({"tasks": tasks})

        return work

    most = 8 * 5 * max(processor_seconds(read(1_000)), 0.01)
    assert processor_seconds(read(8_000), good=most) < most


def test_the_schema_inside_another_one() -> None:
    class Job(pydantic.BaseModel):
        plan: Plan

    schema = Job.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"plan": FORM})
    assert not validator.is_valid({"plan": one(args={"a": [{"$ref": None}]})})
    job = Job.model_validate({"plan": FORM})
    assert job.plan == plan_from_json(FORM)
    assert json.loads(job.model_dump_json()) == {"plan": FORM}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"tasks": [{"id": 1}]},
        one(args={"a": {"$ref": "1", "b": 2}}),
        one(args={"a": {"$x": 1}}),
        one(args=[{"$dict": [["k"]]}]),
        {"tasks": [], "join": {"$ref": []}},
    ],
)
def test_the_schema_refuses(data: Any) -> None:
    assert not jsonschema.Draft202012Validator(PLAN_JSON_SCHEMA).is_valid(data)


@pytest.mark.parametrize(
    "word", ["and", "or", "not", "in", "is", "True", "none", "if", "for", "city", "é", "2", "a b"]
)
def test_loop_variables_are_those_of_text(word: str) -> None:
    data = {"tasks": [{"id": 1, "tool": "f", "for": {"name": word, "in": []}, "args": [{"$var": word}]}]}
    plan, diagnostics = parse_plan(f"1. for {word} in []: f({word})")
    if diagnostics:
        assert ("syntax", "tasks[0].for.name") in problems(data)
    else:
        assert plan_from_json(data) == plan


@pytest.mark.parametrize(
    "name", ["f", "a-b", "a.b", "a.", "é", "join", "Finish", "for", "if", "If", "2f", "a b", "_", "in"]
)
def test_tool_names_are_those_of_text(name: str) -> None:
    plan, diagnostics = parse_plan(f"1. {name}()")
    if diagnostics or not plan.tasks:
        assert problems(one(tool=name)) == [("syntax", "tasks[0].tool")]
    else:
        assert plan_from_json(one(tool=name)) == plan


@pytest.mark.parametrize(
    "name", ["a", "a-b", "a.b", "é", "in", "if", "None", "a b", "2a", "-a", "a=", "$a", "", "_"]
)
def test_names_of_arguments_are_those_of_text(name: str) -> None:
    plan, diagnostics = parse_plan(f"1. f({name}=1)")
    if diagnostics:
        assert problems(one(args={name: 1})) == [("syntax", "tasks[0].args")]
    else:
        assert plan_from_json(one(args={name: 1})) == plan


def test_surrogates_that_make_a_pair_are_one_character() -> None:
    args = {"a": "\ud83d\ude00", "b": {"\ud83d\ude00": "\ud83d"}, "c": {"$template": "\ud83d\ude00"}}
    plan = plan_from_json(one(args=args))
    assert plan.tasks[0].args == {"a": "😀", "b": {"😀": "\ud83d"}, "c": "😀"}
    assert parse_plan(print_plan(plan)) == (plan, [])


def test_forms_of_values() -> None:
    task = Task(2, "f", {"a": Var("x", ("n", 0)), "b": Template(("$", Ref(1)))}, each=Each("x", [1]))
    assert task_to_json(task)["args"] == {"a": {"$var": "x.n[0]"}, "b": {"$template": "$$${1}"}}
