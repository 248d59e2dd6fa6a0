"""A plan against its tools: binding, types, references. Nothing is called."""

from __future__ import annotations

import copy
import decimal
import pickle
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from llmcompiler import Each, Join, Plan, PlanError, Ref, Task, Template, Tool, ToolRegistry, Var, tool
from llmcompiler.check import PlanChecker, check_plan
from llmcompiler.guards import Compare, Truth
from llmcompiler.language import parse_plan


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
        (Task(1, "people", {"city": Var("c")}), "bad-reference", "refer to tasks by number, as in `$1`"),
        (Task(1, "people", {"city": Var("d")}, Each("c", [])), "bad-reference", "the variable here is `c`"),
        (Task(1, "people", {"city": "<result of task 1>"}), "wrong-type", "as $1 or $1.field"),
    ],
)
def test_one_problem_one_diagnostic(task: Task, code: str, hint: str) -> None:
    found = only(task)
    assert found.code == code
    assert hint in found.hint
    assert found.severity == "error"


@pytest.mark.parametrize(
    "text",
    ["<b>bold</b>", "<html>", "{a: 1}", "{a: 1, result: fine}", "[1, 2]", "the result of it", "x < y > z"],
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


# -- for and if ------------------------------------------------------------------


class Trip(BaseModel):
    stops: list[Capital]
    days: int


@tool
def trip(name: str) -> Trip:
    raise NotImplementedError


@tool
def named(prefix: str) -> dict[str, int]:
    raise NotImplementedError


@tool(on_item_error="collect")
def collecting(name: str) -> Country:
    raise NotImplementedError


@tool(on_item_error="skip")
def skipping(name: str) -> Country:
    raise NotImplementedError


@tool
def price(name: str) -> decimal.Decimal:
    raise NotImplementedError


@tool(fallback=country)
def guessing(name: str) -> Capital:
    raise NotImplementedError


@tool
def checked(name: str) -> bool:
    raise NotImplementedError


LOOPS = ToolRegistry(
    [country, people, total, free, trip, named, collecting, skipping, price, guessing, checked]
)
HEAD = """
1. country("Norway")
2. free(1)
3. trip("Fjords")
4. people("Oslo")
"""


def found(text: str, **options: Any) -> list[Any]:
    plan, diagnostics = parse_plan(HEAD + text)
    assert diagnostics == []
    try:
        check_plan(plan, LOOPS, **options)
    except PlanError as e:
        return [d for d in e.diagnostics if d.severity == "error"]
    return []


@pytest.mark.parametrize(
    "text",
    [
        "5. for city in $1.cities: people(city)",
        "5. for stop in $3.stops: people(stop.name)",
        "5. for stop in $3.stops: people(stop.people)",
        '5. for stop in $3.stops: people("${stop.name}, $1")',
        "5. for stop in $3.stops: free([stop, {'n': stop.name}])",
        "5. for x in $2: people(x)",
        "5. for x in $2.rows: people(x.what.ever)",
        "5. for x in ['a', $1.name, $2.b, $4]: people(x)",
        "5. for x in [{'n': 1}, {'n': 'b', 'm': 2}, $2, $3.stops[0]]: free(x)",
        "5. for x in [{'n': 1}, $2]: people(x.n)",
        "5. for x in []: people(x)",
        "5. for x in [[1], $2.list]: total(x)",
        "5. for x in [1, 'many']: if x != 'many': total([x])",
        "5. for x in [[1], 'many']: if x != 'many': total(x)",
        "5. for x in [{'n': 1}, {}]: if 'n' in x: people(x.n)",
        "5. for city in $1.cities: people(city)\n6. total($5)\n7. people($5[0])\n8. for n in $5: total([n])",
        "5. for n in ['a']: country(n)\n6. people($5[0].name)\n7. people($5[-1].cities[0])",
        "5. for n in ['a']: country(n)\n6. for c in $5: people(c.capital.name)",
        "5. for n in ['a']: country(n)\n6. for c in $5[0].cities: people(c)",
        "5. for n in ['a']: free(n)\n6. people($5[0].what.ever)",
        "5. for n in ['a']: collecting(n)\n6. free($5[0].error)\n7. people($5[0].nme)",
        "5. for n in ['a']: country(n)\n6. free($5[0].error)",
        "5. guessing('a')\n6. people($5.cities[0])",
        "5. for n in ['a']: guessing(n)\n6. people($5[0].cities[0])",
    ],
)
def test_loops_that_can_run(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        (
            "5. for c in $1.citys: people(c)",
            "unknown-field",
            "`$1.citys`: the result of `country` has no field `citys`",
            "did you mean `cities`?",
        ),
        (
            "5. for c in $1: people(c)",
            "wrong-type",
            "`$1` is a record, not a list to go through",
            "did you mean `$1.cities`?",
        ),
        ("5. for c in $3: people(c)", "wrong-type", "`$3` is a record", "did you mean `$3.stops`?"),
        ("5. for c in $1.name: people(c)", "wrong-type", "`$1.name` is text", "let a tool make a list"),
        ("5. for c in $4: people(c)", "wrong-type", "`$4` is a whole number", "let a tool make a list"),
        ("5. for c in $3.stops[0]: free(c.x)", "wrong-type", "`$3.stops[0]` is a record", "let a tool"),
        (
            "5. for c in $3.stops: people(c.nam)",
            "unknown-field",
            "`c.nam`: an item of `$3.stops` has no field `nam`",
            "did you mean `name`? its fields are name, people",
        ),
        (
            "5. for c in $1.cities: people(c.name)",
            "unknown-field",
            "`c.name`: an item of `$1.cities` has no `name`: it is str",
            "use the value as it is",
        ),
        (
            '5. for c in $3.stops: people("${c.nam}")',
            "unknown-field",
            "`c.nam`: an item of `$3.stops` has no field `nam`",
            "did you mean `name`?",
        ),
        (
            "5. for c in $3.stops: free([{'a': c.nam}])",
            "unknown-field",
            "an item of `$3.stops` has no field `nam`",
            "did you mean `name`?",
        ),
        (
            "5. for c in $3.stops: people(c)",
            "wrong-type",
            "`c` is a record, but `city` takes str",
            "its fields are name, people",
        ),
        ("5. for c in $1.cities: total(c)", "wrong-type", "`c` is text, but `values` takes list[float]", ""),
        (
            "5. for c in ['a', ['b'], 'c']: people(c)",
            "wrong-type",
            "item 1 of the list: `city` of `people`: ",
            "it takes str",
        ),
        ("5. for c in ['a', $1]: people(c)", "wrong-type", "item 1 of the list: `$1` is a record", "fields"),
        (
            "5. for c in [$1.nam]: people(c)",
            "unknown-field",
            "the result of `country` has no field `nam`",
            "",
        ),
        (
            "5. for c in [$1]: people(c.nam)",
            "unknown-field",
            "`c.nam`: item 0 of the list, the result of `country`, has no field `nam`",
            "did you mean `name`?",
        ),
        (
            "5. for c in [{'n': 1}, {'m': 1}]: people(c.n)",
            "unknown-field",
            "`c.n`: item 1 of the list has no `n`",
            "its fields are m",
        ),
        ("5. for c in ['<the result of task 1>']: people(c)", "wrong-type", "is a placeholder", "refer to"),
        (
            "5. for c in ['a']: country(c)\n6. people($5.name)",
            "unknown-field",
            "`$5.name`: the result of the `for` 5 has no `name`: it is a list",
            "take it of one item, as in `$5[0].name`, or go through the items with a `for`",
        ),
        (
            "5. for c in ['a']: free(c)\n6. people($5.name)",
            "unknown-field",
            "it is a list",
            "as in `$5[0].name`",
        ),
        (
            "5. for c in ['a']: collecting(c)\n6. people($5.name)",
            "unknown-field",
            "it is a list",
            "as in `$5[0].name`",
        ),
        (
            "5. for c in ['a']: country(c)\n6. people($5[0].nam)",
            "unknown-field",
            "`$5[0].nam`: an item of the results of `country` has no field `nam`",
            "did you mean `name`?",
        ),
        (
            "5. for c in ['a']: skipping(c)\n6. free($5[0].error)",
            "unknown-field",
            "has no field `error`",
            "its fields are",
        ),
        ("5. for c in ['a']: country(c)\n6. people($5)", "wrong-type", "`$5` is a list, but `city`", ""),
        (
            "5. for c in ['a']: country(c)\n6. for d in $5: people(d.nam)",
            "unknown-field",
            "`d.nam`: an item of `$5` has no field `nam`",
            "did you mean `name`?",
        ),
        (
            "5. for c in ['a']: country(c)\n6. for d in $5[0]: people(d)",
            "wrong-type",
            "is a record",
            "cities`?",
        ),
    ],
)
def test_loops_that_can_not_run(text: str, code: str, message: str, hint: str) -> None:
    [problem] = found(text)
    assert problem.code == code
    assert message in problem.message
    assert hint in problem.hint
    assert problem.task_id == (6 if "6." in text else 5)
    assert problem.line > 1


