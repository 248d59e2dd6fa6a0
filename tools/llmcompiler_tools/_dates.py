"""Calendar dates: reading them, and the tools that count days. Clock times and zones are in `_times`."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from pydantic import Field

from llmcompiler.errors import ToolError
from llmcompiler.tools import tool

from ._record import Record, tidy
from ._text import checked

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = {
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8,
    "september": 9, "october": 10, "november": 11, "december": 12,
}  # fmt: skip
_DAYS_FROM_TODAY = {"today": 0, "now": 0, "tomorrow": 1, "yesterday": -1}
_WAYS = 'write it as 2026-03-31, "31 March 2026" or "today"'

_WEEKDAY_BEFORE = re.compile(
    rf"(?:{'|'.join(d.lower() for d in WEEKDAYS)}|mon|tues?|wed|thu(?:rs)?|fri|sat|sun)\.?,? "
)
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[t ].*)?\Z")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})\Z")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})\Z")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?(?: of)? ([a-z]+)\.?,? (\d{4})\Z")
_MONTH_DAY = re.compile(r"([a-z]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\Z")


def parse_date(text: str) -> date:
    """The day that `text` names; a time of day after an ISO date is left out.

    Raises:
        ToolError: Not a date, no such day, or a spelling that has two meanings.
    """
    text = checked(text, "the date", 60)
    low = " ".join(text.lower().split())
    if low in _DAYS_FROM_TODAY:
        return date.today() + timedelta(days=_DAYS_FROM_TODAY[low])
    low = _WEEKDAY_BEFORE.sub("", low)
    if m := (_YEAR_FIRST.match(low) or _COMPACT.match(low)):
        return _day(int(m[1]), int(m[2]), int(m[3]), text)
    if m := _DAY_MONTH.match(low):
        return _day(int(m[3]), _month(m[2], text), int(m[1]), text)
    if m := _MONTH_DAY.match(low):
        return _day(int(m[3]), _month(m[1], text), int(m[2]), text)
    if m := _YEAR_LAST.match(low):
        return _year_last(int(m[1]), m[2], int(m[3]), int(m[4]), text)
    raise ToolError(f"{text!r} is not a date this tool can read; {_WAYS}")


def _year_last(one: int, separator: str, two: int, year: int, text: str) -> date:
    # With points the day comes first everywhere; with slashes it depends on the country.
    if separator == "." or one > 12 or one == two:
        return _day(year, two, one, text)
    if two > 12:
        return _day(year, one, two, text)
    raise ToolError(f"{text!r} may be {year}-{one:02}-{two:02} or {year}-{two:02}-{one:02}; {_WAYS}")


def _month(name: str, text: str) -> int:
    found = {number for month, number in _MONTHS.items() if len(name) >= 3 and month.startswith(name)}
    if name == "sept":
        found = {9}
    if len(found) != 1:
        raise ToolError(f"{name!r} in {text!r} is not a month; {_WAYS}")
    return found.pop()


def _day(year: int, month: int, day: int, text: str) -> date:
    try:
        return date(year, month, day)
    except ValueError as e:
        raise ToolError(f"{text!r} is no day of the calendar: {e}") from None


class DateSpan(Record):
    """The time from one day to another."""

    start: str = Field(description="first day, as 2026-03-31")
    end: str = Field(description="last day, as 2026-03-31")
    days: int = Field(description="days from start to end; negative where the end is earlier")
    weeks: float = Field(description="the same in weeks")
    years: int = Field(description="whole years between the two, never negative")
    months: int = Field(description="whole months beyond the years, 0 to 11")
    days_left: int = Field(description="days beyond the months, 0 to 30")


def _calendar_parts(early: date, late: date) -> tuple[int, int, int]:
    """Whole years, months and days; a month counts once its day (or the month's last) is reached."""
    months = (late.year - early.year) * 12 + late.month - early.month
    anchor = _plus_months(early, months)
    if anchor > late:
        months -= 1
        anchor = _plus_months(early, months)
    return months // 12, months % 12, (late - anchor).days


def _plus_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


# The date tools read the clock for "today", so none of them is pure.


@tool(effect="read", timeout=10)
def date_difference(start: str, end: str) -> DateSpan:
    """Number of days, weeks and years between two dates.

    Args:
        start: The first date, such as 2026-03-31 or "today".
        end: The second date.

    Raises:
        ToolError: Not a date.
    """
    first, last = parse_date(start), parse_date(end)
    days = (last - first).days
    years, months, left = _calendar_parts(min(first, last), max(first, last))
    return DateSpan(
        start=first.isoformat(),
        end=last.isoformat(),
        days=days,
        weeks=tidy(days / 7, 6),
        years=years,
        months=months,
        days_left=left,
    )


@tool(effect="read", timeout=10)
def add_days(date: str, days: int) -> str:
    """Date a number of days after (or before, if negative) another date.

    Args:
        date: The date to start from, such as 2026-03-31 or "today".
        days: How many days later; negative for earlier.

    Raises:
        ToolError: Not a date, or a result outside the years 1 to 9999.
    """
    try:
        return (parse_date(date) + timedelta(days=days)).isoformat()
    except OverflowError:
        raise ToolError(f"{days} days from {date.strip()} is outside the years 1 to 9999") from None


@tool(effect="read", timeout=10)
def weekday(date: str) -> str:
    """Day of the week of one date.

    Args:
        date: The date, such as 2026-03-31 or "today".

    Raises:
        ToolError: Not a date.
    """
    return WEEKDAYS[parse_date(date).weekday()]
