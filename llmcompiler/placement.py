"""Where the tasks of a run stand in the order of effects: those planned, and those that are still to come. Pure.

`Ordering` knows positions and what is touched there; here are tasks and tools, and the places held for statements that
could not be planned yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from .effects import WRITES_ALL, Access, worst_access
from .ordering import Ordering, foreseen_access, writes_anything
from .plan import Task
from .tfu import Key
from .tools import Tool, ToolRegistry


class Placed(NamedTuple):
    """Where a task was put."""

    after: tuple[int, ...] = ()
    """Tasks it is ordered after; for an open one, as far as is known yet."""
    is_open: bool = False
    """Whether it has to be looked at when its values are there."""
    frees: tuple[Key, ...] = ()
    """Tasks, and items of tasks, that waited for its place and need not wait for it."""
    left: bool = False
    """Whether a place was held for it and it could not take it."""


class Placement:
    """The order of effects in one run.

    Args:
        settled: Whether the task of an id has ended.
    """

    def __init__(self, settled: Callable[[Key], bool]) -> None:
        self._ordering: Ordering[Key] = Ordering(settled)
        self._held: set[int] = set()

    @classmethod
    def of(cls, tools: ToolRegistry, settled: Callable[[Key], bool]) -> Placement | None:
        """None where no tool writes: then no order is needed."""
        return cls(settled) if writes_anything(tools.values()) else None

    # -- tasks ---------------------------------------------------------------------------

    def put(self, task: Task, tool: Tool, *, probe: bool) -> Placed:
        """Put a task at its place: the one held for it, or the end.

        Args:
            task: The task.
            tool: Its tool.
            probe: Whether it will be looked at before it starts, whatever it touches.
        """
        ordering, i = self._ordering, task.id
        access, known = foreseen_access(task, tool)
        is_open = not known or (probe and not access.nothing)
        left = False
        if i in self._held:
            late = any(ordering.is_after(d, i) for d in task.depends_on)
            if ordering.covers(i, access) and not late:
                self._held.discard(i)
                if is_open:
                    return Placed(is_open=True)
                after, frees = self.close(i, access)
                return Placed(after, False, frees)
            # It does more than was expected of it, or needs what comes after it: it goes to the end.
            left = self.release(i)
        return Placed(_tasks(ordering.add(i, access, is_open=is_open)), is_open, (), left)

    def is_open(self, task: int) -> bool:
        """Whether what the task touches is not known yet."""
        return self._ordering.is_open(task)

    def close(self, task: int, access: Access) -> tuple[tuple[int, ...], tuple[Key, ...]]:
        """What an open task touches is known: the tasks it stays ordered after, and those no longer after it."""
        after, frees = self._ordering.close(task, access)
        return _tasks(after), frees

    def settle(self, task: int) -> None:
        """The task has ended."""
        self._ordering.settle(task)

    def changed_since(self, earlier: int, task: Task, tool: Tool) -> bool:
        """Whether a write placed after the task `earlier` touches what `task` looks at."""
        access, _ = foreseen_access(task, tool)
        return not access.nothing and self._ordering.changed_since(earlier, access, task.id)

    def parts(self, after: Sequence[int], parts: Iterable[tuple[Key, Access]]) -> list[tuple[Key, ...]]:
        """For each item of a `for` task, in order, what it is ordered after: of `after`, and of the items before it."""
        among: Ordering[Key] = Ordering()
        out: list[tuple[Key, ...]] = []
        for key, access in parts:
            before = [i for i in after if self._ordering.conflicts(i, access)]
            for i in before:
                self._ordering.follow(i, key, access)
            out.append((*before, *among.add(key, access)))
        return out

    # -- places held -----------------------------------------------------------------------

    def hold(self, place: int, tool: Tool | None) -> bool:
        """Hold the end for a task that is to come; whether anything has to wait for it.

        Args:
            place: The id the task will have, or a number below 0.
            tool: Its tool; None where that is not known: then it may do anything.
        """
        access = worst_access(tool) if tool is not None else WRITES_ALL
        if access.nothing or place in self._held:
            return False
        self._held.add(place)
        self._ordering.add(place, access, is_open=True)
        return True

    @property
    def held(self) -> list[int]:
        """Places that are held."""
        return sorted(self._held)

    def release(self, place: int) -> bool:
        """The task of a place will not come, or not there; whether the place was held."""
        if place not in self._held:
            return False
        self._held.discard(place)
        self._ordering.remove(place)
        return True


def _tasks(keys: Iterable[Key]) -> tuple[int, ...]:
    # Items are never placed by themselves: only their tasks are.
    return tuple(k for k in keys if isinstance(k, int))
