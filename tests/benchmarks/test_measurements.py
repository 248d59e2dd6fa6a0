"""The measurements run and give figures that can be true. No figure is compared with a time: machines are noisy."""

from __future__ import annotations

import pytest

from benchmarks import hedging, latency, makespan, overhead, scale
from benchmarks.__main__ import table
from benchmarks.graphs import SHAPES


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("n", [1, 2, 10, 100])
def test_graphs_have_so_many_tasks_and_only_earlier_needs(name: str, n: int) -> None:
    graph = SHAPES[name](n)
    assert len(graph) == n
    assert all(d < i for i, deps in enumerate(graph) for d in deps)


def test_overhead_runs_both_sides() -> None:
    rows = overhead.measure(n=20, repeats=2)
    assert [r["graph"] for r in rows] == list(SHAPES)
    assert all(r["ours_us"] > 0 and r["floor_us"] > 0 for r in rows)
    assert table(rows).count("\n") == 1 + len(rows)


def test_scale_measures_in_a_process_of_its_own() -> None:
    (row,) = scale.measure(sizes=(100,))
    assert row["tasks"] == 100
    assert row["peak_mb"] > 1


def test_no_schedule_is_shorter_than_its_critical_path() -> None:
    for row in makespan.measure(repeats=1):
        assert row["makespan_over_critical_path"] >= 1
        assert row["speedup_over_sequential"] > 1


def test_latencies_are_all_taken() -> None:
    line, need = latency.measure(repeats=1)
    assert line["samples"] == latency.LINES
    assert need["samples"] == latency.LINES - 1
    assert min(line["p50_ms"], need["p50_ms"]) > 0


def test_hedging_cuts_the_tail_within_its_budget() -> None:
    virtual_off, virtual_on, _, real_on = hedging.measure(n=1_000)
    assert virtual_off["extra_calls_percent"] == 0
    assert 0 < virtual_on["extra_calls_percent"] <= 5
    assert real_on["extra_calls_percent"] <= 5
    # On the virtual clock the figures are exact: a second call after the 95th percentile, instead of 100 ms.
    assert virtual_off["p99_ms"] > 50
    assert virtual_on["p99_ms"] < 10
