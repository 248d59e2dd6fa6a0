"""The trace of a run that is over, from its `RunResult`. Reads, never runs."""

from __future__ import annotations

from dataclasses import replace

from .._jsonable import describe_error
from ..outcomes import Cancelled, Failed, Outcome, Skipped, Succeeded
from ..plan import Task
from ..result import RunResult, TaskResult
from ..terminal._text import call_text, one_line, preview
from ..timing import critical_path
from .breakdown import breakdown
from .trace import QUESTION, SHORT, Attempt, Items, Phase, Trace, TraceTask


def trace_of(result: RunResult) -> Trace:
    """See `Trace.of`."""
    from ..explaining.runs import predicted_spans, ready_at

    critical: set[int] = set()
    rounds: dict[int, dict[int, TaskResult]] = {}
    for i, t in result.tasks.items():
        rounds.setdefault(t.round, {})[i] = t
    for some in rounds.values():
        path = critical_path(some)[1]
        critical.update(path if len(path) > 1 or len(some) == 1 else ())
    tasks = tuple(_task(t, ready_at(t, result.tasks), i in critical) for i, t in result.tasks.items())
    phases = tuple(Phase(p.kind, p.round, p.started, p.finished, p.purpose, p.tokens) for p in result.phases)
    total = result.spans.total
    error = None if result.error is None else one_line(describe_error(result.error), SHORT)
    return Trace(
        result.run_id,
        result.question[:QUESTION],
        result.status,
        total,
        tasks,
        phases,
        None if result.output is None else preview(result.output, SHORT),
        error,
        result.usage,
        result.timing,
        breakdown(tasks, phases, total),
        predicted_spans(result),
    )


def with_predictions(trace: Trace, result: RunResult) -> Trace:
    """The trace of the same run from its events, with what was predicted of its calls, which only the result knows."""
    from ..explaining.runs import predicted_spans

    known = {i: t.estimate for i, t in result.tasks.items()}
    tasks = tuple(replace(t, estimate=known.get(t.id)) for t in trace.tasks)
    return replace(trace, tasks=tasks, predicted=predicted_spans(result))


def _task(t: TaskResult, ready: float, critical: bool) -> TraceTask:
    value, error = told(t.outcome)
    attempts: tuple[Attempt, ...] = ()
    if t.started is not None:
        attempts = (Attempt(t.started, t.finished, error if isinstance(t.outcome, Failed) else None),)
    items = None
    if t.task.each is not None:
        failed = sum(isinstance(i.outcome, Failed) for i in t.items)
        items = Items(len(t.items), len(t.items), len(t.items), failed)
    return TraceTask(
        t.task.id, t.task.tool, line_of(t.task), t.round, t.planned, ready, t.started, t.finished,
        t.outcome.status, t.via, None, attempts, t.task.depends_on, t.after, critical, items, value, error,
        t.estimate,
    )  # fmt: skip


def line_of(task: Task) -> str:
    """The task at a glance, with its number."""
    return f"{task.id}. {call_text(task, SHORT)}"


def told(outcome: Outcome) -> tuple[str | None, str | None]:
    """The value and the error of an outcome, as short texts; one of them is None."""
    match outcome:
        case Succeeded():
            return preview(outcome.value, SHORT), None
        case Failed():
            return None, one_line(describe_error(outcome.error), SHORT)
        case Skipped() | Cancelled():
            return None, one_line(outcome.reason, SHORT)


__all__ = ["line_of", "told", "trace_of", "with_predictions"]
