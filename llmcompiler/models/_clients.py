"""HTTP clients that outlive one request, but not their event loop. What is sent is not known here."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    import httpx


class Clients:
    """One HTTP client per event loop, so that connections are reused, and closed when their loop ends.

    A client belongs to the loop it was first used in. Each is kept by an async generator: the loop closes
    those at its end (`asyncio.run`, `asyncio.Runner`), and the generator closes its client, so no socket is
    left open behind a loop that is gone, whether or not anybody called `aclose`.
    """

    def __init__(self, new: Callable[[], httpx.AsyncClient]) -> None:
        self._new = new
        self._lock = threading.Lock()
        self._open: WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[None, None]]
        ] = WeakKeyDictionary()

    async def get(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        with self._lock:
            kept = self._open.get(loop)
            if kept is None:
                for gone in [other for other in self._open if other.is_closed()]:
                    del self._open[gone]
                client = self._new()
                kept = client, self._keep(loop, client)
                self._open[loop] = kept
                started = kept[1].__anext__()
            else:
                started = None
        if started is not None:
            await started
        return kept[0]

    async def aclose(self) -> None:
        kept = self._open.get(asyncio.get_running_loop())
        if kept is not None:
            await kept[1].aclose()

    async def _keep(
        self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient
    ) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            with self._lock:
                self._open.pop(loop, None)
            await client.aclose()
