"""What `declared` says of the eight classes is true: calls it calls independent may change places. No runtime here."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

import pytest
from berkeley import (
    CLASSES,
    MISSING,
    SETS,
    GoldCall,
    Scenario,
    World,
    different,
    installed,
    methods,
    scenarios,
)
from by_hand import BY_HAND, OPENINGS
from commuting import access, accesses, commute, earlier, make_in, orders
from declared import EFFECTS
from staging import differing, plans_of, sequential, short, stage_of

from llmcompiler.binding import bind

pytestmark = pytest.mark.skipif(not installed(), reason=MISSING)


def test_the_data_is_all_there() -> None:
    assert len(scenarios()) == 200 * len(SETS)
    assert {s.same for s in scenarios()} == {s.same for s in different()}
    ended = [end for scenario in different() for turn in sequential(scenario).ended for end in turn]
    assert len(ended) > 2000
    assert all(kind == "value" for kind, _ in ended)


@pytest.mark.parametrize("name", CLASSES)
def test_every_method_is_declared_and_tried(name: str) -> None:
    assert set(EFFECTS[name]) == set(methods(name))
    assert {call.tool for call in BY_HAND[name]} == set(methods(name))


def test_every_gold_call_survives_the_plan_language() -> None:
    dollars = 0
    for scenario in different():
        tools = stage_of(scenario.classes).tools
        for turn, plan in zip(scenario.turns, plans_of(scenario), strict=True):
            assert len(turn) == len(plan.tasks)
            for call, task in zip(turn, plan.tasks, strict=True):
                names = list(tools[task.tool].params)
                given = {names[int(k)] if k.isdigit() else k: v for k, v in call.args.items()}
                assert bind(task, tools[task.tool], {}) == given, call.text
                dollars += call.text.count("$")
    assert dollars > 10


def test_what_a_turn_may_reorder_changes_nothing(full: bool) -> None:
    tried = 0
    for scenario in different():
        world = World.of(scenario)
        tools = stage_of(scenario.classes).tools
        for turn, plan in zip(scenario.turns, plans_of(scenario), strict=True):
            if len(turn) > 1:
                expected = make_in(range(len(turn)), turn, world)
                after = earlier(accesses(plan, tools))
                for order in orders(after, random.Random(scenario.id), 200 if full else 6):
                    found = make_in(order, turn, world)
                    where = f"{scenario.id}: {[turn[i].text for i in order]}"
                    assert found == expected, f"{where}: {short(differing(found, expected))}"
                    tried += 1
            for call in turn:
                world.make(call)
    assert tried > 1000


@pytest.mark.parametrize("name", CLASSES)
def test_pairs_declared_independent_commute_and_reads_change_nothing(name: str, full: bool) -> None:
    rnd = random.Random(name)
    tried = 0
    # Not only where things start: most of what can go wrong needs a file, a ticket or a login to be there.
    world = World.of(Scenario("from the defaults", (name,), {}, (), long_context=False))
    tried += _try_out(name, BY_HAND[name], world)
    for call in OPENINGS[name]:
        kind, value = world.make(call)
        assert kind == "value", call.text
        assert not isinstance(value, dict) or "error" not in value, call.text
        tried += _try_out(name, BY_HAND[name], world)
    of_class = [s for s in different() if name in s.classes]
    for scenario in of_class if full else rnd.sample(of_class, 8):
        gold = {c.text: c for turn in scenario.turns for c in turn if c.tool in EFFECTS[name]}
        calls = (*gold.values(), *BY_HAND[name])
        world = World.of(scenario)
        for call in rnd.sample(calls, 8):
            world.make(call)
        tried += _try_out(name, calls, world, rnd, 80)
    assert tried > 400 or name == "MathAPI"  # where nothing is ever written


def _try_out(
    name: str, calls: Sequence[GoldCall], world: World, rnd: random.Random | None = None, most: int = 0
) -> int:
    """Let the calls that may change places do so, all pairs of them or a random choice; how many pairs it was."""
    tools = stage_of((name,)).tools
    start = world.picture()
    touched = [(call, access(call, tools)) for call in calls]
    for call, its in touched:
        if not its.writes and its.writes is not None:
            assert make_in((0,), (call,), world)[1] == start, call.text
    pairs = [
        (a, b) for (a, x), (b, y) in combinations(touched, 2) if not x.conflicts(y) and (x.writes or y.writes)
    ]
    if rnd is not None:
        pairs = rnd.sample(pairs, min(len(pairs), most))
    for a, b in pairs:
        assert commute(a, b, world), f"{a.text} and {b.text}"
    return len(pairs)
