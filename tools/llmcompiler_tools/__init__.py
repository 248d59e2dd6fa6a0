"""Ready-made tools on real data, for plans, demos and tests: `LLMCompiler(tools=llmcompiler_tools.demo_tools)`.

Computations and static data need no network: `offline_tools`. `network_tools` ask Wikipedia or fetch a page. Each tool
is loaded at first use, so that importing this package costs nothing; `pip install "llmcompiler-runtime[tools]"` brings
the data.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmcompiler.tools import Tool

    from ._calculator import calculate
    from ._dates import DateSpan, add_days, date_difference, weekday
    from ._elements import Element, element
    from ._numbers import Comparison, Ranked, Ranking, compare, rank
    from ._places import (
        City,
        Coordinates,
        Country,
        Distance,
        area,
        capital,
        city,
        coordinates,
        country,
        currency,
        distance,
        population,
        timezone,
    )
    from ._times import LocalTime, convert_time, current_time
    from ._units import Quantity, convert_units
    from ._web import Page, fetch_url, fetch_url_tool
    from ._wikipedia import Article, SearchHit, wikipedia, wikipedia_search, wikipedia_tools

    all_tools: list[Tool]
    demo_tools: list[Tool]
    network_tools: list[Tool]
    offline_tools: list[Tool]

_WHERE = {
    "_calculator": ("calculate",),
    "_dates": ("DateSpan", "add_days", "date_difference", "weekday"),
    "_elements": ("Element", "element"),
    "_numbers": ("Comparison", "Ranked", "Ranking", "compare", "rank"),
    "_places": (
        "City", "Coordinates", "Country", "Distance", "area", "capital", "city", "coordinates", "country", "currency",
        "distance", "population", "timezone",
    ),
    "_times": ("LocalTime", "convert_time", "current_time"),
    "_units": ("Quantity", "convert_units"),
    "_web": ("Page", "fetch_url", "fetch_url_tool"),
    "_wikipedia": ("Article", "SearchHit", "wikipedia", "wikipedia_search", "wikipedia_tools"),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

_COLLECTIONS = {
    # Few, of one argument or two, and no two alike: what a small planner chooses among without a slip.
    "demo_tools": (
        "population", "area", "capital", "currency", "current_time", "distance", "element", "calculate",
        "convert_units",
    ),
    "offline_tools": (
        "calculate", "compare", "rank", "convert_units", "population", "capital", "currency", "area", "coordinates",
        "timezone", "city", "country", "distance", "element", "current_time", "convert_time", "date_difference",
        "add_days", "weekday",
    ),
    "network_tools": ("wikipedia", "wikipedia_search", "fetch_url"),
}  # fmt: skip
_COLLECTIONS["all_tools"] = _COLLECTIONS["offline_tools"] + _COLLECTIONS["network_tools"]

__all__ = [
    "Article",
    "City",
    "Comparison",
    "Coordinates",
    "Country",
    "DateSpan",
    "Distance",
    "Element",
    "LocalTime",
    "Page",
    "Quantity",
    "Ranked",
    "Ranking",
    "SearchHit",
    "add_days",
    "all_tools",
    "area",
    "calculate",
    "capital",
    "city",
    "compare",
    "convert_time",
    "convert_units",
    "coordinates",
    "country",
    "currency",
    "current_time",
    "date_difference",
    "demo_tools",
    "distance",
    "element",
    "fetch_url",
    "fetch_url_tool",
    "network_tools",
    "offline_tools",
    "population",
    "rank",
    "timezone",
    "weekday",
    "wikipedia",
    "wikipedia_search",
    "wikipedia_tools",
]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    elif name in _COLLECTIONS:
        value = [__getattr__(member) for member in _COLLECTIONS[name]]
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
