"""Which waiting call goes first when there are more than may run: how long plans take under each policy.

On the virtual clock, through the whole runtime. Each plan is run under every policy with the same latencies. Tools
differ in how long they take, and calls of one tool in how long each takes: a scheduler can know the first at best.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from typing import Any, get_args

from benchmarks.graphs import Graph, layered
from llmcompiler import AsyncExecutor, Join, LLMCompiler, Passes, Plan, Ref, Task, Tool, tool
from llmcompiler.latencies import Latencies
from llmcompiler.passes import Priority
from llmcompiler.testing import run_virtual

POLICIES = get_args(Priority)
TYPICAL: dict[str, float] = {f"tool_{k}": 0.05 * 2**k for k in range(7)}
"""Seconds that a call of each tool takes on average: from 50 ms to 3.2 s."""


def _random_dag(n: int, seed: int) -> Graph:
    rnd = random.Random(seed)
    return [
        tuple(sorted({rnd.randrange(i) for _ in range(rnd.randint(0, 2))})) if i else () for i in range(n)
    ]


def _fork_join(n: int, seed: int) -> Graph:
    """One task, then some beside each other, then one that needs them all, and so on."""
    rnd = random.Random(seed)
    out: Graph = [()]
    while len(out) < n:
        fork, width = len(out) - 1, rnd.randint(2, 10)
        out += [(fork,)] * width
        out.append(tuple(range(fork + 1, fork + 1 + width)))
    return out


def _chains(n: int, seed: int) -> Graph:
    """Tasks that need nothing, and after them in the plan a few chains."""
    rnd = random.Random(seed)
    loose = n // 2
    out: Graph = [()] * loose
    while len(out) < n:
        first = len(out)
        out += [(), *((first + k,) for k in range(rnd.randint(3, 12)))]
    return out


SHAPES = {
    "layered": lambda n, seed: layered(n, seed=seed),
    "random": _random_dag,
    "fork-join": _fork_join,
    "chains after independent": _chains,
}


def _make(name: str) -> Tool:
    @tool(name=name, timeout=3600)
    async def work(seconds: float, needs: list[float]) -> float:
        await asyncio.sleep(seconds)
        return seconds

    return work


_TOOLS = [_make(name) for name in TYPICAL]


class _Case:
    """A graph, with a tool and a time for each task."""

    def __init__(self, shape: str, tasks: int, seed: int) -> None:
        rnd = random.Random(seed)
        self.graph = SHAPES[shape](tasks, seed)
        names = [rnd.choice(list(TYPICAL)) for _ in self.graph]
        self.seconds = [TYPICAL[name] * rnd.uniform(0.5, 1.5) for name in names]
        calls = enumerate(zip(names, self.seconds, self.graph, strict=True), 1)
        self.plan = Plan(
            tuple(
                Task(i, name, {"seconds": seconds, "needs": [Ref(d + 1) for d in needs]})
                for i, (name, seconds, needs) in calls
            ),
            Join(),
        )

    def bound(self, workers: int) -> float:
        """Seconds that no schedule is shorter than: the longest chain, or all the work shared out evenly."""
        ends: list[float] = []
        for seconds, needs in zip(self.seconds, self.graph, strict=True):
            ends.append(seconds + max((ends[d] for d in needs), default=0.0))
        return max(max(ends), sum(self.seconds) / workers)

    def run(self, workers: int, policy: Priority, latencies: Latencies | None = None) -> float:
        """Seconds of virtual time; what is learned of the tools is added to `latencies`."""

        async def main() -> float:
            executor, passes = AsyncExecutor(max_concurrency=workers), Passes(priority=policy)
            compiler = LLMCompiler(_TOOLS, executor=executor, passes=passes)
            compiler.latencies = latencies or Latencies()
            result = await compiler.execute(self.plan)
            return result.timing.makespan

        return run_virtual(main())


def _given() -> Latencies:
    latencies = Latencies()
    for name, seconds in TYPICAL.items():
        latencies.observe(name, seconds)
    return latencies


def _over_bound(shape: str, tasks: int, workers: int, seed: int) -> dict[str, float]:
    """Makespan over the lower bound under each policy, those that look at latencies with the true means given."""
    case = _Case(shape, tasks, seed)
    learned = Latencies()
    _Case(shape, tasks, seed + 10_000).run(workers, "fifo", learned)  # of another plan, with the same tools
    seconds = {
        "first_run": case.run(workers, "critical-path"),
        "later_run": case.run(workers, "critical-path", learned),
        **{policy: case.run(workers, policy, _given()) for policy in POLICIES},
    }
    bound = case.bound(workers)
    return {name: s / bound for name, s in seconds.items()}


def measure(seeds: int = 30, tasks: int = 100, workers: tuple[int, ...] = (2, 4, 8)) -> list[dict[str, Any]]:
    """A row for each shape and number of workers, over `seeds` plans.

    `vs_fifo` is the makespan by critical path over that of first come first served: the mean, the best and the worst
    plan. The rest is the mean makespan over the lower bound: `first_run` by critical path with nothing known of the
    tools, `later_run` after one run of another plan, and each policy with the tools' true means.
    """
    rows = []
    for shape in SHAPES:
        for m in workers:
            plans = [_over_bound(shape, tasks, m, seed) for seed in range(seeds)]
            ratios = [p["critical-path"] / p["fifo"] for p in plans]
            rows.append(
                {
                    "graph": shape,
                    "workers": m,
                    "vs_fifo": statistics.fmean(ratios),
                    "best": min(ratios),
                    "worst": max(ratios),
                    **{name: statistics.fmean(p[name] for p in plans) for name in plans[0]},
                }
            )
    return rows
