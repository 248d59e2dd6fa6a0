"""What Python code means as a plan: each construct of the subset, and the tasks it becomes."""

from __future__ import annotations

from pathlib import Path

import pytest
from planner_kit import TOOLS, lookup, search

from llmcompiler.guards import Compare, Not
from llmcompiler.plan import Each, Join, Plan, Task
from llmcompiler.tools import Tool, ToolRegistry, tool
from llmcompiler.values import Ref, Template, Var
from llmcompiler_planners.pycode import plan_to_python, read_python_plan


def plan_of(code: str, tools: ToolRegistry | None = TOOLS) -> Plan:
    plan, diagnostics = read_python_plan(code, tools)
    assert [d.render() for d in diagnostics] == []
    return plan


def cases() -> dict[str, tuple[str, str]]:
    """Code and plan by name, from the file beside."""
    found = {}
    text = Path(__file__).with_name("python_plans.txt").read_text(encoding="utf-8")
    for block in text.split("\n== ")[1:]:
        name, _, rest = block.partition("\n")
        code, _, plan = rest.partition("\n=>\n")
        found[name] = (code, plan.strip())
    return found


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_code_becomes_a_plan(name: str) -> None:
    code, text = CASES[name]
    assert str(plan_of(code)) == text


@pytest.mark.parametrize("name", [n for n in CASES if n != "unknown tool"])
def test_the_plan_of_code_prints_and_reads_as_the_same_plan(name: str) -> None:
    plan = plan_of(CASES[name][0])
    assert plan_of(plan_to_python(plan, TOOLS)) == plan


# -- the plan itself ------------------------------------------------------------------------------


def test_tasks_hold_values_of_the_plan_language() -> None:
    plan = plan_of(
        'a = search("K2", limit=3)\nfor c in a.cities:\n    if c.ok:\n        send("x", f"{c.name}!")\n'
        "if not a.height > 3:\n    calculate(a.height)"
    )
    assert plan == Plan(
        (
            Task(1, "search", {"0": "K2", "limit": 3}),
            Task(
                2,
                "send",
                {"0": "x", "1": Template((Var("c", ("name",)), "!"))},
                Each("c", Ref(1, ("cities",))),
                plan.tasks[1].when,
            ),
            Task(3, "calculate", {"0": Ref(1, ("height",))}, None, Not(Compare(">", Ref(1, ("height",)), 3))),
        ),
        Join(),
    )
    assert [t.depends_on for t in plan.tasks] == [(), (1,), (1,)]


def test_tasks_know_where_they_stand() -> None:
    plan = plan_of('# both\na = search("é")\nif a:\n    send(to="é", body=a.name)')
    span = plan.tasks[1].span
    assert span is not None
    assert (span.start.line, span.start.column, str(span.start.source)) == (
        4,
        5,
        '    send(to="é", body=a.name)',
    )
    assert {k: p.column for k, p in span.args.items()} == {"to": 13, "body": 23}


def test_comments_and_docstrings_are_thoughts() -> None:
    plan = plan_of('"""Find it."""\n# First.\na = search("x")  # not this\n# Then\n#   that.\nsend("x", "y")')
    assert [t.thought for t in plan.tasks] == ["Find it.\nFirst.", "Then\nthat."]


def test_a_thought_line_is_a_thought() -> None:
    plan = plan_of('Thought: I should search\na = search("x")')
    assert plan.tasks[0].thought == "I should search"


def test_prose_round_the_code_is_passed_over_with_a_warning() -> None:
    plan, found = read_python_plan('Sure! Here is the plan:\n\na = search("x")\nDone', TOOLS)
    assert [t.tool for t in plan.tasks] == ["search"]
    assert [(d.code, d.severity, d.line) for d in found] == [
        ("unrecognised", "warning", 1),
        ("unrecognised", "warning", 4),
    ]


def test_without_tools_any_name_is_a_tool() -> None:
    plan = plan_of('a = wiki.search("x", from_="y")\nreturn mine(a, class_=1)', None)
    assert [t.tool for t in plan.tasks] == ["wiki.search", "mine"]
    assert plan.tasks[0].args == {"0": "x", "from": "y"}
    assert plan.tasks[1].args == {"0": Ref(1), "class": 1}


