"""The statistics of an evaluation: shares with intervals, paired differences, percentiles. Pure, and always the same.

Whatever draws at random does so from a fixed seed. Nothing here knows what is measured.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution: for intervals of 95 %."""
SEED = 20_231_207
RESAMPLES = 2_000

NEWCOMBE = "Newcombe's score interval for paired shares"
BOOTSTRAP = f"paired bootstrap over questions, {RESAMPLES:,} resamples, seed {SEED}"
MCNEMAR = "exact McNemar test"


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its interval of 95 %."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """JSON form."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Difference:
    """How much larger something is in B than in A, over the same questions, with an interval of 95 %."""

    value: float
    low: float
    high: float
    method: str
    """How the interval was made."""
    p: float | None = None
    """How likely so large a difference is by chance, where a test was made."""
    test: str | None = None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def to_dict(self) -> dict[str, float | str | bool | None]:
        """JSON form."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "method": self.method,
            "p": self.p,
            "test": self.test,
            "clear": self.clear,
        }


def wilson(hits: float, total: float) -> tuple[float, float]:
    """The Wilson score interval of a share, 95 %; (0, 1) where there is nothing to count.

    `hits` and `total` need not be whole: see `share`.
    """
    if total <= 0:
        return 0.0, 1.0
    p, z2 = hits / total, Z * Z
    middle = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = Z * math.sqrt(p * (1 - p) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    # At both ends the interval touches the estimate exactly; rounding must not put it beside.
    low = 0.0 if p <= 0 else max(0.0, middle - half)
    high = 1.0 if p >= 1 else min(1.0, middle + half)
    return low, high


def share(groups: Sequence[Sequence[float]]) -> Interval:
    """The mean of marks between 0 and 1 with a Wilson interval; each group holds the marks of one question.

    Answers to one question resemble each other, so that 10 questions asked 5 times tell less than 50 questions: the
    interval is that of as many independent answers as vary as much as the questions do, at least one a question.
    """
    marks = [m for group in groups for m in group]
    if not marks:
        return Interval(0.0, 0.0, 1.0)
    p = sum(marks) / len(marks)
    low, high = wilson(p * (n := _independent(groups, p, len(marks))), n)
    return Interval(p, min(low, p), max(high, p))


def _independent(groups: Sequence[Sequence[float]], p: float, count: int) -> float:
    filled = [g for g in groups if g]
    k = len(filled)
    if k == count or k < 2 or not 0 < p < 1:
        return float(k)
    # Variance of a ratio of sums over groups (Cochran, Sampling Techniques, 2.11), against that of single answers.
    spread = sum((sum(g) - p * len(g)) ** 2 for g in filled) * k / (k - 1) / count**2
    return float(count) if spread <= 0 else min(float(count), max(float(k), p * (1 - p) / spread))


def mcnemar(only_a: int, only_b: int) -> float:
    """The two-sided p-value of the exact McNemar test, from the questions that only A, and only B, got right."""
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    # Whole numbers divided: 2**n is no float for large n.
    scale: int = 10**18
    return min(1.0, float(2 * tail * scale // (1 << n)) / scale)


def paired_shares(both: int, only_a: int, only_b: int, neither: int) -> Difference:
    """The share of B less that of A, where both answered the same questions.

    The interval is Newcombe's method 10 (Statistics in Medicine 17, 1998, 2635-2650), which stays sensible for few
    questions and for differences of 0; the p-value is that of the exact McNemar test.
    """
    n = both + only_a + only_b + neither
    if n == 0:
        return Difference(0.0, -1.0, 1.0, NEWCOMBE, None, None)
    pa, pb = (both + only_a) / n, (both + only_b) / n
    low_a, high_a = wilson(both + only_a, n)
    low_b, high_b = wilson(both + only_b, n)
    phi = _correlation(both, only_a, only_b, neither)
    down_b, up_b, down_a, up_a = pb - low_b, high_b - pb, pa - low_a, high_a - pa
    d = pb - pa
    low = d - math.sqrt(max(0.0, down_b**2 - 2 * phi * down_b * up_a + up_a**2))
    high = d + math.sqrt(max(0.0, up_b**2 - 2 * phi * up_b * down_a + down_a**2))
    return Difference(d, max(-1.0, low), min(1.0, high), NEWCOMBE, mcnemar(only_a, only_b), MCNEMAR)


def _correlation(both: int, only_a: int, only_b: int, neither: int) -> float:
    n = both + only_a + only_b + neither
    product = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if product == 0:
        return 0.0
    # With a correction for continuity where it is positive, as in the paper.
    cross = float(both * neither - only_a * only_b)
    if cross > 0:
        cross = max(cross - n / 2, 0.0)
    return cross / math.sqrt(product)


def paired_means(differences: Sequence[float]) -> Difference:
    """The mean of differences, one a question, with the percentile interval of a bootstrap over questions."""
    n = len(differences)
    if n == 0:
        return Difference(0.0, -math.inf, math.inf, BOOTSTRAP)
    mean = math.fsum(differences) / n
    draw = random.Random(SEED)  # noqa: S311 - statistics need no secrets, but the same numbers every time
    means = sorted(math.fsum(draw.choices(differences, k=n)) / n for _ in range(RESAMPLES))
    return Difference(mean, percentile(means, 2.5), percentile(means, 97.5), BOOTSTRAP)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """A percentile of values in ascending order, between two neighbours in proportion.

    Raises:
        ValueError: There are no values.
    """
    if not ordered:
        raise ValueError("percentile of nothing")
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
