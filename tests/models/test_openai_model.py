"""`OpenAIModel` against a real server on this machine: what it sends, what it makes of every kind of reply."""

from __future__ import annotations

import asyncio
import email.utils
import gc
import json
import logging
import time
import traceback
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from llmcompiler.errors import (
    ConfigurationError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelNotFound,
    ModelRateLimited,
    ModelReplyInvalid,
    ModelRequestRejected,
    ModelServerError,
    ModelStreamBroken,
    ModelTimeout,
)
from llmcompiler.models import Message, Model, ModelRequest, OpenAIModel, complete
from tests.support.openai_server import (
    Broken,
    Events,
    Json,
    OpenAIServer,
    Raw,
    Silent,
    Status,
    Text,
    delta,
    error_event,
    garbage,
    huge_line,
    web_page,
)

KEY = "sk-test-0123456789abcdef"
ASK = ModelRequest(messages=(Message("system", "You plan."), Message("user", "Who?")))


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


BUILT: list[OpenAIModel] = []


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    """Each model of a test is closed in its event loop: a connection left to the collector warns in another test."""
    BUILT.clear()
    yield
    for model in BUILT:
        await model.aclose()


def build(server: OpenAIServer | None = None, **options: Any) -> OpenAIModel:
    options = {"timeout": 10, "base_url": server.base_url if server else "http://127.0.0.1:9/v1"} | options
    model = OpenAIModel("some-model", **options)
    BUILT.append(model)

    async def no_wait(seconds: float) -> None:
        waits.append(seconds)

    waits: list[float] = []
    model._sleep = no_wait
    model.waits = waits  # type: ignore[attr-defined]
    return model


