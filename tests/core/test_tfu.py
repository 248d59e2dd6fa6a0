"""The task-fetching unit, as a machine: events in, commands out. No event loop, no clock, no sleep."""

from __future__ import annotations

import random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler.tfu import (
    Cancel,
    Dropped,
    Expanded,
    Finished,
    Held,
    ImpossibleEvent,
    Join,
    Planned,
    Probed,
    Ready,
    RoundClosed,
    RoundOpened,
    Skip,
    Start,
    Stopped,
    TaskFetchingUnit,
    Unheld,
)


def machine(*events: object) -> tuple[TaskFetchingUnit, list[object]]:
    unit = TaskFetchingUnit()
    commands: list[object] = []
    for event in (RoundOpened(), *events):
        commands += unit.handle(event)
    return unit, commands


def test_a_task_without_needs_starts_at_once() -> None:
    assert machine(Planned(1))[1] == [Start(1)]


def test_a_task_starts_with_its_last_need_and_not_before() -> None:
    unit, commands = machine(Planned(1), Planned(2), Planned(3, (1, 2)))
    assert commands == [Start(1), Start(2)]
    assert unit.handle(Finished(2, True)) == []
    assert unit.handle(Finished(1, True)) == [Start(3)]


def test_a_need_that_is_met_already_does_not_hold_up() -> None:
    unit, _ = machine(Planned(1), Finished(1, True))
    assert unit.handle(Planned(2, (1,))) == [Start(2)]


def test_tasks_may_come_before_what_they_need() -> None:
    unit, commands = machine(Planned(2, (1,)))
    assert commands == []
    assert unit.handle(Planned(1)) == [Start(1)]
    assert unit.handle(Finished(1, True)) == [Start(2)]


def test_failure_poisons_exactly_the_descendants() -> None:
    unit, _ = machine(Planned(1), Planned(2, (1,)), Planned(3), Planned(4, (2, 3)), Planned(5, (3,)))
    assert unit.handle(Finished(1, False)) == [Skip(2, 1), Skip(4, 1)]
    assert unit.handle(Finished(3, True)) == [Start(5)]


def test_a_task_planned_after_a_need_failed_is_skipped_with_the_root_cause() -> None:
    unit, _ = machine(Planned(1), Planned(2, (1,)), Finished(1, False))
    assert unit.handle(Planned(3, (2,))) == [Skip(3, 1)]


def test_join_comes_once_when_the_plan_is_closed_and_all_ended() -> None:
    unit, _ = machine(Planned(1), Planned(2))
    assert unit.handle(Finished(1, True)) == []
    assert unit.handle(RoundClosed()) == []
    assert unit.handle(Finished(2, False)) == [Join()]


def test_an_empty_round_joins_at_once() -> None:
    assert machine(RoundClosed())[1] == [Join()]


def test_what_was_never_planned_skips_its_dependents_at_the_close() -> None:
    unit, _ = machine(Planned(1, (9,)), Planned(2, (1,)), Planned(3))
    assert unit.handle(RoundClosed()) == [Skip(1, 9, "missing"), Skip(2, 9, "missing")]
    assert unit.handle(Finished(3, True)) == [Join()]


def test_a_cycle_is_skipped_once_nothing_else_runs() -> None:
    unit, _ = machine(Planned(1, (2,)), Planned(2, (1,)), Planned(3))
    assert unit.handle(RoundClosed()) == []
    assert unit.handle(Finished(3, True)) == [Skip(1, 1, "cycle"), Skip(2, 1, "cycle"), Join()]


def test_a_cycle_alone_does_not_hang() -> None:
    unit, _ = machine(Planned(1, (1,)))
    assert unit.handle(RoundClosed()) == [Skip(1, 1, "cycle"), Join()]


def test_after_waits_for_the_end_whatever_it_is() -> None:
    unit, commands = machine(Planned(1), Planned(2, (), (1,)))
    assert commands == [Start(1)]
    assert unit.handle(Finished(1, False)) == [Start(2)]


def test_a_task_ordered_after_and_dependent_on_a_skipped_one_is_skipped() -> None:
    unit, _ = machine(Planned(1), Planned(2, (1,)), Planned(3, (2,), (2,)))
    assert unit.handle(Finished(1, False)) == [Skip(2, 1), Skip(3, 1)]


def test_later_rounds_see_the_tasks_of_earlier_ones() -> None:
    unit, _ = machine(Planned(1), Finished(1, True), RoundClosed())
    assert unit.handle(RoundOpened()) == []
    assert unit.handle(Planned(2, (1,))) == [Start(2)]
    assert unit.handle(RoundClosed()) == []
    assert unit.handle(Finished(2, True)) == [Join()]


def test_stop_cancels_everything_that_has_not_ended() -> None:
    unit, _ = machine(Planned(1), Planned(2, (1,)), Planned(3), Finished(3, True))
    assert unit.handle(Stopped()) == [Cancel(1, True), Cancel(2, False), Join()]
    assert unit.state == {1: "cancelled", 2: "cancelled", 3: "succeeded"}


