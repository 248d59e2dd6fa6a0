"""What a run gives back: the answer, the plans, every task with its outcome, what it cost and how long it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from ._displayed import Displayed
from ._jsonable import dumps, error_to_dict, to_jsonable
from .diagnostics import Diagnostic
from .effects import Access
from .models.base import Usage
from .outcomes import Outcome, Succeeded
from .plan import Plan, Task

if TYPE_CHECKING:
    from .traces import Trace

Via = Literal["call", "reused", "merged", "constant", "cache", "batch", "fallback"]
"""How a task came by its outcome: its own call; the result of the same call in an earlier round, of one in the same run
or one under way; a pure call made before; the result cache; a batch; the tool's fallback."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item of a `for` task and what became of it. Times are seconds since the run began."""

    outcome: Outcome
    started: float | None
    finished: float
    attempts: int = 0
    via: Via = "call"

    @property
    def seconds(self) -> float:
        """How long the call took, every try included; 0 if it was never made."""
        return 0.0 if self.started is None else self.finished - self.started

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "outcome": self.outcome.to_dict(),
            "started": self.started,
            "finished": self.finished,
            "attempts": self.attempts,
            "via": self.via,
        }


@dataclass(frozen=True, slots=True)
class Note:
    """What a pass of the compiler did to a plan."""

    name: str
    """The pass: `fold`, `merge`, `drop`, `batch`, ..."""
    task_id: int | None
    text: str

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"pass": self.name, "task_id": self.task_id, "text": self.text}


