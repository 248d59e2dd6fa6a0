"""Makers of names, dates, amounts of things and short texts: what stands where a wording has a slot.

Names are made of syllables and words, so that few come twice and none is learnt by heart. Word lists are in `words.py`;
nothing here knows a tool or a question.
"""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

import random
from collections.abc import Callable

from . import words as w

Maker = Callable[[random.Random], str]


def make(kind: str, rng: random.Random) -> str:
    """A name of this kind: words without quotes, commas, brackets or punctuation at the end, seven at most.

    Raises:
        KeyError: No such kind; `KINDS` has them all.
    """
    name = _MAKERS[kind](rng)
    if kind in _PROPER and rng.random() < 0.05:
        name = name.lower()
    return name


def make_units(rng: random.Random) -> tuple[str, str]:
    """Two different units of the same quantity, in one of their spellings each."""
    group = rng.choice(w.UNITS)
    one, two = rng.sample(group, 2)
    short = rng.random() < 0.35
    return _spelling(one, short, rng), _spelling(two, short, rng)


def fits(result: str, slot: str) -> bool:
    """Whether what a tool gives, by its kind, can be handed to a slot of this kind."""
    return bool(result) and (result == slot or result in _TAKES.get(slot, ()))


_TAKES: dict[str, tuple[str, ...]] = {
    "place": ("city", "country", "region"),
    "landmark": ("building", "museum", "mountain", "island"),
    "topic": (
        "person",
        "city",
        "country",
        "company",
        "film",
        "book",
        "band",
        "animal",
        "river",
        "building",
        "thing",
    ),
    "title": ("film", "book", "song"),
    "thing": ("product", "animal", "dish", "ingredient"),
}


def syllables(
    rng: random.Random, style: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] | None = None
) -> str:
    """One made-up word with a capital letter, in the sound of some region."""
    starts, middles, ends = style or rng.choice(w.SOUNDS)
    inner = "".join(rng.choice(middles) for _ in range(rng.choice((0, 0, 0, 1))))
    return (rng.choice(starts) + inner + rng.choice(ends)).capitalize()


def _spelling(unit: tuple[str, ...], short: bool, rng: random.Random) -> str:
    return unit[-1] if short else rng.choice(unit)


def _initial(rng: random.Random) -> str:
    return rng.choice("ABCDEFGHIJKLMNOPRSTVW") + "."


def _first(rng: random.Random) -> str:
    return rng.choice(w.FIRST) if rng.random() < 0.8 else syllables(rng)


def _last(rng: random.Random) -> str:
    x = rng.random()
    if x < 0.55:
        return rng.choice(w.LAST)
    if x < 0.75:
        return syllables(rng)
    if x < 0.85:
        return rng.choice(w.LAST_STARTS) + syllables(rng)
    return rng.choice(w.LAST_PARTS[0]) + rng.choice(w.LAST_PARTS[1])


def _person(rng: random.Random) -> str:
    x = rng.random()
    if x < 0.1:
        return rng.choice(w.PEOPLE)
    if x < 0.72:
        return f"{_first(rng)} {_last(rng)}"
    if x < 0.8:
        return f"{_first(rng)} {_initial(rng)} {_last(rng)}"
    if x < 0.85:
        return f"{_first(rng)} {rng.choice(('van', 'de', 'von', 'van der', 'da', 'del', 'bin', 'al', 'ter'))} {_last(rng)}"
    if x < 0.89:
        return f"{_first(rng)}-{_first(rng)} {_last(rng)}"
    if x < 0.93:
        return f"{_first(rng)} {_last(rng)}-{_last(rng)}"
    if x < 0.96:
        return f"{_initial(rng)}{_initial(rng)} {_last(rng)}"
    return f"{_first(rng)} {_first(rng)} {_last(rng)}"


def _city(rng: random.Random) -> str:
    x = rng.random()
    if x < 0.4:
        return rng.choice(w.CITIES)
    if x < 0.68:
        return syllables(rng)
    if x < 0.8:
        return f"{rng.choice(w.CITY_STARTS)} {syllables(rng)}"
    if x < 0.9:
        return rng.choice(w.TOWN_PARTS[0]) + rng.choice(w.TOWN_PARTS[1])
    if x < 0.95:
        return f"{syllables(rng)} {rng.choice(('City', 'Beach', 'Falls', 'Springs', 'Heights', 'Harbor', 'Park', 'Hills'))}"
    return f"{syllables(rng)}-{rng.choice(('sur', 'on', 'en', 'am', 'by'))}-{syllables(rng)}"


