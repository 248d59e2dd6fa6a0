"""Circuit breakers, fed with made-up times: no clock, no event loop."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmcompiler.backend.breakers import Breaker


def opened(failures: int = 3, seconds: float = 10.0, at: float = 0.0) -> Breaker:
    breaker = Breaker(failures, seconds)
    for _ in range(failures):
        breaker.failed(breaker.enter(at), at)
    assert breaker.state == "open"
    return breaker


def test_only_failures_in_a_row_open_it() -> None:
    breaker = Breaker(3, 10)
    for _ in range(5):
        breaker.failed(breaker.enter(0), 0)
        breaker.failed(breaker.enter(0), 0)
        breaker.succeeded(breaker.enter(0))
    assert breaker.state == "closed"
    assert breaker.left(0) is None


def test_it_stays_open_for_its_seconds() -> None:
    breaker = opened(at=5.0)
    assert breaker.enter(14.9) is None
    assert breaker.left(14.0) == 1.0
    assert breaker.left(15.0) is None
    assert breaker.enter(15.0) is not None


def test_half_open_lets_exactly_one_through() -> None:
    breaker = opened()
    ticket = breaker.enter(10)
    assert ticket is not None
    assert breaker.state == "half-open"
    assert [breaker.enter(10), breaker.enter(1_000)] == [None, None]
    assert breaker.left(10) == 10
    breaker.succeeded(ticket)
    assert breaker.state == "closed"
    assert breaker.enter(10) is not None


def test_one_failure_while_half_open_opens_it_again() -> None:
    breaker = opened()
    breaker.failed(breaker.enter(10), 12)
    assert breaker.state == "open"
    assert breaker.enter(21.9) is None
    assert breaker.enter(22) is not None


def test_a_call_that_says_nothing_leaves_room_for_another_to_try() -> None:
    breaker = opened()
    breaker.abandoned(breaker.enter(10))
    assert breaker.state == "half-open"
    assert breaker.enter(10) is not None


def test_a_call_from_before_does_not_decide_for_the_one_that_tries() -> None:
    breaker = Breaker(2, 10)
    old = [breaker.enter(0) for _ in range(5)]
    breaker.failed(old[0], 0)
    breaker.failed(old[1], 0)
    assert breaker.state == "open"
    breaker.failed(old[2], 9)  # does not keep it open any longer either
    ticket = breaker.enter(10)
    breaker.failed(old[3], 10)
    breaker.succeeded(old[4])
    breaker.abandoned(old[4])
    assert breaker.state == "half-open"
    assert breaker.enter(10) is None
    breaker.succeeded(ticket)
    assert breaker.state == "closed"


def test_failures_count_anew_after_it_closed() -> None:
    breaker = opened(failures=2)
    breaker.succeeded(breaker.enter(10))
    breaker.failed(breaker.enter(10), 10)
    assert breaker.state == "closed"


@given(
    st.integers(1, 4),
    st.lists(st.sampled_from(["enter", "good", "bad", "nothing", "wait"]), max_size=80),
)
def test_any_sequence_keeps_the_rules(failures: int, steps: list[str]) -> None:
    """While open nobody enters; while half-open there is one at most; nothing is stuck."""
    breaker, now, under_way = Breaker(failures, 10), 0.0, list[int]()
    trying = 0
    for step in steps:
        before = breaker.state
        if step == "wait":
            now += 4
        elif step == "enter":
            told = breaker.left(now)
            ticket = breaker.enter(now)
            assert (ticket is None) == (told is not None)
            if ticket is not None:
                under_way.append(ticket)
                trying = trying + 1 if breaker.state == "half-open" else 0
                assert trying <= 1
        elif under_way:
            ticket = under_way.pop()
            current = ticket == breaker._age
            if step == "good":
                breaker.succeeded(ticket)
            elif step == "bad":
                breaker.failed(ticket, now)
            else:
                breaker.abandoned(ticket)
            if current and before == "half-open":
                trying = 0
            if not current:
                assert breaker.state == before
    for ticket in under_way:
        breaker.abandoned(ticket)
    assert breaker.enter(now + 10) is not None
