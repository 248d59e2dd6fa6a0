"""Runs on the virtual clock beside what the simulator said of them."""

from __future__ import annotations

import asyncio
import random
from statistics import mean

import pytest

from llmcompiler import AsyncExecutor, LLMCompiler, Plan, Ref, RunResult, Task, Tool, tool
from llmcompiler.passes import Passes, Priority
from llmcompiler.simulator import Schedule, simulate
from llmcompiler.testing import run_virtual

WORKERS = 4


def sleeper(name: str, seconds: float) -> Tool:
    async def sleep(x: list[int]) -> int:
        """Sleep."""
        await asyncio.sleep(seconds)
        return 1

    return tool(name=name)(sleep)


def pair(seed: int, policy: Priority) -> tuple[Schedule, RunResult]:
    """The schedule and the run of one random graph whose tools' latencies are known."""
    rnd = random.Random(seed)
    seconds = {f"t{k}": rnd.uniform(0.1, 3) for k in range(8)}
    tasks = []
    for i in range(1, 61):
        needs = (
            {rnd.randrange(max(1, i - 25), i) for _ in range(rnd.choice((0, 1, 1, 2)))} if i > 1 else set()
        )
        tasks.append(Task(i, f"t{rnd.randrange(8)}", {"x": [i, *map(Ref, sorted(needs))]}))
    plan = Plan(tuple(tasks))

    async def run() -> RunResult:
        tools = [sleeper(name, s) for name, s in seconds.items()]
        executor = AsyncExecutor(max_concurrency=WORKERS)
        async with LLMCompiler(tools, executor=executor, passes=Passes(priority=policy)) as compiler:
            for name, s in seconds.items():
                compiler.latencies.observe(name, s)
            return await compiler.execute(plan)

    predicted = simulate(plan, seconds=lambda t: seconds[t.tool], concurrency=WORKERS, policy=policy)
    return predicted, run_virtual(run())


@pytest.mark.parametrize("seed", range(4))
def test_first_come_first_served_runs_as_simulated(seed: int) -> None:
    predicted, result = pair(seed, "fifo")
    assert result.timing.makespan == pytest.approx(predicted.makespan, rel=1e-3)
    for i, t in result.tasks.items():
        assert t.started == pytest.approx(predicted.start[i], rel=1e-3, abs=1e-3)


def test_the_critical_path_first_is_as_quick_as_simulated_and_quicker_than_first_come() -> None:
    pairs = [pair(seed, "critical-path") for seed in range(6)]
    for predicted, result in pairs:
        assert result.timing.makespan == pytest.approx(predicted.makespan, rel=0.03)
        assert result.timing.makespan >= predicted.lower_bound * 0.999
    first_come = [pair(seed, "fifo")[1].timing.makespan for seed in range(6)]
    assert mean(r.timing.makespan for _, r in pairs) < 0.95 * mean(first_come)


def test_a_run_explains_itself_as_it_was_predicted() -> None:
    predicted, result = pair(1, "critical-path")
    text = result.explain()
    assert f"Makespan {result.timing.makespan:.1f} s, predicted {predicted.makespan:.1f} s" in text
