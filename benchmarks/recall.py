"""Plan templates on families of questions: how often one is used, how often wrongly, and the tokens that are saved.

A planner that knows the right plan of every question stands in for the model; through the whole runtime. A wrong hit is
a recalled plan that is not the one that planner would have written. Half of the families are traps: there, the plan
depends on more than the words of the question show.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from llmcompiler import Join, LLMCompiler, Plan, PlanContext, Tool, tool
from llmcompiler.protocols import PlanItem
from llmcompiler.tools import ToolRegistry
from llmcompiler_planners import CachedPlanner, PlanCache, TextPlanner

CITIES = "Oslo Bergen Rome Paris Lima Cairo Tokyo Quito Perth Hanoi Milan Turin Lyon Porto Malmo".split()  # noqa: SIM905
CITIES += ["New York", "Los Angeles", "Rio de Janeiro", "Buenos Aires", "Kuala Lumpur", "Stratford-upon-Avon"]
CAPITALS = {
    "Norway": "Oslo",
    "Italy": "Rome",
    "France": "Paris",
    "Peru": "Lima",
    "Egypt": "Cairo",
    "Japan": "Tokyo",
}
MONTHS = ("January", "May", "July", "October")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LANGUAGES = {"French": "fr", "German": "de", "Spanish": "es", "Norwegian": "no"}
Unit = Literal["miles", "km", "feet", "pounds", "kilograms"]


@tool(effect="read")
async def city_population(city: str, year: int = 0) -> int:
    """People who live in a city."""
    return len(city)


@tool(effect="read")
async def country_population(country: str) -> int:
    """People who live in a country."""
    return len(country)


@tool(effect="read")
async def founded(city: str) -> int:
    """The year a city was founded."""
    if city not in CITIES:
        raise LookupError(f"{city} is no city")
    return len(city)


@tool(effect="read")
async def weather(place: str, when: str = "") -> str:
    """The weather at a place."""
    return place


@tool(effect="read")
async def search(query: str, limit: int = 5) -> list[str]:
    """Search the web."""
    return [query] * limit


@tool(effect="pure")
async def convert(value: float, unit: Unit, to: Unit) -> float:
    """Convert between units."""
    return value


@tool(effect="read")
async def exchange(amount: float, currency: str, to: str) -> float:
    """Convert money."""
    return amount


@tool(effect="read")
async def translate(text: str, language: str) -> str:
    """Translate a text; the language is a code of two letters."""
    return text


@tool(effect="pure")
async def calculate(expression: str) -> str:
    """Work out a formula."""
    return expression


@tool
async def roll() -> int:
    """Roll a dice."""
    return 4


@tool(effect="write")
async def mail(to: str, subject: str) -> str:
    """Send a mail."""
    return to


TOOLS: list[Tool] = [
    city_population,
    country_population,
    founded,
    weather,
    search,
    convert,
    exchange,
    translate,
    calculate,
    roll,
    mail,
]
Made = tuple[str, str]
"""A question and its plan."""


def _calls(*calls: str, join: str = "") -> str:
    return "\n".join([*(f"{i}. {call}" for i, call in enumerate(calls, 1)), f"join({join})"])


def _two(rnd: random.Random) -> tuple[str, str]:
    a, b = rnd.sample(CITIES, 2)
    return a, b


def compare(rnd: random.Random) -> Made:
    """Two cities and a property that only a word of the question tells."""
    a, b = _two(rnd)
    word, call = rnd.choice([("bigger", "city_population"), ("older", "founded"), ("younger", "founded")])
    form = rnd.choice(["Is {a} {w} than {b}?", "Which is {w}: {a} or {b}?"])
    return form.format(a=a, b=b, w=word), _calls(f'{call}("{a}")', f'{call}("{b}")')


def several(rnd: random.Random) -> Made:
    """Two to four cities: the number of calls goes by the number of names."""
    names = rnd.sample(CITIES, rnd.randint(2, 4))
    said = ", ".join(names[:-1]) + f" and {names[-1]}"
    return f"What is the weather in {said}?", _calls(*(f'weather("{n}")' for n in names))


def month(rnd: random.Random) -> Made:
    """A city, then a month or a country: only the first is a time."""
    city = rnd.choice(CITIES[:6])
    if rnd.random() < 0.5:
        when = rnd.choice(MONTHS)
        return f"What is the weather in {city} in {when}?", _calls(
            f'weather("{city}", when="{when}")', join="$1"
        )
    land = rnd.choice(list(CAPITALS))
    return f"What is the weather in {city} in {land}?", _calls(f'weather("{city}, {land}")', join="$1")


def percent(rnd: random.Random) -> Made:
    """Percentages, with numbers that also stand in the formula by themselves."""
    p, n = rnd.choice([1, 5, 15, 20, 100]), rnd.choice([50, 100, 200, 1500, 2])
    if rnd.random() < 0.5:
        return f"What is {p}% of {n}?", _calls(f'calculate("{n} * {p} / 100")', join="$1")
    return f"What is {n} plus {p}%?", _calls(f'calculate("{n} * (1 + {p} / 100)")', join="$1")


def average(rnd: random.Random) -> Made:
    """The mean of two or three numbers."""
    n = [rnd.randint(1, 9) for _ in range(rnd.randint(2, 3))]
    said = ", ".join(map(str, n[:-1])) + f" and {n[-1]}"
    return f"What is the average of {said}?", _calls(
        f'calculate("({" + ".join(map(str, n))}) / {len(n)}")', join="$1"
    )


def between(rnd: random.Random) -> Made:
    """A range of numbers: those between are in the plan and not in the question."""
    a = rnd.randint(1, 4)
    b = a + rnd.randint(1, 5)
    op, word = rnd.choice([("+", "sum"), ("*", "product")])
    numbers = f" {op} ".join(map(str, range(a, b + 1)))
    return f"What is the {word} of the numbers from {a} to {b}?", _calls(f'calculate("{numbers}")', join="$1")


def factorial(rnd: random.Random) -> Made:
    """A number that the form of the plan goes by."""
    n = rnd.randint(2, 7)
    kind = rnd.choice(["factorial", "dice"])
    if kind == "dice":
        return f"Roll {n} dice.", _calls(*["roll()"] * n)
    product = " * ".join(str(i) for i in range(n, 0, -1))
    return f"What is {n} factorial?", _calls(f'calculate("{product}")', join="$1")


def top(rnd: random.Random) -> Made:
    """So many results, each named in the plan."""
    n, land = rnd.randint(2, 4), rnd.choice(list(CAPITALS))
    calls = [
        f'search("biggest cities of {land}", limit={n})',
        *(f"city_population($1[{i}])" for i in range(n)),
    ]
    return f"How many people live in the {n} biggest cities of {land}?", _calls(*calls)


def years(rnd: random.Random) -> Made:
    """Every year of a time, of which the question names the first and the last."""
    city, first = rnd.choice(CITIES), rnd.randint(2000, 2003)
    last = first + rnd.randint(1, 3)
    calls = [f'city_population("{city}", year={y})' for y in range(first, last + 1)]
    return f"How did the population of {city} change from {first} to {last}?", _calls(*calls)


def days(rnd: random.Random) -> Made:
    """Every day of a time, of which the question names the first and the last."""
    city, first = rnd.choice(CITIES), rnd.randint(0, 3)
    last = first + rnd.randint(1, 3)
    names = DAYS[first : last + 1]
    question = f"What is the weather in {city} from {names[0]} to {names[-1]}?"
    return question, _calls(*(f'weather("{city}", when="{day}")' for day in names))


def person(rnd: random.Random) -> Made:
    """A city or a person: another tool for each, and neither words nor names of tools tell which."""
    if rnd.random() < 0.6:
        name = rnd.choice(CITIES)
        return f"How old is {name}?", _calls(f'founded("{name}")')
    name = rnd.choice(["Marie Curie", "Ada Lovelace", "Magnus Carlsen"])
    return f"How old is {name}?", _calls(f'search("date of birth of {name}")')


def capital(rnd: random.Random) -> Made:
    """A capital that only the planner knows."""
    land, other = rnd.choice(list(CAPITALS.items()))
    if rnd.random() < 0.5:
        question = f"How many people live in the capital of {land}?"
        return question, _calls(f'city_population("{other}")', join="$1")
    question = f"What are the area of {land} and the population of its capital?"
    return question, _calls(f'search("area of {land}")', f'city_population("{other}")')


def sort(rnd: random.Random) -> Made:
    """A city or a country: another tool for each, and nothing in the words tells which."""
    if rnd.random() < 0.6:
        name = rnd.choice(CITIES)
        return f"How many people live in {name}?", _calls(f'city_population("{name}")', join="$1")
    name = rnd.choice(list(CAPITALS))
    return f"How many people live in {name}?", _calls(f'country_population("{name}")', join="$1")


def units(rnd: random.Random) -> Made:
    """Units that the tool names."""
    value = rnd.choice([3, 5, 12, 2.5, 1500])
    a, b = rnd.choice([("miles", "km"), ("feet", "miles"), ("pounds", "kilograms")])
    return f"Convert {value} {a} to {b}.", _calls(f'convert({value}, "{a}", "{b}")', join="$1")


def money(rnd: random.Random) -> Made:
    """Codes of currencies."""
    a, b = rnd.sample(["USD", "EUR", "NOK", "GBP"], 2)
    value = rnd.choice([5, 20, 1200, 99])
    return f"How much is {value} {a} in {b}?", _calls(f'exchange({value}, "{a}", "{b}")', join="$1")


def quotation(rnd: random.Random) -> Made:
    """A text in quotes, and a language whose code only the planner knows."""
    text = rnd.choice(["good morning", "to be, or not to be", "it costs $1", "where is Oslo?"])
    language, code = rnd.choice(list(LANGUAGES.items()))
    shown = text.replace("$", "$$")
    return f'Translate "{text}" to {language}.', _calls(f'translate("{shown}", "{code}")', join="$1")


def letters(rnd: random.Random) -> Made:
    """Addresses and codes."""
    name, number = rnd.choice(["ann", "bob", "eve"]), rnd.randint(10, 9999)
    address = f"{name}@example.com"
    question = f"Tell {address} that the order INV-{number} has been sent"
    return question, _calls(f'mail("{address}", "order INV-{number}")')


def today(rnd: random.Random) -> Made:
    """A date that the question does not say; each question is of another day."""
    city, day = rnd.choice(CITIES[:4]), rnd.randint(10, 28)
    return f"What is the weather in {city} today?", _calls(
        f'weather("{city}", when="2026-03-{day}")', join="$1"
    )


def exception(rnd: random.Random) -> Made:
    """Small words that change the plan."""
    a, b = rnd.sample(list(CAPITALS), 2)
    word, said = rnd.choice([("and", ""), ("but not", "not "), ("or", "")])
    return f"Which mountains are in {a} {word} in {b}?", _calls(
        f'search("mountains {a}")', f'search("mountains {said}{b}")'
    )


FAMILIES: dict[str, Callable[[random.Random], Made]] = {
    f.__name__: f for f in (compare, percent, average, units, money, letters, quotation, exception, several)
}
TRAPS: dict[str, Callable[[random.Random], Made]] = {
    f.__name__: f for f in (sort, person, capital, years, days, between, factorial, top, month, today)
}


@dataclass
class _Knowing:
    """Writes the right plan, and counts what a model would have read and written for it."""

    plans: Mapping[str, Plan]
    prompt: int
    """Characters of a prompt, but for the question."""
    tokens: int = 0

    async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        """The plan of the question."""
        plan = self.plans[context.question]
        self.tokens += _tokens(self.prompt, context.question, plan)
        for task in plan.tasks:
            yield task
        yield plan.join or Join()


def _tokens(prompt: int, question: str, plan: Plan) -> int:
    return (prompt + len(question) + len(str(plan))) // 4


class _NoModel:
    name = "none"
    features: frozenset[str] = frozenset()

    def stream(self, request: Any) -> Any:
        """Nobody asks."""
        raise NotImplementedError


async def _family(
    make: Callable[[random.Random], Made], runs: int, seed: int, cache: PlanCache
) -> dict[str, Any]:
    rnd = random.Random(seed)
    registry = ToolRegistry(TOOLS)
    prompt = len(TextPlanner(_NoModel()).request(PlanContext("?", registry)).text)
    knowing = _Knowing({}, prompt)
    compiler = LLMCompiler(registry, planner=CachedPlanner(knowing, cache))
    asked: set[str] = set()
    found = Counter[str]()
    for _ in range(runs):
        question, text = make(rnd)
        right = Plan.parse(text, registry)
        knowing.plans = {question: right}
        before = cache.stats.hits
        made = (await compiler.run(question)).plans[0]
        hit = cache.stats.hits > before
        found["full"] += _tokens(prompt, question, right)
        found["hits"] += hit
        found["new"] += question not in asked
        found["new_hits"] += hit and question not in asked
        found["wrong"] += hit and str(made) != str(right)
        asked.add(question)
    return found + Counter(questions=runs, saved=found["full"] - knowing.tokens)


def measure(runs: int = 100, seed: int = 0) -> list[dict[str, Any]]:
    """A row for each family: hits and misses, hits of questions never asked before, wrong hits, tokens saved."""
    rows: list[dict[str, Any]] = []
    for sort_, families in (("form", FAMILIES), ("trap", TRAPS)):
        for name, make in families.items():
            cache = PlanCache()
            rows.append(_row(name, sort_, asyncio.run(_family(make, runs, seed, cache)), cache))
    rows.append(_mixed("all, in memory", runs, seed, PlanCache()))
    rows.append(_mixed("all, confirmed twice", runs, seed, PlanCache(confirm=2)))
    rows.append(_mixed("all, a tenth audited", runs, seed, PlanCache(audit=0.1)))
    with TemporaryDirectory() as folder:
        cache = PlanCache(path=Path(folder) / "plans.db")
        rows.append(_mixed("all, in SQLite", runs, seed, cache))
        cache.close()
    return rows


def _mixed(name: str, runs: int, seed: int, cache: PlanCache) -> dict[str, Any]:
    makers = [*FAMILIES.values(), *TRAPS.values()]

    def make(rnd: random.Random) -> Made:
        return rnd.choice(makers)(rnd)

    return _row(name, "mixed", asyncio.run(_family(make, runs * 5, seed, cache)), cache)


def _row(name: str, sort_: str, found: Mapping[str, int], cache: PlanCache) -> dict[str, Any]:
    asked = found["questions"]
    return {
        "family": name,
        "of": sort_,
        "questions": asked,
        "hit_percent": 100 * found["hits"] / asked,
        "miss_percent": 100 * (asked - found["hits"]) / asked,
        "hit_percent_of_new": 100 * found["new_hits"] / max(1, found["new"]),
        "wrong_hits": found["wrong"],
        "templates": len(cache),
        "tokens_saved_percent": 100 * found["saved"] / found["full"],
    }
