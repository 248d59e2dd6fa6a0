"""Overhead per no-op async task where tools declare more than nothing, and where somebody listens.

The graph is the layered one of `overhead`, as is the floor, where nothing else is said. Each run has a compiler of its
own, so that nothing is known from the run before; but for "pure, made before", which runs the same plan again.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.graphs import independent, layered
from benchmarks.overhead import floor, make_plan, noop, ours
from llmcompiler import Join, LLMCompiler, MemoryCache, Plan, Reporter, Task, ToolRegistry, tool
from llmcompiler.check import check_plan
from llmcompiler.events import Event
from llmcompiler.plan import Each
from llmcompiler.values import Var


class _Nobody(Reporter):
    def report(self, event: Event) -> None:
        """Events are made, and nothing is done with them."""


@tool(effect="write", resource="log")
async def write(a: int = 0) -> int:
    """Give back `a`."""
    return a


def _noop(**options: Any) -> Any:
    @tool(name="noop", **options)
    async def declared(a: int = 0, deps: list[int] | None = None) -> int:
        """Give back `a`."""
        return a

    return declared


_key_each = _noop(effect="write", resource=lambda a, deps: a)


@dataclass(frozen=True)
class _Variant:
    tools: list[Any]
    options: Callable[[], dict[str, Any]] = dict
    plan: Callable[[int], Plan] = field(default=lambda n: make_plan(layered(n)))
    again: bool = False


def _loop(n: int) -> Plan:
    return Plan((Task(1, "noop", {"a": Var("i")}, each=Each("i", list(range(n)))),), Join())


_VARIANTS = {
    "nothing declared": _Variant([noop]),
    "a reporter listens": _Variant([noop], lambda: {"reporters": [_Nobody()]}),
    "a write tool among the tools": _Variant([noop, write]),
    "read": _Variant([_noop(effect="read")]),
    "read, with a key each": _Variant([_noop(effect="read", resource=lambda a, deps: a)]),
    "read, and a write tool among the tools": _Variant([_noop(effect="read", resource="db"), write]),
    "read, with a cache": _Variant([_noop(effect="read")], lambda: {"cache": MemoryCache()}),
    "write, with a key each in the plan": _Variant([_key_each], plan=lambda n: make_plan(independent(n))),
    "write, with keys known when results are": _Variant([_key_each]),
    "pure": _Variant([_noop(effect="pure")]),
    "pure, made before": _Variant([_noop(effect="pure")], again=True),
    "one `for` instead of the graph": _Variant([noop], plan=_loop),
}


async def _run(plan: Plan, compiler: LLMCompiler, again: bool) -> float:
    if again:
        await compiler.execute(plan)
        gc.collect()
    if plan.tasks[0].each is None:
        return await ours(plan, compiler)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    result = await compiler.execute(plan)
    seconds = loop.time() - begun
    if len(result.values[1]) != len(plan.tasks[0].each.source):
        raise AssertionError("an item is missing")
    return seconds


def measure(n: int = 1_000, repeats: int = 15) -> list[dict[str, Any]]:
    """One row a variant: microseconds a task (best of `repeats`) and the ratio to the floor, taken in turns with it."""
    rows = []
    for name, variant in _VARIANTS.items():
        base, mine, ratios = [], [], []
        tools = ToolRegistry(variant.tools)
        plan = check_plan(variant.plan(n), tools)
        for _ in range(repeats):
            compiler = LLMCompiler(tools, **variant.options())
            gc.collect()
            b = asyncio.run(floor(layered(n)))
            gc.collect()
            m = asyncio.run(_run(plan, compiler, variant.again))
            base.append(b)
            mine.append(m)
            ratios.append(m / b)
        rows.append(
            {
                "tools": name,
                "tasks": n,
                "floor_us": min(base) / n * 1e6,
                "ours_us": min(mine) / n * 1e6,
                "ratio": min(mine) / min(base),
                "ratio_median": statistics.median(ratios),
            }
        )
    return rows
