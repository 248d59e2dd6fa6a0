"""Which calls need not be made, because an identical one was made, is under way, or is in the result cache.

One `Sharing` serves all runs of a compiler. Only pure and read calls are shared, only between calls of one tool object
with the same arguments, and reads only where nothing they look at was changed between them. Nothing here makes calls:
the driver says which one is about to start and which one ended.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cachetools import LRUCache

from .._jsonable import describe_error
from ..effects import Access
from ..errors import LimitExceeded
from ..outcomes import Failed, Outcome, Succeeded
from ..result import Via
from .cache import Cache, Codec, check_ttl
from .canonical import NotCanonical
from .copies import NotCopyable, independent, size_of
from .epochs import Epochs
from .keys import CallKey, cache_key_of, call_key, in_its_run, names_of, warn

if TYPE_CHECKING:
    from ..driver import Call, Driver
    from ..tools import Tool

logger = logging.getLogger("llmcompiler")

CONSTANTS = 1_024
"""Values of pure calls that are kept."""
LARGEST_CONSTANT = 64 * 1024
"""Bytes such a value may take, about."""
MEMO = 10_000
"""Calls that are remembered for each run."""
PARTS = 10_000
"""Parts that a value may have to be kept: copying more holds up the event loop for longer than it may save."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_UNKNOWN = object()

Go = Callable[["Call"], None]


@dataclass(slots=True)
class SharingStats:
    """How often calls were saved, since the compiler was made."""

    hits: int = 0
    """Found in the result cache."""
    misses: int = 0
    """Looked for there and not found."""
    merged: int = 0
    """Took over the outcome of an identical call."""
    constants: int = 0
    """Pure calls whose value was known."""


class _Kept(NamedTuple):
    value: Any
    at: float
    """When, in seconds since the run began."""


class _Write:
    """Set on a call that changes something: its end is a change, too."""

    __slots__ = ("access", "names")

    def __init__(self, access: Access, names: list[str] | None) -> None:
        self.access = access
        self.names = names


class _Flight:
    """A call under way, and those that wait for its outcome instead of being made."""

    __slots__ = ("cache_key", "followers", "key", "leader", "place")

    def __init__(self, key: CallKey, leader: Call, cache_key: str | None) -> None:
        self.key = key
        self.leader = leader
        self.cache_key = cache_key
        self.place: Hashable = None
        """Where it stands in the table of those that others may follow."""
        self.followers: dict[Call, Go] = {}


