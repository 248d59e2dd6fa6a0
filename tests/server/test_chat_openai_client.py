"""The real `openai` client, as it is installed and unchanged, against a real server on a loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import openai
import pytest
from httpx_sse import aconnect_sse
from pydantic import BaseModel

from llmcompiler import LLMCompiler
from llmcompiler.errors import ModelServerError, ToolError
from llmcompiler.models.base import ModelChunk, Usage
from llmcompiler.protocols import Answer, Decision, JoinContext
from llmcompiler.testing import ScriptedModel
from llmcompiler_server import create_app
from llmcompiler_server.keys import new_key
from tests.support.serving import (
    ASKED,
    PLAN,
    Gates,
    Running,
    make_compiler,
    make_settings,
    make_tools,
    serving_in_thread,
)

WAITING = '1. wait_at("a")\njoin($1)'
MODEL = "llmcompiler"


def user(text: str) -> Any:
    """Messages with one question."""
    return [{"role": "user", "content": text}]


@contextmanager
def sync_client(**given: Any) -> Iterator[openai.OpenAI]:
    """A client of a service in a thread of its own. Takes settings and `options=` of the compiler."""
    compiler = given.pop("compiler", None) or make_compiler(Gates(), **given.pop("options", {}))
    key = given.pop("key", "not-needed")
    with (
        serving_in_thread(create_app(compiler, make_settings(**given))) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=30) as client,
    ):
        yield client


@asynccontextmanager
async def async_client(server: Running, key: str = "not-needed") -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key=key, max_retries=0, timeout=30
    ) as client:
        yield client


# -- answers -----------------------------------------------------------------------------------------


def test_sync_completion() -> None:
    with sync_client() as client:
        made = client.chat.completions.create(model=MODEL, messages=user(ASKED))
    assert made.choices[0].message.content == "1=3 2=7 "
    assert made.choices[0].message.role == "assistant"
    assert made.choices[0].finish_reason == "stop"
    assert (made.object, made.model) == ("chat.completion", MODEL)
    assert made.usage is not None
    assert made.usage.total_tokens == 0


def test_sync_stream() -> None:
    with sync_client() as client:
        stream = client.chat.completions.create(
            model=MODEL, messages=user(ASKED), stream=True, stream_options={"include_usage": True}
        )
        got = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in got if c.choices) == "1=3 2=7 "
    assert got[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in got if c.choices][-1] == "stop"
    assert got[-1].choices == []
    assert got[-1].usage is not None


async def test_async_completion(server: Running) -> None:
    async with async_client(server) as client:
        made = await client.chat.completions.create(model=MODEL, messages=user(PLAN))
    assert made.choices[0].message.content == "7"


async def test_async_stream_with_the_clients_own_accumulator(server: Running) -> None:
    async with (
        async_client(server) as client,
        client.chat.completions.stream(model=MODEL, messages=user(ASKED)) as stream,
    ):
        kinds = [event.type async for event in stream]
        final = await stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= set(kinds)
    assert final.choices[0].message.content == "1=3 2=7 "


async def test_the_raw_answer_says_where_the_run_is(server: Running) -> None:
    async with async_client(server) as client:
        raw = await client.chat.completions.with_raw_response.create(model=MODEL, messages=user(PLAN))
    run = (await server.http.get(raw.headers["location"])).json()
    assert (run["status"], run["output"]) == ("succeeded", 7)
    assert raw.parse().id == "chatcmpl-" + run["id"].removeprefix("run_")


class Total(BaseModel):
    """What is asked for."""

    total: int


async def test_structured_output(start: Any) -> None:
    class Adding:
        async def join(self, context: JoinContext) -> Decision:
            return Answer({"total": sum(o.outcome.value for o in context.observations)})  # type: ignore[union-attr]

    async with start(options={"joiner": Adding()}) as server, async_client(server) as client:
        made = await client.chat.completions.parse(model=MODEL, messages=user(ASKED), response_format=Total)
    assert made.choices[0].message.parsed == Total(total=10)


async def test_tokens_of_planner_and_joiner_are_told_and_the_conversation_is_seen(start: Any) -> None:
    def reply(text: str, into: int, out: int) -> Any:
        return [(0.0, text), (0.0, ModelChunk("", Usage(prompt_tokens=into, completion_tokens=out), "stop"))]

    plan = reply("1. add(1, 2)\njoin()", 100, 10)
    answer = reply('{"thought": "", "action": "answer", "answer": "It is 3.", "feedback": null}', 50, 5)
    model = ScriptedModel([plan, answer] * 2)
    compiler = LLMCompiler(make_tools(Gates()), model=model, planner="text")
    async with start(compiler=compiler) as server, async_client(server) as client:
        messages: Any = [
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "My number is 1."},
            {"role": "assistant", "content": "Noted."},
            {"role": "user", "content": "Add 2 to it."},
        ]
        made = await client.chat.completions.create(model=MODEL, messages=messages)
        run = (await server.http.get("/v1/runs")).json()["data"][0]
        cards = [m async for m in client.models.list()]
    assert made.choices[0].message.content == "It is 3."
    assert made.usage is not None
    assert made.usage.prompt_tokens == run["usage"]["prompt_tokens"] > 0
    assert made.usage.completion_tokens == run["usage"]["completion_tokens"] > 0
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens
    for request in model.requests:
        assert "Answer in one sentence." in request.text
        assert "User: My number is 1." in request.text
        assert "Question: Add 2 to it." in request.text
    assert cards[0].owned_by == "scripted"


def test_models() -> None:
    with sync_client() as client:
        assert [m.id for m in client.models.list()] == [MODEL]
        assert client.models.retrieve(MODEL).id == MODEL
        with pytest.raises(openai.NotFoundError) as caught:
            client.models.retrieve("gpt-5")
    assert caught.value.code == "model_not_found"


async def test_content_parts_and_a_long_conversation_of_any_script(server: Running) -> None:
    said: list[Any] = [
        {"role": "user" if i % 2 == 0 else "assistant", "content": f"\u00e9 \U0001f389 \u6f22\u5b57 {i}."}
        for i in range(1_000)
    ]
    parts: Any = [{"type": "text", "text": "1. add(1, 2)"}, {"type": "text", "text": "join($1)"}]
    async with async_client(server) as client:
        raw = await client.chat.completions.with_raw_response.create(
            model=MODEL, messages=[*said, {"role": "user", "content": parts}]
        )
    run = (await server.http.get(raw.headers["location"])).json()
    assert raw.parse().choices[0].message.content == "3"
    assert len(run["input"]) <= server.app.state.parts.settings.max_input
    assert "\U0001f389 \u6f22\u5b57 999." in run["input"]
    assert "\u6f22\u5b57 0." not in run["input"]
    assert run["input"].endswith("Question: 1. add(1, 2)\njoin($1)")


async def test_an_answer_of_any_script_streams(start: Any) -> None:
    text = "\u00e9 \U0001f389 \u6f22\u5b57\r\n\u2028 data: [DONE]\n\n: no comment"

    class Saying:
        async def join(self, context: JoinContext) -> Decision:
            for character in text:
                context.delta(character)
            return Answer(text)

    async with start(options={"joiner": Saying()}) as server, async_client(server) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=user(ASKED), stream=True)
        got = [c.choices[0].delta.content or "" async for c in stream]
        made = await client.chat.completions.create(model=MODEL, messages=user(ASKED))
    assert "".join(got) == text == made.choices[0].message.content


async def test_a_call_that_needs_approval_waits_for_it(server: Running) -> None:
    async with async_client(server) as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=user('1. pay("Ann", 5)\njoin($1)'), stream=True
        )
        chunks = aiter(stream)
        where = "/v1/runs/run_" + (await anext(chunks)).id.removeprefix("chatcmpl-")
        async with aconnect_sse(server.http, "GET", f"{where}/events") as source:
            async for event in source.aiter_sse():
                if event.event == "ApprovalRequested":
                    break
        assert (await server.http.get(where)).json()["status"] == "waiting"
        assert server.gates.calls == []
        (call,) = (await server.http.get(f"{where}/approvals")).json()["data"]
        decision = {"decision": "approve", "digest": call["digest"]}
        decided = await server.http.post(f"{where}/approvals/{call['task_id']}", json=decision)
        assert decided.json()["data"] == []
        text = "".join([c.choices[0].delta.content or "" async for c in chunks])
    assert text == "paid 5 to Ann"
    assert server.gates.calls == ["pay(Ann, 5)"]


# -- errors ------------------------------------------------------------------------------------------


def test_errors_of_requests_are_of_the_right_classes() -> None:
    tool: Any = {"type": "function", "function": {"name": "f", "parameters": {}}}
    with sync_client() as client:
        create = client.chat.completions.create
        with pytest.raises(openai.BadRequestError, match="GET /v1/tools") as refused:
            create(model=MODEL, messages=user(PLAN), tools=[tool])
        assert (refused.value.code, refused.value.param) == ("unsupported_parameter", "tools")
        with pytest.raises(openai.BadRequestError, match="must be 1"):
            create(model=MODEL, messages=user(PLAN), n=3)
        with pytest.raises(openai.BadRequestError) as invalid:
            create(model=MODEL, messages=[])
        assert invalid.value.param == "messages"
        with pytest.raises(openai.NotFoundError):
            create(model="gpt-5", messages=user(PLAN))
        with pytest.raises(openai.BadRequestError) as long:
            create(model=MODEL, messages=user("x" * 30_000))
        assert long.value.code == "context_length_exceeded"
        with pytest.raises(openai.BadRequestError, match="not lead anywhere|refers|such part"):
            create(
                model=MODEL,
                messages=user(PLAN),
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"$ref": "#/nowhere"}},
                },
            )


def test_images_and_results_of_tools_are_refused() -> None:
    image: Any = {"type": "image_url", "image_url": {"url": "https://example.org/k2.jpg"}}
    result: Any = {"role": "tool", "tool_call_id": "1", "content": "8611"}
    with sync_client() as client:
        create = client.chat.completions.create
        with pytest.raises(openai.BadRequestError, match="only text") as seen:
            create(model=MODEL, messages=[{"role": "user", "content": [image]}])
        assert (seen.value.code, seen.value.param) == ("unsupported_parameter", "messages.0.content.0")
        with pytest.raises(openai.BadRequestError, match="made by this service"):
            create(model=MODEL, messages=[result, *user(PLAN)])


def test_a_body_that_is_too_large_is_an_error_of_its_status() -> None:
    with sync_client(max_body=2_000) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model=MODEL, messages=user("x" * 3_000))
        assert caught.value.status_code == 413
        assert client.models.retrieve(MODEL).id == MODEL


def test_errors_of_keys() -> None:
    text, reader = new_key("reader", ["read"])
    runs, runner = new_key("runner", ["run"])
    with sync_client(keys=[reader, runner], key=text) as client:
        assert [m.id for m in client.models.list()] == [MODEL]
        with pytest.raises(openai.PermissionDeniedError) as denied:
            client.chat.completions.create(model=MODEL, messages=user(PLAN))
        assert denied.value.code == "scope_missing"
        with pytest.raises(openai.AuthenticationError) as wrong:
            client.with_options(api_key="llmc_wrong").models.list()
        assert wrong.value.code == "invalid_api_key"
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key="llmc_wrong").chat.completions.create(
                model=MODEL, messages=user(PLAN)
            )
        other = client.with_options(api_key=runs)
        assert (
            other.chat.completions.create(model=MODEL, messages=user(PLAN)).choices[0].message.content == "7"
        )


def test_a_rate_limit() -> None:
    text, key = new_key("busy", ["run", "read"])
    with sync_client(keys=[key], key=text, rate=1.0) as client:
        client.models.list()
        with pytest.raises(openai.RateLimitError) as caught:
            client.models.list()
    assert caught.value.code == "rate_limit_exceeded"
    assert int(caught.value.response.headers["retry-after"]) >= 1


async def test_too_many_runs_of_a_key(start: Any) -> None:
    async with start(max_runs_per_key=1) as server, async_client(server) as client:
        first = asyncio.ensure_future(client.chat.completions.create(model=MODEL, messages=user(WAITING)))
        await server.gates.arrived["a"].wait()
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model=MODEL, messages=user(PLAN))
        assert caught.value.code == "too_many_runs"
        server.gates.opened["a"].set()
        assert (await first).choices[0].message.content == "through a"


class Raising:
    """A joiner that fails, and counts."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked = 0

    async def join(self, context: JoinContext) -> Decision:
        self.asked += 1
        raise self.error


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ToolError("no result"), openai.UnprocessableEntityError),
        (ModelServerError("it broke"), openai.InternalServerError),
        (RuntimeError("of the service's own"), openai.InternalServerError),
    ],
)
async def test_a_failed_run_is_raised_and_not_run_again(
    start: Any, raised: Exception, kind: type[openai.APIStatusError]
) -> None:
    joiner = Raising(raised)
    async with start(options={"joiner": joiner}) as server:
        async with openai.AsyncOpenAI(
            base_url=f"{server.url}/v1", api_key="x", max_retries=3, timeout=30
        ) as client:
            with pytest.raises(kind) as caught:
                await client.chat.completions.create(model=MODEL, messages=user(ASKED))
            assert "run_" in caught.value.message
            stream = await client.chat.completions.create(model=MODEL, messages=user(ASKED), stream=True)
            with pytest.raises(openai.APIError) as broken:
                async for _ in stream:
                    pass
        assert broken.value.code == caught.value.code
    assert joiner.asked == 2


