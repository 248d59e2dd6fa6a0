"""The driver of one run's calls: turns the task-fetching unit's commands into calls, and calls into outcomes.

It owns results and times, and knows no event loop: an `Executor` makes the calls and says how they ended. Nothing
here recurses from one task to the next, so a chain of any length is safe.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from . import tfu
from ._jsonable import describe_error
from .binding import bind
from .context import ToolContext
from .effects import Access
from .errors import ToolError
from .options import Effect
from .outcomes import Cancelled, Failed, Outcome, Skipped, Succeeded
from .plan import Task
from .protocols import Approver
from .result import TaskResult, Via
from .tools import Tool, ToolRegistry

Key = int | tuple[int, int]


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
    share: Any = None
    """For `Sharing`'s own use: set while the call's result is one that others wait for."""

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

    def begin(self, driver: Driver) -> None:  # noqa: B027 - optional
        """A run begins."""

    async def end(self, driver: Driver) -> None:  # noqa: B027 - optional
        """The run is over: wait until none of its calls is left."""


class Driver:
    """Runs the tasks of one run.

    Args:
        executor: Makes the calls.
        tools: The registry.
        run_id: Given to tools.
        watch: Told what happens.
        approver: Asked about calls that need approval.
    """

    def __init__(
        self,
        executor: Executor,
        tools: ToolRegistry,
        run_id: str,
        watch: Watch | None = None,
        approver: Approver | None = None,
    ) -> None:
        self.executor = executor
        self.tools = tools
        self.run_id = run_id
        self.watch = watch or Watch()
        self.approver = approver
        self.host: Any = None
        """For the executor's own use."""
        self.deadline: float | None = None
        """When the run ends, on `now()`."""
        self.calls: dict[int, Call] = {}
        self.values: dict[int, Any] = {}
        self.joined: Callable[[], None] = lambda: None
        """Called when every task of the round has its outcome."""
        self.crashed: Callable[[Exception], None] = lambda error: None
        """Called when the driver itself fails, which only a bug can make it do."""
        self._tfu = tfu.TaskFetchingUnit()
        self._clock = executor.clock()
        self.origin = self._clock()
        self._commands: deque[tfu.Command] = deque()
        self._pumping = False

    def now(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self.origin

    # -- what the session says ---------------------------------------------------

    def begin(self) -> None:
        """The run begins; its executor has to be told of the `end`, too."""
        self.executor.begin(self)

    def open_round(self) -> None:
        """Take tasks (again)."""
        self._handle(tfu.RoundOpened())

    def add(
        self, task: Task, round_: int = 1, *, reuse: int | None = None, after: tuple[int, ...] = ()
    ) -> Call:
        """Add a task; its call starts as soon as it can. With `reuse`, the result of that task becomes its own."""
        if task.id in self.calls:
            raise ValueError(f"task {task.id} is there already")
        call = Call(self, task, self.tools.get(task.tool), round_, reuse)
        self.calls[task.id] = call
        needs = task.depends_on if reuse is None else (reuse,)
        self._handle(tfu.Planned(task.id, needs, after))
        return call

    def close_round(self) -> None:
        """No more tasks in this round; `joined` is called when all have ended, perhaps at once."""
        self._handle(tfu.RoundClosed())

    def stop(self, reason: str) -> None:
        """End every task that has not ended: its outcome is `Cancelled(reason)`."""
        commands = self._tfu.handle(tfu.Stopped())
        calls = []
        for command in commands:
            if isinstance(command, tfu.Cancel):
                call = self.calls[command.task]
                if command.running:
                    calls.append(call)
                if call.outcome is None:
                    self._settle(call, Cancelled(reason))
        self.executor.cancel(calls)
        self._pump()

    # -- what executors say --------------------------------------------------------

    def finish(self, call: Call, outcome: Outcome) -> None:
        """A call ended."""
        if call.outcome is not None:
            return
        try:
            try:
                self._settle(call, outcome)
            finally:  # whoever was told of it may have raised: the graph moves on
                self._handle(tfu.Finished(call.task.id, type(outcome) is Succeeded))
        except Exception as e:  # a bug must end the run with its story, not hang it
            self.crashed(e)

    # -- inside ------------------------------------------------------------------

    def _settle(self, call: Call, outcome: Outcome) -> None:
        call.outcome = outcome
        call.finished = self._clock() - self.origin
        if type(outcome) is Succeeded:
            self.values[call.task.id] = outcome.value
        if not self.watch.quiet:
            self.watch.finished(call)

    def _handle(self, event: tfu.Event) -> None:
        commands = self._tfu.handle(event)
        if commands:
            self._commands.extend(commands)
            self._pump()

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        commands = self._commands
        try:
            while commands:
                command = commands.popleft()
                kind = type(command)
                if kind is tfu.Start:
                    self._start(self.calls[command.task])  # type: ignore[union-attr]
                elif kind is tfu.Skip:
                    self._skip(command)  # type: ignore[arg-type]
                else:
                    self.joined()
        finally:
            self._pumping = False

    def _start(self, call: Call) -> None:
        if call.outcome is not None:  # stopped between the command and now
            return
        if call.reuse is not None:
            self.finish(call, Succeeded(self.values[call.reuse]))
            return
        tool = call.tool
        try:
            if tool is None:
                raise ToolError(f"there is no tool `{call.task.tool}`")
            call.arguments = bind(call.task, tool, self.values)
            if tool.requires_approval:
                call.approval = tool.needs_approval(call.arguments)
            self.executor.start(call)
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # also of a validator or predicate of the user's
            self.finish(call, failed(call, e))

    def _skip(self, command: tfu.Skip) -> None:
        cause = command.cause
        if command.why == "missing":
            reason = f"task {cause} is not in the plan"
        elif command.why == "cycle":
            reason = "it waits for itself, in a circle"
        else:
            call = self.calls.get(cause)
            outcome = call.outcome if call is not None else None
            reason = (
                f"task {cause} failed: {_one_line(outcome)}"
                if isinstance(outcome, Failed)
                else f"task {cause} did not run"
            )
        self._settle(self.calls[command.task], Skipped(cause, reason))

    def results(self) -> dict[int, TaskResult]:
        """Every task that has ended, by id, in the order of planning."""
        out = {}
        for i, c in self.calls.items():
            if c.outcome is not None:
                out[i] = TaskResult(
                    c.task, c.outcome, c.round, c.planned, c.started, c.finished, c.attempts, c.reuse
                )
        return out

    def outcomes(self) -> Mapping[int, Outcome]:
        """Outcomes so far, by id."""
        return {i: c.outcome for i, c in self.calls.items() if c.outcome is not None}


def failed(call: Call, error: BaseException) -> Failed:
    """The outcome of a call that raised `error`; what is no `Exception` must not leave its task and becomes one."""
    if isinstance(error, Exception):
        return Failed(error)
    cancelled = type(error).__name__ == "CancelledError"
    what = "was cancelled from within" if cancelled else f"raised {describe_error(error)}"
    return Failed(ToolError(f"`{call.task.tool}` {what}"))


def _one_line(outcome: Failed) -> str:
    text = " ".join(describe_error(outcome.error).split())
    return text if len(text) <= 200 else text[:197] + "..."
