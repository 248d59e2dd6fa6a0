"""A small HTTP server on a socket of this machine whose replies are scripted byte for byte, by path."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

Writer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Reply:
    """One reply; `body` may be a function that writes to the connection itself, after the headers."""

    body: bytes | str | Writer = b""
    status: str = "200 OK"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Loopback:
    """Replies by path (without the query), and what was asked."""

    replies: dict[str, Reply]
    port: int = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path with query, and headers with names in lower case."""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            self.requests.append(
                (
                    path,
                    {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)},
                )
            )
            reply = self.replies.get(path.partition("?")[0], Reply("nothing here", "404 Not Found"))
            lines = [f"HTTP/1.1 {reply.status}", "Connection: close"]
            lines += [f"{k}: {v}" for k, v in reply.headers.items()]
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            if callable(reply.body):
                await reply.body(writer)
            else:
                writer.write(reply.body.encode() if isinstance(reply.body, str) else reply.body)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def loopback(replies: dict[str, Reply]) -> AsyncIterator[Loopback]:
    """Run a server with these replies; it ends with the block."""
    it = Loopback(replies)
    calls: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        calls.add(task)
        try:
            await it._serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            calls.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        pending = list(calls)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await server.wait_closed()
