"""Shared by the planner and joiner tests: contexts that record, a few tools, ways to collect a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmcompiler.models.base import Usage
from llmcompiler.outcomes import Failed, Outcome, Succeeded
from llmcompiler.plan import Task
from llmcompiler.protocols import JoinContext, Observation, PlanContext, PlanItem, Planner
from llmcompiler.tools import Tool, ToolRegistry, tool


@dataclass
class Peak:
    name: str
    height: int


@tool(effect="read")
def search(query: str, limit: int = 5) -> Peak:
    """Look a mountain up.

    Args:
        query: What to look for.
        limit: Most hits.
    """
    return Peak(query, limit)


@tool(effect="pure")
def calculate(expression: str) -> float:
    """Work out an expression."""
    return float(len(expression))


@tool(effect="write")
def send(to: str, body: str) -> None:
    """Send a mail."""


lookup = Tool.from_schema(
    "geo.look-up",
    {
        "type": "object",
        "properties": {
            "place": {"type": "string", "description": "Its name."},
            "level": {"enum": ["city", "country"], "type": "string"},
        },
        "required": ["place"],
    },
    lambda **a: a,
    description="Look up\na place.",
    returns={
        "type": "object",
        "properties": {"population": {"type": "integer", "description": "People who\n live there."}},
    },
)

TOOLS = ToolRegistry([search, calculate, send, lookup])


@dataclass
class Spent:
    usages: list[Usage] = field(default_factory=list)
    allowed: int = 0

    @property
    def total(self) -> Usage:
        return sum(self.usages, Usage())

    def allow(self) -> None:
        self.allowed += 1


def plan_context(question: str = "How high is K2?", **changes: Any) -> tuple[PlanContext, Spent]:
    spent = Spent()
    changes.setdefault("tools", TOOLS)
    return PlanContext(question=question, usage=spent.usages.append, allow_call=spent.allow, **changes), spent


def join_context(question: str = "How high is K2?", **changes: Any) -> tuple[JoinContext, Spent, list[str]]:
    spent = Spent()
    deltas: list[str] = []
    changes.setdefault("observations", [seen(1, Peak("K2", 8611), query="K2")])
    context = JoinContext(
        question=question, usage=spent.usages.append, allow_call=spent.allow, delta=deltas.append, **changes
    )
    return context, spent, deltas


def seen(task_id: int, value: Any, *, name: str = "search", **args: Any) -> Observation:
    """An observation; an outcome is taken as it is, an exception is a failure, anything else a value."""
    outcome: Outcome
    if isinstance(value, Outcome):
        outcome = value
    elif isinstance(value, Exception):
        outcome = Failed(value)
    else:
        outcome = Succeeded(value)
    return Observation(Task(task_id, name, args), outcome)


async def collect(planner: Planner, context: PlanContext) -> list[PlanItem]:
    items: list[PlanItem] = []
    await collect_into(items, planner, context)
    return items


async def collect_into(items: list[PlanItem], planner: Planner, context: PlanContext) -> None:
    """Collect what comes before an error, too."""
    async for item in planner.plan(context):
        items.append(item)  # noqa: PERF401 - a comprehension would lose the items when it raises


def chunks(text: str, size: int = 3) -> list[tuple[float, str]]:
    return [(0.0, text[i : i + size]) for i in range(0, len(text), size)]
