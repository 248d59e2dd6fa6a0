"""One plan, four forms: whatever a model writes in, the compiler gets the same plan and the same diagnostics.

The corpus lies in `forms/`, its format is told in `forms_kit.load`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from forms_kit import (
    FORMS,
    GOOD,
    LONG,
    ODD,
    PLAIN,
    PLANNERS,
    WRONG,
    Case,
    FormName,
    Native,
    Reply,
    both,
    collected,
    named,
    normal,
    pieces,
    question,
    read,
    stream,
)
from forms_tools import TOOLS
from hypothesis import HealthCheck, assume, given, settings
from test_planner_python_properties import is_decided, numbered

from llmcompiler import LLMCompiler
from llmcompiler.check import check_plan
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import ModelStreamBroken, PlanError
from llmcompiler.plan import Plan, Task
from llmcompiler.protocols import Answer, JoinContext
from llmcompiler.testing import ScriptedModel
from llmcompiler.tools import ToolRegistry
from llmcompiler_planners.call_schemas import native_names
from llmcompiler_planners.json_tasks import json_plan_text, value_text
from llmcompiler_planners.pycode import plan_to_python
from tests.language import strategies


def found(plan: Plan, told: Iterable[Diagnostic]) -> list[tuple[str, int | None]]:
    """The codes of what is wrong with a plan."""
    try:
        check_plan(plan, TOOLS, diagnostics=told)
    except PlanError as e:
        return [(d.code, d.task_id) for d in e.diagnostics if d.severity == "error"]
    return []


# -- the same plan --------------------------------------------------------------------------------


def test_the_corpus_is_not_empty() -> None:
    assert len(GOOD) >= 60
    assert len(WRONG) >= 20
    assert sum(set(case.replies) == set(FORMS) for case in GOOD) >= 45
    assert len({str(case) for case in [*GOOD, *WRONG]}) == len(GOOD) + len(WRONG)
    assert all(len(read("text", case.replies["text"])[0].tasks) == 200 for case in LONG)


@pytest.mark.parametrize("case", named(GOOD))
async def test_every_form_compiles_to_the_same_plan(case: Case) -> None:
    text, _ = read("text", case.replies["text"])
    wanted = normal(check_plan(text, TOOLS))
    for form, reply in case.replies.items():
        plan, told = read(form, reply)
        assert case in ODD or not told, form
        assert not [d for d in told if d.severity == "error"], form
        assert [t.id for t in plan.tasks] == list(range(1, len(plan.tasks) + 1)), form
        assert normal(check_plan(plan, TOOLS, diagnostics=told)) == wanted, form
        planned, planner_told = collected(await stream(case, form).items(pieces(reply, [])))
        assert normal(planned) == normal(plan), form
        assert planner_told == told, form


@pytest.mark.parametrize("case", named(c for c in [*GOOD, *WRONG] if c.unsayable))
async def test_what_a_form_can_not_say_is_refused_or_left_out(case: Case) -> None:
    for form, reply in case.unsayable.items():
        assert form == "calls" or case in WRONG
        if not isinstance(reply, Native):
            continue
        plan, told = read(form, reply)
        assert all(t.each is None and t.when is None for t in plan.tasks)
        if reply.calls:
            assert {code for code, _ in found(plan, told)} == {"extra-argument"}
        elif reply.said:
            assert await stream(case, form).items(pieces(reply, [])) == [Answer(reply.said)]


def printed(plan: Plan, tools: ToolRegistry | None) -> dict[FormName, Reply]:
    """The plan in all forms that can say it, by their printers."""
    replies: dict[FormName, Reply] = {
        "text": str(plan),
        "json": json_plan_text(plan),
        "python": plan_to_python(plan, tools),
    }
    if not any(t.each is not None or t.when is not None for t in plan.tasks):
        names = native_names(tools or {})
        calls = [(names.get(t.tool, t.tool), native_arguments(t)) for t in plan.tasks]
        if plan.join is not None and plan.join.ref is not None:
            calls.append(("join", json.dumps({"of": str(plan.join.ref)})))
        replies["calls"] = Native("", tuple(calls))
    return replies


def native_arguments(task: Task) -> str:
    args = {name: value_text(value) for name, value in task.args.items()}
    positional = bool(args) and all(name.isdigit() for name in args)
    return json.dumps(list(args.values()) if positional else args)


@pytest.mark.parametrize("case", named(GOOD))
def test_what_is_printed_in_a_form_is_read_as_the_same_plan(case: Case) -> None:
    plan = check_plan(read("text", case.replies["text"])[0], TOOLS)
    replies = printed(plan, TOOLS)
    assert {*case.replies} <= {*replies}
    for form, reply in replies.items():
        again, told = read(form, reply)
        assert not told, form
        assert normal(check_plan(again, TOOLS)) == normal(plan), form


@given(strategies.plans())
@settings(deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_plan_is_the_same_in_every_form(plan: Plan) -> None:
    assume(plan.tasks and not any(t.when is not None and is_decided(t.when) for t in plan.tasks))
    plan = numbered(plan)
    for form, reply in printed(plan, None).items():
        again, told = read(form, reply, None)
        assert not told, form
        assert normal(again) == normal(plan), form


# -- the same run ---------------------------------------------------------------------------------


class Observed:
    """A joiner that answers with what it sees."""

    async def join(self, context: JoinContext) -> Answer:
        return Answer({o.task.id: o.outcome.to_dict() for o in context.observations})


@pytest.mark.parametrize("case", named([*PLAIN, *ODD]))
async def test_every_form_runs_to_the_same_outcomes(case: Case) -> None:
    results = {}
    for form, reply in case.replies.items():
        chunks = [(0.0, chunk) for chunk in pieces(reply, range(0, 10_000, 50))]
        model = ScriptedModel([chunks], features=["chat", "tools"])
        async with LLMCompiler(TOOLS, model=model, planner=PLANNERS[form], joiner=Observed()) as compiler:
            result = await compiler.run(question(case), output_type=Any)
        results[form] = repr(result.output), {i: t.outcome.to_dict() for i, t in result.tasks.items()}
        assert len(model.requests) == 1, form
    assert len(results) >= 2
    assert all(result == results["text"] for result in results.values())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("a diamond", [[8012, 8022], "a!"]),
        ("two dollar signs are one", {"show": [["costs $5, $$ and $1 and ${1}", ""], ["$1", ""]]}),
        (
            "keys, items and blanks inside of text",
            {"show": [["first: K2 5, K2, #5.", ""], ["also K2 5", ""]]},
        ),
        ("a sum of five", float(sum(map(ord, "8011 + 8021 + 8031 + 8041 + 8051")))),
    ],
)
async def test_a_plan_gives_these_values_in_every_form(form: FormName, name: str, output: Any) -> None:
    case = next(c for c in PLAIN if c.name == name)
    plan, _ = read(form, case.replies[form])
    async with LLMCompiler(TOOLS) as compiler:
        result = await compiler.execute(plan)
    if isinstance(output, dict):
        ((tool_name, values),) = output.items()
        assert [t.outcome.value for t in result.tasks.values() if t.task.tool == tool_name] == values
    else:
        assert result.output == output


# -- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "form"), both(WRONG))
async def test_what_is_wrong_has_the_same_codes_in_every_form(case: Case, form: FormName) -> None:
    wanted = sorted(case.codes[form], key=str)
    plan, told = read(form, case.replies[form])
    assert sorted(found(plan, told), key=str) == wanted
    try:
        items = await stream(case, form).items(pieces(case.replies[form], []))
    except ModelStreamBroken:
        assert "bracket" in case.name
    else:
        assert sorted(found(*collected(items)), key=str) == wanted


def test_forms_differ_in_what_is_wrong_only_where_it_is_written_down() -> None:
    differing = {
        case.name: sorted({form for form in case.replies if case.codes[form] != case.codes["text"]})
        for case in WRONG
    }
    assert {name: forms for name, forms in differing.items() if forms} == DIFFERENCES


PYTHON_NAMES = ["python"]  # a name that nothing was assigned to: Python has no later results to refer to
DIFFERENCES = {
    "a later result": PYTHON_NAMES,
    "a later result in text": PYTHON_NAMES,
    "its own result": PYTHON_NAMES,
    "a result that is nowhere": PYTHON_NAMES,
    "an item of a result that is nowhere": PYTHON_NAMES,
    "a list that is nowhere": PYTHON_NAMES,
    "a condition on a result that is nowhere": PYTHON_NAMES,
    "a reference that can not be read": PYTHON_NAMES,
    # `"$2"` is money where there is no task 2 yet; plan text has bare references, which are none.
    "a later result whole": ["calls", "json", "python"],
    # A join takes the number of a call.
    "a join of a task that is nowhere": ["calls"],
    # Strict schemas make models write null for what they leave out.
    "nothing for an optional argument": ["calls", "json"],
    # Plan text takes the last one and warns; Python takes it, as Python does.
    "a key twice": ["calls", "json"],
    "keys that are numbers": ["calls", "json", "python"],
    # Plan text is mended: its lines begin with numbers.
    "a bracket too few in the middle": ["calls", "json", "python"],
}


@pytest.mark.parametrize("form", FORMS)
async def test_the_same_call_is_mended_in_every_form(form: FormName) -> None:
    """A bad call does not stop the good ones, and is asked for again."""
    case = next(c for c in WRONG if c.name == "no such tool")
    mended: dict[FormName, Reply] = {
        "text": '2. search("Everest")',
        "json": '{"tasks": [{"id": 2, "tool": "search", "args": {"query": "Everest"}}], "join": ""}',
        "calls": Native("", (("search", '{"query": "Everest"}'),)),
        "python": 'r2 = search("Everest")',
    }
    replies = [[(0.0, c) for c in pieces(reply, [])] for reply in (case.replies[form], mended[form])]
    model = ScriptedModel(replies, features=["chat", "tools"])
    async with LLMCompiler(TOOLS, model=model, planner=PLANNERS[form], joiner=Observed()) as compiler:
        result = await compiler.run(question(case), output_type=Any)
    assert [r.purpose for r in model.requests] == ["plan", "repair"]
    assert {i: t.task.tool for i, t in result.tasks.items()} == {1: "search", 2: "search", 3: "show"}
    assert all(t.outcome.status == "succeeded" for t in result.tasks.values())
