"""How long the calls of each tool take, learned from the calls made. Pure: it is told seconds and knows no clock.

Nothing here schedules, hedges or predicts a plan; those ask.
"""

from __future__ import annotations

import math

from .errors import ConfigurationError

_WINDOW = 128
_FRESH = 32
"""Up to so many calls a quantile is worked out anew after each."""
_STALE = 8
"""Beyond that, after so many."""


class Latencies:
    """Running figures of how long calls take, by tool.

    One object may be told by several threads at once: a lost update changes a figure a little and breaks nothing.

    Args:
        alpha: Weight of the newest call in the moving average, above 0 and at most 1. The first calls weigh as much as
            their number says, so that the average is right from the first call on.
        min_count: Calls of a tool before its quantiles are told.
        max_tools: Tools remembered; beyond that, the one known longest is forgotten.

    Raises:
        ConfigurationError: A number out of range.

    ```python
    from llmcompiler.latencies import Latencies

    latencies = Latencies()
    latencies.observe("search", 0.2)
    assert latencies.estimate("search") == 0.2
    assert latencies.estimate("fetch") is None
    ```
    """

    def __init__(self, *, alpha: float = 0.2, min_count: int = 20, max_tools: int = 1_000) -> None:
        if isinstance(alpha, bool) or not 0 < alpha <= 1:
            raise ConfigurationError(f"Latencies(alpha={alpha!r}): give a number above 0, at most 1")
        for name, number in (("min_count", min_count), ("max_tools", max_tools)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ConfigurationError(f"Latencies({name}={number!r}): give a whole number, 1 or more")
        self.alpha = alpha
        self.min_count = min_count
        self.max_tools = max_tools
        self._tools: dict[str, _Figures] = {}

    def observe(self, tool: str, seconds: float) -> None:
        """A call of `tool` took so long. What is no time (negative, NaN, infinite) is not counted."""
        if not 0.0 <= seconds < math.inf:
            return
        f = self._tools.get(tool)
        if f is None:
            f = self._new(tool)
        alpha = self.alpha
        # Of all weight given so far; the average is divided by it, which is the correction for the first calls.
        f.weight = weight = (1.0 - alpha) * f.weight + alpha
        f.mean += (alpha / weight) * (seconds - f.mean)
        window = f.window
        if len(window) < _WINDOW:
            window.append(seconds)
        else:
            window[f.count % _WINDOW] = seconds
        f.count += 1

    def _new(self, tool: str) -> _Figures:
        while len(self._tools) >= self.max_tools:
            # A list first: another thread may add a tool between two steps of an iterator.
            self._tools.pop(list(self._tools)[0], None)  # noqa: RUF015
        return self._tools.setdefault(tool, _Figures())

    def estimate(self, tool: str) -> float | None:
        """Seconds that a call of `tool` is expected to take: the moving average; None where none was made."""
        f = self._tools.get(tool)
        return f.mean if f is not None and f.count else None

    def count(self, tool: str) -> int:
        """Calls of `tool` that were counted."""
        f = self._tools.get(tool)
        return 0 if f is None else f.count

    def quantile(self, tool: str, q: float) -> float | None:
        """Seconds within which a share `q` (0 to 1) of the last 128 calls of `tool` ended; None for too few calls.

        It follows the tool: of a busy one, it is worked out anew every few calls.

        Raises:
            ValueError: `q` is not between 0 and 1.
        """
        if not 0.0 <= q <= 1.0:
            raise ValueError(f"q={q!r}: give a share between 0 and 1")
        f = self._tools.get(tool)
        if f is None or f.count < self.min_count:
            return None
        count = f.count
        if count - f.sorted_at >= (1 if count <= _FRESH else _STALE) or not f.ordered:
            f.ordered = sorted(f.window[:])
            f.sorted_at = count
        ordered = f.ordered
        return ordered[max(0, math.ceil(q * len(ordered)) - 1)]

    def overall(self) -> float | None:
        """What to expect of a tool never called: the mean over the tools that were; None if none was."""
        known = [f.mean for f in list(self._tools.values()) if f.count]
        return sum(known) / len(known) if known else None

    def __repr__(self) -> str:
        return f"<Latencies of {len(self._tools)} tools>"


class _Figures:
    __slots__ = ("count", "mean", "ordered", "sorted_at", "weight", "window")

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.weight = 0.0
        self.window: list[float] = []
        self.ordered: list[float] = []
        self.sorted_at = 0
