"""What happens in a run, as frozen facts in order. Reporters, `stream()` and the HTTP service all see these.

An event never changes once made; making one runs no user code. Times are seconds since the run began.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ._jsonable import dumps, error_to_dict, to_jsonable
from .diagnostics import Diagnostic
from .models.base import Usage
from .outcomes import Cancelled, Failed, Outcome, Skipped, Succeeded
from .plan import Task
from .result import Timing, Via

PlanPurpose = Literal["plan", "repair", "resume", "replan", "given"]
"""Why planning starts: a first plan, mended tasks, after a broken stream, a later round, a plan given by the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events."""

    seq: int
    """Position in the run, from 0, without gaps."""
    run_id: str
    at: float
    """Seconds since the run began."""

    type: ClassVar[str] = "Event"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super(Event, cls).__init_subclass__(**kwargs)
        cls.type = cls.__name__

    def to_dict(self) -> dict[str, Any]:
        """JSON form: `{"type": ..., "seq": ..., ...}`; values JSON can not hold are given as their `repr`."""
        out: dict[str, Any] = {"type": type(self).__name__}
        for f in dataclasses.fields(self):
            out[f.name] = _plain(getattr(self, f.name))
        return out

    def to_json(self) -> str:
        """`to_dict` as one line of JSON."""
        return dumps(self.to_dict())


def _plain(value: Any) -> Any:
    if isinstance(value, Task):
        from .language import task_to_json

        return {**task_to_json(value), "depends_on": list(value.depends_on)}
    if isinstance(value, (Diagnostic, Usage, Timing, Succeeded, Failed, Skipped, Cancelled)):
        return value.to_dict()
    if isinstance(value, Exception):
        return error_to_dict(value)
    return to_jsonable(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """The run began."""

    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStarted(Event):
    """A planner was asked."""

    round: int
    purpose: PlanPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class ThoughtEmitted(Event):
    """The planner thought aloud."""

    round: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlanned(Event):
    """A task was accepted into the graph. It will have exactly one `TaskFinished`."""

    round: int
    task: Task
    after: tuple[int, ...] = ()
    """Tasks it is ordered after by effects, as far as that is known when it is planned. Where what a task touches
    depends on values, these are all that it may have to wait for; how it was in the end, its result tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticEmitted(Event):
    """Something is wrong, or odd, in the plan."""

    round: int
    diagnostic: Diagnostic


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStarted(Event):
    """The call was made, with these arguments."""

    task_id: int
    tool: str
    args: dict[str, Any]
    attempt: int = 1
    item: int | None = None
    """Position of the item, from 0, for a call of a `for` task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress(Event):
    """The tool reported progress."""

    task_id: int
    message: str
    fraction: float | None = None
    data: Any = None
    item: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRetried(Event):
    """A try failed and another follows after `delay` seconds."""

    task_id: int
    attempt: int
    """The try that failed, from 1."""
    error: Exception
    delay: float
    item: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskHedged(Event):
    """The call is slower than most: a second one was made, and the first result counts."""

    task_id: int
    tool: str
    after: float
    """Seconds the first call had taken."""
    item: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(Event):
    """The call waits for approval of exactly these arguments."""

    task_id: int
    tool: str
    args: dict[str, Any]
    digest: str = ""
    """Fingerprint of the tool and these arguments; an approval holds for them alone."""
    expires: float | None = None
    """When the request lapses, in seconds since the run began; None when it does not."""
    item: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFinished(Event):
    """A call of a `for` task has its outcome; the task itself has one `TaskFinished` when all of its calls have."""

    task_id: int
    tool: str
    item: int
    """Position of the item, from 0."""
    outcome: Outcome
    started: float | None
    attempts: int = 0
    via: Via = "call"
    cache: Literal["hit", "miss"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFinished(Event):
    """The task has its outcome."""

    task_id: int
    tool: str
    outcome: Outcome
    started: float | None
    """When the call was made, in seconds since the run began; None if it never was."""
    attempts: int = 0
    reused: int | None = None
    """The earlier task whose result was used again, if so."""
    via: Via = "call"
    """How it came by its outcome."""
    cache: Literal["hit", "miss"] | None = None
    """What the result cache had, where it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFinished(Event):
    """The planner is done with this round."""

    round: int
    tasks: int
    """Tasks accepted in this round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinStarted(Event):
    """Every task of the round has its outcome; the answer is being made."""

    round: int
    final: bool
    """Whether the joiner has to answer now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDelta(Event):
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned(Event):
    """The joiner asked for another round."""

    round: int
    """The round that ended."""
    feedback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The run is over. Exactly one per run, and the last event."""

    status: Literal["answered", "failed", "cancelled"]
    output: Any = None
    error: Exception | None = None
    usage: Usage = dataclasses.field(default_factory=Usage)
    timing: Timing | None = None


EVENTS: tuple[type[Event], ...] = (
    RunStarted,
    PlanStarted,
    ThoughtEmitted,
    TaskPlanned,
    DiagnosticEmitted,
    TaskStarted,
    TaskProgress,
    TaskRetried,
    TaskHedged,
    ApprovalRequested,
    ItemFinished,
    TaskFinished,
    PlanFinished,
    JoinStarted,
    OutputDelta,
    Replanned,
    RunFinished,
)
"""Every kind of event."""
