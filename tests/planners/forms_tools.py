"""The tools that the corpus of plans in four forms calls: they compute, look nothing up, and never fail."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from llmcompiler.tools import Tool, ToolRegistry, tool


@dataclass
class Mountain:
    name: str
    height: int
    url: str
    tags: list[str]
    facts: dict[str, Any]


@dataclass
class City:
    name: str
    people: int


@dataclass
class Weather:
    city: str
    degrees: int


@tool(effect="read")
async def search(query: str, limit: int = 5) -> Mountain:
    """Look a mountain up."""
    facts = {"first ascent": f"{query} {limit}", "climbed": limit % 2 == 0, "ascent": None}
    height = 8000 + 10 * limit + len(query)
    return Mountain(f"{query}!", height, f"https://example.org/{query}", [query, f"#{limit}"], facts)


@tool(effect="pure")
async def show(value: Any, note: str = "") -> Any:
    """Show a value."""
    return [value, note]


@tool(effect="pure")
async def calculate(expression: str) -> float:
    """Work out an expression."""
    return float(sum(map(ord, expression)))


@tool(effect="read")
async def cities(country: str) -> list[City]:
    """The cities of a country."""
    return [City(f"{country}-{i}", i * 60_000) for i in range(4)]


@tool(effect="read")
async def weather(city: str, days: int = 1) -> Weather:
    """The weather in a city."""
    return Weather(city, len(city) + days)


@tool(effect="write")
async def notify(text: str, urgent: bool = False) -> str:
    """Tell the user."""
    return f"{text} {urgent}"


@tool(effect="pure")
async def now() -> str:
    """What time it is."""
    return "noon"


@tool(effect="pure")
async def measure(amount: float, count: int, on: bool, when: dt.date, unit: Literal["m", "km"]) -> str:
    """Measure."""
    return f"{amount!r} {count!r} {on!r} {when!r} {unit!r}"


@tool(effect="pure", name="sum")
async def add(numbers: list[int]) -> int:
    """Add numbers."""
    return numbers[0] + len(numbers)


@tool(effect="pure", name="filter")
async def sift(text: str, least: int) -> str:
    """Filter a text."""
    return f"{text} {least}"


@tool(effect="read")
async def elevation(größe: str) -> int:
    """An argument that is no English word."""
    return len(größe)


async def _given(**arguments: Any) -> dict[str, Any]:
    return {"max temp": 7, **arguments}


def _schema(*required: str, more: bool = False, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": more,
    }


_TEXT = {"type": "string"}
_LEVEL = {"type": "string", "enum": ["city", "country"]}
_MAIL = {"from": _TEXT, "to": _TEXT, "max-items": {"type": "integer"}, "list.id": _TEXT}
_ODD = {key: {} for key in ("id", "tool", "args", "join", "for", "if")}

TOOLS = ToolRegistry(
    [
        search, show, calculate, cities, weather, notify, now, measure, add, sift, elevation,
        Tool.from_schema("geo.look-up", _schema("place", place=_TEXT, level=_LEVEL), _given, effect="read"),
        Tool.from_schema("get-weather.v2", _schema("city", city=_TEXT), _given, effect="read"),
        Tool.from_schema("mail", _schema("from", "to", **_MAIL), _given, effect="read"),
        Tool.from_schema("report", _schema("title", title=_TEXT, more=True), _given, effect="read"),
        Tool.from_schema("odd", _schema(**_ODD), _given, effect="pure"),
    ]
)  # fmt: skip