def test_an_error_in_the_middle_of_a_sync_stream() -> None:
    class Breaking:
        async def join(self, context: JoinContext) -> Decision:
            context.delta("It is ")
            raise ModelServerError("it broke")

    with sync_client(options={"joiner": Breaking()}) as client:
        stream = client.chat.completions.create(model=MODEL, messages=user(ASKED), stream=True)
        got: list[str] = []

        with pytest.raises(openai.APIError) as broken:
            got.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(got) == "It is "
    assert broken.value.code == "model_server_error"
    assert broken.value.type == "server_error"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_waits_no_longer_cancels_the_run(server: Running, stream: bool) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key="x", max_retries=0, timeout=openai.Timeout(30, read=1.0)
    ) as client:

        async def ask() -> None:
            made: Any = await client.chat.completions.create(
                model=MODEL, messages=user(WAITING), stream=stream
            )
            if stream:
                async for _ in made:
                    pass

        asking = asyncio.ensure_future(ask())
        await server.gates.arrived["a"].wait()
        # Of a stream it may be the transport's own error: some versions of the client leave it as it is.
        with pytest.raises((openai.APITimeoutError, httpx.ReadTimeout)):
            await asking
    await asyncio.wait_for(server.gates.cancelled["a"].wait(), 20)
    await server.until_closed()
    (run,) = (await server.http.get("/v1/runs")).json()["data"]
    assert run["status"] == "cancelled"


