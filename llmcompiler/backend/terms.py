"""On which terms the calls of one tool are made: what it declares, what the executor says otherwise, what they share.

Worked out once for each tool of a run, so that a call without any of it pays for none of it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..execution import Call
from ..options import CircuitBreaker
from ..tools import Tool
from .breakers import Breaker

if TYPE_CHECKING:
    from .executor import AsyncExecutor


class SharedBreaker(Breaker):
    """A breaker that the runs of one executor share, also from several threads."""

    def __init__(self, settings: CircuitBreaker) -> None:
        super().__init__(settings.failures, settings.seconds)
        self._lock = threading.Lock()
        self._told: set[Callable[[], None]] = set()

    @contextmanager
    def telling(self, opened: Callable[[], None]) -> Iterator[None]:
        """Within it, `opened` is called whenever the breaker opens, perhaps in another thread."""
        with self._lock:
            self._told.add(opened)
        try:
            yield
        finally:
            with self._lock:
                self._told.discard(opened)

    def enter(self, now: float) -> int | None:
        """As in `Breaker`: of two threads that ask at once, one is let through."""
        with self._lock:
            return super().enter(now)

    def failed(self, ticket: int | None, now: float) -> None:
        """As in `Breaker`; who waits to be told that it opened is told."""
        with self._lock:
            before = self.state
            super().failed(ticket, now)
            told = tuple(self._told) if self.state == "open" != before else ()
        for tell in told:
            tell()


class Terms:
    """How the calls of one tool are made in one run."""

    __slots__ = (
        "again",
        "batch",
        "breaker",
        "counted",
        "direct",
        "enters",
        "hedge",
        "limit",
        "limiter",
        "long",
        "quick",
        "retries",
        "retries_if_repeatable",
        "timeout",
        "tool",
    )

    def __init__(
        self, tool: Tool, executor: AsyncExecutor, loop: asyncio.AbstractEventLoop, *, batching: bool
    ) -> None:
        options = tool.options
        self.tool = tool
        self.timeout = tool.timeout or executor.timeout
        self.limit = tool.max_concurrency
        """Calls of this tool at once."""
        self.counted = options.counted
        """Whether its calls take a place under the caps."""
        self.limiter = executor.rates.limiter(tool, loop)
        self.breaker = executor.breaker_of(tool)
        self.batch = batching and options.batch is not None and options.max_batch > 1
        """Whether calls that are ready together are made together."""
        open_ended = (
            callable(options.effect) and options.idempotent is None
        )  # each call has an effect of its own
        self.retries = tool.retries or 0
        """Further tries of every call."""
        self.retries_if_repeatable = executor.retries if tool.retries is None else 0
        """Further tries, beside those, of calls that may be repeated."""
        wanted = executor.hedges if options.hedge is None else options.hedge
        self.hedge = wanted and (tool.idempotent or open_ended)
        """Whether a second call may be made beside a slow one that may be repeated."""
        retried = self.retries or (self.retries_if_repeatable and (tool.idempotent or open_ended))
        self.again = bool(retried) or tool.fallback is not None
        """Whether more may be done for a call whose first try failed."""
        self.long = bool(self.hedge or self.breaker or self.limiter or self.batch)
        """Whether `once` does not do for the first try of its calls."""
        self.direct = self.limiter is None and self.breaker is None and not self.batch
        """Whether a call may get in line as soon as it is ready."""
        self.enters = self.counted and self.limit is None
        """Whether its calls wait for the overall cap alone."""
        self.quick = self.direct and self.enters and not self.long
        """Whether `once` does, as soon as there is a place."""

    def retries_of(self, call: Call) -> int:
        """Further tries of `call`."""
        return self.retries or (self.retries_if_repeatable if repeatable(call, self.tool) else 0)


def repeatable(call: Call, tool: Tool) -> bool:
    """Whether `call` may be made twice by `tool`, which is its own or a fallback: declared, or pure or read."""
    if tool.idempotent:
        return True
    # What the effect function said holds for the call's own tool only.
    return tool is call.tool and tool.options.idempotent is None and call.effect in ("pure", "read")
