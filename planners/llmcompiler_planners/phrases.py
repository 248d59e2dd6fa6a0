"""What names say: the words in a name of a tool or parameter, whether it takes a formula, whether it is a unit."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .words import variants

_UNIT = re.compile(
    r"(?:kilo|centi|milli|mega|micro)?(?:met(?:re|er)|gram|lit(?:re|er)|watt|joule|byte)s?|(?:nautical[_ ])?miles?"
    r"|feet|foot|inch(?:es)?|yards?|pounds?|ounces?|tons?|seconds?|minutes?|hours?|days?|weeks?|celsius|fahrenheit"
    r"|kelvin|km|kg|cm|mm"
)

_FORMULA = frozenset({"expression", "expr", "formula", "equation", "calculation", "arithmetic"})
_ASKING = frozenset(["what", "what's", "how", "which", "who", "where", "when", "is", "are"])
# Fields that say nothing of what a tool is about.
_GENERIC = frozenset(
    ["name", "text", "value", "unit", "code", "number", "list", "items", "result", "status", "type"]
)
# What an adjective or noun of a question measures, by the words a field or tool for it has.
_MEASURES = {
    "dense denser densest": "density",
    "heavy heavier heaviest weigh weighs weight light lighter lightest": "mass",
    "people inhabitants populous populated residents live lives living crowded": "population",
    "big bigger biggest large larger largest size covers cover": "area population",
    "far farther further farthest furthest closer closest near nearer nearest apart": "distance",
    "money": "currency",
    "tall taller tallest high higher highest": "height elevation",
    "old older oldest young younger youngest": "age born birth year",
    "hot hotter hottest warm warmer warmest cold colder coldest": "temperature",
    "cheap cheaper cheapest expensive cost costs": "price",
}


def parts(name: str) -> list[str]:
    """The words of an identifier, in lower case: `fromUnit`, `from_unit` and `from-unit` give `from`, `unit`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [w.lower() for w in re.split(r"[^A-Za-z0-9]+", spaced) if len(w) > 2]


def spoken(name: str) -> frozenset[str]:
    """The words of an identifier with their other forms."""
    return frozenset(v for w in parts(name) for v in variants(w))


def is_formula(parameter: str) -> bool:
    """Whether a text parameter of this name takes arithmetic."""
    return not _FORMULA.isdisjoint(parts(parameter))


def measured_by(words: Iterable[str], name: str) -> bool:
    """Whether these words, in small letters, ask for something called `name`: by its words, or by what they measure."""
    said, own = {v for w in words for v in variants(w)}, spoken(name)
    return bool(said & own) or any(
        own & set(measured.split()) and said & set(asking.split()) for asking, measured in _MEASURES.items()
    )


def is_unit(name: str) -> bool:
    """Whether a word or a field of this name is a unit of measure: `kilometres`, `minutes`."""
    return _UNIT.fullmatch(name.lower()) is not None
