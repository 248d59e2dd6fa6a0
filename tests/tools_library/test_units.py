"""`convert_units`: known conversions, spellings, and that unit texts can do nothing but name units."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler.errors import ToolError
from llmcompiler_tools import Quantity, convert_units


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (100, "degC", "degF", 212),
        (100, "C", "F", 212),
        (100, "°C", "°F", 212),
        (-40, "celsius", "Fahrenheit", -40),
        (0, "K", "degrees Celsius", -273.15),
        (26.2, "miles", "km", 42.1648128),
        (26.2, "MILES", "KM", 42.1648128),
        (1, "nautical miles", "kilometres", 1.852),
        (1, "light years", "km", 9460730472580.8),
        (1, "m²", "square feet", 10.763910416709722),
        (1, "km2", "ha", 100),
        (1, "sq. ft.", "m^2", 0.09290304),
        (90, "km/h", "m/s", 25),
        (60, "miles per hour", "kmh", 96.56064),
        (9.81, "meters per second squared", "m s^-2", 9.81),
        (1, "J/(kg*K)", "J/kg/K", 1),
        (1, "kWh", "MJ", 3.6),
        (1, "lbs", "kg", 0.45359237),
        (12, "Stone", "pounds", 168),
        (1, "tonnes", "kg", 1000),
        (1, "US gallon", "litres", 3.785411784),
        (1, "fl oz", "ml", 29.5735295625),
        (1, "mb", "GB", 0.001),
        (1, "C", "coulomb", 1),
        (60, "rpm", "Hz", 1),
        (1, "Hz", "rad/s", 6.283185307179586),
        (180, "degrees", "radians", 3.141592653589793),
        (2, "weeks", "hours", 336),
        (1, "N.m", "J", 1),
    ],
)
def test_known_conversions(value: float, source: str, target: str, expected: float) -> None:
    result = convert_units(value, source, target)
    assert isinstance(result, Quantity)
    assert (result.value, result.unit) == (pytest.approx(expected, rel=1e-12), target)


def test_a_result_converts_back() -> None:
    there = convert_units(5, "miles", "km")
    assert convert_units(there.value, there.unit, "miles").value == pytest.approx(5)


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("kg", "m", "kg to m: one measures mass, the other length"),
        ("EUR", "USD", "unknown unit 'EUR'.*no currencies"),
        ("blorp", "m", "unknown unit 'blorp'"),
        ("", "m", "unit is empty"),
        ("m", "m" * 101, "100 are allowed"),
        ("5 km", "m", "can not read the unit"),
        ("m/", "m", "can not read the unit"),
        ("(m", "m", "can not read the unit"),
        ("m)", "m", "can not read the unit"),
        ("meter**9999999", "m", "can not read|too high a power"),
        ("meter**99**99**99", "m", "can not read|too high a power"),
        ("9**9**9**9", "m", "can not read"),
        ("__import__('os')", "m", "can not read|unknown unit"),
        ("m*m*m*m*m*m*m*m*m*m*m*m*m*m", "m", "too many parts"),
    ],
)
def test_mistakes_are_told(source: str, target: str, says: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ToolError, match=says):
        convert_units(1, source, target)
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e308])
def test_only_finite_numbers(value: float) -> None:
    with pytest.raises(ToolError, match=r"finite|too large"):
        convert_units(value, "km", "nm")


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(["m", "kg", "degC", "1/s"]))
def test_any_unit_text_gives_a_quantity_or_a_tool_error(text: str, target: str) -> None:
    with contextlib.suppress(ToolError):
        convert_units(1, text, target)


PARTS = [
    "m",
    "km",
    "degC",
    "°",
    "C",
    "square",
    "cubed",
    "per",
    "/",
    "*",
    "(",
    ")",
    "**",
    "^2",
    "-1",
    "2",
    "1",
    " ",
    ".",
    "sq",
    "%",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), st.sampled_from(["m", "K", "m/s"]))
def test_any_run_of_parts_gives_a_quantity_or_a_tool_error(text: str, target: str) -> None:
    with contextlib.suppress(ToolError):
        convert_units(1, text, target)


def test_many_threads_at_once() -> None:
    start = threading.Barrier(8)

    def work(n: int) -> float:
        start.wait(10)
        return sum(convert_units(n, "mile", "km").value for _ in range(20))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [pytest.approx(n * 1.609344 * 20) for n in range(8)]
