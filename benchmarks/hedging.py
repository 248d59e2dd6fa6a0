"""A tool with a slow call now and then, with hedging off and on: how long its calls take, and how many there are.

Each call takes about `TYPICAL` seconds, and one in a hundred `SLOW`, whichever call that is: what makes it slow lies
with the server, and a second call is not slow for the same reason.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from llmcompiler import AsyncExecutor, LLMCompiler, Passes, Plan, Task, tool
from llmcompiler.testing import run_virtual

TYPICAL = 0.002
SLOW = 0.1
SHARE = 0.01
AT_ONCE = 8


async def _calls(n: int, hedge: bool, seed: int) -> tuple[list[float], int]:
    """Seconds of each of `n` calls, sorted, and how many the server got."""
    rnd = random.Random(seed)
    made = 0

    @tool(effect="read", retries=0)
    async def ask(i: int) -> int:
        nonlocal made
        made += 1
        await asyncio.sleep(SLOW if rnd.random() < SHARE else TYPICAL * rnd.uniform(0.8, 1.4))
        return i

    executor = AsyncExecutor(hedge=hedge, max_concurrency=2 * AT_ONCE)
    compiler = LLMCompiler([ask], executor=executor, passes=Passes(merge=False, fold=False))
    seconds: list[float] = []

    async def client(first: int) -> None:
        for i in range(first, n, AT_ONCE):
            result = await compiler.execute(Plan((Task(1, "ask", {"i": i}),)))
            seconds.append(result.tasks[1].seconds)

    await asyncio.gather(*(client(i) for i in range(AT_ONCE)))
    return sorted(seconds), made


def measure(n: int = 5_000, seed: int = 0) -> list[dict[str, Any]]:
    """A row for each clock and for hedging off and on: milliseconds a call, and calls beyond those asked for.

    The virtual clock shows what hedging does; the real one adds this machine's own delays.
    """
    rows = []
    clocks: dict[str, Callable[..., Any]] = {"virtual": run_virtual, "real": asyncio.run}
    for clock, run in clocks.items():
        for hedge in (False, True):
            seconds, made = run(_calls(n, hedge, seed))
            rows.append(
                {
                    "clock": clock,
                    "hedging": "on" if hedge else "off",
                    "calls": n,
                    "p50_ms": seconds[n // 2] * 1e3,
                    "p99_ms": seconds[int(n * 0.99)] * 1e3,
                    "p99.9_ms": seconds[int(n * 0.999)] * 1e3,
                    "mean_ms": sum(seconds) / n * 1e3,
                    "extra_calls_percent": (made - n) / n * 100,
                }
            )
    return rows
