"""What a run did, beside what was predicted of it: EXPLAIN ANALYZE. What a plan will do is told in `explain`.

Nothing here runs anything; it reads a finished `RunResult`. Times are seconds since the run began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .._jsonable import describe_error
from ..outcomes import Cancelled, Failed, Skipped, Succeeded
from ..pictures import call_line, direct_order
from ..plan import Plan
from ..simulator import Schedule, Work, registry_of, schedule
from ..timing import critical_path
from .tables import Clock, Column, count, cut, elide, ids, paragraphs, table

if TYPE_CHECKING:
    from ..result import ItemResult, RunResult, TaskResult

_ERRORS = 10
_SAVED = ("reused", "merged", "constant", "cache")


def explain_run(result: RunResult) -> str:
    """See `RunResult.explain`."""
    tasks = result.tasks
    if not tasks:
        return "\n".join(paragraphs(["No calls were made.", *_ending(result)]))
    ready = {i: ready_at(t, tasks) for i, t in tasks.items()}
    predicted = _predict(result)
    ends = [t.finished for t in tasks.values()]
    clock = Clock(max([*ends, predicted.makespan if predicted is not None else 0.0]))
    paths = _actual_paths(tasks)
    lines = _table(tasks, ready, predicted, clock, {i for path in paths if len(path) > 1 for i in path})
    told = _totals(result, ready, predicted, clock, paths) + _ending(result)
    return "\n".join([*lines, "", *paragraphs(told)])


def predicted_spans(result: RunResult) -> dict[int, tuple[float, float]]:
    """When each task was to start and end, by id; empty where nothing was known of the tools."""
    predicted = _predict(result)
    if predicted is None:
        return {}
    return {i: (predicted.start[i], end) for i, end in predicted.finish.items()}


def ready_at(t: TaskResult, tasks: Mapping[int, TaskResult]) -> float:
    """When all that the call waited for had ended."""
    before = (t.reused,) if t.reused is not None else (*t.task.depends_on, *t.after)
    return max([t.planned, *(tasks[d].finished for d in before if d in tasks)])


# -- the prediction ----------------------------------------------------------------


def _predict(result: RunResult) -> Schedule | None:
    """The run as it was to be expected, from when each task was planned; None where nothing was known of the tools.

    Tasks that were never to run (a false condition, a failed dependency) are not in it.
    """
    ran = {i: t for i, t in result.tasks.items() if not isinstance(t.outcome, Skipped)}
    known = [t.estimate for t in ran.values() if t.estimate is not None]
    if not known:
        return None
    unknown = sum(known) / len(known)
    limits: dict[str, tuple[int | None, bool]] = {}
    for plan in result.plans:
        tools = registry_of(plan)
        for tool in () if tools is None else tools.values():
            limits[tool.name] = (tool.max_concurrency, tool.options.counted)
    works = []
    for i, t in ran.items():
        limit, counted = limits.get(t.task.tool, (None, True))
        again = t.reused is not None
        works.append(
            Work(
                i,
                t.task.tool,
                0.0 if again else unknown if t.estimate is None else t.estimate,
                (t.reused,) if t.reused is not None else t.task.depends_on,
                t.after,
                0 if again else len(t.items) if t.task.each is not None else 1,
                limit,
                counted,
                t.planned,
            )
        )
    return schedule(works, result.concurrency)


# -- the table ---------------------------------------------------------------------


def _table(
    tasks: Mapping[int, TaskResult],
    ready: Mapping[int, float],
    predicted: Schedule | None,
    clock: Clock,
    path: set[int],
) -> list[str]:
    columns = [
        Column("id", right=True),
        Column("call"),
        Column("after", most=16),
        Column(f"predicted{clock.head}", right=True),
        Column(f"queued{clock.head}", right=True),
        Column("start", right=True),
        Column("finish", right=True),
        Column("tries", right=True),
        Column("outcome"),
        Column("via"),
        Column(""),
    ]
    order = direct_order(Plan(tuple(t.task for t in tasks.values())), {i: t.after for i, t in tasks.items()})
    below: list[str | None] = []
    for i, t in tasks.items():
        foreseen = ""
        if predicted is not None:
            runs = i in predicted.finish
            foreseen = clock.span(predicted.start[i], predicted.finish[i]) if runs else "-"
        row = (
            str(i),
            call_line(t.task),
            ids(order.get(i, ())),
            foreseen,
            clock.cell(ready[i]),
            "-" if t.started is None else clock.cell(t.started),
            clock.cell(t.finished),
            str(t.attempts) if t.attempts else "-",
            t.outcome.status,
            "" if t.via == "call" else t.via,
            "*" if i in path else "",
        )
        for column, cell in zip(columns, row, strict=True):
            column.cells.append(cell)
        below.append(_items_line(t.items, clock) if t.task.each is not None and t.items else None)
    for column in (columns[2], columns[9]):
        if any(column.cells):
            column.cells = [c or "-" for c in column.cells]
    return table(columns, below)


def _items_line(items: Sequence[ItemResult], clock: Clock) -> str:
    parts = [_statuses(item.outcome.status for item in items)]
    bad = next(((k, i.outcome) for k, i in enumerate(items) if isinstance(i.outcome, Failed)), None)
    slowest = max(range(len(items)), key=lambda k: items[k].seconds)
    if items[slowest].seconds > 0:
        parts.append(f"slowest [{slowest}] {clock.text(items[slowest].seconds)}")
    if via := Counter(item.via for item in items if item.via != "call"):
        parts.append(", ".join(f"{n} {name}" for name, n in via.items()))
    if bad is not None:
        parts.append(f"first failure [{bad[0]}] {describe_error(bad[1].error)}")
    return f"      {count(len(items), 'item')}: {'; '.join(parts)}"


def _statuses(statuses: Iterable[str]) -> str:
    return ", ".join(f"{n} {status}" for status, n in Counter(statuses).items())


# -- what follows from it ------------------------------------------------------------


def _actual_paths(tasks: Mapping[int, TaskResult]) -> list[list[int]]:
    """The critical path of each round."""
    rounds: dict[int, dict[int, TaskResult]] = {}
    for i, t in tasks.items():
        rounds.setdefault(t.round, {})[i] = t
    return [critical_path(of_round)[1] for of_round in rounds.values()]


def _totals(
    result: RunResult,
    ready: Mapping[int, float],
    predicted: Schedule | None,
    clock: Clock,
    paths: Sequence[Sequence[int]],
) -> list[str]:
    tasks, timing = result.tasks, result.timing
    out = [f"{count(len(tasks), 'call')}: {_statuses(t.outcome.status for t in tasks.values())}."]
    if predicted is not None:
        expected = _makespan(tasks, predicted)
        change = f" ({timing.makespan / expected - 1:+.0%})" if expected > 0 else ""
        out.append(f"Makespan {clock.text(timing.makespan)}, predicted {clock.text(expected)}{change}.")
    else:
        out.append(
            f"Makespan {clock.text(timing.makespan)}; not predicted, for none of these tools had been called before."
        )
    if timing.makespan > 0:
        chain = "; then ".join(" -> ".join(elide([str(i) for i in path])) for path in paths if path)
        out.append(f"Critical path (*): {chain}, {clock.text(timing.critical_path)}.")
        faster = timing.sequential / timing.makespan
        told = f"; in parallel {faster:.1f} times faster" if faster > 1.005 else ""
        out.append(f"One by one: {clock.text(timing.sequential)}{told}.")
    made = {i: t for i, t in tasks.items() if t.started is not None}
    for_others = sum(ready[i] - t.planned for i, t in made.items())
    starts = [(i, item.started) for i, t in made.items() for item in t.items or (t,)]
    for_room = sum(max(0.0, start - ready[i]) for i, start in starts if start is not None)
    cap = f"{result.concurrency} at once" if result.concurrency is not None else "no overall cap"
    out.append(
        f"Waited, all calls together: {clock.text(for_others)} for other calls; {clock.text(for_room)} for caps "
        f"({cap}), rate limits and approvals."
    )
    ways = [t.via for t in tasks.values() if not (t.task.each is not None and t.items) or t.via in _SAVED]
    ways += [item.via for t in tasks.values() for item in t.items]
    by: Counter[str] = Counter(ways)
    if saved := {via: by[via] for via in _SAVED if by[via]}:
        parts = ", ".join(f"{n} {via}" for via, n in saved.items())
        out.append(f"Calls saved: {sum(saved.values())} ({parts}).")
    if by["batch"]:
        out.append(f"Made in batches: {count(by['batch'], 'call')}.")
    if by["fallback"]:
        out.append(f"Made by a fallback: {count(by['fallback'], 'call')}.")
    return out


def _makespan(tasks: Mapping[int, TaskResult], predicted: Schedule) -> float:
    """First start to last end, summed over rounds: as the actual makespan is."""
    spans: dict[int, tuple[float, float]] = {}
    for i, t in tasks.items():
        if i in predicted.finish and t.reused is None:
            start, finish = predicted.start[i], predicted.finish[i]
            first, last = spans.get(t.round, (start, finish))
            spans[t.round] = (min(first, start), max(last, finish))
    return sum(last - first for first, last in spans.values())


def _ending(result: RunResult) -> list[str]:
    out = []
    bad = [(i, t.outcome) for i, t in result.tasks.items() if not isinstance(t.outcome, Succeeded)]
    for i, outcome in bad[:_ERRORS]:
        why = describe_error(outcome.error) if isinstance(outcome, Failed) else ""
        if isinstance(outcome, (Skipped, Cancelled)):
            why = outcome.reason
        out.append(cut(f"Task {i} {outcome.status}" + (f": {why}" if why else "."), 300))
    if len(bad) > _ERRORS:
        out.append(f"... and {len(bad) - _ERRORS} more without a result.")
    out += [f"{n.name}: {'' if n.task_id is None else f'task {n.task_id}: '}{n.text}" for n in result.notes]
    if result.error is not None:
        out.append(cut(f"No answer: {describe_error(result.error)}", 300))
    return out
