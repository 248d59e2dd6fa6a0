"""What is learned of tools' latencies: averages, quantiles, bounds."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcompiler.errors import ConfigurationError
from llmcompiler.latencies import Latencies

SECONDS = st.floats(0, 1e6)


def test_nothing_is_known_of_a_tool_never_called() -> None:
    latencies = Latencies()
    assert latencies.estimate("a") is None
    assert latencies.quantile("a", 0.95) is None
    assert latencies.overall() is None
    assert latencies.count("a") == 0


def test_the_first_call_is_the_estimate_and_the_second_weighs_nearly_as_much() -> None:
    latencies = Latencies(alpha=0.2)
    latencies.observe("a", 1.0)
    assert latencies.estimate("a") == 1.0
    latencies.observe("a", 2.0)
    assert latencies.estimate("a") == pytest.approx((0.8 * 1 + 2) / 1.8)


def test_the_average_follows_a_tool_that_becomes_slow() -> None:
    latencies = Latencies()
    for seconds in [0.1] * 100 + [5.0] * 15:
        latencies.observe("a", seconds)
    estimate = latencies.estimate("a")
    assert estimate is not None
    assert 4.7 < estimate < 5.0


@given(st.lists(SECONDS, min_size=1))
def test_the_average_lies_between_the_extremes(times: list[float]) -> None:
    latencies = Latencies()
    for seconds in times:
        latencies.observe("a", seconds)
    estimate = latencies.estimate("a")
    assert estimate is not None
    assert min(times) <= estimate * (1 + 1e-9)
    assert estimate <= max(times) * (1 + 1e-9)


@given(st.lists(SECONDS, min_size=1, max_size=32), st.floats(0, 1))
def test_a_quantile_is_a_time_that_the_share_of_calls_kept_to(times: list[float], q: float) -> None:
    latencies = Latencies(min_count=1)
    for seconds in times:
        latencies.observe("a", seconds)
    found = latencies.quantile("a", q)
    assert found in times
    assert found is not None
    assert sum(t <= found for t in times) >= q * len(times) - 1e-9
    assert sum(t < found for t in times) <= q * len(times)


def test_a_quantile_needs_enough_calls_and_forgets_old_ones() -> None:
    latencies = Latencies(min_count=20)
    for _ in range(19):
        latencies.observe("a", 9.0)
    assert latencies.quantile("a", 0.95) is None
    latencies.observe("a", 9.0)
    assert latencies.quantile("a", 0.95) == 9.0
    for k in range(128 + 8):
        latencies.observe("a", 1.0)
        latencies.quantile("a", 0.95)
        if k == 30:
            assert latencies.quantile("a", 0.95) == 9.0, "a fifth of them are slow"
    assert latencies.quantile("a", 1.0) == 1.0


def test_a_quantile_is_never_far_behind() -> None:
    latencies = Latencies()
    for k in range(1, 1000):
        latencies.observe("a", float(k))
        if k >= 20:
            found = latencies.quantile("a", 1.0)
            assert found is not None
            assert found > k - 8


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_what_is_no_time_is_not_counted(seconds: float) -> None:
    latencies = Latencies()
    latencies.observe("a", seconds)
    assert latencies.count("a") == 0
    assert latencies.estimate("a") is None


def test_the_number_of_tools_is_bounded() -> None:
    latencies = Latencies(max_tools=3)
    for k in range(1000):
        latencies.observe(f"tool{k}", 1.0)
    assert [n for n in range(1000) if latencies.count(f"tool{n}")] == [997, 998, 999]


def test_an_unknown_tool_counts_as_the_mean_of_the_others() -> None:
    latencies = Latencies()
    for _ in range(50):
        latencies.observe("quick", 1.0)
    latencies.observe("slow", 3.0)
    assert latencies.overall() == pytest.approx(2.0)


def test_several_threads_may_tell_and_ask() -> None:
    latencies = Latencies(max_tools=4, min_count=1)
    wrong: list[BaseException] = []
    go = threading.Barrier(4)

    def work(k: int) -> None:
        try:
            go.wait(10)
            for n in range(3000):
                latencies.observe(f"tool{(n + k) % 6}", 1.0)
                for value in (latencies.estimate("tool1"), latencies.quantile("tool2", 0.9)):
                    assert value is None or value == pytest.approx(1.0)
                latencies.overall()
        except BaseException as e:
            wrong.append(e)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not wrong


@pytest.mark.parametrize(
    "options", [{"alpha": 0}, {"alpha": 1.5}, {"alpha": True}, {"min_count": 0}, {"max_tools": 0}]
)
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Latencies(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_a_quantile_is_a_share(q: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Latencies().quantile("a", q)
