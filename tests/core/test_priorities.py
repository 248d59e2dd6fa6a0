"""Ranks of waiting calls: bottom levels, policies, and what it costs to keep them while a plan streams in."""

from __future__ import annotations

from time import perf_counter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcompiler.latencies import Latencies
from llmcompiler.plan import Each, Task
from llmcompiler.priorities import Ranks, bottom_levels
from llmcompiler.values import Ref, Var


def call(i: int, *needs: int, tool: str = "t", after: tuple[int, ...] = (), **more: Any) -> Any:
    task = Task(i, tool, {str(k): Ref(d) for k, d in enumerate(needs)})
    fields = {"key": i, "task": task, "after": after, "reuse": None, "parent": None, "outcome": None}
    return SimpleNamespace(**{**fields, **more})


def graph(*calls: Any) -> dict[int, Any]:
    return {c.key: c for c in calls}


# -- bottom levels ---------------------------------------------------------------------


def test_bottom_levels_of_a_diamond() -> None:
    levels = bottom_levels({1: (), 2: (1,), 3: (1,), 4: (2, 3)}, {1: 1.0, 2: 5.0, 3: 2.0, 4: 1.0}.__getitem__)
    assert levels == {1: 7.0, 2: 6.0, 3: 3.0, 4: 1.0}


def test_the_order_of_the_mapping_does_not_matter() -> None:
    tasks = {4: (2, 3), 3: (1,), 2: (1,), 1: ()}
    assert bottom_levels(tasks, lambda i: 1.0) == {1: 3.0, 2: 2.0, 3: 2.0, 4: 1.0}


def test_what_is_not_there_is_passed_over() -> None:
    assert bottom_levels({2: (1,), 3: (2, 9)}, lambda i: 1.0) == {2: 2.0, 3: 1.0}


def test_circles_end() -> None:
    levels = bottom_levels({1: (), 2: (1, 3), 3: (2,), 4: (4,), 5: ()}, lambda i: 1.0)
    assert levels[5] == 1.0
    assert levels[1] > levels[2] > levels[3] > 0
    assert set(levels) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_long_chain_neither_recurses_nor_takes_long(backwards: bool) -> None:
    chain = {i: (i - 1,) if i else () for i in range(100_000)}
    if backwards:
        chain = dict(reversed(list(chain.items())))
    begun = perf_counter()
    assert bottom_levels(chain, lambda i: 1.0)[0] == 100_000
    assert perf_counter() - begun < 10


@given(st.data(), st.integers(1, 12), st.booleans())
def test_a_bottom_level_is_the_longest_chain_behind(data: st.DataObject, n: int, shuffled: bool) -> None:
    waits = {i: data.draw(st.sets(st.integers(0, i - 1))) if i else set() for i in range(n)}
    seconds = {i: float(data.draw(st.integers(0, 9))) for i in range(n)}
    if shuffled:
        waits = {i: waits[i] for i in data.draw(st.permutations(range(n)))}

    def longest(i: int) -> float:
        return seconds[i] + max((longest(j) for j in range(n) if i in waits[j]), default=0.0)

    assert bottom_levels(waits, seconds.__getitem__) == {i: longest(i) for i in waits}


# -- policies --------------------------------------------------------------------------


def ordered(ranks: Ranks, calls: dict[int, Any]) -> list[int]:
    return sorted(calls, key=lambda i: -ranks.rank(calls[i]))


def test_the_longest_chain_by_learned_latencies_goes_first() -> None:
    latencies = Latencies()
    latencies.observe("slow", 10.0)
    latencies.observe("quick", 0.1)
    calls = graph(
        call(1, tool="quick"),
        call(2, tool="slow"),
        call(3, tool="quick"),
        call(4, 3, tool="slow"),
        call(5, 4, tool="slow"),
    )
    assert ordered(Ranks(calls, "critical-path", latencies), calls) == [3, 4, 2, 5, 1]


def test_order_by_effects_counts_as_waiting() -> None:
    calls = graph(call(1), call(2), call(3, after=(2,)))
    ranks = Ranks(calls, "critical-path", Latencies())
    assert ranks.rank(calls[2]) > ranks.rank(calls[1])


