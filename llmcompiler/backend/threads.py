"""Threads for sync tools. Daemon threads: a tool that hangs must not keep the interpreter from ending."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any

Job = tuple[contextvars.Context, Callable[[], Any], Callable[[Any, BaseException | None], None]]


class ThreadPool:
    """Runs functions in threads that are kept for the next one; how many at once is decided elsewhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._idle = 0
        self._count = 0
        self._keep = True

    def submit(
        self,
        context: contextvars.Context,
        func: Callable[[], Any],
        done: Callable[[Any, BaseException | None], None],
    ) -> None:
        """Run `func` in `context`; `done(value, error)` is called in the thread.

        Raises:
            RuntimeError: No more threads can be started; `func` is not run.
        """
        with self._lock:
            self._keep = True
            start = self._idle == 0
            if start:
                self._count += 1
            else:
                self._idle -= 1
        if start:
            try:
                threading.Thread(target=self._work, name="llmcompiler-tool", daemon=True).start()
            except BaseException:
                with self._lock:
                    self._count -= 1
                raise
        # Only now: a job whose thread did not start must not be run by another one later.
        self._jobs.put((context, func, done))

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                break
            context, func, done = job
            value, error = None, None
            try:
                value = context.run(func)
            except BaseException as e:
                error = e
            # Idle before `done`: whoever is told may submit at once and should find this thread.
            with self._lock:
                keep = self._keep
                if keep:
                    self._idle += 1
                else:
                    self._count -= 1
            done(value, error)
            del job, context, func, done, value, error
            if not keep:
                break

    def shrink(self) -> None:
        """End the threads that have nothing to do; busy ones end with their job, unless another comes before that."""
        with self._lock:
            self._keep = False
            ending, self._idle = self._idle, 0
            self._count -= ending
        for _ in range(ending):
            self._jobs.put(None)

    @property
    def size(self) -> int:
        """Threads that are there, busy ones included."""
        return self._count
