"""What a picture of a plan shows: boxes and arrows, grouped where there are too many. Nothing is drawn or placed here.

A plan of up to `max_tasks` tasks has a box for each; a `for` is one box, however many items it goes through. Of a
larger plan, calls of one tool at one step are one box, then those of neighbouring steps, then those of all tools, until
there are no more than `max_tasks` boxes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..explaining.tables import count
from ..plan import Plan, Task
from ..simulator import known_order
from ..values import references
from .shapes import call_line, direct_order, shape

MAX_TASKS = 200
"""Tasks up to which a plan is drawn call by call."""

EdgeKind = Literal["data", "for", "if", "order"]
NodeKind = Literal["call", "group", "earlier", "answer"]
_STRENGTH: dict[EdgeKind, int] = {"for": 0, "data": 1, "if": 2, "order": 3}
_READ = 2_000
"""Characters of a text that are looked at: no label is longer."""


@dataclass(frozen=True, slots=True)
class Node:
    """A box."""

    key: str
    """Its name in the picture: `t3` for task 3, `g1` for a group, `answer`."""
    kind: NodeKind
    title: str
    """The tool, or what it is."""
    detail: str = ""
    """The arguments, or where the calls of a group stand."""
    clause: str = ""
    """`for x in $1` or `if $1 > 2`, where there is one."""
    tasks: tuple[int, ...] = ()
    """Ids of the tasks it stands for, in the order of the plan."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow: `target` waits for `source`."""

    source: str
    target: str
    kind: EdgeKind
    count: int = 1
    """How many waits of tasks it stands for."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The boxes and arrows of a plan, in a fixed order."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    grouped: bool
    tasks: int

    def node_of(self) -> dict[int, str]:
        """The box of each task, by id."""
        return {i: n.key for n in self.nodes for i in n.tasks if n.kind != "earlier"}


def picture(
    plan: Plan, max_tasks: int = MAX_TASKS, order: Mapping[int, Sequence[int]] | None = None
) -> Picture:
    """What is drawn of `plan`; where it has more than `max_tasks` tasks (at least 1), they are grouped.

    `order` is how a run ordered the tasks by effects, for a plan that knows no tools and can not tell.

    Time is linear in tasks and references, but for the order by effects.
    """
    max_tasks = max(1, max_tasks)
    own = {t.id for t in plan.tasks}
    ends = [plan.join.ref.task] if plan.join and plan.join.ref else list(plan.sinks)
    earlier = dict.fromkeys(d for t in plan.tasks for d in t.depends_on if d not in own)
    earlier |= dict.fromkeys(d for d in ends if d not in own)
    grouped = len(plan.tasks) > max_tasks
    nodes = _groups(plan, max_tasks) if grouped else [_call(t) for t in plan.tasks]
    keys = {i: n.key for n in nodes for i in n.tasks}
    if len(earlier) > (5 if grouped else max_tasks):
        nodes.append(Node("earlier", "earlier", f"{len(earlier):,} earlier results", tasks=tuple(earlier)))
        keys |= dict.fromkeys(earlier, "earlier")
    else:
        nodes += [Node(f"t{d}", "earlier", f"result of task {d}", tasks=(d,)) for d in earlier]
        keys |= {d: f"t{d}" for d in earlier}
    found: dict[tuple[str, str], Edge] = {}

    def add(source: int, target: str, kind: EdgeKind) -> None:
        pair = (keys[source], target)
        if grouped and pair[0] == target:
            return
        old = found.get(pair)
        if old is None:
            found[pair] = Edge(*pair, kind)
        else:
            best = min(old.kind, kind, key=_STRENGTH.__getitem__)
            found[pair] = Edge(*pair, best, old.count + 1)

    for t in plan.tasks:
        by_value = {r.task for v in t.args.values() for r in references(v)}
        by_loop = {r.task for r in references(t.each.source)} if t.each else set()
        for d in t.depends_on:
            add(d, keys[t.id], "for" if d in by_loop else "data" if d in by_value else "if")
    ran = {i: tuple(d for d in after if d in own) for i, after in (order or {}).items() if i in own}
    for i, after in direct_order(plan, known_order(plan) or ran).items():
        for d in after:
            add(d, keys[i], "order")
    join = "join" if plan.join is None or plan.join.ref is None else f"join({plan.join.ref})"
    nodes.append(Node("answer", "answer", join))
    for d in ends:
        add(d, "answer", "data")
    return Picture(tuple(nodes), tuple(found.values()), grouped, len(plan.tasks))


def plain(text: str) -> str:
    """`text` without what is not printed as itself (control and direction marks, halves of characters), on one line."""
    text = text[:_READ]
    return text if text.isprintable() else "".join(ch if ch.isprintable() else " " for ch in text)


def columns(text: str) -> int:
    """Columns of a fixed-width font that `text` takes; wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(ch) else 2 if unicodedata.east_asian_width(ch) in "WF" else 1
        for ch in text
    )


def fit(text: str, most: int) -> str:
    """`text` on one line of no more than `most` columns, cut with an ellipsis."""
    text = plain(text)
    if columns(text) <= most:
        return text
    taken, used = [], 0
    for ch in text:
        used += columns(ch)
        if used > most - 1:
            break
        taken.append(ch)
    return "".join(taken).rstrip() + "…"


def _call(t: Task) -> Node:
    line = call_line(t)
    bare = call_line(Task(t.id, t.tool, t.args)) if t.each or t.when else line
    clause = line.removesuffix(bare).rstrip(" :") if bare != line else ""
    return Node(f"t{t.id}", "call", t.tool, bare.removeprefix(t.tool), clause, (t.id,))


def _groups(plan: Plan, most: int) -> list[Node]:
    levels = shape(plan).levels
    stuck = max(levels.values(), default=0) + 1  # cycles: after all that can start
    tools = len({t.tool for t in plan.tasks})
    if len({(levels.get(t.id), t.tool) for t in plan.tasks}) <= most:
        bands, by_tool = stuck, True
    elif tools <= max(1, most // 2):
        bands, by_tool = max(1, most // tools), True
    else:
        bands, by_tool = most, False
    bands = min(bands, stuck)
    found: dict[tuple[int, str], list[Task]] = {}
    for t in plan.tasks:
        band = (levels.get(t.id, stuck) - 1) * bands // stuck
        found.setdefault((band, t.tool if by_tool else ""), []).append(t)
    nodes = []
    for number, tasks in enumerate(found.values(), 1):
        if len(tasks) == 1:
            nodes.append(_call(tasks[0]))
            continue
        names = dict.fromkeys(t.tool for t in tasks)
        title = next(iter(names)) if len(names) == 1 else count(len(names), "tool")
        loops = sum(t.each is not None for t in tasks)
        guards = sum(t.when is not None for t in tasks)
        clause = ", ".join(
            [*([f"{loops:,} with for"] if loops else []), *([f"{guards:,} with if"] if guards else [])]
        )
        where = _steps(levels.get(t.id, 0) for t in tasks)
        ids = tuple(t.id for t in tasks)
        nodes.append(Node(f"g{number}", "group", f"{title} × {len(tasks):,}", where, clause, ids))
    return nodes


def _steps(levels: Iterable[int]) -> str:
    steps = sorted(set(levels))
    if steps[0] == 0:
        return "never starts: a cycle" if len(steps) == 1 else "some never start: a cycle"
    return f"step {steps[0]:,}" if len(steps) == 1 else f"steps {steps[0]:,}-{steps[-1]:,}"
