"""The parallel run of a plan gives what the sequential one gives: every scenario, any workers, any timing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from berkeley import MISSING, GoldCall, Scenario, different, installed
from by_hand import BY_HAND, OPENINGS
from commuting import accesses, earlier, makespan
from rewriting import rewritten
from staging import Setting, differences, parallel, plans_of, sequential, stage_of, unit_makespans

from llmcompiler import MemoryCache, Passes, SQLiteCache
from llmcompiler.testing import run_virtual

pytestmark = [
    pytest.mark.skipif(not installed(), reason=MISSING),
    pytest.mark.timeout(600),  # for `--conformance=full`; otherwise each takes seconds
]

WORKERS = (None, 1, 2, 4)
SEEDS = 5


async def differences_of(scenarios: tuple[Scenario, ...], setting: Setting) -> list[str]:
    """What tells the parallel runs of these scenarios from the sequential ones."""
    found = []
    for scenario in scenarios:
        found += differences(scenario, await parallel(scenario, setting), sequential(scenario))
    return found


def settings(full: bool, workers: int | None, passes: Passes) -> Iterator[Setting]:
    """One seed for each way to run, or all of them."""
    first = 10 * (workers or 0) + (passes != Passes())
    for seed in range(SEEDS if full else 1):
        yield Setting(workers, 1000 * seed + first, passes)


@pytest.mark.parametrize("passes", [Passes(), Passes.none()], ids=["passes", "no passes"])
@pytest.mark.parametrize("workers", WORKERS)
def test_every_scenario_ends_as_if_run_one_call_at_a_time(
    workers: int | None, passes: Passes, full: bool
) -> None:
    for setting in settings(full, workers, passes):
        found = run_virtual(differences_of(different(), setting))
        assert not found, f"{len(found)} differences with {setting}:\n" + "\n".join(found[:10])


def test_results_that_are_kept_are_never_stale(tmp_path: Path) -> None:
    """With a result cache, reads of earlier turns stand for those of later ones where nothing was written between."""
    files = count()

    def on_disk() -> SQLiteCache:
        return SQLiteCache(tmp_path / f"{next(files)}.sqlite")

    setting = Setting(None, 77, Passes(), cache=MemoryCache)
    found = run_virtual(differences_of(different(), setting))
    found += run_virtual(differences_of(different()[::16], replace(setting, cache=on_disk)))
    assert not found, "\n".join(found[:10])


@pytest.mark.parametrize("workers", [None, 2])
def test_what_is_touched_may_be_known_late(workers: int | None, full: bool) -> None:
    """The same calls with arguments by reference, mapped over lists, and behind guards."""
    kinds: Counter[str] = Counter()
    for seed in range(SEEDS if full else 1):
        for number, scenario in enumerate(different() if full else different()[workers is None :: 2]):
            plans = rewritten(scenario, f"{workers} {seed}")
            for task in (task for plan, _ in plans for task in plan.tasks):
                kinds["for"] += task.each is not None
                kinds["if"] += task.when is not None
                kinds["reference"] += bool(task.depends_on)
            setting = Setting(workers, seed, Passes() if number % 2 else Passes.none())
            found = differences(
                scenario, run_virtual(parallel(scenario, setting, plans)), sequential(scenario)
            )
            assert not found, "\n".join([f"with {setting}:", *found, *(f"\n{plan}" for plan, _ in plans)])
    assert min(kinds.values()) > 10, kinds


def test_without_declared_effects_it_does_not() -> None:
    """The test above can fail: started in any order, as data flow alone allows, calls of many scenarios interfere."""
    found = run_virtual(differences_of(different(), Setting(None, 0, Passes(), declared=False)))
    assert len({line.split(",")[0] for line in found}) > 100


@pytest.mark.parametrize("workers", WORKERS)
def test_long_plans_with_failing_calls_too(workers: int | None, full: bool) -> None:
    """Plans that nobody would write: calls of all turns and calls by hand, many of which fail, in one plan of 25."""
    failed = 0
    for number, scenario in enumerate(different()):
        if not full and number % 8:
            continue
        for seed in range(SEEDS if full else 1):
            mixed = medley(scenario, f"{workers} {seed}")
            expected = sequential(mixed)
            failed += sum(kind == "raised" or "error" in str(value) for kind, value in expected.ended[0])
            setting = Setting(workers, seed, Passes() if number % 16 else Passes.none())
            for plans in ([], rewritten(mixed, str(seed))):
                found = differences(mixed, run_virtual(parallel(mixed, setting, plans)), expected)
                assert not found, "\n".join([f"with {setting}:", *found, *(f"\n{plan}" for plan, _ in plans)])
    assert failed > 100


def medley(scenario: Scenario, seed: str) -> Scenario:
    """The scenario with one long turn of calls that are drawn at random, by hand ones among them."""
    rnd = random.Random(f"{seed} {scenario.id}")
    calls: list[GoldCall] = [call for turn in scenario.turns for call in turn]
    for name in scenario.classes:
        calls += [*BY_HAND[name], *OPENINGS[name]]
    turn = tuple(rnd.choice(calls) for _ in range(25))
    return Scenario(f"{scenario.id} mixed", scenario.classes, scenario.config, (turn,), scenario.long_context)


def test_no_call_waits_for_one_that_it_commutes_with() -> None:
    """With unlimited workers a turn of calls that take a second each takes as many as its longest chain has calls."""
    shorter = 0
    for scenario in different():
        tools = stage_of(scenario.classes).tools
        chains = [makespan(earlier(accesses(plan, tools))) for plan in plans_of(scenario)]
        taken = run_virtual(unit_makespans(scenario))
        assert taken == pytest.approx(chains), scenario.id
        shorter += sum(
            chain < len(plan.tasks) for chain, plan in zip(chains, plans_of(scenario), strict=True)
        )
    assert shorter > 200
