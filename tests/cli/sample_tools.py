"""Tools, models and planners that the command line's tests name on it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from pydantic import BaseModel

from llmcompiler import Diagnostic, ModelAuthenticationError, Tool, ToolContext, tool
from llmcompiler.testing import ScriptedModel, ScriptedPlanner


class Mountain(BaseModel):
    name: str
    height: float


@tool(effect="read")
async def search(query: str) -> Mountain:
    """Look up a mountain."""
    heights = {"Mount Everest": 8849.0, "Kilimanjaro": 5895.0}
    if query not in heights:
        raise LookupError(f"no mountain [bold]{query}[/bold] \x1b[31mhere")
    return Mountain(name=query, height=heights[query])


@tool(effect="pure")
def divide(a: float, b: float) -> float:
    """One number divided by another."""
    return a / b


@tool(effect="write", requires_approval=True)
async def send_mail(to: str, body: str) -> str:
    """Send a mail."""
    return f"sent to {to}"


@tool
async def wait(seconds: float, label: str = "") -> str:
    """Wait, then give the label."""
    await asyncio.sleep(seconds)
    return label


def _write(path: str, text: str) -> None:
    # Whole or not at all: a test polls this file.
    Path(path + ".part").write_text(text)
    Path(path + ".part").replace(path)


@tool
async def hang(marker: str, after: Mountain, ctx: ToolContext) -> str:
    """Never end; leave a file that tells whether it was cancelled."""
    _write(marker, "running")
    await ctx.progress("hanging", 0.5)
    try:
        await asyncio.Event().wait()
    finally:
        _write(marker, "cancelled")
    return ""


@tool
def chatty(text: str) -> str:
    """Print to standard output, as tools do."""
    print(f"chatty says {text}")  # noqa: T201 - that is what it is for
    return text


@tool
def environment(name: str) -> str:
    """An environment variable."""
    return os.environ.get(name, "")


def plain(a: int) -> int:
    """A function that nobody decorated."""
    return a + 1


tools: list[Tool] = [search, divide, send_mail, wait, hang, chatty]
by_name = {"s": search, "d": divide}
empty: list[Tool] = []
number = 42

PLAN = """\
Thought: both heights are needed [green]first[/green]
1. search("Mount Everest")
2. search("Kilimanjaro")
3. divide($1.height, $2.height)
join()
"""
ANSWER = '{"thought": "", "action": "answer", "answer": "Everest is 1.5 times as tall."}'


def model() -> ScriptedModel:
    """Plans two searches and a division, then answers."""
    return ScriptedModel([PLAN, ANSWER])


def planner() -> ScriptedPlanner:
    """Needs no model."""
    return ScriptedPlanner([PLAN.replace("join()", "join($3)")])


def slow_planner() -> ScriptedPlanner:
    """Never gets to its end."""
    return ScriptedPlanner([[(0.0, '1. search("Kilimanjaro")'), (3600.0, "join($1)")]])


def silent_planner() -> ScriptedPlanner:
    """Never gets to its start."""
    return ScriptedPlanner([[(3600.0, "join()")]])


def failing_planner() -> ScriptedPlanner:
    """Its only call fails."""
    return ScriptedPlanner(['1. search("Atlantis")\njoin($1)'] * 3)


def mail_planner() -> ScriptedPlanner:
    """Its call needs approval."""
    return ScriptedPlanner(['1. send_mail("ann@example.org", "line one\\nline \\u001b[31mtwo")\njoin($1)'])


def eight_planner() -> ScriptedPlanner:
    """Eight calls that overlap, for the live view."""
    lines = [(0.05, f'{i}. wait({0.1 + (i % 4) / 10}, "value {i}")') for i in range(1, 8)]
    return ScriptedPlanner([[*lines, (0.0, "8. wait(0.1, $7)\njoin($8)")]])


def broken_planner() -> ScriptedPlanner:
    """Raises something of its own."""
    return ScriptedPlanner([RuntimeError("the planner is broken")] * 9)


class Unready:
    """Can not be made."""

    def __init__(self) -> None:
        raise RuntimeError("no licence")


def slow_join_model() -> ScriptedModel:
    """Plans at once and never comes to its answer."""
    return ScriptedModel(['1. search("Kilimanjaro")\njoin()', [(0.0, '{"thought": "'), (3600.0, "")]])


def hang_planner() -> ScriptedPlanner:
    """One call ends, one does not."""
    return ScriptedPlanner(
        [f'1. search("Kilimanjaro")\n2. hang("{os.environ.get("MARKER", "")}", $1)\njoin()']
    )


def refused_model() -> ScriptedModel:
    """Has a wrong key."""
    return ScriptedModel(
        [ModelAuthenticationError("the server refused the key (401); set OPENAI_API_KEY", 401)] * 9
    )


def weak_planner() -> ScriptedPlanner:
    """Is unsure of its plan."""
    weak = Diagnostic(
        "weak-plan", "the planner was unsure of task 1", 0, 0, "read it before you rely on it", "warning"
    )
    return ScriptedPlanner([[(0.0, '1. search("Kilimanjaro")'), (0.0, weak), (0.0, "join($1)")]])


def odd_planner() -> ScriptedPlanner:
    """Its answer holds control characters and letters of many scripts."""
    return ScriptedPlanner(['1. chatty("h\\u00f6he \\u5c71 \\u001b[31mred\\u0007")\njoin($1)'])


def join_model() -> ScriptedModel:
    """Only answers."""
    return ScriptedModel(['{"thought": "", "action": "answer", "answer": "5895 m."}'])
