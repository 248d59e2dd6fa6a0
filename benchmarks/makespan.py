"""Makespan over critical path on plans of the paper's shapes, with simulated latencies, beside plain asyncio.

The plan is streamed as text by a scripted model, so that parsing, checking and scheduling are all in it.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from typing import Any

from llmcompiler import LLMCompiler, tool
from llmcompiler.testing import ScriptedModel

MEAN = 0.060
"""Seconds a call takes on average."""

PLANS = {
    "2 searches (HotpotQA)": '1. search("a")\n2. search("b")\njoin()\n',
    "8 searches (Movie)": "".join(f'{i}. search("m{i}")\n' for i in range(1, 9)) + "join()\n",
    "searches, then math (ParallelQA)": (
        '1. search("a")\n2. search("b")\n3. search("c")\n4. search("d")\n'
        '5. math("difference", [$1, $2])\n6. math("difference", [$3, $4])\n7. math("max", [$5, $6])\njoin()\n'
    ),
}


class _Latency:
    def __init__(self, seed: int) -> None:
        self.rnd = random.Random(seed)

    def draw(self) -> float:
        return self.rnd.uniform(0.5 * MEAN, 1.5 * MEAN)


async def _one(text: str, seed: int) -> dict[str, float]:
    latency = _Latency(seed)
    planned: list[float] = []

    @tool
    async def search(query: str) -> str:
        seconds = latency.draw()
        planned.append(seconds)
        await asyncio.sleep(seconds)
        return query

    @tool
    async def math(problem: str, context: list[str]) -> str:
        seconds = latency.draw()
        planned.append(seconds)
        await asyncio.sleep(seconds)
        return problem

    class _Values:
        async def join(self, context: Any) -> Any:
            from llmcompiler import Answer

            return Answer("done")

    compiler = LLMCompiler([search, math], model=ScriptedModel([text]), joiner=_Values())
    result = await compiler.run("?")
    timing = result.timing
    return {
        "ratio": timing.makespan / timing.critical_path,
        "speedup": timing.sequential / timing.makespan,
        "makespan": timing.makespan,
    }


async def _asyncio_sleep_error(repeats: int) -> float:
    """How much longer a plain `asyncio.sleep(MEAN)` takes than asked, as a ratio."""
    out = []
    for _ in range(repeats):
        begun = time.perf_counter()
        await asyncio.sleep(MEAN)
        out.append((time.perf_counter() - begun) / MEAN)
    return statistics.median(out)


def measure(repeats: int = 20) -> list[dict[str, Any]]:
    """One row a plan: makespan over critical path (median and worst) and the speed-up over one call at a time."""
    rows = []
    for name, text in PLANS.items():
        runs = [asyncio.run(_one(text, seed)) for seed in range(repeats)]
        rows.append(
            {
                "plan": name,
                "makespan_over_critical_path": statistics.median(r["ratio"] for r in runs),
                "worst": max(r["ratio"] for r in runs),
                "speedup_over_sequential": statistics.median(r["speedup"] for r in runs),
                "asyncio_sleep_over_nominal": asyncio.run(_asyncio_sleep_error(5)),
            }
        )
    return rows