def test_a_tool_with_the_name_of_a_builtin_is_the_tool() -> None:
    @tool(name="sum")
    def total(xs: list[int]) -> int:
        return len(xs)

    @tool(name="print")
    def printed(text: str) -> None: ...

    plan = plan_of('a = sum([1, 2])\nprint("x")\nreturn a', ToolRegistry([total, printed]))
    assert str(plan) == '1. sum([1, 2])\n2. print("x")\n3. join($1)'


def test_keywords_of_python_are_parameters_with_an_underscore() -> None:
    schema = {"type": "object", "properties": {"from": {"type": "string"}, "to-x": {"type": "string"}}}
    mail = Tool.from_schema("mail", schema, lambda **a: a)
    plan = plan_of('mail(from_="a", to_x="b")', ToolRegistry([mail]))
    assert plan.tasks[0].args == {"from": "a", "to-x": "b"}
    assert plan_to_python(plan, ToolRegistry([mail])) == 'mail(from_="a", to_x="b")\nreturn'


def test_names_that_two_tools_share_are_said_in_quotes() -> None:
    one, two = (Tool.from_schema(n, {"type": "object"}, lambda: 1) for n in ("a-b", "a.b"))
    both = ToolRegistry([one, two])
    plan = plan_of('tools["a-b"]()\na.b()', both)
    assert [t.tool for t in plan.tasks] == ["a-b", "a.b"]
    assert plan_to_python(plan, both).splitlines()[:2] == ['tools["a-b"]()', 'tools["a.b"]()']


def test_the_offered_calculator_computes() -> None:
    @tool(effect="write")
    def log(formula: str) -> None: ...

    @tool
    def evaluate(formula: str) -> float:
        return 0.0

    @tool(effect="pure")
    def pure_one(expression: str, digits: int = 3) -> float:
        return 0.0

    plan = plan_of('a = search("x")\nreturn a.height * 2', ToolRegistry([search, log, evaluate, pure_one]))
    assert str(plan.tasks[1]) == '2. pure_one(expression="${1.height} * 2")'
    plan = plan_of('a = search("x")\nreturn a.height * 2', ToolRegistry([search, log, evaluate]))
    assert plan.tasks[1].tool == "evaluate"


def test_without_a_calculator_a_returned_computation_is_left_to_the_joiner() -> None:
    plan, found = read_python_plan('a = search("x")\nreturn a.height * 2', ToolRegistry([search]))
    assert str(plan) == '1. search("x")\n2. join()'
    assert [(d.severity, d.column) for d in found] == [("warning", 8)]


def test_items_of_a_tool_that_skips_failures_are_not_counted() -> None:
    @tool(on_item_error="skip")
    def shaky(x: str) -> int:
        return 1

    plan, found = read_python_plan(
        'a = [shaky(c) for c in ["p", "q"]]\nb = [str(x) for x in a]', ToolRegistry([shaky, lookup])
    )
    assert len(plan.tasks) == 1
    assert "each item of a list that is known only when the plan runs" in found[0].message


# -- printing -------------------------------------------------------------------------------------


def test_a_plan_is_printed_as_python() -> None:
    text = """\
Thought: two heights
1. search("K2")
2. search("Everest", limit=3)
3. calculate("${1.height} / ${2.height}")
4. for c in $1.cities: if c.ok: geo.look-up(c.name, level="city")
5. if $3 > 1.4 and not ($1.a or $2["k k"]): send("me", {"a": [$1, None, -1.5, "$$5 {x}"], "b": "${1[\\"it's\\"]}!"})
6. join($3.value)"""
    plan = Plan.parse(text)
    printed = plan_to_python(plan, TOOLS)
    assert (
        printed
        == """\
# two heights
r1 = search("K2")
r2 = search("Everest", limit=3)
r3 = calculate(f"{r1.height} / {r2.height}")
[geo_look_up(c.name, level="city") for c in r1.cities if c.ok]
if r3 > 1.4 and not (r1.a or r2["k k"]):
    send("me", {"a": [r1, None, -1.5, "$5 {x}"], "b": (str(r1["it's"]) + "!")})
return r3.value"""
    )
    assert plan_of(printed) == plan


@pytest.mark.parametrize(
    ("value", "error"),
    [(float("nan"), ValueError), ({1: 2}, TypeError), (b"x", TypeError), ({"k": {3}}, TypeError)],
)
def test_what_has_no_literal_is_not_printed(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        plan_to_python(Plan((Task(1, "f", {"x": value}),)))
