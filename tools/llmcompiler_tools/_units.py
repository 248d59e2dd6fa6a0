"""`convert_units`: quantities between units of measure, by pint's definitions. Unit texts are read, never evaluated."""

from __future__ import annotations

import math
import re
import threading
import unicodedata
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from llmcompiler.errors import ToolError
from llmcompiler.tools import tool

from ._lazy import once, require
from ._record import Record, tidy
from ._text import checked

_MAX_EXPONENT = 12
_MAX_TERMS = 12


class Quantity(Record):
    """A number with its unit."""

    value: float = Field(description="the number, in `unit`")
    unit: str = Field(description="the unit, spelled as it was asked for")


_ALIASES = {
    "centigrade": "degC", "celsius": "degC", "fahrenheit": "degF", "kelvins": "kelvin",
    "kmh": "kph", "kmph": "kph", "kms": "kilometer", "sqft": "foot**2", "sqm": "meter**2", "sqkm": "kilometer**2",
    "sqmi": "mile**2", "lightyear": "light_year", "lightyears": "light_year", "floz": "fluid_ounce",
    "stones": "stone", "knots": "knot", "tons": "ton", "hrs": "hour", "mins": "minute", "secs": "second",
    "yrs": "year", "lbs": "pound", "tonnes": "metric_ton", "fl_oz": "fluid_ounce", "us_gallon": "gallon",
    "us_gallons": "gallon", "uk_gallon": "imperial_gallon", "uk_gallons": "imperial_gallon", "mpg": "mile/gallon",
    "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte", "tb": "terabyte",
}  # fmt: skip
_TEMPERATURES = {
    "c": "degC", "celsius": "degC", "centigrade": "degC", "f": "degF", "fahrenheit": "degF", "k": "kelvin",
    "kelvin": "kelvin", "kelvins": "kelvin", "r": "degR", "rankine": "degR",
}  # fmt: skip
_DEGREES = re.compile(r"(?:degrees?|degs?\.?|[°º])[\s_]*", re.IGNORECASE)
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[°º]?[^\W\d]+)(?P<digits>-?\d{1,3})?|(?P<power>\*\*|\^)\s*\(?(?P<exponent>-?\d{1,3})\)?"
    r"|(?P<one>1)(?=\s*/)|(?P<op>[*/()]))"
)
_SYMBOLS = str.maketrans({"−": "-", "·": "*", "⋅": "*", "×": "*", "∙": "*", ".": "*", "÷": "/", "⁄": "/"})
_POWER_BEFORE = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_POWER_AFTER = {"squared": 2, "cubed": 3}

_LOCK = threading.Lock()  # pint fills its caches while it converts


@once
def _registry() -> Any:
    return require("pint").UnitRegistry()


def _lookup(name: str, exact: bool) -> Any:
    """The unit called `name`, or None. Only names get to pint, so there is nothing it could evaluate."""
    registry = _registry()
    alias = _ALIASES.get(name.casefold())
    # A name of two words has no other meaning; one of one word may be a unit as it stands (mb: millibarn).
    if alias and (not exact or "_" in name):
        return _parse(alias, exact=True)
    for spelling in (name,) if exact else (name, name.lower()):
        if registry.parse_unit_name(spelling):
            return registry.Unit(spelling)
    if not exact:
        for prefix, unit, _ in registry.parse_unit_name(name, case_sensitive=False):
            return registry.Unit(prefix + unit)
    return None


def _words(run: list[tuple[str, int]], exact: bool, shown: str) -> Iterator[tuple[Any, int]]:
    """The units a run of words means: the longest names that exist, `square` and `cubed` applied."""
    i = 0
    power = 1
    while i < len(run):
        word = run[i][0].casefold()
        if word in _POWER_BEFORE and i + 1 < len(run):
            power = _POWER_BEFORE[word]
            i += 1
            continue
        for j in range(min(len(run), i + 3), i, -1):
            if any(digits != 1 for _, digits in run[i : j - 1]):
                continue
            unit = _lookup("_".join(w for w, _ in run[i:j]), exact)
            if unit is not None:
                break
        else:
            raise ToolError(
                f"unknown unit {run[i][0]!r} in {shown!r}; give units of measure such as km, mile, kg, pound, liter, "
                "degC, km/h (no currencies)"
            )
        exponent = power * run[j - 1][1]
        power = 1
        if j < len(run) and run[j][0].casefold() in _POWER_AFTER:
            exponent *= _POWER_AFTER[run[j][0].casefold()]
            j += 1
        yield unit, exponent
        i = j


