"""Tools about cities and countries: facts, coordinates and great-circle distances. `_geonames` has the data."""

from __future__ import annotations

import math
import re

from pydantic import Field

from llmcompiler.errors import ToolError
from llmcompiler.tools import tool

from ._geonames import (
    CityRow,
    CountryRow,
    capital_of,
    country_name,
    find_city,
    find_country,
    find_place,
    state_name,
)
from ._record import Record, tidy

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""


class City(Record):
    """A city as GeoNames has it."""

    name: str = Field(description="name in English or its own language")
    country: str = Field(description="name of its country")
    country_code: str = Field(description="ISO 3166 code of its country, two letters")
    state: str = Field(description="US state; empty elsewhere")
    population: int = Field(description="number of people")
    latitude: float = Field(description="degrees north of the equator")
    longitude: float = Field(description="degrees east of Greenwich")
    timezone: str = Field(description="IANA time zone, such as Europe/Oslo")


class Country(Record):
    """A country as GeoNames has it."""

    name: str = Field(description="name in English")
    iso2: str = Field(description="ISO 3166 code, two letters")
    iso3: str = Field(description="ISO 3166 code, three letters")
    capital: str | None = Field(description="name of its capital")
    continent: str = Field(description="name of its continent")
    population: int = Field(description="number of people")
    area_km2: float | None = Field(description="area in square kilometres")
    currency: str | None = Field(description="ISO 4217 code of its currency, such as EUR")
    currency_name: str | None = Field(description="name of its currency")
    languages: tuple[str, ...] = Field(description="codes of its languages, most spoken first")
    neighbours: tuple[str, ...] = Field(description="names of the countries it borders")
    phone_code: str | None = Field(description="international dialling code, such as +47")


class Coordinates(Record):
    """A point on the Earth."""

    latitude: float = Field(description="degrees north of the equator")
    longitude: float = Field(description="degrees east of Greenwich")


class Distance(Record):
    """The way between two places over the Earth's surface, as the crow flies."""

    origin: str = Field(description="where it begins")
    destination: str = Field(description="where it ends")
    kilometres: float = Field(description="length in kilometres")
    miles: float = Field(description="length in miles")
    nautical_miles: float = Field(description="length in nautical miles")


def _label(row: CityRow) -> str:
    return f"{row.name}, {state_name(row) or country_name(row.iso2)}"


@tool(effect="pure", timeout=30)
def city(name: str, country: str | None = None) -> City:
    """Facts about one city: population, country, coordinates, time zone.

    Args:
        name: Name of the city, such as "Oslo" or "Paris, Texas".
        country: Its country, where several cities have that name; the largest is taken otherwise.

    Raises:
        ToolError: No such city.
    """
    row = find_city(name, country)
    return City(
        name=row.name,
        country=country_name(row.iso2),
        country_code=row.iso2,
        state=state_name(row),
        population=row.population,
        latitude=row.latitude,
        longitude=row.longitude,
        timezone=row.timezone,
    )


@tool(effect="pure", timeout=30)
def country(name: str) -> Country:
    """Facts about one country: capital, population, area, currency, languages, neighbours.

    Args:
        name: Name or code of the country.

    Raises:
        ToolError: No such country.
    """
    row = find_country(name)
    phone = row.phone if row.phone.startswith("+") or not row.phone else f"+{row.phone}"
    return Country(
        name=row.name,
        iso2=row.iso2,
        iso3=row.iso3,
        capital=row.capital or None,
        continent=row.continent,
        population=row.population,
        area_km2=row.area_km2,
        currency=row.currency or None,
        currency_name=row.currency_name or None,
        languages=row.languages,
        neighbours=tuple(country_name(n) for n in row.neighbours),
        phone_code=phone or None,
    )


@tool(effect="pure", timeout=30)
def population(place: str) -> int:
    """Number of people who live in one city or country.

    Args:
        place: Name of the city or country.

    Raises:
        ToolError: No such place.
    """
    return find_place(place).population


