"""The executor used by default: its settings, and what is shared by all its runs. A run's calls are in `host`."""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from ..admission import Admission
from ..driver import Call, Driver, Executor
from ..errors import ConfigurationError
from ..latencies import Latencies
from ..tools import Tool
from .hedging import Allowance, Hedging
from .host import Host, Shared, clock_of, host_of
from .rates import Rates
from .terms import SharedBreaker
from .threads import ThreadPool


class AsyncExecutor(Executor):
    """Makes calls in asyncio: async tools in the loop, sync tools in threads with context variables carried over.

    One executor may serve many runs at once; its caps hold over all that share an event loop. Rate limits and circuit
    breakers of tools hold over all its runs, one after the other and at once.

    Args:
        max_concurrency: Calls at once, over all tools; None for no cap.
        timeout: Seconds for one try of a tool that sets none itself; None for no timeout.
        retries: Further tries of pure, read and idempotent tools after a transient error. A tool's own `retries=` wins.
        block_warning: Seconds an async tool may hold up the event loop before that is reported.
        grace: Seconds to wait, at the end of a run, for cancelled calls to end.
        hedge: Whether calls that may be repeated (pure, read, idempotent) are made a second time beside themselves when
            they are slower than most: True, or a `Hedging` that says when. A tool's own `hedge=` wins.

    Raises:
        ConfigurationError: A number out of range.
    """

    def __init__(
        self,
        *,
        max_concurrency: int | None = 16,
        timeout: float | None = 60.0,
        retries: int = 2,
        block_warning: float = 0.1,
        grace: float = 2.0,
        hedge: bool | Hedging = False,
    ) -> None:
        if max_concurrency is not None and not _is_whole(max_concurrency, 1):
            raise ConfigurationError(
                f"max_concurrency={max_concurrency!r}: give a whole number, 1 or more, or None"
            )
        if timeout is not None and not _is_above_zero(timeout):
            raise ConfigurationError(f"timeout={timeout!r}: give seconds above 0, or None for no timeout")
        if not _is_whole(retries, 0):
            raise ConfigurationError(f"retries={retries!r}: give a whole number, 0 or more")
        for name, seconds in (("block_warning", block_warning), ("grace", grace)):
            if not _is_above_zero(seconds):
                raise ConfigurationError(f"{name}={seconds!r}: give seconds above 0")
        self.max_concurrency = max_concurrency
        self.timeout = timeout
        self.retries = retries
        self.block_warning = block_warning
        self.grace = grace
        if not isinstance(hedge, (bool, Hedging)):
            raise ConfigurationError(f"hedge={hedge!r}: give True, False or a Hedging(...)")
        self.hedges = hedge is not False
        """Whether slow calls get a second one where the tool does not say."""
        self.hedging = hedge if isinstance(hedge, Hedging) else Hedging()
        self.allowance = Allowance(self.hedging.budget, self.hedging.burst)
        self.latencies = Latencies(min_count=self.hedging.min_samples)
        """Of single tries that succeeded, of tools that are hedged."""
        self.rates = Rates()
        self._breakers: WeakKeyDictionary[Tool, SharedBreaker] = WeakKeyDictionary()
        self.threads = ThreadPool()
        self._loops: dict[asyncio.AbstractEventLoop, Shared] = {}

    def clock(self) -> Callable[[], float]:
        """The clock of the running event loop."""
        return clock_of(asyncio.get_running_loop())

    def breaker_of(self, tool: Tool) -> SharedBreaker | None:
        """The circuit breaker of a tool, one for all runs; None for a tool without."""
        settings = tool.options.breaker
        if settings is None:
            return None
        return self._breakers.setdefault(tool, SharedBreaker(settings))

    def slow_after(self, tool: Tool) -> float | None:
        """Seconds after which a call of `tool` gets a second one beside it; None while too little is known of it."""
        slow = self.latencies.quantile(tool.name, self.hedging.quantile)
        return None if slow is None else max(slow, self.hedging.min_delay)

    def begin(self, driver: Driver) -> None:
        """A run begins in the running event loop."""
        loop = asyncio.get_running_loop()
        shared = self._loops.get(loop)
        if shared is None:
            # Loops that were closed in the middle of a run; a copy, since runs in other threads add theirs.
            for stale in [other for other in list(self._loops) if other.is_closed()]:
                self._loops.pop(stale, None)
            shared = self._loops[loop] = Shared(loop, Admission(self.max_concurrency))
        driver.host = Host(self, shared, contextvars.copy_context(), batching=driver.passes.batch)
        shared.runs += 1

    def start(self, call: Call) -> None:
        """Begin the call when caps allow it."""
        host_of(call).start(call)

    def cancel(self, calls: Sequence[Call]) -> None:
        """Stop calls that run, take others out of the line."""
        if calls:
            host_of(calls[0]).cancel(calls)

    def rerank(self, driver: Driver) -> None:
        """The plan is complete: calls in line were ranked by a part of it."""
        host: Host = driver.host
        if host.shared.admission.waiting and driver.ranks.refresh():
            host.shared.admission.rerank(driver.rank, driver)

    async def end(self, driver: Driver) -> None:
        """Wait until none of the run's asyncio tasks is left."""
        host: Host = driver.host
        shared = host.shared
        try:
            await host.end()
        finally:
            shared.runs -= 1
            if not shared.runs:
                shared.timers.clear()
                self._loops.pop(shared.loop, None)
                self.threads.shrink()


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_above_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf
