"""Texts that a look-up gave, questions, and the words of the text that decide them; or that there are none."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from ..bank import names, texts
from ..bank import words as w
from ..specs import Split
from .wording import listed, wordings

_Made = tuple[str, str]
"""A sentence about `{x}`, and the words in it that answer."""


@dataclass(frozen=True, slots=True)
class _Fact:
    """One thing that a text can say, and what asks for it."""

    sentences: tuple[str, ...]
    """`{x}` is the thing, `{v}` the value."""
    asks: tuple[str, ...]
    """`{and}` and `{or}` are two things, the text being about one of them."""
    value: Callable[[random.Random], str]
    rival: str = "{year}"
    """What must not stand in other sentences, because it could be taken for the answer."""


def _year(rng: random.Random) -> str:
    return str(rng.randint(1720, 2019))


def _day(rng: random.Random) -> str:
    return f"{rng.randint(1, 28)} {rng.choice(w.MONTHS)} {rng.randint(1840, 2004)}"


def _of(kind: str) -> Callable[[random.Random], str]:
    return lambda rng: names.make(kind, rng)


def _amount(low: int, high: int, *units: str) -> Callable[[random.Random], str]:
    def maker(rng: random.Random) -> str:
        number = rng.randint(low, high)
        return f"{rng.choice((f'{number:,}', str(number)))} {rng.choice(units)}"

    return maker


_HEIGHT = _amount(40, 8900, "metres", "meters", "m", "feet", "ft")
_LONG = _amount(40, 6900, "kilometres", "km", "miles", "kilometers")
_WIDE = _amount(20, 900_000, "square kilometres", "square miles", "km2", "hectares")
_PEOPLE = _amount(900, 9_000_000, "people", "inhabitants", "residents")
_PERSON = (
    _Fact(("{x} was a {v} {job} best known for {work}.", "{x} is a {v} {job} who wrote {work}.",
    "{x} (born {year}) is a {v} {job}.",
           "The {v} {job} {x} was born in {city}.", "{x} was the second {v} {job} to win the prize."),
          ("Were {and} of the same nationality?", "What nationality is {x}?", "Are {and} both {nation}?",
          "Do {and} come from the same country?",
           "Which nationality do {and} share?", "Is {x} {nation}?"), _of("nationality"), "{nation}"),
    _Fact(("{x} (born {v}) is a {nation} {job}.", "{x} was born on {v} in {city}.",
    "Born on {v}, {x} grew up in {city}.",
           "{x} ({v} - {day}) was a {nation} {job}.", "{x} was a {nation} {job} (born {v} in {city})."),
          ("Who was born first, {or}?", "Who is older, {or}?", "When was {x} born?",
          "Was {x} born before {y}?", "Which of {and} is younger?",
           "What is the birth date of {x}?"), _day),
    _Fact(("{x} was an award-winning {v} from {city}.", "{x} is a {nation} {v} known for {work}.",
    "{x} worked as a {v} for thirty years.",
           "{x} was a {nation} {v} and a friend of {person}."),
          ("What occupation do {and} share?", "Do {and} have the same profession?",
          "What did {x} do for a living?", "Are {and} both {job}s?",
           "What was the job of {x}?"), _of("occupation"), "{job}"),
    _Fact(("{x} was born in {v} and later moved to {city}.", "Born in {v}, {x} began to write at fifteen.",
    "{x} is a {nation} {job} from {v}.",
           "{x} spent a happy childhood in {v}."),
          ("Where was {x} born?", "Were {and} born in the same place?", "What is the birthplace of {x}?",
          "In which town was {x} born?"), _of("city"), "{city}"),
    _Fact(("{x} died in {v} after a long illness.", "{x} was a {nation} {job} who died in {v}.",
    "After the death of {x} in {v}, the house was sold."),
          ("Who died first, {or}?", "When did {x} die?", "In which year did {x} die?",
          "Did {x} die before {y}?"), _year),
)  # fmt: skip
_WORK = (
    _Fact(("{x} is a {v} {nation} film starring {person}.", "{x} is a film released in {v}.",
    "{x} came out in {v} and won two prizes.",
           "Released in {v}, {x} was directed by {person}."),
          ("Which film came out first, {or}?", "When was {x} released?", "Is {x} older than {y}?",
          "Were {and} released in the same year?",
           "In which year did {x} come out?"), _year),
    _Fact(("{x} is a {year} film directed by {v}.", "{x}, directed by {v}, tells the story of {person}.",
    "{x} is a {nation} drama by director {v}.",
           "It was {v} who directed {x} in {year}."),
          ("Were {and} directed by the same person?", "Who directed {x}?", "Do {and} have the same director?",
          "Which director made {x}?"), _of("person"), "{person}"),
    _Fact(("{x} is a {v} novel by {person}.", "{x} is a {v} film from {year}.",
    "A {v} story at heart, {x} was filmed in {city}."),
          ("What genre is {x}?", "What genre do {and} share?", "Are {and} both {genre}?",
          "Which genre does {x} belong to?"), _of("genre"), "{genre}"),
)  # fmt: skip
_BODY = (
    _Fact(("{x} was founded in {v} by {person}.", "{x} is a company that was started in {v}.",
    "Founded in {v}, {x} now has offices in {city}.",
           "{x} has made tools since {v}."),
          ("Which was founded first, {or}?", "When was {x} founded?", "Is {x} older than {y}?",
          "Which was started first, {or}?",
           "In what year was {x} established?"), _year),
    _Fact(("{x} is based in {v} and employs 300 people.", "{x} has its headquarters in {v}.",
    "{x} is a maker of shoes from {v}.",
           "The head office of {x} is in {v}, the factory in {country}."),
          ("Are {and} based in the same city?", "Where is {x} based?", "Where are the headquarters of {x}?",
          "In which city is {x} located?"), _of("city"), "{city}"),
    _Fact(("{x} has {v} and was founded in {year}.", "In {year}, {x} had {v}.",
    "With {v}, {x} is the largest of its kind in {country}."),
          ("Which has more employees, {or}?", "How many people work for {x}?", "Is {x} bigger than {y}?",
          "How many employees does {x} have?"),
          _amount(20, 90_000, "employees", "staff", "workers")),
)  # fmt: skip
_PLACE = (
    _Fact(("{x} is a mountain in {country}, {v} high.", "At {v}, {x} is the highest point of {region}.",
    "{x} rises to {v} above the sea.",
           "{x} stands {v} tall and was first climbed in {year}."),
          ("Which is taller, {or}?", "How high is {x}?", "Is {x} higher than {y}?",
          "What is the height of {x}?", "Which one is the higher of {and}?"), _HEIGHT),
    _Fact(("{x} is a river in {country} with a length of {v}.", "{x} flows for {v} through {region}.",
    "With its {v}, {x} is the longest in {country}."),
          ("Which is longer, {or}?", "How long is {x}?", "Is {x} longer than {y}?",
          "What is the length of {x}?"), _LONG),
    _Fact(("{x} is a town in {region} with {v}.", "In {year}, {x} had a population of {v}.",
    "{x}, home to {v}, lies near {city}."),
          ("Which has more people, {or}?", "How many people live in {x}?", "What is the population of {x}?",
          "Is {x} larger than {y}?"), _PEOPLE),
    _Fact(("{x} covers {v} of {region}.", "{x} has an area of {v} and was mapped in {year}.",
    "Spread over {v}, {x} is one of the largest."),
          ("Which is larger, {or}?", "How big is {x}?", "What is the area of {x}?",
          "Does {x} cover more land than {y}?"), _WIDE),
    _Fact(("{x} is located in {v}, close to {city}.", "{x} lies in {v}.",
    "{x} is a landmark of {v} and was built in {year}."),
          ("Are {and} located in the same country?", "In which country is {x}?", "Where is {x}?",
          "Which country is {x} in?"), _of("country"), "{country}"),
)  # fmt: skip
_NATURE = (
    _Fact(("{x} is a genus of flowering plants native to {v}.",
    "{x} grows wild in {v}, where it was found in {year}.", "{x} comes from {v}."),
          ("Are {and} native to the same place?", "Where is {x} native to?", "Where does {x} come from?"),
          _of("region"), "{region}"),
    _Fact(("{x} is a {v} that grows slowly.", "{x} is a kind of {v} known since {year}.",
    "{x} is a {v} of the family found in {country}."),
          ("Are {and} both {plant}s?", "What kind of plant is {x}?", "Is {x} a {plant}?", "What are {and}?"),
          lambda rng: rng.choice(("shrub", "tree", "herb", "fern", "moss", "climbing vine", "palm", "grass",
          "cactus", "orchid"))),
)  # fmt: skip
_ABOUT: tuple[tuple[tuple[str, ...], tuple[_Fact, ...]], ...] = (
    (("person",), _PERSON), (("person",), _PERSON), (("film",), _WORK), (("company", "band", "school"), _BODY),
    (("mountain", "river", "city", "island", "building", "lake"), _PLACE), (("plant",), _NATURE),
)  # fmt: skip
_ADDED = (
    "{x} is mentioned in several books.", "Not much else is known about {x}.",
    "The name is of unknown origin.", "It was featured on the radio in {city}.",
    "A film about it was shot by {person}.", "In {year} it was in the news again.", "See also {person}.",
    "Critics have been kind on the whole.",
    "Some say that {person} was involved.", "It is often confused with {y}.",
    "A street in {city} has the same name.",
)  # fmt: skip
_TOOLS = (
    "search",
    "wikipedia",
    "lookup",
    "encyclopedia",
    "get_article",
    "find_article",
    "info",
    "facts",
    "describe",
)


def value_example(rng: random.Random, split: Split) -> tuple[str, str, str, str]:
    """One text and question.

    Returns:
        The call as the prompt shows it, the text, the question, and the words that answer; empty where none do.
    """
    return _of_article(rng, split) if rng.random() < 0.6 else _of_sentences(rng, split)


def _of_article(rng: random.Random, split: Split) -> tuple[str, str, str, str]:
    """A fact of a longer text."""
    while True:
        name, kind, text, facts = texts.article(rng)
        asked = [f for f, by_kind in texts.FACT_QUESTIONS.items() if kind in by_kind]
        held = [f for f in asked if f in facts]
        absent = [f for f in asked if f not in facts]
        some = absent if rng.random() < 0.2 else held
        if not some:
            continue
        fact = rng.choice(some)
        question = rng.choice(wordings(texts.FACT_QUESTIONS[fact][kind], split))
        pair = [name, names.make(kind, rng) if kind in names.KINDS else texts.article(rng, kind)[0]]
        if "{b}" in question and rng.random() < 0.5:
            pair.reverse()
        question = question.replace("{a}", pair[0]).replace("{b}", pair[1])
        if kind not in names.KINDS and name not in question:
            continue
        return f'{rng.choice(_TOOLS)}("{name}")', text, question, facts.get(fact, "")


def _of_sentences(rng: random.Random, split: Split) -> tuple[str, str, str, str]:
    """A fact of one to four short sentences."""
    kinds, facts = rng.choice(_ABOUT)
    kind = rng.choice(kinds)
    if kind in ("mountain", "building"):
        facts = (_PLACE[0], _PLACE[4])
    elif kind == "river":
        facts = (_PLACE[1], _PLACE[4])
    elif kind == "city":
        facts = (_PLACE[2], _PLACE[4])
    elif kind in ("island", "lake"):
        facts = (_PLACE[3], _PLACE[4])
    elif kind in ("band", "school"):
        facts = _BODY[:2]
    x, y = names.make(kind, rng), names.make(kind, rng)
    asked = rng.choice(facts)
    others = [f for f in facts if f is not asked]
    rng.shuffle(others)
    absent = rng.random() < 0.2
    shown = ([] if absent else [asked]) + others[: rng.choice((0, 0, 1, 1, 2)) + absent]
    rng.shuffle(shown)
    text, answer = "", ""
    for i, fact in enumerate(shown):
        value = fact.value(rng)
        ways = [t for t in wordings(fact.sentences, split) if fact is asked or asked.rival not in t]
        if not ways:
            continue
        sentence = rng.choice(ways)
        if i and rng.random() < 0.4 and "{x} " in sentence and sentence.startswith("{x}"):
            sentence = sentence.replace("{x}", "It" if kind != "person" else rng.choice(("He", "She")), 1)
        text += (" " if text else "") + _filled(sentence, rng, x, y).replace("{v}", value)
        if fact is asked:
            answer = value
    for _ in range(rng.choice((0, 0, 1, 2))):
        added = _filled(
            rng.choice([t for t in wordings(_ADDED, split) if asked.rival not in t or "{year}" in t]),
            rng,
            x,
            y,
        )
        if added not in text:
            text = f"{text} {added}" if text else added
    text = text or _filled(_ADDED[0], rng, x, y)
    for vowel in "AEIOUaeiou":
        text = text.replace(f" a {vowel}", f" an {vowel}")
    question = rng.choice(wordings(asked.asks, split))
    pair = [x, y] if rng.random() < 0.5 else [y, x]
    question = question.replace("{and}", listed(pair, rng)).replace("{or}", listed(pair, rng, "or"))
    question = _filled(question, rng, x, y)
    return f'{rng.choice(_TOOLS)}("{x}")', text, question, answer


def _filled(text: str, rng: random.Random, x: str, y: str) -> str:
    for key, make in (
        ("{job}", _of("occupation")), ("{work}", _of("book")), ("{year}", _year), ("{city}", _of("city")),
        ("{nation}", _of("nationality")),
        ("{person}", _of("person")), ("{day}", _day), ("{country}", _of("country")), ("{region}",
        _of("region")), ("{genre}", _of("genre")),
        ("{plant}", lambda r: r.choice(("shrub", "tree", "herb", "fern", "palm"))),
    ):  # fmt: skip
        if key in text:
            text = text.replace(key, make(rng))
    return text.replace("{x}", x).replace("{y}", y)
