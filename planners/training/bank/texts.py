"""Made-up articles as an encyclopedia has them, with the facts that can be read out of each, and questions about facts.

A fact is a run of words of its article, letter by letter. What an article leaves out is not among its facts, so that a
question about it has no answer there.
"""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

import random
import re
from collections.abc import Callable

from . import words as w
from .facts import FILLERS, KIND_SENTENCES, NUMBERED, QUESTIONS
from .names import make, syllables

Article = tuple[str, str, str, dict[str, str]]
KINDS: tuple[str, ...] = tuple(KIND_SENTENCES)
"""What articles are about."""

_SLOT = re.compile(r"\{(\w+)\}")
_MONTH = "|".join(w.MONTHS)
_SHORTEST, _LONGEST = 200, 900


def _questions(asked: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """All wordings, those over two things and over one mixed at the end, as the last are for scoring only."""
    pairs, single = asked["pairs"], asked["single"]
    return (*pairs[:-1], *single[:-1], single[-1], pairs[-1])


FACT_QUESTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    fact: dict.fromkeys(asked["kinds"], _questions(asked)) for fact, asked in QUESTIONS.items()
}
"""For each fact, by the kinds of things that have it: questions about `{a}`, or over `{a}` and `{b}`, that it decides."""


def article(rng: random.Random, kind: str | None = None) -> Article:
    """An article: the name of what it is about, what kind of thing that is, the text, and facts by their names.

    The text has 200 to 900 characters. Some facts are left out; the first sentence holds one to three.
    """
    kind = kind or rng.choice(KINDS)
    while True:
        made = _try(rng, kind)
        if made is not None:
            return made


def _try(rng: random.Random, kind: str) -> Article | None:
    name = _name(kind, rng)
    again = name.split()[-1] if kind == "person" else rng.choice((name, name, f"the {kind}"))
    values = {"name": name, "it": again}
    opening, *body = _template(rng, kind)
    fillers = list(FILLERS[kind])
    rng.shuffle(fillers)
    for _ in range(rng.choice((0, 1, 1, 2, 2))):
        body.insert(rng.randint(0, len(body)), fillers.pop())
    text = _filled(" ".join([opening, *body]), values, kind, rng)
    while len(text) < _SHORTEST:
        if not fillers:
            return None
        text = f"{text} {_filled(fillers.pop(), values, kind, rng)}"
    if len(text) > _LONGEST:
        return None
    facts = {key: value for key, value in values.items() if kind in FACT_QUESTIONS.get(key, {})}
    for one, other in (("nationality", "country"), ("country", "nationality")):
        if one in facts and kind in FACT_QUESTIONS[other]:
            facts.setdefault(other, facts[one])
    # A value that stands in another one, or in the name, could be read in the wrong place.
    said = {*facts.values()}
    if any(_holds(other, value) for value in said for other in (*said, name) if other != value):
        return None
    return name, kind, text, facts


def _template(rng: random.Random, kind: str) -> list[str]:
    """The opening, and further sentences that say something new, in any order."""
    openings, groups = KIND_SENTENCES[kind]
    sentences = [rng.choice(openings)]
    said = set(_SLOT.findall(sentences[0]))
    for group in rng.sample(groups, len(groups)):
        sentence = rng.choice(group)
        new = set(_SLOT.findall(sentence)) - {"name", "it"}
        if rng.random() < 0.8 and not said & new:
            said |= new
            sentences.append(sentence)
    return sentences


def _holds(text: str, run: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(run)}(?!\w)", text) is not None


def _filled(text: str, values: dict[str, str], kind: str, rng: random.Random) -> str:
    """The text with values in place, which are kept in `values` where they are facts; other things are new each time."""

    def one(found: re.Match[str]) -> str:
        key = found[1]
        if key in values:
            return values[key]
        if maker := _VALUES_OF.get(kind, {}).get(key) or _VALUES.get(key):
            return values.setdefault(key, maker(rng))
        return NUMBERED[key](rng) if key in NUMBERED else make(key, rng)

    filled = _SLOT.sub(one, text)
    filled = re.sub(r"\bon (?=\d{4}\b)", "in ", filled)
    filled = re.sub(rf"\bin (?=\d\d? (?:{_MONTH})|(?:{_MONTH}) \d)", "on ", filled)
    filled = re.sub(r"\b(a) (?=[AEIOaeio])", r"\1n ", filled)
    return re.sub(r"(^|[.] )([a-z])", lambda m: m[1] + m[2].upper(), filled)


