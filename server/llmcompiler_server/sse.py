"""A run's events as server-sent events. What is sent is in `runs.py`; here is how, and what if nobody reads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .problems import Problem
from .records import Principal, StoredEvent
from .runs import RunManager

logger = logging.getLogger("llmcompiler.server")

T = TypeVar("T")

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",  # nginx would hold events back otherwise
}
CHUNK = 64_000
"""Characters that are handed to the server at once."""
_BEAT = b": still here\n\n"


def frame(event: StoredEvent) -> str:
    """One event on the wire. Its data is one line: it is JSON."""
    return f"id: {event.seq}\nevent: {event.type}\ndata: {event.data}\n\n"


async def until_gone(receive: Receive) -> None:
    """Until the client has closed the connection. The body of the request must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def put_down(*tasks: asyncio.Task[Any]) -> None:
    """End tasks that nobody needs any more, whatever comes of them."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """What comes of `work`; None if the client left before, and `work` is cancelled then."""
    loop = asyncio.get_running_loop()
    working, gone = loop.create_task(work), loop.create_task(until_gone(request.receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        await put_down(working, gone)


class EventStream(Response):
    """Events of a run until it is over, with a comment now and then while it is silent.

    Args:
        manager: Has the events.
        who: On whose behalf.
        run_id: The run.
        after: The last `id` the client has; -1 for none.
        heartbeat: Seconds of silence after which a comment is sent.
        on_gone: Called once if the client leaves before the end.
        headers: More of them.
        admit: Entered before anything is sent, and left at the end; it may raise a `Problem`.
    """

    def __init__(
        self,
        manager: RunManager,
        who: Principal,
        run_id: str,
        after: int,
        heartbeat: float,
        *,
        on_gone: Callable[[], Awaitable[Any]] | None = None,
        headers: dict[str, str] | None = None,
        admit: AbstractContextManager[None] | None = None,
    ) -> None:
        self.status_code = 200
        self.background: BackgroundTask | None = None
        self.init_headers({**HEADERS, **(headers or {})})
        self._manager, self._who, self._run_id, self._after = manager, who, run_id, after
        self._heartbeat, self._on_gone = heartbeat, on_gone
        self._admit = admit or contextlib.nullcontext()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything.

        Raises:
            Problem: It is not admitted.
        """
        with self._admit:
            await self._answer(receive, send)

    async def _answer(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        loop = asyncio.get_running_loop()
        sending = loop.create_task(self._send_all(send))
        gone = loop.create_task(until_gone(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            left = not sending.done()
        finally:
            await put_down(sending, gone)
        if left:
            if self._on_gone is not None:
                await self._on_gone()
            return
        sending.result()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_all(self, send: Send) -> None:
        sent = asyncio.get_running_loop().time()
        busy = False

        async def write(data: bytes) -> None:
            nonlocal sent, busy
            busy = True
            await send({"type": "http.response.body", "body": data, "more_body": True})
            sent, busy = asyncio.get_running_loop().time(), False

        async def beat() -> None:
            while True:
                await asyncio.sleep(max(sent + self._heartbeat - asyncio.get_running_loop().time(), 0.001))
                if not busy and asyncio.get_running_loop().time() >= sent + self._heartbeat:
                    await write(_BEAT)
                elif busy:
                    await asyncio.sleep(self._heartbeat)

        beating = asyncio.get_running_loop().create_task(beat())
        try:
            async with contextlib.aclosing(self.pieces()) as pieces:
                async for piece in pieces:
                    await write(piece)
        finally:
            await put_down(beating)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """What is sent, in pieces: every event of the run."""
        try:
            batches = self._manager.batches(self._who, self._run_id, after=self._after)
            async with contextlib.aclosing(batches):
                async for batch in batches:
                    for chunk in _chunks(batch):
                        yield chunk
        except Problem as e:  # it is too late to answer with it; who comes back is told
            logger.warning("the events of run %s end early: %s", self._run_id, e)


def _chunks(batch: list[StoredEvent]) -> list[bytes]:
    made: list[bytes] = []
    text: list[str] = []
    length = 0
    for event in batch:
        text.append(frame(event))
        length += len(text[-1])
        if length >= CHUNK:
            made.append("".join(text).encode())
            text, length = [], 0
    if text:
        made.append("".join(text).encode())
    return made


def event_stream(
    manager: RunManager,
    who: Principal,
    run_id: str,
    after: int,
    heartbeat: float,
    *,
    on_gone: Callable[[], Awaitable[Any]] | None = None,
    headers: dict[str, str] | None = None,
    admit: AbstractContextManager[None] | None = None,
) -> EventStream:
    """The answer that follows a run. Make sure before that the run is there: a stream can not say that it is not."""
    return EventStream(manager, who, run_id, after, heartbeat, on_gone=on_gone, headers=headers, admit=admit)


__all__ = ["EventStream", "event_stream", "frame", "put_down", "unless_gone", "until_gone"]
