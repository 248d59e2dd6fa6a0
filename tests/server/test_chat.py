"""The OpenAI-compatible endpoints, byte by byte: what is sent, what is refused, what a closed connection does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from llmcompiler.errors import ModelServerError, ToolError
from llmcompiler.protocols import Answer, Decision, JoinContext
from llmcompiler_server.keys import new_key
from tests.support.serving import ASKED, PLAN, Running

WAITING = '1. wait_at("a")\njoin($1)'


def asked(question: str = PLAN, **more: Any) -> dict[str, Any]:
    """A request."""
    return {"model": "llmcompiler", "messages": [{"role": "user", "content": question}], **more}


async def chat(server: Running, question: str = PLAN, **more: Any) -> httpx.Response:
    return await server.http.post("/v1/chat/completions", json=asked(question, **more))


def error(reply: httpx.Response, status: int, code: str, param: str | None = None) -> dict[str, Any]:
    """The error in a reply, in OpenAI's shape."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert list(body) == ["error"]
    made: dict[str, Any] = body["error"]
    assert sorted(made) == ["code", "message", "param", "type"]
    assert (made["code"], made["param"]) == (code, param)
    assert made["message"]
    return made


async def chunks(server: Running, body: dict[str, Any]) -> list[Any]:
    """Everything that a streaming request gets."""
    async with aconnect_sse(server.http, "POST", "/v1/chat/completions", json=body) as source:
        assert source.response.status_code == 200
        assert source.response.headers["cache-control"] == "no-store"
        return [e.data if e.data == "[DONE]" else json.loads(e.data) async for e in source.aiter_sse()]


def content(got: list[Any]) -> str:
    return "".join(c["delta"].get("content", "") for g in got if g != "[DONE]" for c in g["choices"])


# -- answers ------------------------------------------------------------------------------------


async def test_a_completion_is_a_run(server: Running) -> None:
    reply = await chat(server, ASKED, metadata={"team": "maps"})
    assert reply.status_code == 200
    made = reply.json()
    run = (await server.http.get(reply.headers["location"])).json()
    assert made == {
        "id": "chatcmpl-" + run["id"].removeprefix("run_"),
        "object": "chat.completion",
        "created": int(run["created_at"]),
        "model": "llmcompiler",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "1=3 2=7 ", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }
    assert (run["input"], run["output"], run["metadata"]) == (ASKED, "1=3 2=7 ", {"team": "maps"})


async def test_a_value_is_told_as_json(server: Running) -> None:
    assert (await chat(server, PLAN)).json()["choices"][0]["message"]["content"] == "7"


