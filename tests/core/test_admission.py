"""Caps, without calls: who may run, in what order."""

from __future__ import annotations

from hypothesis import given
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


def test_nobody_jumps_the_line() -> None:
    a: Admission[str] = Admission(1)
    assert a.enter()
    assert not a.enter()
    a.offer("first", "t", None)
    a.release("t", None)
    assert not a.enter(), "a call in line goes first"
    assert admitted(a) == ["first"]


@given(
    st.none() | st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40),
)
def test_caps_are_never_passed_and_everything_runs(limit: int | None, steps: list[tuple[str, bool]]) -> None:
    caps = {"a": 1, "b": 2, "c": None}
    a: Admission[int] = Admission(limit)
    running: list[tuple[int, str]] = []
    tools: dict[int, str] = {}
    done: list[int] = []

    def admit() -> None:
        while (call := a.admit()) is not None:
            running.append((call, tools[call]))
        assert limit is None or len(running) <= limit
        for tool, cap in caps.items():
            assert cap is None or sum(t == tool for _, t in running) <= cap

    def finish() -> None:
        call, tool = running.pop(0)
        done.append(call)
        a.release(tool, caps[tool])
        admit()

    for number, (tool, finishing) in enumerate(steps):
        tools[number] = tool
        a.offer(number, tool, caps[tool])
        admit()
        if finishing and running:
            finish()
    while running:
        finish()
    assert sorted(done) == list(range(len(steps)))
