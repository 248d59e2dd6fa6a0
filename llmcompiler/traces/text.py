"""The timeline of a run as plain text, for terminals and logs. Plain characters; colour is for others."""

from __future__ import annotations

from collections.abc import Callable

from .marking import SIGNS, chosen, shares, summary, took, used, waits
from .trace import Trace, TraceTask

_LEAST = 60
_Paint = Callable[[list[str], str, float, float], None]


def timeline_text(trace: Trace, *, width: int = 100, max_rows: int = 40) -> str:
    """The timeline in lines of at most `width` characters: `.` waits for others, `~` for room or a person, `=` runs.

    `#` runs on the critical path, `x` is a failed try, `+` marks planners and joiners at work. No line end at the end.
    """
    width = max(_LEAST, width)
    tasks = chosen(trace, max_rows)
    names = [_name(t) for t in tasks]
    told = 14 + max((len(used([p])) for p in trace.phases), default=0)
    label = min(max([12 if told == 14 else told, *map(len, names)]), width // 3)
    room = width - label - 11
    total = max(trace.total, 1e-9)

    def column(seconds: float) -> int:
        return min(room - 1, max(0, int(room * seconds / total)))

    def paint(cells: list[str], sign: str, start: float, end: float) -> None:
        for i in range(column(start), max(column(start) + 1, column(end))):
            cells[i] = sign

    def line(name: str, cells: list[str], spent: float) -> str:
        cut = name if len(name) <= label else name[: label - 1] + "…"
        return f"{cut:<{label}} |{''.join(cells)}| {took(spent)}".rstrip()

    out = []
    rounds = sorted({p.round for p in trace.phases} | {t.round for t in tasks})
    for number in rounds:
        part = f" {number}" if len(rounds) > 1 else ""
        for kind, name in (("planning", "planner"), ("tasks", ""), ("joining", "joiner")):
            if kind == "tasks":
                for t, said in zip(tasks, names, strict=True):
                    if t.round == number:
                        cells = [" "] * room
                        _paint_task(t, trace, cells, paint)
                        end = trace.at if t.finished is None else t.finished
                        out.append(line(said, cells, 0.0 if t.started is None else end - t.started))
                continue
            phases = [p for p in trace.phases if p.kind == kind and p.round == number]
            if not phases:
                continue
            cells, spent = [" "] * room, 0.0
            for p in phases:
                end = trace.at if p.finished is None else p.finished
                paint(cells, "+", p.started, end)
                spent += end - p.started
            out.append(line(f"  {name}{part}{used(phases)}", cells, spent))
    if left := len(trace.tasks) - len(tasks):
        out.append(f"  ... and {left:,} more tasks")
    if not trace.tasks:
        out.append("No calls were made.")
    out.append(", ".join(f"{name} {value}" for name, value in summary(trace)))
    if parts := shares(trace):
        out.append("time: " + ", ".join(f"{name} {took(seconds)}" for name, seconds in parts))
    if said := waits(trace):
        out.append(said)
    return "\n".join(out)


def _name(t: TraceTask) -> str:
    return f"{SIGNS[t.status]} {'*' if t.critical else ''}{t.line}"


def _paint_task(t: TraceTask, trace: Trace, cells: list[str], paint: _Paint) -> None:
    end = trace.at if t.finished is None else t.finished
    ready = end if t.ready is None else min(t.ready, end)
    begun = end if t.started is None else t.started
    if ready > t.planned:
        paint(cells, ".", t.planned, ready)
    if begun > ready and t.status not in ("skipped", "cancelled"):
        paint(cells, "~", ready, begun)
    if t.started is None:
        return
    solid = "#" if t.critical else "="
    if not t.attempts:
        paint(cells, "x" if t.status == "failed" else solid, t.started, end)
    for a in t.attempts:
        last = trace.at if a.finished is None else a.finished
        paint(cells, "x" if a.failed else solid, a.started, last)


__all__ = ["timeline_text"]
