"""Timeouts of many calls with one timer per length: adding and dropping is O(1), and nothing ticks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

C = TypeVar("C")


class Timers(Generic[C]):
    """Calls `expired(call, seconds)` for each call that was added and not dropped within its seconds.

    Deadlines of one length come due in the order of adding, so only the first of each length needs a timer. A timer
    is not moved when its call is dropped: it rings once for nothing and is then set for the first call that is left.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[C, float], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._due: dict[float, dict[C, float]] = {}
        self._handles: dict[float, asyncio.TimerHandle] = {}

    def add(self, call: C, seconds: float, now: float) -> None:
        """Start the clock for `call`; `now` is the loop's time."""
        due = self._due.get(seconds)
        if due is None:
            due = self._due[seconds] = {}
        due[call] = now + seconds
        if seconds not in self._handles:
            self._handles[seconds] = self._loop.call_at(now + seconds, self._ring, seconds)

    def drop(self, call: C, seconds: float) -> None:
        """Stop the clock for `call`, if it runs."""
        due = self._due.get(seconds)
        if due:
            due.pop(call, None)

    def clear(self) -> None:
        """Take down the timers, when no call is under way."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()
        self._due.clear()

    def _ring(self, seconds: float) -> None:
        del self._handles[seconds]
        due = self._due[seconds]
        now = self._loop.time() + 1e-6
        late = []
        for call, at in due.items():
            if at > now:
                self._handles[seconds] = self._loop.call_at(at, self._ring, seconds)
                break
            late.append(call)
        for call in late:
            del due[call]
        for call in late:
            self._expired(call, seconds)