def _country(rng: random.Random) -> str:
    x = rng.random()
    if x < 0.72:
        return rng.choice(w.COUNTRIES)
    if x < 0.86:
        return syllables(rng) + rng.choice(("ia", "land", "stan", "ova", "or", "istan"))
    if x < 0.93:
        return f"{rng.choice(('North', 'South', 'Western', 'New', 'Upper', 'East'))} {syllables(rng)}"
    return rng.choice(("Republic of {}", "Kingdom of {}", "{} Islands", "United States of {}")).format(
        syllables(rng)
    )


def _region(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return rng.choice(w.REGIONS)
    return f"{rng.choice(('North', 'South', 'Lower', 'Upper', 'Central', 'East'))} {syllables(rng)}"


def _feature(words: tuple[str, ...], known: tuple[str, ...], share: float = 0.25) -> Maker:
    """Names such as "River Alda" and "Green River": patterns with `{}` for a made-up word, `*` for an adjective."""

    def maker(rng: random.Random) -> str:
        if rng.random() < share:
            return rng.choice(known)
        pattern = rng.choice(words)
        return pattern.replace("*", rng.choice(w.ADJECTIVES).capitalize()).replace("{}", syllables(rng))

    return maker


def _building(rng: random.Random) -> str:
    kind = rng.choice(w.BUILDINGS)
    x = rng.random()
    if x < 0.2:
        return rng.choice(w.LANDMARKS)
    if x < 0.5:
        return f"{syllables(rng)} {kind}"
    if x < 0.7:
        return f"{rng.choice(w.ADJECTIVES).capitalize()} {rng.choice(w.NOUNS).capitalize()} {kind}"
    if x < 0.8:
        return f"{kind} of {syllables(rng)}"
    if x < 0.9:
        return f"{_last(rng)} {kind}"
    return f"{rng.choice(('One', 'Two', '30', '55', '10', '432'))} {syllables(rng)} {rng.choice(('Street', 'Place', 'Plaza', 'Square'))}"


def _company(rng: random.Random) -> str:
    x = rng.random()
    if x < 0.15:
        return rng.choice(w.COMPANIES)
    if x < 0.4:
        return f"{syllables(rng)} {rng.choice(w.COMPANY_ENDS)}"
    if x < 0.55:
        return f"{_last(rng)} & {_last(rng)}" if rng.random() < 0.6 else f"{_last(rng)} and Sons"
    if x < 0.7:
        return rng.choice(w.TECH[0]) + rng.choice(w.TECH[1])
    if x < 0.85:
        return f"{rng.choice(w.ADJECTIVES).capitalize()} {rng.choice(w.NOUNS).capitalize()} {rng.choice(w.COMPANY_ENDS)}"
    if x < 0.92:
        return (
            "".join(rng.choice("ABCDEFGHIKLMNOPRSTVX") for _ in range(3)) + " " + rng.choice(w.COMPANY_ENDS)
        )
    return syllables(rng)


def _title(rng: random.Random) -> str:
    x = rng.random()
    adjective, noun = rng.choice(w.ADJECTIVES).capitalize(), rng.choice(w.NOUNS).capitalize()
    other = rng.choice(w.NOUNS).capitalize()
    if x < 0.06:
        return rng.choice(w.TITLES)
    if x < 0.22:
        return f"The {adjective} {noun}"
    if x < 0.32:
        return f"The {noun} of {rng.choice((f'the {other}', syllables(rng), f'{adjective} {other}s'))}"
    if x < 0.42:
        return f"{adjective} {noun}"
    if x < 0.5:
        return f"{noun} and {other}"
    if x < 0.58:
        return f"{_first(rng)}'s {noun}"
    if x < 0.66:
        return f"{'An' if noun[0] in 'AEIO' else 'A'} {noun} for {_first(rng)}"
    if x < 0.73:
        return f"{noun} {rng.choice(('in', 'at', 'on', 'under', 'behind', 'without'))} the {other}"
    if x < 0.79:
        return f"{adjective} {noun} {rng.choice(('II', '3', 'Part Two', 'III', '2049', '1984'))}"
    if x < 0.86:
        return f"{rng.choice(w.VERBS_ING)} {rng.choice((f'the {noun}', syllables(rng), f'with {other}s'))}"
    if x < 0.9:
        return f"{noun} {rng.choice(('Wars', 'Chronicles', 'Files'))} Episode {rng.choice(('I', 'II', 'IV', 'V'))}"
    if x < 0.94:
        return f"The {noun} Calls" if rng.random() < 0.5 else f"The {noun} Who {rng.choice(w.VERBS_ED)}"
    return f"{rng.choice(w.VERBS_IMP)} {rng.choice(('Me', 'the', 'Your', 'My'))} {noun}"


def _band(rng: random.Random) -> str:
    x = rng.random()
    noun = rng.choice(w.NOUNS).capitalize()
    if x < 0.12:
        return rng.choice(w.BANDS)
    if x < 0.35:
        return f"The {rng.choice(w.ADJECTIVES).capitalize()} {noun}s"
    if x < 0.5:
        return f"{syllables(rng)} {noun}"
    if x < 0.62:
        return f"{rng.choice(w.NOUNS).capitalize()} {rng.choice(w.NOUNS).capitalize()}"
    if x < 0.74:
        return f"{_first(rng)} and the {noun}s"
    if x < 0.82:
        return f"{noun} {rng.choice(('17', '4', '99', '182'))}"
    return f"{rng.choice(('DJ', 'MC', 'Lil', 'Young', 'Saint', 'Los', 'Les'))} {syllables(rng)}"


def _team(rng: random.Random) -> str:
    place = _city(rng).split("-")[0]
    if rng.random() < 0.2:
        return rng.choice(w.TEAMS)
    if rng.random() < 0.5:
        return f"{place} {rng.choice(w.TEAM_ENDS)}"
    return f"{rng.choice(('FC', 'Real', 'AC', 'Sporting', 'Dynamo', 'SC', 'Athletic'))} {place}"


def _product(rng: random.Random) -> str:
    x = rng.random()
    item = rng.choice(w.ITEMS)
    if x < 0.3:
        return item
    if x < 0.55:
        return f"{rng.choice(w.ITEM_ADJECTIVES)} {item}"
    if x < 0.75:
        return f"{syllables(rng)} {rng.choice(('Pro', 'Mini', 'Air', 'Max', 'One', 'Plus', 'S', 'Go'))} {rng.randint(2, 20)}"
    if x < 0.9:
        return f"{syllables(rng)} {rng.choice('ABCDEFGKMRSTXZ')}{rng.choice((10, 20, 50, 100, 300, 450, 900)) + rng.randint(0, 9)}"
    return f"{syllables(rng)} {item}"


def _animal(rng: random.Random) -> str:
    x = rng.random()
    animal = rng.choice(w.ANIMALS)
    if x < 0.45:
        return animal
    if x < 0.8:
        return f"{rng.choice(w.ANIMAL_ADJECTIVES)} {animal}"
    return f"{syllables(rng)} {animal}"


def _dish(rng: random.Random) -> str:
    x = rng.random()
    if x < 0.35:
        return rng.choice(w.DISHES)
    if x < 0.75:
        return f"{rng.choice(w.INGREDIENTS)} {rng.choice(w.DISH_ENDS)}"
    return f"{rng.choice(w.DISH_ADJECTIVES)} {rng.choice(w.INGREDIENTS)} {rng.choice(w.DISH_ENDS)}"


def _plant(rng: random.Random) -> str:
    x = rng.random()
    if x < 0.5:
        return rng.choice(w.PLANTS)
    if x < 0.75:
        return f"{rng.choice(w.ANIMAL_ADJECTIVES)} {rng.choice(w.PLANTS)}"
    return (
        f"{syllables(rng)} {rng.choice(('us', 'a', 'is', 'um'))}".replace(" ", "")
        + f" {syllables(rng).lower()}a"
    )


def _chemical(rng: random.Random) -> str:
    return (
        rng.choice(w.ELEMENTS) if rng.random() < 0.6 else f"{rng.choice(w.SALTS[0])} {rng.choice(w.SALTS[1])}"
    )


def _letters(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(count))


def _ticker(rng: random.Random) -> str:
    return rng.choice(w.TICKERS) if rng.random() < 0.3 else _letters(rng, rng.choice((2, 3, 3, 4, 4)))


def _flight(rng: random.Random) -> str:
    gap = rng.choice(("", "", " "))
    return f"{_letters(rng, 2)}{gap}{rng.randint(10, 9899)}"


def _number_code(rng: random.Random) -> str:
    x = rng.random()
    if x < 0.3:
        return f"{rng.choice(('ORD', 'A', 'INV', 'PO', 'TX', 'SO', 'T'))}-{rng.randint(100, 99999)}"
    if x < 0.6:
        return str(rng.randint(10_000, 99_999_999))
    if x < 0.8:
        return f"{_letters(rng, 2)}{rng.randint(10**6, 10**9)}{_letters(rng, 2)}"
    return f"{_letters(rng, 1)}{rng.randint(10, 99)}{_letters(rng, 2)}{rng.randint(1, 9)}"


def _email(rng: random.Random) -> str:
    first, last = _first(rng).lower(), rng.choice(w.LAST).lower().replace("'", "")
    user = rng.choice(
        (f"{first}.{last}", f"{first[0]}{last}", f"{first}{rng.randint(1, 99)}", f"{last}_{first}")
    )
    user = "".join(c for c in user if c.isascii() and (c.isalnum() or c in "._"))
    return f"{user}@{rng.choice(('example.com', 'mail.example', f'{syllables(rng, w.SOUNDS[0]).lower()}.org', 'corp.example.net'))}"


def _username(rng: random.Random) -> str:
    a, b = rng.choice(w.NOUNS), rng.choice(w.ADJECTIVES)
    return rng.choice(
        (
            f"{b}_{a}{rng.randint(1, 99)}",
            f"{a}{rng.randint(100, 9999)}",
            f"{b}-{a}",
            f"{syllables(rng, w.SOUNDS[0]).lower()}{rng.randint(1, 99)}",
        )
    )


def _repo(rng: random.Random) -> str:
    return f"{syllables(rng, w.SOUNDS[0]).lower()}/{rng.choice(w.NOUNS)}-{rng.choice(('core', 'py', 'tools', 'ui', 'kit', 'lib', 'server'))}"


def _day_month(rng: random.Random) -> tuple[int, int]:
    return rng.randint(1, 28), rng.randint(1, 12)


def _date(rng: random.Random) -> str:
    day, month = _day_month(rng)
    year = rng.randint(1999, 2032)
    x = rng.random()
    if x < 0.25:
        return f"{day} {w.MONTHS[month - 1]} {year}"
    if x < 0.45:
        return f"{year}-{month:02}-{day:02}"
    if x < 0.6:
        return f"{w.MONTHS[month - 1]} {day}"
    if x < 0.68:
        return f"{day} {w.MONTHS[month - 1][:3]}"
    if x < 0.84:
        return rng.choice(
            ("tomorrow", "today", "next week", "this weekend", "the day after tomorrow", "tonight")
        )
    return f"{rng.choice(('next ', 'this ', ''))}{rng.choice(w.WEEKDAYS)}"


def _full_date(rng: random.Random) -> str:
    day, month = _day_month(rng)
    year = rng.randint(1900, 2035)
    return rng.choice(
        (f"{day} {w.MONTHS[month - 1]} {year}", f"{year}-{month:02}-{day:02}", f"{day}.{month}.{year}")
    )


def _time(rng: random.Random) -> str:
    x = rng.random()
    if x < 0.5:
        return f"{rng.randint(0, 23)}:{rng.choice((0, 15, 30, 45, 10, 5, 20)):02}"
    if x < 0.75:
        return f"{rng.randint(1, 12)} {rng.choice(('am', 'pm'))}"
    if x < 0.9:
        return f"{rng.randint(1, 12)}{rng.choice((':30', '', ':15'))}{rng.choice(('am', 'pm'))}"
    return rng.choice(("noon", "midnight", "8 o'clock", "half past six", "quarter to nine"))


def _phrase(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return rng.choice(w.PHRASES)
    who, do, what, when = (rng.choice(part) for part in w.PHRASE_PARTS)
    longer = f"{who} {do} {what} {when}"
    return longer if rng.random() < 0.5 and len(longer.split()) <= 7 else f"{who} {do} {what}"


def _topic(rng: random.Random) -> str:
    x = rng.random()
    if x < 0.4:
        return rng.choice(w.TOPICS)
    if x < 0.65:
        return f"{rng.choice(w.TOPIC_ADJECTIVES)} {rng.choice(w.TOPIC_NOUNS)}"
    if x < 0.85:
        return f"{rng.choice(w.TOPIC_NOUNS)} in {_city(rng)}"
    return f"history of {rng.choice(w.TOPIC_NOUNS)}"


def _address(rng: random.Random) -> str:
    street = rng.choice((syllables(rng), rng.choice(w.NOUNS).capitalize(), _last(rng)))
    return f"{rng.randint(1, 950)} {street} {rng.choice(('Street', 'Road', 'Avenue', 'Lane', 'Boulevard', 'Drive', 'Way'))}"


def _file(rng: random.Random) -> str:
    stem = rng.choice(
        (
            rng.choice(w.NOUNS),
            f"{rng.choice(w.NOUNS)}_{rng.choice(w.NOUNS)}",
            f"{rng.choice(w.ADJECTIVES)}-{rng.choice(w.NOUNS)}",
            f"report{rng.randint(1, 2030)}",
        )
    )
    folder = rng.choice(("", "", "", "docs/", "src/", "data/"))
    return f"{folder}{stem}.{rng.choice(('txt', 'csv', 'md', 'py', 'json', 'pdf', 'xlsx', 'log', 'png'))}"


def _room(rng: random.Random) -> str:
    return rng.choice(
        (
            rng.choice(w.ROOMS),
            f"room {rng.randint(1, 640)}",
            f"{rng.choice(w.NOUNS)} room",
            f"{syllables(rng)} hall",
        )
    )


def _url(rng: random.Random) -> str:
    site = f"{syllables(rng, w.SOUNDS[0]).lower()}{rng.choice(('', '-' + rng.choice(w.NOUNS)))}.{rng.choice(('com', 'org', 'net', 'io', 'example'))}"
    return rng.choice((site, f"https://{site}/{rng.choice(w.NOUNS)}", f"www.{site}"))


def _airport(rng: random.Random) -> str:
    return rng.choice((_letters(rng, 3), f"{_city(rng)} Airport", f"{syllables(rng)} International"))


def _phone(rng: random.Random) -> str:
    return rng.choice(
        (
            f"555-{rng.randint(1000, 9999)}",
            f"+{rng.randint(1, 98)}{rng.randint(10**8, 10**9)}",
            str(rng.randint(10**8, 10**9)),
        )
    )


def _planet(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return rng.choice(w.PLANETS)
    return rng.choice(
        (
            f"Kepler-{rng.randint(2, 990)}{rng.choice('bcde')}",
            f"{syllables(rng)} {rng.choice(('Prime', 'Minor', 'b', 'IV', 'II'))}",
            f"HD {rng.randint(1000, 99999)}",
            syllables(rng),
        )
    )


def _event(rng: random.Random) -> str:
    return rng.choice(
        (
            f"{_city(rng)} {rng.choice(w.EVENTS)}",
            f"{rng.choice(w.ADJECTIVES)} {rng.choice(w.NOUNS)} {rng.choice(w.EVENTS).lower()}",
            rng.choice(w.MEETINGS),
            f"{rng.choice(w.MEETINGS)} with {_first(rng)}",
        )
    )


def _school(rng: random.Random) -> str:
    return rng.choice(
        ("University of {}", "{} University", "{} College", "{} Institute of Technology", "{} State")
    ).format(_city(rng))


def _drug(rng: random.Random) -> str:
    return (
        rng.choice(w.DRUGS)
        if rng.random() < 0.5
        else syllables(rng).lower() + rng.choice(("ol", "ine", "mab", "pril", "statin", "cillin"))
    )


def _of(*parts: tuple[str, ...]) -> Maker:
    return lambda rng: " ".join(word for p in parts if (word := rng.choice(p)))


def _place(rng: random.Random) -> str:
    return _city(rng) if rng.random() < 0.65 else _country(rng)


def _landmark(rng: random.Random) -> str:
    return rng.choice((_building, _MAKERS["mountain"], _MAKERS["museum"], _MAKERS["island"]))(rng)


def _thing(rng: random.Random) -> str:
    return (
        rng.choice(w.ITEMS)
        if rng.random() < 0.5
        else f"{rng.choice(w.ITEM_ADJECTIVES)} {rng.choice(w.ITEMS)}"
    )


_MAKERS: dict[str, Maker] = {
    "person": _person,
    "first_name": _first,
    "city": _city,
    "country": _country,
    "place": _place,
    "region": _region,
    "river": _feature(("River {}", "{} River", "{}", "* River", "Rio {}", "Little {} River"), w.RIVERS),
    "mountain": _feature(("Mount {}", "{} Peak", "* Mountain", "{}horn", "Monte {}", "{}", "Pico {}"), w.MOUNTAINS),
    "lake": _feature(("Lake {}", "{} Lake", "Loch {}", "* Lake", "Lago {}", "{} Reservoir"), w.LAKES),
    "island": _feature(("{} Island", "Isle of {}", "{}", "* Island", "{} Atoll", "Isla {}"), w.ISLANDS),
    "museum": _feature(("{} Museum", "Museum of * Art", "{} Gallery", "* Museum", "{} History Museum"), w.MUSEUMS),
    "station": _feature(("{} Central", "{} Station", "* Street", "{}", "{} Junction", "North {}"), w.STATIONS),
    "hotel": _feature(("Hotel {}", "The * {}", "{} Inn", "* Lodge", "{} Palace Hotel"), w.HOTELS, 0.15),
    "restaurant": _feature(("{} Kitchen", "Chez {}", "* {} Cafe", "Trattoria {}", "The * Spoon", "{}"), w.RESTAURANTS, 0.15),
    "landmark": _landmark,
    "building": _building,
    "company": _company,
    "product": _product,
    "wine": _feature(("Château {}", "{} Riesling", "Domaine {}", "* Reserve", "{} Grand Cru", "Casa {}"), w.WINES, 0.3),
    "airline": _feature(("Air {}", "{} Airways", "* Airlines", "Fly {}", "{} Air"), w.AIRLINES, 0.3),
    "thing": _thing,
    "title": _title,
    "film": _title,
    "book": _title,
    "song": _title,
    "game": _title,
    "band": _band,
    "team": _team,
    "animal": _animal,
    "dish": _dish,
    "ingredient": _of(w.INGREDIENTS),
    "plant": _plant,
    "chemical": _chemical,
    "element": _of(w.ELEMENTS),
    "planet": _planet,
    "ticker": _ticker,
    "flight": _flight,
    "code": _number_code,
    "airport": _airport,
    "email": _email,
    "username": _username,
    "phone": _phone,
    "repo": _repo,
    "url": _url,
    "file": _file,
    "date": _date,
    "full_date": _full_date,
    "time": _time,
    "weekday": _of(w.WEEKDAYS),
    "month": _of(w.MONTHS),
    "year": lambda rng: str(rng.randint(1850, 2027)),
    "language": _of(w.LANGUAGES),
    "currency": _of(w.CURRENCIES),
    "unit": lambda rng: make_units(rng)[0],
    "sport": _of(w.SPORTS),
    "occupation": _of(w.OCCUPATIONS),
    "nationality": _of(w.NATIONALITIES),
    "topic": _topic,
    "phrase": _phrase,
    "word": lambda rng: rng.choice(w.NOUNS + w.ADJECTIVES + w.RARE_WORDS),
    "address": _address,
    "room": _room,
    "event": _event,
    "school": _school,
    "disease": _of(w.DISEASES),
    "drug": _drug,
    "genre": _of(w.GENRES),
    "cuisine": _of(w.CUISINES),
    "device": _of(("", "", "smart", "kitchen", "bedroom", "old"), w.DEVICES),
    "task": lambda rng: f"{rng.choice(w.TASKS[0])} {rng.choice(w.TASKS[1])}",
    "vehicle": lambda rng: f"{syllables(rng)} {rng.choice(w.VEHICLES)}",
    "package": lambda rng: rng.choice(w.PACKAGES) if rng.random() < 0.4 else f"{rng.choice(w.NOUNS)}{rng.choice(('-', ''))}{rng.choice(('py', 'lib', 'kit', 'js', 'ify', 'core'))}",
}  # fmt: skip
_PROPER = frozenset(
    w.word_list(
        "person city country place region river mountain lake island museum building company title film book song band team school"
    )
)
KINDS: tuple[str, ...] = tuple(_MAKERS)
"""Every kind that `make` knows."""
