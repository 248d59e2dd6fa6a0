"""Rate limits: one limiter for each tool or shared name, in each event loop. How fast they let through is aiolimiter's.

A limit is a leaky bucket: `calls` at once after a pause, and `calls` in each `seconds` over time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..errors import ConfigurationError
from ..options import RateLimit
from ..tools import Tool

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter


def check_rates(tools: Iterable[Tool]) -> None:
    """Every limit of one name, among tools and their fallbacks, says the same.

    Raises:
        ConfigurationError: Two tools share a limit by name and disagree about it.
    """
    known: dict[str, tuple[Tool, RateLimit]] = {}
    for tool in tools:
        for one in (tool, *tool.fallbacks):
            limit = one.options.rate_limit
            if isinstance(limit, RateLimit) and limit.name is not None:
                first, same = known.setdefault(limit.name, (one, limit))
                if same != limit:
                    raise _disagree(limit.name, f"`{first.name}` says", same, f"`{one.name}`", limit)


def _disagree(name: str, who: str, first: RateLimit, other: str, limit: RateLimit) -> ConfigurationError:
    return ConfigurationError(
        f"the rate limit {name!r} is one for all its tools: {who} {first.calls:g} calls in {first.seconds:g} s, "
        f"{other} {limit.calls:g} in {limit.seconds:g} s; make them the same, or give one another name"
    )


class Limiter:
    """Lets calls through at the pace of one rate limit, in one event loop, in the order of asking."""

    __slots__ = ("_bucket", "_pace")

    def __init__(self, bucket: AsyncLimiter, pace: _Pace) -> None:
        self._bucket = bucket
        self._pace = pace

    @property
    def free(self) -> bool:
        """Whether a call would not have to wait."""
        return self._bucket.has_capacity()

    async def wait(self) -> None:
        """Return when a call may be made. One that is cancelled while it waits leaves nothing behind."""
        await self._bucket.acquire()
        self._pace.called(asyncio.get_running_loop().time())


class _Pace:
    """One limit in every event loop. The limiter of a loop that begins goes on where others left it."""

    __slots__ = ("_at", "_level", "_limiters", "limit")

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._limiters: dict[asyncio.AbstractEventLoop, Limiter] = {}
        self._level = 0.0  # how full the bucket is, over all loops
        self._at = 0.0  # and when

    def limiter(self, loop: asyncio.AbstractEventLoop) -> Limiter:
        found = self._limiters.get(loop)
        if found is None:
            # A copy of the keys, since runs in other threads add theirs.
            for stale in [other for other in list(self._limiters) if other.is_closed()]:
                self._limiters.pop(stale, None)
            found = self._limiters[loop] = Limiter(_bucket(self.limit, self._full(loop.time())), self)
        return found

    def called(self, now: float) -> None:
        self._level, self._at = self._full(now) + 1, now

    def _full(self, now: float) -> float:
        passed = now - self._at
        if passed < 0:  # the clock of another loop, with a time of its own: nothing is known
            return 0.0
        return max(0.0, self._level - passed * self.limit.calls / self.limit.seconds)


class Rates:
    """The limits of one executor's tools."""

    def __init__(self) -> None:
        self._named: dict[str, _Pace] = {}
        self._own: WeakKeyDictionary[Tool, _Pace] = WeakKeyDictionary()

    def limiter(self, tool: Tool, loop: asyncio.AbstractEventLoop) -> Limiter | None:
        """The limiter of a tool in the running event loop; None for a tool without a limit.

        Raises:
            ConfigurationError: Another tool has a limit of the same name that says something else.
        """
        limit = tool.options.rate_limit
        if not isinstance(limit, RateLimit):
            return None
        if limit.name is None:
            pace = self._own.setdefault(tool, _Pace(limit))
        else:
            pace = self._named.setdefault(limit.name, _Pace(limit))
            if pace.limit != limit:
                raise _disagree(limit.name, "another tool says", pace.limit, f"`{tool.name}`", limit)
        return pace.limiter(loop)


def _bucket(limit: RateLimit, level: float) -> AsyncLimiter:
    from aiolimiter import AsyncLimiter  # only where a tool has a limit: imports stay quick

    calls, seconds = limit.calls, limit.seconds
    if calls < 1:  # a bucket that holds less than one call would never let one through
        calls, seconds = 1.0, seconds / calls
    bucket = AsyncLimiter(calls, seconds)
    if level > 0:
        _now(bucket.acquire, min(level, calls))
    return bucket


def _now(acquire: Callable[[float], Coroutine[Any, Any, None]], amount: float) -> None:
    # There is always enough in a new bucket: this never waits.
    try:
        acquire(amount).send(None)
    except StopIteration:
        return
