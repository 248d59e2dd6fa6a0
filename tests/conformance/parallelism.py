"""How much of the Berkeley turns can run in parallel: `python tests/conformance/parallelism.py` prints the figures.

Every call takes one second of virtual time; nothing here is measured with a real clock.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from berkeley import MISSING, Scenario, World, different, installed, methods, scenarios
from commuting import accesses, commute, earlier, makespan
from staging import plans_of, stage_of, unit_makespans

from llmcompiler.testing import run_virtual

WORKERS = (None, 4, 2, 1)


@dataclass(frozen=True)
class Turn:
    """A turn with two or more calls."""

    classes: tuple[str, ...]
    """Those that are called."""
    calls: int
    seconds: dict[int | None, float]
    """How long it takes, by workers."""
    at_best: int
    """How long it would take if only those pairs were ordered that do not commute in the state they meet."""
    interferes: bool
    """Whether there is such a pair."""
    ordered: int
    """Pairs that are ordered by what is declared."""
    needed: int
    """Those of them that do not commute."""


def turns_of(scenario: Scenario) -> Iterator[Turn]:
    """The scenario's turns with two or more calls, run by the runtime."""
    tools = stage_of(scenario.classes).tools
    taken = {workers: run_virtual(unit_makespans(scenario, workers)) for workers in WORKERS}
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
            yield Turn(
                tuple(name for name in scenario.classes if any(c.tool in methods(name) for c in turn)),
                len(turn),
                {workers: taken[workers][number] for workers in WORKERS},
                makespan(seen),
                any(seen),
                sum(map(len, after)),
                sum(len(a & s) for a, s in zip(after, seen, strict=True)),
            )


def all_turns() -> list[Turn]:
    """Of all scenarios; those that are alike are run once and counted as often as they are there."""
    found = {scenario.same: list(turns_of(scenario)) for scenario in different()}
    return [turn for scenario in scenarios() for turn in found[scenario.same]]


def report(turns: list[Turn]) -> Iterator[str]:
    """The figures, as lines of Markdown."""
    interfering = sum(t.interferes for t in turns)
    ordered, needed = sum(t.ordered for t in turns), sum(t.needed for t in turns)
    yield f"- {len(scenarios())} scenarios; {len(different())} of them differ in calls or in where they start"
    yield f"- {len(turns)} turns with two calls or more, {sum(t.calls for t in turns):,} calls in them, no reference"
    yield f"- {interfering} of these turns ({interfering / len(turns):.0%}) hold a pair that does not commute"
    yield f"- {ordered:,} pairs are ordered; {needed:,} of them ({needed / ordered:.0%}) do not commute where they meet"
    yield ""
    yield "| workers | mean speed-up | all calls over all seconds | turns that get shorter |"
    yield "|---|---|---|---|"
    for workers in WORKERS:
        yield _row(str(workers or "unlimited"), turns, [t.seconds[workers] for t in turns])
    yield _row(
        "unlimited, with only the pairs ordered that do not commute", turns, [t.at_best for t in turns]
    )
    yield _row("unlimited, with no order at all: wrong results", turns, [1] * len(turns))
    yield ""
    yield "| classes called in the turn | turns | mean calls | mean speed-up |"
    yield "|---|---|---|---|"
    for name in sorted({t.classes[0] for t in turns if len(t.classes) == 1}):
        yield _kind(name, [t for t in turns if t.classes == (name,)])
    yield _kind("several", [t for t in turns if len(t.classes) > 1])


def _row(name: str, turns: list[Turn], seconds: list[float] | list[int]) -> str:
    pairs = [(turn.calls, taken) for turn, taken in zip(turns, seconds, strict=True)]
    mean = fmean(calls / taken for calls, taken in pairs)
    total = sum(calls for calls, _ in pairs) / sum(taken for _, taken in pairs)
    shorter = sum(taken < calls - 1e-6 for calls, taken in pairs) / len(pairs)
    return f"| {name} | {mean:.2f} | {total:.2f} | {shorter:.0%} |"


def _kind(name: str, turns: list[Turn]) -> str:
    speedup = fmean(t.calls / t.seconds[None] for t in turns)
    return f"| {name} | {len(turns)} | {fmean(t.calls for t in turns):.1f} | {speedup:.2f} |"


if __name__ == "__main__":
    if not installed():
        raise SystemExit(MISSING)
    sys.stdout.write("\n".join(report(all_turns())) + "\n")
