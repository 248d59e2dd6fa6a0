"""`python -m benchmarks [NAME ...] [--json FILE]`: run the measurements and print them as Markdown tables."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from typing import Any

NAMES = (
    "overhead",
    "variants",
    "reporters",
    "scale",
    "makespan",
    "latency",
    "hedging",
    "priorities",
    "savings",
    "recall",
    "server",
    "startup",
)
TITLES = {
    "overhead": "Overhead per no-op async task (floor: plain asyncio tasks)",
    "variants": "Overhead where tools declare more, or somebody listens",
    "reporters": "What each reporter costs: 1,000 calls that return at once, 100 of 20 ms",
    "scale": "Cost per task and memory by size",
    "makespan": "Makespan over critical path, simulated latencies of 60 ms on average",
    "latency": "Time to call",
    "hedging": "A tool of which 1 % of the calls take 100 ms instead of 2 ms, hedging off and on",
    "priorities": "Makespan under caps by who goes first, over the lower bound",
    "savings": "Calls made on a workload that repeats itself, by what is on",
    "recall": "Plans recalled from a cache of templates, by family of questions",
    "server": "The HTTP service under load, beside a bare endpoint that streams the same bytes",
    "startup": "Import time",
}


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as a Markdown table."""
    keys = list(rows[0])
    text = [[_cell(r[k]) for k in keys] for r in rows]
    lines = ["| " + " | ".join(keys) + " |", "|" + "---|" * len(keys)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in text])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if value < 10 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(NAMES)}; default all")
    parser.add_argument("--json", metavar="FILE", help="also write the rows as JSON")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    out: dict[str, Any] = {}
    load = os.getloadavg()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load before: {load[0]:.2f}\n")
    for name in options.names or NAMES:
        rows = importlib.import_module(f"benchmarks.{name}").measure()
        out[name] = rows
        print(f"### {TITLES[name]}\n\n{table(rows)}\n", flush=True)
    print(f"Load after: {os.getloadavg()[0]:.2f}", file=sys.stderr)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            json.dump(out, f, indent=1)


if __name__ == "__main__":
    main()