@pytest.mark.parametrize("usage", [False, True])
async def test_a_stream_has_who_speaks_the_text_and_the_end(server: Running, usage: bool) -> None:
    got = await chunks(server, asked(ASKED, stream=True, stream_options={"include_usage": usage}))
    assert got[-1] == "[DONE]"
    told = got[:-1]
    assert len({(g["id"], g["object"], g["created"], g["model"]) for g in told}) == 1
    assert told[0]["object"] == "chat.completion.chunk"
    assert told[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert content(got) == "1=3 2=7 "
    finishes = [c["finish_reason"] for g in told for c in g["choices"]]
    assert finishes == [None] * (len(finishes) - 1) + ["stop"]
    assert all(("usage" in g) == usage for g in told)
    if usage:
        assert told[-1]["choices"] == []
        assert told[-1]["usage"]["total_tokens"] == 0
        assert all(g["usage"] is None for g in told[:-1])


async def test_text_goes_out_while_the_run_goes_on(start: Any) -> None:
    class Slowly:
        def __init__(self) -> None:
            self.on = asyncio.Event()

        async def join(self, context: JoinContext) -> Decision:
            context.delta("first ")
            await self.on.wait()
            context.delta("second")
            return Answer("first second, and last")

    joiner = Slowly()
    async with start(options={"joiner": joiner}) as server:
        body = asked(ASKED, stream=True)
        async with aconnect_sse(server.http, "POST", "/v1/chat/completions", json=body) as source:
            text = ""
            async for e in source.aiter_sse():
                if e.data == "[DONE]":
                    break
                text += json.loads(e.data)["choices"][0]["delta"].get("content", "")
                if text == "first ":
                    assert server.manager.active == 1
                    joiner.on.set()
    assert text == "first second, and last"


async def test_another_answer_than_the_one_begun_follows_it(start: Any) -> None:
    class Changing:
        async def join(self, context: JoinContext) -> Decision:
            context.delta("It is")
            return Answer("No idea.")

    async with start(options={"joiner": Changing()}) as server:
        assert content(await chunks(server, asked(ASKED, stream=True))) == "It is\n\nNo idea."


async def test_a_silent_stream_sends_comments(start: Any) -> None:
    async with start(heartbeat=0.02) as server:
        body = asked(WAITING, stream=True)
        async with server.http.stream("POST", "/v1/chat/completions", json=body) as reply:
            beats = 0
            async for line in reply.aiter_lines():
                if line.startswith(":"):
                    beats += 1
                    if beats == 2:
                        server.gates.opened["a"].set()
    assert beats >= 2


async def test_the_conversation_is_context(server: Running) -> None:
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": "What is 1 + 1?"},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "2"}],
            "refusal": None,
            "tool_calls": None,
        },
        {
            "role": "user",
            "content": [{"type": "text", "text": "1. add(1, 2)"}, {"type": "text", "text": "join($1)"}],
        },
    ]
    reply = await server.http.post(
        "/v1/chat/completions", json={"model": "llmcompiler", "messages": messages}
    )
    assert reply.json()["choices"][0]["message"]["content"] == "3"
    run = (await server.http.get(reply.headers["location"])).json()
    assert run["input"] == (
        "Instructions:\nBe brief.\n\nConversation so far:\nUser: What is 1 + 1?\nAssistant: 2\n\n"
        "Question: 1. add(1, 2)\njoin($1)"
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_fits_the_schema_that_is_asked_for(server: Running, stream: bool) -> None:
    schema = {"name": "sum", "strict": True, "schema": {"type": "integer", "minimum": 5}}
    body = asked(PLAN, response_format={"type": "json_schema", "json_schema": schema}, stream=stream)
    if stream:
        assert content(await chunks(server, body)) == "7"
    else:
        reply = await server.http.post("/v1/chat/completions", json=body)
        assert reply.json()["choices"][0]["message"]["content"] == "7"


async def test_text_of_an_answer_with_a_schema_goes_out_whole(start: Any) -> None:
    class Drafting:
        async def join(self, context: JoinContext) -> Decision:
            context.delta("a draft")
            return Answer({"sum": 7})

    async with start(options={"joiner": Drafting()}) as server:
        got = await chunks(server, asked(ASKED, response_format={"type": "json_object"}, stream=True))
    assert json.loads(content(got)) == {"sum": 7}


async def test_what_is_about_sampling_or_unknown_is_ignored(server: Running) -> None:
    more = {"temperature": 2, "top_p": 0.1, "seed": 1, "max_tokens": 1, "user": "ann", "n": 1, "store": True}
    more |= {"tools": [], "tool_choice": "none", "stop": None, "modalities": ["text"], "from_the_future": {}}
    assert (await chat(server, PLAN, **more)).status_code == 200


# -- refusals -----------------------------------------------------------------------------------

TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


@pytest.mark.parametrize(
    ("more", "param", "word"),
    [
        ({"tools": [TOOL]}, "tools", "GET /v1/tools"),
        ({"functions": [{"name": "f"}]}, "functions", "GET /v1/tools"),
        ({"tool_choice": "required"}, "tool_choice", "own tools"),
        ({"function_call": {"name": "f"}}, "function_call", "own tools"),
        ({"n": 2}, "n", "must be 1"),
        ({"logprobs": True}, "logprobs", "probabilities"),
        ({"top_logprobs": 3}, "top_logprobs", "probabilities"),
        ({"stop": ["\n"]}, "stop", "never cut"),
        ({"modalities": ["text", "audio"]}, "modalities", "text"),
        ({"audio": {"voice": "x"}}, "audio", "text"),
        ({"web_search_options": {}}, "web_search_options", "a tool that searches"),
    ],
)
async def test_what_can_not_be_done_is_refused(
    server: Running, more: dict[str, Any], param: str, word: str
) -> None:
    told = error(await chat(server, PLAN, **more), 400, "unsupported_parameter", param)
    assert told["type"] == "invalid_request_error"
    assert word in told["message"]
    assert server.manager.active == 0
    assert (await server.http.get("/v1/runs")).json()["data"] == []


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "tool", "content": "x", "tool_call_id": "1"}, "messages.0"),
        ({"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}, "messages.0"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},
            "messages.0.content.0",
        ),
    ],
)
async def test_messages_that_can_not_be_read_are_refused(
    server: Running, message: dict[str, Any], param: str
) -> None:
    messages = [message, {"role": "user", "content": PLAN}]
    error(await chat(server, PLAN, messages=messages), 400, "unsupported_parameter", param)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "llmcompiler"}, "messages"),
        ({"model": "llmcompiler", "messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": "x"}]}, "model"),
        (asked(" "), "messages"),
        (
            asked(messages=[{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]),
            "messages",
        ),
        (asked(messages=[{"role": "king", "content": "x"}]), "messages.0.role"),
        (asked(messages=[{"role": "user", "content": 3}]), "messages.0.content"),
        (asked(messages=[{"role": "user", "content": [{"text": "x"}]}]), "messages.0.content.0.type"),
        (
            asked(messages=[{"role": "user", "content": [{"type": "text", "text": 3}]}]),
            "messages.0.content.0.text",
        ),
        (asked(stop=["a", 3]), "stop.1"),
        (asked(metadata={"str": 3}), "metadata.str"),
        (asked(limits={"tasks": 0}), "limits.tasks"),
        (asked(limits={"years": 1}), "limits.years"),
        (asked(response_format={"type": "json_schema"}), "response_format"),
    ],
)
async def test_a_wrong_request_names_its_place(server: Running, body: dict[str, Any], param: str) -> None:
    told = error(await server.http.post("/v1/chat/completions", json=body), 400, "invalid_request", param)
    assert told["type"] == "invalid_request_error"


