"""How much of the Berkeley turns can run in parallel: `python tests/conformance/parallelism.py` prints the figures.

Every call takes one second of virtual time; nothing here is measured with a real clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from berkeley import MISSING, Scenario, World, different, installed, scenarios
from commuting import accesses, commute, earlier, makespan
from staging import plans_of, stage_of, unit_makespans

from llmcompiler.testing import run_virtual

WORKERS = (None, 4, 2, 1)


@dataclass(frozen=True)
class Turn:
    """A turn with two or more calls."""

    classes: tuple[str, ...]
    calls: int
    seconds: dict[int | None, float]
    """How long it takes, by workers."""
    at_best: int
    """How long it would take if only pairs were ordered that are seen not to commute, in the state they meet."""
    interferes: bool
    """Whether there is such a pair."""
    ordered: int
    """Pairs that are ordered by what is declared."""
    needed: int
    """Those of them that do not commute."""


def turns_of(scenario: Scenario) -> Iterator[Turn]:
    """The scenario's turns with two or more calls."""
    tools = stage_of(scenario.classes).tools
    taken = {w: run_virtual(unit_makespans(scenario, w)) for w in WORKERS}
    world = World.of(scenario)
    for number, (turn, plan) in enumerate(zip(scenario.turns, plans_of(scenario), strict=True)):
        after = earlier(accesses(plan, tools))
        seen: list[set[int]] = [set() for _ in turn]
        for i, call in enumerate(turn):
            for j in range(i + 1, len(turn)):
                if not commute(call, turn[j], world):
                    seen[j].add(i)
            world.make(call)
        if len(turn) > 1:
            used = tuple(sorted({name for name in scenario.classes for c in turn if _has(name, c.tool)}))
            yield Turn(
                used,
                len(turn),
                {w: taken[w][number] for w in WORKERS},
                makespan(seen),
                any(seen),
                sum(map(len, after)),
                sum(len(a & s) for a, s in zip(after, seen, strict=True)),
            )


def _has(class_name: str, method: str) -> bool:
    return method in stage_of((class_name,)).tools


def all_turns() -> list[Turn]:
    """Of all scenarios; those that are alike are run once and counted as often as they are there."""
    found = {scenario.same: list(turns_of(scenario)) for scenario in different()}
    return [turn for scenario in scenarios() for turn in found[scenario.same]]


def speedup(turns: list[Turn], workers: int | None = None) -> float:
    """Mean of sequential over parallel time."""
    return fmean(t.calls / t.seconds[workers] for t in turns)


def main() -> None:
    """Print the figures as Markdown tables."""
    turns = all_turns()
    calls = sum(t.calls for t in turns)
    interfering = sum(t.interferes for t in turns)
    ordered, needed = sum(t.ordered for t in turns), sum(t.needed for t in turns)
    print(f"{len(scenarios())} scenarios, {len(different())} of them different")
    print(f"{len(turns)} turns with 2 calls or more, {calls} calls in them, no reference between any two")
    print(f"{interfering} of these turns ({interfering / len(turns):.0%}) hold a pair that does not commute")
    print(f"{ordered} pairs are ordered; {needed} of them ({needed / ordered:.0%}) are seen not to commute\n")
    print(
        "| workers | mean speed-up | all calls over all seconds | turns that get shorter |\n|---|---|---|---|"
    )
    for w in WORKERS:
        shorter = sum(t.seconds[w] < t.calls - 1e-6 for t in turns)
        total = calls / sum(t.seconds[w] for t in turns)
        print(f"| {w or 'unlimited'} | {speedup(turns, w):.2f} | {total:.2f} | {shorter / len(turns):.0%} |")
    best = fmean(t.calls / t.at_best for t in turns)
    print(
        f"| unlimited, were only such pairs ordered | {best:.2f} | {calls / sum(t.at_best for t in turns):.2f} | "
        f"{sum(t.at_best < t.calls for t in turns) / len(turns):.0%} |"
    )
    free = fmean(t.calls for t in turns)
    print(f"| unlimited, no order at all (wrong results) | {free:.2f} | {calls / len(turns):.2f} | 100% |\n")
    print("| classes in the turn | turns | mean calls | mean speed-up |\n|---|---|---|---|")
    kinds = sorted({t.classes for t in turns}, key=lambda k: (len(k) > 1, k))
    for kind in kinds:
        if len(kind) == 1:
            of = [t for t in turns if t.classes == kind]
            print(f"| {kind[0]} | {len(of)} | {fmean(t.calls for t in of):.1f} | {speedup(of):.2f} |")
    of = [t for t in turns if len(t.classes) > 1]
    print(f"| several | {len(of)} | {fmean(t.calls for t in of):.1f} | {speedup(of):.2f} |")


if __name__ == "__main__":
    if not installed():
        raise SystemExit(MISSING)
    main()
