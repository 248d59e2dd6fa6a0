"""Which calls must have ended before another may start, because one writes what the other reads or writes. Pure.

Order is plan position. Values play no part here: an edge of this kind holds whether the earlier call ends well or not.
A call whose resources depend on results that are not there yet is *open*: it counts as the most it may touch, until
it is closed with what it does touch.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from .binding import bind
from .effects import SOME, Access, access_of, is_static, within, worst_access
from .values import is_literal

if TYPE_CHECKING:
    from .plan import Plan, Task
    from .tools import Tool, ToolRegistry

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class _Open(Generic[K]):
    after: tuple[K, ...]
    later: dict[K, Access] = field(default_factory=dict)


class Ordering(Generic[K]):
    """Calls in plan order, and the edges between those that do not commute.

    Edges that follow from others are left out: a write is ordered after the last write of its keys and the reads
    since, not after everything before. What is open takes no part in that, since its edges may go away.

    Args:
        settled: Whether a call has ended; edges to such calls are left out where that saves work.
    """

    MANY = 256
    """Edges of one kind to one call above which they are bundled."""

    def __init__(self, settled: Callable[[K], bool] = lambda key: False) -> None:
        self._settled = settled
        self._access: dict[K, Access] = {}
        self._position: dict[K, int] = {}
        self._count = 0
        self._writes: dict[K, None] = {}
        self._open: dict[K, _Open[K]] = {}
        self._closed: dict[K, None] = {}  # were open and have not ended
        self._late_writes: dict[K, None] = {}  # those of both that write, or may
        self._wide: list[K] = []  # writes of everything, and those that were open once
        self._barrier: K | None = None  # the last write of everything
        self._since: list[K] = []  # everything known since then
        self._writer: dict[Hashable, K] = {}
        self._readers: dict[Hashable, list[K]] = {}
        self._all_readers: list[K] = []
        self._all_writers: dict[K, None] = {}  # what a read of everything has to come after
        self._last_write: dict[Hashable, int] = {}  # position of the last write of each key

    def add(self, key: K, access: Access, *, is_open: bool = False) -> tuple[K, ...]:
        """Put a call at the end; the calls it is ordered after."""
        self._count += 1
        self._position[key] = self._count
        self._access[key] = access
        if access.nothing and not is_open:
            return ()
        if access.writes is None or access.writes:
            self._writes[key] = None
        after = self._all_after(access) if is_open else self._after(access)
        writes = access.writes is None or access.writes
        for other in (*self._open, *self._closed) if writes else tuple(self._late_writes):
            if self._access[other].conflicts(access):
                after[other] = None
                if other in self._open:
                    self._open[other].later[key] = access
        found = tuple(after)
        if is_open:
            self._open[key] = _Open(found)
            if writes:
                self._late_writes[key] = None
                self._wide.append(key)
        else:
            self._register(key, access)
        return found

    def _all_after(self, access: Access) -> dict[K, None]:
        """With every edge: of those that follow from others, the others may go away."""
        out = {} if self._barrier is None else {self._barrier: None}
        for key in self._since:
            if self._access[key].conflicts(access) and not self._settled(key):
                out[key] = None
        return out

    def _after(self, access: Access) -> dict[K, None]:
        out: dict[K, None] = {}
        if access.writes is None:
            out = dict.fromkeys(k for k in self._since if not self._settled(k))
            if not self._since and self._barrier is not None:
                out[self._barrier] = None
            return out
        if self._barrier is not None and not access.nothing:
            out[self._barrier] = None
        if access.reads is None:
            out |= dict.fromkeys(k for k in self._all_writers if not self._settled(k))
        for resource in (*(access.reads or ()), *access.writes):
            if resource in self._writer:
                out[self._writer[resource]] = None
        for resource in access.writes:
            out |= dict.fromkeys(self._readers.get(resource, ()))
        if access.writes and self._all_readers:
            self._all_readers = [k for k in self._all_readers if not self._settled(k)]
            out |= dict.fromkeys(self._all_readers)
        return out

    def _register(self, key: K, access: Access) -> None:
        if access.writes is None:
            self._barrier = key
            self._wide.append(key)
            self._since, self._all_readers = [], []
            self._all_writers.clear()
            self._writer.clear()
            self._readers.clear()
            return
        self._since.append(key)
        for resource in access.writes:
            self._writer[resource] = key
            self._readers.pop(resource, None)
            self._last_write[resource] = self._count
        # Where very many calls would each come after very many others, one of them stands for those before it: the
        # calls after it wait for that one, too, and the edges stay few.
        if access.writes:
            self._all_writers[key] = None
            if len(self._all_readers) > self.MANY:
                self._all_readers = [key]
        if access.reads is None:
            if len(self._all_writers) > self.MANY:
                self._all_writers = {key: None}
            self._all_readers.append(key)
            return
        for resource in access.reads - access.writes if access.writes else access.reads:
            readers = self._readers.get(resource)
            if readers is None:
                self._readers[resource] = [key]
            else:
                readers.append(key)

    def close(self, key: K, access: Access) -> tuple[tuple[K, ...], tuple[K, ...]]:
        """What an open call touches is known now: the calls it stays ordered after, and those no longer after it."""
        entry = self._open.pop(key)
        self._access[key] = access
        if not (access.writes is None or access.writes):
            self._writes.pop(key, None)
            self._late_writes.pop(key, None)
        for earlier in entry.after:
            if earlier in self._open:
                self._open[earlier].later[key] = access
        after = tuple(k for k in entry.after if self._access[k].conflicts(access))
        frees = tuple(k for k, a in entry.later.items() if not a.conflicts(access))
        if not access.nothing:
            self._closed[key] = None
        return after, frees

    def follow(self, key: K, later: K, access: Access) -> None:
        """`later`, which is not placed itself, comes after `key`: if that is open, it may be let go of later."""
        if key in self._open:
            self._open[key].later[later] = access

    def is_open(self, key: K) -> bool:
        """Whether what the call touches is not known yet."""
        return key in self._open

    def settle(self, key: K) -> None:
        """The call has ended, or will never be made."""
        self._closed.pop(key, None)
        self._open.pop(key, None)
        self._late_writes.pop(key, None)

    def remove(self, key: K) -> None:
        """An open call will not be made: its place may be taken anew, at the end."""
        self._open.pop(key, None)
        self._writes.pop(key, None)
        self._late_writes.pop(key, None)
        self._position.pop(key, None)

    def conflicts(self, key: K, access: Access) -> bool:
        """Whether what the call at `key` touches conflicts with `access`."""
        return self._access[key].conflicts(access)

    def is_after(self, key: K, other: K) -> bool:
        """Whether `key` was placed after `other`."""
        return self._position.get(key, -1) > self._position.get(other, -1)

    def changed_since(self, key: K, access: Access, place: K | None = None) -> bool:
        """Whether a write placed after `key`, and before `place` if that is held, conflicts with `access`.

        True where `key` was never placed.
        """
        at = self._position.get(key)
        if at is None:
            return True
        writes: Iterable[K] = reversed(self._writes)
        until = None if place is None else self._position.get(place)
        if access.reads and access.reads is not SOME and not access.writes and until is None:
            # Known writes of keys are looked up; those of everything, and those not known yet, are few.
            if any(self._last_write.get(k, 0) > at for k in access.reads):
                return True
            writes = reversed(self._wide)
        for other in writes:
            placed = self._position.get(other)
            if placed is None or (until is not None and placed >= until):
                continue
            if placed <= at:
                return False
            if self._access[other].conflicts(access):
                return True
        return False

    def covers(self, key: K, access: Access) -> bool:
        """Whether `access` is within what the call at `key` was taken to touch."""
        return within(access, self._access[key])


def writes_anything(tools: Iterable[Tool]) -> bool:
    """Whether a call of these tools can write: if none can, no order is needed between them."""
    return any(t.options.effect == "write" or callable(t.options.effect) for t in tools)


def foreseen_access(task: Task, tool: Tool) -> tuple[Access, bool]:
    """What a planned call touches, or the most it may; and whether that is known for certain.

    An effect or resource function that raises makes it unknown here; the call itself will fail with its error.
    """
    if is_static(tool):
        return worst_access(tool), True
    if task.each is None and all(map(is_literal, task.args.values())):
        try:
            return access_of(tool, bind(task, tool, {})), True
        except KeyboardInterrupt:
            raise
        except BaseException:  # of a validator or function of the user's; the call will tell it
            return worst_access(tool), False
    return worst_access(tool), False


def order_plan(plan: Plan, tools: ToolRegistry) -> dict[int, tuple[int, ...]]:
    """For each task of a checked plan, the earlier tasks it is ordered after by effects; as known before the run."""
    if not writes_anything(tools.values()):
        return {t.id: () for t in plan.tasks}
    ordering: Ordering[int] = Ordering()
    out: dict[int, tuple[int, ...]] = {}
    for task in plan.tasks:
        tool = tools.get(task.tool)
        if tool is None:
            out[task.id] = ()
            continue
        access, known = foreseen_access(task, tool)
        out[task.id] = ordering.add(task.id, access, is_open=not known)
    return out
