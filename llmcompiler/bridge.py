"""The bridge from sync code: runs a coroutine to its end, also where an event loop runs already.

Neither a task that is deaf to its cancellation nor a thread that hangs keeps the caller from its result.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from .signals import Signals

T = TypeVar("T")

LAST_WAIT = 10.0
"""Seconds a cancelled run in a thread has to clean up after Ctrl-C."""
_LAST = 0.5
"""Seconds that what a run left in the event loop has to end when it is cancelled; calls had a grace period before."""
_HURRY = 3.0
"""Seconds that a run has to end when Ctrl-C hit it in the middle of a step: more than the grace period of calls."""
_THREADS = "llmcompiler-asyncio"


def run_blocking(work: Coroutine[Any, Any, T], *, terminate: bool = False) -> T:
    """Run a coroutine to its end from sync code. Inside a running event loop it runs in a thread of its own.

    Ctrl-C cancels it and waits until it has cleaned up; with `terminate` SIGTERM does, too. Context variables are
    carried over.

    Raises:
        KeyboardInterrupt: It was stopped with Ctrl-C.
        CancelledError: It was cancelled, by SIGTERM for instance.
    """
    if _in_loop():
        return _InThread(work).result()
    return _run_alone(work, terminate)


def _in_loop() -> bool:
    # Asked in a function of its own: an error of the run must not look as if it came while handling this one.
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_alone(work: Coroutine[Any, Any, T], terminate: bool = False) -> T:
    """`work` in an event loop of its own. What it leaves behind there gets a moment to end, then is left alone."""
    with Signals(terminate=terminate) as signals, asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(_Threads(thread_name_prefix=_THREADS))
        left = _HURRY

        async def main() -> T:
            nonlocal left
            signals.begin()
            try:
                return await work
            finally:
                left = _LAST

        try:
            return runner.run(main())
        except asyncio.CancelledError:
            if signals.interrupted:
                raise KeyboardInterrupt from None
            raise
        finally:
            signals.end()
            runner.run(_leave_behind(left))
            if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
                work.close()  # stopped before its first step


async def _leave_behind(seconds: float) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    _, deaf = await asyncio.wait(tasks, timeout=seconds)
    for task in deaf:
        # The runner, when it closes, waits without end for every task that is registered.
        asyncio._unregister_task(task)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    if deaf:
        # Nor may they be collected, not even when Python ends: that throws into them again, and some never stop.
        threading.Thread(target=_keep, args=(deaf,), name="llmcompiler-deaf", daemon=True).start()


def _keep(_: object) -> None:
    threading.Event().wait()


class _Threads(ThreadPoolExecutor):
    """The threads of `asyncio.to_thread`: at its end the loop does not wait for those that hang in a tool."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=True)


def threads_hang() -> bool:
    """Whether a run left a thread in a call, which Python waits for before it ends."""
    ours = [t for t in threading.enumerate() if t.name.startswith(_THREADS)]
    for thread in ours:
        thread.join(0.05)  # an idle one is told already
    return any(t.is_alive() for t in ours)


class _InThread(Generic[T]):
    """A coroutine in a thread and an event loop of its own."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        # Queues, since their `get` is of one piece: Ctrl-C in the middle of Thread.join takes the thread for ended
        # ever after (before Python 3.13), and in the middle of Event.wait it may leave the event locked.
        self._begun: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = SimpleQueue()
        self._ended: SimpleQueue[Callable[[], T]] = SimpleQueue()

    def result(self) -> T:
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self._run,), name="llmcompiler-run", daemon=True)
        try:
            thread.start()
            outcome = self._ended.get()
        except KeyboardInterrupt:
            with contextlib.suppress(Empty, RuntimeError):  # it never began, or its loop is closed
                loop, task = self._begun.get(timeout=LAST_WAIT)
                loop.call_soon_threadsafe(task.cancel)
                self._ended.get(timeout=LAST_WAIT)
            raise
        return outcome()

    def _run(self) -> None:
        try:
            value = _run_alone(self._main())
        except BaseException as e:  # handed over to the thread that waits
            self._ended.put(partial(_raise, e))
        else:
            self._ended.put(lambda: value)

    async def _main(self) -> T:
        task = asyncio.ensure_future(self._work)
        self._begun.put((asyncio.get_running_loop(), task))
        return await task


def _raise(error: BaseException) -> Any:
    raise error
