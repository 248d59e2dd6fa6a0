"""The driver of one run's calls: turns the task-fetching unit's commands into calls, and calls into outcomes.

It owns results and times, and knows no event loop: an `Executor` makes the calls and says how they ended. Nothing
here recurses from one task to the next, so a chain of any length is safe.
"""

from __future__ import annotations

import contextvars
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any
from weakref import ref

from . import tfu
from ._jsonable import describe_error
from .binding import bind
from .effects import UNDECLARED, Access, access_of, effect_of, union
from .errors import ToolError
from .execution import Call, Executor, Watch, failed, result_of
from .expansion import GUARDED_OFF, expand, is_off, outcome_of
from .latencies import Latencies
from .options import ItemPolicy
from .outcomes import Cancelled, Failed, Outcome, Skipped, Succeeded
from .passes import Passes
from .placement import Placed, Placement
from .plan import Task
from .priorities import Ranks
from .protocols import Approver
from .result import Note, TaskResult
from .sharing.copies import NotCopyable, independent, own
from .tools import Tool, ToolRegistry

if TYPE_CHECKING:
    from .approvals import Approvals
    from .sharing.table import Sharing


OUTER: ContextVar[ref[Driver] | None] = ContextVar("llmcompiler_run", default=None)
"""The run whose calls are made here. Weak: contexts live on in cancelled timers."""


