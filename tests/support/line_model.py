"""A model that writes what a test says, line by line under the grammar; with tools and helpers for such tests."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

from pydantic import BaseModel

from llmcompiler import Tool, tool
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.models.base import ModelChunk, ModelRequest, Usage
from llmcompiler.plan import Plan, Task
from llmcompiler.protocols import PlanContext, PlanItem
from llmcompiler.tools import ToolRegistry
from llmcompiler_planners.local import LocalPlanner
from tests.support.gbnf import accepts

FEATURES = frozenset({"chat", "completion", "grammar", "logprobs", "adapter"})


class Land(BaseModel):
    name: str
    people: int
    towns: list[str]


@tool
def population(city: str) -> int:
    """Number of people who live in a city."""
    return len(city)


@tool
def capital(country: str) -> str:
    """Capital city of a country."""
    return f"{country} City"


@tool
def land(name: str) -> Land:
    """Facts of a country."""
    return Land(name=name, people=9, towns=["A", "B"])


@tool
def weather(city: str, unit: str = "celsius", days: int = 1) -> str:
    """Weather of a city."""
    return "rain"


@tool(effect="write")
def mail(person: str) -> str:
    """Send a letter."""
    return "sent"


TOOLS = (population, capital, land, weather, mail)

Line = str | tuple[str, float] | Exception


class LineModel:
    """Writes one line a request, in pieces, each with a probability, and only what the request's grammar allows.

    A line is a text, a text with the probability of its pieces, or an error; a text that ends in `…` is cut off there.
    """

    name = "lines"
    features = FEATURES

    def __init__(self, *lines: Line) -> None:
        self.lines = list(lines)
        self.requests: list[ModelRequest] = []
        self.closed = 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        self.requests.append(request)
        assert len(self.requests) <= len(self.lines), f"one request too many: {request.prompt}"
        line = self.lines[len(self.requests) - 1]
        if isinstance(line, Exception):
            raise line
        text, probability = line if isinstance(line, tuple) else (line, 0.95)
        finish = "length" if text.endswith("…") else "stop"
        assert request.grammar is not None
        if finish == "stop":
            assert accepts(request.grammar, f" {text}\n"), f"{text!r} is not in\n{request.grammar}"
        try:
            text = f" {text.removesuffix('…')}"
            for i in range(0, len(text), 5):
                yield ModelChunk(text[i : i + 5], logprob=math.log(probability))
            yield ModelChunk("", Usage(0, 100 + len(self.requests), 7), finish)
        finally:
            self.closed += 1

    @property
    def prompts(self) -> list[str]:
        return [request.text for request in self.requests]


def context(question: str, *tools: Tool, **options: Any) -> PlanContext:
    return PlanContext(question, ToolRegistry(tools or TOOLS), **options)


async def items(
    model: Any, question: str, *tools: Tool, settings: dict[str, Any] | None = None, **options: Any
) -> list[PlanItem]:
    planner = LocalPlanner(model, **(settings or {}))
    return [item async for item in planner.plan(context(question, *tools, **options))]


def calls(found: list[PlanItem]) -> list[str]:
    return [str(t) for t in found if isinstance(t, Task)]


def warnings(found: list[PlanItem], code: str = "weak-plan") -> list[str]:
    return [i.message for i in found if isinstance(i, Diagnostic) and i.code == code]


def bound(text: str, *tools: Tool) -> list[Task]:
    """The tasks of a plan as the runtime hands them back: arguments by name."""
    return list(Plan.parse(text, tools=tools or TOOLS).tasks)


TWO = "Which is bigger, Oslo or Rome?"
OSLO, ROME = 'population("Oslo")', 'population("Rome")'
NAMES = ["Oslo", "Rome", "Bern", "Kyiv"]