@tool(effect="pure", timeout=30)
def capital(country: str) -> str:
    """Name of the capital city of one country.

    Args:
        country: Name of the country.

    Raises:
        ToolError: No such country, or it has no capital.
    """
    row = find_country(country)
    if not row.capital:
        raise ToolError(f"{row.name} has no capital")
    return row.capital


@tool(effect="pure", timeout=30)
def currency(country: str) -> str:
    """Currency of one country, name and code.

    Args:
        country: Name of the country.

    Raises:
        ToolError: No such country, or it has no currency.
    """
    row = find_country(country)
    if not row.currency:
        raise ToolError(f"{row.name} has no currency of its own in the data")
    return f"{row.currency_name} ({row.currency})"


@tool(effect="pure", timeout=30)
def area(country: str) -> float:
    """Area of one country in square kilometres.

    Args:
        country: Name of the country.

    Raises:
        ToolError: No such country, or its area is not known.
    """
    row = find_country(country)
    if row.area_km2 is None:
        raise ToolError(f"the data has no area of {row.name}")
    return row.area_km2


def point(place: CityRow | CountryRow) -> CityRow:
    """Where a place is: itself for a city, the capital for a country."""
    return capital_of(place) if isinstance(place, CountryRow) else place


@tool(effect="pure", timeout=30)
def coordinates(place: str) -> Coordinates:
    """Latitude and longitude of one city (of the capital, for a country).

    Args:
        place: Name of the city or country.

    Raises:
        ToolError: No such place.
    """
    row = point(find_place(place))
    return Coordinates(latitude=row.latitude, longitude=row.longitude)


@tool(effect="pure", timeout=30)
def timezone(place: str) -> str:
    """IANA time zone of one city or country, such as Europe/Oslo.

    Args:
        place: Name of the city or country; of a country with several zones, that of the capital is given.

    Raises:
        ToolError: No such place.
    """
    return point(find_place(place)).timezone


_DEGREES = re.compile(
    r"\s*([+-]?\d{1,3}(?:\.\d{1,15})?)\s*°?\s*([NSns]?)\s*[,; ]\s*([+-]?\d{1,3}(?:\.\d{1,15})?)\s*°?\s*([EWew]?)\s*\Z"
)


def _located(place: str) -> tuple[str, float, float]:
    """Label, latitude and longitude of a place or of a text such as `59.9, 10.7`."""
    if m := _DEGREES.match(place):
        latitude = float(m[1]) * (-1 if m[2] in ("S", "s") else 1)
        longitude = float(m[3]) * (-1 if m[4] in ("W", "w") else 1)
        if abs(latitude) > 90 or abs(longitude) > 180:
            raise ToolError(
                f"{place.strip()!r} is off the map: latitude is from -90 to 90, longitude from -180 to 180"
            )
        return f"{latitude:g}, {longitude:g}", latitude, longitude
    row = point(find_place(place))
    return _label(row), row.latitude, row.longitude


def haversine_km(latitude1: float, longitude1: float, latitude2: float, longitude2: float) -> float:
    """Great-circle distance on a sphere of the Earth's mean radius, in kilometres; within 0.5 % of the ellipsoid's."""
    p1, p2 = math.radians(latitude1), math.radians(latitude2)
    dp, dl = p2 - p1, math.radians(longitude2 - longitude1)
    a = math.sin(dp / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(dl / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(a)))


@tool(effect="pure", timeout=30)
def distance(origin: str, destination: str) -> Distance:
    """Distance between two cities in a straight line over the Earth.

    Args:
        origin: Name of a city or country (its capital is taken), or "latitude, longitude".
        destination: The other one.

    Raises:
        ToolError: No such place.
    """
    name1, latitude1, longitude1 = _located(origin)
    name2, latitude2, longitude2 = _located(destination)
    km = haversine_km(latitude1, longitude1, latitude2, longitude2)
    return Distance(
        origin=name1,
        destination=name2,
        kilometres=round(km, 3),
        miles=round(km / 1.609344, 3),
        nautical_miles=tidy(round(km / 1.852, 3)),
    )