async def test_comments_keep_a_silent_stream_from_timing_out(start: Any) -> None:
    async with (
        start(heartbeat=0.02) as server,
        openai.AsyncOpenAI(
            base_url=f"{server.url}/v1", api_key="x", max_retries=0, timeout=openai.Timeout(30, read=1.0)
        ) as client,
    ):
        stream = await client.chat.completions.create(model=MODEL, messages=user(WAITING), stream=True)
        await server.gates.arrived["a"].wait()
        # Longer than the client waits for a byte; nothing is held against the clock.
        asyncio.get_running_loop().call_later(1.2, server.gates.opened["a"].set)
        text = "".join([c.choices[0].delta.content or "" async for c in stream])
    assert text == "through a"


async def test_a_stream_that_is_closed_cancels_the_run(server: Running) -> None:
    async with async_client(server) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=user(WAITING), stream=True)
        await anext(aiter(stream))
        await server.gates.arrived["a"].wait()
        await stream.close()
        await asyncio.wait_for(server.gates.cancelled["a"].wait(), 20)


async def test_an_idempotency_key_asks_once(server: Running) -> None:
    server.gates.opened["a"].set()
    async with async_client(server) as client:
        made = [
            await client.chat.completions.create(
                model=MODEL, messages=user(WAITING), extra_headers={"Idempotency-Key": "mine"}
            )
            for _ in range(2)
        ]
    assert made[0] == made[1]
    assert server.gates.calls == ["wait_at(a)"]


