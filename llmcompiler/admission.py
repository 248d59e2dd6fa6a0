"""Caps: how many calls run at once, over all and for each tool. Pure; first come, first served.

A call that only waits for its own tool never holds up calls of other tools. Every step is O(1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

C = TypeVar("C")


class Admission(Generic[C]):
    """Decides which of the calls on offer may run.

    Args:
        limit: Calls at once over all tools; None for no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.running = 0
        self._ready: deque[tuple[C, Hashable, int | None]] = deque()
        self._parked: dict[Hashable, deque[tuple[C, Hashable, int | None]]] = {}
        self._of_tool: dict[Hashable, int] = {}

    @property
    def waiting(self) -> bool:
        """Whether a call is in line that only the overall cap can hold up."""
        return bool(self._ready)

    def enter(self) -> bool:
        """Count a call of a tool without a cap as running, if there is room and nobody is in line before it."""
        if self._ready or (self.limit is not None and self.running >= self.limit):
            return False
        self.running += 1
        return True

    def offer(self, call: C, tool: Hashable, tool_limit: int | None) -> None:
        """Put a call in line."""
        self._ready.append((call, tool, tool_limit))

    def admit(self) -> C | None:
        """Take out the next call that may run now, and count it as running; None when none may."""
        while self._ready and (self.limit is None or self.running < self.limit):
            entry = self._ready.popleft()
            call, tool, tool_limit = entry
            if tool_limit is not None:
                count = self._of_tool.get(tool, 0)
                if count >= tool_limit:
                    self._parked.setdefault(tool, deque()).append(entry)
                    continue
                self._of_tool[tool] = count + 1
            self.running += 1
            return call
        return None

    def release(self, tool: Hashable, tool_limit: int | None) -> None:
        """A running call ended."""
        self.running -= 1
        if tool_limit is not None:
            left = self._of_tool.pop(tool) - 1
            if left:
                self._of_tool[tool] = left
            self._unpark(tool)

    def _unpark(self, tool: Hashable) -> None:
        parked = self._parked.get(tool)
        if parked:
            self._ready.appendleft(parked.popleft())
            if not parked:
                del self._parked[tool]

    def withdraw(self, calls: set[C]) -> None:
        """Take calls that have not run out of the line."""
        if not calls:
            return
        gone = [e for e in self._ready if e[0] in calls]
        self._ready = deque(e for e in self._ready if e[0] not in calls)
        for tool in list(self._parked):
            left = deque(e for e in self._parked[tool] if e[0] not in calls)
            if left:
                self._parked[tool] = left
            else:
                del self._parked[tool]
        for _, tool, tool_limit in gone:
            if tool_limit is not None:
                # It may have stood for a place of its tool that had become free: the next one takes over.
                self._unpark(tool)
