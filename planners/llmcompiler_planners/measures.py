"""Dates and amounts as they stand in plain text, made comparable: `12 May 1961`, `8,611 m`, `2.5 million`, `six`.

Nothing is guessed: what has no year is no date, and amounts of different dimensions do not compare.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from .words import NUMBER, number_literal

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR = r"(\d{3,4})(?!\d|,\d{3}|\.\d)"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_BC = r"\s*(BCE?\b|B\.\s?C\.(?:\s?E\.)?)"
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), order)
    for pattern, order in (
        (r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b", "ymd"),
        (rf"\b{_DAY}\s+(?:of\s+)?({_MONTH}),?\s+{_YEAR}", "dmy"),
        (rf"\b({_MONTH})\s+{_DAY},?\s+{_YEAR}", "mdy"),
        (rf"\b({_MONTH}),?\s+{_YEAR}", "my"),
        (r"\b(\d{1,2})(?:st|nd|rd|th)[\s-]century", "c"),
        (r"\b(\d{3}0)s\b", "s"),
        (r"\b(\d{1,4})(?=" + _BC + ")", "y"),
        (r"(?<![\d.,$€£])\b(1\d{3}|20\d{2})\b(?!,\d{3}|\.\d|\s?%)", "y"),
    )
)
_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_COUNTS = {word: n for n, word in enumerate(_COUNTED.split())} | {"single": 1, "dozen": 12, "thirty": 30}
_UNIT_TABLE = """
length 1: m metre meter
length 1000: km kilometre kilometer
length 0.01: cm centimetre centimeter
length 0.001: mm millimetre millimeter
length 0.3048: ft foot feet
length 0.0254: inch inches
length 1609.344: mi mile
length 0.9144: yd yard
area 1: m2 m² sq_m square_metre square_meter
area 1e6: km2 km² sq_km square_kilometre square_kilometer
area 1e4: ha hectare
area 4046.8564224: acre
area 2589988.110336: mi2 mi² sq_mi square_mile
area 0.09290304: ft2 ft² sq_ft square_foot square_feet
mass 1: kg kilogram kilo
mass 0.001: g gram gramme
mass 1000: t tonne
mass 0.45359237: lb lbs pound
mass 0.028349523125: oz ounce
time 1: s sec second
time 60: min minute
time 3600: h hr hour
time 86400: day
time 604800: week
time 2629746: month
time 31556952: year
speed 1: m/s
speed 0.2777777778: km/h kph kmh
speed 0.44704: mph
speed 0.5144444444: knot
volume 1: l litre liter
volume 3.785411784: gallon
"""
_UNITS: dict[str, tuple[str, float]] = {
    unit.replace("_", " "): (head.split()[0], float(head.split()[1]))
    for head, _, units in (line.partition(":") for line in _UNIT_TABLE.strip().splitlines())
    for unit in units.split()
}
_DEGREES = frozenset({"c", "f", "k", "°c", "°f", "celsius", "fahrenheit", "kelvin", "degree"})
_AFTER = re.compile(r"[\s-]*((?:square|sq)\.?\s+[a-z]+|[a-zµ]+(?:/[a-z]+)?[²2]?|°\s?[CF])", re.IGNORECASE)
_MAGNITUDE = re.compile(r"\s*(?:hundred|thousand|million|billion)\b", re.IGNORECASE)
_MONEY = re.compile(r"(US\$|[$£€¥₹])\s*\Z")
_PER_YEAR = 372
_MOST = 3_000


@dataclass(frozen=True, slots=True)
class When:
    """A time as the days it may be, so that what a text leaves open is not made up."""

    first: int
    last: int
    year: int
    day: date | None = None
    """Where the text says the very day."""

    def before(self, other: When) -> bool | None:
        """Whether it is earlier for certain; None where the texts do not say."""
        if self.last < other.first:
            return True
        return False if other.last < self.first else None


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with what it counts or measures."""

    number: float
    """As it stands, before any unit: `5` of `5 km`."""
    base: float
    """In the base unit of its dimension: metres, kilograms, seconds."""
    dimension: str = ""
    """`length`, `mass`, a currency sign, ...; empty for a plain number and for what is counted."""

    def less(self, other: Amount) -> bool | None:
        """Whether it is smaller; None where the two are equal or of different dimensions."""
        if self.dimension and other.dimension and self.dimension != other.dimension:
            return None
        plain = not (self.dimension and other.dimension)
        one, two = (self.number, other.number) if plain else (self.base, other.base)
        return None if one == two else one < two


