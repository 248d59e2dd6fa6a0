"""Schedules on the virtual clock: equal to the critical path without caps, within Graham's bound under them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import Plan, Ref, Task, ToolRegistry, tool
from llmcompiler.errors import ConfigurationError
from llmcompiler.latencies import Latencies
from llmcompiler.passes import Priority
from llmcompiler.plan import Each
from llmcompiler.simulator import Schedule, Work, schedule, simulate
from llmcompiler.values import Var

POLICIES = get_args(Priority)


@dataclass
class Case:
    """A random graph with edges of both kinds, and times."""

    plan: Plan
    seconds: dict[int, float]
    order: dict[int, tuple[int, ...]]

    @property
    def waits(self) -> dict[int, set[int]]:
        return {t.id: {*t.depends_on, *self.order[t.id]} for t in self.plan.tasks}

    def simulate(self, **options: Any) -> Schedule:
        return simulate(self.plan, seconds=self.seconds, order=self.order, **options)


@st.composite
def cases(draw: st.DrawFn, times: st.SearchStrategy[float] | None = None) -> Case:
    n = draw(st.integers(1, 14))
    times = times if times is not None else st.floats(0, 100)
    tasks, seconds, order = [], {}, {}
    for i in range(1, n + 1):
        earlier = st.sets(st.integers(1, i - 1), max_size=3) if i > 1 else st.just(set())
        needs = draw(earlier)
        tasks.append(
            Task(i, draw(st.sampled_from("abc")), {str(k): Ref(d) for k, d in enumerate(sorted(needs))})
        )
        order[i] = tuple(sorted(draw(earlier) - needs))
        seconds[i] = draw(times)
    return Case(Plan(tuple(tasks)), seconds, order)


def check(case: Case, s: Schedule, workers: int | None) -> None:
    """Whether it is a schedule: dependencies kept, caps kept, nobody idle while a call could run."""
    waits = case.waits
    assert set(s.start) == set(s.finish) == set(waits)
    for i, before in waits.items():
        assert s.finish[i] == s.start[i] + case.seconds[i]
        assert all(s.finish[d] <= s.start[i] for d in before)
    for at in sorted({*s.start.values(), *s.finish.values()}):
        running = sum(s.start[i] <= at < s.finish[i] for i in waits)
        assert workers is None or running <= workers
        ready = [i for i in waits if s.start[i] > at and all(s.finish[d] <= at for d in waits[i])]
        assert not ready or running == workers, f"{running} run at {at} while {ready} could"


@settings(max_examples=300)
@given(cases(), st.sampled_from(POLICIES))
def test_with_room_for_all_the_makespan_is_the_critical_path_exactly(case: Case, policy: Priority) -> None:
    s = case.simulate(policy=policy)
    assert s.makespan == s.critical_path_seconds == s.lower_bound
    check(case, s, None)


@settings(max_examples=300)
@given(cases())
def test_the_critical_path_is_a_longest_chain(case: Case) -> None:
    s = case.simulate()
    waits, path = case.waits, s.critical_path
    assert all(a in waits[b] for a, b in pairwise(path))
    assert sum(case.seconds[i] for i in path) == pytest.approx(s.critical_path_seconds)

    def longest(i: int) -> float:
        return case.seconds[i] + max(map(longest, waits[i]), default=0.0)

    assert s.critical_path_seconds == max(map(longest, waits))
    assert all(s.slack[i] == 0 for i in path)


@settings(max_examples=200)
@given(cases(st.integers(0, 9).map(float)))
def test_slack_is_how_much_later_a_call_may_start(case: Case) -> None:
    s = case.simulate()
    for i in case.seconds:
        late = {**case.seconds, i: case.seconds[i] + s.slack[i]}
        assert simulate(case.plan, seconds=late, order=case.order).makespan == s.makespan
        late[i] += 1
        assert simulate(case.plan, seconds=late, order=case.order).makespan == s.makespan + 1


@settings(max_examples=400)
@given(cases(), st.integers(1, 5), st.sampled_from(POLICIES))
def test_with_m_workers_the_makespan_is_within_grahams_bound(case: Case, m: int, policy: Priority) -> None:
    s = case.simulate(concurrency=m, policy=policy)
    work, path = sum(case.seconds.values()), s.critical_path_seconds
    assert s.sequential == pytest.approx(work)
    assert s.lower_bound == pytest.approx(max(path, work / m))
    slack = 1e-9 * (1 + work)
    assert max(path, work / m) - slack <= s.makespan <= work / m + path * (m - 1) / m + slack
    assert 0 <= s.utilisation <= 1 + 1e-9
    assert s.peak <= m


@settings(max_examples=400)
@given(cases(st.integers(1, 9).map(float)), st.integers(1, 4), st.sampled_from(POLICIES))
def test_every_policy_gives_a_schedule(case: Case, m: int, policy: Priority) -> None:
    check(case, case.simulate(concurrency=m, policy=policy), m)


@given(cases(st.integers(1, 9).map(float)))
def test_one_worker_takes_all_the_work(case: Case) -> None:
    s = case.simulate(concurrency=1)
    assert s.makespan == s.sequential
    assert s.utilisation == 1


# -- examples ----------------------------------------------------------------------------


def test_the_critical_path_goes_first_and_ends_sooner() -> None:
    """Three short calls and a chain, two workers: first come first served begins the chain last."""
    plan = Plan.parse("1. a()\n2. a()\n3. a()\n4. b()\n5. b($4)\n6. b($5)")
    assert simulate(plan, concurrency=2, policy="fifo").makespan == 4
    assert simulate(plan, concurrency=2).makespan == 3


def test_policies_differ_as_they_say() -> None:
    plan = Plan.parse("1. a()\n2. b()\n3. c()")
    seconds = {1: 2.0, 2: 3.0, 3: 1.0}

    def begun(policy: Priority) -> list[int]:
        start = simulate(plan, seconds=seconds, concurrency=1, policy=policy).start
        return sorted(start, key=start.__getitem__)

    assert begun("fifo") == [1, 2, 3]
    assert begun("lifo") == [3, 2, 1]
    assert begun("shortest") == [3, 1, 2]
    assert begun("longest") == begun("critical-path") == [2, 1, 3]


def test_latencies_and_functions_give_times() -> None:
    plan = Plan.parse("1. quick()\n2. slow($1)\n3. unknown($2)")
    latencies = Latencies()
    latencies.observe("quick", 1.0)
    latencies.observe("slow", 3.0)
    assert simulate(plan, seconds=latencies).makespan == 6.0
    assert simulate(plan, seconds=lambda task: 2.0 * task.id).makespan == 12.0
    assert simulate(plan, seconds=Latencies()).makespan == 3.0


@tool(effect="write", resource=lambda key: key, max_concurrency=1)
async def put(key: str) -> str:
    """Put."""
    return key


@tool(effect="read", max_concurrency=2)
async def look(key: str = "") -> str:
    """Look."""
    return key


TOOLS = ToolRegistry([put, look])


def test_order_of_effects_and_caps_of_tools_count() -> None:
    plan = Plan.parse('1. put("a")\n2. put("b")\n3. put("a")\n4. look()', tools=TOOLS)
    free = simulate(plan, order={})
    assert free.makespan == 3, "one put at a time"
    s = simulate(plan)
    assert s.order[3] == (1,)
    assert set(s.order[4]) >= {2, 3}
    assert s.critical_path == (1, 3, 4)
    assert s.start[4] == s.finish[3]
    assert (s.critical_path_seconds, s.makespan) == (3, 4)


def test_a_tool_at_its_cap_does_not_hold_up_others() -> None:
    plan = Plan.parse("\n".join(f"{i}. look()" for i in range(1, 5)) + "\n5. other()")
    s = simulate(plan, TOOLS, concurrency=3)
    assert s.start[5] == 0
    assert s.peak == 3


def test_a_loop_makes_as_many_calls_as_it_has_items() -> None:
    loop = Task(2, "b", {"x": Var("v")}, each=Each("v", Ref(1)))
    plan = Plan((Task(1, "a"), loop, Task(3, "c", {"x": Ref(2)})))
    s = simulate(plan, items={2: 5}, concurrency=2)
    assert (s.start[2], s.finish[2], s.makespan) == (1, 4, 5)
    assert (s.sequential, s.critical_path_seconds) == (7, 3)
    none = simulate(plan, items={2: 0})
    assert (none.start[2], none.finish[2], none.makespan) == (1, 1, 2)


def test_tasks_may_come_later() -> None:
    s = schedule([Work(1, "a", 1.0), Work(2, "a", 1.0, planned=3.0), Work(3, "a", 1.0, (2,), planned=0.5)])
    assert (s.start[1], s.start[2], s.start[3], s.makespan) == (0, 3, 4, 5)


def test_a_circle_never_starts_and_the_rest_does() -> None:
    plan = Plan(
        (Task(1, "a", {"x": Ref(2)}), Task(2, "b", {"x": Ref(1)}), Task(3, "c"), Task(4, "d", {"x": Ref(1)}))
    )
    s = simulate(plan, concurrency=1)
    assert set(s.start) == set(s.slack) == {3}
    assert (s.makespan, s.sequential) == (1, 1)


def test_results_of_earlier_rounds_are_there() -> None:
    assert simulate(Plan((Task(7, "a", {"x": Ref(3)}),))).start == {7: 0}


def test_an_empty_plan() -> None:
    s = simulate(Plan(), concurrency=4)
    assert (s.makespan, s.critical_path, s.utilisation, s.speedup) == (0, (), 0, 1)


def test_a_long_chain_does_not_recurse() -> None:
    tasks = (Task(1, "a"), *(Task(i, "a", {"x": Ref(i - 1)}) for i in range(2, 20_001)))
    s = simulate(Plan(tasks), seconds=lambda task: 0.0 if task.id % 2 else 1.0, concurrency=1)
    assert s.makespan == 10_000


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (lambda p: simulate(p, concurrency=0), "concurrency=0"),
        (lambda p: simulate(p, policy="best"), "policy='best'"),
        (lambda p: simulate(p, seconds={1: -1.0, 2: 1.0}), "task 1"),
        (lambda p: simulate(p, seconds={1: float("nan"), 2: 1.0}), "task 1"),
        (lambda p: simulate(p, seconds={1: 1.0}), "task 2"),
        (lambda p: schedule([Work(1, "a", 1.0, calls=-1)]), "task 1"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Callable[[Plan], Schedule], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        run(Plan.parse("1. a()\n2. b()"))