class TestWhatIsSent:
    async def test_the_request(self) -> None:
        with OpenAIServer(["1. join()"]) as server:
            model = build(server, api_key=KEY)
            request = ModelRequest(messages=ASK.messages, stop=("<END>",), max_tokens=50, temperature=0.25)
            reply = await complete(model, request)
        assert isinstance(model, Model)
        assert reply.text == "1. join()"
        assert reply.finish_reason == "stop"
        assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.model_calls) == (
            11,
            7,
            0,
        )
        (got,) = server.requests
        assert got.path == "/v1/chat/completions"
        assert got.headers["authorization"] == f"Bearer {KEY}"
        assert got.body == {
            "model": "some-model",
            "stream": True,
            "stream_options": {"include_usage": True},
            "messages": [{"role": "system", "content": "You plan."}, {"role": "user", "content": "Who?"}],
            "temperature": 0.25,
            "stop": ["<END>"],
            "max_tokens": 50,
        }

    async def test_no_key_no_header(self) -> None:
        with OpenAIServer(["hi"]) as server:
            await complete(build(server), ASK)
        assert "authorization" not in server.requests[0].headers

    async def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with OpenAIServer(["hi"]) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.base_url + "/chat/completions/")
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            assert (await complete(OpenAIModel("m"), ASK)).text == "hi"
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"

    async def test_a_proxy_is_not_asked_for_a_server_on_this_machine(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.delenv("NO_PROXY", raising=False)
        with OpenAIServer(["hi"]) as server:
            assert (await complete(build(server), ASK)).text == "hi"

    async def test_schema_and_grammar_go_where_they_are_taken(self) -> None:
        schema = {
            "title": "Decision",
            "type": "object",
            "properties": {"answer": {"type": "string"}},
            "required": ["answer"],
            "additionalProperties": False,
        }
        request = ModelRequest(messages=ASK.messages, json_schema=schema, grammar="root ::= [a-z]")
        with OpenAIServer(default="{}") as server:
            await complete(build(server, grammar=True), request)
            await complete(build(server, json_schema=False), request)
        first, second = (r.body for r in server.requests)
        described = {"name": "Decision", "schema": schema, "strict": True}
        assert first["response_format"] == {"type": "json_schema", "json_schema": described}
        assert first["grammar"] == "root ::= [a-z]"
        assert "response_format" not in second
        assert "grammar" not in second

    async def test_a_schema_with_optional_properties_is_not_sent_as_strict(self) -> None:
        request = ModelRequest(messages=ASK.messages, json_schema={"type": "object", "properties": {"a": {}}})
        with OpenAIServer(default="{}") as server:
            await complete(build(server), request)
        assert server.requests[0].body["response_format"]["json_schema"]["strict"] is False

    async def test_raw_prompts(self) -> None:
        chunks = [{"choices": [{"text": t, "index": 0, "finish_reason": None}]} for t in ("1. ", "join()")]
        end = {"choices": [{"text": "", "index": 0, "finish_reason": "stop"}]}
        with OpenAIServer([Events([*chunks, end, "[DONE]"])]) as server:
            model = build(server, completion=True)
            assert "completion" in model.features
            assert (await complete(model, ModelRequest(prompt="Question: x\n"))).text == "1. join()"
            assert server.requests[0].path == "/v1/completions"
            assert server.requests[0].body["prompt"] == "Question: x\n"
            with pytest.raises(ModelRequestRejected, match="completion=True"):
                await complete(build(server), ModelRequest(prompt="x"))
            with pytest.raises(ModelRequestRejected, match="no messages"):
                await complete(build(server), ModelRequest())

    async def test_lone_surrogates_do_not_break_the_client(self) -> None:
        with OpenAIServer(["ok"]) as server:
            request = ModelRequest(messages=(Message("user", "\ud800 \0 \u2028 é"),))
            assert (await complete(build(server), request)).text == "ok"

    async def test_the_official_api_gets_its_own_name_for_the_limit(self) -> None:
        bodies: list[dict[str, Any]] = []

        def answer(request: httpx.Request) -> httpx.Response:
            bodies.append(json.loads(request.content))
            return httpx.Response(
                200, json={"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
            )

        model = OpenAIModel("gpt-5-mini", api_key=KEY, transport=httpx.MockTransport(answer))
        assert (await complete(model, ModelRequest(messages=ASK.messages, max_tokens=9))).text == "hi"
        assert bodies[0]["max_completion_tokens"] == 9
        assert "max_tokens" not in bodies[0]


class TestReplies:
    async def test_pieces_come_as_they_are_sent(self) -> None:
        text = "1. search(“Zürich 😀”)\n2. join()\n"
        with OpenAIServer([Text(pieces=list(text))]) as server:
            chunks = [c async for c in build(server).stream(ASK)]
        assert [c.text for c in chunks[:-1]] == list(text)
        assert chunks[-1].finish_reason == "stop"
        assert chunks[-1].usage is not None

    async def test_any_line_ends_and_cuts(self) -> None:
        wire = b": ping\r\n\r\n" + b"".join(
            b"data:" + json.dumps(d).encode() + b"\r\n\r\n"
            for d in (delta("a\n"), delta("b"), delta(finish="stop"))
        )
        with OpenAIServer([Raw(wire, "text/plain")]) as server:
            assert (await complete(build(server), ASK)).text == "a\nb"

    async def test_a_server_that_does_not_stream(self) -> None:
        with OpenAIServer([Json("whole")]) as server:
            reply = await complete(build(server), ASK)
        assert (reply.text, reply.usage.tokens, reply.finish_reason) == ("whole", 18, "stop")

    async def test_no_done_after_the_finish_reason_is_complete(self) -> None:
        with OpenAIServer([Text("all", done=False, usage=None)]) as server:
            assert (await complete(build(server), ASK)).text == "all"

    async def test_a_server_that_does_not_hang_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("llmcompiler.models.openai._GRACE", 0.05)
        with OpenAIServer([Silent("all", finish="stop")]) as server:
            assert (await complete(build(server), ASK)).text == "all"

    async def test_reasoning_is_not_text(self) -> None:
        chunks = [delta(reasoning_content="hmm"), delta("yes"), delta(finish="stop")]
        with OpenAIServer([Events(chunks)]) as server:
            assert (await complete(build(server), ASK)).text == "yes"

    @pytest.mark.parametrize(
        ("reply", "says"),
        [
            (
                Events([delta(refusal="I can "), delta(refusal="not."), delta(finish="stop")]),
                "refused: I can not.",
            ),
            (Events([delta(tool_calls=[{"index": 0}]), delta(finish="tool_calls")]), "tool call"),
            (Events([delta(finish="content_filter")]), "content filter"),
            (Events([delta(reasoning_content="hm"), delta(finish="length")]), "max_tokens"),
            (garbage(), "no chat completion"),
            (web_page(), "web page"),
            (Raw(b'data: {"choices": [{"delta": {"content": "a"}\n\n'), "no JSON"),
            (Raw(b"data: " + b"[" * 100_000 + b"\n\n"), "no JSON"),
            (Raw(b"data: [1]\n\n"), "JSON array"),
            (Raw(b"{not json", "application/json"), "no JSON"),
            (Json(payload={"object": "list"}), "no `choices`"),
            (Json(payload={"choices": {"a": 1}}), "JSON object, not an array"),
            (Json(payload={"choices": ["a"]}), "JSON string"),
            (Json(payload={"choices": [{"message": {"content": 5}}]}), "JSON number"),
            (Json(payload={"error": {"message": "out of memory"}}), "reported: out of memory"),
            (error_event(), "reported: the model crashed"),
            (Events([{"message": "bad"}], event="error"), "reported: bad"),
            (Raw(b""), "empty reply"),
            (huge_line(), "8 MiB"),
        ],
    )
    async def test_invalid(self, reply: Any, says: str) -> None:
        with OpenAIServer([reply] * 3) as server, pytest.raises(ModelReplyInvalid, match=says) as caught:
            await complete(build(server), ASK)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500

    @pytest.mark.parametrize("clean", [True, False])
    async def test_a_stream_that_stops_half_way(self, clean: bool) -> None:
        with OpenAIServer([Broken("1. search(", clean=clean)]) as server:
            with pytest.raises(ModelStreamBroken) as caught:
                await complete(build(server), ASK)
            assert len(server.requests) == 1  # text was given out: never asked again behind the caller's back
        assert caught.value.partial == "1. search("

    async def test_stop_where_the_server_refuses_it(self) -> None:
        refuse = Status(400, {"error": {"message": "Unsupported parameter: 'stop'", "param": "stop"}})
        request = ModelRequest(messages=ASK.messages, stop=("<END>", "\n\n"))
        with OpenAIServer(
            [refuse, Text(pieces=["1. a()", "<", "EN", "D> more"]), Text(pieces=["<EN", "\n"])]
        ) as server:
            model = build(server)
            reply = await complete(model, request)
            assert (reply.text, reply.finish_reason) == ("1. a()", "stop")
            assert (await complete(model, request)).text == "<EN\n"  # the beginning of a stop text is no stop
            assert ["stop" in r.body for r in server.requests] == [True, False, False]


class TestAdapting:
    @pytest.mark.parametrize(
        ("error", "gone", "instead"),
        [
            (
                {
                    "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
                    "Use 'max_completion_tokens' instead.",
                    "param": "max_tokens",
                },
                "max_tokens",
                "max_completion_tokens",
            ),
            ({"message": "Unsupported value: 'temperature' does not support 0 here"}, "temperature", None),
            (
                {"message": "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options')}]"},
                "stream_options",
                None,
            ),
            (
                {"message": "response_format is not supported", "param": "response_format.type"},
                "response_format",
                None,
            ),
        ],
    )
    async def test_a_refused_parameter_is_left_out_from_then_on(
        self, error: dict[str, Any], gone: str, instead: str | None
    ) -> None:
        request = ModelRequest(messages=ASK.messages, max_tokens=5, json_schema={"type": "object"})
        with OpenAIServer([Status(400, {"error": error})], default="fine") as server:
            model = build(server)
            assert (await complete(model, request)).text == "fine"
            assert (await complete(model, request)).text == "fine"
        bodies = [r.body for r in server.requests]
        assert [gone in b for b in bodies] == [True, False, False]
        if instead:
            assert bodies[1][instead] == 5
        if gone == "response_format":
            assert "json_schema" not in model.features

    @pytest.mark.parametrize("message", ["max_tokens is too large: 5", "messages: field required"])
    async def test_a_bad_value_is_an_error(self, message: str) -> None:
        refuse = Status(400, {"error": {"message": message, "param": "max_tokens"}})
        with OpenAIServer([refuse]) as server, pytest.raises(ModelRequestRejected, match=message) as caught:
            await complete(build(server), ModelRequest(messages=ASK.messages, max_tokens=5))
        assert caught.value.status == 400

    async def test_a_server_that_refuses_everything(self) -> None:
        refuse = Status(
            400, {"error": {"message": "unknown parameter max_tokens temperature stop stream_options"}}
        )
        with OpenAIServer(default=refuse) as server:
            with pytest.raises(ModelRequestRejected):
                await complete(build(server), ModelRequest(messages=ASK.messages, max_tokens=5, stop=("x",)))
            assert len(server.requests) <= 6


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "error", "says"),
        [
            (401, ModelAuthenticationError, "OPENAI_API_KEY"),
            (403, ModelAuthenticationError, "OPENAI_API_KEY"),
            (404, ModelNotFound, "no model `some-model` at http://127.0.0.1"),
            (418, ModelRequestRejected, "418"),
            (301, ModelRequestRejected, "set the base URL"),
        ],
    )
    async def test_at_once(self, status: int, error: type[ModelError], says: str) -> None:
        with OpenAIServer([Status(status, {"error": {"message": "no"}}, {"Location": "/x"})]) as server:
            with pytest.raises(error, match=says):
                await complete(build(server), ASK)
            assert len(server.requests) == 1

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (408, ModelTimeout),
            (409, ModelRequestRejected),
            (429, ModelRateLimited),
            (500, ModelServerError),
            (503, ModelServerError),
        ],
    )
    async def test_after_every_try(self, status: int, error: type[ModelError]) -> None:
        with OpenAIServer(default=Status(status, "a\nb " * 500)) as server:
            model = build(server, max_retries=2)
            with pytest.raises(error) as caught:
                await complete(model, ASK)
            assert len(server.requests) == 3
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500
        assert all(0 < w <= 8 for w in model.waits)  # type: ignore[attr-defined]

    async def test_then_it_works(self) -> None:
        with OpenAIServer([Status(500), Status(429, {}, {"Retry-After": "7"}), "fine"]) as server:
            model = build(server)
            assert (await complete(model, ASK)).text == "fine"
        assert model.waits[1] == 7  # type: ignore[attr-defined]

    async def test_retry_after_as_a_date(self) -> None:
        date = email.utils.formatdate(time.time() + 30, usegmt=True)
        with OpenAIServer([Status(429, {}, {"Retry-After": date}), "fine"]) as server:
            model = build(server)
            await complete(model, ASK)
        assert 25 < model.waits[0] <= 30  # type: ignore[attr-defined]

    async def test_a_wait_that_is_too_long_is_an_error_at_once(self) -> None:
        with OpenAIServer([Status(429, {}, {"Retry-After": "3600"})]) as server:
            with pytest.raises(ModelRateLimited, match="3600 s") as caught:
                await complete(build(server), ASK)
            assert caught.value.retry_after == 3600
            assert len(server.requests) == 1
            server.add(Status(429, {}, {"Retry-After": "20"}))
            with pytest.raises(ModelRateLimited):
                await complete(build(server), ModelRequest(messages=ASK.messages, timeout=5))
            assert len(server.requests) == 2

    async def test_no_credit_is_not_tried_again(self) -> None:
        broke = Status(429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}})
        with OpenAIServer([broke]) as server:
            with pytest.raises(ModelRateLimited, match="quota"):
                await complete(build(server), ASK)
            assert len(server.requests) == 1

    async def test_an_overload_reported_in_the_stream_is_tried_again(self) -> None:
        busy = Events([{"error": {"message": "overloaded", "code": 503}}])
        with OpenAIServer([busy, "fine"]) as server:
            assert (await complete(build(server), ASK)).text == "fine"

    async def test_nobody_listens(self) -> None:
        with OpenAIServer() as server:
            url = server.base_url
        model = build(base_url=url)
        with pytest.raises(ModelConnectionError, match=f"is the server running at {url}"):
            await complete(model, ASK)
        assert len(model.waits) == 2  # type: ignore[attr-defined]

    async def test_hanging_up_before_any_text_is_tried_again(self) -> None:
        with OpenAIServer([Broken(""), "fine"]) as server:
            assert (await complete(build(server), ASK)).text == "fine"


