"""What a run looks like at one moment: events folded into rows, counts and notes. Nothing here draws.

Each event is folded in constant time, and what is picked for a screen costs as much as the screen holds, however many
tasks there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from ..events import (
    ApprovalRequested,
    DiagnosticEmitted,
    Event,
    ItemFinished,
    JoinStarted,
    OutputDelta,
    PlanFinished,
    PlanStarted,
    Replanned,
    RunFinished,
    RunStarted,
    TaskFinished,
    TaskPlanned,
    TaskProgress,
    TaskRetried,
    TaskStarted,
    ThoughtEmitted,
)
from ..outcomes import Failed, Skipped, Succeeded
from ..plan import Task
from ._text import call_text, one_line, preview

State = Literal["waiting", "running", "retrying", "approval", "succeeded", "failed", "skipped", "cancelled"]
OVER = ("succeeded", "failed", "skipped", "cancelled")
_TAIL = 2000
_NOTES = 200


@dataclass(slots=True)
class Row:
    """One task of the run and where it stands."""

    task: Task
    round: int
    planned: float
    state: State = "waiting"
    started: float | None = None
    finished: float | None = None
    attempt: int = 1
    detail: str = ""
    """Its value, error or progress, at a glance."""
    ended: dict[str, int] = field(default_factory=dict)
    """How many of its items ended in each way, where it is a `for`."""
    _call: str | None = None

    @property
    def call(self) -> str:
        """Tool and arguments, at a glance."""
        if self._call is None:
            self._call = call_text(self.task)
        return self._call


@dataclass(slots=True)
class Note:
    """A line between the tasks."""

    kind: Literal["round", "thought", "diagnostic", "weak", "feedback"]
    text: str
    severity: Literal["error", "warning"] = "warning"


@dataclass
class View:
    """The run so far."""

    question: str = ""
    round: int = 0
    rounds: int = 0
    phase: Literal["starting", "planning", "running", "joining", "over"] = "starting"
    purpose: str = "plan"
    now: float = 0.0
    """When the last event happened, in seconds since the run began."""
    items: list[Row | Note] = field(default_factory=list)
    """Everything in order of appearance."""
    rows: dict[int, Row] = field(default_factory=dict)
    waiting: dict[int, None] = field(default_factory=dict)
    running: dict[int, None] = field(default_factory=dict)
    approvals: dict[int, None] = field(default_factory=dict)
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=100))
    failures: deque[int] = field(default_factory=lambda: deque(maxlen=20))
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OVER, 0))
    weak: Note | None = None
    answer_tail: str = ""
    finish: RunFinished | None = None
    widest: int = 0
    """Cells of the longest call drawn so far."""
    _notes: int = 0

    @property
    def done(self) -> int:
        """Tasks that have their outcome."""
        return sum(self.counts.values())

    def feed(self, event: Event) -> Row | None:
        """Take note of `event`; the row it is about, if any."""
        self.now = event.at
        fold = _FOLDS.get(type(event))
        return None if fold is None else fold(self, event)

    def note(self, note: Note) -> None:
        """Add a line; past a bound, further ones are dropped: diagnostics without end must not grow the display."""
        self._notes += 1
        if self._notes <= _NOTES:
            self.items.append(note)

    def _planning(self, e: PlanStarted) -> None:
        if e.round != self.round:
            self.round = e.round
            self.rounds += 1
            self.weak = None
            if e.round > 1:
                self.note(Note("round", f"round {e.round}"))
        self.phase, self.purpose = "planning", e.purpose

    def _planned(self, e: TaskPlanned) -> Row:
        row = self.rows[e.task.id] = Row(e.task, e.round, e.at)
        self.items.append(row)
        self.waiting[e.task.id] = None
        return row

    def _started(self, e: TaskStarted) -> Row | None:
        row = self.rows.get(e.task_id)
        if row is not None:
            row.state, row.attempt = "running", e.attempt
            if e.item is None:
                row.detail = ""
            if row.started is None:
                row.started = e.at
            self.waiting.pop(e.task_id, None)
            self.approvals.pop(e.task_id, None)
            self.running[e.task_id] = None
        return row

    def _progress(self, e: TaskProgress) -> Row | None:
        row = self.rows.get(e.task_id)
        if row is not None:
            percent = "" if e.fraction is None else f"{max(0.0, min(1.0, e.fraction)):.0%} "
            row.detail = percent + one_line(str(e.message), 120)
        return row

    def _retried(self, e: TaskRetried) -> Row | None:
        row = self.rows.get(e.task_id)
        if row is not None:
            if e.item is None:
                row.state = "retrying"
            row.detail = f"try {e.attempt} failed: {error_text(e.error)}"
        return row

    def _approval(self, e: ApprovalRequested) -> Row | None:
        row = self.rows.get(e.task_id)
        if row is not None:
            row.state = "approval"
            self.waiting.pop(e.task_id, None)
            self.approvals[e.task_id] = None
        return row

    def _item(self, e: ItemFinished) -> Row | None:
        row = self.rows.get(e.task_id)
        if row is not None:
            status = e.outcome.status
            row.ended[status] = row.ended.get(status, 0) + 1
            names = {"succeeded": "done", "skipped": "left out"}
            row.detail = ", ".join(f"{n} {names.get(s, s)}" for s, n in row.ended.items())
        return row

    def _finished(self, e: TaskFinished) -> Row | None:
        row = self.rows.get(e.task_id)
        if row is None:
            return None
        for group in (self.waiting, self.running, self.approvals):
            group.pop(e.task_id, None)
        row.state, row.finished, row.started = e.outcome.status, e.at, e.started
        row.attempt = max(1, e.attempts)
        self.counts[row.state] += 1
        self.recent.append(e.task_id)
        if row.state == "failed":
            self.failures.append(e.task_id)
        row.detail = outcome_text(e.outcome, row.task.id)
        if e.reused is not None:
            row.detail = f"as in task {e.reused}: {row.detail}"
        elif e.via in _VIA:
            row.detail = f"{_VIA[e.via]}: {row.detail}"
        return row

    def _thought(self, e: ThoughtEmitted) -> None:
        self.note(Note("thought", one_line(e.text, 300)))

    def _diagnostic(self, e: DiagnosticEmitted) -> None:
        d = e.diagnostic
        place = f"task {d.task_id}: " if d.task_id is not None else ""
        # A plan in the message is not said again: it is drawn.
        message = d.message.split("\n", 1)[0] if d.code == "weak-plan" else d.message
        text = one_line(f"{place}{message}", 300) + (f" ({one_line(d.hint, 200)})" if d.hint else "")
        if d.code == "weak-plan":
            self.weak = Note("weak", text)
            self.note(self.weak)
        else:
            self.note(Note("diagnostic", text, d.severity))

    def _plan_finished(self, e: PlanFinished) -> None:
        self.phase = "running"

    def _joining(self, e: JoinStarted) -> None:
        self.phase = "joining"
        self.answer_tail = ""

    def _delta(self, e: OutputDelta) -> None:
        self.answer_tail = (self.answer_tail + e.text)[-_TAIL:]

    def _replanned(self, e: Replanned) -> None:
        self.note(Note("feedback", one_line(e.feedback, 400)))
        self.answer_tail = ""

    def _run_started(self, e: RunStarted) -> None:
        self.question = e.question[:_TAIL]

    def _over(self, e: RunFinished) -> None:
        self.phase, self.finish = "over", e
        self.answer_tail = ""

    def pick(self, space: int) -> tuple[list[Row | Note], int]:
        """At most `space` of the items, in order, and how many tasks are left out.

        All of them where they fit; else the tasks with the latest notes; else what runs, what failed, what is just over
        and what comes next.
        """
        if len(self.items) <= space:
            return list(self.items), 0
        if len(self.rows) <= space:
            drop = len(self.items) - space
            out: list[Row | Note] = []
            for item in self.items:
                if drop and isinstance(item, Note):
                    drop -= 1
                else:
                    out.append(item)
            return out, 0
        chosen: dict[int, None] = {}

        def take(ids: Iterable[int], most: int) -> None:
            for i in islice(ids, max(0, min(most, space - len(chosen)))):
                chosen[i] = None

        take(self.approvals, space)
        take(self.running, max(space // 2, space - len(self.waiting) - len(self.recent)))
        take(reversed(self.failures), space // 4)
        take(self.waiting, space // 4)
        take((i for i in reversed(self.recent) if i not in chosen), space)
        take((i for i in self.running if i not in chosen), space)
        take((i for i in self.waiting if i not in chosen), space)
        return [self.rows[i] for i in sorted(chosen)], len(self.rows) - len(chosen)


def error_text(error: BaseException) -> str:
    """An error in a line."""
    try:
        text = str(error).strip()
    except Exception:  # a tool's own exception class may be broken
        text = ""
    first = text.splitlines()[0] if text else ""
    return one_line(first, 300) if first else type(error).__name__


def outcome_text(outcome: Any, task_id: int) -> str:
    """An outcome in a line."""
    if isinstance(outcome, Succeeded):
        return preview(outcome.value, 160)
    if isinstance(outcome, Failed):
        return error_text(outcome.error)
    if isinstance(outcome, Skipped):
        if outcome.cause == task_id:
            return outcome.reason or "its condition is false"
        return outcome.reason or f"task {outcome.cause} gave no value"
    return str(outcome.reason or "the run ended first")


_VIA = {
    "merged": "as the same call",
    "constant": "known from before",
    "cache": "from the cache",
    "fallback": "by its fallback",
}
_FOLDS: dict[type[Event], Any] = {
    RunStarted: View._run_started,
    PlanStarted: View._planning,
    ThoughtEmitted: View._thought,
    TaskPlanned: View._planned,
    DiagnosticEmitted: View._diagnostic,
    TaskStarted: View._started,
    TaskProgress: View._progress,
    TaskRetried: View._retried,
    ApprovalRequested: View._approval,
    ItemFinished: View._item,
    TaskFinished: View._finished,
    PlanFinished: View._plan_finished,
    JoinStarted: View._joining,
    OutputDelta: View._delta,
    Replanned: View._replanned,
    RunFinished: View._over,
}
