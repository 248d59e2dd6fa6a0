"""What a plan will do, before it runs: EXPLAIN. What a run did is told in `explain_run`.

A table of calls with their effects, resources, dependencies of both kinds and predicted times, and what follows from
it. Nothing here runs, checks or changes a plan; the effect, resource and approval functions of tools are asked where
arguments are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..binding import bind
from ..effects import UNDECLARED, Access, Keys, access_of, effect_of, is_static, worst_access
from ..errors import ToolError
from ..latencies import Latencies
from ..passes import Foreseen, Passes, foresee
from ..pictures import call_line, direct_order
from ..plan import Plan, Task
from ..simulator import Schedule, known_order, registry_of, simulate
from ..values import Ref, Template, Var
from .tables import Clock, Column, count, elide, ids, paragraphs, table

if TYPE_CHECKING:
    from ..result import Note
    from ..tools import Tool, ToolRegistry

_UNKNOWN = "by its arguments"
"""Stands for an effect or for resources that can not be known before the arguments are."""


def explain(
    plan: Plan,
    *,
    latencies: Latencies | None = None,
    concurrency: int | None = 16,
    passes: Passes | None = None,
    notes: Sequence[Note] | None = None,
) -> str:
    """See `Plan.explain`."""
    x = examine(plan, latencies=latencies, concurrency=concurrency, passes=passes, foreseen=notes is None)
    tools, known, items, free, capped, facts = x.tools, x.known, x.items, x.free, x.capped, x.facts
    clock = Clock(capped.makespan if known else None)
    bare = tools is None and not known
    lines = _short_table(plan, free) if bare else _table(plan, facts, capped, clock)
    told = _summary(plan, free, capped, clock, x.calls)
    told += _remarks(plan, facts, capped)
    if notes is None:
        notes = _told_notes(x.found.notes)
    told += [f"{n.name}: {_place(n)}{n.text}" for n in notes]
    told += unforeseen(plan, items)
    return "\n".join([*lines, *([""] if lines else []), *paragraphs(told)])


@dataclass(frozen=True, slots=True)
class Examined:
    """What can be said of a plan before it runs."""

    tools: ToolRegistry | None
    """Those it was checked against, if it was."""
    known: bool
    """Whether times are seconds; steps where nothing is known of any of its tools."""
    items: dict[int, int]
    """How many items a `for` has, where that is known."""
    calls: dict[int, int]
    """How many calls a task makes, where that is not one."""
    found: Foreseen
    free: Schedule
    """Without caps."""
    capped: Schedule
    facts: list[Facts]
    """Of each task, in order."""


def examine(
    plan: Plan,
    *,
    latencies: Latencies | None,
    concurrency: int | None,
    passes: Passes | None,
    foreseen: bool = True,
) -> Examined:
    """Ask the tools and simulate the run; the arguments are those of `Plan.explain`."""
    tools = registry_of(plan)
    known = latencies is not None and any(latencies.estimate(t.tool) is not None for t in plan.tasks)
    items = {
        t.id: len(t.each.source)
        for t in plan.tasks
        if t.each is not None and isinstance(t.each.source, (list, tuple))
    }
    found = foresee(plan, tools, passes) if foreseen and tools is not None else Foreseen()
    saved = {**dict.fromkeys(found.merged, "merged"), **dict.fromkeys(found.dropped, "dropped")}
    seconds = latencies if known else None
    order = {**known_order(plan, tools)}
    for i, first in found.merged.items():  # not made, and there when the first one is
        order[i] = (*order.get(i, ()), first)
    calls = {**items, **dict.fromkeys(saved, 0)}
    free = simulate(plan, seconds=seconds, order=order, items=calls)
    capped = simulate(plan, tools, seconds=seconds, concurrency=concurrency, order=order, items=calls)
    facts = [
        Facts(t, tools.get(t.tool) if tools is not None else None, saved.get(t.id, "")) for t in plan.tasks
    ]
    _mark_constants(facts)
    return Examined(tools, known, items, calls, found, free, capped, facts)


def _told_notes(notes: Sequence[Note]) -> list[Note]:
    return [n for n in notes if n.name != "fold"]  # constants are marked in the table


def _place(note: Note) -> str:
    return "" if note.task_id is None else f"task {note.task_id}: "


# -- what is known of a call -----------------------------------------------------


class Facts:
    """What is known of one call before it runs."""

    def __init__(self, task: Task, tool: Tool | None, saved: str = "") -> None:
        self.task = task
        self.saved = saved
        """The pass that saves the call, if one does."""
        self.effect = self.touches = ""
        self.constant = False
        self.approval: bool | None = False
        self.problem: str | None = None
        """Why the call will fail, where that is foreseen."""
        if tool is None:
            return
        arguments = None
        if _is_constant(task, set()):
            try:
                arguments = bind(task, tool, {})
            except Exception:  # of a validator of the user's; the call will tell
                arguments = None
        self._effect(tool, arguments)
        self._approval(tool, arguments)

    def _effect(self, tool: Tool, arguments: dict[str, object] | None) -> None:
        declared = tool.options.effect
        self.effect = _UNKNOWN if callable(declared) else declared or "undeclared"
        self.touches = "" if declared == "pure" else _UNKNOWN
        try:
            if arguments is not None:
                self.effect = effect_of(tool, arguments) or "undeclared"
                self.touches = _touches(access_of(tool, arguments))
            elif is_static(tool):
                self.touches = _touches(worst_access(tool))
        except ToolError as e:
            self.problem = str(e)

    def _approval(self, tool: Tool, arguments: dict[str, object] | None) -> None:
        if not callable(tool.requires_approval):
            self.approval = tool.requires_approval
            return
        self.approval = None
        if arguments is not None:
            try:
                self.approval = tool.needs_approval(arguments)
            except ToolError as e:  # of the user's predicate: the call will fail with it
                self.problem = str(e)

    def marks(self, critical: bool) -> str:
        """What stands in the last column."""
        found = ["*"] if critical and not self.saved else []
        if self.saved:
            found.append(self.saved)
        if self.task.each is not None:
            found.append("for")
        if self.task.when is not None:
            found.append("if")
        if self.approval is not False:
            found.append("approval" if self.approval else "approval?")
        if self.constant:
            found.append("constant")
        return " ".join(found)


def _is_constant(task: Task, constant: set[int]) -> bool:
    """Whether the arguments hold nothing but literals and results of the tasks in `constant`."""
    stack = list(task.args.values())
    if any(d not in constant for d in task.depends_on):
        return False
    while stack:
        v = stack.pop()
        if isinstance(v, Var):
            return False
        if isinstance(v, Template):
            stack.extend(v.parts)
        elif isinstance(v, (list, tuple)):
            stack.extend(v)
        elif isinstance(v, dict):
            stack.extend(v.values())
        elif isinstance(v, Ref) and v.task not in constant:
            return False
    return True


def _mark_constants(facts: Sequence[Facts]) -> None:
    constant: set[int] = set()
    for f in facts:
        if f.effect == "pure" and f.task.each is None and _is_constant(f.task, constant):
            f.constant = True
            constant.add(f.task.id)


def _touches(access: Access) -> str:
    if access.nothing:
        return ""
    writes, reads = _keys(access.writes), _keys(access.reads)
    if access.writes is None or (access.reads is None and not writes):
        return "everything"
    if writes and reads:
        return f"{writes}; reads {reads}"
    return writes or reads


def _keys(keys: Keys) -> str:
    if keys is None:
        return "everything"
    undeclared = UNDECLARED.reads or frozenset()
    return ", ".join(sorted(k if isinstance(k, str) else repr(k) for k in keys - undeclared))


# -- the table -------------------------------------------------------------------


def _short_table(plan: Plan, free: Schedule) -> list[str]:
    """Of a plan of which neither tools nor times are known: what waits for what."""
    path = set(free.critical_path) if free.makespan > 1 else set()
    columns = [Column("id", right=True), Column("call"), Column("waits for", most=28), Column("starts")]
    for t in plan.tasks:
        at = free.start.get(t.id)
        starts = "never" if at is None else f"step {at + 1:.0f}" + (" *" if t.id in path else "")
        row = (str(t.id), call_line(t), ids(t.depends_on) or "-", starts)
        for column, cell in zip(columns, row, strict=True):
            column.cells.append(cell)
    return table(columns)


def _table(plan: Plan, facts: Sequence[Facts], capped: Schedule, clock: Clock) -> list[str]:
    path = set(capped.critical_path) if len(plan.tasks) > 1 else set()
    after = direct_order(plan, capped.order)
    columns = [
        Column("id", right=True),
        Column("call"),
        Column("effect", most=24),
        Column("resources", most=30),
        Column("waits for", most=24),
        Column("after", most=24),
        Column(f"start-finish{clock.head}", right=True),
        Column("slack", right=True),
        Column(""),
    ]
    for f in facts:
        i = f.task.id
        runs = i in capped.start
        row = (
            str(i),
            call_line(f.task),
            f.effect,
            f.touches or ("-" if f.effect else ""),
            ids(f.task.depends_on) or "-",
            ids(after.get(i, ())),
            "" if f.saved else clock.span(capped.start[i], capped.finish[i]) if runs else "never",
            clock.cell(capped.slack[i]) if runs and not f.saved else "",
            f.marks(i in path),
        )
        for column, cell in zip(columns, row, strict=True):
            column.cells.append(cell)
    if any(columns[5].cells):
        columns[5].cells = [c or "-" for c in columns[5].cells]
    return table(columns)


# -- what follows from it ----------------------------------------------------------


def _summary(plan: Plan, free: Schedule, capped: Schedule, clock: Clock, items: dict[int, int]) -> list[str]:
    if not plan.tasks:
        return ["No calls: the question is answered from nothing but itself.", _join_text(plan)]
    calls = count(sum(items.get(t.id, 1) for t in plan.tasks), "call")
    out = [f"{calls} in {clock.text(free.makespan)}, at most {free.peak} at once."]
    if len(free.critical_path) > 1 or (clock.unit != "steps" and len(plan.tasks) > 1):
        chain = " -> ".join(elide([str(i) for i in free.critical_path]))
        length = (
            f"{len(free.critical_path)} of {calls}" if clock.unit == "steps" else clock.text(free.makespan)
        )
        out.append(f"Critical path (*): {chain}, {length}.")
    told = registry_of(plan) is not None or clock.unit != "steps" or capped.makespan > free.makespan
    if told and len(plan.tasks) > 1:
        caps = "under the tools' caps" if capped.concurrency is None else f"with {capped.concurrency} at once"
        out.append(
            f"Predicted: {clock.text(free.makespan)} without caps, {clock.text(capped.makespan)} {caps}, "
            f"{clock.text(capped.sequential)} one by one."
        )
    if capped.speedup > 1.005:
        faster = f"{capped.speedup:.1f} times faster"
        equal = "If every call takes as long as the others" if clock.unit == "steps" else "In parallel"
        out.append(f"{equal}: {faster} than one by one.")
    if stuck := [str(t.id) for t in plan.tasks if t.id not in free.start]:
        out.append(f"Never starts, for it waits for itself: {', '.join(elide(stuck))}.")
    out.append(_join_text(plan))
    return out


def _join_text(plan: Plan) -> str:
    if plan.join is None:
        return "No join: the joiner answers from every result."
    if plan.join.ref is None:
        return "Then the joiner answers from every result."
    return f"The answer is {plan.join.ref}; no joiner is asked."


def _remarks(plan: Plan, facts: Sequence[Facts], capped: Schedule) -> list[str]:
    out = []
    if any(capped.order.values()):
        out.append(
            "`after` is order: a call waits until those have ended, well or not, "
            "for one of them changes what the other touches."
        )
        if any(_UNKNOWN in (f.touches, f.effect) for f in facts):
            out.append(
                f"`{_UNKNOWN}`: until they are there, the call counts as the most it may touch; "
                "order that proves needless is given up then."
            )
    sure = [str(f.task.id) for f in facts if f.approval]
    perhaps = [str(f.task.id) for f in facts if f.approval is None]
    if sure:
        out.append(f"Needs approval: {', '.join(elide(sure))}.")
    if perhaps:
        out.append(f"May need approval, by its arguments: {', '.join(elide(perhaps))}.")
    out += [f"Task {f.task.id} will fail: {f.problem}." for f in facts if f.problem][:10]
    return out


def unforeseen(plan: Plan, items: dict[int, int]) -> list[str]:
    """What the prediction assumes."""
    out = []
    if loops := [str(t.id) for t in plan.tasks if t.each is not None and t.id not in items]:
        out.append(f"Predicted with one item, for the list is known only later: {', '.join(elide(loops))}.")
    if guarded := [str(t.id) for t in plan.tasks if t.when is not None]:
        out.append(f"Predicted as if the condition were true: {', '.join(elide(guarded))}.")
    return out