class TestTime:
    @pytest.mark.parametrize("reply", [Silent(headers=False), Silent("1. sea")])
    async def test_silence(self, reply: Silent) -> None:
        with OpenAIServer([reply]) as server:
            with pytest.raises(ModelTimeout, match=r"silent for 0\.1 s"):
                await complete(build(server, timeout=0.1), ASK)
            assert server.hung_up.wait(5)
            assert len(server.requests) == 1

    async def test_the_whole_reply(self) -> None:
        with OpenAIServer([Text("x" * 5000, delay=0.02)]) as server:
            with pytest.raises(ModelTimeout, match="time of the request"):
                await complete(build(server), ModelRequest(messages=ASK.messages, timeout=0.2))
            assert server.hung_up.wait(5)

    async def test_closing_the_iterator_hangs_up(self) -> None:
        with OpenAIServer([Silent("1. sea")]) as server:
            chunks = build(server).stream(ASK)
            assert (await anext(chunks)).text == "1. sea"
            await chunks.aclose()
            assert server.hung_up.wait(5)

    @pytest.mark.parametrize("reply", [Silent(headers=False), Silent("1. sea")])
    async def test_cancelling_hangs_up(self, reply: Silent) -> None:
        with OpenAIServer([reply]) as server:
            task = asyncio.create_task(complete(build(server), ASK))
            await asyncio.to_thread(server.serving.wait, 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(server.hung_up.wait, 5)


class TestConnections:
    async def test_they_are_reused(self) -> None:
        with OpenAIServer(default="hi") as server:
            model = build(server)
            for _ in range(5):
                await complete(model, ASK)
            assert server.connections == 1
            await model.aclose()
            assert (await complete(model, ASK)).text == "hi"
            await model.aclose()

    def test_a_fresh_loop_for_every_call_leaks_nothing(self) -> None:
        with OpenAIServer(default="hi") as server:
            model = build(server)
            for _ in range(3):
                assert asyncio.run(complete(model, ASK)).text == "hi"
            gc.collect()  # a socket left open would be a ResourceWarning here, and warnings are errors
            assert not model._clients._open

    async def test_many_at_once(self) -> None:
        with OpenAIServer(default=Text("hello world", delay=0.001)) as server:
            model = build(server)
            replies = await asyncio.gather(*(complete(model, ASK) for _ in range(30)))
        assert {r.text for r in replies} == {"hello world"}


class TestKeys:
    @pytest.mark.parametrize("key", [KEY, "plain-secret-value-9", "abc"])
    @pytest.mark.parametrize("status", [401, 400, 500])
    async def test_they_show_up_nowhere(
        self, key: str, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        echo = {"error": {"message": f"Incorrect API key provided: {key}, or sk-proj-****wxyz. Bearer {key}"}}
        with OpenAIServer(default=Status(status, echo)) as server:
            model = build(server, api_key=key, headers={"X-Secret": "other-secret-value"})
            with pytest.raises(ModelError) as caught:
                await complete(model, ASK)
        shown = "".join(traceback.format_exception(caught.value)) + str(caught.value) + caplog.text
        shown += repr(model) + str(vars(model)) + repr(caught.value)
        assert f" {key}" not in shown.replace("'", " ").replace(",", " ")
        assert "wxyz" not in shown
        assert "other-secret-value" not in shown
        error: BaseException | None = caught.value
        while error is not None:
            assert not isinstance(error, httpx.HTTPError)
            error = error.__cause__ or error.__context__

    async def test_no_context_holds_the_request(self) -> None:
        model = build(base_url="http://user:hunter22@127.0.0.1:9/v1", api_key=KEY, max_retries=0)
        with pytest.raises(ModelConnectionError) as caught:
            await complete(model, ASK)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert "hunter22" not in str(caught.value) + repr(model)

    @pytest.mark.parametrize("key", ["sk-abc\n", "sk-äbc", "two words", "\x00"])
    def test_malformed(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ConfigurationError) as caught:
            OpenAIModel("m", api_key=key)
        assert key.strip() not in str(caught.value) or key == "\x00"
        if "\x00" not in key:
            monkeypatch.setenv("OPENAI_API_KEY", key)
            with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
                OpenAIModel("m")

    def test_the_official_api_wants_one(self) -> None:
        with pytest.raises(ConfigurationError, match=r"OPENAI_API_KEY.*OPENAI_BASE_URL"):
            OpenAIModel("gpt-5-mini")

    @pytest.mark.parametrize("url", ["localhost:8080/v1", "ftp://host/v1", "http://", "http://[", "/v1"])
    def test_malformed_url(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="base URL"):
            OpenAIModel("m", base_url=url)
