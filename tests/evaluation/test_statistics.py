"""Intervals, tests and percentiles, against known values and by their properties."""

from __future__ import annotations

import math
import random
import statistics as std

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcompiler.evaluation.statistics import (
    BOOTSTRAP,
    MCNEMAR,
    Difference,
    mcnemar,
    paired_means,
    paired_shares,
    percentile,
    share,
    wilson,
)

counts = st.integers(0, 60)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_against_published_values(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@given(counts, counts)
def test_wilson_holds_the_share_and_mirrors(hits: int, misses: int) -> None:
    total = hits + misses
    low, high = wilson(hits, total)
    assert 0 <= low <= high <= 1
    if total:
        assert low <= hits / total <= high
        mirrored = wilson(misses, total)
        assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_share_of_single_answers_is_wilson(marks: list[bool]) -> None:
    found = share([[float(m)] for m in marks])
    assert (found.low, found.high) == pytest.approx(wilson(sum(marks), len(marks)))


def test_repeats_that_always_agree_tell_no_more_than_one_answer_each() -> None:
    once = share([[1.0], [0.0], [1.0], [1.0]])
    often = share([[1.0] * 9, [0.0] * 9, [1.0] * 9, [1.0] * 9])
    assert often.value == once.value
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_repeats_that_vary_by_chance_tell_more_than_one_answer_each() -> None:
    draw = random.Random(1)
    groups = [[float(draw.random() < 0.5) for _ in range(10)] for _ in range(30)]
    found, worst, best = share(groups), wilson(15, 30), wilson(150, 300)
    width = found.high - found.low
    assert best[1] - best[0] <= width < worst[1] - worst[0]


@given(st.lists(st.lists(st.booleans(), min_size=0, max_size=5), max_size=12))
def test_a_share_lies_in_its_interval(groups: list[list[bool]]) -> None:
    found = share([[float(m) for m in g] for g in groups])
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (0, 0, 1.0),
        (5, 0, 0.0625),
        (1, 6, 0.125),
        (5, 15, 0.04138947),  # binomial, 20 draws: 2 * P(X <= 5)
        (10, 10, 1.0),
        (8, 3, 0.2265625),
    ],
)
def test_mcnemar_against_the_binomial_distribution(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(p, abs=1e-7)
    assert mcnemar(only_b, only_a) == mcnemar(only_a, only_b)


def test_mcnemar_of_many_questions_is_a_number() -> None:
    assert 0 <= mcnemar(2_000, 2_500) < 1e-10


@given(counts, counts, counts, counts)
def test_paired_shares_hold_the_difference_and_turn_round(both: int, a: int, b: int, neither: int) -> None:
    found, turned = paired_shares(both, a, b, neither), paired_shares(both, b, a, neither)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (turned.value, turned.low, turned.high) == pytest.approx((-found.value, -found.high, -found.low))
    if n := both + a + b + neither:
        assert found.value == pytest.approx((b - a) / n)
        assert found.test == MCNEMAR


def test_paired_shares_against_newcombe_by_hand() -> None:
    # a = 36 both, b = 12 only the one, c = 2 only the other, d = 0: the intervals of 48/50 and 38/50 are
    # 0.8654-0.9890 and 0.6259-0.8570, phi is negative: (36 * 0 - 12 * 2) / sqrt(48 * 2 * 38 * 12).
    phi = -24 / math.sqrt(48 * 2 * 38 * 12)
    low_b, high_b = wilson(48, 50)
    low_a, high_a = wilson(38, 50)
    d = 0.2
    low = d - math.sqrt(
        (0.96 - low_b) ** 2 - 2 * phi * (0.96 - low_b) * (high_a - 0.76) + (high_a - 0.76) ** 2
    )
    high = d + math.sqrt(
        (0.76 - low_a) ** 2 - 2 * phi * (0.76 - low_a) * (high_b - 0.96) + (high_b - 0.96) ** 2
    )
    found = paired_shares(both=36, only_a=2, only_b=12, neither=0)
    assert (found.value, found.low, found.high) == pytest.approx((d, low, high))
    assert (found.low, found.high) == pytest.approx((0.0569, 0.3404), abs=5e-4)


def test_the_interval_of_paired_shares_covers_what_it_says() -> None:
    draw, held, rounds = random.Random(7), 0, 400
    for _ in range(rounds):
        cells = [0, 0, 0, 0]
        for _ in range(40):
            cells[draw.choices(range(4), (0.5, 0.1, 0.25, 0.15))[0]] += 1
        found = paired_shares(*cells)
        held += found.low <= 0.15 <= found.high
    assert 0.91 <= held / rounds <= 0.99


def test_no_difference_between_few_questions_is_no_certainty() -> None:
    found = paired_shares(3, 0, 0, 2)
    assert found.value == 0
    assert found.low < -0.1 < 0.1 < found.high


def test_paired_means_are_the_same_every_time_and_near_the_normal_interval() -> None:
    draw = random.Random(3)
    values = [draw.gauss(1.0, 2.0) for _ in range(200)]
    found = paired_means(values)
    assert found == paired_means(values)
    assert found.method == BOOTSTRAP
    half = 1.96 * std.stdev(values) / math.sqrt(200)
    mean = std.fmean(values)
    assert (found.value, found.low, found.high) == pytest.approx((mean, mean - half, mean + half), abs=0.06)


def test_a_difference_is_clear_where_its_interval_leaves_out_zero() -> None:
    assert Difference(0.2, 0.1, 0.3, "").clear
    assert Difference(-0.2, -0.3, -0.1, "").clear
    assert not Difference(0.2, 0.0, 0.4, "").clear


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50), st.integers(1, 99))
def test_percentiles_are_those_of_the_standard_library(values: list[float], percent: int) -> None:
    expected = std.quantiles(values, n=100, method="inclusive")[percent - 1]
    assert percentile(sorted(values), percent) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)
