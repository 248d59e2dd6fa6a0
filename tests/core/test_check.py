"""A plan against its tools: binding, types, references. Nothing is called."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from llmcompiler import Each, Join, Plan, PlanError, Ref, Task, Template, Tool, ToolRegistry, tool
from llmcompiler.check import PlanChecker, check_plan


class Country(BaseModel):
    name: str
    cities: list[str]
    area: float
    capital: Capital | None = None


class Capital(BaseModel):
    name: str
    people: int


@tool
def country(name: str) -> Country:
    raise NotImplementedError


@tool
def people(city: str) -> int:
    raise NotImplementedError


@tool
def total(values: list[float], unit: Literal["m", "km"] = "m") -> float:
    raise NotImplementedError


@tool
def free(anything: Any) -> Any:
    raise NotImplementedError


TOOLS = ToolRegistry([country, people, total, free])


def codes(*tasks: Task, tools: ToolRegistry = TOOLS, join: Join | None = None) -> list[str]:
    try:
        check_plan(Plan(tasks, join), tools)
    except PlanError as e:
        return [d.code for d in e.diagnostics]
    return []


def only(*tasks: Task) -> Any:
    with pytest.raises(PlanError) as caught:
        check_plan(Plan(tasks), TOOLS)
    assert len(caught.value.diagnostics) == 1
    return caught.value.diagnostics[0]


def test_positional_arguments_get_their_names_and_scalars_are_coerced() -> None:
    plan = check_plan(
        Plan((Task(1, "total", {"0": [1, 2], "1": "km"}), Task(2, "people", {"0": 94110}))), TOOLS
    )
    assert plan[1].args == {"values": [1, 2], "unit": "km"}
    assert plan[2].args == {"city": "94110"}


@pytest.mark.parametrize(
    ("task", "code", "hint"),
    [
        (Task(1, "peeple", {"city": "x"}), "unknown-tool", "did you mean `people`?"),
        (Task(1, "nothing_like_it"), "unknown-tool", "there are: country, people, total, free"),
        (Task(1, "people", {}), "missing-argument", "call it as people(city: str) -> int"),
        (Task(1, "people", {"0": "a", "1": "b"}), "extra-argument", "call it as"),
        (Task(1, "people", {"city": "a", "town": "b"}), "extra-argument", "call it as"),
        (Task(1, "people", {"0": "a", "city": "b"}), "duplicate-argument", ""),
        (Task(1, "total", {"values": "many"}), "wrong-type", "it takes list[float]"),
        (Task(1, "total", {"values": [1], "unit": "mile"}), "wrong-type", '"m" | "km"'),
        (Task(1, "people", {"city": Ref(2)}), "forward-reference", "written before it"),
        (Task(1, "people", {"city": Ref(1)}), "self-reference", "written before it"),
        (Task(5, "people", {"city": Ref(3)}), "unknown-reference", "written before it"),
        (Task(0, "people", {"city": "a"}), "bad-id", ""),
        (Task(1, "people", {"city": "a"}, each=Each("c", ["a"])), "unsupported", "one call a line"),
        (Task(1, "people", {"city": "<result of task 1>"}), "wrong-type", "as $1 or $1.field"),
    ],
)
def test_one_problem_one_diagnostic(task: Task, code: str, hint: str) -> None:
    found = only(task)
    assert found.code == code
    assert hint in found.hint
    assert found.severity == "error"


@pytest.mark.parametrize(
    "text", ["<b>bold</b>", "<html>", "{a: 1}", "[1, 2]", "the result of it", "x < y > z"]
)
def test_text_that_is_no_placeholder_is_left_alone(text: str) -> None:
    assert codes(Task(1, "people", {"city": text})) == []


@pytest.mark.parametrize(
    ("ref", "param", "code"),
    [
        (Ref(1, ("name",)), "city", None),
        (Ref(1, ("cities", 0)), "city", None),
        (Ref(1, ("capital", "people")), "city", None),
        (Ref(1, ("citys",)), "city", "unknown-field"),
        (Ref(1, ("capital", "mayor")), "city", "unknown-field"),
        (Ref(1, ("cities", "first")), "city", "unknown-field"),
        (Ref(1, ("area", "x")), "city", "unknown-field"),
        (Ref(1), "city", "wrong-type"),
        (Ref(1, ("cities",)), "city", "wrong-type"),
        (Ref(2), "city", None),
        (Ref(2, ("what", "ever")), "city", None),
    ],
)
def test_references_are_checked_by_declared_result_types(ref: Ref, param: str, code: str | None) -> None:
    tasks = (Task(1, "country", {"name": "Norway"}), Task(2, "free", {"anything": 1}))
    found = codes(*tasks, Task(3, "people", {param: ref}))
    assert found == ([code] if code else [])
    in_text = codes(*tasks, Task(3, "people", {param: Template(("city ", ref))}))
    assert in_text == ([code] if code == "unknown-field" else [])


def test_a_field_that_is_not_there_names_those_that_are() -> None:
    found = list(_errors(Task(1, "country", {"name": "x"}), Task(2, "people", {"city": Ref(1, ("Name",))})))
    assert found[0].hint == "did you mean `name`? its fields are area, capital, cities, name"


def _errors(*tasks: Task) -> Any:
    with pytest.raises(PlanError) as caught:
        check_plan(Plan(tasks), TOOLS)
    return caught.value.diagnostics


def test_a_quoted_reference_is_the_value_where_text_can_not_be_meant() -> None:
    plan = check_plan(
        Plan(
            (
                Task(1, "free", {"0": 1}),
                Task(2, "total", {"0": Template((Ref(1),))}),
                Task(3, "people", {"0": Template((Ref(1),))}),
            )
        ),
        TOOLS,
    )
    assert plan[2].args == {"values": Ref(1)}
    assert plan[3].args == {"city": Template((Ref(1),))}


def test_everything_wrong_is_reported_at_once() -> None:
    found = codes(
        Task(1, "peeple"),
        Task(2, "people"),
        Task(3, "people", {"0": Ref(9), "town": "x"}),
        Task(4, "total", {"0": 1}),
    )
    assert found == ["unknown-tool", "missing-argument", "forward-reference", "extra-argument", "wrong-type"]


def test_a_problem_without_a_place_in_a_text_names_its_task() -> None:
    with pytest.raises(PlanError, match=r"task 2: error \[unknown-tool\] there is no tool `peeple`"):
        check_plan(Plan((Task(2, "peeple"),)), TOOLS)


def test_what_refers_to_a_broken_task_is_not_blamed() -> None:
    assert codes(Task(1, "peeple", {}), Task(2, "people", {"0": Ref(1)})) == ["unknown-tool"]


def test_join_on_a_task_that_is_not_there() -> None:
    assert codes(Task(1, "people", {"0": "x"}), join=Join(Ref(7))) == ["unknown-reference"]


def test_a_long_text_that_looks_like_a_placeholder_takes_no_time() -> None:
    assert codes(Task(1, "people", {"city": "<" + "result " * 20_000})) == []


def test_a_checked_plan_can_be_copied_and_pickled_without_its_tools() -> None:
    plan = check_plan(Plan((Task(1, "people", {"0": "x"}),), Join(Ref(1))), TOOLS)
    for other in (pickle.loads(pickle.dumps(plan)), copy.deepcopy(plan), copy.copy(plan)):
        assert other == plan
        assert check_plan(other, TOOLS) == plan


@pytest.mark.parametrize("name", ["²", "٣", "9" * 5_000, "-1", "0x1"])
def test_a_name_of_odd_digits_is_a_name(name: str) -> None:
    assert codes(Task(1, "people", {"city": "x", name: 1})) == ["extra-argument"]


def test_checking_is_remembered_for_the_same_registry_only() -> None:
    plan = check_plan(Plan((Task(1, "people", {"0": "x"}),)), TOOLS)
    assert check_plan(plan, TOOLS) is plan
    with pytest.raises(PlanError):
        check_plan(plan, ToolRegistry([total]))


def test_a_mended_task_may_refer_to_what_came_after_it() -> None:
    checker = PlanChecker(TOOLS)
    checker.check(Task(1, "peeple", {}))
    checker.check(Task(2, "free", {"0": 1}))
    bound, found = checker.check(Task(1, "people", {"0": Ref(2)}), again=True)
    assert bound is not None
    assert found == []


def test_schema_tools_are_checked_the_same_way() -> None:
    made = Tool.from_schema(
        "look",
        {
            "type": "object",
            "properties": {"q": {"type": "string"}, "n": {"type": "integer"}},
            "required": ["q"],
        },
        lambda **a: a,
        returns={"type": "object", "properties": {"hits": {"type": "array", "items": {"type": "string"}}}},
    )
    tools = ToolRegistry([made, people])
    assert (
        codes(
            Task(1, "look", {"0": "a", "n": "5"}), Task(2, "people", {"0": Ref(1, ("hits", 0))}), tools=tools
        )
        == []
    )
    assert codes(Task(1, "look", {"n": "x"}), tools=tools) == ["wrong-type", "missing-argument"]
    assert codes(Task(1, "look", {"0": "a"}), Task(2, "people", {"0": Ref(1, ("hit",))}), tools=tools) == [
        "unknown-field"
    ]
    assert codes(Task(1, "look", {"0": "a", "colour": 1}), tools=tools) == ["extra-argument"]


def test_recursive_result_types_do_not_hang() -> None:
    node: dict[str, Any] = {
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
        "$ref": "#/$defs/node",
    }
    loop: dict[str, Any] = {
        "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}},
        "$ref": "#/$defs/a",
    }
    for returns in (node, loop):
        made = Tool.from_schema("tree", {"type": "object", "properties": {}}, lambda: None, returns=returns)
        codes(
            Task(1, "tree"),
            Task(2, "people", {"0": Ref(1, ("next",) * 9)}),
            tools=ToolRegistry([made, people]),
        )
