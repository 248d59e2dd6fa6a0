"""Tables of tasks, values and numbers, as HTML and as text. Reads traces and results; draws no picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..terminal._text import one_line, plural, preview, seconds
from .markup import LINE, badge, block, code, line, muted, progress, table, text, word

if TYPE_CHECKING:
    from ..models.base import Usage
    from ..result import Timing
    from ..traces import Trace, TraceTask

ROWS = 60
"""Tasks that a table shows; of more, those that matter now."""
_COLUMNS = 8
_RECORDS = 20
OVER = ("succeeded", "failed", "skipped", "cancelled")
_VIA = {
    "reused": "as before",
    "merged": "as the same call",
    "constant": "known from before",
    "cache": "from the cache",
    "fallback": "by its fallback",
    "batch": "in a batch",
}


def task_table(trace: Trace, told: Mapping[int, tuple[float | None, str]], most: int = ROWS) -> str:
    """The tasks of a run, one a row: number, call, state, times and what came of it.

    Args:
        trace: The run.
        told: What running tasks last said of their progress: how far, and a message.
        most: Rows.
    """
    shown = pick(trace.tasks, most)
    rows = [_row(t, trace, told.get(t.id)) for t in shown]
    left = len(trace.tasks) - len(shown)
    more = muted(f"... and {plural(left, 'task')} more") if left else ""
    return table(["#", "call", "state", "start", "took", "result"], rows, right=(0, 3, 4), wide=(1,)) + more


def _row(t: TraceTask, trace: Trace, told: tuple[float | None, str] | None) -> list[str]:
    begun = "" if t.started is None else seconds(t.started)
    end = t.finished if t.finished is not None else trace.at
    took = "" if t.started is None else seconds(max(0.0, end - t.started))
    critical = ' <b title="on the critical path">*</b>' if t.critical else ""
    return [
        f"{t.id}{critical}",
        code(line(call_of(t), 160)),
        badge(t.status),
        begun,
        took,
        _came(t, told),
    ]


def call_of(t: TraceTask) -> str:
    """The call without its number."""
    number, _, rest = t.line.partition(". ")
    return rest if number.isdigit() and rest else t.line


def _came(t: TraceTask, told: tuple[float | None, str] | None) -> str:
    """What came of a task, or how far it is."""
    if t.status == "succeeded":
        how = muted(f"{_VIA[t.via]}: ") if t.via in _VIA else ""
        return how + _items(t) + line(t.value or "")
    if t.status in OVER:
        return _items(t) + line(t.error or "")
    parts = [_items(t)]
    if told is not None:
        fraction, message = told
        if fraction is not None:
            percent = max(0, min(100, round(100 * fraction)))
            parts.append(f"{progress(percent, 100, f'task {t.id}: {percent}%')} {percent}% ")
        parts.append(line(message, 120))
    return "".join(parts)


def _items(t: TraceTask) -> str:
    """How many of the items of a `for` are done, as a bar while it goes on."""
    if t.items is None or not t.items.started:
        return ""
    done, total = t.items.ended, t.items.total
    failed = f", {t.items.failed} failed" if t.items.failed else ""
    if total is None:
        return muted(f"{plural(done, 'item')} done{failed}. ")
    said = f"{done} of {total} items{failed}"
    if t.status in OVER:
        return muted(f"{said}. ")
    return f"{progress(done, total, said)} {muted(said)} "


def pick(tasks: Sequence[TraceTask], most: int) -> list[TraceTask]:
    """At most so many tasks, in order: what waits for a person, runs, failed, is just over, comes next."""
    if len(tasks) <= most:
        return list(tasks)
    groups: dict[str, list[TraceTask]] = {}
    for t in tasks:
        groups.setdefault(t.status, []).append(t)
    ended = sorted(
        (t for s in OVER for t in groups.get(s, ())), key=lambda t: t.finished or 0.0, reverse=True
    )
    chosen: dict[int, TraceTask] = {}

    def take(found: Iterable[TraceTask], share: int) -> None:
        for t in islice(found, max(0, min(share, most - len(chosen)))):
            chosen[t.id] = t

    active = [*groups.get("running", ()), *groups.get("queued", ())]
    take(groups.get("approval", ()), most)
    take(active, most // 2)
    take(groups.get("failed", ()), most // 4)
    take(groups.get("waiting", ()), most // 6)
    for rest in (ended, active, groups.get("waiting", [])):
        take((t for t in rest if t.id not in chosen), most)
    return [chosen[i] for i in sorted(chosen)]


def counts(trace: Trace) -> str:
    """How the tasks stand: `5 of 7 calls done, 1 running`."""
    found: dict[str, int] = {}
    for t in trace.tasks:
        found[t.status] = found.get(t.status, 0) + 1
    if not trace.tasks:
        return "no calls"
    total = plural(len(trace.tasks), "call")
    parts = [
        f"{found.get('succeeded', 0)} of {total} done"
        if found.get("succeeded", 0) < len(trace.tasks)
        else f"{total} done"
    ]
    words = {"approval": "waiting for approval"}
    order = ("running", "queued", "approval", "failed", "skipped", "cancelled")
    parts += [f"{n} {words.get(s, s)}" for s in order if (n := found.get(s, 0))]
    return ", ".join(parts)


def text_rows(trace: Trace, most: int = 20) -> list[str]:
    """The tasks of a run as lines of text."""
    shown = pick(trace.tasks, most)
    lines = []
    for t in shown:
        took = ""
        if t.started is not None and t.finished is not None:
            took = f" {seconds(max(0.0, t.finished - t.started))}"
        came = t.value if t.status == "succeeded" else t.error
        lines.append(
            f"{t.id:>4} {word(t.status)}{took}  {one_line(call_of(t), 80)}"
            + (f"  {one_line(came, 100)}" if came else "")
        )
    if left := len(trace.tasks) - len(shown):
        lines.append(f"     ... and {plural(left, 'task')} more")
    return lines


# -- values ------------------------------------------------------------------------


def value_html(value: Any) -> str:
    """A value for reading: text with its lines, records as a table, anything else at a glance."""
    if isinstance(value, str):
        return block(value, prose=True)
    records = _records(value)
    if records:
        names = list(dict.fromkeys(str(k) for r in records for k in islice(r, _COLUMNS)))[:_COLUMNS]
        rows = [[text(r[n], 120) if n in r else "" for n in names] for r in records]
        left = len(value) - len(records)
        return table([line(n, 40) for n in names], rows) + (
            muted(f"... and {left:,} more") if left > 0 else ""
        )
    return block(preview(value, 2_000))


def _records(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        return []
    first = value[:_RECORDS]
    if not all(type(v) is dict and v and all(type(k) is str for k in islice(v, 50)) for v in first):
        return []
    return first


def value_text(value: Any) -> str:
    """A value as text."""
    if isinstance(value, str):
        from ..terminal._text import harmless

        return harmless(value[:4_000]) + ("..." if len(value) > 4_000 else "")
    return preview(value, 2_000)


def facts(timing: Timing, usage: Usage) -> list[tuple[str, str]]:
    """What a run took, as names and values."""
    found = [("total", seconds(timing.total))]
    if timing.makespan:
        found += [
            ("calls", seconds(timing.makespan)),
            ("one by one", seconds(timing.sequential)),
            ("critical path", seconds(timing.critical_path)),
        ]
        if timing.speedup >= 1.05:
            found.append(("faster", f"{timing.speedup:.1f}x"))
    if timing.planning:
        found.append(("planning", seconds(timing.planning)))
    if timing.joining:
        found.append(("joining", seconds(timing.joining)))
    if usage.model_calls:
        found += [("model calls", str(usage.model_calls)), ("tokens", f"{usage.tokens:,}")]
        if usage.cost:
            found.append(("cost", f"${usage.cost:.4f}"))
    return found


def facts_html(found: Sequence[tuple[str, str]]) -> str:
    """Names and values in one line that wraps."""
    return (
        '<div style="margin:4px 0">'
        + " &nbsp; ".join(f"{muted(line(name))} <b>{line(value)}</b>" for name, value in found)
        + "</div>"
    )


def facts_text(found: Sequence[tuple[str, str]]) -> str:
    """Names and values in one line of text."""
    return ", ".join(f"{name} {value}" for name, value in found)


__all__ = [
    "LINE",
    "ROWS",
    "call_of",
    "counts",
    "facts",
    "facts_html",
    "facts_text",
    "pick",
    "task_table",
    "text_rows",
    "value_html",
    "value_text",
]
