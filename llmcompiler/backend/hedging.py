"""Hedging: when a second call is made beside a slow first one, and how many of them. Pure; makes no call itself.

After Dean and Barroso, "The Tail at Scale", Communications of the ACM 56(2), 2013: a second request after the 95th
percentile cuts the tail for a few percent more load.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Hedging:
    """When a call that may be repeated (pure, read, idempotent) is made a second time beside itself.

    The first result counts and the other call is cancelled; one that fails leaves the other to go on. A second call
    waits for nothing: where no place under the caps or no call within the rate limit is free, there is none.

    ```python
    from llmcompiler import AsyncExecutor
    from llmcompiler.backend.hedging import Hedging

    executor = AsyncExecutor(hedge=Hedging(quantile=0.9, budget=0.1))
    ```

    Raises:
        ConfigurationError: A number out of range.
    """

    quantile: float = 0.95
    """A call is slow when it takes longer than this share of the tool's last calls took, between 0 and 1."""
    min_samples: int = 20
    """Calls of a tool that must have succeeded before any of its calls counts as slow."""
    budget: float = 0.05
    """Second calls for each first one, at most, over all tools of an executor: load grows by no more than this."""
    burst: float = 10.0
    """Second calls that may be saved up for bad moments."""
    min_delay: float = 0.001
    """Seconds a call has in any case before it counts as slow."""

    def __post_init__(self) -> None:
        if not _number(self.quantile) or not 0 < self.quantile < 1:
            raise ConfigurationError(f"Hedging(quantile={self.quantile!r}): give a share between 0 and 1")
        samples = self.min_samples
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
            raise ConfigurationError(f"Hedging(min_samples={samples!r}): give a whole number, 1 or more")
        if not _number(self.budget) or not 0 < self.budget <= 1:
            raise ConfigurationError(f"Hedging(budget={self.budget!r}): give a share above 0, at most 1")
        if not _number(self.burst) or not 1 <= self.burst < math.inf:
            raise ConfigurationError(f"Hedging(burst={self.burst!r}): give a number, 1 or more")
        if not _number(self.min_delay) or not 0 <= self.min_delay < math.inf:
            raise ConfigurationError(f"Hedging(min_delay={self.min_delay!r}): give seconds, 0 or more")


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class Allowance:
    """A bucket that every call fills by a share of a token, and a second call takes one from.

    At no time were more tokens taken than `share` of the calls told.
    """

    def __init__(self, share: float, burst: float) -> None:
        self.share = share
        self.burst = burst
        self._tokens = 0.0

    def called(self) -> None:
        """A first call is made."""
        self._tokens = min(self.burst, self._tokens + self.share)

    @property
    def any(self) -> bool:
        """Whether a second call may be made."""
        return self._tokens >= 1 - 1e-9  # twenty times 0.05 is a little less than 1

    def take(self) -> None:
        """A second call is made."""
        self._tokens -= 1
