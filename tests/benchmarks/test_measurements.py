"""The measurements run and give figures that can be true. No figure is compared with a time: machines are noisy."""

from __future__ import annotations

import pytest

from benchmarks import (
    hedging,
    latency,
    makespan,
    overhead,
    priorities,
    recall,
    reporters,
    savings,
    scale,
    variants,
)
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


def test_every_reporter_is_beside_none() -> None:
    rows = reporters.measure(n=20, slow=4, repeats=2)
    assert rows[0]["reporter"] == "none"
    assert rows[0]["ratio"] == rows[0]["ratio_20"] == 1
    assert len(rows) >= 6
    assert all(r["us_a_call"] > 0 and r["ms_20"] >= 40 for r in rows)
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


def test_overhead_is_measured_for_tools_that_declare_more() -> None:
    rows = variants.measure(n=10, repeats=1)
    assert len({r["tools"] for r in rows}) == len(rows) > 5
    assert all(r["ours_us"] > 0 and r["floor_us"] > 0 for r in rows)


def test_no_policy_beats_the_lower_bound_and_the_critical_path_does_best() -> None:
    rows = priorities.measure(seeds=5, tasks=40, workers=(2, 4))
    assert {r["graph"] for r in rows} == set(priorities.SHAPES)
    for row in rows:
        policies = [row[name] for name in priorities.POLICIES]
        assert min(policies) >= 1 - 1e-9
        assert row["critical-path"] <= min(policies) + 0.01
        assert row["best"] <= row["vs_fifo"] <= row["worst"]
        assert row["later_run"] <= row["fifo"]


def test_each_pass_and_the_cache_save_calls() -> None:
    off, *ons = savings.measure(runs=20)
    assert (off["saved_percent"], off["cache_hit_percent"]) == (0, 0)
    assert all(0 < row["calls"] < off["calls"] and row["saved_percent"] > 0 for row in ons)
    assert all(row["correct"] == off["correct"] and row["report"] == off["report"] for row in ons)
    by_name = {row["on"]: row for row in ons}
    whole = by_name.pop("all passes and cache")
    assert whole["calls"] == min(row["calls"] for row in ons)
    assert by_name["cache"]["cache_hit_percent"] > 50


def test_templates_are_used_and_never_wrongly_where_words_or_tools_tell() -> None:
    rows = {row["family"]: row for row in recall.measure(runs=25)}
    assert all(
        rows[name]["wrong_hits"] == 0 for name in [*recall.FAMILIES, *recall.TRAPS] if name != "person"
    )
    assert rows["letters"]["hit_percent"] > 90
    assert rows["all, in memory"]["hit_percent"] == rows["all, in SQLite"]["hit_percent"] > 30
    assert rows["all, a tenth audited"]["wrong_hits"] <= rows["all, in memory"]["wrong_hits"]
    for row in rows.values():
        assert row["hit_percent"] + row["miss_percent"] == pytest.approx(100)
        assert row["tokens_saved_percent"] == pytest.approx(row["hit_percent"], abs=5)
