"""The bridge from sync code: runs a coroutine to its end, also where an event loop runs already."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")

LAST_WAIT = 10.0
"""Seconds a cancelled run in a thread has to clean up after Ctrl-C."""


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from sync code. Inside a running event loop it runs in a thread of its own.

    Ctrl-C cancels it and waits until it has cleaned up. Context variables are carried over.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    return _InThread(work).result()


class _InThread(Generic[T]):
    """A coroutine in a thread and an event loop of its own."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._begun = threading.Event()
        self._task: asyncio.Task[T] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._value: T
        self._error: BaseException | None = None

    def result(self) -> T:
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self._run,), name="llmcompiler-run", daemon=True)
        thread.start()
        try:
            thread.join()
        except KeyboardInterrupt:
            self._begun.wait(LAST_WAIT)
            if self._loop is not None and self._task is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._task.cancel)
            thread.join(LAST_WAIT)
            raise
        if self._error is not None:
            raise self._error
        return self._value

    def _run(self) -> None:
        try:
            self._value = asyncio.run(self._main())
        except BaseException as e:  # handed over to the thread that waits
            self._error = e

    async def _main(self) -> T:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.ensure_future(self._work)
        self._begun.set()
        return await self._task
