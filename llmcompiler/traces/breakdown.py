"""Where the time of a run went, in parts that add up to the whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .trace import Phase, TraceTask


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Seconds of a run by what held it up; they add up to `total`.

    Counted along the chain that ended last in each round: the call that ended last, before it the time in which it
    could have run and waited for room or a person (`queued`), before that the call that it waited for longest, and so
    on back to a task that waited for nothing but to be planned. What is not on a chain counts as `joining` or
    `planning` while such a model was at work, else as `other`: the runtime itself, or a look into a cache. A call that
    others wait for is `running` time of the chain; how long tasks waited for calls, `Trace.waited_for_calls` tells.
    """

    running: float = 0.0
    queued: float = 0.0
    joining: float = 0.0
    planning: float = 0.0
    other: float = 0.0

    @property
    def total(self) -> float:
        """The sum."""
        return self.running + self.queued + self.joining + self.planning + self.other


_KINDS = ("running", "queued", "joining", "planning")
_HELD = ("failed", "cancelled", "queued", "approval")
"""States of tasks without a call that can have waited for room or a person."""


def breakdown(tasks: Sequence[TraceTask], phases: Sequence[Phase], total: float) -> Breakdown:
    """The `Breakdown` of `total` seconds, in time n log n."""
    edges: list[tuple[float, int, int]] = []  # when, which kind, one more or one less

    def add(kind: int, start: float | None, end: float | None) -> None:
        if start is None:
            return
        start, end = max(0.0, start), min(total, total if end is None else end)
        if end > start:
            edges.append((start, kind, 1))
            edges.append((end, kind, -1))

    for t in _chains(tasks, total):
        add(0, t.started, t.finished)
        if t.started is not None or t.status in _HELD:
            add(1, t.ready, t.finished if t.started is None else t.started)
    for p in phases:
        add(2 if p.kind == "joining" else 3, p.started, p.finished)
    edges.sort()
    under = [0, 0, 0, 0]
    spent = [0.0, 0.0, 0.0, 0.0]
    before, counted = 0.0, 0.0
    for when, kind, step in edges:
        if when > before:
            now = next((k for k in range(4) if under[k]), None)
            if now is not None:
                spent[now] += when - before
                counted += when - before
            before = when
        under[kind] += step
    parts = dict(zip(_KINDS, spent, strict=True))
    return Breakdown(**parts, other=max(0.0, total - counted))


def held_up(t: TraceTask, total: float) -> float:
    """Seconds that a task was ready and waited for room or a person; one that still does counts up to `total`."""
    if t.ready is None or (t.started is None and t.status not in _HELD):
        return 0.0
    until = t.finished if t.started is None else t.started
    return max(0.0, (total if until is None else until) - t.ready)


def _chains(tasks: Sequence[TraceTask], total: float) -> list[TraceTask]:
    """In each round the task that ended last, what it waited for longest, and so on."""

    def end(t: TraceTask) -> float:
        return total if t.finished is None else t.finished

    by_id = {t.id: t for t in tasks}
    called: dict[float, TraceTask] = {}
    last: dict[int, TraceTask] = {}
    for t in tasks:
        if t.started is not None:
            called[end(t)] = t
        elif not held_up(t, total):
            continue
        if t.round not in last or end(t) > end(last[t.round]):
            last[t.round] = t
    out: list[TraceTask] = []
    for tail in last.values():
        step: TraceTask | None = tail
        seen: set[int] = set()
        while step is not None and step.id not in seen:
            seen.add(step.id)
            out.append(step)
            ready = step.ready
            if ready is None or ready <= step.planned:
                break
            needs = [by_id[d] for d in (*step.depends_on, *step.after) if d in by_id]
            enders = (n for n in needs if n.finished == ready)
            # A task that takes over the result of another call waits for that call, which is none of its needs.
            step = next(enders, None) or called.get(ready)
    return out


__all__ = ["Breakdown", "breakdown", "held_up"]