def _name(kind: str, rng: random.Random) -> str:
    if kind == "magazine":
        return rng.choice(
            (
                f"{syllables(rng)} Review",
                f"The {syllables(rng)} Weekly",
                f"{rng.choice(w.NOUNS).capitalize()} Digest",
                f"{rng.choice(w.ADJECTIVES).capitalize()} {rng.choice(w.NOUNS).capitalize()}",
            )
        )
    if kind == "city":
        return syllables(rng)
    while True:
        name = make(kind, rng)
        if name != name.lower() or kind in ("animal", "plant"):
            return name


def _date(rng: random.Random, low: int, high: int) -> str:
    day, month, year = rng.randint(1, 28), rng.choice(w.MONTHS), rng.randint(low, high)
    return rng.choice((f"{day} {month} {year}", f"{month} {day}, {year}", f"{year}"))


def _measure(low: int, high: int, *units: str) -> Callable[[random.Random], str]:
    def maker(rng: random.Random) -> str:
        number = rng.randint(low, high)
        return f"{number:,} {rng.choice(units)}" if rng.random() < 0.7 else f"{number} {rng.choice(units)}"

    return maker


def _count(low: int, high: int) -> Callable[[random.Random], str]:
    return lambda rng: f"{round(rng.randint(low, high), -1 if high > 500 else 0):,}"


def _work(rng: random.Random) -> str:
    some = rng.sample(_OCCUPATIONS, 3)
    return rng.choice((some[0], some[0], f"{some[0]} and {some[1]}", f"{some[0]}, {some[1]} and {some[2]}"))


