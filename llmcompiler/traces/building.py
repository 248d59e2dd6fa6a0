"""The trace of a run from its events, while it goes on and after. Keeps what a picture needs, and no values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .. import events as ev
from .._jsonable import describe_error
from ..binding import items
from ..models.asking import ModelCall
from ..models.base import Usage
from ..outcomes import Failed, Succeeded
from ..plan import Task
from ..protocols import Reporter
from ..result import Timing
from ..terminal._text import one_line, preview
from ..values import Ref
from .breakdown import breakdown
from .results import line_of, told
from .trace import OVER, QUESTION, SHORT, Attempt, Items, Phase, Status, Trace, TraceTask


@dataclass(slots=True)
class _Task:
    task: Task
    round: int
    planned: float
    after: tuple[int, ...]
    line: str
    started: float | None = None
    finished: float | None = None
    status: Status = "waiting"
    via: str = "call"
    cache: str | None = None
    reused: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    asking: set[int | None] = field(default_factory=set)
    items_started: set[int] = field(default_factory=set)
    items_ended: int = 0
    items_failed: int = 0
    items_total: int | None = None
    value: str | None = None
    error: str | None = None
    longest_item: float = 0.0

    @property
    def seconds(self) -> float:
        """What it adds to the critical path: a `for` counts as its slowest item."""
        if self.longest_item:
            return self.longest_item
        return 0.0 if self.started is None or self.finished is None else self.finished - self.started

    @property
    def needs(self) -> Iterable[int]:
        return (self.reused,) if self.reused is not None else (*self.task.depends_on, *self.after)


class TraceBuilder:
    """Takes the events of one run, in order, and gives its trace so far at any time."""

    def __init__(self) -> None:
        self._run_id = ""
        self._question = ""
        self._status: Literal["running", "answered", "failed", "cancelled"] = "running"
        self._at = 0.0
        self._tasks: dict[int, _Task] = {}
        self._loops: dict[int, list[_Task]] = {}
        self._phases: list[Phase] = []
        self._text = ""
        self._output: str | None = None
        self._error: str | None = None
        self._usage = Usage()
        self._timing: Timing | None = None

    def add(self, event: ev.Event) -> None:
        """Take note of an event; kinds that draw nothing are passed over."""
        self._run_id = self._run_id or event.run_id
        self._at = max(self._at, event.at)
        match event:
            case ev.RunStarted():
                self._question = event.question[:QUESTION]
            case ev.PlanStarted():
                self._phases.append(Phase("planning", event.round, event.at, None, event.purpose))
            case ev.PlanFinished():
                self._close("planning", event.at)
            case ev.TaskPlanned():
                known = _Task(event.task, event.round, event.at, event.after, line_of(event.task))
                self._tasks[event.task.id] = known
                self._expect_items(known)
            case ev.JoinStarted():
                self._phases.append(Phase("joining", event.round, event.at, None))
            case ev.OutputDelta():
                self._text = (self._text + event.text)[: 2 * SHORT]
            case ev.Replanned():
                self._close("joining", event.at)
                self._text = ""
            case ev.RunFinished():
                self._end(event)
            case _:
                known_task = self._tasks.get(getattr(event, "task_id", -1))
                if known_task is not None:
                    _note(known_task, event)
                if isinstance(event, ev.TaskFinished) and isinstance(event.outcome, Succeeded):
                    for loop in self._loops.pop(event.task_id, ()):
                        loop.items_total = _count(loop.task, {event.task_id: event.outcome.value})

    def _expect_items(self, known: _Task) -> None:
        """Note where the items of a `for` come from, as no event says how many there are.

        Values are not kept: of a list that was there before the `for` was planned, the number shows at the end only.
        """
        task = known.task
        if task.each is None:
            return
        if isinstance(task.each.source, Ref):
            self._loops.setdefault(task.each.source.task, []).append(known)
        else:
            known.items_total = _count(task, {})

    def model_answered(self, call: ModelCall) -> None:
        """Take note of a reply that is over: it belongs to the phase that is under way."""
        for i in reversed(range(len(self._phases))):
            p = self._phases[i]
            if p.finished is None:
                tokens = 0 if call.usage is None else call.usage.tokens
                first = call.first if p.first is None else p.first
                self._phases[i] = replace(p, tokens=p.tokens + tokens, first=first)
                return

    def _close(self, kind: str, at: float) -> None:
        self._phases = [
            replace(p, finished=at) if p.kind == kind and p.finished is None else p for p in self._phases
        ]

    def _end(self, event: ev.RunFinished) -> None:
        self._close("planning", event.at)
        self._close("joining", event.at)
        self._status = event.status
        self._output = None if event.output is None else preview(event.output, SHORT)
        self._error = None if event.error is None else one_line(describe_error(event.error), SHORT)
        self._usage, self._timing = event.usage, event.timing

    def trace(self) -> Trace:
        """The run so far, in time linear in its tasks."""
        critical = self._critical()
        tasks = tuple(self._task(t, t.task.id in critical) for t in self._tasks.values())
        over = self._status != "running"
        output = self._output if over else (preview(self._text, SHORT) or None)
        return Trace(
            self._run_id,
            self._question,
            self._status,
            self._at,
            tasks,
            tuple(self._phases),
            output,
            self._error,
            self._usage,
            self._timing,
            breakdown(tasks, self._phases, self._at) if over else None,
        )

    def _task(self, t: _Task, critical: bool) -> TraceTask:
        needs = [self._tasks[d] for d in t.needs if d in self._tasks]
        ready: float | None = None
        if all(n.finished is not None for n in needs):
            ready = max([t.planned, *(n.finished for n in needs if n.finished is not None)])
        elif t.finished is not None:
            ready = t.finished  # skipped, or cancelled, before the rest of what it waited for had ended
        status = t.status
        if status == "waiting" and ready is not None:
            status = "queued"
        counted = None
        if t.task.each is not None:
            whole = len(t.items_started) if status in OVER else t.items_total
            counted = Items(len(t.items_started), t.items_ended, whole, t.items_failed)
        return TraceTask(
            t.task.id, t.task.tool, t.line, t.round, t.planned, ready, t.started, t.finished, status, t.via, t.cache,
            tuple(t.attempts), t.task.depends_on, t.after, critical, counted, t.value, t.error,
        )  # fmt: skip

    def _critical(self) -> set[int]:
        """Tasks on the longest chain of each round that is being joined, or of the run that is over."""
        joined = {p.round for p in self._phases if p.kind == "joining"}
        ended = [
            t
            for t in self._tasks.values()
            if t.finished is not None and (self._status != "running" or t.round in joined)
        ]
        ended.sort(key=lambda t: (t.finished or 0.0, t.started or 0.0, t.task.id))
        length: dict[int, float] = {}
        before: dict[int, int | None] = {}
        last: dict[int, int] = {}
        size: dict[int, int] = {}
        for t in ended:
            best, via = 0.0, None
            for d in t.needs:
                if d in length and self._tasks[d].round == t.round and length[d] > best:
                    best, via = length[d], d
            i = t.task.id
            length[i], before[i] = best + t.seconds, via
            size[t.round] = size.get(t.round, 0) + 1
            if t.round not in last or length[i] > length[last[t.round]]:
                last[t.round] = i
        out: set[int] = set()
        for round_, end in last.items():
            path: list[int] = []
            step: int | None = end
            while step is not None:
                path.append(step)
                step = before[step]
            if len(path) > 1 or size[round_] == 1:
                out.update(path)
        return out


def _count(task: Task, values: Mapping[int, Any]) -> int | None:
    """How many items a `for` has, where its list is at hand and is one."""
    assert task.each is not None
    source = task.each.source
    if not isinstance(source, Ref):
        return len(source)
    try:
        return len(items(task.each, values))
    except Exception:  # no list, which is the task's own failure to tell, or one with a mind of its own
        return None


def _note(t: _Task, event: Any) -> None:
    """What an event says of its task."""
    item = getattr(event, "item", None)
    match event:
        case ev.TaskStarted():
            t.asking.discard(item)
            t.started = event.at if t.started is None else t.started
            t.status = "approval" if t.asking else "running"
            if item is not None:
                t.items_started.add(item)
            else:
                t.attempts.append(Attempt(event.at, None))
        case ev.TaskRetried() if item is None and t.attempts:
            why = one_line(describe_error(event.error), SHORT)
            t.attempts[-1] = replace(t.attempts[-1], finished=event.at, error=why)
        case ev.TaskHedged() if item is None:
            t.attempts.append(Attempt(event.at, None, hedge=True))
        case ev.ApprovalRequested():
            t.asking.add(item)
            t.status = "approval"
        case ev.ItemFinished():
            t.asking.discard(item)
            t.items_started.add(event.item)
            t.items_ended += 1
            t.items_failed += isinstance(event.outcome, Failed)
            if event.started is not None:
                t.longest_item = max(t.longest_item, event.at - event.started)
                t.started = event.started if t.started is None else t.started
            if not t.asking and t.status == "approval":
                t.status = "running"
        case ev.TaskFinished():
            t.asking.clear()
            t.finished, t.status = event.at, event.outcome.status
            t.via, t.cache, t.reused = event.via, event.cache, event.reused
            t.started = event.started if not t.attempts or event.started is None else t.started
            t.value, t.error = told(event.outcome)
            t.attempts = [replace(a, finished=event.at) if a.finished is None else a for a in t.attempts]
            if t.attempts and isinstance(event.outcome, Failed):
                t.attempts[-1] = replace(t.attempts[-1], error=t.error)
        case _:
            pass


class TraceReporter(Reporter):
    """Keeps the traces of runs: give it to `LLMCompiler(reporters=[...])`.

    Args:
        most: Runs kept; those that began longest ago go first.
    """

    def __init__(self, most: int = 100) -> None:
        self.most = most
        self.builders: dict[str, TraceBuilder] = {}
        """By run id, in the order in which the runs began."""

    def report(self, event: ev.Event) -> None:
        """Take note of an event."""
        builder = self.builders.get(event.run_id)
        if builder is None:
            builder = self.builders[event.run_id] = TraceBuilder()
            while len(self.builders) > self.most:
                del self.builders[next(iter(self.builders))]
        builder.add(event)

    def model_answered(self, call: ModelCall) -> None:
        """Take note of a model's reply."""
        if (builder := self.builders.get(call.run_id)) is not None:
            builder.model_answered(call)

    def trace(self, run_id: str | None = None) -> Trace:
        """The trace of a run, by default of the one that began last.

        Raises:
            KeyError: There is no such run.
        """
        if run_id is None:
            if not self.builders:
                raise KeyError("no run was reported yet")
            run_id = next(reversed(self.builders))
        return self.builders[run_id].trace()


__all__ = ["TraceBuilder", "TraceReporter"]