async def test_a_body_that_is_no_json_is_refused(server: Running) -> None:
    headers = {"Content-Type": "application/json"}
    for content in (b'{"model"', b"\xff\xfe\x00{", b"[]"):
        reply = await server.http.post("/v1/chat/completions", content=content, headers=headers)
        assert reply.status_code == 400
        assert reply.json()["error"]["code"] == "invalid_request"


@pytest.mark.parametrize("index", [0, 1])
async def test_half_a_character_is_refused_with_its_place(server: Running, index: int) -> None:
    messages = [{"role": "assistant", "content": "x"}, {"role": "user", "content": PLAN}]
    messages[index]["content"] += "\ud83d"
    # httpx has no bytes for it; in JSON it is six plain characters.
    sent = json.dumps(asked(messages=messages))
    headers = {"Content-Type": "application/json"}
    reply = await server.http.post("/v1/chat/completions", content=sent, headers=headers)
    told = error(reply, 400, "invalid_request", f"messages.{index}.content")
    assert "surrogate" in told["message"]


async def test_json_that_is_too_deep_is_refused(server: Running) -> None:
    depth = 400_000
    sent = json.dumps(asked(PLAN, extra="@")).replace('"@"', "[" * depth + "]" * depth)
    headers = {"Content-Type": "application/json"}
    reply = await server.http.post("/v1/chat/completions", content=sent, headers=headers)
    error(reply, 400, "invalid_request")
    assert (await chat(server)).status_code == 200


async def test_problems_of_runs_are_in_the_same_shape(server: Running) -> None:
    bad = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "no such type"}}}
    error(await chat(server, PLAN, response_format=bad), 400, "bad_schema", "response_format")
    error(await chat(server, PLAN, limits={"tasks": 10**6}), 400, "limit_too_high")
    error(await chat(server, "x" * 30_000), 400, "context_length_exceeded", "messages")


async def test_one_model_is_there(server: Running) -> None:
    listed = (await server.http.get("/v1/models")).json()
    assert listed["object"] == "list"
    (model,) = listed["data"]
    assert (model["id"], model["object"], model["owned_by"]) == ("llmcompiler", "model", "llmcompiler")
    assert (await server.http.get("/v1/models/llmcompiler")).json() == model
    error(await server.http.get("/v1/models/gpt-5"), 404, "model_not_found", "model")
    error(await chat(server, PLAN, model="gpt-5"), 404, "model_not_found", "model")
    for name in ("a/b", "%00", "%ff", "..%2F", "x" * 2_000):
        told = error(await server.http.get(f"/v1/models/{name}"), 404, "model_not_found", "model")
        assert len(told["message"]) < 500
    assert (await server.http.get("/v1/models/a%0Ab")).json()["code"] == "not-found"


