"""The task-fetching unit: which task may start, which can not, and when all is done. A pure state machine.

Events (past facts) go in, commands (imperatives) come out; `handle` is the only method that changes anything. It
knows ids and edges, no values, tools, clocks or I/O. Work over a whole run is O(tasks + edges).

    planned ──needs settled well──► Start ──► Finished(ok=True)
       │                              └─────► Finished(ok=False) ──► Skip every descendant
       └──a need failed, or was never planned──► Skip

Tasks may arrive in any order and while others run; a need may name a task that is not planned yet.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from ._fact import fact


@fact
class RoundOpened:
    """Tasks may be planned (again)."""


@fact
class Planned:
    """A task is in the graph."""

    task: int
    needs: tuple[int, ...] = ()
    """Tasks whose values it needs: if one fails, it is skipped."""
    after: tuple[int, ...] = ()
    """Tasks that must have ended, well or not, before it starts."""


@fact
class Finished:
    """A started task ended."""

    task: int
    ok: bool


@fact
class RoundClosed:
    """No more tasks will be planned in this round."""


@fact
class Stopped:
    """The run ends now, whatever is under way."""


Event = RoundOpened | Planned | Finished | RoundClosed | Stopped


@fact
class Start:
    """Make the call of this task. Comes back as `Finished`."""

    task: int


@fact
class Skip:
    """The task will never start. `cause` is the task at the root of it."""

    task: int
    cause: int
    why: Literal["failed", "missing", "cycle"] = "failed"


@fact
class Cancel:
    """Give up this task: `running` tells whether its call was started."""

    task: int
    running: bool


@fact
class Join:
    """Every task of the round has its outcome."""


Command = Start | Skip | Cancel | Join

State = Literal["waiting", "running", "succeeded", "failed", "skipped", "cancelled"]
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
        self.state: dict[int, State] = {}
        self.open = False
        self._joined = True
        self._waiting: dict[int, int] = {}  # task -> edges not released yet
        self._needed_by: dict[int, list[int]] = {}  # task -> tasks that need its value
        self._before: dict[int, list[int]] = {}  # task -> tasks ordered after it
        self._blame: dict[int, int] = {}  # ended badly -> the task at the root
        self._running = 0
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
        elif kind is RoundOpened:
            if self.open or not self._joined:
                self._impossible(event, "the last round has not joined")
            self.open, self._joined = True, False
        elif kind is RoundClosed:
            if not self.open:
                self._impossible(event, "no round is open")
            self.open = False
            self._skip_missing(out)
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
        if task in self.state:
            self._impossible(event, "the task is planned already")
        state = self.state
        pending = 0
        blame: int | None = None
        for need in event.needs:
            known = state.get(need)
            if known == "succeeded":
                continue
            if known is None or known not in _SETTLED:
                self._needed_by.setdefault(need, []).append(task)
                pending += 1
            elif blame is None:
                blame = self._blame.get(need, need)
        for earlier in event.after:
            known = state.get(earlier)
            if known is not None and known not in _SETTLED:
                self._before.setdefault(earlier, []).append(task)
                pending += 1
        if blame is not None:
            # Edges registered above find a settled task later and are ignored.
            state[task] = "waiting"
            self._waiting[task] = pending
            self._skip_with_descendants(task, blame, "failed", out)
        elif pending:
            state[task] = "waiting"
            self._waiting[task] = pending
        else:
            state[task] = "running"
            self._running += 1
            out.append(Start(task))

    def _finished(self, event: Finished, out: list[Command]) -> None:
        task = event.task
        if self.state.get(task) != "running":
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
        for later in self._before.pop(task, ()):
            self._release(later, out)

    def _release(self, task: int, out: list[Command]) -> None:
        left = self._waiting.get(task)
        if left is None:  # skipped or cancelled meanwhile
            return
        if left > 1:
            self._waiting[task] = left - 1
            return
        del self._waiting[task]
        self.state[task] = "running"
        self._running += 1
        out.append(Start(task))

    def _skip_with_descendants(
        self, first: int, cause: int, why: Literal["failed", "missing", "cycle"], out: list[Command]
    ) -> None:
        stack = [first]
        released: list[int] = []
        while stack:
            task = stack.pop()
            if self._waiting.pop(task, None) is None:
                continue
            self.state[task] = "skipped"
            self._blame[task] = cause
            out.append(Skip(task, cause, why))
            stack.extend(reversed(self._needed_by.pop(task, ())))
            released.extend(self._before.pop(task, ()))
        # Only now: a task both ordered after and dependent on a skipped one must be skipped, not started.
        for task in released:
            self._release(task, out)

    def _skip_missing(self, out: list[Command]) -> None:
        for missing in [t for t in self._needed_by if t not in self.state]:
            for dependent in self._needed_by.pop(missing):
                self._skip_with_descendants(dependent, missing, "missing", out)

    def _skip_cycles(self, out: list[Command]) -> None:
        for task in list(self._waiting):
            self._skip_with_descendants(task, task, "cycle", out)

    def _stop(self, out: list[Command]) -> None:
        for task, state in self.state.items():
            if state == "waiting" or state == "running":
                self.state[task] = "cancelled"
                self._blame[task] = task
                out.append(Cancel(task, state == "running"))
        self._waiting.clear()
        self._needed_by.clear()
        self._before.clear()
        self._running = 0
        self.open = False