@pytest.mark.parametrize(
    "events",
    [
        [Planned(1), Planned(1)],
        [Finished(1, True)],
        [Planned(1), Finished(1, True), Finished(1, True)],
        [Planned(1, (2,)), Finished(1, True)],
        [RoundOpened()],
        [RoundClosed(), RoundClosed()],
        [RoundClosed(), Planned(1)],
        ["nonsense"],
    ],
)
def test_an_impossible_event_tells_the_story(events: list[object]) -> None:
    with pytest.raises(ImpossibleEvent, match="Events so far") as caught:
        machine(*events)
    assert "RoundOpened()" in str(caught.value)
    for event in events[:-1]:
        assert repr(event) in str(caught.value)


@st.composite
def graphs(draw: st.DrawFn) -> dict[int, tuple[tuple[int, ...], tuple[int, ...]]]:
    n = draw(st.integers(0, 14))
    earlier = st.integers(1, max(1, n))
    out = {}
    for i in range(1, n + 1):
        edges = draw(st.lists(earlier.filter(lambda d, i=i: d < i), max_size=4, unique=True)) if i > 1 else []
        after = draw(st.lists(st.sampled_from(range(1, i)), max_size=2, unique=True)) if i > 1 else []
        out[i] = (tuple(edges), tuple(a for a in after if a not in edges))
    return out


@settings(max_examples=400, deadline=None)
@given(graphs(), st.randoms(use_true_random=False), st.floats(0, 1))
def test_any_interleaving_ends_in_one_outcome_each_and_one_join(
    graph: dict[int, tuple[tuple[int, ...], tuple[int, ...]]], rnd: random.Random, failing: float
) -> None:
    """Whatever comes first, planning or results: every task ends once, the poisoned are the descendants, one join."""
    unit = TaskFetchingUnit()
    unit.handle(RoundOpened())
    to_plan = list(graph)
    running: list[int] = []
    started: list[int] = []
    skipped: dict[int, int] = {}
    failed: set[int] = set()
    ended: set[int] = set()
    joins = 0
    closed = False
    while not joins:
        choices = (
            ["plan"] * bool(to_plan) + ["finish"] * bool(running) + ["close"] * (not to_plan and not closed)
        )
        assert choices, "the machine hangs"
        match rnd.choice(choices):
            case "plan":
                task = to_plan.pop(0)
                commands = unit.handle(Planned(task, *graph[task]))
            case "finish":
                task = running.pop(rnd.randrange(len(running)))
                ok = rnd.random() >= failing
                ended.add(task)
                if not ok:
                    failed.add(task)
                commands = unit.handle(Finished(task, ok))
            case _:
                closed = True
                commands = unit.handle(RoundClosed())
        for command in commands:
            if isinstance(command, Start):
                needs, after = graph[command.task]
                assert all(n in ended and n not in failed for n in needs)
                assert all(a in ended or a in skipped for a in after)
                started.append(command.task)
                running.append(command.task)
            elif isinstance(command, Skip):
                assert command.task not in skipped
                assert command.cause in failed
                skipped[command.task] = command.cause
            else:
                joins += 1
    assert joins == 1
    assert closed
    assert len(started) == len(set(started))
    assert set(started) | set(skipped) == set(graph)
    assert not set(started) & set(skipped)
    g = nx.DiGraph([(n, t) for t, (needs, _) in graph.items() for n in needs])
    g.add_nodes_from(graph)
    assert set(skipped) == {d for f in failed for d in nx.descendants(g, f)}
    assert all(cause in nx.ancestors(g, task) for task, cause in skipped.items())


def test_work_is_linear_in_tasks_and_edges() -> None:
    """Counted in steps of the machine, not in seconds: a star, a chain and a bipartite graph."""
    import sys

    def lines(n: int) -> int:
        count = 0

        def tracer(frame: object, kind: str, arg: object) -> object:
            nonlocal count
            count += kind == "line"
            return tracer

        unit = TaskFetchingUnit()
        sys.settrace(tracer)  # type: ignore[arg-type]
        try:
            unit.handle(RoundOpened())
            for i in range(1, n + 1):
                unit.handle(Planned(i, (i - 1,) if i > 1 else ()))
            for i in range(n + 1, 2 * n + 1):
                unit.handle(Planned(i, (1, i - n)))
            for i in range(1, 2 * n + 1):
                unit.handle(Finished(i, True))
            unit.handle(RoundClosed())
        finally:
            sys.settrace(None)
        return count

    small, large = lines(50), lines(500)
    assert large < small * 11


# -- order, places and parts ------------------------------------------------------------------


def opened() -> TaskFetchingUnit:
    unit = TaskFetchingUnit()
    unit.handle(RoundOpened())
    return unit


