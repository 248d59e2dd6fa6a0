"""A plan as a picture: Mermaid, a table, and the levels and critical path both are drawn from.

Every call counts as one unit of time here: what a plan will really take is known only once it ran. Nothing here
parses, checks or runs a plan; tasks that can never start (a cycle) are drawn, not refused.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from .plan import Plan, Task
from .values import references

_CALL_WIDTH = 72
_LABEL_WIDTH = 100


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
    """Ids of one longest chain of dependent tasks, first to last; of several, the one that ends first in the plan."""

    @property
    def speedup(self) -> float:
        """Calls divided by steps: what running in parallel can gain at most; 1 for an empty plan."""
        return len(self.levels) / self.depth if self.depth else 1.0


def shape(plan: Plan) -> Shape:
    r"""Levels, depth, width and critical path of `plan`, in time linear in its tasks and references.

    References to results of earlier rounds cost nothing: those are there already.

    ```python
    from llmcompiler import Plan
    from llmcompiler.pictures import shape

    assert shape(Plan.parse("1. a()\n2. b($1)\n3. c()")).critical_path == (1, 2)
    ```
    """
    by_id = {t.id: t for t in plan.tasks}
    waits = {t.id: [d for d in t.depends_on if d in by_id] for t in plan.tasks}
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


def explain(plan: Plan) -> str:
    """`plan` as a table of plain text: each call, what it waits for, when it can start, and the critical path.

    No line end at the end. Long calls are cut; `str(plan)` has them whole.
    """
    s = shape(plan)
    path = set(s.critical_path)
    rows = [("id", "call", "waits for", "starts")]
    for t in plan.tasks:
        level = s.levels.get(t.id)
        starts = (
            "never" if level is None else f"step {level}" + (" *" if t.id in path and s.depth > 1 else "")
        )
        rows.append(
            (str(t.id), _cut(call_line(t), _CALL_WIDTH), ", ".join(map(str, t.depends_on)) or "-", starts)
        )
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = [
        f"{i:>{widths[0]}}  {call:<{widths[1]}}  {waits:<{widths[2]}}  {starts}".rstrip()
        for i, call, waits, starts in rows
    ]
    if len(rows) == 1:
        lines = []
    return "\n".join([*lines, *([""] if lines else []), *_summary(plan, s)])


def _summary(plan: Plan, s: Shape) -> list[str]:
    if not plan.tasks:
        return ["No calls: the question is answered from nothing but itself.", _join_text(plan)]
    n = len(plan.tasks)
    calls = f"{n} call{'s' if n != 1 else ''}"
    out = [f"{calls} in {s.depth} step{'s' if s.depth != 1 else ''}, at most {s.width} at once."]
    if s.depth > 1:
        chain = _elide([str(i) for i in s.critical_path])
        out.append(f"Critical path (*): {' -> '.join(chain)}, {len(s.critical_path)} of {calls}.")
    if s.speedup > 1.005:
        out.append(
            f"If every call takes as long as the others: {s.speedup:.1f} times faster than one by one."
        )
    if stuck := [t.id for t in plan.tasks if t.id not in s.levels]:
        out.append(f"Never starts, for it waits for itself: {', '.join(_elide([str(i) for i in stuck]))}.")
    out.append(_join_text(plan))
    return out


def _join_text(plan: Plan) -> str:
    if plan.join is None:
        return "No join: the joiner answers from every result."
    if plan.join.ref is None:
        return "Then the joiner answers from every result."
    return f"The answer is {plan.join.ref}; no joiner is asked."


def to_mermaid(plan: Plan) -> str:
    """`plan` as a Mermaid flowchart: calls as boxes, a solid arrow for each value passed on.

    A dotted arrow is a condition (`if`), a thick one a list to go through (`for`); results of earlier rounds are
    rounded boxes. Whatever stands in the arguments can not break out of its label.
    """
    lines = ["flowchart TD"]
    own = {t.id for t in plan.tasks}
    lines += [f'    t{t.id}["{_label(f"{t.id}. {call_line(t)}")}"]' for t in plan.tasks]
    earlier = dict.fromkeys(d for t in plan.tasks for d in t.depends_on if d not in own)
    ends = [plan.join.ref.task] if plan.join and plan.join.ref else list(plan.sinks)
    earlier |= dict.fromkeys(d for d in ends if d not in own)
    lines += [f'    t{d}("result of task {d}")' for d in earlier]
    for t in plan.tasks:
        by_value = {r.task for v in t.args.values() for r in references(v)}
        by_loop = {r.task for r in references(t.each.source)} if t.each else set()
        for d in t.depends_on:
            arrow = "==>" if d in by_loop else "-->" if d in by_value else "-.->"
            lines.append(f"    t{d} {arrow} t{t.id}")
    join = "join" if plan.join is None or plan.join.ref is None else f"join({plan.join.ref})"
    lines.append(f'    answer(["{_label(join)}"])')
    lines += [f"    t{d} --> answer" for d in ends]
    return "\n".join(lines)


def call_line(task: Task) -> str:
    """The task as one line of the plan language, without its number and thought."""
    text = str(task).rsplit("\n", 1)[-1]
    return text.removeprefix(f"{task.id}. ")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _elide(items: list[str], most: int = 24) -> list[str]:
    return items if len(items) <= most else [*items[: most // 2], "...", *items[-most // 2 :]]


# Mermaid reads `#name;` inside quoted labels; these are the characters that end a label, start an entity or a tag, or
# are taken for Markdown.
_ENTITIES = str.maketrans(
    {
        "#": "#35;",
        '"': "#quot;",
        "<": "#lt;",
        ">": "#gt;",
        "&": "#amp;",
        "`": "#96;",
        "\\": "#92;",
        ";": "#59;",
    }
)


def _label(text: str) -> str:
    plain = "".join(ch if ch.isprintable() else " " for ch in _cut(text, _LABEL_WIDTH))
    return plain.translate(_ENTITIES)