@dataclass(slots=True)
class TaskResult(Displayed):
    """One task of a run and what became of it. Times are seconds since the run began."""

    task: Task
    outcome: Outcome
    round: int
    planned: float
    """When the task entered the graph."""
    started: float | None
    """When its (last) call was made; None if it never was."""
    finished: float
    attempts: int = 0
    reused: int | None = None
    """The earlier task whose result was used again, if so."""
    via: Via = "call"
    """How it came by its outcome."""
    after: tuple[int, ...] = ()
    """Tasks it had to let end first because of what they read or write; values play no part in it."""
    items: tuple[ItemResult, ...] = ()
    """What became of each item, where the task is a `for`."""
    effect: str | None = None
    """Effect of the call, as declared."""
    access: Access | None = None
    """Resources of the call; None where it was never known."""
    estimate: float | None = None
    """Seconds the call was expected to take when it was planned; None where nothing was known of the tool."""

    @property
    def seconds(self) -> float:
        """How long the call took, every try included; 0 if it was never made."""
        return 0.0 if self.started is None else self.finished - self.started

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        from .language import task_to_json

        return {
            **task_to_json(self.task),
            "depends_on": list(self.task.depends_on),
            "outcome": self.outcome.to_dict(),
            "round": self.round,
            "planned": self.planned,
            "started": self.started,
            "finished": self.finished,
            "attempts": self.attempts,
            "reused": self.reused,
            "via": self.via,
            "after": list(self.after),
            **({"items": [i.to_dict() for i in self.items]} if self.task.each is not None else {}),
        }


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time went, in seconds."""

    total: float = 0.0
    """From the start of the run to its end."""
    makespan: float = 0.0
    """From the first call to the end of the last one, summed over rounds."""
    critical_path: float = 0.0
    """The longest chain of dependent calls, summed over rounds: no schedule is shorter."""
    sequential: float = 0.0
    """All calls one after another."""
    planning: float = 0.0
    """While a planner was writing."""
    joining: float = 0.0
    """While a joiner was writing."""
    first_call: float | None = None
    """From the start of the run to the first call; None if none was made."""

    @property
    def speedup(self) -> float:
        """How many times longer it would take to plan first and then make one call after another; 1 where nothing ran.

        `(planning + sequential) / (total - joining)`: planning counts on both sides, for calls run beside it.
        """
        taken = self.total - self.joining
        return (self.planning + self.sequential) / taken if taken > 0 and self.makespan > 0 else 1.0

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "total": self.total,
            "makespan": self.makespan,
            "critical_path": self.critical_path,
            "sequential": self.sequential,
            "planning": self.planning,
            "joining": self.joining,
            "first_call": self.first_call,
        }


@dataclass(frozen=True, slots=True)
class Spans:
    """Times of a run that do not follow from its tasks, in seconds."""

    total: float = 0.0
    planning: float = 0.0
    joining: float = 0.0


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """A time in which a planner or a joiner was at work. Times are seconds since the run began."""

    kind: Literal["planning", "joining"]
    round: int
    started: float
    finished: float
    purpose: str = ""
    """Of planning: `plan`, or `replan` in later rounds."""
    tokens: int = 0
    """Tokens that its model read and wrote."""


@dataclass(slots=True, repr=False)
class RunResult(Displayed):
    """Everything a run did.

    `output` is the answer: a text, an instance of the `output_type`, the value of task *n* for `join($n)`, or
    `{id: value}` where a plan with a bare `join()` was executed without a question.
    """

    run_id: str
    question: str
    output: Any = None
    plans: list[Plan] = field(default_factory=list)
    """One plan a round."""
    tasks: dict[int, TaskResult] = field(default_factory=dict)
    """Every task of every round, by id."""
    usage: Usage = field(default_factory=Usage)
    spans: Spans = field(default_factory=Spans, repr=False)
    phases: list[PhaseSpan] = field(default_factory=list, repr=False)
    """When planners and joiners were at work, in order of their ends."""
    status: Literal["running", "answered", "failed", "cancelled"] = "answered"
    """How the run stands. `failed` is also one whose answer is the value of a task that failed."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)
    """What the joiner asked for, one text a replan."""
    notes: list[Note] = field(default_factory=list)
    """What the passes did to the plans."""
    concurrency: int | None = None
    """Calls at once that the executor allowed; None for no cap."""
    error: Exception | None = None
    """Why there is no answer, if there is none."""

    @property
    def timing(self) -> Timing:
        """Where the time went, worked out from the times of the tasks."""
        from .timing import timing

        return timing(self.tasks, self.spans)

    def __repr__(self) -> str:
        # Short: asyncio puts the repr of a result into its own messages, and results may be large.
        state = "answered" if self.error is None else f"failed: {type(self.error).__name__}"
        return f"<RunResult {self.run_id} {state}, {len(self.tasks)} tasks>"

    @property
    def ok(self) -> bool:
        """Whether there is an answer."""
        return self.error is None

    @property
    def values(self) -> Mapping[int, Any]:
        """The values of the tasks that succeeded, by id."""
        return {i: t.outcome.value for i, t in self.tasks.items() if isinstance(t.outcome, Succeeded)}

    def explain(self) -> str:
        """What the run did, as a table of plain text: for each task when it was predicted to run and when it did.

        Times are seconds since the run began (milliseconds where the run was that short): `queued` is when all that a
        call waited for had ended. Predictions are of a simulated run with what was known of the tools when their tasks
        were planned. Below: makespan, critical path (`*`), time spent waiting, calls saved, failures, what the passes
        did. No line end at the end; long calls are cut.
        """
        from .explaining.report import Report
        from .explaining.runs import explain_run

        return Report(explain_run(self))

    def trace(self) -> Trace:
        """The run as it can be drawn: tasks, tries and phases with their times. See `llmcompiler.traces`."""
        from .traces import Trace

        return Trace.of(self)

    def save_html(self, path: str | PathLike[str]) -> None:
        """Write the run to a page in one file that opens in any browser: timeline, tasks, where the time went.

        Raises:
            OSError: The file can not be written.
        """
        from .traces import save, trace_page

        save(path, trace_page(self.trace()))

    def save_trace(self, path: str | PathLike[str]) -> None:
        """Write the run to a file: `.html` is the page of `save_html`, `.json` opens in Perfetto and chrome://tracing.

        Raises:
            UsageError: The name ends in neither.
            OSError: The file can not be written.
        """
        from .traces import save_trace

        save_trace(path, self.trace())

    def to_dict(self) -> dict[str, Any]:
        """JSON form; values that JSON can not hold are given as their `repr`."""
        error = None if self.error is None else error_to_dict(self.error)
        return {
            "run_id": self.run_id,
            "question": self.question,
            "output": to_jsonable(self.output),
            "error": error,
            "plans": [p.model_dump() for p in self.plans],
            "tasks": {str(i): t.to_dict() for i, t in self.tasks.items()},
            "usage": self.usage.to_dict(),
            "timing": self.timing.to_dict(),
            "diagnostics": [d.to_dict() for d in self.diagnostics],
            "thoughts": self.thoughts,
            "feedback": self.feedback,
            "notes": [n.to_dict() for n in self.notes],
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """`to_dict` as JSON text."""
        return dumps(self.to_dict(), indent)
