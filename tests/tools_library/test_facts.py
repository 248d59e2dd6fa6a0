"""Elements, dates, clock times, comparing and ranking."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcompiler.errors import ToolError
from llmcompiler_tools import (
    add_days,
    compare,
    convert_time,
    current_time,
    date_difference,
    element,
    rank,
    weekday,
)
from llmcompiler_tools._dates import parse_date
from llmcompiler_tools._elements import _elements

# -- elements ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["iron", "Iron", "Fe", "fe", "26", " IRON "])
def test_an_element_by_name_symbol_or_number(name: str) -> None:
    iron = element(name)
    assert (iron.name, iron.symbol, iron.atomic_number) == ("iron", "Fe", 26)
    assert iron.atomic_mass == pytest.approx(55.845)
    assert iron.density == pytest.approx(7.874)
    assert (iron.period, iron.group) == (4, 8)


def test_british_spellings() -> None:
    assert [element(n).symbol for n in ("aluminium", "aluminum", "sulphur", "caesium")] == [
        "Al",
        "Al",
        "S",
        "Cs",
    ]


@pytest.mark.parametrize(
    ("symbol", "place"),
    [
        ("H", (1, 1)), ("He", (1, 18)), ("Li", (2, 1)), ("B", (2, 13)), ("Ne", (2, 18)), ("Mg", (3, 2)), ("Sc", (4, 3)),
        ("Zn", (4, 12)), ("I", (5, 17)), ("Ba", (6, 2)), ("La", (6, None)), ("Yb", (6, None)), ("Lu", (6, 3)),
        ("Au", (6, 11)), ("Rn", (6, 18)), ("U", (7, None)), ("Lr", (7, 3)), ("Og", (7, 18)),
    ],
)  # fmt: skip
def test_where_elements_stand_in_the_periodic_table(symbol: str, place: tuple[int, int | None]) -> None:
    found = element(symbol)
    assert (found.period, found.group) == place


def test_all_elements_are_there() -> None:
    assert {e.atomic_number for e in _elements().values()} == set(range(1, 119))


@pytest.mark.parametrize(
    ("name", "says"),
    [("irn", 'did you mean "iron"'), ("119", "1 to 118"), ("neutron", "no chemical"), ("", "empty")],
)
def test_no_such_element(name: str, says: str) -> None:
    with pytest.raises(ToolError, match=says):
        element(name)


# -- dates -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-29", "2024/2/29", "20240229", "2024-02-29T10:15:00Z", "29 February 2024", "29 Feb 2024",
        "Feb 29, 2024", "February 29th, 2024", "29th of February 2024", "29.02.2024", "29/02/2024", "02/29/2024",
        "Thursday, 29 February 2024", "Thu Feb 29 2024",
    ],
)  # fmt: skip
def test_spellings_of_a_date(text: str) -> None:
    assert parse_date(text) == date(2024, 2, 29)
    assert weekday(text) == "Thursday"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2023-02-29", "no day of the calendar"),
        ("2024-13-01", "no day of the calendar"),
        ("0000-01-01", "no day of the calendar"),
        ("03/04/2024", "may be 2024-03-04 or 2024-04-03"),
        ("soon", "not a date.*write it as"),
        ("5 Ju 2024", "not a month"),
        ("5 Foo 2024", "not a month"),
        ("", "empty"),
    ],
)
def test_what_is_not_a_date(text: str, says: str) -> None:
    with pytest.raises(ToolError, match=says):
        weekday(text)


def test_words_for_days() -> None:
    assert parse_date("Tomorrow") - parse_date("yesterday") == timedelta(days=2)
    assert abs(parse_date("today") - date.today()) <= timedelta(days=1)


def test_the_span_between_two_dates() -> None:
    span = date_difference("1969-07-20", "2024-02-29")
    assert (span.days, span.years, span.months, span.days_left) == (19947, 54, 7, 9)
    assert span.weeks == pytest.approx(19947 / 7, abs=0.01)
    back = date_difference("2024-02-29", "1969-07-20")
    assert (back.days, back.years) == (-19947, 54)
    assert date_difference("2024-01-31", "2024-03-01").days == 30


@given(st.dates(), st.dates())
def test_spans_add_up(a: date, b: date) -> None:
    span = date_difference(a.isoformat(), b.isoformat())
    assert add_days(span.start, span.days) == span.end
    assert 0 <= span.months <= 11
    assert 0 <= span.days_left <= 30


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_a_tool_error(text: str) -> None:
    for call in (weekday, lambda t: add_days(t, 1), lambda t: convert_time(t, "UTC", "UTC")):
        with contextlib.suppress(ToolError):
            call(text)


@pytest.mark.parametrize("days", [10**9, -(10**9), 10**30])
def test_days_beyond_the_calendar(days: int) -> None:
    with pytest.raises(ToolError, match="outside the years"):
        add_days("2024-01-01", days)


# -- clock times -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Oslo", "Europe/Oslo"), ("Japan", "Asia/Tokyo"), ("Europe/Oslo", "Europe/Oslo"),
        ("america/new york", "America/New_York"), ("UTC", "UTC"), ("EST", "America/New_York"),
        ("New York", "America/New_York"),
    ],
)  # fmt: skip
def test_the_time_now(place: str, zone: str) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    found = current_time(place)
    moment = datetime.fromisoformat(found.datetime)
    assert before <= moment <= datetime.now(UTC)
    assert found.timezone == zone
    assert moment.utcoffset() == moment.astimezone(ZoneInfo(zone)).utcoffset()
    assert (found.date, found.time) == (moment.date().isoformat(), moment.strftime("%H:%M"))
    assert found.datetime.endswith(found.utc_offset)


@pytest.mark.parametrize("place", ["Europe/Nowhere", "../../etc/passwd", "/etc/passwd", "Atlantisville", ""])
def test_no_such_zone_or_place(place: str) -> None:
    with pytest.raises(ToolError):
        current_time(place)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-07-01 15:00", "2026-07-01T09:00:00-04:00"),
        ("2026-12-01T15:00", "2026-12-01T09:00:00-05:00"),
        ("1 July 2026 3 pm", "2026-07-01T09:00:00-04:00"),
        ("2026-07-01 at noon", "2026-07-01T06:00:00-04:00"),
        ("2026-07-01 2 am", "2026-06-30T20:00:00-04:00"),
        ("2026-07-01T15:00:00+00:00", "2026-07-01T11:00:00-04:00"),
        ("2026-07-01 12:30 a.m.", "2026-06-30T18:30:00-04:00"),
    ],
)
def test_a_time_here_is_which_time_there(time: str, expected: str) -> None:
    assert convert_time(time, "Paris", "New York").datetime == expected


def test_a_time_without_a_date_is_today() -> None:
    found = convert_time("15:30", "UTC", "UTC")
    assert found.time == "15:30"
    assert abs(date.fromisoformat(found.date) - datetime.now(UTC).date()) <= timedelta(days=1)


@pytest.mark.parametrize(
    ("time", "says"),
    [
        ("25:00", "not a time of day"), ("13 pm", "not a time of day"), ("15", "not a time of day"), ("", "empty"),
        ("2026-03-29 02:30", "does not exist in Europe/Paris"), ("0001-01-01 00:00", "outside the years"),
    ],
)  # fmt: skip
def test_what_is_not_a_time(time: str, says: str) -> None:
    with pytest.raises(ToolError, match=says):
        convert_time(time, "Paris", "New York")


# -- comparing and ranking -----------------------------------------------------------


def test_comparing_two_numbers() -> None:
    found = compare(5895, 8849, "Kilimanjaro", "Everest")
    assert (found.larger, found.smaller, found.difference, found.equal) == (
        "Everest",
        "Kilimanjaro",
        2954,
        False,
    )
    assert found.ratio == pytest.approx(8849 / 5895)
    assert found.text == "Everest (8,849) is larger than Kilimanjaro (5,895) by 2,954, 1.5011 times as large"
    assert compare(3, 5).larger == "second"


def test_comparing_where_a_ratio_makes_no_sense() -> None:
    assert compare(-5, 5).ratio is None
    assert compare(0, 5).ratio is None
    same = compare(2, 2.0, "a", "b")
    assert (same.larger, same.smaller, same.equal, same.difference) == ("a", "b", True, 0)


def test_ranking_with_and_without_names() -> None:
    found = rank({"Oslo": 1.0, "Rome": 2.8, "Paris": 2.8})
    assert [(r.place, r.name) for r in found.items] == [(1, "Rome"), (1, "Paris"), (3, "Oslo")]
    assert (found.first, found.last, found.largest, found.smallest) == ("Rome", "Oslo", "Rome", "Oslo")
    assert (found.total, found.mean) == (pytest.approx(6.6), pytest.approx(2.2))
    up = rank([30, 10, 20], descending=False)
    assert [r.name for r in up.items] == ["2", "3", "1"]
    assert (up.first, up.largest) == ("2", "1")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "nothing to rank"),
        ([1.0] * 10_001, "10000 are allowed"),
        ({"a": float("nan")}, "finite"),
        ([1e308] * 2, "too large"),
    ],
)
def test_what_can_not_be_ranked(values: list[float], says: str) -> None:
    with pytest.raises(ToolError, match=says):
        rank(values)


@given(st.floats(), st.floats())
def test_any_two_numbers_compare_or_give_a_tool_error(a: float, b: float) -> None:
    try:
        found = compare(a, b)
    except ToolError:
        return
    assert found.larger_value >= found.smaller_value
    assert found.difference >= 0


@given(st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_ranking_is_in_order(values: dict[str, float]) -> None:
    try:
        found = rank(values)
    except ToolError:
        return
    numbers = [r.value for r in found.items]
    assert numbers == sorted(values.values(), reverse=True)
    assert values[found.largest] == max(numbers)
