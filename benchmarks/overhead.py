"""Overhead per no-op async task, against plain asyncio tasks that await the futures of what they depend on.

Both run the same graph and pass the same values. The plan is checked beforehand: `execute` of a checked plan is what
is timed, from the call to the result, with reporters off and every default (caps, timeouts) on.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from typing import Any

from benchmarks.graphs import SHAPES, Graph
from llmcompiler import Join, LLMCompiler, Plan, Ref, Task, tool
from llmcompiler.check import check_plan


@tool
async def noop(a: int = 0, deps: list[int] | None = None) -> int:
    """Give back `a`."""
    return a


async def floor(graph: Graph) -> float:
    """Seconds for the graph in plain asyncio."""
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    futures: list[asyncio.Task[Any]] = []

    async def run(i: int, deps: tuple[int, ...]) -> Any:
        return await noop.func(i, [await futures[d] for d in deps])

    for i, deps in enumerate(graph):
        futures.append(loop.create_task(run(i, deps)))
    await asyncio.gather(*futures)
    return time.perf_counter() - begun


def make_plan(graph: Graph) -> Plan:
    """The graph as a plan of no-ops."""
    tasks = []
    for i, deps in enumerate(graph):
        args: dict[str, Any] = {"a": i}
        if deps:
            args["deps"] = [Ref(d + 1) for d in deps]
        tasks.append(Task(i + 1, "noop", args))
    return Plan(tuple(tasks), Join())


async def ours(plan: Plan, compiler: LLMCompiler) -> float:
    """Seconds for `execute` of a checked plan."""
    begun = time.perf_counter()
    result = await compiler.execute(plan)
    seconds = time.perf_counter() - begun
    if len(result.values) != len(plan):
        raise AssertionError("a task is missing")
    return seconds


def measure(n: int = 1_000, repeats: int = 15) -> list[dict[str, Any]]:
    """One row a shape: microseconds a task for both (best of `repeats`, taken in turns) and their ratio."""
    compiler = LLMCompiler([noop])
    rows = []
    for name, shape in SHAPES.items():
        graph = shape(n)
        plan = check_plan(make_plan(graph), compiler.tools)
        base, mine, ratios = [], [], []
        for _ in range(repeats):
            gc.collect()
            b = asyncio.run(floor(graph))
            gc.collect()
            m = asyncio.run(ours(plan, compiler))
            base.append(b)
            mine.append(m)
            ratios.append(m / b)
        rows.append(
            {
                "graph": name,
                "tasks": n,
                "floor_us": min(base) / n * 1e6,
                "ours_us": min(mine) / n * 1e6,
                "ratio": min(mine) / min(base),
                "ratio_median": statistics.median(ratios),
            }
        )
    return rows
