"""Levels and critical path of a plan's graph, its order by effects as it is shown, and a call as one line.

Every call counts as one unit of time here; `simulator` knows better, and `explain` tells. Nothing here parses, checks,
draws or runs a plan; tasks that can never start (a cycle) have no level.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from ..plan import Plan, Task
from ..simulator import known_order

_DRAWN = 2_000


@dataclass(frozen=True, slots=True)
class Shape:
    """What can be foreseen of a plan's run when every call takes one unit of time and nothing limits it."""

    levels: Mapping[int, int]
    """The step at which each task can start, from 1, by id; a task that waits for itself is not in it."""
    depth: int
    """Steps in all: no schedule needs fewer. 0 for a plan without tasks."""
    width: int
    """The most calls in one step."""
    critical_path: tuple[int, ...]
    """Ids of one longest chain of tasks that wait for each other, first to last; of several, the one that ends first in
    the plan."""

    @property
    def speedup(self) -> float:
        """Calls divided by steps: what running in parallel can gain at most; 1 for an empty plan."""
        return len(self.levels) / self.depth if self.depth else 1.0


def shape(plan: Plan) -> Shape:
    r"""Levels, depth, width and critical path of `plan`, in time linear in its tasks and references.

    References to results of earlier rounds cost nothing: those are there already. Of a plan checked against tools, the
    order of effects counts, too.

    ```python
    from llmcompiler import Plan
    from llmcompiler.pictures import shape

    assert shape(Plan.parse("1. a()\n2. b($1)\n3. c()")).critical_path == (1, 2)
    ```
    """
    by_id = {t.id: t for t in plan.tasks}
    order = known_order(plan)
    waits = {t.id: [d for d in (*t.depends_on, *order.get(t.id, ())) if d in by_id] for t in plan.tasks}
    dependents: dict[int, list[int]] = {i: [] for i in by_id}
    for i, needed in waits.items():
        for d in needed:
            dependents[d].append(i)
    left = {i: len(needed) for i, needed in waits.items()}
    levels: dict[int, int] = {}
    ready = deque(i for i, n in left.items() if n == 0)
    while ready:
        i = ready.popleft()
        levels[i] = 1 + max((levels[d] for d in waits[i]), default=0)
        for j in dependents[i]:
            left[j] -= 1
            if left[j] == 0:
                ready.append(j)
    depth = max(levels.values(), default=0)
    path: list[int] = []
    if depth:
        step = next(i for i in waits if levels.get(i) == depth)
        path.append(step)
        while levels[step] > 1:
            step = next(d for d in waits[step] if levels[d] == levels[step] - 1)
            path.append(step)
    return Shape(
        {i: levels[i] for i in by_id if i in levels},
        depth,
        max(Counter(levels.values()).values(), default=0),
        tuple(reversed(path)),
    )


def order_edges(plan: Plan) -> list[tuple[int, int]]:
    """Earlier and later task of each edge that is there by effects alone; none where no tools are known."""
    needs = {t.id: set(t.depends_on) for t in plan.tasks}
    return [(d, i) for i, after in known_order(plan).items() for d in after if d not in needs[i]]


def direct_order(plan: Plan, order: Mapping[int, tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
    """`order` without what follows from other edges, for showing: with 1 before 2 before 3, 3 is not shown after 1.

    Of plans of more than 2,000 tasks, which nobody looks at whole, it is left as it is.
    """
    if len(plan.tasks) > _DRAWN or not any(order.values()):
        return {i: after for i, after in order.items() if after}
    before: dict[int, int] = {}  # task -> all before it, as bits
    out = {}
    for t in plan.tasks:
        after = tuple(sorted(set(order.get(t.id, ())) - set(t.depends_on)))
        near = [d for d in (*t.depends_on, *after) if d in before]
        implied = 0
        for d in near:
            implied |= before[d]
        if left := tuple(d for d in after if not implied >> d & 1):
            out[t.id] = left
        for d in near:
            implied |= 1 << d
        before[t.id] = implied
    return out


def call_line(task: Task) -> str:
    """The task as one line of the plan language, without its number and thought."""
    text = str(task).rsplit("\n", 1)[-1]
    return text.removeprefix(f"{task.id}. ")
