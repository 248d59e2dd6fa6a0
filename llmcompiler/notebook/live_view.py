"""What the live view of one run shows at a moment: events folded, and the bundle made of them. Publishes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..binding import look_up
from ..events import (
    DiagnosticEmitted,
    Event,
    OutputDelta,
    Replanned,
    RunFinished,
    TaskFinished,
    TaskPlanned,
    TaskProgress,
    TaskRetried,
    TaskStarted,
    ThoughtEmitted,
)
from ..outcomes import Succeeded
from ..plan import Plan, Task
from ..terminal._text import harmless, one_line, plural, preview, seconds
from ..traces import Trace, TraceBuilder, TraceTask
from ..values import Ref
from .displays import error_text, graph
from .markup import badge, block, line, muted, page, picture, progress, text, word
from .tables import counts, facts, facts_html, facts_text, task_table, text_rows

ROWS = 25
"""Rows of the table while it changes: it should fit a screen."""
_TAIL = 600
_REMARKS = 8
_SAID = ("one by one", "faster", "model calls", "tokens", "cost")
"""What is said at the end; the result, displayed, tells the rest."""


class LiveView:
    """One run so far."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.builder = TraceBuilder()
        self.finish: RunFinished | None = None
        self._told: dict[int, tuple[float | None, str]] = {}
        self._tasks: dict[int, Task] = {}
        self._values: dict[int, Any] = {}
        self._totals: dict[int, int] = {}
        self._thought = ""
        self._answer = ""
        self._remarks: list[str] = []
        self._dropped = 0

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.finish is not None

    def add(self, event: Event) -> None:
        """Take note of an event."""
        self.builder.add(event)
        if isinstance(event, TaskPlanned):
            self._tasks[event.task.id] = event.task
            self._thought = ""
        elif isinstance(event, TaskProgress):
            if event.item is None:
                self._told[event.task_id] = (_fraction(event.fraction), one_line(str(event.message), 200))
        elif isinstance(event, TaskRetried):
            if event.item is None:
                self._told[event.task_id] = (
                    None,
                    f"try {event.attempt} failed: {one_line(error_text(event.error), 160)}",
                )
        elif isinstance(event, TaskStarted):
            if event.item is not None:
                self._count(event.task_id)
            elif event.attempt == 1:
                self._told.pop(event.task_id, None)
        elif isinstance(event, TaskFinished):
            self._told.pop(event.task_id, None)
            if isinstance(event.outcome, Succeeded):
                self._values[event.task_id] = event.outcome.value
        elif isinstance(event, ThoughtEmitted):
            self._thought = one_line(event.text, 300)
        elif isinstance(event, DiagnosticEmitted):
            d = event.diagnostic
            where = "" if d.task_id is None else f"task {d.task_id}: "
            self._remark(f"{d.severity}: {where}{d.message.split(chr(10), 1)[0]}")
        elif isinstance(event, Replanned):
            self._remark(f"another round: {event.feedback}")
            self._answer = ""
        elif isinstance(event, OutputDelta):
            self._answer = (self._answer + event.text)[-_TAIL:]
        elif isinstance(event, RunFinished):
            self.finish = event
            self._values.clear()

    def _count(self, task_id: int) -> None:
        """How many items a `for` has, which no event tells."""
        task = self._tasks.get(task_id)
        if task_id in self._totals or task is None or task.each is None:
            return
        source = task.each.source
        try:
            found = look_up(source, self._values) if isinstance(source, Ref) else source
            self._totals[task_id] = len(found)
        except Exception:  # of a value with a mind of its own: the bar does without a total
            self._totals[task_id] = 0

    def _trace(self) -> Trace:
        trace = self.builder.trace()
        if not self._totals or self.over:
            return trace
        return replace(trace, tasks=tuple(self._counted(t) for t in trace.tasks))

    def _counted(self, t: TraceTask) -> TraceTask:
        total = self._totals.get(t.id)
        if not total or t.items is None or t.items.total is not None:
            return t
        return replace(t, items=replace(t.items, total=total))

    def _remark(self, said: str) -> None:
        if len(self._remarks) < _REMARKS:
            self._remarks.append(one_line(said, 300))
        else:
            self._dropped += 1

    def bundle(self, since: float) -> dict[str, Any]:
        """The display, `since` seconds after the last event."""
        trace = self._trace()
        now = trace.at + since
        return {"text/html": self._html(trace, now), "text/plain": self._text(trace, now)}

    # -- as HTML -------------------------------------------------------------------------

    def _html(self, trace: Trace, now: float) -> str:
        parts = [self._head(trace, now)]
        if trace.tasks:
            svg = graph(Plan(tuple(self._tasks.values())), trace)
            if svg:
                parts.append(picture(svg, f"Graph of the run: {counts(trace)}"))
            parts.append(task_table(trace, self._told, ROWS))
        if self._thought and not self.over:
            parts.append(f"<div>{muted('planner: ' + line(self._thought))}</div>")
        parts += [f"<div><b>!</b> {line(r)}</div>" for r in self._remarks]
        if self._dropped:
            parts.append(muted(f"... and {plural(self._dropped, 'remark')} more"))
        parts.append(self._end() if self.over else self._answering())
        return page(*parts)

    def _head(self, trace: Trace, now: float) -> str:
        asked = f" <b>{line(trace.question, 300)}</b>" if trace.question else ""
        ended = sum(t.finished is not None for t in trace.tasks)
        stands = f"{self._phase(trace)}{counts(trace)}, {seconds(now)}"
        bar = ""
        if trace.tasks and not self.over:
            bar = progress(ended, len(trace.tasks), f"{ended} of {len(trace.tasks)} tasks ended")
        return f"<div>{badge(trace.status)}{asked}<br>{bar} {muted(line(stands))}</div>"

    def _phase(self, trace: Trace) -> str:
        if self.over:
            return ""
        going = [p.kind for p in trace.phases if p.finished is None]
        return f"{' and '.join(dict.fromkeys(going))}: " if going else ""

    def _answering(self) -> str:
        return block(self._answer, _TAIL) if self._answer else ""

    def _end(self) -> str:
        finish = self.finish
        assert finish is not None
        out = []
        if finish.error is not None:
            out.append(block(error_text(finish.error), 2_000))
        elif finish.status == "cancelled":
            out.append("<div>The run was cancelled.</div>")
        else:
            out.append(f"<div><b>Answer:</b> {text(finish.output, 400)}</div>")
        if finish.timing is not None:
            found = facts(finish.timing, finish.usage)
            out.append(facts_html([f for f in found if f[0] in _SAID]))
        return "".join(out)

    # -- as text -------------------------------------------------------------------------

    def _text(self, trace: Trace, now: float) -> str:
        head = word(trace.status) + (f": {one_line(trace.question, 200)}" if trace.question else "")
        lines = [
            head,
            *text_rows(trace),
            f"{self._phase(trace)}{counts(trace)}, {seconds(now)}",
            *self._remarks,
        ]
        finish = self.finish
        if finish is not None:
            if finish.error is not None:
                lines.append(harmless(error_text(finish.error)[:2_000]))
            elif finish.status == "answered":
                lines.append(f"Answer: {preview(finish.output, 400)}")
            if finish.timing is not None:
                lines.append(facts_text(facts(finish.timing, finish.usage)))
        return "\n".join(lines)


def _fraction(value: float | None) -> float | None:
    # A tool may report anything.
    return None if value is None or not 0.0 <= value <= 1e9 else min(1.0, float(value))


__all__ = ["LiveView"]
