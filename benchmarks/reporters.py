"""What each reporter costs: the same plan with it and without any, in turns, as a ratio.

The graph is the layered one of `overhead`, once of calls that return at once and once of calls of 20 ms. Displays draw
on a file or a list, so the time of a terminal or a browser is not in it.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import statistics
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from tempfile import TemporaryFile
from typing import Any

from benchmarks.graphs import layered
from benchmarks.overhead import make_plan, noop, ours
from llmcompiler import LLMCompiler, Reporter, tool
from llmcompiler.check import check_plan
from llmcompiler.events import Event

SECONDS = 0.020
"""What a call of the second half of the table takes."""

_Opened = AbstractContextManager[list[Reporter]]


class _Nobody(Reporter):
    def report(self, event: Event) -> None:
        """Events are made, and nothing is done with them."""


@tool(name="noop")
async def _nap(a: int = 0, deps: list[int] | None = None) -> int:
    """Give back `a`, later."""
    await asyncio.sleep(SECONDS)
    return a


def _trace() -> _Opened:
    from llmcompiler.traces import TraceReporter

    return nullcontext([TraceReporter()])


@contextmanager
def _live() -> Iterator[list[Reporter]]:
    from rich.console import Console

    from llmcompiler.terminal import LiveReporter

    with TemporaryFile("w", encoding="utf-8") as file:
        console = Console(file=file, force_terminal=True, width=100, height=40)
        with LiveReporter(console) as reporter:
            yield [reporter]


@contextmanager
def _log() -> Iterator[list[Reporter]]:
    from llmcompiler.terminal import LogReporter

    with TemporaryFile("w", encoding="utf-8") as file:
        yield [LogReporter(file)]


def _notebook() -> _Opened:
    from llmcompiler.notebook.reporter import NotebookReporter

    shown: dict[str, Any] = {}

    def publish(data: Any, display_id: str, /, *, update: bool) -> None:
        shown[display_id] = data

    return nullcontext([NotebookReporter(publish)])


def _telemetry() -> _Opened:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider

    from llmcompiler.telemetry import OpenTelemetryReporter

    tracers = TracerProvider(shutdown_on_exit=False)
    meters = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    return nullcontext([OpenTelemetryReporter(tracers, meters)])


def _kinds() -> dict[str, Callable[[], _Opened]]:
    kinds: dict[str, Callable[[], _Opened]] = {
        "none": lambda: nullcontext([]),
        "one that does nothing": lambda: nullcontext([_Nobody()]),
        "TraceReporter": _trace,
        "LogReporter, to a file": _log,
        "LiveReporter, to a file": _live,
        "NotebookReporter, to a list": _notebook,
    }
    if importlib.util.find_spec("opentelemetry") and importlib.util.find_spec("opentelemetry.sdk"):
        kinds["OpenTelemetryReporter, nothing sent"] = _telemetry
    return kinds


def _turns(called: Any, n: int, repeats: int) -> dict[str, list[float]]:
    """Seconds of each run by reporter. In each turn all of them run, in another order."""
    graph = layered(n)
    kinds = _kinds()
    names = list(kinds)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-1, repeats):  # the first one only warms up
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            with kinds[name]() as reporters:
                compiler = LLMCompiler([called], reporters=reporters)
                plan = check_plan(make_plan(graph), compiler.tools)
                gc.collect()
                took = asyncio.run(ours(plan, compiler))
            if turn >= 0:
                seconds[name].append(took)
    return seconds


def _ratios(seconds: dict[str, list[float]], name: str) -> tuple[float, str]:
    """The median of the ratios of the turns, and the least and most of them."""
    ratios = [mine / base for mine, base in zip(seconds[name], seconds["none"], strict=True)]
    return statistics.median(ratios), f"{min(ratios):.2f} to {max(ratios):.2f}"


def measure(n: int = 1_000, slow: int = 100, repeats: int = 9) -> list[dict[str, Any]]:
    """One row a reporter: microseconds a call and the ratio to none, with its spread, for both kinds of calls."""
    instant, napping = _turns(noop, n, repeats), _turns(_nap, slow, repeats)
    rows = []
    for name in instant:
        ratio, spread = _ratios(instant, name)
        slow_ratio, slow_spread = _ratios(napping, name)
        rows.append(
            {
                "reporter": name,
                "us_a_call": statistics.median(instant[name]) / n * 1e6,
                "ratio": ratio,
                "least_to_most": spread,
                "ms_20": statistics.median(napping[name]) * 1e3,
                "ratio_20": slow_ratio,
                "least_to_most_20": slow_spread,
            }
        )
    return rows
