r"""An OpenAI-compatible server for tests, on a real socket of this machine, that does what a script says.

    with OpenAIServer(["1. search(\"Oslo\")\n2. join()"]) as server:
        model = OpenAIModel("m", base_url=server.base_url)
        ...
        assert server.requests[0].body["stop"] == ["<END>"]

Each request takes the next reply of the script; a reply is a text, or one of the classes below, or a function
that gets the request and returns one. It speaks HTTP/1.1 by hand, so that it can also break off anywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: Any
    """The JSON body, or None."""

    @property
    def prompt(self) -> str:
        """All messages, or the raw prompt, as one text."""
        if "prompt" in self.body:
            return str(self.body["prompt"])
        return "\n\n".join(m["content"] for m in self.body["messages"])


@dataclass(frozen=True)
class Text:
    """A whole streamed reply; `pieces` says how it is cut, `delay` how many seconds lie before each piece."""

    text: str = ""
    pieces: Sequence[str] | None = None
    delay: float = 0.0
    finish: str | None = "stop"
    usage: tuple[int, int] | None = (11, 7)
    done: bool = True
    """Whether `[DONE]` comes last."""


def calls(*made: tuple[str, Any], size: int = 5, text: str = "") -> Events:
    """A whole streamed reply of tool calls: names with arguments, which are JSON text or data."""
    events: list[Any] = [delta(None, role="assistant")] + ([delta(text)] if text else [])
    for index, (name, given) in enumerate(made):
        arguments = given if isinstance(given, str) else json.dumps(given)
        first = {"index": index, "id": f"call_{index}", "type": "function"}
        events.append(delta(tool_calls=[first | {"function": {"name": name, "arguments": ""}}]))
        for at in range(0, len(arguments), size):
            piece = {"index": index, "function": {"arguments": arguments[at : at + size]}}
            events.append(delta(tool_calls=[piece]))
    events.append(delta(finish="tool_calls"))
    events.append({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}})
    return Events([*events, "[DONE]"])


@dataclass(frozen=True)
class Broken:
    """A streamed reply whose connection breaks after `text`; rudely, or with a proper end of the body."""

    text: str = ""
    clean: bool = False


@dataclass(frozen=True)
class Silent:
    """A streamed reply that stops after `text` and keeps the connection open, until the client goes."""

    text: str = ""
    headers: bool = True
    """Whether even the response's head is sent."""
    finish: str | None = None