def test_items_are_not_told_of_by_the_hundred() -> None:
    assert len(found(f"5. for c in {[[1]] * 100}: people(c)")) == 3


def test_a_run_that_collects_errors_is_checked_as_one() -> None:
    text = "5. for c in ['a']: country(c)\n6. people($5[0].nam)"
    assert [d.code for d in found(text)] == ["unknown-field"]
    assert found(text, on_item_error="collect") == []
    checker = PlanChecker(LOOPS, on_item_error="collect")
    checker.check(Task(1, "country", {"name": Var("c")}, Each("c", ["a"])))
    assert checker.check(Task(2, "people", {"city": Ref(1, (0, "nam"))}))[1] == []


def test_without_tools_a_loop_is_still_a_list() -> None:
    checker = PlanChecker(None)
    assert checker.check(Task(1, "f", {"0": Var("x")}, Each("x", ["a"])))[1] == []
    _, [problem] = checker.check(Task(2, "g", {"0": Var("y")}, Each("y", Ref(1, ("name",)))))
    assert problem.code == "unknown-field"


@pytest.mark.parametrize("source", ["abc", 5, None, {"a": 1}, Template(("a", Ref(1))), Var("y"), True])
def test_a_loop_made_by_hand_over_no_list(source: Any) -> None:
    head = Task(1, "free", {"anything": 1})
    task = Task(2, "people", {"city": Var("x")}, Each("x", source))
    with pytest.raises(PlanError, match="goes over the result of a task or a list"):
        check_plan(Plan((head, task)), LOOPS)


