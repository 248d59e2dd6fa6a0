"""Schedules of the runtime itself, on the virtual clock.

With room for all, each call begins at the earliest moment that values and the order of effects allow; with m workers,
the whole takes no longer than Graham's bound says. The earliest moments are worked out here from what the calls touch,
not from the edges that the runtime found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, get_args

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import Answer, AsyncExecutor, Join, LLMCompiler, Passes, RunResult, Skipped
from llmcompiler.passes import Priority
from llmcompiler.testing import ScriptedPlanner, run_virtual
from tests.support.effect_plans import FIXED, Bench, Key, Script, Touch, plan_of, scripts, task_of, tools
from tests.support.scripted_run import ScriptedJoiner

POLICIES = get_args(Priority)


@dataclass
class Foreseen:
    """When each call begins and ends at the earliest, in seconds."""

    started: dict[Key, float] = field(default_factory=dict)
    finished: dict[Key, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)
    """When each task has its outcome."""
    over: dict[int, float] = field(default_factory=dict)
    """When nothing has to wait for the task any more. One that is skipped keeps those after it behind those before."""
    known: dict[int, float] = field(default_factory=dict)
    """When it is known what a task touches."""
    skipped: set[int] = field(default_factory=set)

    @property
    def makespan(self) -> float:
        """From the first call to the end of the last."""
        return max(self.finished.values()) - min(self.started.values()) if self.started else 0.0

    @property
    def work(self) -> float:
        return sum(self.finished[key] - at for key, at in self.started.items())


def foresee(script: Script, comes: dict[int, float] | None = None) -> Foreseen:
    """The earliest schedule; `comes` is when each task is planned."""
    f = Foreseen()
    for i, step in script.items():
        planned = comes[i] if comes else 0.0
        gone = [f.ended[n] for n in step.waits_for if n in f.skipped]
        ready = max([planned, *(f.ended[n] for n in step.waits_for)])
        if gone or step.guard is False:
            f.skipped.add(i)
            f.ended[i] = f.known[i] = f.over[i] = max(planned, min(gone)) if gone else ready
            if not step.is_looked_at:
                f.over[i] = max(f.over[i], _order(script, f, i, step.touch))
            continue
        f.known[i] = ready
        f.ended[i] = ready
        for at, part in enumerate(step.parts):
            if not part.on:
                continue
            key = (i, at if step.loop else None)
            before = [
                f.finished[i, k]
                for k in range(at)
                if (i, k) in f.finished and step.parts[k].touch.conflicts(part.touch)
            ]
            f.started[key] = max([ready, _order(script, f, i, part.touch), *before])
            f.finished[key] = f.started[key] + part.seconds
            f.ended[i] = max(f.ended[i], f.finished[key])
        f.over[i] = f.ended[i]
    return f


def _order(script: Script, f: Foreseen, i: int, touch: Touch) -> float:
    """When those before task `i` are out of the way of a call that touches so much."""
    out = 0.0
    for n, step in script.items():
        if n >= i:
            break
        if step.is_looked_at and step.worst.conflicts(touch):
            out = max(out, f.known[n])
        if (n not in f.skipped or not step.is_looked_at) and step.touch.conflicts(touch):
            out = max(out, f.over[n])
    return out


def run(script: Script, workers: int | None, policy: Priority = "critical-path") -> RunResult:
    async def main() -> RunResult:
        Bench(script).enter()
        compiler = LLMCompiler(
            tools(),
            executor=AsyncExecutor(max_concurrency=workers),
            passes=Passes(priority=policy),
        )
        return await compiler.execute(plan_of(script))

    return run_virtual(main())


def times(result: RunResult) -> tuple[dict[Key, float], dict[Key, float]]:
    """When calls began and ended."""
    started: dict[Key, float] = {}
    finished: dict[Key, float] = {}
    for i, t in result.tasks.items():
        calls = [(i, k, item) for k, item in enumerate(t.items)] if t.task.each else [(i, None, t)]
        for i, k, call in calls:
            if call.started is not None:
                started[i, k], finished[i, k] = call.started, call.finished
    return started, finished


@settings(max_examples=150, deadline=None)
@given(scripts())
def test_with_room_for_all_each_call_begins_as_soon_as_it_may(script: Script) -> None:
    result, expected = run(script, None), foresee(script)
    assert times(result) == (expected.started, expected.finished)
    assert {i for i, t in result.tasks.items() if isinstance(t.outcome, Skipped)} == expected.skipped
    assert {i: t.finished for i, t in result.tasks.items()} == expected.ended
    assert result.timing.makespan == expected.makespan
    assert result.timing.sequential == expected.work
    if not any(step.loop for step in script.values()):  # of a `for`, only the slowest item is looked at
        assert result.timing.critical_path <= result.timing.makespan


@settings(max_examples=100, deadline=None)
@given(scripts(most=14, tools=st.sampled_from(list(FIXED)), clauses=False))
def test_with_room_for_all_the_makespan_is_the_critical_path_over_both_kinds_of_edges(script: Script) -> None:
    result = run(script, None)
    graph: nx.DiGraph[Any] = nx.DiGraph()
    for i, t in result.tasks.items():
        graph.add_edge((i, "begins"), (i, "ends"), weight=script[i].parts[0].seconds)
        for n in (*t.task.depends_on, *t.after):
            graph.add_edge((n, "ends"), (i, "begins"), weight=0.0)
    longest = nx.dag_longest_path_length(graph)
    assert result.timing.makespan == result.timing.critical_path == longest == foresee(script).makespan


@settings(max_examples=150, deadline=None)
@given(scripts(most=14), st.integers(1, 4), st.sampled_from(POLICIES))
def test_with_m_workers_the_makespan_is_within_grahams_bound(
    script: Script, m: int, policy: Priority
) -> None:
    result, free = run(script, m, policy), foresee(script)
    path, work = free.makespan, free.work
    assert max(path, work / m) <= result.timing.makespan <= work / m + path * (m - 1) / m
    started, finished = times(result)
    assert {key: finished[key] - at for key, at in started.items()} == {
        key: free.finished[key] - at for key, at in free.started.items()
    }
    for at in started.values():
        assert sum(begun <= at < finished[key] for key, begun in started.items()) <= m


@settings(max_examples=100, deadline=None)
@given(scripts(), st.lists(st.integers(0, 16), min_size=10, max_size=10))
def test_each_call_begins_as_soon_as_it_may_while_the_plan_is_being_written(
    script: Script, pauses: list[int]
) -> None:
    pause = dict(zip(script, pauses, strict=False))

    async def main() -> RunResult:
        Bench(script).enter()
        items = [(pause[i] / 8, task_of(script, i)) for i in script]
        compiler = LLMCompiler(
            tools(),
            planner=ScriptedPlanner([[*items, Join()]]),
            joiner=ScriptedJoiner(Answer("done")),
            executor=AsyncExecutor(max_concurrency=None),
        )
        return await compiler.run("?")

    result = run_virtual(main())
    comes = dict(zip(script, accumulate(pause[i] / 8 for i in script), strict=True))
    assert {i: t.planned for i, t in result.tasks.items()} == comes
    expected = foresee(script, comes)
    assert times(result) == (expected.started, expected.finished)
    assert {i: t.finished for i, t in result.tasks.items()} == expected.ended
    assert result.timing.makespan == expected.makespan
