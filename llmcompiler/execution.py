"""What a driver and an executor say to each other: calls to be made, and how they ended. Knows no event loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from ._jsonable import describe_error
from .context import ToolContext
from .effects import Access
from .errors import ToolError
from .options import Effect
from .outcomes import Failed, Outcome
from .plan import Task
from .result import ItemResult, TaskResult, Via
from .tfu import Key
from .tools import Tool

if TYPE_CHECKING:
    from .driver import Driver


class Call:
    """One call on its way: made by the driver, carried out by an executor."""

    # Defaults live on the class: a run may have a hundred thousand calls, most of which never leave them.
    arguments: Mapping[str, Any] = MappingProxyType({})
    attempts = 0
    started: float | None = None
    """When it was really made, in seconds since the run began."""
    finished = 0.0
    outcome: Outcome | None = None
    handle: Any = None
    """For the executor's own use."""
    timeout: float | None = None
    """Seconds for one try; set by the executor."""
    holds = False
    """Whether it has a place under the caps."""
    approval = False
    """Whether the call has to be approved before it is made."""
    key: Key
    """Its name in the task-fetching unit: the task's id, or (id, position) for an item of a `for` task."""
    item: int | None = None
    """Position of the item, from 0, for a call of a `for` task."""
    value: Any = None
    """The item itself."""
    parent: Call | None = None
    """The `for` task that the item belongs to."""
    parts: Sequence[Call] = ()
    """The calls of a `for` task, once it is expanded."""
    effect: Effect | None = None
    """Effect of this very call; set when its arguments are known."""
    access: Access | None = None
    """What the call reads and writes; set when its arguments are known."""
    after: tuple[int, ...] = ()
    """Tasks it is ordered after because of what they read or write."""
    estimate: float | None = None
    """Seconds it is expected to take; None where nothing is known of the tool."""
    via: Via = "call"
    """How it came by its outcome; set by whoever brings it about."""
    cache: Literal["hit", "miss"] | None = None
    """What the result cache had, where it was asked."""
    refused: Exception | None = None
    """Why a limit does not let it be made: it fails with this instead."""
    bound = False
    """Whether arguments, effect and access are known."""
    left = 0
    """Items that have not ended, of a `for` task that has started."""
    share: Any = None
    """For `Sharing`'s own use: set while the call's result is one that others wait for."""
    current: Tool | None = None
    """The fallback that stands in for its tool, once that has failed for good."""
    placed: Tool | None = None
    """Whose place under the caps it has, where that is not its own tool's; for the executor's own use."""

    def __init__(self, driver: Driver, task: Task, tool: Tool | None, round_: int, reuse: int | None) -> None:
        self.key = task.id
        self.driver = driver
        self.task = task
        self.tool = tool
        self.round = round_
        self.reuse = reuse
        self.planned = driver.now()

    def finish(self, outcome: Outcome) -> None:
        """Say how the call ended. The first word counts; later ones are ignored."""
        self.driver.finish(self, outcome)

    @property
    def maker(self) -> str:
        """The name of the tool that makes the call: its own, or the fallback that stands in for it."""
        return self.task.tool if self.current is None else self.current.name

    def blocked(self, seconds: float) -> None:
        """Say that the call held up the event loop for `seconds`."""
        self.driver.watch.blocked(self, seconds)

    def make_context(self) -> ToolContext:
        """What the tool is told, if it asks."""
        timeout = self.timeout
        driver, task_id = self.driver, self.task.id
        end = None if timeout is None else driver.now() + timeout
        deadline = (
            driver.deadline if end is None else end if driver.deadline is None else min(end, driver.deadline)
        )
        return ToolContext(
            driver.run_id,
            task_id,
            self.task.tool,
            self.attempts,
            deadline,
            driver.now,
            lambda message, fraction, data: driver.watch.progress(self, message, fraction, data),
            self.item,
        )


class Watch:
    """Told what happens to calls; the session makes events of it. This one does nothing."""

    quiet = True
    """True when nobody listens: the driver then saves itself the telling."""

    def planned(self, call: Call) -> None:
        """A task has its place in the order of effects; nothing else was told of it yet."""

    def started(self, call: Call) -> None:
        """An attempt begins."""

    def retried(self, call: Call, error: Exception, delay: float) -> None:
        """An attempt failed; another follows after `delay` seconds."""

    def hedged(self, call: Call, seconds: float) -> None:
        """A second call is made beside the first, which has taken `seconds`."""

    def progress(self, call: Call, message: str, fraction: float | None, data: Any) -> None:
        """The tool reports; may come from another thread."""

    def approval(self, call: Call, digest: str = "", expires: float | None = None) -> None:
        """The call waits for approval of these very arguments, until `expires` on the run's clock."""

    def finished(self, call: Call) -> None:
        """The call has its outcome."""

    def blocked(self, call: Call, seconds: float) -> None:
        """An async tool held up the event loop for `seconds`."""


class Executor(ABC):
    """Makes calls. Two methods and a clock; see `AsyncExecutor` for the one used by default.

    For every `start(call)` it says `call.finish(outcome)` exactly once, not from within `start`.
    """

    @abstractmethod
    def start(self, call: Call) -> None:
        """Begin the call, now or when caps allow it. Set `call.started` when it is really made."""

    @abstractmethod
    def cancel(self, calls: Sequence[Call]) -> None:
        """Stop these calls, or take them out of the line; the driver has given them their outcome already."""

    @abstractmethod
    def clock(self) -> Callable[[], float]:
        """The clock of a run that begins now: a function that gives seconds."""

    def rerank(self, driver: Driver) -> None:  # noqa: B027 - optional
        """The plan is complete, and what `driver.rank` gives may have changed: who waits may change places."""

    def begin(self, driver: Driver) -> None:  # noqa: B027 - optional
        """A run begins."""

    async def end(self, driver: Driver) -> None:  # noqa: B027 - optional
        """The run is over: wait until none of its calls is left."""


def failed(call: Call, error: BaseException) -> Failed:
    """The outcome of a call that raised `error`; what is no `Exception` must not leave its task and becomes one."""
    if isinstance(error, Exception):
        return Failed(error)
    cancelled = type(error).__name__ == "CancelledError"
    what = "was cancelled from within" if cancelled else f"raised {describe_error(error)}"
    return Failed(ToolError(f"`{call.task.tool}` {what}"))


def result_of(call: Call, outcome: Outcome) -> TaskResult:
    """What is told of a call that ended."""
    return TaskResult(
        call.task,
        outcome,
        call.round,
        call.planned,
        call.started,
        call.finished,
        call.attempts,
        call.reuse,
        call.via,
        tuple(sorted(call.after)),
        tuple(
            ItemResult(p.outcome, p.started, p.finished, p.attempts, p.via)
            for p in call.parts
            if p.outcome is not None
        ),
        call.effect if call.effect is not None or call.tool is None else call.tool.effect,
        call.access,
        call.estimate,
    )