def test_a_loop_variable_in_its_own_list() -> None:
    assert codes(Task(1, "people", {"city": Var("x")}, Each("x", [Var("x")]))) == ["bad-reference"]


def test_a_loop_that_does_not_use_its_variable_is_a_warning() -> None:
    checker = PlanChecker(LOOPS)
    bound, [problem] = checker.check(Task(1, "people", {"city": "Oslo"}, Each("x", ["a"])))
    assert bound is not None
    assert (problem.severity, problem.code) == ("warning", "unused-variable")
    for args, when in (
        ({"city": Var("x")}, None),
        ({"city": Template(("a ", Var("x")))}, None),
        ({"city": "Oslo"}, Truth(Var("x"))),
    ):
        checker = PlanChecker(LOOPS)
        assert checker.check(Task(1, "people", args, Each("x", ["a"]), when))[1] == []


# -- conditions


@pytest.mark.parametrize(
    "condition",
    [
        "$4 > 3",
        "3 < $4 <= 5.5",
        "$1.area > $4",
        "$1.name > 'A'",
        "$1.name > $3.stops[0].name",
        "$1.cities < ['Oslo']",
        "$1.cities > [1]",
        "$2 > 3 or $2.x < 'a'",
        "$2 in $1.cities",
        "'Oslo' in $1.cities and 'name' in $1 and 'a' in $1.name",
        "3 in $1.cities",
        "$1.name == 3 or $1 != 'a' or $4 == null",
        "$1.capital != None and $1.capital.people > 5",
        "$5 > 3",
        "$5 > '3'",
        "$6 and $6 == true",
        '"${4}" > "3"',
        "not $1 and ($4 or [])",
        "3 in [1, $2]",
        "$2 in {'a': 1}",
    ],
)
def test_conditions_that_can_be_decided(condition: str) -> None:
    assert found(f"5. price('a')\n6. checked('a')\n7. if {condition}: people('x')") == []


