"""A model behind any OpenAI-compatible server: chat completions, streamed over HTTP.

Requests, retries and deadlines live here. What goes over the wire is in `_chat.py`, what errors say in
`_faults.py`, connections in `_clients.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

import httpx
import tenacity
from httpx_sse import EventSource, ServerSentEvent

from ..errors import (
    ConfigurationError,
    ModelError,
    ModelReplyInvalid,
    ModelRequestRejected,
    ModelStreamBroken,
    ModelTimeout,
)
from ..prices import Prices, checked_prices
from . import _chat, _http
from ._clients import Clients
from ._faults import Again, Server
from .base import Feature, ModelChunk, ModelRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

OFFICIAL_BASE_URL = "https://api.openai.com/v1"

_GRACE = 2.0
"""Seconds to wait for the usage once the reply itself is complete."""

_BACKOFF = tenacity.wait_random_exponential(multiplier=0.5, min=0.1, max=8.0)


class OpenAIModel:
    """A model of an OpenAI-compatible server.

    Retries happen only before the first piece of a reply was given out, for failed connections and the
    statuses 408, 409, 429 and 5xx, with growing random waits or as long as the server asks (`Retry-After`).
    A parameter that the server refuses by name (`temperature`, `stop`, ...) is left out from then on; stop
    texts are then cut here. The key comes from `api_key` or OPENAI_API_KEY and shows up nowhere.

    Example:
        ```python
        model = OpenAIModel("qwen3", base_url="http://127.0.0.1:8080/v1")
        ```

    Args:
        name: The model's name at the server.
        base_url: Where the server is; OPENAI_BASE_URL, else the official API.
        api_key: Sent as a bearer token; OPENAI_API_KEY, else none is sent.
        timeout: Seconds the server may be silent between two pieces of a reply.
        connect_timeout: Seconds until a connection must stand.
        max_retries: Further tries after the first.
        max_retry_after: Seconds of waiting the server may ask for; more is an error at once.
        json_schema: Whether the server takes `response_format` with a JSON schema.
        grammar: Whether the server takes a GBNF `grammar` (llama.cpp does).
        completion: Whether the server has `/completions` for raw prompts.
        tools: Whether the server takes `tools` and gives tool calls.
        temperature: Used instead of what requests say.
        max_tokens: Used where requests say nothing.
        headers: Further headers. Their values are kept out of errors like the key.
        extra_body: Further fields of the request's body.
        prices: US dollars for a million tokens in and a million out, as in `(0.25, 2.0)`; by default those of the
            package genai-prices for a model of this name, where it is installed.
        transport: An `httpx` transport to use instead of the network.

    Raises:
        ConfigurationError: The name is empty, URL or key are malformed, or the official API has no key.
    """

    provider = "openai"
    """The API that is spoken, for telemetry."""

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 120.0,
        connect_timeout: float = 10.0,
        max_retries: int = 2,
        max_retry_after: float = 60.0,
        json_schema: bool = True,
        grammar: bool = False,
        completion: bool = False,
        tools: bool = True,
        temperature: float | None = None,
        max_tokens: int | None = None,
        headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        prices: Prices | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if not name.strip():
            raise ConfigurationError("the model's name is empty: give one, as in `openai:gpt-5-mini`")
        self.name = name.strip()
        self._url = _http.checked_base_url(base_url or os.environ.get("OPENAI_BASE_URL") or OFFICIAL_BASE_URL)
        self._shown_url = _http.shown_url(self._url)
        self.server = (self._url.host, self._url.port or (443 if self._url.scheme == "https" else 80))
        self._official = self._url.host == httpx.URL(OFFICIAL_BASE_URL).host
        if api_key is not None:
            self._key = _http.checked_key(api_key, "`api_key`")
        else:
            self._key = _http.checked_key(os.environ.get("OPENAI_API_KEY"), "OPENAI_API_KEY")
        if self._official and not self._key and transport is None:
            raise ConfigurationError(
                f"model `{self.name}` needs a key: set OPENAI_API_KEY or pass `api_key`; for a server "
                "of your own, set OPENAI_BASE_URL (as in http://127.0.0.1:8080/v1) or pass `base_url`"
            )
        self.prices = checked_prices(prices)
        """US dollars for a million tokens in and out, if they were given."""
        self._timeout = httpx.Timeout(timeout, connect=connect_timeout, pool=None)
        self._max_retries = max(0, max_retries)
        self._max_retry_after = max_retry_after
        self._json_schema = json_schema
        self._grammar = grammar
        self._completion = completion
        self._tools = tools
        self.temperature, self.max_tokens = temperature, max_tokens
        self._headers = {k: _http.Secret(v) for k, v in (headers or {}).items()}
        self._extra_body = dict(extra_body or {})
        self._transport = transport
        self._redact = _http.Redactor(
            [
                self._key.reveal(),
                self._url.password,
                *(v.reveal() for v in self._headers.values() if len(v.reveal()) >= 8),
            ]
        )
        self._server = Server(self.name, self._shown_url, self._redact, bool(self._key), timeout)
        self._unsupported: set[str] = set()
        self._clients = Clients(self._new_client)
        self._sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def features(self) -> frozenset[Feature]:
        """What the server takes, as told at the start and found out since."""
        features: set[Feature] = {"chat"}
        if self._json_schema and "response_format" not in self._unsupported:
            features.add("json_schema")
        if self._grammar and "grammar" not in self._unsupported:
            features.add("grammar")
        if self._completion:
            features.add("completion")
        if self._tools and "tools" not in self._unsupported:
            features.add("tools")
        return frozenset(features)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelChunk, None]:
        """The reply, piece by piece. The last piece has the usage and the reason why the reply ended.

        Raises:
            ModelError: No usable reply; which subclass says who must act. Never holds the key.
        """
        deadline = None
        if request.timeout is not None:
            deadline = asyncio.get_running_loop().time() + request.timeout
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self._max_retries + 1),
            retry=tenacity.retry_if_exception(lambda e: self._worth_waiting(e, deadline)),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        begun: tuple[AsyncGenerator[ModelChunk, None], ModelChunk | None] | ModelError
        try:
            begun = await retrying(self._begin, request, deadline)
        except Again as again:
            begun = again.error
        if isinstance(begun, ModelError):
            raise begun  # outside the handler, so that no context comes with it
        chunks, first = begun
        try:
            if first is not None:
                yield first
                async for chunk in chunks:
                    yield chunk
        finally:
            await chunks.aclose()

    async def aclose(self) -> None:
        """Close the connections that the running event loop has open. The model can still be used."""
        await self._clients.aclose()

    def __repr__(self) -> str:
        return f"OpenAIModel({self.name!r}, base_url={self._shown_url!r})"

    async def _begin(
        self, request: ModelRequest, deadline: float | None
    ) -> tuple[AsyncGenerator[ModelChunk, None], ModelChunk | None]:
        """One try: everything up to the first chunk, so that what fails until then can be tried again."""
        chunks = self._chunks(request, deadline)
        return chunks, await anext(chunks, None)

    async def _chunks(
        self, request: ModelRequest, deadline: float | None
    ) -> AsyncGenerator[ModelChunk, None]:
        response = await self._respond(request, deadline)
        state = _chat.ReplyState(takes_calls=bool(request.tools))
        local_stop = _chat.StopFilter(request.stop if "stop" in self._unsupported else ())
        partial: list[str] = []
        try:
            async with aclosing(self._payloads(response, deadline, partial, state)) as payloads:
                async for payload in payloads:
                    text = local_stop.feed(state.feed(payload))
                    calls = state.take_calls()
                    if text or calls:
                        partial += [text, *(call.arguments for call in calls)]
                        yield ModelChunk(text, tool_calls=calls)
                    if local_stop.stopped:
                        state.finish_reason = "stop"
                        break
            state.check_complete(self._redact)
            yield ModelChunk(local_stop.close(), usage=state.usage, finish_reason=state.finish_reason)
        except ModelReplyInvalid as e:
            raise self._server.placed(e) from None
        finally:
            await response.aclose()

    async def _respond(self, request: ModelRequest, deadline: float | None) -> httpx.Response:
        """A response with status 200 whose body is not read yet."""
        chat = not (request.prompt is not None and (self._completion or not request.messages))
        if chat and not request.messages:
            raise ModelRequestRejected("the request has no messages")
        if not chat and not self._completion:
            raise ModelRequestRejected(
                f"model `{self.name}` takes messages, not a raw prompt; if its server has /completions, "
                "build it with `completion=True`"
            )
        if request.tools and "tools" not in self.features:
            raise self._server.no_tools()
        while True:
            body = _chat.build_body(
                self.name,
                request,
                chat=chat,
                unsupported=self._unsupported,
                json_schema=self._json_schema,
                grammar=self._grammar,
                max_tokens=self.max_tokens,
                temperature=self.temperature,
                official=self._official,
                extra=self._extra_body,
            )
            response = await self._send("/chat/completions" if chat else "/completions", body, deadline)
            if response.status_code == 200:
                return response
            text = await self._error_body(response, deadline)
            parameter = (
                _chat.refused_parameter(text, body) if response.status_code in (400, 422, 501) else None
            )
            if parameter is None or parameter in self._unsupported or parameter in self._extra_body:
                raise self._server.refusal(response, text)
            self._unsupported.add(parameter)
            if parameter == "tools":  # without them the reply would be another one
                raise self._server.no_tools(text)

    async def _send(self, path: str, body: dict[str, Any], deadline: float | None) -> httpx.Response:
        client = await self._clients.get()
        headers = {k: v.reveal() for k, v in self._headers.items()}
        if self._key:
            headers.setdefault("Authorization", f"Bearer {self._key.reveal()}")
        headers |= {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        url = self._url.copy_with(path=self._url.path.rstrip("/") + path)
        # json.dumps escapes lone surrogates, which the client's own encoder would choke on.
        http_request = client.build_request("POST", url, content=json.dumps(body).encode(), headers=headers)
        return await self._server.within(client.send(http_request, stream=True), deadline)

    async def _payloads(
        self, response: httpx.Response, deadline: float | None, partial: list[str], state: _chat.ReplyState
    ) -> AsyncGenerator[Any, None]:
        """The JSON payloads of a reply: those of its events, or the one of a server that does not stream."""
        async with aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_bytes())) as pieces:
            head = b""
            while not head.strip():
                piece = await self._server.within(anext(pieces, None), deadline)
                if piece is None:
                    raise Again(ModelReplyInvalid(f"{self._server} sent an empty reply"))
                head += piece
            capped = _http.CappedStream(head, pieces)
            # By what it is, not by its content type: servers call either kind by the other's name.
            start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
            if start == b"<":
                raise ModelReplyInvalid(
                    f"{self._server} answered with a web page, not with JSON; is the base URL complete? "
                    "It most often ends in /v1"
                )
            if start in (b"{", b"["):
                payload = self._server.parsed(
                    (await self._whole(capped, deadline)).decode("utf-8", "replace")
                )
                if isinstance(payload, dict) and payload.get("error"):
                    raise self._server.reported(payload, started=False)
                yield payload
                return
            saw_event = False
            async with aclosing(self._events(capped, deadline, partial, state)) as events:
                async for event in events:
                    saw_event = True
                    payload = self._server.parsed(event.data)
                    if event.event == "error" or (isinstance(payload, dict) and payload.get("error")):
                        raise self._server.reported(payload, started=bool(partial))
                    yield payload
            if not saw_event:
                text = head.decode("utf-8", "replace")
                is_text = 4 * text.count("\ufffd") < len(text)
                shown = self._redact(text, 120) if is_text else "bytes that are no text"
                raise ModelReplyInvalid(
                    f"{self._server} sent no chat completion but: {shown}; is it an OpenAI-compatible server?"
                )

    async def _events(
        self, stream: _http.CappedStream, deadline: float | None, partial: list[str], state: _chat.ReplyState
    ) -> AsyncGenerator[ServerSentEvent, None]:
        """The events with data, up to `[DONE]` or, once the reply is complete, the end of the body."""
        body = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=stream)
        async with aclosing(EventSource(body).aiter_sse()) as source:
            while True:
                until = deadline if state.finish_reason is None else _soonest(deadline, _GRACE)
                try:
                    event = await self._server.within(anext(source, None), until, partial)
                except (ModelTimeout, ModelStreamBroken):
                    if state.finish_reason is None:
                        raise
                    return  # the reply is complete; only its usage, or a clean end, is missing
                if event is None:
                    break
                if event.data.strip() == "[DONE]":
                    await self._drain(source)
                    return
                if event.data:
                    yield event
        if state.finish_reason is None and (partial or state.fed):
            raise ModelStreamBroken(f"the reply of {self._server} stopped before its end", "".join(partial))

    async def _whole(self, stream: _http.CappedStream, deadline: float | None) -> bytes:
        pieces, whole = aiter(stream), bytearray()
        while (piece := await self._server.within(anext(pieces, None), deadline)) is not None:
            whole += piece
        return bytes(whole)

    async def _drain(self, source: AsyncGenerator[Any, None]) -> None:
        """Read to the end of the body after `[DONE]`: only then the connection can be used again."""
        try:
            async with asyncio.timeout(0.1):
                async for _ in source:
                    pass
        except (httpx.HTTPError, TimeoutError, ModelReplyInvalid):
            pass  # costs a connection, nothing else: the reply is complete

    async def _error_body(self, response: httpx.Response, deadline: float | None) -> str:
        """The beginning of a refusal's body. Never raises for what is in it."""
        body = b""
        try:
            async with asyncio.timeout_at(_soonest(deadline, _GRACE * 5)):
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > 64 * 1024:
                        break
        except (httpx.HTTPError, TimeoutError):
            pass  # the status alone tells enough
        finally:
            await response.aclose()
        return body.decode("utf-8", "replace")

    def _worth_waiting(self, error: BaseException, deadline: float | None) -> bool:
        if not isinstance(error, Again):
            return False
        wait = error.wait or 0.0
        left = None if deadline is None else deadline - asyncio.get_running_loop().time()
        return wait <= self._max_retry_after and (left is None or wait < left)

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=self._timeout,
            transport=self._transport,
            # A proxy set for the internet must not be asked for a server on this machine.
            trust_env=not _http.is_loopback(self._url),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=10, keepalive_expiry=30.0),
        )


def _wait(state: tenacity.RetryCallState) -> float:
    """As long as the server asks, else random: up to 0.5 s, 1 s, 2 s ... 8 s."""
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, Again) and failure.wait is not None:
        return failure.wait
    return _BACKOFF(state)


def _soonest(deadline: float | None, seconds: float) -> float:
    until = asyncio.get_running_loop().time() + seconds
    return until if deadline is None else min(deadline, until)
