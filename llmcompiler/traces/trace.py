"""A run as it can be drawn: its tasks, tries, and phases with their times. What pictures look like is elsewhere.

Made from a `RunResult`, or from events while the run goes on. Frozen, JSON-serialisable; holds short texts, no values.
Times are seconds since the run began.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..models.base import Usage

if TYPE_CHECKING:
    from ..result import RunResult, Timing
    from .breakdown import Breakdown

Status = Literal["waiting", "queued", "running", "approval", "succeeded", "failed", "skipped", "cancelled"]
"""How a task stands: waiting for others, queued for room, under way, waiting for a person, or over."""
OVER = frozenset({"succeeded", "failed", "skipped", "cancelled"})
SHORT = 200
"""Characters of a value or an error that are kept."""
QUESTION = 2_000
"""Characters of the question that are kept."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a call."""

    started: float
    finished: float | None
    """None while it goes on."""
    error: str | None = None
    """Why it failed and another followed, or the call failed; None otherwise."""
    hedge: bool = False
    """Whether it was made because the first was slow."""

    @property
    def failed(self) -> bool:
        """Whether another try, or a failure, came of it."""
        return self.error is not None


@dataclass(frozen=True, slots=True)
class Items:
    """The calls of a `for` task."""

    started: int
    ended: int
    total: int | None
    """None while the list is not known to be whole."""
    failed: int = 0


@dataclass(frozen=True, slots=True)
class TraceTask:
    """One task."""

    id: int
    tool: str
    line: str
    """The task as a line of the plan language, with its number."""
    round: int
    planned: float
    ready: float | None
    """When all that it waited for had ended; None while it waits."""
    started: float | None
    finished: float | None
    status: Status
    via: str = "call"
    cache: str | None = None
    attempts: tuple[Attempt, ...] = ()
    depends_on: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    """Tasks that effects order it after."""
    critical: bool = False
    """Whether it is on the critical path of its round."""
    items: Items | None = None
    """None where the task is no `for`."""
    value: str | None = None
    """The value, cut short."""
    error: str | None = None
    """Why there is no value, cut short."""
    estimate: float | None = None
    """Seconds that the call was expected to take; None where nothing was known."""

    @property
    def seconds(self) -> float:
        """How long the call took; 0 where none was made, or it is not over."""
        return 0.0 if self.started is None or self.finished is None else self.finished - self.started


@dataclass(frozen=True, slots=True)
class Phase:
    """A time in which a planner or a joiner was at work."""

    kind: Literal["planning", "joining"]
    round: int
    started: float
    finished: float | None
    """None while it goes on."""
    purpose: str = ""
    """Why planning began: `plan`, `repair`, `resume`, `replan`, `given`."""
    tokens: int = 0
    """Tokens that its model read and wrote, where it told."""
    first: float | None = None
    """When the first piece of its model's reply was there, where that was noted."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A run."""

    run_id: str
    question: str
    status: Literal["running", "answered", "failed", "cancelled"]
    at: float
    """How far the run has got; where it is over, `total`."""
    tasks: tuple[TraceTask, ...] = ()
    phases: tuple[Phase, ...] = ()
    output: str | None = None
    error: str | None = None
    usage: Usage = dataclasses.field(default_factory=Usage)
    timing: Timing | None = None
    """None while the run goes on."""
    breakdown: Breakdown | None = None
    """Where the time went; None while the run goes on."""
    predicted: Mapping[int, tuple[float, float]] = dataclasses.field(default_factory=dict)
    """When each task was to start and end by what was known of its tool; empty where nothing was, or of a trace made
    of events."""

    @property
    def total(self) -> float:
        """Seconds from the start of the run to its end, or to now."""
        return self.at

    @property
    def waited_for_calls(self) -> float:
        """Seconds that tasks were planned and waited for others to end: those of all tasks added up."""
        return sum(max(0.0, t.ready - t.planned) for t in self.tasks if t.ready is not None)

    @property
    def waited_for_room(self) -> float:
        """Seconds that tasks were ready and waited for room or a person: those of all tasks added up."""
        from .breakdown import held_up

        return sum(held_up(t, self.at) for t in self.tasks)

    @staticmethod
    def of(result: RunResult) -> Trace:
        """The trace of a run from what it gave back. Tries are one bar a task there: only events tell them apart."""
        from .results import trace_of

        return trace_of(result)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        out: dict[str, Any] = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        out["tasks"] = [dataclasses.asdict(t) for t in self.tasks]
        out["phases"] = [dataclasses.asdict(p) for p in self.phases]
        out["usage"] = self.usage.to_dict()
        out["timing"] = None if self.timing is None else self.timing.to_dict()
        out["breakdown"] = None if self.breakdown is None else dataclasses.asdict(self.breakdown)
        out["waited"] = {"calls": self.waited_for_calls, "room": self.waited_for_room}
        out["predicted"] = {str(i): list(span) for i, span in self.predicted.items()}
        return out


__all__ = ["OVER", "QUESTION", "SHORT", "Attempt", "Items", "Phase", "Status", "Trace", "TraceTask"]