class Sharing:
    """Takes over calls that need not be made.

    Args:
        cache: Keeps results from run to run; None for none.
        fold: Whether pure calls made before are constants.
        merge: Whether identical calls are made once.
        ttl: Seconds a cached result is good for, where its tool says nothing; None leaves it to the cache.

    Raises:
        ConfigurationError: `ttl` is not above 0.
    """

    def __init__(
        self, cache: Cache | None = None, *, fold: bool = True, merge: bool = True, ttl: float | None = None
    ) -> None:
        check_ttl(ttl)
        self.cache = cache
        self.fold = fold
        self.merge = merge
        self.ttl = ttl
        self.stats = SharingStats()
        self._lock = threading.Lock()
        self._epochs = Epochs()
        self._constants: LRUCache[CallKey, Any] = LRUCache(CONSTANTS)
        self._codecs: dict[Tool, Codec] = {}
        # By event loop: a call may be finished in the loop of its own run only.
        self._flights: dict[Hashable, _Flight] = {}

    # -- what the driver says --------------------------------------------------------

    def start(self, call: Call, go: Go) -> bool:
        """A call is about to be made; its arguments, effect and access are known.

        Args:
            call: The call.
            go: Makes it, should it be needed later after all.

        Returns:
            Whether it is taken over: it has its outcome already, or gets that of an identical call. Otherwise the
            caller has to make it, and to say `ended(call)` at its end if `call.share` is set.

        Raises:
            ToolError: The tool's `vary` function raised, or gave something that is not hashable.
        """
        access = call.access
        if access is None or call.effect is None:
            return False
        if access.writes is None or access.writes:
            self._write(call, access)
            return False
        if call.effect == "write" or call.approval or not self._is_on(call):
            return False
        with self._lock:
            epoch = self._epochs.of(access.reads)
        key = call_key(call, access, epoch)
        if key is None:
            return False
        if self._known(call, key) or (self.merge and self._follow(call, key, go)):
            return True
        cache, cache_key = self.cache, None
        if cache is not None and key.tool.options.cache is not False:
            cache_key = cache_key_of(cache, key)
            if cache_key is not None and self._hit(cache, cache_key, call, key.tool):
                return True
        flight = call.share = _Flight(key, call, cache_key)
        if self.merge:
            flight.place = call.driver.home, key
            self._flights[flight.place] = flight
        return False

    def ended(self, call: Call) -> None:
        """A call whose `share` is set has its outcome."""
        share, call.share = call.share, None
        if isinstance(share, _Write):
            self._changed(share)
        elif isinstance(share, _Flight):
            if share.leader is not call:
                share.followers.pop(call, None)
            elif _is_final(call.outcome):
                self._land(share, call)
            else:
                self._hand_over(share)

    def _is_on(self, call: Call) -> bool:
        return self.merge or (self.fold and call.effect == "pure") or self.cache is not None

    # -- calls that are taken over -----------------------------------------------------

    def _known(self, call: Call, key: CallKey) -> bool:
        """Finish a call whose value is a constant, or that was made in this run."""
        if self.fold and call.effect == "pure":
            with self._lock:
                known = self._constants.get(key, _UNKNOWN)
            if known is not _UNKNOWN:
                self.stats.constants += 1
                self._finish(call, Succeeded(independent(known)), "constant")
                return True
        if self.merge:
            kept: _Kept | None = call.driver.memo.get(key)
            if kept is not None and _is_fresh(kept, call, key.tool):
                self.stats.merged += 1
                self._finish(call, Succeeded(independent(kept.value)), "merged")
                return True
        return False

    def _follow(self, call: Call, key: CallKey, go: Go) -> bool:
        flight = self._flights.get((call.driver.home, key))
        if flight is None:
            return False
        outer = call.driver.within
        while outer is not None:
            if outer is flight.leader.driver:  # it may be what that call waits for
                return False
            outer = outer.within
        flight.followers[call] = go
        call.share = flight
        return True

    def _hit(self, cache: Cache, cache_key: str, call: Call, tool: Tool) -> bool:
        try:
            entry = cache.get(cache_key, self._codec(tool))
        except Exception as e:  # of a back end of the user's own
            warn("get", e)
            entry = None
        call.cache = "miss" if entry is None else "hit"
        if entry is None:
            self.stats.misses += 1
            return False
        self.stats.hits += 1
        self._finish(call, Succeeded(entry.value), "cache")
        return True

    def _finish(self, call: Call, outcome: Outcome, via: Via) -> None:
        call.via = via
        call.arguments = _NOTHING  # let go of, as those of a call that was made
        call.finish(outcome)

    # -- calls that were made ------------------------------------------------------------

    def _land(self, flight: _Flight, leader: Call) -> None:
        """The leader has the outcome that holds for its followers, too."""
        self._flights.pop(flight.place, None)
        outcome = leader.outcome
        followers = flight.followers
        flight.followers = {}
        if isinstance(outcome, Succeeded) and leader.via != "fallback":
            self._keep(
                flight, leader, outcome.value, {leader.driver: None, **{c.driver: None for c in followers}}
            )
        for call, go in followers.items():
            call.share = None
            if call.outcome is not None:
                continue
            if isinstance(outcome, Succeeded):
                try:
                    own: Outcome = Succeeded(independent(outcome.value))
                except NotCopyable:
                    self._make(call, go)
                    continue
            else:
                assert isinstance(outcome, Failed)
                own = Failed(_own_error(outcome.error))
            self.stats.merged += 1
            in_its_run(call, self._finish, call, own, "merged")

    def _hand_over(self, flight: _Flight) -> None:
        """The leader ended because its run did, or nobody needs it: the next call is made after all."""
        gone = flight.leader.driver
        waiting = [c for c in flight.followers if c.outcome is None]
        if not waiting:
            self._flights.pop(flight.place, None)
            return
        # The leader's run is about to end its other calls, too.
        call = next((c for c in waiting if c.driver is not gone), waiting[0])
        go = flight.followers.pop(call)
        flight.leader = call
        self._make(call, go)

    def _make(self, call: Call, go: Go) -> None:
        try:
            in_its_run(call, go, call)
        except Exception as e:  # as where the driver starts a call
            in_its_run(call, call.finish, Failed(e))

    def _keep(self, flight: _Flight, leader: Call, value: Any, drivers: Mapping[Driver, None]) -> None:
        """Remember a value for calls to come."""
        key = flight.key
        if flight.cache_key is not None:
            self._put(key.tool, flight.cache_key, value)
        fold = self.fold and leader.effect == "pure"
        if not fold and not self.merge:
            return
        try:
            kept = independent(value, PARTS)
        except NotCopyable:
            return
        if self.merge:
            for driver in drivers:
                memo = driver.memo
                if len(memo) >= MEMO:
                    memo.pop(next(iter(memo)))
                memo[key] = _Kept(kept, driver.now())
        if fold:
            size = size_of(kept, PARTS)
            if size is not None and size <= LARGEST_CONSTANT:
                with self._lock:
                    self._constants[key] = kept

    def _put(self, tool: Tool, cache_key: str, value: Any) -> None:
        cache = self.cache
        if cache is None:
            return
        declared = tool.options.cache
        seconds = self.ttl if declared is None or isinstance(declared, bool) else float(declared)
        try:
            cache.put(cache_key, value, self._codec(tool), seconds)
        except Exception as e:  # of a back end of the user's own
            warn("put", e)

    def _codec(self, tool: Tool) -> Codec:
        codec = self._codecs.get(tool)
        if codec is None:
            codec = self._codecs[tool] = Codec.of(tool.func)
        return codec

    def late(self, call: Call) -> None:
        """A write whose outcome was told already has really ended now; may come from another thread."""
        access = call.access
        if access is not None and (access.writes is None or access.writes):
            self._changed(self._named(access))

    # -- changes ---------------------------------------------------------------------------

    def _write(self, call: Call, access: Access) -> None:
        """A write begins: what was read until now, and what is being read, is of the past."""
        if not self.merge and self.cache is None:
            return
        call.share = self._named(access)
        self._changed(call.share)

    def _named(self, access: Access) -> _Write:
        try:
            return _Write(access, names_of(access.writes))
        except NotCanonical:  # no name: it counts as a change of everything in the cache
            return _Write(access, None)

    def _changed(self, write: _Write) -> None:
        with self._lock:
            self._epochs.bump(write.access.writes)
        cache = self.cache
        if cache is None:
            return
        try:
            cache.bump(write.names)
        except Exception as e:  # of a back end of the user's own
            self.cache = None
            logger.error(
                "the result cache could not note a change and is not used any more: %s", describe_error(e)
            )


def _is_final(outcome: Outcome | None) -> bool:
    """Whether an outcome is that of the call, not of the run that made it."""
    if isinstance(outcome, Failed):
        return not isinstance(outcome.error, LimitExceeded)
    return isinstance(outcome, Succeeded)


def _is_fresh(kept: _Kept, call: Call, tool: Tool) -> bool:
    """Whether what the run has seen may be seen again: a tool may say for how long, and pure calls never age."""
    cache = tool.options.cache
    if call.effect == "pure" or cache is None or cache is True:
        return True
    return cache is not False and call.driver.now() - kept.at < cache


def _own_error(error: Exception) -> Exception:
    """A copy, where one can be made: what is noted on an error of one run should not show on that of another."""
    try:
        made = type(error).__new__(type(error), *error.args)
        made.__dict__.update(error.__dict__)
        made.__cause__, made.__context__ = error.__cause__, error.__context__
        made.__suppress_context__ = error.__suppress_context__
        made.__traceback__ = error.__traceback__
        if made.args == error.args and str(made) == str(error):
            return made
    except Exception:  # an exception of the user's own that is made in another way
        return error
    return error
