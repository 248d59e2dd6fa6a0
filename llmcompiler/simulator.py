"""What a run would take: the real task-fetching unit and the real caps, on a virtual clock.

No call is made and no event loop runs: a call takes the seconds it is said to take, and the clock jumps from one end
to the next. Nothing here learns latencies or draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, get_args

from . import tfu
from .admission import Admission
from .errors import ConfigurationError
from .latencies import Latencies
from .passes import Priority
from .plan import Plan, Task
from .priorities import bottom_levels

if TYPE_CHECKING:
    from .tools import ToolRegistry

Seconds = Mapping[int, float] | Callable[[Task], float] | Latencies | None
"""How long each call takes: by task id, by task, as learned, or None for one unit each."""


@dataclass(frozen=True, slots=True)
class Work:
    """A task as the simulator sees it."""

    id: int
    tool: str
    seconds: float
    """What one call takes."""
    needs: tuple[int, ...] = ()
    """Tasks whose values it needs."""
    after: tuple[int, ...] = ()
    """Tasks that have to end first because of what they read or write."""
    calls: int = 1
    """How many calls it makes at once: the items of a `for` task."""
    limit: int | None = None
    """Calls of its tool at once."""
    counted: bool = True
    """Whether its calls take a place under the overall cap."""
    planned: float = 0.0
    """When it enters the graph, in seconds."""

    @property
    def span(self) -> float:
        """Seconds it takes where nothing limits it."""
        return self.seconds if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each task runs. Times are seconds since the run began; a task that waits for itself is in none of them."""

    start: Mapping[int, float]
    """When its first call is made."""
    finish: Mapping[int, float]
    """When its last call ends."""
    makespan: float
    """When the last task ends."""
    sequential: float
    """The work: every call after another."""
    critical_path: tuple[int, ...]
    """Ids of one longest chain of tasks, first to last, over values and order of effects."""
    critical_path_seconds: float
    """Its length: no schedule is shorter."""
    slack: Mapping[int, float]
    """How much later a task could start, were there no caps, and the run end no later."""
    order: Mapping[int, tuple[int, ...]]
    """For each task, those it is ordered after by effects."""
    peak: int
    """The most calls at once."""
    concurrency: int | None
    """Calls at once that were allowed; None for no cap."""

    @property
    def lower_bound(self) -> float:
        """Seconds that no schedule under this cap can beat: the critical path, or the work shared by all workers."""
        if self.concurrency is None:
            return self.critical_path_seconds
        return max(self.critical_path_seconds, self.sequential / self.concurrency)

    @property
    def speedup(self) -> float:
        """How many times longer the calls take one after another; 1 where nothing takes time."""
        return self.sequential / self.makespan if self.makespan > 0 else 1.0

    @property
    def utilisation(self) -> float:
        """Share of the workers' time that is work, 0 to 1: of the cap's, or of as many as were busy at most."""
        workers = self.peak if self.concurrency is None else self.concurrency
        return self.sequential / (workers * self.makespan) if self.makespan > 0 else 0.0


def simulate(
    plan: Plan,
    tools: ToolRegistry | None = None,
    *,
    seconds: Seconds = None,
    concurrency: int | None = None,
    policy: Priority = "critical-path",
    order: Mapping[int, tuple[int, ...]] | None = None,
    items: Mapping[int, int] | None = None,
) -> Schedule:
    r"""The schedule of `plan`, every call succeeding and every condition true.

    Args:
        plan: The plan. Results of earlier rounds are there already.
        tools: For caps of single tools and the order of effects; default those the plan was checked against, if any.
        seconds: How long a call takes. Of `Latencies`, a tool not known counts as the mean of those known, or 1.
        concurrency: Calls at once; None for no cap.
        policy: Which waiting call goes first.
        order: For each task, earlier tasks it is ordered after; default what the effects of the tools say.
        items: How many calls a task makes: the items of a `for`, 0 for one that is not made; 1 where nothing is said.

    Raises:
        ConfigurationError: A time that is none, a cap below 1, or an unknown policy.

    ```python
    from llmcompiler import Plan
    from llmcompiler.simulator import simulate

    schedule = simulate(Plan.parse("1. a()\n2. b()\n3. c($1)"), seconds={1: 1, 2: 5, 3: 2})
    assert (schedule.makespan, schedule.critical_path) == (5.0, (2,))
    ```
    """
    tools = tools if tools is not None else registry_of(plan)
    if order is None:
        order = known_order(plan, tools)
    takes = _reader(seconds)
    own = {t.id for t in plan.tasks}
    works = []
    for t in plan.tasks:
        tool = tools.get(t.tool) if tools is not None else None
        count = items.get(t.id, 1) if items is not None else 1
        works.append(
            Work(
                t.id,
                t.tool,
                takes(t),
                tuple(d for d in t.depends_on if d in own),
                tuple(order.get(t.id, ())),
                count,
                tool.max_concurrency if tool is not None else None,
                tool.options.counted if tool is not None else True,
            )
        )
    return schedule(works, concurrency, policy)


