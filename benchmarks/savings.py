"""Calls saved by the passes and the result cache on a workload that comes again and again: all off, each on, all on.

On the virtual clock, through the whole runtime. Counted is what reaches the functions of tools; a batch is one call.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any

from llmcompiler import AsyncExecutor, LLMCompiler, MemoryCache, Passes, Tool, tool
from llmcompiler.testing import run_virtual

CITIES = [f"city {n}" for n in range(40)]
UNITS = ["miles", "feet", "yards"]
SEARCH = 0.4
LOOK_UP = 0.1
CONVERT = 0.05
AT_ONCE = 4
"""Runs that go on at the same time."""


@dataclass(frozen=True)
class _Setting:
    """Which passes are on, and whether there is a cache."""

    passes: Passes
    cached: bool = False


_OFF = Passes.none()
SETTINGS = {
    "everything off": _Setting(_OFF),
    "fold": _Setting(Passes(fold=True, merge=False, drop=False, batch=False, priority="fifo")),
    "merge": _Setting(Passes(fold=False, merge=True, drop=False, batch=False, priority="fifo")),
    "drop": _Setting(Passes(fold=False, merge=False, drop=True, batch=False, priority="fifo")),
    "batch": _Setting(Passes(fold=False, merge=False, drop=False, batch=True, priority="fifo")),
    "cache": _Setting(_OFF, cached=True),
    "all passes": _Setting(Passes()),
    "all passes and cache": _Setting(Passes(), cached=True),
}


def _tools(made: Counter[str]) -> list[Tool]:
    """Tools that count the calls that reach them."""

    @tool(effect="read", resource="web")
    async def search(query: str) -> list[str]:
        """Cities that a query is about."""
        made["search"] += 1
        await asyncio.sleep(SEARCH)
        return random.Random(query).sample(CITIES, 6)

    async def populations(calls: list[dict[str, Any]]) -> list[int]:
        made["population"] += 1
        await asyncio.sleep(LOOK_UP)
        return [len(call["city"]) for call in calls]

    @tool(effect="read", resource=lambda city: f"census:{city}", batch=populations)
    async def population(city: str) -> int:
        """People who live in a city."""
        made["population"] += 1
        await asyncio.sleep(LOOK_UP)
        return len(city)

    @tool(effect="pure")
    async def convert(unit: str) -> float:
        """Meters in a unit."""
        made["convert"] += 1
        await asyncio.sleep(CONVERT)
        return float(len(unit))

    @tool(effect="write", resource=lambda city, text: f"census:{city}")
    async def correct(city: str, text: str) -> str:
        """Correct what is known of a city."""
        made["correct"] += 1
        await asyncio.sleep(LOOK_UP)
        return text

    @tool
    async def report(people: list[int], meters: float) -> str:
        """Put it in words."""
        made["report"] += 1
        await asyncio.sleep(CONVERT)
        return f"{sum(people) / meters:.1f}"

    return [search, population, convert, correct, report]


def _plans(runs: int, seed: int) -> list[str]:
    """Plans as models write them: often about the same, with repetitions, and with conversions that nothing uses."""
    rnd = random.Random(seed)
    popular = [1 / (rank + 1) for rank in range(len(CITIES))]

    def city() -> str:
        return rnd.choices(CITIES, popular)[0]

    out = []
    for number in range(runs):
        about = rnd.randint(1, 8)
        lines = [
            f'1. search("topic {about}")',
            "2. for city in $1: population(city)",
            *(f'{i}. population("{city()}")' for i in range(3, 8)),
            *(f'{i}. convert("{rnd.choice(UNITS)}")' for i in range(8, 11)),
            f'11. search("topic {about}")',
        ]
        if number % 10 == 9:
            lines.append(f'12. correct("{city()}", "more")')
        lines += ["13. report($2, $8)", "join($13)"]
        out.append("\n".join(lines))
    return out


async def _work(
    setting: _Setting, plans: list[str], made: Counter[str]
) -> tuple[float, list[Any], LLMCompiler]:
    """Seconds that the plans take, `AT_ONCE` of them at a time, and their answers."""
    cache = MemoryCache() if setting.cached else None
    compiler = LLMCompiler(
        _tools(made), executor=AsyncExecutor(max_concurrency=None), passes=setting.passes, cache=cache
    )
    loop = asyncio.get_running_loop()
    begun = loop.time()
    answers: list[Any] = [None] * len(plans)

    async def client(first: int) -> None:
        for number in range(first, len(plans), AT_ONCE):
            result = await compiler.execute(plans[number])
            answers[number] = result.output

    await asyncio.gather(*(client(i) for i in range(AT_ONCE)))
    return loop.time() - begun, answers, compiler


def measure(runs: int = 100, seed: int = 0) -> list[dict[str, Any]]:
    """A row for each setting: calls made (by tool, and in all), those saved, hits of the cache, virtual seconds."""
    plans = _plans(runs, seed)
    rows: list[dict[str, Any]] = []
    expected: list[Any] = []
    for name, setting in SETTINGS.items():
        made: Counter[str] = Counter()
        seconds, answers, compiler = run_virtual(_work(setting, plans, made))
        expected = expected or answers
        if None in answers or answers != expected:
            raise AssertionError(f"{name}: other answers than with everything off")
        stats = compiler.sharing.stats
        asked = stats.hits + stats.misses
        total = sum(made.values())
        rows.append(
            {
                "on": name,
                **{tool.name: made[tool.name] for tool in compiler.tools.values()},
                "calls": total,
                "saved_percent": 100 * (1 - total / rows[0]["calls"]) if rows else 0.0,
                "cache_hit_percent": 100 * stats.hits / asked if asked else 0.0,
                "seconds": seconds,
            }
        )
    return rows