async def test_keys_are_asked_for_in_the_same_shape(start: Any) -> None:
    text, reader = new_key("reader", ["read"])
    async with start(keys=[reader]) as server:
        assert error(await chat(server), 401, "invalid_api_key")["type"] == "authentication_error"
        wrong = await server.http.get("/v1/models", headers={"Authorization": "Bearer llmc_no"})
        error(wrong, 401, "invalid_api_key")
        assert wrong.headers["www-authenticate"].startswith("Bearer")
        server.http.headers["Authorization"] = f"Bearer {text}"
        assert error(await chat(server), 403, "scope_missing")["type"] == "permission_error"


async def test_a_rate_is_told_in_the_same_shape(start: Any) -> None:
    text, key = new_key("busy", ["run", "read"])
    async with start(keys=[key], rate=1.0) as server:
        server.http.headers["Authorization"] = f"Bearer {text}"
        assert (await chat(server)).status_code == 200
        reply = await chat(server)
        assert error(reply, 429, "rate_limit_exceeded")["type"] == "rate_limit_error"
        assert int(reply.headers["retry-after"]) >= 1


# -- runs that fail --------------------------------------------------------------------------------


class Raising:
    """A joiner that fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def join(self, context: JoinContext) -> Decision:
        raise self.error


@pytest.mark.parametrize(
    ("raised", "status", "code", "kind"),
    [
        (ToolError("no result"), 422, "tool-error", "invalid_request_error"),
        (ModelServerError("http://internal.example:1234 broke"), 502, "model-server-error", "server_error"),
        (RuntimeError("secret"), 500, "internal-error", "server_error"),
    ],
)
async def test_a_failed_run_is_an_error_that_is_not_tried_again(
    start: Any, raised: Exception, status: int, code: str, kind: str
) -> None:
    async with start(options={"joiner": Raising(raised)}) as server:
        reply = await chat(server, ASKED)
        told = error(reply, status, code.replace("-", "_"))
        assert told["type"] == kind
        assert "internal.example" not in reply.text
        assert "secret" not in reply.text
        assert reply.headers["x-should-retry"] == "false"
        run = (await server.http.get(reply.headers["location"])).json()
        assert (run["status"], run["id"] in told["message"]) == ("failed", True)
        got = await chunks(server, asked(ASKED, stream=True))
        assert got[0]["choices"][0]["delta"]["role"] == "assistant"
        assert got[1]["error"]["code"] == told["code"]
        assert len(got) == 2


async def test_a_cancelled_run_says_so(server: Running) -> None:
    asking = asyncio.ensure_future(chat(server, WAITING))
    await server.gates.arrived["a"].wait()
    (run,) = (await server.http.get("/v1/runs")).json()["data"]
    await server.http.post(f"/v1/runs/{run['id']}/cancel")
    error(await asking, 422, "cancelled")


# -- connections that close ---------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_cancels_the_run(server: Running, stream: bool) -> None:
    asking = asyncio.ensure_future(chat(server, WAITING, stream=stream))
    await server.gates.arrived["a"].wait()
    asking.cancel()
    await asyncio.wait_for(server.gates.cancelled["a"].wait(), 20)
    await server.until_closed()
    listed = (await server.http.get("/v1/runs")).json()["data"]
    assert [r["status"] for r in listed] == ["cancelled"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_with_an_idempotency_key_may_come_back(server: Running, stream: bool) -> None:
    headers = {"Idempotency-Key": "mine"}
    body = asked(WAITING, stream=stream)
    asking = asyncio.ensure_future(server.http.post("/v1/chat/completions", json=body, headers=headers))
    await server.gates.arrived["a"].wait()
    asking.cancel()
    await server.until_closed()
    assert server.manager.active == 1
    server.gates.opened["a"].set()
    again = await server.http.post("/v1/chat/completions", json=body, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    assert "through a" in again.text
    assert server.gates.calls == ["wait_at(a)"]
    other = await server.http.post("/v1/chat/completions", json=asked(PLAN), headers=headers)
    error(other, 400, "idempotency_mismatch")


@pytest.mark.parametrize("key", ["", "x" * 256, "two words"])
async def test_an_idempotency_key_that_is_none_is_refused(server: Running, key: str) -> None:
    headers = {"Idempotency-Key": key}
    reply = await server.http.post("/v1/chat/completions", json=asked(PLAN), headers=headers)
    error(reply, 400, "invalid_request", "header.Idempotency-Key")
    assert (await server.http.get("/v1/runs")).json()["data"] == []
