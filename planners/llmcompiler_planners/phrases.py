"""What the wording of a question rules out: words that are about a tool, runs that belong to another call, operators.

Rules here are plain grammar of English, apply to any tools, and only ever narrow what a small planner may write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llmcompiler.tools import Tool

from .words import FUNCTION_WORDS, Question, Word, variants

_FORMULA = frozenset({"expression", "expr", "formula", "equation", "calculation", "arithmetic"})
_PRONOUNS = frozenset({"its", "their", "they", "there"})
_POSSESSIVES = frozenset({"its", "their"})
_EXAMPLES = re.compile(r"\b(?:such as|e\.g\.|like|for example)\b.*|\([^)]*\)|[\"'“].*?[\"'”]", re.DOTALL)
_NUMERALS = frozenset({"one", "two", "another", "other", "value"})
_ASKING = frozenset(["what", "what's", "how", "which", "who", "where", "when", "is", "are"])
# Fields that say nothing of what a tool is about.
_GENERIC = frozenset(
    ["name", "text", "value", "unit", "code", "number", "list", "items", "result", "status", "type"]
)
# What an adjective or noun of a question measures, by the words a field or tool for it has.
_MEASURES = {
    "dense denser densest": "density",
    "heavy heavier heaviest weigh weighs weight light lighter lightest": "mass",
    "people inhabitants populous populated residents live lives living crowded": "population",
    "big bigger biggest large larger largest size covers cover": "area population",
    "far farther further farthest furthest closer closest near nearer nearest apart": "distance",
    "money": "currency",
    "tall taller tallest high higher highest": "height elevation",
    "old older oldest young younger youngest": "age born birth year",
    "hot hotter hottest warm warmer warmest cold colder coldest": "temperature",
    "cheap cheaper cheapest expensive cost costs": "price",
}
_MEASURING = frozenset(word for words in _MEASURES for word in words.split())


def parts(name: str) -> list[str]:
    """The words of an identifier, in lower case: `fromUnit`, `from_unit` and `from-unit` give `from`, `unit`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [w.lower() for w in re.split(r"[^A-Za-z0-9]+", spaced) if len(w) > 2]


def spoken(name: str) -> frozenset[str]:
    """The words of an identifier with their other forms."""
    return frozenset(v for w in parts(name) for v in variants(w))


def speaks_of(question: Question, name: str) -> bool:
    """Whether the question holds a word of this identifier."""
    return bool(spoken(name) & question.vocabulary)


def is_formula(parameter: str) -> bool:
    """Whether a text parameter of this name takes arithmetic."""
    return not _FORMULA.isdisjoint(parts(parameter))


def measured_by(words: Iterable[str], name: str) -> bool:
    """Whether these words, in small letters, ask for something called `name`: by its words, or by what they measure."""
    said, own = {v for w in words for v in variants(w)}, spoken(name)
    return bool(said & own) or any(
        own & set(measured.split()) and said & set(asking.split()) for asking, measured in _MEASURES.items()
    )


def about_tool(tool: Tool, every: Iterable[Tool]) -> frozenset[str]:
    """Words that tell what tools do, so that, in small letters, they are not what this tool is asked about.

    The names of all tools, and this one's parameters and first sentence without its examples.
    """
    words = {v for t in every for v in spoken(t.name)}
    words |= {v for p in tool.params for v in spoken(p)}
    return frozenset(words | description_words(tool) | _MEASURING) - FUNCTION_WORDS


def description_words(tool: Tool) -> frozenset[str]:
    """The words, in small letters, of the first sentence of a tool's description, without its examples."""
    first = _EXAMPLES.sub(" ", re.split(r"[.:;\n]", tool.description[:400], maxsplit=1)[0])
    words = frozenset(v for w in re.findall(r"[a-z]{3,}", first) for v in variants(w))
    return words - FUNCTION_WORDS - _NUMERALS


@dataclass(frozen=True, slots=True)
class Governed:
    """A run of words after `<tool> of`: `France` in "the capital of France" is for the tool `capital`."""

    words: tuple[int, ...]
    """Where it stands in the question; empty for `its <tool>`."""
    owners: frozenset[str]
    """The tools it is for."""
    noun: int
    """Where the first owner is spoken of."""


def governed(question: Question, tools: Sequence[Tool]) -> list[Governed]:
    """Every run after `<tool> of`, and every `its <tool>`, where tools are spoken of by name.

    A tool of one argument is spoken of by a word of its name, or by a field of the record it gives, where no tool is
    called like the field: `the density of gold` is for `element`. `population and capital of Peru` is for both.
    """
    words = question.words
    nouns = _nouns(tools)
    out: list[Governed] = []
    for i, w in enumerate(words):
        if w.lower in _POSSESSIVES and i + 1 < len(words) and (owners := _named(words[i + 1], nouns)):
            out.append(Governed((), owners, i + 1))
        if w.lower != "of":
            continue
        owners, noun = frozenset(), i - 1
        while noun >= 0:
            here = _named(words[noun], nouns)
            if not here and (words[noun].lower not in ("and", "the", "or") or not owners):
                break
            owners |= here
            noun -= 1
        start = i + 1
        while start < len(words) and words[start].lower in ("the", "a", "an"):
            start += 1
        # `the population of the capital of ...`: what follows is another tool, not the thing asked about.
        nested = start + 1 < len(words) and words[start + 1].lower == "of" and _named(words[start], nouns)
        if owners and not nested and (run := _run_at(words, start)):
            out.append(Governed(run, owners, noun + 1))
    return out


def _run_at(words: Sequence[Word], start: int) -> tuple[int, ...]:
    run = []
    for k in range(start, min(start + 6, len(words))):
        if words[k].functional:
            break
        run.append(k)
        if words[k].join is None:
            break
    return tuple(run)


def _nouns(tools: Sequence[Tool]) -> dict[str, frozenset[str]]:
    """Which tools each word speaks of."""
    single = [
        t
        for t in tools
        if sum(p.required for p in t.params.values()) == 1 and not any(map(is_formula, t.params))
    ]
    out: dict[str, frozenset[str]] = {}
    for tool in single:
        for word in spoken(tool.name):
            out[word] = out.get(word, frozenset()) | {tool.name}
    named = set(out) | {w for t in tools for w in spoken(t.name)}
    for tool in single:
        for key in (tool.returns or {}).get("properties", {}):
            for word in spoken(str(key)) - named - _GENERIC:
                out[word] = out.get(word, frozenset()) | {tool.name}
    return out


def _named(word: Word, nouns: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*(nouns.get(v, frozenset()) for v in variants(word.lower)))


def points_back(question: Question) -> bool:
    """Whether a pronoun may stand for something said before: `its`, `there`."""
    return any(w.lower in _PRONOUNS for w in question.words)


def spoken_in(words: Sequence[Word], tool: Tool) -> bool:
    """Whether these words of a question speak of the tool: by name, measure or description."""
    if measured_by((w.lower for w in words), tool.name):
        return True
    plain = {v for w in words if not w.functional for v in variants(w.lower)}
    return bool(plain & description_words(tool))


def clause_before(question: Question, position: int) -> tuple[Word, ...]:
    """The words before `position` back to where their question begins: `and what is`, or the sentence."""
    words = question.words
    start = position
    while start > 0:
        if words[start].first or (words[start - 1].lower == "and" and words[start].lower in _ASKING):
            break
        start -= 1
    return words[start:position]