def test_a_reused_result_takes_no_time() -> None:
    calls = graph(call(1), call(2, reuse=1), call(3))
    ranks = Ranks(calls, "critical-path", Latencies())
    assert ranks.rank(calls[1]) == ranks.rank(calls[3])


def test_an_item_ranks_as_its_task() -> None:
    latencies = Latencies()
    task = Task(2, "t", {"x": Var("v")}, each=Each("v", Ref(1)))
    parent = call(2, 1)
    parent.task = task
    item = call(2, parent=parent, key=(2, 0))
    for policy in ("critical-path", "lifo", "shortest", "longest"):
        calls = graph(call(1), parent, call(3, 2))
        ranks = Ranks(calls, policy, latencies)  # type: ignore[arg-type]
        assert ranks.rank(item) == ranks.rank(parent)


def test_fifo_ranks_all_alike_and_lifo_the_last_first() -> None:
    calls = graph(call(1), call(2, 1), call(3))
    assert {Ranks(calls, "fifo", Latencies()).rank(c) for c in calls.values()} == {0.0}
    lifo = Ranks(calls, "lifo", Latencies())
    asked = [lifo.rank(calls[i]) for i in (3, 1, 2)]
    assert asked == sorted(asked)
    assert lifo.rank(calls[1]) == asked[1], "asking again changes nothing"


def test_shortest_and_longest_by_estimate() -> None:
    latencies = Latencies()
    latencies.observe("slow", 3.0)
    latencies.observe("quick", 1.0)
    calls = graph(call(1, tool="unknown"), call(2, tool="slow"), call(3, tool="quick"))
    assert ordered(Ranks(calls, "shortest", latencies), calls) == [3, 1, 2], (
        "unknown is the mean of the known"
    )
    assert ordered(Ranks(calls, "longest", latencies), calls) == [2, 1, 3]


# -- while it grows ----------------------------------------------------------------------


def test_ranks_follow_the_graph_as_it_grows() -> None:
    calls = graph(call(1), call(2))
    ranks = Ranks(calls, "critical-path", Latencies())
    assert ranks.rank(calls[1]) == ranks.rank(calls[2]) == 1.0
    before = ranks.version
    calls[3] = call(3, 2)
    assert ranks.refresh()
    assert ranks.rank(calls[2]) == 2.0
    assert ranks.version > before
    assert not ranks.refresh()


def test_dirty_takes_in_new_edges() -> None:
    calls = graph(call(1), call(2))
    ranks = Ranks(calls, "critical-path", Latencies())
    assert ranks.rank(calls[1]) == 1.0
    calls[2].after = (1,)
    ranks.dirty()
    assert ranks.rank(calls[1]) == 2.0


def test_what_has_ended_is_not_looked_at_again() -> None:
    calls = graph(call(1), call(2, 1, outcome=object()), call(3, 2))
    ranks = Ranks(calls, "critical-path", Latencies())
    assert ranks.rank(calls[1]) == 1.0, "2 is over, and with it what waits for 1"


@pytest.mark.parametrize("independent", [False, True])
def test_streaming_many_tasks_is_not_quadratic(independent: bool) -> None:
    """Ranks are asked after every task; the calls looked at are counted, not timed."""
    looked = 0

    class Counted(dict[int, Any]):
        def values(self) -> Any:
            nonlocal looked
            for value in super().values():
                looked += 1
                yield value

        def items(self) -> Any:
            nonlocal looked
            for item in super().items():
                looked += 1
                yield item

    calls = Counted()
    ranks = Ranks(calls, "critical-path", Latencies())
    n = 10_000
    for i in range(1, n + 1):
        calls[i] = call(i, *(() if independent or i == 1 else (i - 1,)))
        ranks.rank(calls[i])
    assert n / 2 < looked <= 12 * n
    assert ranks.version <= (0 if independent else 50)


def test_ranks_are_near_the_truth_at_any_time() -> None:
    """At most a fifth of the tasks that wait for others is not taken in yet."""
    calls: dict[int, Any] = {}
    ranks = Ranks(calls, "critical-path", Latencies())
    for i in range(1, 2_000):
        calls[i] = call(i, *((i - 1,) if i > 1 else ()))
        assert ranks.rank(calls[1]) >= 0.75 * i
