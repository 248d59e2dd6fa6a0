"""The task-fetching unit: which task may start, which can not, and when all is done. A pure state machine.

Events (past facts) go in, commands (imperatives) come out; `handle` is the only method that changes anything. It
knows ids and edges, no values, tools, clocks or I/O. Work over a whole run is O(tasks + edges).

    planned ──needs settled well──► Start ──► Finished(ok=True)
       │                              └─────► Finished(ok=False) ──► Skip every descendant
       └──a need failed, or was never planned──► Skip

Tasks may arrive in any order and while others run; a need may name a task that is not planned yet. A task planned
with `probe` is first looked at when its needs are there: `Ready`, answered by `Probed` with the tasks it still has to
let end first. A place in the order may be `Held` for a task that is to come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal

from ._fact import fact

Key = int | tuple[int, int]
"""A task's id, or (id, position) for a part of one: an item of a `for`."""


@fact
class RoundOpened:
    """Tasks may be planned (again)."""


@fact
class Planned:
    """A task is in the graph."""

    task: int
    needs: tuple[int, ...] = ()
    """Tasks whose values it needs: if one fails, it is skipped."""
    after: tuple[Key, ...] = ()
    """Tasks that must have ended, well or not, before it starts."""
    probe: bool = False
    """Whether to look at it when its needs are there."""
    frees: tuple[Key, ...] = ()
    """For a task whose place was held: those that need not come after it."""


@fact
class Held:
    """A task will be planned later: what comes after it waits until then."""

    task: int


@fact
class Unheld:
    """The task that a place was held for will not come, or not there."""

    task: int


@fact
class Probed:
    """The answer to `Ready`: the task may start when these have ended."""

    task: Key
    after: tuple[Key, ...] = ()
    frees: tuple[Key, ...] = ()
    """Those that need not come after it."""


@fact
class Expanded:
    """A running task consists of parts: each a key, and what must have ended before it starts."""

    task: Key
    parts: tuple[tuple[Key, tuple[Key, ...]], ...]


@fact
class Dropped:
    """A waiting task is not wanted any more."""

    task: int


@fact
class Finished:
    """A started task ended, or one that is looked at will not start."""

    task: Key
    ok: bool


@fact
class RoundClosed:
    """No more tasks will be planned in this round."""


@fact
class Stopped:
    """The run ends now, whatever is under way."""


Event = RoundOpened | Planned | Held | Unheld | Probed | Expanded | Dropped | Finished | RoundClosed | Stopped


@fact
class Start:
    """Make the call of this task. Comes back as `Finished`."""

    task: Key


@fact
class Ready:
    """The needs of this task are there. Comes back as `Probed` or `Finished`."""

    task: Key


SkipReason = Literal["failed", "missing", "cycle", "unused"]


@fact
class Skip:
    """The task will never start. `cause` is the task at the root of it."""

    task: Key
    cause: Key
    why: SkipReason = "failed"


@fact
class Cancel:
    """Give up this task: `running` tells whether its call was started."""

    task: Key
    running: bool


@fact
class Join:
    """Every task of the round has its outcome."""


Command = Start | Ready | Skip | Cancel | Join

State = Literal["waiting", "ready", "running", "succeeded", "failed", "skipped", "cancelled"]
_SETTLED = frozenset({"succeeded", "failed", "skipped", "cancelled"})


class ImpossibleEvent(AssertionError):
    """An event that can not follow the ones before it: a bug in a driver. The text tells the story so far."""

    def __init__(self, event: object, problem: str, story: list[object], count: int) -> None:
        self.event = event
        self.problem = problem
        self.story = story
        left_out = f"({count - len(story)} earlier events left out)\n" if count > len(story) else ""
        super().__init__(f"{event!r}: {problem}. Events so far:\n{left_out}" + "\n".join(map(repr, story)))