def registry_of(plan: Plan) -> ToolRegistry | None:
    """The tools that `plan` was checked against, if it was."""
    return plan.__dict__.get("_checked")


def known_order(plan: Plan, tools: ToolRegistry | None = None) -> dict[int, tuple[int, ...]]:
    """For each task, the earlier tasks it is ordered after by effects; empty where no tools are known."""
    tools = tools if tools is not None else registry_of(plan)
    if tools is None:
        return {}
    from .ordering import order_plan

    return order_plan(plan, tools)


def _reader(seconds: Seconds) -> Callable[[Task], float]:
    if seconds is None:
        return lambda task: 1.0
    if isinstance(seconds, Latencies):
        overall = seconds.overall()
        unknown = 1.0 if overall is None else overall

        def learned(task: Task) -> float:
            known = seconds.estimate(task.tool)
            return unknown if known is None else known

        return learned
    if isinstance(seconds, Mapping):
        by_id = seconds

        def given(task: Task) -> float:
            if task.id not in by_id:
                raise ConfigurationError(
                    f"seconds= says nothing of task {task.id}: give a time for every task"
                )
            return by_id[task.id]

        return given
    return seconds


def schedule(
    works: Sequence[Work], concurrency: int | None = None, policy: Priority = "critical-path"
) -> Schedule:
    """The schedule of tasks given as `Work`, in plan order. See `simulate`."""
    if concurrency is not None and (isinstance(concurrency, bool) or concurrency < 1):
        raise ConfigurationError(f"concurrency={concurrency!r}: give a whole number, 1 or more, or None")
    if policy not in get_args(Priority):
        raise ConfigurationError(f"policy={policy!r}: use one of {', '.join(map(repr, get_args(Priority)))}")
    for w in works:
        if isinstance(w.seconds, bool) or not 0 <= w.seconds < math.inf:
            raise ConfigurationError(f"task {w.id} takes seconds={w.seconds!r}: give 0 or more")
        if w.calls < 0:
            raise ConfigurationError(f"task {w.id} has {w.calls} items: give 0 or more")
    by_id = {w.id: w for w in works}
    places = {w.id: k for k, w in enumerate(works)}
    order = {w.id: tuple(d for d in w.after if places.get(d, len(works)) < places[w.id]) for w in works}
    waits: dict[int, Collection[int]] = {
        w.id: (*(d for d in w.needs if d in by_id), *order[w.id]) for w in works
    }
    run = _Simulation(by_id, order, concurrency, _ranks(by_id, waits, policy))
    run.run(works)
    earliest, ends = _forward(by_id, waits)
    path = _critical(earliest, ends, waits)
    length = max(ends.values(), default=0.0)
    # Slack by lengths alone: a task that is planned late has none to lose by that.
    levels = bottom_levels(waits, lambda i: by_id[i].span)
    slack = {i: max(0.0, length - earliest[i] - levels[i]) for i in earliest}
    slack = {i: 0.0 if s <= 1e-9 * length else s for i, s in slack.items()}
    return Schedule(
        {i: run.start[i] for i in by_id if i in run.start},
        {i: run.finish[i] for i in by_id if i in run.finish},
        max(run.finish.values(), default=0.0),
        math.fsum(by_id[i].seconds * by_id[i].calls for i in run.finish),
        path,
        length,
        {i: slack[i] for i in by_id if i in slack},
        order,
        run.peak,
        concurrency,
    )


def _ranks(
    by_id: Mapping[int, Work], waits: Mapping[int, Collection[int]], policy: Priority
) -> Callable[[int], float]:
    if policy == "critical-path":
        return bottom_levels(waits, lambda i: by_id[i].span).__getitem__
    if policy == "lifo":
        asked: dict[int, float] = {}
        return lambda i: asked.setdefault(i, float(len(asked)))
    if policy == "shortest":
        return lambda i: -by_id[i].seconds
    if policy == "longest":
        return lambda i: by_id[i].seconds
    return lambda i: 0.0


