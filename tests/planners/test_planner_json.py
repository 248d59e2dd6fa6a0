"""The JSON planner: tasks as their objects are complete, broken replies, the request, the purposes of a call."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from planner_kit import TOOLS, Peak, collect, collect_into, plan_context, seen

from llmcompiler import LLMCompiler, tool
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import LimitExceeded, ModelReplyInvalid, ModelStreamBroken, UsageError
from llmcompiler.models._chat import is_strict
from llmcompiler.models.base import ModelChunk, ModelRequest, Usage
from llmcompiler.plan import Join, Task
from llmcompiler.protocols import PlanContext, PlanItem
from llmcompiler.testing import RecordingReporter, ScriptedModel, run_virtual
from llmcompiler.tools import ToolRegistry
from llmcompiler.values import Ref, Template
from llmcompiler_planners import Example, JSONPlanner
from llmcompiler_planners.call_schemas import plan_schema
from llmcompiler_planners.json_tasks import JSONPlanReader

PLAN = """{"tasks": [
  {"thought": "two heights", "for": null, "if": null, "id": 1, "tool": "search", "args": {"query": "K2 \\u00e9\\ud83d\\ude00 {\\"[", "limit": null}},
  {"id": 2, "tool": "search", "args": {"query": "costs $$5 or $7", "limit": 3}},
  {"id": 3, "tool": "calculate", "args": {"expression": "${1.height} / $2.height"}},
  {"id": 4, "tool": "send", "args": {"to": "$1.name", "body": "${3}"}}
], "join": "$3"}
"""  # noqa: E501
READ = [
    Task(1, "search", {"query": 'K2 é😀 {"['}, thought="two heights"),
    Task(2, "search", {"query": "costs $5 or $7", "limit": 3}),
    Task(3, "calculate", {"expression": Template((Ref(1, ("height",)), " / ", Ref(2, ("height",))))}),
    Task(4, "send", {"to": Ref(1, ("name",)), "body": Ref(3)}),
]


def tasks(items: list[Any]) -> list[Task]:
    return [i for i in items if isinstance(i, Task)]


def errors(items: list[Any]) -> list[Diagnostic]:
    return [i for i in items if isinstance(i, Diagnostic) and i.severity == "error"]


def read(text: str, size: int | None = None, **options: Any) -> list[Any]:
    reader = JSONPlanReader(**{"tools": TOOLS} | options)
    size = size or len(text) or 1
    items: list[Any] = []
    for at in range(0, len(text), size):
        items += reader.take(text[at : at + size])
    return [*items, *reader.close()]


async def plan(*replies: Any, **changes: Any) -> list[PlanItem]:
    context, _ = plan_context(**changes)
    return await collect(JSONPlanner(ScriptedModel(replies)), context)


# -- streaming and ends -------------------------------------------------------------------------------


class Ending:
    """A model whose one reply ends as told: with a finish reason, or an error."""

    name = "ending"
    features = frozenset({"chat"})

    def __init__(self, text: str, end: str | Exception) -> None:
        self.text, self.end = text, end

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        yield ModelChunk(self.text)
        if isinstance(self.end, Exception):
            raise self.end
        yield ModelChunk("", None, self.end)


@pytest.mark.parametrize("end", ["stop", "length", ModelStreamBroken("the line went dead")], ids=str)
async def test_wherever_the_reply_ends_whole_tasks_stand_and_no_half_one_comes(end: Any) -> None:
    whole = tasks(read(PLAN))
    ends = [PLAN.rindex("}", 0, PLAN.index("\n", PLAN.index(f'"id": {t.id}'))) + 1 for t in whole]
    listed, joined = PLAN.index("]", ends[-1]) + 1, PLAN.index('"$3"}') + 4
    for at in range(len(PLAN)):
        context, _ = plan_context()
        items: list[PlanItem] = []
        raised: Exception | None = None
        try:
            await collect_into(items, JSONPlanner(Ending(PLAN[:at], end)), context)
        except (ModelStreamBroken, ModelReplyInvalid) as e:
            raised = e
        assert tasks(items) == [t for t, e in zip(whole, ends, strict=True) if e <= at], PLAN[:at]
        assert not errors(items)
        assert (Join(Ref(3)) in items) == (at >= joined)
        # Unless the list of tasks is closed, nobody knows that it is all: the rest is asked for.
        assert (raised is None) == (at >= (listed if end == "stop" else joined)), PLAN[:at]
        if raised is not None and at > 20:
            assert raised is end or isinstance(raised, ModelStreamBroken)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(
    st.lists(
        st.text() | st.sampled_from([*'{}[]",:\\', *PLAN.splitlines(True), "tasks", '"tasks": [']),
        max_size=12,
    ),
    st.sampled_from(["plan", "repair", "resume"]),
)
async def test_whatever_the_model_writes_items_or_its_own_error_come(pieces: list[str], purpose: Any) -> None:
    context, spent = plan_context(purpose=purpose, broken=[2] if purpose == "repair" else [])
    items: list[PlanItem] = []
    with contextlib.suppress(ModelReplyInvalid, ModelStreamBroken):
        await collect_into(items, JSONPlanner(ScriptedModel([[(0.0, p) for p in pieces]])), context)
    assert sum(isinstance(i, Join) for i in items) <= (purpose != "repair")
    assert len({t.id for t in tasks(items)}) == len(tasks(items))
    assert spent.total.model_calls == 1


async def test_a_task_comes_as_soon_as_its_object_is_complete() -> None:
    context, _ = plan_context()
    half = '{"tasks": [{"id": 1, "tool": "search", "args": {"query": "K2"}}'
    model = ScriptedModel([[(0.0, half[:20]), (0.0, half[20:]), (3600.0, "]}")]])
    async with aclosing(JSONPlanner(model).plan(context)) as items:
        first = await asyncio.wait_for(anext(items), 5)
    assert isinstance(first, Task)
    assert first.args == {"query": "K2"}
    assert model.cancelled == 1


async def test_nothing_is_read_after_the_plan() -> None:
    for end, expected in (('"join": ""', [Join()]), ('"other": 1}', [])):
        context, spent = plan_context(purpose="resume")
        model = ScriptedModel([[(0.0, '{"tasks": [], ' + end), (0.0, " And now a long story"), (3600.0, "")]])
        items = await asyncio.wait_for(collect(JSONPlanner(model), context), 5)
        assert items == expected
        assert model.cancelled == 1
        assert spent.usages == [Usage(model_calls=1)]


async def test_usage_at_the_end_of_the_reply_is_told() -> None:
    context, spent = plan_context()
    model = ScriptedModel([[(0.0, PLAN[:-3]), (0.0, PLAN[-3:])]])
    await collect(JSONPlanner(model), context)
    assert spent.total == Usage(1, len(model.requests[0].text) // 4 + 1, len(PLAN) // 4 + 1)
    assert spent.allowed == 1


async def test_no_call_is_made_that_is_not_allowed() -> None:
    def no_more() -> None:
        raise LimitExceeded("model_calls", 0)

    model = ScriptedModel([PLAN])
    with pytest.raises(LimitExceeded):
        await collect(JSONPlanner(model), PlanContext("q", TOOLS, allow_call=no_more))
    assert model.requests == []


@pytest.mark.parametrize("reply", ["", "K2 is 8,611 m high.", '{"answer": "K2"}', "[]", "{}"])
async def test_a_reply_without_a_plan_is_an_error_of_the_model(reply: str) -> None:
    with pytest.raises(ModelReplyInvalid, match="no plan|was empty"):
        await plan(reply)


def test_a_task_starts_while_the_plan_is_still_being_written() -> None:
    started: dict[str, float] = {}

    @tool
    async def slow(name: str) -> str:
        """Wait."""
        started[name] = asyncio.get_running_loop().time()
        await asyncio.sleep(1.0)
        return name + "!"

    script = [
        (1.0, '{"tasks": [{"id": 1, "tool": "slow", "args": {"name": "a"}}'),
        (5.0, ', {"id": 2, "tool": "slow", "args": {"name": "$1"}}], "join": "$2"}'),
    ]
    compiler = LLMCompiler([slow], model=ScriptedModel([script]), planner="json")
    result = run_virtual(compiler.run("q"))
    assert result.output == "a!!"
    assert started == {"a": 1.0, "a!": 6.0}


# -- the request ----------------------------------------------------------------------------------


def test_the_schema_is_strict_and_takes_placeholders_for_every_type() -> None:
    schema = plan_schema(TOOLS)
    Draft202012Validator.check_schema(schema)
    assert is_strict(schema)
    assert json.dumps(schema) == json.dumps(plan_schema(ToolRegistry(list(TOOLS.values()))))
    fits = Draft202012Validator(schema).is_valid
    empty: dict[str, Any] = {"tasks": [], "join": ""}
    assert fits(empty)
    search = {"id": 1, "tool": "search", "args": {"query": "K2", "limit": None}}
    assert fits(empty | {"tasks": [search]})
    assert fits(empty | {"tasks": [search | {"args": {"query": "$1.name", "limit": "$1.height"}}]})
    full = {"thought": None, "for": {"name": "c", "in": "$1.a"}, "if": None}
    assert fits(empty | {"tasks": [full | search]})
    level = {"id": 1, "tool": "geo.look-up", "args": {"place": "a", "level": "city"}}
    assert fits(empty | {"tasks": [level]})
    assert fits(empty | {"tasks": [level | {"args": {"place": "a", "level": "${c.level}"}}]})
    for bad in (
        search | {"tool": "serch"},
        search | {"args": {"query": "K2"}},
        search | {"args": {"query": 5, "limit": None}},
        search | {"args": {"query": "a", "limit": "many"}},
        level | {"args": {"place": "a", "level": "planet"}},
        search | {"tool": "calculate"},
        {"id": 1, "tool": "search"},
    ):
        assert not fits(empty | {"tasks": [bad]}), bad


def test_the_schema_of_any_tool_is_a_schema_and_open_ones_are_not_strict() -> None:
    @tool
    def rich(
        a: dict[str, int], b: list[tuple[int, str]], c: Any, d: Peak | None = None, e: bool = True
    ) -> None:
        """Take much."""

    schema = plan_schema(ToolRegistry([rich]))
    Draft202012Validator.check_schema(schema)
    assert not is_strict(schema)
    fits = Draft202012Validator(schema).is_valid
    args = {
        "a": {"x": "$1.n"},
        "b": ["$1"],
        "c": [{"k": 1}][0],
        "d": {"name": "$1.n", "height": "$1.h"},
        "e": "$1",
    }
    assert fits({"tasks": [{"id": 1, "tool": "rich", "args": args}], "join": ""})
    assert fits({"tasks": [{"id": 1, "tool": "rich", "args": args | {"d": None, "e": None}}], "join": ""})
    assert not fits({"tasks": [{"id": 1, "tool": "rich", "args": args | {"e": "yes"}}], "join": ""})
    assert Draft202012Validator(plan_schema(ToolRegistry())).is_valid({"tasks": [], "join": ""})


def test_only_a_model_that_can_is_bound_to_the_schema() -> None:
    context, _ = plan_context()
    plain = JSONPlanner(ScriptedModel()).request(context)
    bound = JSONPlanner(ScriptedModel(features=["chat", "json_schema"])).request(context)
    assert plain.json_schema is None
    assert bound.json_schema == plan_schema(TOOLS)
    assert plain.messages == bound.messages
    assert plain.purpose == "plan"
    other, _ = plan_context("Another question?", purpose="replan", next_id=2, observations=[seen(1, 5)])
    again = JSONPlanner(ScriptedModel(features=["chat", "json_schema"])).request(other)
    assert again.messages[0] == bound.messages[0]
    assert json.dumps(again.json_schema) == json.dumps(bound.json_schema)


def test_only_the_tools_that_are_offered_are_shown() -> None:
    context, _ = plan_context(offered=TOOLS.subset(["search"]))
    request = JSONPlanner(ScriptedModel(features=["json_schema"])).request(context)
    assert "calculate" not in request.messages[0].content
    assert "calculate" not in json.dumps(request.json_schema)


def test_examples_and_instructions_are_shown_as_json() -> None:
    example = Example("Is K2 higher?", '1. search("K2", 3)\n2. calculate("${1.height}")\njoin($2)', "look")
    other = Example("no", '1. nothing("K2")')
    planner = JSONPlanner(ScriptedModel(), examples=[example, other], instructions="In metres.")
    text = planner.request(plan_context()[0]).messages[0].content
    assert '{"id": 1, "tool": "search", "args": {"query": "K2", "limit": 3}}' in text
    assert '"args": {"expression": {"$template": "${1.height}"}}' in text
    assert "nothing" not in text.replace("nothing else", "").replace("nothing is", "")
    assert "In metres." in text
    with pytest.raises(UsageError):
        JSONPlanner(ScriptedModel(), examples=["no"])  # type: ignore[list-item]


# -- purposes -------------------------------------------------------------------------------------


async def test_a_later_round_is_shown_a_table_and_refers_to_earlier_results() -> None:
    reply = (
        '{"tasks": [{"id": 3, "tool": "calculate", "args": {"expression": "$1.height * 2"}}], "join": "$3"}'
    )
    context, _ = plan_context(
        purpose="replan",
        next_id=3,
        observations=[seen(1, Peak("K2", 8611)), seen(2, ValueError("x"))],
        feedback="double it",
    )
    model = ScriptedModel([reply])
    items = await collect(JSONPlanner(model), context)
    assert not errors(items)
    assert tasks(items)[0].args == {"expression": Template((Ref(1, ("height",)), " * 2"))}
    assert items[-1] == Join(Ref(3))
    told = model.requests[0].messages[1].content
    assert '$1 = search() -> {name: str, height: int}: {"name":"K2","height":8611}' in told
    assert "double it" in told
    assert "ids from 3 on" in told


async def test_a_resume_goes_on_from_the_next_id_and_may_find_nothing_missing() -> None:
    known = [Task(2, "search", {"query": "K2"})]
    reply = '{"tasks": [{"id": 2, "tool": "search", "args": {"query": "K2"}}, {"id": 3, "tool": "calculate", "args": {"expression": "$2"}}]}'  # noqa: E501
    items = await plan(reply, purpose="resume", next_id=3, observations=[seen(1, 1)], running=known)
    assert [(t.id, t.depends_on) for t in tasks(items)] == [(2, ()), (3, (2,))]
    assert await plan("", purpose="resume", next_id=2, observations=[seen(1, 1)]) == []
    empty = await plan('{"tasks": [], "join": ""}', purpose="resume", next_id=2, observations=[seen(1, 1)])
    assert empty == [Join()]


def _repair(**changes: Any) -> dict[str, Any]:
    return {
        "purpose": "repair",
        "next_id": 5,
        "observations": [seen(1, Peak("K2", 8611))],
        "running": [Task(3, "search", {"query": "K4"})],
        "broken": [2],
        "diagnostics": [Diagnostic("unknown-tool", "no `serch`", 2, 4, task_id=2)],
        **changes,
    }


def _call(number: int | None, query: str) -> str:
    task: dict[str, Any] = {"tool": "search", "args": {"query": query}}
    return json.dumps(task if number is None else {"id": number, **task})


async def test_a_repair_takes_what_was_asked_for_and_no_join() -> None:
    items = await plan(
        '{"tasks": [' + ",".join(_call(n, "$1.name") for n in (1, 2, 5)) + '], "join": ""}', **_repair()
    )
    assert [(t.id, t.args) for t in tasks(items)] == [(2, {"query": Ref(1, ("name",))})]
    assert not any(isinstance(i, Join) for i in items)
    both = '{"tasks": [' + _call(2, "$1.name") + "," + _call(4, "$2.name") + "]}"
    items = await plan(both, **_repair(broken=[2, 4]))
    assert [(t.id, t.depends_on) for t in tasks(items)] == [(2, (1,)), (4, (2,))]


@pytest.mark.parametrize("number", [1, None])
async def test_a_single_repaired_task_with_another_number_is_the_one_asked_for(number: int | None) -> None:
    for text in ('{"tasks": [' + _call(number, "K3") + "]}", _call(number, "K3")):
        items = await plan(text, **_repair())
        assert [(t.id, t.args) for t in tasks(items)] == [(2, {"query": "K3"})]


async def test_a_guessed_argument_comes_back_as_a_diagnostic_with_a_caret() -> None:
    text = """{"tasks": [
{"id": 1, "tool": "search", "args": {"query": "K2"}},
{"id": 2, "tool": "calculate", "args": {"expression": "8611 / 8848.86"}}]}"""
    items = await plan(text)
    assert [t.id for t in tasks(items)] == [1]
    (wrong,) = errors(items)
    assert (wrong.code, wrong.task_id, wrong.line) == ("guessed-argument", 2, 3)


async def test_a_run_repairs_bad_tasks_alone_while_others_run() -> None:
    calls: list[str] = []

    @tool
    def greet(name: str) -> str:
        """Greet."""
        calls.append(name)
        return f"hello {name}"

    first = """{"tasks": [
{"id": 1, "tool": "greet", "args": {"name": "a"}},
{"id": 2, "tool": "greet", "args": {"nam": "$1"}},
{"id": 3, "tool": "greet", "args": {"name": "c",, }},
{"id": 4, "tool": "gret", "args": {"name": "d"}},
{"id": 5, "tool": "greet", "args": {"name": "$2"}}], "join": "$5"}"""
    mended = """{"tasks": [{"id": 2, "tool": "greet", "args": {"name": "$1"}},
{"id": 3, "tool": "greet", "args": {"name": "c"}}, {"id": 4, "tool": "greet", "args": {"name": "d"}}], "join": ""}"""
    model = ScriptedModel([first, mended])
    reporter = RecordingReporter()
    compiler = LLMCompiler([greet], model=model, planner="json", reporters=[reporter])
    result = await compiler.run("q")
    assert result.output == "hello hello hello a"
    assert sorted(calls) == ["a", "c", "d", "hello a", "hello hello a"]
    assert [r.purpose for r in model.requests] == ["plan", "repair"]
    told = model.requests[1].messages[1].content
    for part in ("id 2: 3:", "id 3: 4:", "id 4: 5:", "needs `name`", "did you mean `greet`", "ids 2, 3, 4"):
        assert part in told, told


async def test_a_run_takes_up_a_plan_that_stops_in_the_middle() -> None:
    @tool
    def double(x: int) -> int:
        """Twice."""
        return 2 * x

    broken = '{"tasks": [{"id": 1, "tool": "double", "args": {"x": 4}}, {"id": 2, "tool": "double", "args": {"x": 1'
    rest = '{"tasks": [{"id": 2, "tool": "double", "args": {"x": "$1"}}], "join": "$2"}'
    for reply in (broken, [(0.0, broken), (0.0, ModelStreamBroken("gone"))]):
        model = ScriptedModel([reply, rest])
        result = await LLMCompiler([double], model=model, planner="json").run("q")
        assert result.output == 16
        assert [r.purpose for r in model.requests] == ["plan", "resume"]
