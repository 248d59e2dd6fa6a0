"""The order of effects: every two calls that do not commute are ordered by plan position, and no others have to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcompiler import Plan, ToolRegistry, tool
from llmcompiler.effects import (
    NOTHING,
    READS_ALL,
    SOME,
    UNDECLARED,
    WRITES_ALL,
    Access,
    BadResource,
    access_of,
    keys_of,
    within,
)
from llmcompiler.ordering import Ordering, order_plan

KEYS = st.frozensets(st.sampled_from("abc"), max_size=2)
ACCESS = st.one_of(
    st.sampled_from([NOTHING, READS_ALL, WRITES_ALL, UNDECLARED]),
    st.builds(Access, KEYS, KEYS),
    st.builds(Access, KEYS),
)
MOST = [WRITES_ALL, READS_ALL, Access(SOME, SOME), Access(SOME)]
"""What an open call may be taken to touch."""


def reads(*keys: str) -> Access:
    return Access(frozenset(keys))


def writes(*keys: str) -> Access:
    return Access(writes=frozenset(keys))


def reachable(edges: dict[int, set[int]], start: int) -> set[int]:
    seen: set[int] = set()
    stack = list(edges[start])
    while stack:
        i = stack.pop()
        if i not in seen:
            seen.add(i)
            stack.extend(edges[i])
    return seen


@given(st.lists(ACCESS, max_size=12))
def test_known_calls_are_ordered_exactly_where_they_conflict(accesses: list[Access]) -> None:
    ordering: Ordering[int] = Ordering()
    edges = {i: set(ordering.add(i, a)) for i, a in enumerate(accesses)}
    for i, a in enumerate(accesses):
        before = reachable(edges, i)
        for j in edges[i]:
            assert accesses[j].conflicts(a)
        for j in range(i):
            if accesses[j].conflicts(a):
                assert j in before


@given(st.lists(st.tuples(ACCESS, st.none() | st.integers(0, 6)), max_size=10), st.data())
def test_open_calls_count_as_the_most_until_they_are_closed(
    calls: list[tuple[Access, int | None]], data: st.DataObject
) -> None:
    """Each call is known from the start, or open for some steps; in the end exactly the conflicts are ordered."""
    ordering: Ordering[int] = Ordering()
    edges: dict[int, set[int]] = {}
    closing: dict[int, Access] = {}

    def close(i: int) -> None:
        access = closing.pop(i)
        after, frees = ordering.close(i, access)
        edges[i] = set(after)
        for later in frees:
            assert not calls[later][0].conflicts(access) or later in closing
            if later not in closing:
                edges[later].discard(i)

    for i, (access, delay) in enumerate(calls):
        if delay is None:
            edges[i] = set(ordering.add(i, access))
        else:
            most = data.draw(st.sampled_from([m for m in MOST if within(access, m)]))
            edges[i] = set(ordering.add(i, most, is_open=True))
            closing[i] = access
        while closing and data.draw(st.booleans()):
            close(data.draw(st.sampled_from(sorted(closing))))
    for i in sorted(closing, key=lambda i: data.draw(st.integers(0, 100))):
        close(i)
    for i, (access, _) in enumerate(calls):
        before = reachable(edges, i)
        for j in range(i):
            if calls[j][0].conflicts(access):
                assert j in before, (i, j)
    for i, (access, _) in enumerate(calls):
        assert all(calls[j][0].conflicts(access) for j in edges[i])


def test_reads_overlap_and_writes_do_not() -> None:
    ordering: Ordering[int] = Ordering()
    assert ordering.add(1, reads("a")) == ()
    assert ordering.add(2, reads("a")) == ()
    assert ordering.add(3, writes("a")) == (1, 2)
    assert ordering.add(4, writes("b")) == ()
    assert ordering.add(5, reads("a")) == (3,)
    assert set(ordering.add(6, WRITES_ALL)) == {1, 2, 3, 4, 5}
    assert ordering.add(7, UNDECLARED) == (6,)
    assert ordering.add(8, NOTHING) == ()
    assert ordering.add(9, writes("a")) == (6,)


def test_an_open_write_lets_go_of_what_it_does_not_touch() -> None:
    ordering: Ordering[int] = Ordering()
    ordering.add(1, reads("a"))
    assert ordering.add(2, WRITES_ALL, is_open=True) == (1,)
    assert ordering.add(3, reads("a")) == (2,)
    assert ordering.add(4, reads("b")) == (2,)
    assert ordering.close(2, writes("b")) == ((), (3,))
    assert ordering.add(5, reads("b")) == (2,)
    ordering.settle(2)
    assert ordering.add(6, reads("b")) == ()


def test_what_stands_between_an_open_call_and_a_write_of_everything_is_no_bridge() -> None:
    ordering: Ordering[int] = Ordering()
    ordering.add(1, WRITES_ALL)
    assert ordering.add(2, reads("a")) == (1,)
    assert set(ordering.add(3, WRITES_ALL, is_open=True)) == {1, 2}
    assert ordering.close(3, writes("b")) == ((1,), ())


@given(st.lists(ACCESS, min_size=1, max_size=8), ACCESS)
def test_changed_since_looks_at_the_writes_between(accesses: list[Access], access: Access) -> None:
    ordering: Ordering[int] = Ordering()
    for i, a in enumerate(accesses):
        ordering.add(i, a)
    writes_between = [a for a in accesses[1:] if a.writes is None or a.writes]
    assert ordering.changed_since(0, access) == any(a.conflicts(access) for a in writes_between)
    assert ordering.changed_since(99, access)


def test_many_reads_between_writes_of_everything_make_few_edges() -> None:
    ordering: Ordering[int] = Ordering()
    edges = 0
    for i in range(4_000):
        edges += len(ordering.add(i, WRITES_ALL if i % 10 == 0 else UNDECLARED))
    assert edges < 2 * 4_000


@tool(effect="write", resource=lambda to, kind="mail", **_: f"{kind}:{to}")
def send(to: str, body: str, kind: str = "mail") -> str:
    return to


@tool(effect="read", resource=lambda of: f"mail:{of}")
def inbox(of: str) -> str:
    return of


@tool(effect=lambda mode: "write" if mode == "w" else "read", resource="file")
def touch(mode: str) -> str:
    return mode


@tool
def search(q: str) -> str:
    return q


def edges_of(text: str) -> dict[int, tuple[int, ...]]:
    tools = ToolRegistry([send, inbox, touch, search])
    return order_plan(Plan.parse(text, tools), tools)


def test_keys_come_from_bound_arguments_with_their_defaults() -> None:
    assert edges_of(
        '1. send("ann", "x")\n2. send("bob", "x")\n3. inbox("ann")\n4. send("ann", "y", kind="sms")'
    ) == {
        1: (),
        2: (),
        3: (1,),
        4: (),
    }


def test_keys_that_depend_on_results_are_taken_for_the_worst() -> None:
    plan = '1. search("who")\n2. send($1, "x")\n3. inbox("ann")\n4. search("y")'
    assert edges_of(plan) == {1: (), 2: (), 3: (2,), 4: ()}


def test_an_effect_may_depend_on_the_arguments() -> None:
    assert edges_of('1. touch("r")\n2. touch("r")\n3. touch("w")\n4. touch("r")') == {
        1: (),
        2: (),
        3: (1, 2),
        4: (3,),
    }


@pytest.mark.parametrize(
    ("resource", "keys"),
    [
        (None, frozenset()),
        ("mail", frozenset({"mail"})),
        (("a", 1), frozenset({"a", 1})),
        (["a", "b"], frozenset({"a", "b"})),
        ({"read": "a", "write": ["b"]}, {"read": frozenset({"a"}), "write": frozenset({"b"})}),
    ],
)
def test_keys_are_one_or_several(resource: object, keys: object) -> None:
    assert keys_of(resource) == keys


@pytest.mark.parametrize("resource", [[["a"]], {"reads": "a"}, [{}]])
def test_what_is_no_key_is_refused(resource: object) -> None:
    with pytest.raises(BadResource):
        keys_of(resource)


def test_a_write_may_say_what_it_reads_and_what_it_writes() -> None:
    @tool(effect="write", resource=lambda a, b: {"read": a, "write": b})
    def copy(a: str, b: str) -> None: ...

    assert access_of(copy, {"a": "x", "b": "y"}) == Access(frozenset("x"), frozenset("y"))


def test_many_calls_that_touch_the_same_make_few_edges() -> None:
    reads = {i: Access(reads=None) for i in range(3_000)}
    ordering: Ordering[int] = Ordering()
    edges = sum(len(ordering.add(i, a)) for i, a in reads.items())
    edges += sum(len(ordering.add(3_000 + i, Access(writes=frozenset({i})))) for i in range(1_000))
    edges += sum(len(ordering.add(5_000 + i, Access(reads=None))) for i in range(1_000))
    assert edges < 20_000


@given(st.lists(st.tuples(ACCESS, st.booleans()), max_size=12), st.integers(0, 3))
def test_bundled_edges_lose_no_conflict(calls: list[tuple[Access, bool]], many: int) -> None:
    """Where very many calls meet, one stands for those before it; here few are very many. Some have ended already."""
    ended: set[int] = set()
    ordering: Ordering[int] = Ordering(ended.__contains__)
    ordering.MANY = many
    edges: dict[int, set[int]] = {}
    for i, (access, ends) in enumerate(calls):
        edges[i] = set(ordering.add(i, access))
        # A call ends when all that it is ordered after have ended.
        if ends and edges[i] <= ended:
            ended.add(i)
            ordering.settle(i)
    for i, (access, _) in enumerate(calls):
        before = reachable(edges, i)
        for j in range(i):
            assert j in before or j in ended or not calls[j][0].conflicts(access), (i, j)
