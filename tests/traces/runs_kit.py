"""Runs with a known course, for tests of their traces."""

from __future__ import annotations

import asyncio
from typing import Any

from llmcompiler import LLMCompiler, RunResult, TransientError, tool
from llmcompiler.traces import Trace, TraceReporter

XSS = [
    "<script>window.pwned = 1</script>",
    "</script><script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    "</title></style></svg><svg/onload=window.pwned=1>",
    "<!--<script>",
    "]]><b>x</b>",
    "&lt;b&gt; \u2028\u2029 \u202egnp.exe",
    "\x1b[31mred\x1b[0m\x00\x07",
    "\ud800 alone",
    "\"quoted\" 'both' `ticks` \\back",
]


class Tries:
    """How often something failed so far."""

    def __init__(self) -> None:
        self.count = 0


def make_tools(tries: Tries | None = None) -> list[Any]:
    """Tools that take a while, fail, fail once, or change something."""
    seen = tries or Tries()

    @tool(effect="read", retries=2)
    async def look(what: str, seconds: float = 0.01) -> str:
        """Look something up."""
        await asyncio.sleep(seconds)
        if what == "flaky" and seen.count == 0:
            seen.count += 1
            raise TransientError("busy")
        if what.startswith("bad"):
            raise ValueError(f"no such thing: {what}")
        return f"about {what}"

    @tool(effect="write", resource="notes")
    async def note(text: str) -> str:
        """Write something down."""
        await asyncio.sleep(0.01)
        return f"noted {len(text)}"

    @tool(effect="pure")
    def several() -> list[str]:
        """Three things."""
        return ["a", "bad b", "c"]

    return [look, note, several]


async def run(plan: str, **options: Any) -> tuple[RunResult, Trace]:
    """What a run of a plan gave, and its trace from events."""
    reporter = TraceReporter()
    compiler = LLMCompiler(make_tools(), reporters=[reporter], on_item_error="collect", **options)
    result = await compiler.execute(plan)
    return result, reporter.trace(result.run_id)