async def test_a_client_that_asks_again_by_itself_gets_the_same_run(server: Running) -> None:
    asked = 0

    async def count(request: Any) -> None:
        nonlocal asked
        asked += 1
        if asked == 2:  # the client has given up on the first one
            server.gates.opened["a"].set()

    http = openai.DefaultAsyncHttpxClient(event_hooks={"request": [count]}, trust_env=False)
    async with openai.AsyncOpenAI(
        base_url=f"{server.url}/v1",
        api_key="x",
        max_retries=2,
        timeout=openai.Timeout(30, read=1.0),
        http_client=http,
    ) as client:
        made = await client.chat.completions.create(
            model=MODEL, messages=user(WAITING), extra_headers={"Idempotency-Key": "mine"}
        )
    assert made.choices[0].message.content == "through a"
    assert asked == 2
    assert server.gates.calls == ["wait_at(a)"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_service_that_ends_says_so(start: Any, stream: bool) -> None:
    async with start(grace=0.0) as server, async_client(server) as client:

        async def ask() -> None:
            made: Any = await client.chat.completions.create(
                model=MODEL, messages=user(WAITING), stream=stream
            )
            if stream:
                async for _ in made:
                    pass

        asking = asyncio.ensure_future(ask())
        await server.gates.arrived["a"].wait()
        await server.manager.aclose()
        with pytest.raises(openai.APIError) as ended:
            await asking
        assert ended.value.code == "interrupted"
        with pytest.raises(openai.InternalServerError) as refused:
            await client.chat.completions.create(model=MODEL, messages=user(PLAN))
        assert (refused.value.status_code, refused.value.code) == (503, "shutting_down")
        assert int(refused.value.response.headers["retry-after"]) >= 1
