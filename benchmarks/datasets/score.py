"""Plans the questions of a data set with the embedded model, and scores the plans; see `__main__` for the command."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from llmcompiler import LLMCompiler, Plan
from llmcompiler.errors import ConfigurationError, LLMCompilerError
from llmcompiler.protocols import Planner
from llmcompiler.tools import Tool

from ..embedded.score import wilson
from . import hotpotqa, movie, parallelqa
from .plans import Expected, Score, judge

SETS: dict[str, ModuleType] = {"parallelqa": parallelqa, "hotpotqa": hotpotqa, "movie": movie}
"""For each set a module with its file's name, the tools to plan with, and the rule that reads a question."""


@dataclass(slots=True)
class Row:
    """One question, scored."""

    id: str
    branch: int
    question: str
    score: Score
    plan: str
    seconds: float


def read(name: str, folder: Path) -> tuple[list[tuple[dict[str, Any], Expected]], int]:
    """The questions of a set that its rule can read, each with the plan it asks for; and how many it can not.

    Raises:
        FileNotFoundError: The set is not in `folder`.
    """
    module = SETS[name]
    items = json.loads((folder / module.FILE).read_text(encoding="utf-8"))
    expected: Callable[[str], Expected | None] = module.expected
    read_ = [(item, e) for item in items if (e := expected(item["question"])) is not None]
    return read_, len(items) - len(read_)


def spread(items: Sequence[Any], limit: int | None) -> list[Any]:
    """At most `limit` of the items, at even distances, so that a part stands for the whole."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[i * len(items) // limit] for i in range(limit)]


async def score_set(
    name: str, items: Sequence[tuple[dict[str, Any], Expected]], planner: Planner
) -> list[Row]:
    """Plan every question; a plan that can not be made is an empty one."""
    tools: tuple[Tool, ...] = SETS[name].TOOLS
    compiler = LLMCompiler(tools=tools, planner=planner)
    rows = []
    for item, expected in items:
        begin = time.perf_counter()
        try:
            plan = await compiler.plan(item["question"])
        except ConfigurationError:
            raise
        except LLMCompilerError:
            plan = Plan()
        seconds = time.perf_counter() - begin
        score = judge(plan, expected)
        rows.append(Row(str(item["id"]), expected.branch, item["question"], score, str(plan), seconds))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The scores in Markdown, by number of branches where the set has them."""
    head = ["questions", "n", "exact", "95 %", "calls", "entities", "dependencies", "surplus calls", "median"]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    branches = sorted({r.branch for r in rows} - {0})
    for branch in [*branches, None]:
        part = [r for r in rows if branch is None or r.branch == branch]
        scores = [r.score for r in part]
        low, high = wilson(sum(s.exact for s in scores), len(part))
        lines.append(
            [
                "**all**" if branch is None else f"{branch} things",
                str(len(part)),
                _share([s.exact for s in scores]),
                f"{low * 100:.0f}–{high * 100:.0f} %",
                _share([s.calls for s in scores]),
                _share([s.entities for s in scores]),
                _share([s.dependencies for s in scores]),
                str(sum(s.surplus for s in scores)),
                f"{statistics.median(r.seconds for r in part):.2f} s" if part else "",
            ]
        )
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _share(hits: Sequence[bool]) -> str:
    if not hits:
        return ""
    low, high = wilson(sum(hits), len(hits))
    return f"{100 * sum(hits) / len(hits):.0f} % ({low * 100:.0f}–{high * 100:.0f})"


def report(name: str, model: str, rows: Sequence[Row], unread: int) -> dict[str, Any]:
    """Everything as JSON types, without the questions themselves: those belong to the data set."""
    plain = [
        {k: v for k, v in asdict(r).items() if k not in ("question", "plan")} | {"exact": r.score.exact}
        for r in rows
    ]
    return {"set": name, "model": model, "unread": unread, "rows": plain, "table": table(rows)}
