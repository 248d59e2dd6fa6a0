"""Which waiting call goes first when caps bind: ranks by the selected policy. Pure; `Admission` does the waiting.

The default is list scheduling by *bottom level*: a call is worth the longest chain of work that begins with it (the
highest-level-first rule of T. C. Hu, "Parallel Sequencing and Assembly Line Problems", Operations Research 9, 1961).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from .latencies import Latencies
from .passes import Priority

if TYPE_CHECKING:
    from .driver import Call

K = TypeVar("K", bound=Hashable)

_UNKNOWN = 1.0
"""Seconds of a call where nothing at all was learned: every call weighs the same."""


def bottom_levels(tasks: Mapping[K, Collection[K]], seconds: Callable[[K], float]) -> dict[K, float]:
    """Seconds from the start of each task to the end of the longest chain that begins with it.

    In time linear in tasks and edges, whatever the depth. What waits for itself, in a circle, never runs: of such
    tasks only the edges that point on in the mapping's order count.

    Args:
        tasks: For each task, those it waits for; what is no key of the mapping is passed over.
        seconds: How long a task takes.

    ```python
    from llmcompiler.priorities import bottom_levels

    assert bottom_levels({1: (), 2: (1,), 3: (1,)}, lambda i: float(i)) == {1: 4.0, 2: 2.0, 3: 3.0}
    ```
    """
    return _one_pass(tasks, seconds) or _any_order(tasks, seconds)


def _one_pass(tasks: Mapping[K, Collection[K]], seconds: Callable[[K], float]) -> dict[K, float] | None:
    """The levels where every task stands after those it waits for, as plans mostly do; None where one does not."""
    behind: dict[K, float] = {}
    levels: dict[K, float] = {}
    for task in reversed(list(tasks)):
        levels[task] = level = seconds(task) + behind.get(task, 0.0)
        for earlier in tasks[task]:
            if earlier in levels:
                return None
            if level > behind.get(earlier, 0.0):
                behind[earlier] = level
    return levels


def _any_order(tasks: Mapping[K, Collection[K]], seconds: Callable[[K], float]) -> dict[K, float]:
    left = dict.fromkeys(tasks, 0)
    for waits in tasks.values():
        for earlier in waits:
            if earlier in left:
                left[earlier] += 1
    behind = dict.fromkeys(tasks, 0.0)
    levels: dict[K, float] = {}

    def settle(task: K) -> None:
        levels[task] = level = seconds(task) + behind[task]
        for earlier in tasks[task]:
            if earlier in left:
                behind[earlier] = max(behind[earlier], level)
                left[earlier] -= 1
                if not left[earlier]:
                    ready.append(earlier)

    ready = [t for t, n in left.items() if not n]
    while ready:
        settle(ready.pop())
    for task in reversed(list(tasks)):
        if task not in levels:  # in a circle, or before one
            levels[task] = level = seconds(task) + behind[task]
            for earlier in tasks[task]:
                if earlier in behind:
                    behind[earlier] = max(behind[earlier], level)
    return {t: levels[t] for t in tasks}


class Ranks:
    """Ranks of a run's calls for `Admission.offer`, by policy; a higher one goes first.

    Bottom levels are worked out when a rank is asked and the graph has grown enough since, so that a plan of any
    size may stream in: the work over the whole run stays linear in its tasks and edges. When `version` has changed,
    calls in line may be given their new ranks: `admission.rerank(ranks.rank, group)`.

    Args:
        calls: The run's calls by key, in the order of planning; looked at, never changed.
        policy: The selected priority.
        latencies: What was learned of the tools. Of one not known, a call counts as the mean of those known, or 1 s.
    """

    GROWTH = 1.25
    """How many times larger the graph has to be before it is looked at again."""

    def __init__(self, calls: Mapping[Any, Call], policy: Priority, latencies: Latencies) -> None:
        self.policy = policy
        self.version = 0
        """Goes up when ranks given before may no longer hold."""
        self._calls = calls
        self._latencies = latencies
        self._levels: dict[Any, float] = {}
        self._seen = 0  # calls looked at
        self._due = 1  # calls that there have to be before it is worth looking again
        self._dirty = False
        self._asked: dict[Any, float] = {}
        self._means: dict[str, float] = {}
        self._overall: float | None = None

    def dirty(self) -> None:
        """Edges changed, or the plan is complete: work out levels anew when a rank is asked next."""
        self._dirty = True

    def rank(self, call: Call) -> float:
        """The number for `Admission.offer`. Items of a `for` task rank as their task does."""
        policy = self.policy
        if policy == "fifo":
            return 0.0
        if call.parent is not None:
            call = call.parent
        if policy == "critical-path":
            if len(self._calls) >= self._due or self._dirty:
                self._look()
            level = self._levels.get(call.key)
            return self._seconds(call) if level is None else level
        if policy == "lifo":
            return self._asked.setdefault(call.key, float(len(self._asked) + 1))
        seconds = self._estimate(call.task.tool)
        return seconds if policy == "longest" else -seconds

    def refresh(self) -> bool:
        """Whether ranks given before may no longer hold, after looking at the graph as it is now.

        For when a plan is complete: it costs as much as the graph is large.
        """
        before = self.version
        if self.policy == "critical-path" and (self._dirty or len(self._calls) > self._seen):
            self._look()
        return self.version != before

    def _look(self) -> None:
        calls = self._calls
        new = islice(calls.values(), self._seen, None)
        # A task that waits for nothing changes no rank but its own, which is what it takes itself.
        grown = any(c.task.depends_on or c.after or c.reuse is not None for c in new)
        self._seen = len(calls)
        self._due = int(self._seen * self.GROWTH) + 1
        self._means.clear()
        self._overall = None
        if grown or self._dirty:
            self._work_out()

    def _work_out(self) -> None:
        self._dirty = False
        calls = {k: c for k, c in self._calls.items() if c.outcome is None and c.parent is None}
        self._levels = bottom_levels(
            {k: _waits_for(c) for k, c in calls.items()}, lambda k: self._seconds(calls[k])
        )
        self.version += 1

    def _seconds(self, call: Call) -> float:
        return 0.0 if call.reuse is not None else self._estimate(call.task.tool)

    def _estimate(self, tool: str) -> float:
        known = self._means.get(tool)
        if known is None:
            known = self._latencies.estimate(tool)
            if known is None:
                if self._overall is None:
                    self._overall = self._latencies.overall()
                known = self._overall if self._overall is not None else _UNKNOWN
            if self.policy == "critical-path":  # forgotten when the graph is looked at again
                self._means[tool] = known
        return known


def _waits_for(call: Call) -> Collection[Any]:
    needs = call.task.depends_on if call.reuse is None else (call.reuse,)
    return (*needs, *call.after) if call.after else needs