class TaskFetchingUnit:
    """See the module's text. `state` of each task, by id, may be read at any time."""

    STORY = 500
    """How many of the latest events an `ImpossibleEvent` tells."""

    def __init__(self) -> None:
        self.state: dict[Key, State] = {}
        self.open = False
        self._joined = True
        self._waiting: dict[Key, int] = {}  # task -> edges not released yet
        self._needed_by: dict[Key, list[Key]] = {}  # task -> tasks that need its value
        self._before: dict[Key, list[Key]] = {}  # task -> tasks ordered after it
        self._blame: dict[Key, Key] = {}  # ended badly -> the task at the root
        self._behind: dict[Key, int] = {}  # task -> tasks it is ordered after that have not ended
        self._ghosts: set[Key] = set()  # skipped, and still to keep the order between those before and after
        self._to_probe: set[Key] = set()
        self._held: set[Key] = set()
        self._running = 0  # running or looked at
        self._count = 0
        self._story: deque[object] = deque(maxlen=self.STORY)

    @property
    def settled(self) -> bool:
        """Whether every task planned so far has ended."""
        return not self._waiting and not self._running

    def handle(self, event: Event) -> list[Command]:
        """Take in one fact; the commands it leads to, in order.

        Raises:
            ImpossibleEvent: The event can not follow what came before.
        """
        out: list[Command] = []
        kind = type(event)
        if kind is Finished:
            self._finished(event, out)  # type: ignore[arg-type]
        elif kind is Planned:
            self._planned(event, out)  # type: ignore[arg-type]
        elif kind is Probed:
            self._probed(event, out)  # type: ignore[arg-type]
        elif kind is RoundOpened:
            if self.open or not self._joined:
                self._impossible(event, "the last round has not joined")
            self.open, self._joined = True, False
        elif kind is RoundClosed:
            if not self.open:
                self._impossible(event, "no round is open")
            self.open = False
            for held in list(self._held):
                self._unhold(held, out)
            self._skip_missing(out)
        elif kind is Expanded:
            self._expanded(event, out)  # type: ignore[arg-type]
        elif kind is Held:
            self._hold(event)  # type: ignore[arg-type]
        elif kind is Unheld:
            self._unhold(event.task, out)  # type: ignore[union-attr]
        elif kind is Dropped:
            self._skip_with_descendants(event.task, event.task, "unused", out)  # type: ignore[union-attr]
        elif kind is Stopped:
            self._stop(out)
        else:
            self._impossible(event, "not an event")
        self._count += 1
        self._story.append(event)
        if not self.open and not self._joined:
            if self._waiting and not self._running:
                self._skip_cycles(out)
            if not self._waiting and not self._running:
                self._joined = True
                out.append(Join())
        return out

    def _impossible(self, event: object, problem: str) -> None:
        raise ImpossibleEvent(event, problem, list(self._story), self._count)

    # -- events ------------------------------------------------------------------

    def _planned(self, event: Planned, out: list[Command]) -> None:
        task = event.task
        if not self.open:
            self._impossible(event, "no round is open")
        state = self.state
        if task in self._held:
            self._held.discard(task)
            del state[task], self._waiting[task]
            self._free(task, event.frees, out)
        if task in state:
            self._impossible(event, "the task is planned already")
        pending = 0
        blame: Key | None = None
        for need in event.needs:
            known = state.get(need)
            if known == "succeeded":
                continue
            if known is None or known not in _SETTLED:
                self._needed_by.setdefault(need, []).append(task)
                pending += 1
            elif blame is None:
                blame = self._blame.get(need, need)
        if event.after:
            pending += self._count_after(task, event.after)
        if event.probe:
            self._to_probe.add(task)
        elif not pending and blame is None:
            state[task] = "running"
            self._running += 1
            out.append(Start(task))
            return
        state[task] = "waiting"
        self._waiting[task] = pending
        if blame is not None:
            # Edges registered above find a settled task later and are ignored.
            self._skip_with_descendants(task, blame, "failed", out)
        elif not pending:
            self._go(task, out)

    def _count_after(self, task: Key, after: tuple[Key, ...]) -> int:
        pending = 0
        for earlier in after:
            if not self.is_over(earlier):
                self._before.setdefault(earlier, []).append(task)
                pending += 1
        if pending:
            self._behind[task] = pending
        return pending

    def is_over(self, task: Key) -> bool:
        """Whether nothing has to wait for the task any more: it has ended, and all that it was ordered after, too."""
        known = self.state.get(task)
        return known is None or (known in _SETTLED and task not in self._ghosts)

    def _go(self, task: Key, out: list[Command]) -> None:
        """Nothing holds the task up any more."""
        del self._waiting[task]
        self._running += 1
        if self._to_probe and task in self._to_probe:
            self._to_probe.discard(task)
            self.state[task] = "ready"
            out.append(Ready(task))
        else:
            self.state[task] = "running"
            out.append(Start(task))

    def _probed(self, event: Probed, out: list[Command]) -> None:
        task = event.task
        if self.state.get(task) != "ready":
            self._impossible(event, f"the task is {self.state.get(task, 'not planned')}")
        self._free(task, event.frees, out)
        self._running -= 1
        self.state[task] = "waiting"
        self._waiting[task] = pending = self._count_after(task, event.after)
        if not pending:
            self._go(task, out)

    def _expanded(self, event: Expanded, out: list[Command]) -> None:
        if self.state.get(event.task) != "running":
            self._impossible(event, f"the task is {self.state.get(event.task, 'not planned')}")
        for part, after in event.parts:
            if part in self.state:
                self._impossible(event, f"{part} is there already")
            self.state[part] = "waiting"
            self._waiting[part] = pending = self._count_after(part, after)
            if not pending:
                self._go(part, out)

    def _hold(self, event: Held) -> None:
        if not self.open:
            self._impossible(event, "no round is open")
        if event.task in self.state:
            self._impossible(event, "the task is planned already")
        self._held.add(event.task)
        self.state[event.task] = "waiting"
        self._waiting[event.task] = 1

    def _unhold(self, task: Key, out: list[Command]) -> None:
        if task in self._held:
            self._held.discard(task)
            del self.state[task], self._waiting[task]
            self._let(self._before.pop(task, ()), out)

    def _free(self, task: Key, tasks: tuple[Key, ...], out: list[Command]) -> None:
        waiting = self._before.get(task)
        if not waiting or not tasks:
            return
        free = set(tasks)
        self._before[task] = [t for t in waiting if t not in free]
        self._let([t for t in waiting if t in free], out)

    def _let(self, tasks: Iterable[Key], out: list[Command]) -> None:
        """These tasks have one task less to let end first."""
        stack = list(reversed(list(tasks)))
        while stack:
            task = stack.pop()
            left = self._behind.pop(task, 0) - 1
            if left > 0:
                self._behind[task] = left
            elif task in self._ghosts:
                self._ghosts.discard(task)
                stack.extend(reversed(self._before.pop(task, ())))
            self._release(task, out)

    def _finished(self, event: Finished, out: list[Command]) -> None:
        task = event.task
        state = self.state.get(task)
        if state != "running" and state != "ready":
            self._impossible(event, f"the task is {self.state.get(task, 'not planned')}")
        self._running -= 1
        if event.ok:
            self.state[task] = "succeeded"
            for dependent in self._needed_by.pop(task, ()):
                self._release(dependent, out)
        else:
            self.state[task] = "failed"
            self._blame[task] = task
            for dependent in self._needed_by.pop(task, ()):
                self._skip_with_descendants(dependent, task, "failed", out)
        if task in self._before:
            self._let(self._before.pop(task), out)

    def _release(self, task: Key, out: list[Command]) -> None:
        left = self._waiting.get(task)
        if left is None:  # skipped or cancelled meanwhile
            return
        if left > 1:
            self._waiting[task] = left - 1
        elif self._to_probe:
            self._go(task, out)
        else:
            del self._waiting[task]
            self._running += 1
            self.state[task] = "running"
            out.append(Start(task))

    def _skip_with_descendants(self, first: Key, cause: Key, why: SkipReason, out: list[Command]) -> None:
        stack = [first]
        released: list[Key] = []
        while stack:
            task = stack.pop()
            if self._waiting.pop(task, None) is None:
                continue
            self.state[task] = "skipped"
            self._blame[task] = cause
            self._to_probe.discard(task)
            out.append(Skip(task, cause, why))
            stack.extend(reversed(self._needed_by.pop(task, ())))
            if task in self._behind:
                # What is ordered after it may be so only through it after what it was ordered after itself.
                self._ghosts.add(task)
            else:
                released.extend(self._before.pop(task, ()))
        # Only now: a task both ordered after and dependent on a skipped one must be skipped, not started.
        self._let(released, out)

    def _skip_missing(self, out: list[Command]) -> None:
        for missing in [t for t in self._needed_by if t not in self.state]:
            for dependent in self._needed_by.pop(missing):
                self._skip_with_descendants(dependent, missing, "missing", out)

    def _skip_cycles(self, out: list[Command]) -> None:
        for task in list(self._waiting):
            self._skip_with_descendants(task, task, "cycle", out)

    def _stop(self, out: list[Command]) -> None:
        for task, state in self.state.items():
            if task in self._held:
                continue
            if state == "waiting" or state == "ready" or state == "running":
                self.state[task] = "cancelled"
                self._blame[task] = task
                out.append(Cancel(task, state == "running"))
        for held in self._held:
            del self.state[held]
        self._held.clear()
        self._to_probe.clear()
        self._ghosts.clear()
        self._behind.clear()
        self._waiting.clear()
        self._needed_by.clear()
        self._before.clear()
        self._running = 0
        self.open = False
