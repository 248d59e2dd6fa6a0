"""From the last character of a task's line to its call, and from a task's last dependency to its call."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from typing import Any

from llmcompiler import Answer, LLMCompiler, ModelChunk, ModelRequest, tool

LINES = 50
SILENCE = 0.005


class _Stream:
    """A model that writes a plan a character at a time and is silent after each line."""

    name = "stream"
    features = frozenset({"chat"})

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.ended: dict[int, float] = {}

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        for number, line in enumerate(self.lines, 1):
            for ch in line[:-1]:
                yield ModelChunk(ch)
            self.ended[number] = time.perf_counter()
            yield ModelChunk(line[-1])
            await asyncio.sleep(SILENCE)
            yield ModelChunk("\n")
        yield ModelChunk("join()\n")


class _Done:
    async def join(self, context: Any) -> Any:
        return Answer("done")


async def _line_to_call() -> list[float]:
    begun: dict[int, float] = {}

    @tool
    async def noop(a: int) -> int:
        begun[a] = time.perf_counter()
        return a

    model = _Stream([f"{i}. noop({i})" for i in range(1, LINES + 1)])
    await LLMCompiler([noop], model=model, joiner=_Done()).run("?")
    return [begun[i] - model.ended[i] for i in model.ended]


async def _need_to_call() -> list[float]:
    begun: dict[int, float] = {}
    ended: dict[int, float] = {}

    @tool
    async def work(a: int, after: int = 0) -> int:
        begun[a] = time.perf_counter()
        await asyncio.sleep(0.002)
        ended[a] = time.perf_counter()
        return a

    lines = ["1. work(1)"] + [f"{i}. work({i}, ${i - 1})" for i in range(2, LINES + 1)]
    text = "\n".join(lines) + "\n"

    class _Whole(_Stream):
        async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
            yield ModelChunk(text)
            await asyncio.sleep(0.3)  # silent while the chain runs
            yield ModelChunk("join()\n")

    await LLMCompiler([work], model=_Whole([]), joiner=_Done()).run("?")
    return [begun[i] - ended[i - 1] for i in range(2, LINES + 1)]


def measure(repeats: int = 5) -> list[dict[str, Any]]:
    """Two rows: milliseconds, median and 99th percentile."""
    rows = []
    for name, probe in (
        ("last character of the line → call", _line_to_call),
        ("last dependency → call", _need_to_call),
    ):
        samples = sorted(s * 1e3 for _ in range(repeats) for s in asyncio.run(probe()))
        rows.append(
            {
                "from → to": name,
                "p50_ms": statistics.median(samples),
                "p99_ms": samples[int(len(samples) * 0.99)],
                "samples": len(samples),
            }
        )
    return rows
