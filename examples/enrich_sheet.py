"""Adds columns to a CSV file, row by row: side by side within caps, and going on where it stopped.

    python examples/enrich_sheet.py offices.csv --key country --add capital,population,currency --out enriched.csv

Each cell is a call of the tool of that name with the row's key; `--tools module:attr` brings your own. What was found
is kept in `OUT.results` as it comes, so that a run that was stopped (Ctrl-C, a crash, a power cut) and is started again
makes only the calls that are missing. A call that fails leaves its cell empty and says why in the column `problems`.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import importlib
import json
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from llmcompiler import AsyncExecutor, Limits, LLMCompiler, RunResult, SQLiteCache, Tool
from llmcompiler_tools import all_tools

CHUNK = 500
"""Rows planned at once: their results are in the sheet before the next ones are asked for."""


def tools_of(references: Sequence[str]) -> dict[str, Tool]:
    """The ready-made tools that take one argument, and those of `module:attr`."""
    every: list[Any] = list(all_tools)
    sys.path.insert(0, os.getcwd())
    for reference in references:
        module, _, name = reference.partition(":")
        found = getattr(importlib.import_module(module), name or "tools")
        every += found if isinstance(found, Iterable) else [found]
    compiler = LLMCompiler(every)
    return {t.name: t for t in compiler.tools.values() if sum(p.required for p in t.params.values()) == 1}


def plan_of(rows: Sequence[dict[str, str]], key: str, columns: Sequence[str]) -> str:
    """One call a cell. Rows with the same key share theirs: the compiler merges identical calls."""
    lines = [
        f"{n}. {column}({json.dumps(row[key], ensure_ascii=False).replace('$', '$$')})"
        for n, (row, column) in enumerate(((r, c) for r in rows for c in columns), 1)
    ]
    return "\n".join([*lines, "join()"])


def filled(row: dict[str, str], columns: Sequence[str], result: RunResult, first: int) -> dict[str, Any]:
    """The row with what was found for it."""
    out: dict[str, Any] = dict(row)
    problems = []
    for n, column in enumerate(columns, first):
        outcome = result.tasks[n].outcome if n in result.tasks else None
        value: Any = getattr(outcome, "value", None)
        if hasattr(value, "model_dump_json"):
            value = value.model_dump_json()
        out[column] = json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
        if outcome is None or outcome.status != "succeeded":
            out[column] = ""
            problems.append(f"{column}: {getattr(outcome, 'error', 'not asked for')}")
    out["problems"] = "; ".join(problems)
    return out


async def work(args: argparse.Namespace) -> int:
    """Fill the sheet; 0 where every cell was found, 1 where some are empty."""
    with args.sheet.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        header = list(reader.fieldnames or [])
    columns = [c.strip() for c in args.add.split(",") if c.strip()]
    if args.key not in header:
        raise SystemExit(f"{args.sheet} has no column {args.key!r}; it has {', '.join(header)}")
    tools = tools_of(args.tools)
    if unknown := [c for c in columns if c not in tools]:
        raise SystemExit(f"no tool is called {unknown[0]!r}; there are {', '.join(sorted(tools))}")
    empty = 0
    kept = Path(f"{args.out}.results")
    begun = args.out.with_suffix(args.out.suffix + ".part")
    with closing(SQLiteCache(kept)) as cache, begun.open("w", newline="", encoding="utf-8") as file:
        compiler = LLMCompiler(
            [tools[c] for c in columns],
            cache=cache,
            executor=AsyncExecutor(max_concurrency=args.concurrency),
            limits=Limits(tasks=CHUNK * len(columns)),
        )
        new = [c for c in (*columns, "problems") if c not in header]
        writer = csv.DictWriter(file, [*header, *new])
        writer.writeheader()
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            result = await compiler.execute(plan_of(some, args.key, columns))
            for i, row in enumerate(some):
                done = filled(row, columns, result, i * len(columns) + 1)
                empty += bool(done["problems"])
                writer.writerow(done)
            made = sum(t.via == "call" for t in result.tasks.values())
            sys.stderr.write(f"{start + len(some)} of {len(rows)} rows, {made} calls\n")
    begun.replace(args.out)
    if empty:
        sys.stderr.write(f"{empty} rows have empty cells: see the column `problems`\n")
    return 1 if empty else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Adds columns to a CSV file, row by row.")
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--key", required=True, help="the column whose value each tool is called with")
    parser.add_argument(
        "--add", required=True, help="names of tools, separated by commas; each gives a column"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--tools", action="append", default=[], metavar="MODULE:ATTR", help="tools of your own"
    )
    parser.add_argument("--concurrency", type=int, default=8, help="calls at once (default 8)")
    args = parser.parse_args(arguments)
    try:
        return asyncio.run(work(args))
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped; the same command goes on from {args.out}.results\n")
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
