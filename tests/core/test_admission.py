"""Caps, without calls: who may run, in what order."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler.admission import Admission


def admitted(a: Admission[str]) -> list[str]:
    out = []
    while (call := a.admit()) is not None:
        out.append(call)
    return out


def test_the_overall_cap_holds_first_come_first_served() -> None:
    a: Admission[str] = Admission(2)
    for name in "abc":
        a.offer(name, "t", None)
    assert admitted(a) == ["a", "b"]
    a.release("t", None)
    assert admitted(a) == ["c"]


def test_a_tool_at_its_cap_does_not_hold_up_others() -> None:
    a: Admission[str] = Admission(3)
    for name, tool, cap in (("a1", "a", 1), ("a2", "a", 1), ("a3", "a", 1), ("b1", "b", None)):
        a.offer(name, tool, cap)
    assert admitted(a) == ["a1", "b1"]
    a.release("a", 1)
    assert admitted(a) == ["a2"]
    a.release("b", None)
    assert admitted(a) == []
    a.release("a", 1)
    assert admitted(a) == ["a3"]


def test_what_is_withdrawn_never_runs() -> None:
    a: Admission[str] = Admission(1)
    for name in ("a", "b", "c", "d"):
        a.offer(name, "t", 1)
    assert admitted(a) == ["a"]
    a.withdraw({"b", "c"})
    a.release("t", 1)
    assert admitted(a) == ["d"]


def test_a_withdrawn_call_hands_its_turn_to_the_next_of_its_tool() -> None:
    """The second stands for the place the first gave up; withdrawn before it ran, it must not block the third."""
    a: Admission[str] = Admission(2)
    for name, tool, cap in (("a1", "a", 1), ("b1", "b", None), ("a2", "a", 1), ("a3", "a", 1)):
        a.offer(name, tool, cap)
    assert admitted(a) == ["a1", "b1"]
    assert a.enter() is False
    a.offer("b2", "b", None)
    a.release("b", None)
    assert admitted(a) == ["b2"], "a2 and a3 were passed over: their tool is at its cap"
    a.release("a", 1)
    assert a.running == 1
    a.withdraw({"a2"})
    assert admitted(a) == ["a3"]


def test_nobody_jumps_the_line() -> None:
    a: Admission[str] = Admission(1)
    assert a.enter()
    assert not a.enter()
    a.offer("first", "t", None)
    a.release("t", None)
    assert not a.enter(), "a call in line goes first"
    assert admitted(a) == ["first"]


STEPS = st.one_of(
    st.tuples(st.just("offer"), st.sampled_from("abc")),
    st.tuples(st.just("finish"), st.integers(0, 9)),
    st.tuples(st.just("withdraw"), st.integers(0, 9)),
)


@settings(max_examples=400)
@given(st.none() | st.integers(1, 4), st.lists(STEPS, max_size=60), st.booleans())
def test_caps_are_never_passed_and_everything_runs(
    limit: int | None, steps: list[tuple[str, Any]], eagerly: bool
) -> None:
    """Whoever is offered runs in the end, unless withdrawn; then nothing is counted as running."""
    caps = {"a": 1, "b": 2, "c": None}
    a: Admission[int] = Admission(limit)
    tools: dict[int, str] = {}
    waiting: list[int] = []
    running: list[int] = []
    over: list[int] = []

    def admit() -> None:
        while (call := a.admit()) is not None:
            waiting.remove(call)
            running.append(call)
        assert a.running == len(running)
        assert limit is None or len(running) <= limit
        for tool, cap in caps.items():
            assert cap is None or sum(tools[c] == tool for c in running) <= cap

    def finish(which: int) -> None:
        call = running.pop(which % len(running))
        over.append(call)
        a.release(tools[call], caps[tools[call]])

    for what, which in steps:
        if what == "offer":
            tools[len(tools)] = which
            waiting.append(len(tools) - 1)
            a.offer(len(tools) - 1, which, caps[which])
        elif what == "finish" and running:
            finish(which)
        elif what == "withdraw" and waiting:
            gone = set(waiting[which % len(waiting) :][:2])
            waiting[:] = [c for c in waiting if c not in gone]
            over.extend(gone)
            a.withdraw(gone)
        if eagerly or what == "offer":
            admit()
    admit()
    while running:
        finish(0)
        admit()
    assert sorted(over) == list(range(len(tools)))
    assert a.running == 0
    assert not waiting


# -- ranks -------------------------------------------------------------------------------


def drain(a: Admission[str], tool: str = "t", limit: int | None = None) -> list[str]:
    """Every waiting call, one at a time."""
    out = []
    while (call := a.admit()) is not None:
        out.append(call)
        a.release(tool, limit)
    return out


def test_the_highest_rank_goes_first_and_equal_ranks_as_they_came() -> None:
    a: Admission[str] = Admission(1)
    for name, rank in (("low", 1.0), ("first", 2.0), ("second", 2.0), ("high", 3.0), ("none", 0.0)):
        a.offer(name, "t", None, rank)
    assert drain(a) == ["high", "first", "second", "low", "none"]


def test_rank_holds_among_calls_that_wait_for_their_tool() -> None:
    a: Admission[str] = Admission(5)
    a.offer("runs", "t", 1)
    assert admitted(a) == ["runs"]
    for name, rank in (("low", 1.0), ("high", 3.0), ("middle", 2.0)):
        a.offer(name, "t", 1, rank)
    assert admitted(a) == []
    order = []
    for _ in range(3):
        a.release("t", 1)
        order += admitted(a)
    assert order == ["high", "middle", "low"]


def test_a_call_that_was_passed_over_takes_no_place_from_a_higher_one() -> None:
    a: Admission[str] = Admission(1)
    a.offer("a1", "a", 1)
    assert admitted(a) == ["a1"]
    a.offer("a2", "a", 1, 1.0)
    a.release("a", 1)
    a.offer("a3", "a", 1, 2.0)
    assert admitted(a) == ["a3"]
    a.release("a", 1)
    assert admitted(a) == ["a2"]


def test_ranks_may_change_while_calls_wait() -> None:
    a: Admission[str] = Admission(1)
    for name in ("a", "b", "c"):
        a.offer(name, "t", None, 0.0, "run")
    a.offer("x", "t", None, 0.0, "other")
    a.withdraw({"b"})
    a.rerank({"a": 1.0, "c": 2.0}.__getitem__, "run")
    assert drain(a) == ["c", "x", "a"]


def test_ranks_change_among_parked_calls_too() -> None:
    a: Admission[str] = Admission(9)
    for name in ("a", "b", "c"):
        a.offer(name, "t", 1)
    assert admitted(a) == ["a"]
    a.rerank({"b": 1.0, "c": 2.0}.__getitem__)
    a.release("t", 1)
    assert admitted(a) == ["c"]


def test_a_call_stands_in_line_once() -> None:
    a: Admission[str] = Admission(1)
    a.offer("a", "t", None)
    with pytest.raises(ValueError, match="in line already"):
        a.offer("a", "t", None)
    assert drain(a) == ["a"]
    a.offer("a", "t", None)
    assert drain(a) == ["a"], "when it has left, it may come again"


# -- groups ------------------------------------------------------------------------------


def test_a_large_run_does_not_starve_a_small_one() -> None:
    a: Admission[str] = Admission(1)
    for k in range(100):
        a.offer(f"big{k}", "t", None, 100.0 - k, "big")
    assert a.admit() == "big0"
    for k in range(3):
        a.offer(f"small{k}", "t", None, 0.0, "small")
    a.release("t", None)
    assert drain(a)[:6] == ["big1", "small0", "big2", "small1", "big3", "small2"]


def test_groups_take_turns_at_a_tool_too() -> None:
    a: Admission[str] = Admission(None)
    for k in range(10):
        a.offer(f"big{k}", "t", 1, 0.0, "big")
    a.offer("small", "t", 1, 0.0, "small")
    order = []
    for _ in range(4):
        order += admitted(a)
        a.release("t", 1)
    assert order.index("small") <= 2


def test_a_group_that_left_leaves_nothing_behind() -> None:
    a: Admission[str] = Admission(1)
    assert a.enter()
    for run in range(50):
        names = {f"{run}-{k}" for k in range(20)}
        for name in names:
            a.offer(name, "t", 2, 0.0, run)
        a.withdraw(names)
    assert not a.waiting
    a.release("u", None)
    assert admitted(a) == []
    assert a.running == 0


def test_a_long_line_with_many_withdrawals_stays_quick() -> None:
    """Withdrawing one by one from a line of 20,000 is not quadratic."""
    a: Admission[str] = Admission(1)
    assert a.enter()
    names = [str(k) for k in range(20_000)]
    begun = perf_counter()
    for name in names:
        a.offer(name, "t", None)
    for name in names[:-1]:
        a.withdraw({name})
    assert perf_counter() - begun < 5
    a.release("t", None)
    assert admitted(a) == names[-1:]


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 2))),
        st.tuples(st.just("finish"), st.integers(0, 9)),
        st.tuples(st.just("withdraw"), st.integers(0, 9)),
        st.tuples(st.just("rerank"), st.integers(0, 2)),
    ),
    max_size=60,
)


@settings(max_examples=600)
@given(st.integers(1, 3), MOVES, st.booleans())
def test_of_the_calls_that_could_run_the_highest_goes_first(
    limit: int, moves: list[tuple[str, Any]], one_group: bool
) -> None:
    """Exactly, in one group; with several, whose turn it is has a say. Whatever happens, nobody waits needlessly."""
    caps = {"a": 1, "b": 2, "c": None}
    a: Admission[int] = Admission(limit)
    tool: dict[int, str] = {}
    rank: dict[int, float] = {}
    group: dict[int, int] = {}
    waiting: list[int] = []
    running: list[int] = []

    def could_run(call: int) -> bool:
        cap = caps[tool[call]]
        return cap is None or sum(tool[c] == tool[call] for c in running) < cap

    def admit() -> None:
        while (able := [c for c in waiting if could_run(c)]) and len(running) < limit:
            call = a.admit()
            assert call in able
            assert not one_group or call == min(able, key=lambda c: (-rank[c], c))
            waiting.remove(call)
            running.append(call)
        assert a.admit() is None

    for what, which in moves:
        if what == "offer":
            call = len(tool)
            tool[call], rank[call], group[call] = which[0], float(which[1]), 0 if one_group else which[2]
            waiting.append(call)
            a.offer(call, which[0], caps[which[0]], rank[call], group[call])
        elif what == "finish" and running:
            call = running.pop(which % len(running))
            a.release(tool[call], caps[tool[call]])
        elif what == "withdraw" and waiting:
            a.withdraw({waiting.pop(which % len(waiting))})
        elif what == "rerank":
            rank.update((c, float(c * 7 % 5)) for c in waiting if group[c] == which)
            a.rerank(rank.__getitem__, which)
        if what != "finish" or which % 2:
            admit()
