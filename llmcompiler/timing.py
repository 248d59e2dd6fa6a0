"""Where the time of a run went, from the times of its tasks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .result import Spans, TaskResult, Timing


def critical_path(tasks: Mapping[int, TaskResult]) -> tuple[float, list[int]]:
    """Seconds of the longest chain of calls that had to wait for each other, and the ids on it, first to last.

    Calls wait for values, and for what their effects are ordered after. A `for` task counts as its slowest item: its
    items wait for nothing but room.
    """
    length: dict[int, float] = {}
    before: dict[int, int | None] = {}
    for i in _in_order(tasks):
        t = tasks[i]
        best, via = 0.0, None
        for d in (t.reused,) if t.reused is not None else (*t.task.depends_on, *t.after):
            if d in length and length[d] > best:
                best, via = length[d], d
        length[i] = best + _span(t)
        before[i] = via
    if not length:
        return 0.0, []
    end: int | None = max(length, key=lambda i: length[i])
    assert end is not None
    total, path = length[end], []
    while end is not None:
        path.append(end)
        end = before[end]
    return total, path[::-1]


def _span(t: TaskResult) -> float:
    return max(item.seconds for item in t.items) if t.items else t.seconds


def _work(t: TaskResult) -> float:
    return sum(item.seconds for item in t.items) if t.items else t.seconds


def _in_order(tasks: Mapping[int, TaskResult]) -> Iterable[int]:
    # A call ends after those it depends on; equal times (virtual clocks) fall back to the order of planning,
    # in which a mended task may come late: hence the sort by end first.
    return sorted(tasks, key=lambda i: (tasks[i].finished, tasks[i].started or 0.0, i))


def timing(tasks: Mapping[int, TaskResult], spans: Spans) -> Timing:
    """The `Timing` of a run."""
    rounds: dict[int, dict[int, TaskResult]] = {}
    for i, t in tasks.items():
        rounds.setdefault(t.round, {})[i] = t
    makespan = path = sequential = 0.0
    first: float | None = None
    for of_round in rounds.values():
        made = [t for t in of_round.values() if t.started is not None]
        if not made:
            continue
        begun = min(t.started for t in made if t.started is not None)
        span = max(t.finished for t in made) - begun
        makespan += span
        # What waited for one item of a `for` seems to have waited for the slowest; no path is longer than the run.
        path += min(critical_path(of_round)[0], span)
        sequential += sum(_work(t) for t in made)
        first = begun if first is None else min(first, begun)
    return Timing(spans.total, makespan, path, sequential, spans.planning, spans.joining, first)