@pytest.mark.parametrize(
    ("condition", "code", "message", "hint"),
    [
        ("$1.nam == 'x'", "unknown-field", "`$1.nam`: the result of `country` has no field `nam`", "`name`?"),
        ("not ($4 > 1 and $1.nam)", "unknown-field", "no field `nam`", ""),
        ("'${1.nam}' == 'x'", "unknown-field", "no field `nam`", ""),
        ("$4 in [$1.nam]", "unknown-field", "no field `nam`", ""),
        ("$1.name > 3", "wrong-type", "`$1.name > 3`: text and a number have no order", "`==` and `!=`"),
        ("3 >= $1.name", "wrong-type", "a number and text have no order", ""),
        ("$1.name < $4", "wrong-type", "text and a number have no order", ""),
        ("$1 > 3", "wrong-type", "a record and a number have no order", ""),
        ("$1.cities > 3", "wrong-type", "a list and a number have no order", ""),
        ("$4 > null", "wrong-type", "a number and nothing have no order", ""),
        ("$6 > 0", "wrong-type", "true or false and a number have no order", ""),
        ("$4 > true", "wrong-type", "a number and true or false have no order", ""),
        ("$4 > '3'", "wrong-type", "a number and text have no order", ""),
        ("'$4' > 3", "wrong-type", "text and a number", "text: write `$4` without quotes"),
        ("$1 > $3", "wrong-type", "a record and a record have no order", ""),
        ("3 in $4", "wrong-type", "`in` looks into lists, records and texts, not into a number", ""),
        ("3 not in $1.name", "wrong-type", "`not in` finds only text in text, not a number", ""),
        ("$4 in 'abc'", "wrong-type", "`in` finds only text in text", ""),
        ("3 in null", "wrong-type", "not into nothing", ""),
    ],
)
def test_conditions_that_can_not_be_decided(condition: str, code: str, message: str, hint: str) -> None:
    [problem] = found(f"5. price('a')\n6. checked('a')\n7. if {condition}: people('x')")
    assert problem.code == code
    assert message in problem.message
    assert hint in problem.hint
    assert (problem.task_id, problem.source[:5]) == (7, "7. if")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("5. for s in $3.stops: if s.people > 5 and s.name in $1.cities: people(s.name)", []),
        ("5. for s in $3.stops: if s.nam == 'x': people(s.name)", ["unknown-field"]),
        ("5. for s in $3.stops: if s.name > 5: people(s.name)", ["wrong-type"]),
        ("5. for s in $2: if s.name > 5: people(s.name)", []),
        ("5. for s in [1, 'a']: if s > 5: people(s)", []),
    ],
)
def test_conditions_on_items(text: str, codes: list[str]) -> None:
    assert [d.code for d in found(text)] == codes


def test_a_variable_in_a_condition_without_a_loop() -> None:
    task = Task(1, "people", {"city": "x"}, when=Compare(">", Var("x"), 3))
    with pytest.raises(PlanError, match="`x` is not a loop variable of this task"):
        check_plan(Plan((task,)), LOOPS)


def test_a_condition_on_a_later_task() -> None:
    assert codes(Task(1, "people", {"city": "x"}, when=Truth(Ref(2)))) == ["forward-reference"]