@dataclass(frozen=True)
class Status:
    """A plain response with a status, and a JSON or text body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Json:
    """A server that does not stream: the whole reply as one JSON document."""

    text: str | None = None
    payload: Any = None


@dataclass(frozen=True)
class Events:
    """Any payloads as events; strings are sent as they are, all else as JSON."""

    payloads: Sequence[Any]
    event: str | None = None


@dataclass(frozen=True)
class Raw:
    """Any bytes as the body of a response with status 200."""

    body: bytes
    content_type: str = "text/event-stream"


Reply = str | Text | Broken | Silent | Status | Json | Events | Raw | Callable[[Received], Any]


def web_page() -> Raw:
    """What a proxy or a wrong path answers."""
    return Raw(b"<!DOCTYPE html><html><body>Welcome</body></html>", "text/html")


def garbage(size: int = 4096) -> Raw:
    """Bytes that are no text in any encoding."""
    return Raw(bytes(range(128, 256)) * (size // 128))


def huge_line(size: int = 9 * 2**20) -> Raw:
    """An event whose one line is longer than any reply needs."""
    return Raw(b'data: {"choices":[{"delta":{"content":"' + b"x" * size)


def error_event(message: str = "the model crashed", **fields: Any) -> Events:
    """An error reported inside a stream that began as a success."""
    return Events([delta("1. sea"), {"error": {"message": message, **fields}}])


def delta(text: str | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """One chunk of a streamed chat completion."""
    content = {"content": text} if text is not None else {}
    return {"choices": [{"index": 0, "delta": content | fields, "finish_reason": finish}]}


class OpenAIServer:
    """The server; use it as a context manager. `requests` has what arrived, in order."""

    def __init__(self, replies: Iterable[Reply] = (), *, default: Reply | None = None) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        """Connections accepted so far: keep-alive works where it stays behind the number of requests."""
        self.hung_up = threading.Event()
        """Set when a client went away in the middle of a reply."""
        self.serving = threading.Event()
        """Set when the first piece of some reply was sent."""
        self._replies = list(replies)
        self._default = default
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai-server")
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def base_url(self) -> str:
        """What a client is to be given."""
        return f"http://127.0.0.1:{self.port}/v1"

    def add(self, *replies: Reply) -> None:
        """More replies, after those that are left."""
        self._replies.extend(replies)

    def __enter__(self) -> OpenAIServer:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._client, "127.0.0.1", 0), self._loop
        ).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return False  # between two requests, going away is in order
        method, path, _ = head.split("\r\n", 1)[0].split(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:] if line)
        }
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Received(method, path, headers, json.loads(raw) if raw else None)
        self.requests.append(request)
        reply: Any = self._next(path)
        while callable(reply):
            reply = reply(request)
        gone = asyncio.ensure_future(reader.read(1))
        answering = asyncio.ensure_future(self._answer(reply, writer))
        try:
            await asyncio.wait({gone, answering}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                self.hung_up.set()
                return False
            return answering.result() and not gone.done()
        finally:
            for job in (gone, answering):
                job.cancel()
            await asyncio.gather(gone, answering, return_exceptions=True)

    def _next(self, path: str) -> Reply:
        if not path.endswith(("/chat/completions", "/completions")):
            return Status(404, {"error": {"message": f"no such path: {path}"}})
        if self._replies:
            return self._replies.pop(0)
        return self._default or Status(
            501, {"error": {"message": "the script of this server has no reply left"}}
        )

    async def _answer(self, reply: Any, writer: asyncio.StreamWriter) -> bool:
        """Send the reply; whether the connection can be used again."""
        if isinstance(reply, str):
            reply = Text(reply)
        if isinstance(reply, Status):
            is_text = isinstance(reply.body, str)
            body = reply.body if is_text else json.dumps(reply.body if reply.body is not None else {})
            self._head(
                writer, reply.status, "text/plain" if is_text else "application/json", reply.headers, body
            )
            await writer.drain()
            return True
        if isinstance(reply, Json):
            whole = reply.payload or {
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": reply.text},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"prompt_tokens": 11, "completion_tokens": 7},
            }
            self._head(writer, 200, "application/json", {}, json.dumps(whole))
            await writer.drain()
            return True
        if isinstance(reply, Silent) and not reply.headers:
            self.serving.set()
            await asyncio.Event().wait()
        self._head(writer, 200, reply.content_type if isinstance(reply, Raw) else "text/event-stream", {})
        await self._body(reply, writer)
        if isinstance(reply, Broken) and not reply.clean:
            writer.transport.abort()
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _body(self, reply: Any, writer: asyncio.StreamWriter) -> None:
        if isinstance(reply, Raw):
            for start in range(0, len(reply.body), 2**16):
                await self._chunk(writer, reply.body[start : start + 2**16])
        elif isinstance(reply, Events):
            prefix = f"event: {reply.event}\n" if reply.event else ""
            for payload in reply.payloads:
                data = payload if isinstance(payload, str) else json.dumps(payload)
                await self._chunk(writer, f"{prefix}data: {data}\n\n".encode())
        elif isinstance(reply, (Broken, Silent)):
            await self._event(writer, delta(None, role="assistant"))
            await self._event(writer, delta(reply.text))
            if isinstance(reply, Silent):
                if reply.finish:
                    await self._event(writer, delta(finish=reply.finish))
                await asyncio.Event().wait()
        else:
            await self._text(reply, writer)

    async def _text(self, reply: Text, writer: asyncio.StreamWriter) -> None:
        pieces = (
            reply.pieces
            if reply.pieces is not None
            else [reply.text[i : i + 5] for i in range(0, len(reply.text), 5)]
        )
        await self._event(writer, delta(None, role="assistant"))
        for piece in pieces:
            if reply.delay:
                await asyncio.sleep(reply.delay)
            await self._event(writer, delta(piece))
        await self._event(writer, delta(finish=reply.finish))
        if reply.usage is not None:
            prompt, completion = reply.usage
            usage = {"prompt_tokens": prompt, "completion_tokens": completion}
            await self._event(writer, {"choices": [], "usage": usage})
        if reply.done:
            await self._chunk(writer, b"data: [DONE]\n\n")

    async def _event(self, writer: asyncio.StreamWriter, payload: Any) -> None:
        await self._chunk(writer, b"data: " + json.dumps(payload).encode() + b"\n\n")

    async def _chunk(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await writer.drain()
        self.serving.set()

    def _head(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        content_type: str,
        headers: dict[str, str],
        body: str | None = None,
    ) -> None:
        lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        data = b"" if body is None else body.encode()
        lines.append("Transfer-Encoding: chunked" if body is None else f"Content-Length: {len(data)}")
        writer.write("\r\n".join([*lines, "", ""]).encode() + data)
