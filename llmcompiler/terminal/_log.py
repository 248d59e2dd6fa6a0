"""A run as lines, for pipes, files and dumb terminals: one line an event, no colour, no cursor movement."""

from __future__ import annotations

import sys
from typing import TextIO

from ..events import (
    ApprovalRequested,
    DiagnosticEmitted,
    Event,
    ItemFinished,
    JoinStarted,
    PlanFinished,
    PlanStarted,
    Replanned,
    RunFinished,
    TaskFinished,
    TaskPlanned,
    TaskProgress,
    TaskRetried,
    TaskStarted,
    ThoughtEmitted,
)
from ..protocols import Reporter
from ._draw import Painter, clock, footer, glyphs_for
from ._text import one_line, plural
from ._view import Row, View, error_text, outcome_text

_PURPOSES = {
    "plan": "planning",
    "repair": "asking the planner to repair tasks",
    "resume": "the planner stopped half-way; asking it to go on",
    "replan": "planning again",
    "given": "plan given",
}
_ENDS = {"succeeded": "done", "failed": "failed", "skipped": "skipped", "cancelled": "cancelled"}


class LogReporter(Reporter):
    """Writes one line for each event that matters to a reader.

    Args:
        stream: Where to write; by default standard error as it is when the event comes.
        only: The kinds of events to write about; all where none is given.
    """

    def __init__(self, stream: TextIO | None = None, *, only: tuple[type[Event], ...] = ()) -> None:
        self._stream = stream
        self._only = only
        self._gone = False
        self._first: dict[
            int, tuple[float, int]
        ] = {}  # task -> when its first item started, and which it was
        self.view = View()

    def report(self, event: Event) -> None:
        """Write `event`, unless nobody can read it any more."""
        row = self.view.feed(event)
        if self._only and not isinstance(event, self._only):
            return
        for text in self._lines(event, row):
            self.write(f"{event.at:8.2f}s  {text}")

    def write(self, text: str) -> None:
        """Write a line, unless nobody can read it any more."""
        if self._gone:
            return
        stream = self._stream or sys.stderr
        try:
            print(text, file=stream, flush=True)
        except (OSError, ValueError):
            self._gone = True

    def print_footer(self) -> None:
        """Write how the run ended and what it took; nothing before the run is over."""
        finish = self.view.finish
        if finish is None:
            return
        glyphs = glyphs_for("ascii")
        self.write(Painter(self.view, 80, glyphs).counts())
        if finish.timing is not None:
            for line in footer(finish.timing, finish.usage, glyphs.dot, 200):
                self.write(line)

    def _lines(self, e: Event, row: Row | None) -> list[str]:
        if row is not None:
            return [] if self._is_one_of_many(e, row) else [self._task_line(e, row)]
        match e:
            case PlanStarted():
                more = f" (round {e.round})" if e.round > 1 else ""
                return [_PURPOSES.get(e.purpose, "planning") + more]
            case ThoughtEmitted():
                return [f"thought: {one_line(e.text, 300)}"]
            case DiagnosticEmitted() if e.diagnostic.code == "weak-plan":
                assert self.view.weak is not None
                so_far = [f"    {r.task.id} {r.call}" for r in self.view.rows.values() if r.round == e.round]
                return [f"WARNING: weak plan: {self.view.weak.text}", "the plan so far:", *so_far]
            case DiagnosticEmitted():
                d = e.diagnostic
                hint = f" ({one_line(d.hint, 200)})" if d.hint else ""
                task = f"task {d.task_id}: " if d.task_id is not None else ""
                return [f"{d.severity}: {task}{one_line(d.message, 300)}{hint}"]
            case PlanFinished():
                return [f"plan complete: {plural(e.tasks, 'task')}"]
            case JoinStarted():
                return ["joining" + (" (last round)" if e.final else "")]
            case Replanned():
                return [f"another round: {one_line(e.feedback, 400)}"]
            case RunFinished():
                why = f": {error_text(e.error)}" if e.error is not None else ""
                return [f"{e.status}{why}"]
            case _:
                return []

    def _is_one_of_many(self, e: Event, row: Row) -> bool:
        """Items of a `for`: the first that starts and those that fail are told."""
        if isinstance(e, TaskStarted):
            return e.item is not None and (e.at, e.item) != self._first.setdefault(
                row.task.id, (e.at, e.item)
            )
        return isinstance(e, ItemFinished) and e.outcome.status != "failed"

    def _task_line(self, e: Event, row: Row) -> str:
        name = f"{row.task.id} {row.call}"
        match e:
            case TaskPlanned():
                waits = ", ".join(map(str, row.task.depends_on[:8])) + (
                    ", ..." if len(row.task.depends_on) > 8 else ""
                )
                return f"planned {name}" + (f" waits for {waits}" if waits else "")
            case TaskStarted():
                return f"started {name}" + (f" (try {e.attempt})" if e.attempt > 1 else "")
            case TaskProgress():
                return f"{row.task.id} {row.task.tool}: {row.detail}"
            case TaskRetried():
                return f"{row.task.id} {row.task.tool}: {row.detail}; again in {clock(e.delay)}"
            case ApprovalRequested():
                return f"{name} needs approval" + ("" if e.item is None else f" (item {e.item})")
            case ItemFinished():
                return f"failed {row.task.id} {row.task.tool}, item {e.item}: {outcome_text(e.outcome, row.task.id)}"
            case TaskFinished():
                took = f" in {clock(e.at - e.started)}" if e.started is not None else ""
                return f"{_ENDS[e.outcome.status]} {name}{took}: {row.detail}"
            case _:
                return name


class EventReporter(Reporter):
    """Writes every event as one line of JSON.

    Args:
        stream: Where to write; by default standard error as it is when the event comes.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._log = LogReporter(stream)

    def report(self, event: Event) -> None:
        """Write `event`, unless nobody can read it any more."""
        self._log.write(event.to_json())
