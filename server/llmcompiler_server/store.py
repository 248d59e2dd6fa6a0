"""Where runs and their events are kept: what a store must do, and the one in memory. Nothing here runs anything.

Writing never waits: `save` and `append` take note and return, whatever the disk does, so that no run is ever held up by
its own record. Reading waits for what was written before it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from .problems import Problem
from .records import ENDED, RunRecord, RunStatus, StoredEvent

T = TypeVar("T")

WEIGHT = 4_000
"""Characters of an event's data that count as one event against `max_kept_events`."""
INTERRUPTED = {"code": "interrupted", "message": "the service ended before the run did; start it again"}

# `list` is a method below, and no type there.
Records = list[RunRecord]
Events = list[StoredEvent]
Page = tuple[list[RunRecord], str | None]


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What a client named its request, so that repeating it starts nothing new."""

    owner: str
    key: str
    digest: str
    """Of the request: the same key with another one is a mistake."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What came of a request that was named."""

    digest: str
    run_id: str


class RunStore(Protocol):
    """Keeps runs and events. Used from one event loop; a store of your own must keep these promises.

    What was saved or appended is seen by every read that begins later. Runs that are not over are never let go.
    """

    async def open(self) -> Records:
        """Get ready. Gives the runs that a service before this one left unfinished; they are now `interrupted`.

        Raises:
            ConfigurationError: It can not be used; the text says why, and the way out.
        """
        ...

    def save(self, record: RunRecord, key: IdempotencyKey | None = None) -> None:
        """Keep a run as it is now, in place of what was kept of it. Never waits and never raises."""
        ...

    def append(self, run_id: str, event: StoredEvent) -> None:
        """Keep the next event of a run. Never waits and never raises."""
        ...

    async def get(self, run_id: str) -> RunRecord | None:
        """A run; None where there is none, or none any more."""
        ...

    async def events(self, run_id: str, after: int, limit: int) -> Events:
        """The next events with a `seq` above `after`, in order, `limit` at most."""
        ...

    async def list(self, owner: str | None, status: RunStatus | None, limit: int, after: str | None) -> Page:
        """Runs, the newest first, and where the next page begins (None after the last).

        Args:
            owner: Only those of this key; None for all.
            status: Only those.
            limit: This many at most.
            after: What an earlier page gave. Runs that came since are on none of the pages that follow.

        Raises:
            Problem: 422 `bad-cursor`.
        """
        ...

    async def known(self, owner: str, key: str) -> KnownKey | None:
        """What an `Idempotency-Key` stands for, while it is remembered and its run is kept."""
        ...

    async def close(self) -> None:
        """Write what is not written yet, and let go."""
        ...


def read_cursor(after: str | None) -> int | None:
    """The number in what `list` gave as the next page.

    Raises:
        Problem: It is none.
    """
    if after is None:
        return None
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise Problem(
            422,
            "bad-cursor",
            "`after` is not what an earlier page gave as `next`; leave it out to begin anew",
        )
    return int(after)


@dataclass(slots=True)
class _Kept:
    number: int
    record: RunRecord
    events: list[StoredEvent] = field(default_factory=list)
    weight: int = 1
    key: tuple[str, str] | None = None