def read_when(text: str, *, last: bool = False) -> When | None:
    """The first date of `text`, or its last one; None where it names no year."""
    found = _dates(text)
    return found[-1 if last else 0] if found else None


def read_amount(text: str) -> Amount | None:
    """The first amount of `text`; None where it holds no number.

    ```python
    from llmcompiler_planners.measures import read_amount

    assert read_amount("5 km").less(read_amount("4.2 miles"))
    ```
    """
    text = text[:_MOST]
    m = NUMBER.search(text)
    if m is None:
        for w in re.finditer(r"[a-z]+", text.lower()):
            if w.group() in _COUNTS:
                return _amount(float(_COUNTS[w.group()]), text, w.end())
        return None
    number = float(number_literal(m, text))
    grown = _MAGNITUDE.match(text, m.end())
    money = _MONEY.search(text, 0, m.start())
    if money is not None:
        return Amount(number, number, money[1][-1])
    end = grown.end() if grown else m.end()
    made = _amount(number, text, end)
    if made.dimension == "length" and (inches := re.match(r"\s*(?:ft|feet|foot)\s+(\d+)\s*in", text[end:])):
        return Amount(number, made.base + float(inches[1]) * 0.0254, "length")
    return made


def is_unit(word: str) -> bool:
    """Whether `word` is a unit of measure, in the singular or plural: `miles`, `kg`, `°C`."""
    word = word.lower()
    return not {word, word.removesuffix("s")}.isdisjoint(_UNITS.keys() | _DEGREES)


def lasted(text: str) -> int | None:
    """Days between the first and the last date of `text`, about; None unless it has two."""
    found = _dates(text)
    return found[-1].first - found[0].first if len(found) > 1 else None


def _amount(number: float, text: str, end: int) -> Amount:
    if text[end:].lstrip()[:1] == "%" or re.match(r"\s*per\s?cent", text[end:]):
        return Amount(number, number, "%")
    after = _AFTER.match(text, end)
    if after is None:
        return Amount(number, number)
    unit = re.sub(r"[\s.]+", " ", after[1])
    if unit.startswith("°"):
        return Amount(number, number, unit.replace(" ", ""))
    unit = unit.lower()
    known = _UNITS.get(unit) or _UNITS.get(unit.removesuffix("s"))
    return Amount(number, number * known[1], known[0]) if known else Amount(number, number)


def _dates(text: str) -> list[When]:
    """Every date of `text`, in order; a stretch of text belongs to the first form that reads it."""
    found: list[tuple[int, int, When]] = []
    for pattern, order in _FORMS:
        for m in pattern.finditer(text[:_MOST]):
            if any(m.start() < end and start < m.end() for start, end, _ in found):
                continue
            if (made := _made(m, order)) is not None:
                found.append((m.start(), m.end(), made))
    return [when for _, _, when in sorted(found, key=lambda f: f[0])]


def _made(m: re.Match[str], order: str) -> When | None:
    part = dict(zip(order, m.groups(), strict=False))
    if order == "c":
        century = int(part["c"])
        return _between((century - 1) * 100 + 1, century * 100)
    if order == "s":
        return _between(int(part["s"]), int(part["s"]) + 9)
    year = int(part["y"])
    if order == "y":
        return _between(-year, -year) if m.lastindex and m.lastindex > 1 else _between(year, year)
    spelled = part["m"].lower()[:3]
    month = int(spelled) if spelled.isdigit() else _MONTHS.index(spelled) + 1
    start = year * _PER_YEAR + (month - 1) * 31
    if "d" not in part:
        return When(start, start + 30, year)
    try:
        day = date(year, month, int(part["d"]))
    except ValueError:
        return None
    return When(start + day.day - 1, start + day.day - 1, year, day)


def _between(first: int, last: int) -> When:
    return When(first * _PER_YEAR, (last + 1) * _PER_YEAR - 1, first)


__all__ = ["Amount", "When", "is_unit", "lasted", "read_amount", "read_when"]