class Driver:
    """Runs the tasks of one run.

    Args:
        executor: Makes the calls.
        tools: The registry.
        run_id: Given to tools.
        watch: Told what happens.
        approver: Asked about calls that need approval.
        passes: Switches of the compiler's passes.
        sharing: Knows which calls need not be made; shared by the runs of one compiler.
        latencies: What is known of how long tools take; shared likewise.
        on_item_error: What a failed item does to its `for` task, where its tool does not say.
    """

    def __init__(
        self,
        executor: Executor,
        tools: ToolRegistry,
        run_id: str,
        watch: Watch | None = None,
        approver: Approver | None = None,
        *,
        passes: Passes | None = None,
        sharing: Sharing | None = None,
        latencies: Latencies | None = None,
        on_item_error: ItemPolicy = "fail",
    ) -> None:
        self.executor = executor
        self.tools = tools
        self.run_id = run_id
        self.watch = watch or Watch()
        self.approver = approver
        self.passes = passes or Passes()
        self.sharing = sharing
        self.latencies = latencies or Latencies()
        self.on_item_error: ItemPolicy = on_item_error
        self.home: Any = None
        """The event loop, or whatever else the runs that may share calls have in common."""
        outer = OUTER.get()
        self.within = None if outer is None else outer()
        """The run that this one was started in, if it was started by a tool."""
        self.context = contextvars.copy_context()
        """The context of the run, where functions of the user's are asked."""
        self.memo: dict[Any, Any] = {}
        """For `Sharing`'s own use: calls of this run that ended."""
        self.notes: list[Note] = []
        """What the passes did."""
        self.allow_items: Callable[[Tool, int], None] = lambda tool, count: None
        """Raises where a `for` task may not have so many items."""
        self.allow_calls: Callable[[Tool, int], None] = lambda tool, count: None
        """Counts calls that were not foreseen in the plan; raises where a tool may not be called so often."""
        self.approvals: Approvals | None = None
        """Who decides about calls that need approval."""
        self.host: Any = None
        """For the executor's own use."""
        self.deadline: float | None = None
        """When the run ends, on `now()`."""
        self.calls: dict[int, Call] = {}
        self.values: dict[int, Any] = {}
        self.joined: Callable[[], None] = lambda: None
        """Called when every task of the round has its outcome."""
        self.ended: dict[int, list[Callable[[Outcome], None]]] = {}
        """Who waits for the outcomes of tasks, by id."""
        self.crashed: Callable[[Exception], None] = lambda error: None
        """Called when the driver itself fails, which only a bug can make it do."""
        self._tfu = tfu.TaskFetchingUnit()
        self._clock = executor.clock()
        self.origin = self._clock()
        self._commands: deque[tfu.Command] = deque()
        self._pumping = False
        cap = getattr(executor, "max_concurrency", None)
        self._cap: float = math.inf if cap is None or self.passes.priority == "fifo" else cap
        self.ranks = Ranks(self.calls, self.passes.priority, self.latencies)
        self._placement = Placement.of(tools, self._tfu.is_over)

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

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Add several tasks before the first of them starts: what is ranked is ranked knowing all of them."""
        self._pumping = True
        try:
            yield
        finally:
            self._pumping = False
            self._pump()

    def add(self, task: Task, round_: int = 1, *, reuse: int | None = None) -> Call:
        """Add a task; its call starts as soon as it can. With `reuse`, the outcome of that task becomes its own."""
        if task.id in self.calls:
            raise ValueError(f"task {task.id} is there already")
        tool = self.tools.get(task.tool)
        call = Call(self, task, tool, round_, reuse)
        self.calls[task.id] = call
        if reuse is not None:
            call.via = "reused" if self.calls[reuse].round != round_ else "merged"
            if not self.watch.quiet:
                self.watch.planned(call)
            if self._placement is not None and self._placement.release(task.id):
                self._handle(tfu.Unheld(task.id))  # nothing has to come after what is not made
            self._handle(tfu.Planned(task.id, (), (reuse,)))
            return call
        call.estimate = self.latencies.estimate(task.tool)
        probe = task.each is not None or task.when is not None
        frees: tuple[tfu.Key, ...] = ()
        left = False
        if self._placement is not None and tool is not None:
            try:
                placed = self._placement.put(task, tool, probe=probe)
            except Exception as e:  # of a resource key that can not be compared
                call.refused = ToolError(
                    f"the resource of `{tool.name}` can not be used: {describe_error(e)}"
                )
                placed = Placed()
            call.after, frees, left = placed.after, placed.frees, placed.left
            self._forget(task.id, frees)
            probe = probe or placed.is_open
        if not self.watch.quiet:
            self.watch.planned(call)  # before anything that its coming sets off
        if left:
            self._handle(tfu.Unheld(task.id))
        # What is looked at first is ordered then: only then is known what it touches.
        self._handle(tfu.Planned(task.id, task.depends_on, () if probe else call.after, probe, frees))
        return call

    def _forget(self, earlier: int, frees: Iterable[tfu.Key]) -> None:
        """These need not come after that task, as it turns out."""
        for key in frees:
            later = self.calls.get(key) if isinstance(key, int) else None
            if later is not None:
                later.after = tuple(k for k in later.after if k != earlier)

    def hold(self, place: int, tool: str = "") -> None:
        """A task is to come that could not be planned yet: what has to come after it waits until `unhold`, or `add`.

        Args:
            place: The id the task will have, or a number below 0.
            tool: The name of its tool, where it is known.
        """
        if self._placement is None or place in self.calls:
            return
        if self._placement.hold(place, self.tools.get(tool)):
            self._handle(tfu.Held(place))

    def unhold(self) -> None:
        """The tasks that places are held for will not come."""
        if self._placement is not None:
            for place in self._placement.held:
                self._placement.release(place)
                self._handle(tfu.Unheld(place))

    def changed_since(self, earlier: int, task: Task) -> bool:
        """Whether a write planned after the task `earlier` touches what `task` looks at."""
        tool = self.tools.get(task.tool)
        if self._placement is None or tool is None:
            return False
        return self._placement.changed_since(earlier, task, tool)

    def drop(self, tasks: Iterable[int]) -> None:
        """Do not make these calls, and end those under way: nothing uses their values."""
        running = []
        for i in tasks:
            call = self.calls.get(i)
            if call is None or call.outcome is not None:
                continue
            state = self._tfu.state[i]
            if state == "running" or state == "ready":
                running.append(call)
                continue
            self.notes.append(Note("drop", i, UNUSED))
            if state == "waiting":  # or skipped already, with what it needs, and not told yet
                self._handle(tfu.Dropped(i))
        for call in running:
            if call.outcome is None and not call.parts:
                self.notes.append(Note("drop", call.task.id, UNUSED))
                if call.bound:
                    self.executor.cancel([call])
                self.finish(call, Skipped(call.task.id, UNUSED))

    def rank(self, call: Call) -> float:
        """Its rank among calls that wait for a place under the caps: the highest goes first."""
        return self.ranks.rank(call)

    def close_round(self) -> None:
        """No more tasks in this round; `joined` is called when all have ended, perhaps at once."""
        if self._cap != math.inf:
            self.executor.rerank(self)  # what waits in line was ranked by a part of the plan
        self._handle(tfu.RoundClosed())

    def stop(self, reason: str) -> None:
        """End every task that has not ended: its outcome is `Cancelled(reason)`."""
        commands = self._tfu.handle(tfu.Stopped())
        commands.sort(
            key=lambda c: isinstance(c, tfu.Cancel) and isinstance(c.task, int)
        )  # items before their task
        calls = []
        for command in commands:
            if isinstance(command, tfu.Cancel):
                call = self._call(command.task)
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
        if type(outcome) is Succeeded and type(outcome.value) in _USED_UP:
            outcome = Failed(
                ToolError(f"`{call.task.tool}` gave a {type(outcome.value).__name__}; return a list")
            )
        try:
            try:
                self._settle(call, outcome)
            finally:  # whoever was told of it may have raised: the graph moves on
                self._handle(tfu.Finished(call.key, type(outcome) is Succeeded))
                if call.parent is not None:
                    self._part_ended(call.parent)
        except Exception as e:  # a bug must end the run with its story, not hang it
            self.crashed(e)

    # -- inside ------------------------------------------------------------------

    def _call(self, key: tfu.Key) -> Call:
        return self.calls[key] if isinstance(key, int) else self.calls[key[0]].parts[key[1]]

    def _settle(self, call: Call, outcome: Outcome) -> None:
        call.outcome = outcome
        call.finished = self._clock() - self.origin
        if call.parts:
            call.started = min((p.started for p in call.parts if p.started is not None), default=None)
        if type(outcome) is Succeeded:
            if call.parent is None:
                self.values[call.task.id] = outcome.value
            if call.via == "call" and call.started is not None and not call.parts:
                self.latencies.observe(call.task.tool, call.finished - call.started)
        if self._placement is not None and call.parent is None:
            self._placement.settle(call.task.id)
        if not self.watch.quiet:
            self.watch.finished(call)
        if call.share is not None and self.sharing is not None:
            self.sharing.ended(call)
        if self.ended and call.parent is None:
            for tell in self.ended.pop(call.task.id, ()):
                tell(outcome)

    def _handle(self, event: tfu.Event) -> None:
        commands = self._tfu.handle(event)
        if commands:
            self._commands.extend(commands)
            self._pump()

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        if len(self._commands) > self._cap:
            self._rank_starts()
        commands = self._commands
        try:
            while commands:
                command = commands.popleft()
                kind = type(command)
                if kind is tfu.Start:
                    key = command.task  # type: ignore[union-attr]
                    self._start(self.calls[key] if type(key) is int else self._call(key))
                elif kind is tfu.Skip:
                    self._skip(command)  # type: ignore[arg-type]
                elif kind is tfu.Ready:
                    self._probe(self._call(command.task))  # type: ignore[union-attr]
                else:
                    self.joined()
        finally:
            self._pumping = False

    def _rank_starts(self) -> None:
        """More calls may start than there is room for: those of the highest rank go first."""
        starts = [c for c in self._commands if isinstance(c, tfu.Start)]
        others = [c for c in self._commands if not isinstance(c, tfu.Start)]
        starts.sort(key=lambda c: -self.rank(self._call(c.task)))
        self._commands = deque([*others, *starts])

    def _start(self, call: Call) -> None:
        if call.outcome is not None:  # stopped between the command and now
            return
        if call.reuse is not None:
            self._copy(call, self.calls[call.reuse])
            return
        if call.task.each is not None and call.parent is None:
            self._start_parts(call)
            return
        if call.refused is not None:
            self.finish(call, Failed(call.refused))
            return
        try:
            if not call.bound:
                self._prepare(call)
            tool = call.tool
            assert tool is not None
            if tool.requires_approval:
                call.approval = self.context.copy().run(tool.needs_approval, call.arguments)
            sharing = self.sharing
            # Each call that needs approval is made for itself; a write is noted in any case.
            alone = sharing is None or call.effect is None or (call.approval and call.effect != "write")
            if alone or sharing is None or not sharing.start(call, self.executor.start):
                self.executor.start(call)
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # also of a validator or predicate of the user's
            self.finish(call, failed(call, e))

    def _prepare(self, call: Call) -> None:
        """Bind the arguments of a call and find out what it touches.

        Raises:
            ToolError: The arguments can not be made, or an effect or resource function failed.
        """
        tool = call.tool
        if tool is None:
            raise ToolError(f"there is no tool `{call.task.tool}`")
        if call.item is None:
            call.arguments = bind(call.task, tool, self.values)
        else:
            call.arguments = bind(call.task, tool, self.values, call.value)
        if tool.is_asked:
            # What it is asked about is what it is called with, whatever becomes of results that others hold, too.
            call.arguments = own(call.arguments)
        if tool.is_plain:
            call.access = UNDECLARED
        else:
            fixed = tool.fixed_access
            if fixed is not None:
                call.effect, call.access = tool.effect, fixed
            else:  # not in whatever context the call that ended just now has left behind
                self.context.copy().run(_ask_what_it_touches, call, tool)
        call.bound = True

    def _copy(self, call: Call, of: Call) -> None:
        outcome = of.outcome
        if isinstance(outcome, (Skipped, Cancelled)) or outcome is None:
            cause = outcome.cause if isinstance(outcome, Skipped) else of.task.id
            outcome = Skipped(cause, f"it is the same call as task {of.task.id}, which did not run")
        elif isinstance(outcome, Succeeded):
            with suppress(NotCopyable):  # what there can be only one of is handed on as it is
                outcome = Succeeded(independent(outcome.value))
        self.finish(call, outcome)

    # -- tasks that are looked at before they start -----------------------------------------

    def _probe(self, call: Call) -> None:
        """The needs of a task are there: see what it comes to, and what it still has to wait for."""
        if call.outcome is not None:
            return
        try:
            if is_off(call.task, self.values):
                self.finish(call, Skipped(call.task.id, GUARDED_OFF))
                return
            if call.task.each is None:
                self._prepare(call)
            else:
                self._expand(call)
            frees: tuple[tfu.Key, ...] = ()
            placement, i = self._placement, call.task.id
            if placement is not None and placement.is_open(i):
                call.after, frees = placement.close(i, call.access or Access())
                self._forget(i, frees)
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # also of a validator, of a value, of a resource function or key
            self.finish(call, failed(call, e))
            return
        # The items of a `for` wait one by one.
        self._handle(tfu.Probed(i, call.after if call.task.each is None else (), frees))

    def _expand(self, call: Call) -> None:
        tool = call.tool
        if tool is None:
            raise ToolError(f"there is no tool `{call.task.tool}`")

        def make(position: int, value: Any) -> Call:
            part = Call(self, call.task, tool, call.round, None)
            part.key, part.item, part.value, part.parent = (call.task.id, position), position, value, call
            part.estimate = call.estimate
            return part

        parts = expand(call, self.values, lambda n: self.allow_items(tool, n), make, self._prepare)
        self.allow_calls(tool, sum(p.outcome is None for p in parts))
        call.parts = parts
        call.effect = tool.effect
        touched = union(p.access for p in call.parts if p.outcome is None and p.access is not None)
        call.access = touched

    def _start_parts(self, call: Call) -> None:
        for part in call.parts:
            if part.outcome is not None:
                self._settle(part, part.outcome)
        parts = [p for p in call.parts if p.outcome is None]
        call.left = len(parts)
        if not parts:
            self._finish_parts(call)
            return
        after: list[tuple[tfu.Key, ...]] = [()] * len(parts)
        if self._placement is not None:
            after = self._placement.parts(call.after, [(p.key, p.access or Access()) for p in parts])
        self._handle(tfu.Expanded(call.task.id, tuple(zip((p.key for p in parts), after, strict=True))))

    def _part_ended(self, call: Call) -> None:
        call.left -= 1
        if not call.left:
            self._finish_parts(call)

    def _finish_parts(self, call: Call) -> None:
        tool = call.tool
        policy = (tool.options.on_item_error if tool is not None else None) or self.on_item_error
        outcomes = [p.outcome for p in call.parts if p.outcome is not None]
        call.attempts = max((p.attempts for p in call.parts), default=0)
        self.finish(call, outcome_of(call.task.tool, outcomes, policy))

    # -- the end of a task that never started -------------------------------------------------

    def _skip(self, command: tfu.Skip) -> None:
        call, cause = self._call(command.task), _id(command.cause)
        if command.why == "missing":
            reason = f"task {cause} is not in the plan"
        elif command.why == "cycle":
            reason = "it waits for itself, in a circle"
        elif command.why == "unused":
            reason = UNUSED
        else:
            of = self.calls.get(cause)
            outcome = of.outcome if of is not None else None
            if isinstance(outcome, Failed):
                reason = f"task {cause} failed: {_one_line(outcome)}"
            elif isinstance(outcome, Skipped) and outcome.reason:
                reason = f"task {cause} did not run: {outcome.reason}"
            else:
                reason = f"task {cause} did not run"
        self._settle(call, Skipped(cause, reason))

    def results(self) -> dict[int, TaskResult]:
        """Every task that has ended, by id, in the order of planning."""
        return {i: result_of(c, c.outcome) for i, c in self.calls.items() if c.outcome is not None}

    def outcomes(self) -> Mapping[int, Outcome]:
        """Outcomes so far, by id."""
        return {i: c.outcome for i, c in self.calls.items() if c.outcome is not None}


def _one_line(outcome: Failed) -> str:
    text = " ".join(describe_error(outcome.error).split())
    return text if len(text) <= 200 else text[:197] + "..."


def _ask_what_it_touches(call: Call, tool: Tool) -> None:
    call.effect = effect_of(tool, call.arguments)
    call.access = access_of(tool, call.arguments, call.effect)


UNUSED = "nothing uses its value"
_USED_UP = frozenset(
    {GeneratorType, AsyncGeneratorType, map, filter, zip, enumerate, reversed}
    | {type(iter(kind())) for kind in (list, tuple, set, dict, str, bytes)}
)
"""Kinds of values that are gone once read: a second task that refers to one would find it empty."""


def _id(key: tfu.Key) -> int:
    return key if isinstance(key, int) else key[0]


__all__ = ["Call", "Driver", "Executor", "Watch", "failed"]