def _parse(text: str, exact: bool) -> Any:
    """A unit expression: names with small whole exponents, `*`, `/`, `per`, brackets. Nothing else can pass."""
    result: Any = _registry().Unit("")
    signs = [1]
    sign = 1
    run: list[tuple[str, int]] = []
    terms = 0

    def unreadable() -> ToolError:
        return ToolError(f"can not read the unit {text!r}; write it like km, m/s^2 or kilometer per hour")

    def flush() -> None:
        nonlocal result, terms, sign
        for unit, exponent in _words(run, exact, text):
            terms += 1
            if terms > _MAX_TERMS or abs(exponent) > _MAX_EXPONENT:
                raise ToolError(f"the unit {text!r} has too many parts or too high a power")
            result = result * unit ** (exponent * sign * signs[-1])
            sign = 1
        run.clear()

    pos = 0
    while pos < len(text):
        m = _TOKEN.match(text, pos)
        if m is None:
            raise unreadable()
        pos = m.end()
        if m["word"] and m["word"].casefold() != "per":
            run.append((m["word"], int(m["digits"] or 1)))
            if m["digits"]:
                flush()
        elif m["power"]:
            if not run:
                raise unreadable()
            run[-1] = (run[-1][0], run[-1][1] * int(m["exponent"]))
            flush()
        elif m["op"] == "(":
            flush()
            signs.append(signs[-1] * sign)
            sign = 1
        elif m["op"] == ")":
            flush()
            if len(signs) == 1:
                raise unreadable()
            signs.pop()
        elif not m["one"]:
            flush()
            sign = 1 if m["op"] == "*" else -1
    flush()
    if len(signs) != 1 or not terms or sign == -1:
        raise unreadable()
    return result


def _readings(text: str) -> list[Any]:
    """What `text` may mean, best first: as written, in other case or spelling, as a temperature."""
    shown = checked(text, "the unit", 100)
    # "sq. ft." has abbreviations, "N.m" a product.
    normal = re.sub(r"\.(?=\s|\Z)", "", unicodedata.normalize("NFKC", shown)).translate(_SYMBOLS)
    found: list[Any] = []
    bare = _DEGREES.sub("", normal, count=1).strip().casefold()
    temperature = _TEMPERATURES.get(bare)
    if temperature and (len(bare) > 1 or _DEGREES.match(normal)):
        return [_registry().Unit(temperature)]
    problem: ToolError | None = None
    for exact in (True, False):
        try:
            unit = _parse(normal, exact)
            if unit not in found:
                found.append(unit)
        except ToolError as e:
            problem = e
    if temperature:  # C, F, K, R alone: coulomb, farad and so on unless that makes no sense
        found.append(_registry().Unit(temperature))
    if not found:
        raise problem or ToolError(f"unknown unit {shown!r}")
    return found


def _turns(source: Any, target: Any) -> float:
    """The factor between angles and counts: a hertz is one turn (2 pi radians) per second."""
    if "hertz" in str(source) or "hertz" in str(target):
        before, after = (
            dict(_registry().Quantity(1, unit).to_base_units().unit_items()).get("radian", 0)
            for unit in (source, target)
        )
        return float((2 * math.pi) ** (after - before))
    return 1.0


def _kind(unit: Any) -> str:
    text = str(unit.dimensionality).replace("[", "").replace("]", "").replace(" ** ", "^")
    return "a plain number" if text == "dimensionless" else text


@tool(effect="pure", timeout=10)
def convert_units(value: float, from_unit: str, to_unit: str) -> Quantity:
    """Convert a value from one unit of measure to another.

    Args:
        value: The number to convert.
        from_unit: Its unit, such as "mile", "kg", "degC", "km/h" or "square feet".
        to_unit: The unit wanted.

    Raises:
        ToolError: A unit is unknown, or the two do not measure the same thing.
    """
    if not math.isfinite(value):
        raise ToolError(f"the value is {value}; give a finite number")
    pint = require("pint")
    with _LOCK:
        try:
            result = _convert(value, from_unit, to_unit)
        except (pint.PintError, ArithmeticError, ValueError, TypeError) as e:
            raise ToolError(f"can not convert {from_unit.strip()} to {to_unit.strip()}: {e}") from None
    if not math.isfinite(result):
        raise ToolError("the result is too large")
    return Quantity(value=result, unit=to_unit.strip())


def _convert(value: float, from_unit: str, to_unit: str) -> float:
    sources, targets = _readings(from_unit), _readings(to_unit)
    for source in sources:
        for target in targets:
            if source.dimensionality == target.dimensionality:
                result = float(_registry().Quantity(value, source).to(target).magnitude)
                # adding the offset of a temperature scale costs digits
                digits = 12 if str(source.dimensionality) == "[temperature]" else 15
                return tidy(result * _turns(source, target), digits)
    raise ToolError(
        f"can not convert {from_unit.strip()} to {to_unit.strip()}: one measures {_kind(sources[0])}, "
        f"the other {_kind(targets[0])}"
    )