_OCCUPATIONS = w.phrase_list(
    "film director, screenwriter, novelist, poet, painter, composer, footballer, politician, physicist, chemist, actress, actor, singer, architect, journalist, historian, tennis player, sculptor, photographer, philosopher, biologist, economist, violinist, cyclist, explorer, chess player, mathematician, comedian, fashion designer, astronomer, producer"
)
_VALUES: dict[str, Callable[[random.Random], str]] = {
    "nationality": lambda r: make("nationality", r),
    "occupation": _work,
    "born": lambda r: _date(r, 1840, 1985),
    "died": lambda r: _date(r, 1990, 2024),
    "birthplace": lambda r: make("city", r).title() if r.random() < 0.1 else _proper("city", r),
    "director": lambda r: _proper("person", r),
    "released": lambda r: str(r.randint(1925, 2024)),
    "country": lambda r: r.choice(w.COUNTRIES),
    "genre": lambda r: r.choice(w.GENRES),
    "runtime": _measure(71, 195, "minutes"),
    "members": lambda r: r.choice(("three", "four", "five", "six", "seven", "two", "eight", "nine")),
    "formed": lambda r: str(r.randint(1955, 2018)),
    "origin": lambda r: _proper("city", r),
    "albums": lambda r: r.choice(("2", "3", "4", "6", "8", "11", "12", "14", "17")),
    "height": lambda r: r.choice(
        (_measure(38, 828, "metres", "meters", "m")(r), _measure(120, 2700, "feet", "ft")(r))
    ),
    "floors": lambda r: str(r.randint(11, 120)),
    "completed": lambda r: str(r.randint(1790, 2023)),
    "architect": lambda r: _proper("person", r),
    "city": lambda r: _proper("city", r),
    "length": lambda r: r.choice(
        (_measure(41, 6400, "kilometres", "km", "kilometers")(r), _measure(30, 3900, "miles")(r))
    ),
    "mouth": lambda r: r.choice(
        (
            "Baltic Sea",
            "Black Sea",
            "North Sea",
            "Caspian Sea",
            "Pacific Ocean",
            "Atlantic Ocean",
            "Indian Ocean",
            "Adriatic Sea",
            "Gulf of Mexico",
            "Bay of Bengal",
        )
    ),
    "source": lambda r: _proper("mountain", r),
    "elevation": lambda r: r.choice(
        (_measure(900, 8500, "metres", "m", "meters")(r), _measure(3000, 27000, "feet", "ft")(r))
    ),
    "ascent": lambda r: str(r.randint(1786, 1975)),
    "founded": lambda r: str(r.randint(1745, 2019)),
    "founder": lambda r: _proper("person", r),
    "headquarters": lambda r: _proper("city", r),
    "employees": _count(120, 95_000),
    "industry": lambda r: r.choice(
        (
            "shipbuilding",
            "insurance",
            "textile",
            "mining",
            "software",
            "pharmaceutical",
            "steel",
            "brewing",
            "paper",
            "aviation",
            "toy",
            "chocolate",
            "telecommunications",
            "furniture",
            "railway",
        )
    ),
    "publisher": lambda r: _proper("company", r),
    "frequency": lambda r: r.choice(
        ("weekly", "monthly", "quarterly", "bi-monthly", "twice a year", "daily")
    ),
    "language": lambda r: make("language", r),
    "weight": lambda r: r.choice(
        (
            _measure(2, 900, "kilograms", "kg")(r),
            _measure(5, 2000, "pounds")(r),
            _measure(12, 950, "grams")(r),
        )
    ),
    "lifespan": _measure(2, 90, "years"),
    "diet": lambda r: r.choice(
        (
            "insects",
            "grasses and leaves",
            "small fish",
            "seeds and berries",
            "rodents",
            "plankton",
            "carrion",
            "earthworms",
            "bamboo shoots",
            "fruit and nectar",
        )
    ),
    "habitat": lambda r: r.choice(
        (
            "tropical rainforests",
            "alpine meadows",
            "coastal waters",
            "deserts",
            "wetlands",
            "temperate forests",
            "savannas",
            "mangrove swamps",
            "tundra",
            "rocky coves",
        )
    ),
    "family": lambda r: syllables(r) + r.choice(("idae", "aceae")),
    "students": _count(900, 64_000),
    "motto": lambda r: r.choice(
        (
            "Truth and Light",
            "Dare to Know",
            "Ever Onward",
            "Wisdom Above All",
            "Serve and Learn",
            "By Work and Faith",
        )
    ),
    "population": _count(2_100, 4_900_000),
    "area": _measure(12, 2400, "square kilometres", "km2", "square miles"),
    "mayor": lambda r: _proper("person", r),
    "author": lambda r: _proper("person", r),
    "published": lambda r: str(r.randint(1810, 2023)),
    "pages": lambda r: str(r.randint(96, 990)),
}


_VALUES_OF: dict[str, dict[str, Callable[[random.Random], str]]] = {
    "plant": {"height": _measure(15, 390, "centimetres", "cm")},
    "band": {
        "genre": lambda r: r.choice(
            (
                "jazz",
                "rock",
                "hip hop",
                "folk",
                "techno",
                "country",
                "reggae",
                "blues",
                "heavy metal",
                "indie pop",
                "soul",
                "punk",
            )
        )
    },
    "film": {
        "genre": lambda r: r.choice(
            (
                "horror",
                "comedy",
                "science fiction",
                "thriller",
                "romance",
                "western",
                "drama",
                "crime",
                "war",
                "fantasy",
                "adventure",
            )
        )
    },
    "book": {
        "genre": lambda r: r.choice(
            (
                "fantasy",
                "crime",
                "science fiction",
                "historical",
                "romance",
                "horror",
                "adventure",
                "satirical",
            )
        )
    },
}


def _proper(kind: str, rng: random.Random) -> str:
    while True:
        name = make(kind, rng)
        if name != name.lower():
            return name


__all__ = ["FACT_QUESTIONS", "KINDS", "Article", "article"]
