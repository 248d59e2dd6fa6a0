"""Caps: how many calls run at once, over all and for each tool, and whose turn it is. Pure.

Groups (runs) with waiting calls take turns, so that a large run never starves a small one; within a group the highest
rank goes first, and of equal ranks the one offered first. A call that only waits for its own tool never holds up calls
of other tools. Every step is O(log n) in the calls waiting, amortised.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class _Entry(Generic[C]):
    """A call in line."""

    __slots__ = ("call", "group", "line", "tool", "tool_limit")

    def __init__(self, call: C, tool: Hashable, tool_limit: int | None, group: Hashable) -> None:
        self.call = call
        self.tool = tool
        self.tool_limit = tool_limit
        self.group = group
        self.line: _Line[C] | None = None
        """The line it stands in; None once it is admitted or withdrawn."""


_Item = tuple[float, int, _Entry[C]]  # minus the rank, the order of offering


class _Heap(Generic[C]):
    """The calls of one group in one line. Those that have left the line stay in until they come up, or outnumber."""

    __slots__ = ("items", "live")

    def __init__(self) -> None:
        self.items: list[_Item[C]] = []
        self.live = 0


class _Line(Generic[C]):
    """Calls in line, by group; groups take turns."""

    __slots__ = ("groups",)

    def __init__(self) -> None:
        self.groups: OrderedDict[Hashable, _Heap[C]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self.groups)

    def push(self, item: _Item[C]) -> None:
        entry = item[2]
        entry.line = self
        heap = self.groups.get(entry.group)
        if heap is None:
            heap = self.groups[entry.group] = _Heap()
        heappush(heap.items, item)
        heap.live += 1

    def pop(self, group: Hashable) -> _Item[C]:
        """The next call of a group that has one; the group leaves with its last call."""
        heap = self.groups[group]
        while True:
            item = heappop(heap.items)
            entry = item[2]
            if entry.line is self:
                entry.line = None
                heap.live -= 1
                if not heap.live:
                    del self.groups[group]
                return item

    def first(self) -> Hashable:
        """The group whose turn it is."""
        return next(iter(self.groups))

    def turn(self, group: Hashable) -> None:
        """The group had its turn."""
        if group in self.groups:
            self.groups.move_to_end(group)

    def remove(self, entry: _Entry[C]) -> None:
        entry.line = None
        heap = self.groups[entry.group]
        heap.live -= 1
        if not heap.live:
            del self.groups[entry.group]
        elif len(heap.items) > 2 * heap.live + 16:
            heap.items = [item for item in heap.items if item[2].line is self]
            heapify(heap.items)

    def rerank(self, group: Hashable, ranks: Callable[[C], float]) -> None:
        heap = self.groups.get(group)
        if heap is not None:
            heap.items = [
                (-ranks(entry.call), order, entry) for _, order, entry in heap.items if entry.line is self
            ]
            heapify(heap.items)


class Admission(Generic[C]):
    """Decides which of the calls on offer may run.

    Args:
        limit: Calls at once over all tools; None for no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.running = 0
        self._ready: _Line[C] = _Line()
        self._parked: dict[Hashable, _Line[C]] = {}
        self._of_tool: dict[Hashable, int] = {}
        self._entries: dict[C, _Entry[C]] = {}
        self._offered = 0

    @property
    def waiting(self) -> bool:
        """Whether a call is in line that only the overall cap can hold up."""
        return bool(self._ready)

    def enter(self, tool: Hashable = None, tool_limit: int | None = None) -> bool:
        """Count a call as running, if there is room for it and nobody is in line before it."""
        if self._ready.groups or (self.limit is not None and self.running >= self.limit):
            return False
        if tool_limit is not None:
            count = self._of_tool.get(tool, 0)
            if count >= tool_limit:
                return False
            self._of_tool[tool] = count + 1
        self.running += 1
        return True

    def offer(
        self, call: C, tool: Hashable, tool_limit: int | None, rank: float = 0.0, group: Hashable = None
    ) -> None:
        """Put a call in line.

        Args:
            call: Stands in line once at most.
            tool: What `tool_limit` counts by.
            tool_limit: Calls of the tool at once; None for no limit.
            rank: Higher goes first within the group.
            group: Groups take turns.

        Raises:
            ValueError: The call is in line already.
        """
        if call in self._entries:
            raise ValueError(f"{call!r} is in line already")
        self._offered += 1
        entry = self._entries[call] = _Entry(call, tool, tool_limit, group)
        self._ready.push((-rank, self._offered, entry))

    def admit(self) -> C | None:
        """Take out the next call that may run now, and count it as running; None when none may."""
        ready = self._ready
        while ready.groups and (self.limit is None or self.running < self.limit):
            group = ready.first()
            item = ready.pop(group)
            entry = item[2]
            if entry.tool_limit is not None:
                count = self._of_tool.get(entry.tool, 0)
                if count >= entry.tool_limit:
                    self._park(item)
                    continue
                self._of_tool[entry.tool] = count + 1
            ready.turn(group)
            del self._entries[entry.call]
            self.running += 1
            return entry.call
        return None

    def release(self, tool: Hashable, tool_limit: int | None) -> None:
        """A running call ended."""
        self.running -= 1
        if tool_limit is not None:
            left = self._of_tool.pop(tool) - 1
            if left:
                self._of_tool[tool] = left
            self._unpark(tool)

    def _park(self, item: _Item[C]) -> None:
        tool = item[2].tool
        line = self._parked.get(tool)
        if line is None:
            line = self._parked[tool] = _Line()
        line.push(item)

    def _unpark(self, tool: Hashable) -> None:
        # One for each place that becomes free: whoever overtakes it takes the place with it.
        line = self._parked.get(tool)
        if line is not None:
            group = line.first()
            self._ready.push(line.pop(group))
            line.turn(group)
            if not line:
                del self._parked[tool]

    def withdraw(self, calls: Iterable[C]) -> None:
        """Take calls that have not run out of the line; what is not in line is passed over."""
        freed = []
        for call in calls:
            entry = self._entries.pop(call, None)
            if entry is None or entry.line is None:
                continue
            line = entry.line
            line.remove(entry)
            if line is self._ready:
                if entry.tool_limit is not None:
                    freed.append(entry.tool)
            elif not line:
                del self._parked[entry.tool]
        for tool in freed:
            # It may have stood for a place of its tool that had become free: the next one takes over.
            self._unpark(tool)

    def rerank(self, ranks: Callable[[C], float], group: Hashable = None) -> None:
        """Give every waiting call of a group the rank that `ranks` says now; O(n) in the calls of the group."""
        for line in (self._ready, *self._parked.values()):
            line.rerank(group, ranks)
