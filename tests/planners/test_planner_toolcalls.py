"""The planner of native tool calls: calls as they are complete, placeholders, names, answers, bad calls, purposes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from planner_kit import TOOLS, Peak, collect, collect_into, plan_context, seen

from llmcompiler import LLMCompiler, Tool, tool
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import LimitExceeded, ModelReplyInvalid, ModelStreamBroken, UsageError
from llmcompiler.models.base import ModelChunk, ModelRequest, ToolCall, ToolCallDelta, Usage
from llmcompiler.plan import Join, Plan, Task, Thought
from llmcompiler.protocols import Answer, PlanContext, PlanItem
from llmcompiler.testing import ScriptedModel, run_virtual
from llmcompiler.tools import ToolRegistry
from llmcompiler.values import Ref, Template
from llmcompiler_planners import Example, ToolCallPlanner
from llmcompiler_planners.call_schemas import native_names
from llmcompiler_planners.toolcalls import native_tools, read_tool_calls

CALLS = [
    ("search", '{"query": "K2 \\u00e9\\ud83d\\ude00 }{\\"", "limit": null}'),
    ("search", '{"query": "costs $$5 or $7", "limit": "$1.height"}'),
    ("geo_look-up", ' {"place": "${1.name}"} \n'),
    ("calculate", '{"expression": "${1.height} / $2.height"}'),
]
READ = [
    Task(1, "search", {"query": 'K2 é😀 }{"'}),
    Task(2, "search", {"query": "costs $5 or $7", "limit": Ref(1, ("height",))}),
    Task(3, "geo.look-up", {"place": Ref(1, ("name",))}),
    Task(4, "calculate", {"expression": Template((Ref(1, ("height",)), " / ", Ref(2, ("height",))))}),
]


def deltas(calls: list[tuple[str, str]], size: int = 1_000, ids: bool = True) -> list[ToolCallDelta]:
    made = []
    for index, (name, arguments) in enumerate(calls):
        made.append(ToolCallDelta(index, f"call_{index}" if ids else None, name))
        made += [
            ToolCallDelta(index, None, None, arguments[at : at + size])
            for at in range(0, len(arguments), size)
        ]
    return made


def script(*made: ToolCallDelta, text: str = "") -> list[tuple[float, ModelChunk]]:
    return [(0.0, ModelChunk(text)), *((0.0, ModelChunk(tool_calls=(d,))) for d in made)]


def scripted(*replies: Any) -> ScriptedModel:
    return ScriptedModel(replies, features=["chat", "tools"])


def tasks(items: list[Any]) -> list[Task]:
    return [i for i in items if isinstance(i, Task)]


def errors(items: list[Any]) -> list[Diagnostic]:
    return [i for i in items if isinstance(i, Diagnostic) and i.severity == "error"]


async def plan(*replies: Any, **changes: Any) -> list[PlanItem]:
    context, _ = plan_context(**changes)
    return await collect(ToolCallPlanner(scripted(*replies)), context)


# -- calls become tasks ---------------------------------------------------------------------------


async def test_calls_become_tasks_in_their_order() -> None:
    items = await plan(script(*deltas(CALLS)))
    assert tasks(items) == READ
    assert not errors(items)
    assert items[-1] == Join()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 50])
async def test_every_chunking_gives_the_same_items(size: int) -> None:
    whole = await plan(script(*deltas(CALLS)))
    assert await plan(script(*deltas(CALLS, size))) == whole
    one = [(0.0, ModelChunk(tool_calls=tuple(deltas(CALLS, size, ids=False))))]
    assert await plan(one) == whole


@given(st.data())
@settings(deadline=None, max_examples=40)
async def test_any_chunking_gives_the_same_items(data: st.DataObject) -> None:
    made = deltas(CALLS, data.draw(st.integers(1, 30)))
    chunks: list[tuple[float, ModelChunk]] = []
    while made:
        count = data.draw(st.integers(1, 6))
        chunks += [(0.0, ModelChunk(tool_calls=tuple(made[:count]))), (0.0, ModelChunk())]
        made = made[count:]
    assert await plan(chunks) == await plan(script(*deltas(CALLS)))


def test_the_pure_reader_gives_plan_and_diagnostics() -> None:
    calls = [ToolCall(f"c{i}", name, arguments) for i, (name, arguments) in enumerate(CALLS)]
    made, diagnostics = read_tool_calls(calls, tools=TOOLS)
    assert made == Plan(tuple(READ), Join())
    assert diagnostics == []
    made, _ = read_tool_calls(calls[:1], first=5, earlier=[4])
    assert [t.id for t in made.tasks] == [5]
    assert read_tool_calls([]) == (Plan((), Join()), [])


async def test_a_call_starts_when_its_own_json_closes() -> None:
    context, _ = plan_context()
    model = scripted(
        [
            (0.0, ModelChunk(tool_calls=(ToolCallDelta(0, "a", "search"),))),
            (0.0, ModelChunk(tool_calls=(ToolCallDelta(0, None, None, '{"query": "K2"'),))),
            (0.0, ModelChunk(tool_calls=(ToolCallDelta(0, None, None, "}"),))),
            (3600.0, ModelChunk(tool_calls=(ToolCallDelta(1, "b", "search"),))),
        ]
    )
    async with aclosing(ToolCallPlanner(model).plan(context)) as items:
        first = await asyncio.wait_for(anext(items), 5)
    assert first == Task(1, "search", {"query": "K2"})
    assert model.cancelled == 1


async def test_a_call_without_arguments_starts_when_the_next_one_begins() -> None:
    @tool
    def now() -> str:
        """The time."""
        return "noon"

    context, _ = plan_context(tools=ToolRegistry([now, *TOOLS.values()]))
    model = scripted(
        [
            (0.0, ModelChunk(tool_calls=(ToolCallDelta(0, "a", "now"),))),
            (0.0, ModelChunk(tool_calls=(ToolCallDelta(1, "b", "search"),))),
            (3600.0, ModelChunk()),
        ]
    )
    async with aclosing(ToolCallPlanner(model).plan(context)) as items:
        assert await asyncio.wait_for(anext(items), 5) == Task(1, "now", {})


@pytest.mark.parametrize("arguments", ["", "{}", "null", " \n"])
async def test_no_arguments_are_no_arguments(arguments: str) -> None:
    items = await plan(script(ToolCallDelta(0, "a", "search", arguments)))
    assert tasks(items) == [Task(1, "search", {})]


async def test_names_that_the_model_makes_up_a_little_are_known_again() -> None:
    made = [
        ("functions.search", '{"query": "a"}'),
        ("geo.look-up", '{"place": "b"}'),
        ("geo_look-up", '"{\\"place\\": 1}"'),
    ]
    assert [t.tool for t in tasks(await plan(script(*deltas(made))))] == ["search", "geo.look-up"]


async def test_text_before_the_calls_is_a_thought() -> None:
    items = await plan(script(*deltas(CALLS[:1]), text="First the height."))
    assert items[0] == Thought("First the height.")
    assert tasks(items) == READ[:1]
    assert not any(isinstance(i, Answer) for i in items)


async def test_usage_is_told_and_a_call_counted() -> None:
    context, spent = plan_context()
    chunks = [*script(*deltas(CALLS)), (0.0, ModelChunk("", Usage(prompt_tokens=3, completion_tokens=4)))]
    model = scripted(chunks)
    await collect(ToolCallPlanner(model), context)
    assert spent.total.model_calls == 1
    assert spent.allowed == 1

    def no_more() -> None:
        raise LimitExceeded("model_calls", 0)

    model = scripted(chunks)
    with pytest.raises(LimitExceeded):
        await collect(ToolCallPlanner(model), PlanContext("q", TOOLS, allow_call=no_more))
    assert model.requests == []


# -- what is wrong with calls ---------------------------------------------------------------------


async def test_bad_calls_are_told_and_the_others_run() -> None:
    made = [
        ("search", '{"query": "K2"}'),
        ("search", '{"query": "K2"'),
        ("search", '{"query": "a", "query": "b"}'),
        ("", '{"query": "a"}'),
        ("search", '{"query": "$9.x"}'),
        ("search", "[1, 2"),
        ("search", '{"query": 1e999}'),
        ("calculate", '{"expression": "$1.height"}'),
    ]
    items = await plan(script(*deltas(made)))
    assert [t.id for t in tasks(items)] == [1, 8]
    assert [(e.task_id, e.line) for e in errors(items)] == [(n, n) for n in range(2, 8)]
    codes = ["syntax", "duplicate-argument", "unknown-tool", "forward-reference", "syntax", "bad-literal"]
    assert [e.code for e in errors(items)] == codes
    line, source, caret, *_ = errors(items)[-1].render().splitlines()
    assert line.startswith("7:18: error [bad-literal] args.query")
    assert source[caret.index("^") :].startswith("1e999")


async def test_deep_nesting_is_refused() -> None:
    items = await plan(
        script(ToolCallDelta(0, "a", "search", '{"query": ' + "[" * 5_000 + "]" * 5_000 + "}"))
    )
    assert [e.code for e in errors(items)] == ["too-deep"]


async def test_a_guess_is_told() -> None:
    made = [("search", '{"query": "K2"}'), ("calculate", '{"expression": "8611 / 8848.86"}')]
    items = await plan(script(*deltas(made)))
    assert [e.code for e in errors(items)] == ["guessed-argument"]
    assert not errors(await plan(script(*deltas(made)), question="8848.86 and 8611?"))


@pytest.mark.parametrize("end", ["tool_calls", "length", ModelStreamBroken("the line went dead")], ids=str)
async def test_wherever_the_reply_ends_whole_calls_stand_and_no_half_one_comes(end: Any) -> None:
    made = deltas(CALLS, 1)
    closes = [max(i for i, d in enumerate(made) if d.index == n and d.arguments == "}") for n in range(4)]

    class Ending:
        name, features = "ending", frozenset({"tools"})

        async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
            for one in made[:at]:
                yield ModelChunk(tool_calls=(one,))
            if isinstance(end, Exception):
                raise end
            yield ModelChunk("", None, end)

    for at in range(len(made)):
        context, _ = plan_context()
        items: list[PlanItem] = []
        raised: Exception | None = None
        try:
            await collect_into(items, ToolCallPlanner(Ending()), context)
        except (ModelStreamBroken, ModelReplyInvalid) as e:
            raised = e
        whole = [t for t, close in zip(READ, closes, strict=True) if close < at]
        # A name alone is a call without arguments, where the server says that the reply is complete.
        nothing = [t for t in tasks(items) if not t.args]
        assert [t for t in tasks(items) if t.args] == whole
        assert not nothing or end == "tool_calls"
        if end != "tool_calls":
            assert isinstance(raised, ModelStreamBroken)
            assert not any(isinstance(i, Join) for i in items)
        elif at:
            assert raised is None
            begun = made[at - 1].index
            half = begun >= len(whole)
            assert [e.task_id for e in errors(items)] + [t.id for t in nothing] == (
                [begun + 1] if half else []
            )


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.none() | st.text(max_size=3),
            st.none() | st.sampled_from(["search", "x", ""]),
            st.text(max_size=4) | st.sampled_from(['{"', '"}', '"query": "$1"', "{}", "[", "]"]),
        ),
        max_size=12,
    ),
    st.sampled_from(["plan", "repair", "resume", "replan"]),
)
@settings(deadline=None, max_examples=120)
async def test_whatever_comes_items_or_the_models_own_error_come(pieces: list[Any], purpose: Any) -> None:
    chunks = [(0.0, ModelChunk(tool_calls=(ToolCallDelta(*piece),))) for piece in pieces]
    context, spent = plan_context(purpose=purpose, broken=[2] if purpose == "repair" else [])
    items: list[PlanItem] = []
    with contextlib.suppress(ModelReplyInvalid, ModelStreamBroken):
        await collect_into(items, ToolCallPlanner(scripted(chunks)), context)
    assert len({t.id for t in tasks(items)}) == len(tasks(items))
    assert spent.total.model_calls == 1


def test_ten_thousand_calls_are_read() -> None:
    calls = [
        ToolCall(str(i), "search", f'{{"query": "${i}.name"}}' if i else '{"query": "a"}')
        for i in range(10_000)
    ]
    made, diagnostics = read_tool_calls(calls, tools=TOOLS)
    assert diagnostics == []
    assert made.tasks[-1].depends_on == (9_999,)


# -- answers --------------------------------------------------------------------------------------


async def test_plain_text_without_a_call_is_the_answer() -> None:
    assert await plan([(0.0, " Paris"), (0.0, ".\n")]) == [Answer("Paris.")]
    observed = [seen(1, 5)]
    assert await plan("It is 5.", purpose="replan", next_id=2, observations=observed) == [Answer("It is 5.")]


async def test_text_is_no_answer_where_calls_were_to_be_finished_or_mended() -> None:
    assert await plan("done", purpose="resume", next_id=2, observations=[seen(1, 5)]) == [Join()]
    assert await plan("sorry", purpose="repair", broken=[1], next_id=2) == []


async def test_nothing_at_all_is_an_error_of_the_model() -> None:
    with pytest.raises(ModelReplyInvalid, match="empty"):
        await plan("  ")


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "search", "arguments": {"query": "K2"}}\n</tool_call>',
        '[TOOL_CALLS][{"name": "search", "arguments": {}}]',
        '{"name": "search", "parameters": {"query": "K2"}}',
        '```json\n{"name": "search", "arguments": {"query": "K2"}}\n```',
        "<function=search><parameter=query>K2</parameter></function>",
    ],
)
async def test_calls_that_a_server_left_in_the_text_are_no_answer(text: str) -> None:
    with pytest.raises(ModelReplyInvalid, match='planner="json"'):
        await plan(text)


async def test_a_direct_answer_ends_the_run_and_one_that_does_not_fit_goes_to_the_joiner() -> None:
    model = scripted("Paris.")
    result = await LLMCompiler(TOOLS.values(), model=model, planner="tools").run("Capital of France?")
    assert result.output == "Paris."
    assert [r.purpose for r in model.requests] == ["plan"]
    model = scripted("about five", '{"thought": "", "action": "answer", "answer": 5, "feedback": null}')
    result = await LLMCompiler(TOOLS.values(), model=model, planner="tools").run("2 + 3?", output_type=int)
    assert result.output == 5
    assert [r.purpose for r in model.requests] == ["plan", "join"]


# -- the request ----------------------------------------------------------------------------------


def test_names_are_ones_that_providers_allow_and_never_clash() -> None:
    def make(name: str) -> Tool:
        return Tool.from_schema(name, {"type": "object", "properties": {}}, lambda: None)

    long = "a" * 70
    names = ["a.b", "a_b", "a-b", "x.a.b", f"{long}1", f"{long}2", "a_b_2"]
    given = native_names(ToolRegistry([make(n) for n in names]))
    assert list(given) == names
    assert given["a_b"] == "a_b"
    assert given["a_b_2"] == "a_b_2"
    assert given["a-b"] == "a-b"
    assert len(set(given.values())) == len(names)
    assert all(1 <= len(n) <= 64 and n.replace("-", "").replace("_", "").isalnum() for n in given.values())


def test_every_parameter_takes_a_placeholder_and_results_are_described() -> None:
    @tool
    def rich(
        a: int, b: list[int], c: dict[str, float], d: Peak, e: bool = True, f: str = "x", g: Any = None
    ) -> list[Peak]:
        """Do much."""

    search, calculate, send, lookup, made = native_tools(ToolRegistry([*TOOLS.values(), rich]))
    assert [t["name"] for t in (search, calculate, send, lookup)] == [
        "search",
        "calculate",
        "send",
        "geo_look-up",
    ]
    assert search["description"] == "Look a mountain up. [reads]\nResult: {name: str, height: int}"
    assert "result.population: People who live there." in lookup["description"]
    assert "list[{name: str, height: int}]" in made["description"]
    for one in (search, calculate, send, lookup, made):
        Draft202012Validator.check_schema(one["parameters"])
    fits = Draft202012Validator(made["parameters"]).is_valid
    plain = {"a": 1, "b": [1, 2], "c": {"x": 1.5}, "d": {"name": "K2", "height": 1}}
    assert fits(plain)
    assert fits(plain | {"e": False, "f": "y", "g": [1]})
    for key in (*plain, "e", "f", "g"):
        assert fits(plain | {key: "$1.a['b c'][0]"}), key
    nested = {"b": ["$1", 2], "c": {"x": "$1"}, "d": {"name": "$1.name", "height": "${1.height}"}}
    assert fits(plain | nested)
    for bad in ({"a": "many"}, {"b": ["x"]}, {"c": {"x": "much"}}, {"e": "$x"}, {"z": 1}):
        assert not fits(plain | bad), bad
    assert search["parameters"]["properties"]["query"]["description"] == "What to look for."
    assert search["parameters"]["properties"]["limit"]["description"] == "Most hits; default: 5"
    assert made["parameters"]["required"] == ["a", "b", "c", "d"]


def test_the_prefix_is_the_same_bytes_for_every_call() -> None:
    first = ToolCallPlanner(scripted()).request(plan_context()[0])
    changes: dict[str, Any] = {"purpose": "replan", "next_id": 2, "observations": [seen(1, Peak("K2", 8611))]}
    second = ToolCallPlanner(scripted()).request(plan_context("Else?", feedback="more", **changes)[0])
    assert first.messages[0] == second.messages[0]
    assert json.dumps(first.tools) == json.dumps(second.tools)
    assert [m.role for m in second.messages] == ["system", "user"]
    assert (
        '$1 = search() -> {name: str, height: int}: {"name":"K2","height":8611}' in second.messages[1].content
    )
    assert "numbered from 2 on" in second.messages[1].content
    only = ToolCallPlanner(scripted()).request(plan_context(offered=TOOLS.subset(["search"]))[0])
    assert [t["name"] for t in only.tools] == ["search"]


def test_examples_are_shown_as_calls() -> None:
    example = Example("Is K2 higher?", '1. search("K2", 3)\n2. calculate("$1.height")\njoin($2)')
    loop = Example("All?", '1. search("loop")\n2. for c in $1.a: search(c)')
    planner = ToolCallPlanner(scripted(), examples=[example, loop], instructions="In metres.")
    text = planner.request(plan_context()[0]).messages[0].content
    assert 'call 1: search({"query": "K2", "limit": 3})' in text
    assert '"loop"' not in text
    assert "In metres." in text


def test_a_model_without_tools_is_refused_with_the_way_out() -> None:
    with pytest.raises(
        UsageError, match='can not call tools natively: it has chat, grammar.*planner="json".*"local"'
    ):
        ToolCallPlanner(ScriptedModel(features=["chat", "grammar"]))
    with pytest.raises(UsageError, match="tools"):
        LLMCompiler(TOOLS.values(), model=ScriptedModel(), planner="tools").run_sync("q")
    with pytest.raises(UsageError):
        ToolCallPlanner(scripted(), examples=["no"])  # type: ignore[list-item]


# -- purposes -------------------------------------------------------------------------------------


async def test_a_later_round_numbers_go_on() -> None:
    items = await plan(
        script(*deltas([("calculate", '{"expression": "$1.height * 2"}')])),
        purpose="replan",
        next_id=3,
        observations=[seen(1, Peak("K2", 8611)), seen(2, ValueError("x"))],
    )
    assert [(t.id, t.depends_on) for t in tasks(items)] == [(3, (1,))]


def _repair(**changes: Any) -> dict[str, Any]:
    return {
        "purpose": "repair",
        "next_id": 6,
        "observations": [seen(1, Peak("K2", 8611))],
        "running": [Task(3, "search", {"query": "K4"})],
        "broken": [2],
        "diagnostics": [Diagnostic("unknown-tool", "no `serch`", 2, 4, task_id=2)],
        **changes,
    }


async def test_a_repair_gives_the_calls_their_numbers_back() -> None:
    one = deltas([("search", '{"query": "$1.name"}'), ("search", '{"query": "more"}')])
    items = await plan(script(*one), **_repair())
    assert [(t.id, t.depends_on) for t in tasks(items)] == [(2, (1,))]
    two = deltas([("search", '{"query": "$1.name"}'), ("search", '{"query": "$2.name"}')])
    items = await plan(script(*two), **_repair(broken=[4, 2]))
    assert [(t.id, t.depends_on) for t in tasks(items)] == [(2, (1,)), (4, (2,))]
    assert not any(isinstance(i, Join) for i in items)
    items = await plan(script(*two), **_repair(broken=[2, 4, 5]))
    assert tasks(items) == []
    assert [i.message for i in items if isinstance(i, Diagnostic)] == [
        "2 calls came where 3 were asked for; none is taken"
    ]
    items = await plan(script(*two), **_repair(broken=[]))
    assert [t.id for t in tasks(items)] == [6]


async def test_a_run_repairs_bad_calls_alone_while_others_run() -> None:
    made: list[str] = []

    @tool
    def greet(name: str) -> str:
        """Greet."""
        made.append(name)
        return f"hello {name}"

    first = [
        ("greet", '{"name": "a"}'),
        ("greet", '{"nam": "$1"}'),
        ("gret", '{"name": "c"}'),
        ("greet", '{"name": "$2"}'),
    ]
    mended = [("greet", '{"name": "$1"}'), ("greet", '{"name": "c"}')]
    model = scripted(script(*deltas(first)), script(*deltas(mended)), "done it")
    result = await LLMCompiler([greet], model=model, planner="tools").run("q")
    assert result.output == "done it"
    assert sorted(made) == ["a", "c", "hello a", "hello hello a"]
    assert [r.purpose for r in model.requests] == ["plan", "repair", "join"]
    told = model.requests[1].messages[1].content
    for part in (
        "id 2: 2:1",
        "id 3: 3:1",
        "needs `name`",
        "did you mean `greet`",
        "calls 2, 3 again",
        'gret({"name": "c"})',
    ):
        assert part in told, told


def test_a_call_runs_while_the_rest_is_still_being_written() -> None:
    started: dict[str, float] = {}

    @tool
    async def slow(name: str) -> str:
        """Wait."""
        started[name] = asyncio.get_running_loop().time()
        await asyncio.sleep(1.0)
        return name + "!"

    first, second = deltas([("slow", '{"name": "a"}'), ("slow", '{"name": "$1"}')])[1::2]
    chunks = [
        (1.0, ModelChunk(tool_calls=(ToolCallDelta(0, "c", "slow", first.arguments),))),
        (5.0, ModelChunk(tool_calls=(ToolCallDelta(1, "d", "slow", second.arguments),))),
    ]
    model = scripted(chunks, "so")
    result = run_virtual(LLMCompiler([slow], model=model, planner="tools").run("q"))
    assert result.output == "so"
    assert started == {"a": 1.0, "a!": 6.0}
