"""`OpenAIModel` and native tool calls: what it sends, what it makes of every way servers write calls, whole runs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from llmcompiler import LLMCompiler, tool
from llmcompiler.errors import ModelReplyInvalid, ModelRequestRejected, ModelStreamBroken, UsageError
from llmcompiler.models import Message, ModelChunk, ModelRequest, OpenAIModel, ToolCall
from llmcompiler_planners import JSONPlanner, ToolCallPlanner
from tests.support.openai_server import Events, Json, OpenAIServer, Status, Text, calls, delta

LOOK = {"name": "look", "description": "Look.", "parameters": {"type": "object", "properties": {}}}
ASK = ModelRequest(messages=(Message("user", "Who?"),), tools=(LOOK,))
CALLS = (("look", {"at": "K2 é"}), ("sum", {"x": [1, 2]}))


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


BUILT: list[OpenAIModel] = []


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    BUILT.clear()
    yield
    for model in BUILT:
        await model.aclose()


def build(server: OpenAIServer, **options: Any) -> OpenAIModel:
    model = OpenAIModel("some-model", base_url=server.base_url, **{"timeout": 10, "max_retries": 0} | options)
    BUILT.append(model)
    return model


async def chunks(model: OpenAIModel, request: ModelRequest = ASK) -> list[ModelChunk]:
    return [chunk async for chunk in model.stream(request)]


def joined(got: Sequence[ModelChunk]) -> dict[int, tuple[str | None, str | None, str]]:
    found: dict[int, tuple[str | None, str | None, str]] = {}
    for piece in (d for c in got for d in c.tool_calls):
        id_, name, arguments = found.get(piece.index, (None, None, ""))
        found[piece.index] = (id_ or piece.id, name or piece.name, arguments + piece.arguments)
    return found


# -- what is sent ---------------------------------------------------------------------------------


async def test_tools_are_sent_with_parallel_calls_switched_on() -> None:
    with OpenAIServer([calls(*CALLS)] * 2 + ["text"]) as server:
        model = build(server)
        assert "tools" in model.features
        await chunks(model)
        await chunks(model, ModelRequest(ASK.messages, tools=(LOOK,), tool_choice="required"))
        await chunks(model, ModelRequest(ASK.messages))
        first, second, third = (r.body for r in server.requests)
    assert first["tools"] == [{"type": "function", "function": LOOK}]
    assert first["parallel_tool_calls"] is True
    assert "tool_choice" not in first
    assert second["tool_choice"] == "required"
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & third.keys()


async def test_messages_with_calls_and_results_are_sent_in_the_providers_form() -> None:
    messages = (
        Message("user", "Who?"),
        Message("assistant", "", tool_calls=(ToolCall("c1", "look", '{"at": "K2"}'),)),
        Message("tool", "8611", tool_call_id="c1"),
    )
    with OpenAIServer(["It is 8611."]) as server:
        await chunks(build(server), ModelRequest(messages, tools=(LOOK,)))
        sent = server.requests[0].body["messages"]
    function = {"name": "look", "arguments": '{"at": "K2"}'}
    assert sent == [
        {"role": "user", "content": "Who?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "8611", "tool_call_id": "c1"},
    ]


async def test_what_a_server_refuses_is_left_out_but_never_the_tools() -> None:
    refused = [
        Status(400, {"error": {"message": f"Unsupported parameter: '{p}'", "param": p}})
        for p in ("parallel_tool_calls", "tool_choice", "tools")
    ]
    with OpenAIServer([*refused[:2], calls(*CALLS), refused[2]]) as server:
        model = build(server)
        request = ModelRequest(ASK.messages, tools=(LOOK,), tool_choice="auto")
        assert len(joined(await chunks(model, request))) == 2
        assert "tools" in model.features
        with pytest.raises(ModelRequestRejected, match='takes no tools .Unsupported.*planner="json"'):
            await chunks(model, request)
        assert "tools" not in model.features
        with pytest.raises(ModelRequestRejected, match="takes no tools"):
            await chunks(model, request)
        bodies = [r.body for r in server.requests]
    assert len(bodies) == 4
    assert "parallel_tool_calls" not in bodies[1]
    assert not {"parallel_tool_calls", "tool_choice"} & bodies[2].keys()
    assert all(b["tools"] for b in bodies)


async def test_a_server_that_is_known_to_take_no_tools_is_not_asked() -> None:
    with OpenAIServer() as server:
        model = build(server, tools=False)
        assert "tools" not in model.features
        with pytest.raises(ModelRequestRejected, match="takes no tools"):
            await chunks(model)
        assert server.requests == []
        with pytest.raises(UsageError, match="can not call tools"):
            ToolCallPlanner(model)


# -- what comes back ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4, 1_000])
async def test_streamed_calls_come_piece_by_piece(size: int) -> None:
    with OpenAIServer([calls(*CALLS, size=size, text="So: ")]) as server:
        got = await chunks(build(server))
    assert joined(got) == {
        0: ("call_0", "look", json.dumps(CALLS[0][1])),
        1: ("call_1", "sum", json.dumps(CALLS[1][1])),
    }
    assert "".join(c.text for c in got) == "So: "
    assert got[-1].finish_reason == "tool_calls"
    assert got[-1].usage is not None
    assert (len(got) > 12) == (size < 5)


def piece(name: str | None, arguments: Any, **fields: Any) -> dict[str, Any]:
    return fields | {"function": {"name": name, "arguments": arguments}}


WHOLE = [{"x": 1}, {"y": [2]}, {}]


@pytest.mark.parametrize(
    "pieces",
    [
        [
            [
                piece("a", {"x": 1}, index=0, id="1"),
                piece("a", {"y": [2]}, index=1, id="2"),
                piece("b", {}, index=2),
            ]
        ],
        [[piece("a", '{"x": 1}', id="1")], [piece("a", '{"y": [2]}', id="2")], [piece("b", "{}", id="3")]],
        [[piece("a", '{"x": 1}')], [piece("a", '{"y": ')], [piece(None, "[2]}")], [piece("b", "{}")]],
        [
            [piece("a", '{"x": 1}', index=0, id="1")],
            [piece("a", '{"y": [2]}', index=0, id="2")],
            [piece("b", "{}", index=0, id="3")],
        ],
        [
            [piece("a", '{"x"', id="1"), piece("a", '{"y": [2]}', id="2")],
            [piece(None, ": 1}", id="1")],
            [piece("b", None, id="3"), {}],
        ],
        [[piece("a", '{"x": 1}', index=7)], [piece("a", '{"y": [2]}', index=9)], [piece("b", {}, index=11)]],
    ],
    ids=["objects", "no index", "neither", "all zero", "by id", "gaps"],
)
async def test_calls_are_told_apart_whatever_a_server_leaves_out(pieces: list[list[dict[str, Any]]]) -> None:
    events = [delta(tool_calls=some) for some in pieces]
    with OpenAIServer([Events([*events, delta(finish="tool_calls")])]) as server:
        found = joined(await chunks(build(server)))
    assert list(found) == [0, 1, 2]
    assert [name for _, name, _ in found.values()] == ["a", "a", "b"]
    assert [json.loads(arguments or "{}") for *_, arguments in found.values()] == WHOLE


async def test_a_whole_reply_of_a_server_that_does_not_stream_and_the_old_form() -> None:
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [piece("look", '{"at": 1}', id="c1", type="function")],
    }
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    old = {
        "choices": [{"message": {"content": "", "function_call": {"name": "look", "arguments": '{"at": 1}'}}}]
    }
    with OpenAIServer([Json(payload=whole), Json(payload=old)]) as server:
        model = build(server)
        assert joined(await chunks(model)) == {0: ("c1", "look", '{"at": 1}')}
        assert joined(await chunks(model)) == {0: (None, "look", '{"at": 1}')}


@pytest.mark.parametrize("odd", ["x", 5, {"a": 1}, ["x"]])
async def test_calls_of_a_wrong_shape_are_an_error(odd: Any) -> None:
    with (
        OpenAIServer([Events([delta(tool_calls=odd)])]) as server,
        pytest.raises(ModelReplyInvalid, match="tool"),
    ):
        await chunks(build(server))


async def test_a_call_that_nobody_asked_for_is_still_an_error_and_text_is_fine() -> None:
    with OpenAIServer([calls(*CALLS), "Just text."]) as server:
        model = build(server)
        with pytest.raises(ModelReplyInvalid, match="tool call where text was asked for"):
            await chunks(model, ModelRequest(ASK.messages))
        assert "".join(c.text for c in await chunks(model)) == "Just text."


async def test_a_stream_that_breaks_among_calls_is_not_tried_again() -> None:
    started = Events(
        [
            delta(tool_calls=[piece("look", "", index=0, id="1")]),
            delta(tool_calls=[piece(None, '{"a', index=0)]),
        ]
    )
    failing = Events([*started.payloads, {"error": {"message": "overloaded", "code": 503}}])
    with OpenAIServer([started, failing], default=calls(*CALLS)) as server:
        model = build(server, max_retries=2)
        with pytest.raises(ModelStreamBroken) as caught:
            await chunks(model)
        assert caught.value.partial == '{"a'
        with pytest.raises(Exception, match="overloaded"):
            await chunks(model)
        assert len(server.requests) == 2


# -- whole runs -----------------------------------------------------------------------------------


@tool(name="geo.height")
def height(mountain: str) -> dict[str, int]:
    """Height of a mountain."""
    return {"metres": {"K2": 8611, "Mont Blanc": 4806}[mountain]}


@tool
def subtract(a: int, b: int) -> int:
    """The difference."""
    return a - b


ANSWER = Text('{"thought": "", "action": "answer", "answer": "by 3805 m", "feedback": null}')


async def test_a_run_with_native_calls_over_http() -> None:
    first = calls(
        ("geo_height", {"mountain": "K2"}),
        ("geo_height", {"mountain": "Mont Blanc"}),
        ("subtract", {"a": "$1.metres", "b": "$2.metres"}),
        size=3,
    )
    with OpenAIServer([first, ANSWER]) as server:
        model = build(server)
        result = await LLMCompiler([height, subtract], model=model, planner="tools").run("By how much?")
        body = server.requests[0].body
    assert result.output == "by 3805 m"
    assert result.tasks[3].outcome.value == 3805
    assert result.usage.model_calls == 2
    assert result.usage.prompt_tokens == 22
    assert [t["function"]["name"] for t in body["tools"]] == ["geo_height", "subtract"]
    assert "response_format" not in body


async def test_a_run_with_json_over_http() -> None:
    plan = """{"tasks": [{"id": 1, "tool": "geo.height", "args": {"mountain": "K2"}},
{"id": 2, "tool": "geo.height", "args": {"mountain": "Mont Blanc"}},
{"id": 3, "tool": "subtract", "args": {"a": "$1.metres", "b": "$2.metres"}}], "join": "$3"}"""
    with OpenAIServer([Text(plan)]) as server:
        model = build(server)
        compiler = LLMCompiler([height, subtract], model=model, planner=JSONPlanner(model))
        result = await compiler.run("By how much?")
        body = server.requests[0].body
    assert result.output == 3805
    form = body["response_format"]["json_schema"]
    assert (form["name"], form["strict"]) == ("plan", True)
    assert form["schema"]["$defs"]["geo_height"]["properties"] == {"mountain": {"type": "string"}}
    assert "tools" not in body
