"""What a user may implement: planner, joiner, reporter. Model is in `models.base`, executor in `executor`.

Only shapes live here; the ready-made ones are in `llmcompiler_planners` and `llmcompiler.testing`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .diagnostics import Diagnostic
from .models.base import Usage
from .outcomes import Outcome
from .plan import Join, Plan, Task, Thought

if TYPE_CHECKING:
    from .events import Event, PlanPurpose
    from .models.asking import ModelCall
    from .tools import ToolRegistry


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision that ends the run. Joiners return it; a planner that knows the answer yields it."""

    output: Any
    thought: str = ""


PlanItem = Task | Thought | Join | Answer | Diagnostic
"""What a planner may yield. A `Join` ends the plan, an `Answer` ends it without the joiner; a `Diagnostic` reports text
that gave no task."""


async def _unknown_outcome(task_id: int) -> Outcome:
    raise LookupError(f"nothing is run here: there will be no outcome of task {task_id}")


@dataclass(frozen=True, slots=True)
class Observation:
    """A task with its outcome, as planner and joiner read it."""

    task: Task
    outcome: Outcome
    round: int = 1


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a planner is asked."""

    question: str
    tools: ToolRegistry
    purpose: PlanPurpose = "plan"
    round: int = 1
    """From 1."""
    next_id: int = 1
    """The id of the next task; smaller ids are taken."""
    observations: Sequence[Observation] = ()
    """Finished tasks so far, of this and earlier rounds; their values may be referred to."""
    running: Sequence[Task] = ()
    """Tasks planned and not finished yet (after a broken stream, or while tasks are mended)."""
    feedback: str = ""
    """Why the joiner asked for another round."""
    diagnostics: Sequence[Diagnostic] = ()
    """What to mend, when `purpose` is "repair": each has `task_id` and `source` where known."""
    broken: Sequence[int] = ()
    """Ids to write again, when `purpose` is "repair"."""
    offered: ToolRegistry | None = None
    """The tools chosen for this question, where there are more than a prompt should hold; None for all."""
    outcome: Callable[[int], Awaitable[Outcome]] = field(default=_unknown_outcome, repr=False)
    """Waits for the outcome of a task of this run, for planners that look before they go on. Raises `LookupError` for
    an id that is not under way, and where plans are only made, not run."""
    usage: Callable[[Usage], None] = field(default=lambda u: None, repr=False)
    """Call it with what a model used."""
    allow_call: Callable[[], None] = field(default=lambda: None, repr=False)
    """Call it before each model call: it raises `LimitExceeded` when no more are allowed."""
    note: Callable[[str, str], None] = field(default=lambda name, text: None, repr=False)
    """Call it with a name and a text to put a `Note` into `RunResult.notes`."""

    @property
    def shown(self) -> ToolRegistry:
        """The tools to put into a prompt or a grammar. Any tool of `tools` may be called all the same."""
        return self.tools if self.offered is None else self.offered

    @property
    def known_ids(self) -> frozenset[int]:
        """Ids that a reference may name already."""
        return frozenset([o.task.id for o in self.observations] + [t.id for t in self.running])


@runtime_checkable
class ToolSelector(Protocol):
    """Chooses, of many tools, those that a planner is shown for a question."""

    def select(self, question: str, tools: ToolRegistry) -> Sequence[str]:
        """Names of the tools to show, best first; names that are not in `tools` are passed over. Called once a run."""
        ...


@runtime_checkable
class Planner(Protocol):
    """Turns a question into tasks, streaming.

    A task it yields may start at once. `Task.args` may hold positional arguments under `"0"`, `"1"`, ...; the
    runtime binds and checks every task and asks again, with `purpose="repair"`, for those that can not run.

    It may also have a method `learn(question: str, result: RunResult) -> None`: called once after each run that it
    planned, whether there is an answer or not (`result.error`), but not after one that was cancelled.
    """

    def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        """The tasks for `context.question`.

        Raises:
            ModelError: The model gave no usable reply; the runtime may ask again with `purpose="resume"`.
        """
        ...


@dataclass(frozen=True, slots=True)
class JoinContext:
    """What a joiner is asked."""

    question: str
    observations: Sequence[Observation]
    """Every task of every round, in order of id, failed and skipped ones included."""
    round: int = 1
    final: bool = False
    """When True, only an `Answer` is taken."""
    reason: str = ""
    """Why this is the last round, if it is not for the number of replans."""
    output_type: Any = str
    """The type the answer must have."""
    tools: ToolRegistry | None = None
    plans: Sequence[Plan] = ()
    diagnostics: Sequence[Diagnostic] = ()
    delta: Callable[[str], None] = field(default=lambda text: None, repr=False)
    """Call it with pieces of the answer's text as they come."""
    usage: Callable[[Usage], None] = field(default=lambda u: None, repr=False)
    """Call it with what a model used."""
    allow_call: Callable[[], None] = field(default=lambda: None, repr=False)
    """Call it before each model call: it raises `LimitExceeded` when no more are allowed."""


@dataclass(frozen=True, slots=True)
class Replan:
    """The joiner's decision: another round, and why."""

    feedback: str
    thought: str = ""


Decision = Answer | Replan
"""What a joiner returns."""


@runtime_checkable
class Joiner(Protocol):
    """Reads the observations and answers, or asks for another round."""

    async def join(self, context: JoinContext) -> Decision:
        """Decide.

        Raises:
            ModelError: The model gave no usable reply.
        """
        ...


class Reporter:
    """Sees every event of a run. Subclass it and override `report`; this one does nothing.

    It is called in the run's event loop, in order, and must not block. What it raises is logged, and the run goes on.
    """

    def report(self, event: Event) -> None:
        """Take note of `event`."""

    def model_asked(self, call: ModelCall) -> None:
        """Take note of a request that a planner or joiner is about to make to a model, in the task that makes it."""

    def model_answered(self, call: ModelCall) -> None:
        """Take note of the end of the reply to `call`, whole or not; what is known of it is filled in."""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A call that waits for approval."""

    run_id: str
    task_id: int
    tool: str
    arguments: Mapping[str, Any]
    digest: str = ""
    """Fingerprint of the tool and exactly these arguments: the approval holds for them alone."""
    expires: float | None = None
    """When the request lapses, in seconds since the run began; None when it does not."""
    item: int | None = None
    """Position of the item, from 0, for a call of a `for` task."""


Approver = Callable[[ApprovalRequest], Awaitable[bool]]
"""Says whether a call may be made."""
