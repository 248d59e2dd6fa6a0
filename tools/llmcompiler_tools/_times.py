"""Clock times in places: what time it is, and what a time here is there. Calendar dates are read in `_dates`."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, time

from pydantic import Field

from llmcompiler.errors import ToolError
from llmcompiler.tools import tool

from ._dates import WEEKDAYS, parse_date
from ._geonames import find_place
from ._lazy import once
from ._places import point
from ._record import Record
from ._text import checked


class LocalTime(Record):
    """A moment as clocks in one place show it."""

    place: str = Field(description="the place asked for")
    timezone: str = Field(description="IANA time zone, such as Europe/Oslo")
    datetime: str = Field(description="date, time and offset in ISO 8601")
    date: str = Field(description="date, as 2026-03-31")
    time: str = Field(description="time, 24 hours, as 15:30")
    weekday: str = Field(description="day of the week")
    utc_offset: str = Field(description="offset from UTC, as +02:00")


_ABBREVIATIONS = {
    "utc": "UTC", "gmt": "UTC", "z": "UTC", "est": "America/New_York", "edt": "America/New_York",
    "et": "America/New_York", "cst": "America/Chicago", "cdt": "America/Chicago", "mst": "America/Denver",
    "mdt": "America/Denver", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "pt": "America/Los_Angeles",
    "cet": "Europe/Paris", "cest": "Europe/Paris", "bst": "Europe/London", "eet": "Europe/Athens",
    "jst": "Asia/Tokyo", "aest": "Australia/Sydney", "aedt": "Australia/Sydney",
}  # fmt: skip
"""Abbreviations with one usual meaning, as the clocks there now go; three of them are also codes of countries."""

_ZONE = re.compile(r"[A-Za-z]+(?:[_/+-]?[A-Za-z0-9]+)*\Z")
_TIME = re.compile(
    r"(\d{1,2})(?:[:.h](\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*([ap])?\.?(?:m\.?)?\Z", re.IGNORECASE
)
_WORDS = {"noon": time(12), "midday": time(12), "midnight": time(0)}


@once
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in zoneinfo.available_timezones()}


def zone_of(place: str) -> zoneinfo.ZoneInfo:
    """The time zone of a place, or the zone that `place` names (`Europe/Oslo`, `UTC`).

    Raises:
        ToolError: Neither a place nor a zone, or the zone has no data here.
    """
    place = checked(place, "the name of the place")
    name = _ABBREVIATIONS.get(place.lower())
    if name is None and "/" in place:
        name = _zones().get(place.replace(" ", "_").lower())
    if name is None and "/" in place and _ZONE.match(place):
        raise ToolError(f"no time zone called {place!r}; write it like Europe/Oslo, or name a city")
    try:
        return zoneinfo.ZoneInfo(name or point(find_place(place)).timezone)
    except zoneinfo.ZoneInfoNotFoundError as e:
        raise ToolError(
            f'no data for the time zone ({e}); pip install "llmcompiler-runtime[tools]" brings them'
        ) from None


def _local(moment: datetime, zone: zoneinfo.ZoneInfo, place: str) -> LocalTime:
    try:
        local = moment.astimezone(zone).replace(microsecond=0)
    except OverflowError:
        raise ToolError("that moment is outside the years 1 to 9999") from None
    offset = local.strftime("%z")
    return LocalTime(
        place=place.strip(),
        timezone=zone.key,
        datetime=local.isoformat(),
        date=local.date().isoformat(),
        time=local.strftime("%H:%M"),
        weekday=WEEKDAYS[local.weekday()],
        utc_offset=f"{offset[:3]}:{offset[3:5]}",
    )


@tool(effect="read", timeout=30)
def current_time(place: str) -> LocalTime:
    """Current local time and date in one city or country.

    Args:
        place: Name of the city or country (its capital is taken), or an IANA time zone.

    Raises:
        ToolError: No such place.
    """
    return _local(datetime.now(UTC), zone_of(place), place)


def _clock(text: str) -> time:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    m = _TIME.match(text)
    problem = ToolError(f'{text!r} is not a time of day; write it as 15:30 or "3:30 pm"')
    if m is None or not (m[2] or m[4]):
        raise problem
    hour, half = int(m[1]), (m[4] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise problem
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour, int(m[2] or 0), int(m[3] or 0))
    except ValueError:
        raise problem from None


def _moment(text: str, zone: zoneinfo.ZoneInfo) -> datetime:
    text = checked(text, "the time", 60)
    try:
        stated = datetime.fromisoformat(text)
        if stated.tzinfo is not None:
            return stated
    except ValueError:
        pass
    # A date, where there is one, stands before the time.
    m = re.match(
        r"(?i)(.*\d{4}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|today|tomorrow|yesterday)(?:T|,?\s+)(?:at\s+)?(\S.*)\Z",
        text,
    )
    if m:
        day, clock = parse_date(m[1]), _clock(m[2].strip())
    elif text.lower() == "now":
        return datetime.now(UTC)
    else:
        day, clock = datetime.now(zone).date(), _clock(text)
    local = datetime.combine(day, clock, zone)
    try:
        there_and_back = local.astimezone(UTC).astimezone(zone)
    except OverflowError:
        raise ToolError("that moment is outside the years 1 to 9999") from None
    if there_and_back.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ToolError(f"{clock:%H:%M} on {day} does not exist in {zone.key}: clocks go forward then")
    return local


@tool(effect="read", timeout=30)
def convert_time(time: str, from_place: str, to_place: str) -> LocalTime:
    """Local time in one place when it is a given time in another place.

    Args:
        time: Time in the first place, such as 15:30, "3 pm" or 2026-03-31 15:30; today where no date is given.
        from_place: City, country or IANA time zone of that time.
        to_place: City, country or IANA time zone wanted.

    Raises:
        ToolError: Not a time, or no such place.
    """
    return _local(_moment(time, zone_of(from_place)), zone_of(to_place), to_place)