class _Simulation:
    """Drives the task-fetching unit as a driver does, with a heap of ends in place of an event loop."""

    def __init__(
        self,
        works: Mapping[int, Work],
        order: Mapping[int, tuple[int, ...]],
        concurrency: int | None,
        rank: Callable[[int], float],
    ) -> None:
        self.start: dict[int, float] = {}
        self.finish: dict[int, float] = {}
        self.peak = 0
        self._works = works
        self._order = order
        self._rank = rank
        self._tfu = tfu.TaskFetchingUnit()
        self._admission: Admission[tuple[int, int]] = Admission(concurrency)
        self._left: dict[int, int] = {}  # task -> calls not ended
        self._running = 0
        self._now = 0.0
        self._ends: list[tuple[float, int, int]] = []  # when, in which order it began, task
        self._begun = 0

    def run(self, works: Sequence[Work]) -> None:
        """From the first task to the join."""
        self._tfu.handle(tfu.RoundOpened())
        arrivals = sorted(works, key=lambda w: w.planned)
        at = 0
        while at < len(arrivals) or self._ends:
            # All that happens at one time happens before anyone is let in: whoever became ready has a say.
            times = [arrivals[at].planned] if at < len(arrivals) else []
            times += [self._ends[0][0]] if self._ends else []
            self._now = max(self._now, min(times))
            while at < len(arrivals) and arrivals[at].planned <= self._now:
                w = arrivals[at]
                at += 1
                needs = tuple(d for d in w.needs if d in self._works)
                self._obey(self._tfu.handle(tfu.Planned(w.id, needs, self._order[w.id])))
            while self._ends and self._ends[0][0] <= self._now:
                self._end(heappop(self._ends)[2])
            self._admit()
        self._tfu.handle(tfu.RoundClosed())

    def _obey(self, commands: Iterable[Any]) -> None:
        # Kept in a list, not a recursion: tasks without calls end in the moment they start.
        todo = list(commands)
        for command in todo:
            if not isinstance(command, tfu.Start):
                continue
            task: int = command.task  # type: ignore[assignment]
            w = self._works[task]
            self._left[task] = w.calls
            if not w.calls:
                self.start[task] = self.finish[task] = self._now
                todo += self._tfu.handle(tfu.Finished(task, True))
            for k in range(w.calls):
                if w.counted:
                    self._admission.offer((task, k), w.tool, w.limit, self._rank(task))
                else:
                    self._begin(task)

    def _admit(self) -> None:
        while (call := self._admission.admit()) is not None:
            self._begin(call[0])

    def _begin(self, task: int) -> None:
        self.start.setdefault(task, self._now)
        self._running += 1
        self.peak = max(self.peak, self._running)
        self._begun += 1
        heappush(self._ends, (self._now + self._works[task].seconds, self._begun, task))

    def _end(self, task: int) -> None:
        w = self._works[task]
        self._running -= 1
        if w.counted:
            self._admission.release(w.tool, w.limit)
        self._left[task] -= 1
        if not self._left[task]:
            self.finish[task] = self._now
            self._obey(self._tfu.handle(tfu.Finished(task, True)))


def _forward(
    works: Mapping[int, Work], waits: Mapping[int, Collection[int]]
) -> tuple[dict[int, float], dict[int, float]]:
    """The earliest start and end of every task that does not wait for itself, with nothing to limit it."""
    followers: dict[int, list[int]] = {i: [] for i in works}
    left = {i: len(waits[i]) for i in works}
    for i in works:
        for d in waits[i]:
            followers[d].append(i)
    starts: dict[int, float] = {}
    ends: dict[int, float] = {}
    ready = [i for i, n in left.items() if not n]
    for i in ready:
        starts[i] = max((ends[d] for d in waits[i]), default=0.0)
        ends[i] = starts[i] + works[i].span
        for j in followers[i]:
            left[j] -= 1
            if not left[j]:
                ready.append(j)
    return {i: starts[i] for i in works if i in starts}, {i: ends[i] for i in works if i in ends}


def _critical(
    starts: Mapping[int, float], ends: Mapping[int, float], waits: Mapping[int, Collection[int]]
) -> tuple[int, ...]:
    if not ends:
        return ()
    step: int | None = max(ends, key=lambda i: ends[i])
    path = []
    while step is not None:
        path.append(step)
        at = starts[step]
        step = next((d for d in waits[step] if ends[d] == at), None)
    return tuple(reversed(path))
