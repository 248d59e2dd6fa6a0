"""Caps, without calls: who may run, in what order."""

from __future__ import annotations

from typing import Any

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