class MemoryRunStore:
    """Runs of this process, gone with it. What is over is let go, the oldest first, once there is too much.

    Args:
        max_runs: Runs that are over and kept, at most.
        max_events: Their events, at most; a large one counts as several, as does a large answer, and the run that
            ended last is kept anyhow.
        key_seconds: How long an `Idempotency-Key` is remembered.
        clock: Seconds, never set back.
    """

    def __init__(
        self,
        max_runs: int = 1_000,
        max_events: int = 200_000,
        key_seconds: float = 86_400.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_runs, self.max_events, self.key_seconds = max_runs, max_events, key_seconds
        self._clock = clock
        self._number = 0
        self._runs: dict[str, _Kept] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._weight = 0
        """Of the runs that are over."""
        self._keys: OrderedDict[tuple[str, str], tuple[KnownKey, float]] = OrderedDict()

    async def open(self) -> Records:
        """Nothing is left of an earlier process."""
        return []

    def save(self, record: RunRecord, key: IdempotencyKey | None = None) -> None:
        """Keep a run as it is now."""
        kept = self._runs.get(record.id)
        if kept is None:
            self._number += 1
            kept = self._runs[record.id] = _Kept(self._number, record)
        kept.record = replace(record)
        if key is not None:
            kept.key = (key.owner, key.key)
            self._keys[kept.key] = KnownKey(key.digest, record.id), self._clock() + self.key_seconds
            self._keys.move_to_end(kept.key)
        if record.status in ENDED and record.id not in self._ended:
            self._ended[record.id] = None
            kept.weight += _size(kept.record) // WEIGHT
            self._weight += kept.weight
            self._evict()

    def append(self, run_id: str, event: StoredEvent) -> None:
        """Keep the next event of a run; of one that was let go, nothing."""
        kept = self._runs.get(run_id)
        if kept is None:
            return
        kept.events.append(event)
        weight = 1 + len(event.data) // WEIGHT
        kept.weight += weight
        if run_id in self._ended:
            self._weight += weight

    async def get(self, run_id: str) -> RunRecord | None:
        """A run."""
        kept = self._runs.get(run_id)
        return None if kept is None else replace(kept.record)

    async def events(self, run_id: str, after: int, limit: int) -> Events:
        """The next events of a run."""
        kept = self._runs.get(run_id)
        first = max(after + 1, 0)
        return [] if kept is None else kept.events[first : first + limit]

    async def list(self, owner: str | None, status: RunStatus | None, limit: int, after: str | None) -> Page:
        """Runs, the newest first."""
        before = read_cursor(after)
        found: list[_Kept] = []
        for kept in reversed(self._runs.values()):
            if before is not None and kept.number >= before:
                continue
            if (owner is None or kept.record.owner == owner) and status in (None, kept.record.status):
                found.append(kept)
                if len(found) > limit:
                    break
        return page_of([(k.number, replace(k.record)) for k in found], limit)

    async def known(self, owner: str, key: str) -> KnownKey | None:
        """What an `Idempotency-Key` stands for."""
        now = self._clock()
        while self._keys and next(iter(self._keys.values()))[1] <= now:
            self._keys.popitem(last=False)
        found = self._keys.get((owner, key))
        return None if found is None else found[0]

    async def close(self) -> None:
        """Nothing to write."""

    def _evict(self) -> None:
        while len(self._ended) > 1 and (len(self._ended) > self.max_runs or self._weight > self.max_events):
            run_id, _ = self._ended.popitem(last=False)
            gone = self._runs.pop(run_id)
            self._weight -= gone.weight
            if gone.key is not None and (known := self._keys.get(gone.key)) and known[0].run_id == run_id:
                del self._keys[gone.key]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self._runs)} runs>"


def _size(record: RunRecord) -> int:
    """Characters of what is kept of a run beside its events, about."""
    texts = len(record.input) + sum(len(k) + len(v) for k, v in record.metadata.items())
    return texts + sum(_characters(value) for value in (record.output, record.result))


def _characters(value: Any) -> int:
    """Those of the texts in a JSON value, and a few for each of its other parts: what it takes in memory, about."""
    count, left = 0, [value]
    while left:
        v = left.pop()
        if isinstance(v, str):
            count += len(v)
        elif isinstance(v, dict):
            count += sum(len(str(key)) for key in v)
            left.extend(v.values())
        elif isinstance(v, list):
            left.extend(v)
        count += 8
    return count


def page_of(found: Sequence[tuple[int, T]], limit: int) -> tuple[list[T], str | None]:
    """A page of numbered runs, of which there may be one more than `limit`, to tell whether another page follows."""
    following = str(found[limit - 1][0]) if len(found) > limit else None
    return [record for _, record in found[:limit]], following


__all__ = [
    "INTERRUPTED",
    "Events",
    "IdempotencyKey",
    "KnownKey",
    "MemoryRunStore",
    "Page",
    "Records",
    "RunStore",
    "page_of",
    "read_cursor",
]
