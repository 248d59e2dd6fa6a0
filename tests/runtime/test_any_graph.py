"""Any graph, with any latencies, failures, retries, timeouts, caps and cancellation: what is promised holds."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import (
    ApprovalRequest,
    Failed,
    Limits,
    LLMCompiler,
    Plan,
    Ref,
    RunResult,
    Skipped,
    Succeeded,
    Task,
    Tool,
    TransientError,
    tool,
)
from llmcompiler.testing import RecordingReporter
from tests.support.strict_loop import OpenExecutor, assert_events_are_whole, run_strictly

TOOLS = {
    # name: options. A try of any of them takes `seconds`, and the first `failing` tries fail.
    "plain": {},
    "narrow": {"max_concurrency": 1},
    "wide": {"max_concurrency": 3},
    "hurried": {"timeout": 4.5},
    "tried": {"retries": 2},
    "reader": {"effect": "read", "timeout": 4.5},
    "asked": {"requires_approval": True},
}
TRIES = {"tried": 3, "reader": 3}
TIMEOUT = {"hurried": 4.5, "reader": 4.5}
MANY = 99


@dataclass(frozen=True)
class Work:
    tool: str
    needs: tuple[int, ...]
    seconds: int
    failing: int

    def succeeds(self, approved: bool) -> bool:
        if self.tool == "asked" and not approved:
            return False
        if self.seconds >= TIMEOUT.get(self.tool, MANY):
            return False
        return self.failing < TRIES.get(self.tool, 1)


@st.composite
def works(draw: st.DrawFn, tools: tuple[str, ...] = tuple(TOOLS)) -> dict[int, Work]:
    out = {}
    for i in range(1, draw(st.integers(1, 12)) + 1):
        needs = draw(st.lists(st.integers(1, i - 1), max_size=3, unique=True)) if i > 1 else []
        failing = draw(st.sampled_from([0, 0, 0, 1, 2, MANY]))
        out[i] = Work(draw(st.sampled_from(tools)), tuple(needs), draw(st.integers(0, 6)), failing)
    return out


class Bench:
    """Tools that follow a script, and count what runs."""

    def __init__(self, script: dict[int, Work]) -> None:
        self.script = script
        self.tries: Counter[int] = Counter()
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.done: dict[int, int] = {}

    def make(self, name: str, options: dict[str, Any]) -> Tool:
        @tool(name=name, **options)
        async def work(i: int, needs: list[int]) -> int:
            one = self.script[i]
            assert needs == list(one.needs), "the results of what it needs, in order"
            self.tries[i] += 1
            for key in (name, "all"):
                self.running[key] += 1
                self.most[key] = max(self.most[key], self.running[key])
            try:
                await asyncio.sleep(one.seconds)
                if self.tries[i] <= one.failing:
                    raise TransientError("busy")
            finally:
                for key in (name, "all"):
                    self.running[key] -= 1
            self.done[i] = i
            return i

        return work

    @property
    def tools(self) -> list[Tool]:
        return [self.make(name, options) for name, options in TOOLS.items()]

    @property
    def plan(self) -> Plan:
        tasks = [
            Task(i, one.tool, {"i": i, "needs": [Ref(n) for n in one.needs]})
            for i, one in self.script.items()
        ]
        return Plan(tuple(tasks))

    @property
    def graph(self) -> nx.DiGraph[int]:
        graph: nx.DiGraph[int] = nx.DiGraph([(n, i) for i, one in self.script.items() for n in one.needs])
        graph.add_nodes_from(self.script)
        return graph


def assert_caps_held(bench: Bench, cap: int | None) -> None:
    assert cap is None or bench.most["all"] <= cap
    for name, options in TOOLS.items():
        assert bench.most[name] <= options.get("max_concurrency", MANY)
    assert not +bench.running


@settings(max_examples=150, deadline=None)
@given(works(), st.sampled_from([1, 2, 5, None]), st.booleans())
def test_each_task_has_its_one_outcome_and_nothing_is_lost(
    script: dict[int, Work], cap: int | None, approved: bool
) -> None:
    bench, reporter, executor = Bench(script), RecordingReporter(), OpenExecutor(max_concurrency=cap)

    async def approver(request: ApprovalRequest) -> bool:
        await asyncio.sleep(1)
        return approved

    compiler = LLMCompiler(bench.tools, approver=approver, reporters=[reporter], executor=executor)
    result = run_strictly(lambda: compiler.execute(bench.plan), collect=False)
    assert_events_are_whole(reporter)
    assert_caps_held(bench, cap)
    executor.assert_nothing_is_left()

    failing = {i for i, one in script.items() if not one.succeeds(approved)}
    skipped = {d for f in failing for d in nx.descendants(bench.graph, f)}
    for i, one in script.items():
        outcome = result.tasks[i].outcome
        if i in skipped:
            assert isinstance(outcome, Skipped)
            assert outcome.cause in failing - skipped
            assert bench.tries[i] == 0
        elif i in failing:
            assert isinstance(outcome, Failed)
        else:
            assert outcome == Succeeded(i)
            assert bench.tries[i] == one.failing + 1
        assert result.tasks[i].attempts == bench.tries[i]
    assert {i for i, t in result.tasks.items() if t.outcome == Succeeded(i)} == set(bench.done)
    assert set(result.output) == {i for i in set(result.values) if not bench.graph.out_degree(i)}


@settings(max_examples=100, deadline=None)
@given(works(tools=("plain", "hurried")))
def test_with_room_for_all_a_run_takes_its_critical_path(script: dict[int, Work]) -> None:
    bench = Bench(script)
    compiler = LLMCompiler(bench.tools, executor=OpenExecutor(max_concurrency=None))
    result = run_strictly(lambda: compiler.execute(bench.plan), collect=False)
    ends: dict[int, float] = {}
    for i, one in script.items():
        if isinstance(result.tasks[i].outcome, Skipped):
            continue
        begun = max((ends[n] for n in one.needs), default=0.0)
        ends[i] = begun + min(one.seconds, TIMEOUT.get(one.tool, MANY))
        assert abs((result.tasks[i].started or 0.0) - begun) < 1e-6
        assert abs(result.tasks[i].finished - ends[i]) < 1e-4
    assert abs(result.timing.makespan - max(ends.values())) < 1e-4
    assert abs(result.timing.critical_path - max(ends.values())) < 1e-4


@settings(max_examples=100, deadline=None)
@given(works(), st.sampled_from([1, 3, None]), st.floats(0, 20), st.booleans())
def test_at_the_end_of_the_runs_time_what_was_done_is_kept(
    script: dict[int, Work], cap: int | None, seconds: float, by_limit: bool
) -> None:
    """Cancelled from outside or out of time: the same, but for what the caller gets."""
    bench, reporter, executor = Bench(script), RecordingReporter(), OpenExecutor(max_concurrency=cap)

    async def approver(request: ApprovalRequest) -> bool:
        await asyncio.sleep(1)
        return True

    async def main() -> RunResult | None:
        compiler = LLMCompiler(bench.tools, approver=approver, reporters=[reporter], executor=executor)
        if by_limit:
            return await compiler.execute(bench.plan, limits=Limits(seconds=seconds + 0.01))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await compiler.execute(bench.plan)
        return None

    result = run_strictly(main, collect=False)
    if reporter.events:
        assert_events_are_whole(reporter)
    assert_caps_held(bench, cap)
    executor.assert_nothing_is_left()
    if result is not None:
        assert {i for i, t in result.tasks.items() if t.outcome == Succeeded(i)} == set(bench.done)
        assert set(result.tasks) == set(script)
        for i, t in result.tasks.items():
            if isinstance(t.outcome, Skipped):
                assert isinstance(result.tasks[t.outcome.cause].outcome, Failed)
                assert t.outcome.cause in nx.ancestors(bench.graph, i)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(works(), st.none() | st.floats(0, 9)), min_size=2, max_size=4), st.integers(1, 3))
def test_caps_hold_over_runs_at_once_whatever_becomes_of_each(
    runs: list[tuple[dict[int, Work], float | None]], cap: int
) -> None:
    """One bench for all: ids are made different, so that every run has its own script on shared tools."""
    script: dict[int, Work] = {}
    plans: list[Plan] = []
    for number, (works_of_run, _) in enumerate(runs):
        base = number * 100
        own = {
            base + i: Work(one.tool, tuple(base + n for n in one.needs), one.seconds, one.failing)
            for i, one in works_of_run.items()
        }
        script |= own
        plans.append(Bench(own).plan)
    bench, executor = Bench(script), OpenExecutor(max_concurrency=cap)

    async def approver(request: ApprovalRequest) -> bool:
        await asyncio.sleep(1)
        return True

    async def main() -> None:
        compiler = LLMCompiler(bench.tools, approver=approver, executor=executor)

        async def one(plan: Plan, seconds: float | None) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    result = await compiler.execute(plan)
                    assert set(result.tasks) == {t.id for t in plan.tasks}

        await asyncio.gather(*(one(p, seconds) for p, (_, seconds) in zip(plans, runs, strict=True)))

    run_strictly(main, collect=False)
    assert_caps_held(bench, cap)
    executor.assert_nothing_is_left()