def test_a_skipped_task_still_keeps_the_order_between_those_before_and_after_it() -> None:
    """3 is ordered after 1 only through 2, which is skipped while 1 still runs."""
    unit = opened()
    unit.handle(Planned(1))
    unit.handle(Planned(9))
    unit.handle(Planned(2, needs=(9,), after=(1,)))
    unit.handle(Planned(3, after=(2,)))
    assert unit.handle(Finished(9, False)) == [Skip(2, 9)]
    assert not unit.is_over(2)
    assert unit.handle(Planned(4, after=(2,))) == []
    assert unit.handle(Finished(1, True)) == [Start(3), Start(4)]
    assert unit.is_over(2)


def test_a_chain_of_skipped_tasks_lets_go_at_once_when_the_first_can() -> None:
    unit = opened()
    unit.handle(Planned(1))
    unit.handle(Planned(9))
    for i in range(2, 2000):
        unit.handle(Planned(i + 10, needs=(9,), after=(1 if i == 2 else i + 9,)))
    unit.handle(Planned(5000, after=(2009,)))
    unit.handle(Finished(9, False))
    assert unit.handle(Finished(1, True)) == [Start(5000)]


def test_a_task_to_be_probed_is_looked_at_when_its_needs_are_there() -> None:
    unit = opened()
    unit.handle(Planned(1))
    assert unit.handle(Planned(2, needs=(1,), probe=True)) == []
    assert unit.handle(Planned(3, after=(2,))) == []
    assert unit.handle(Planned(4, after=(2,))) == []
    assert unit.handle(Finished(1, True)) == [Ready(2)]
    assert unit.handle(Probed(2, frees=(3,))) == [Start(3), Start(2)]
    assert unit.handle(Finished(2, False)) == [Start(4)]


def test_a_probed_task_may_turn_out_to_wait_or_not_to_start() -> None:
    unit = opened()
    unit.handle(Planned(1))
    assert unit.handle(Planned(2, probe=True)) == [Ready(2)]
    assert unit.handle(Planned(3, needs=(2,), probe=True)) == []
    assert unit.handle(Probed(2, after=(1,))) == []
    assert unit.handle(Finished(1, False)) == [Start(2)]
    assert unit.handle(Finished(2, True)) == [Ready(3)]
    assert unit.handle(Finished(3, False)) == []
    assert unit.handle(RoundClosed()) == [Join()]
    with pytest.raises(ImpossibleEvent):
        unit.handle(Probed(3))


def test_parts_of_a_task_run_in_their_order_and_hold_up_the_join() -> None:
    unit = opened()
    unit.handle(Planned(1))
    unit.handle(RoundClosed())
    commands = unit.handle(Expanded(1, (((1, 0), ()), ((1, 1), ((1, 0),)), ((1, 2), ()))))
    assert commands == [Start((1, 0)), Start((1, 2))]
    assert unit.handle(Finished((1, 0), False)) == [Start((1, 1))]
    assert unit.handle(Finished((1, 1), True)) == []
    assert unit.handle(Finished((1, 2), True)) == []
    assert unit.handle(Finished(1, True)) == [Join()]


def test_a_held_place_holds_up_what_comes_after_it_until_its_task_comes_or_not() -> None:
    unit = opened()
    unit.handle(Held(1))
    unit.handle(Held(2))
    assert unit.handle(Planned(3, after=(1, 2))) == []
    assert unit.handle(Planned(4, after=(1,))) == []
    assert unit.handle(Planned(1, frees=(4,))) == [Start(4), Start(1)]
    assert unit.handle(Unheld(2)) == []
    assert unit.handle(Finished(1, True)) == [Start(3)]


def test_places_still_held_when_the_round_closes_are_given_up() -> None:
    unit = opened()
    unit.handle(Held(1))
    assert unit.handle(Planned(2, after=(1,))) == []
    assert unit.handle(RoundClosed()) == [Start(2)]
    assert 1 not in unit.state


def test_a_dropped_task_is_skipped_with_what_needs_it() -> None:
    unit = opened()
    unit.handle(Planned(1))
    unit.handle(Planned(2, needs=(1,)))
    unit.handle(Planned(3, needs=(2,)))
    assert unit.handle(Dropped(2)) == [Skip(2, 2, "unused"), Skip(3, 2, "unused")]


def test_stopping_cancels_probed_tasks_and_parts_and_forgets_places() -> None:
    unit = opened()
    unit.handle(Planned(1, probe=True))
    unit.handle(Planned(2))
    unit.handle(Expanded(2, (((2, 0), ()), ((2, 1), ((2, 0),)))))
    unit.handle(Held(3))
    assert unit.handle(Stopped()) == [
        Cancel(1, False),
        Cancel(2, True),
        Cancel((2, 0), True),
        Cancel((2, 1), False),
        Join(),
    ]
    assert unit.settled
