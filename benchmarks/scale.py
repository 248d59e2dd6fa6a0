"""Cost per task from 100 to 100,000 tasks, and the memory of 100,000, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_CHILD = """
import asyncio, json, re, sys
from pathlib import Path
from benchmarks.graphs import SHAPES
from benchmarks.overhead import floor, make_plan, noop, ours
from llmcompiler import LLMCompiler
from llmcompiler.check import check_plan
shape, n, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
compiler = LLMCompiler([noop])
graph = SHAPES[shape](n)
plan = check_plan(make_plan(graph), compiler.tools)
best = min(asyncio.run(ours(plan, compiler)) for _ in range(repeats))
# Not ru_maxrss: that of a child begins with what its parent had.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
base = min(asyncio.run(floor(graph)) for _ in range(repeats))
print(json.dumps({"us": best / n * 1e6, "mb": peak, "floor": base / n * 1e6}))
"""


def measure(
    sizes: tuple[int, ...] = (100, 1_000, 10_000, 100_000), shape: str = "layered"
) -> list[dict[str, Any]]:
    """One row a size: microseconds a task, the same for plain asyncio, and the peak memory of the process in MB."""
    rows = []
    for n in sizes:
        repeats = max(1, min(20, 20_000 // n))
        out = subprocess.run(
            [sys.executable, "-c", _CHILD, shape, str(n), str(repeats)],
            capture_output=True,
            text=True,
            check=True,
        )
        row = json.loads(out.stdout)
        rows.append(
            {
                "graph": shape,
                "tasks": n,
                "us_per_task": row["us"],
                "floor_us_per_task": row["floor"],
                "ratio": row["us"] / row["floor"],
                "peak_mb": row["mb"],
            }
        )
    return rows
