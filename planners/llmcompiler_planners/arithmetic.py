"""What a question says about numbers: operations, quantities with their units, and the units something is wanted in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .words import NUMBER, NUMBER_WORDS, Question, number_literal

_OPERATORS = {
    " + ": "plus sum total totals together add added adding altogether combined increase increased average mean grow "
    "grows grew rise rises rose",
    " - ": "minus difference subtract subtracted less fewer away remain remains decrease decreased reduced fall falls "
    "fell drop drops shrink shrinks shrank apart",
    " * ": "times multiplied multiply product double doubled doubles twice triple tripled thrice percent",
    " / ": "divided divide ratio per half halve halved third thirds quarter quarters average mean share split fraction "
    "proportion density fifth",
    " ** ": "squared cubed power powers raised exponent",
}
_WORD_OPERATORS = {word: op for op, words in _OPERATORS.items() for word in words.split()}
OPERATION_WORDS = frozenset(_WORD_OPERATORS)
"""Words that speak of an operation, in small letters."""
_AGGREGATES = frozenset(
    [
        "sum",
        "total",
        "totals",
        "together",
        "altogether",
        "combined",
        "average",
        "mean",
        "difference",
        "ratio",
        "share",
    ]
)
# Words a joiner can answer too, or that mean something else as often.
_LOOSE = _AGGREGATES | {
    "less",
    "fewer",
    "away",
    "apart",
    "per",
    "density",
    "fraction",
    "proportion",
    "product",
    "fall",
}
FUNCTIONS = {
    "sqrt": ("sqrt", "root", "roots"),
    "abs": ("abs", "absolute"),
    "round": ("round", "rounded"),
    "log": ("log", "logarithm", "ln"),
    "sin": ("sin", "sine"),
    "cos": ("cos", "cosine"),
}
"""Functions a formula may have, with the words of a question that speak of them."""
_LEADS = {
    " / ": frozenset(["half", "halve", "halved", "third", "thirds", "quarter", "quarters", "fifth"]),
    " * ": frozenset(["double", "doubled", "doubles", "twice", "triple", "tripled", "thrice"]),
}
_SYMBOLS = {"+": " + ", "−": " - ", "*": " * ", "×": " * ", "/": " / ", "÷": " / ", "%": " * ", "^": " ** "}
_SIGNED = re.compile(r"\d\s*(?:%|[-+*/^×÷]\s*\d)")
_PERCENT = re.compile(r"\s*(?:%|percent\b|per cent\b)")
_UNIT = re.compile(
    r"(?:kilo|centi|milli|mega|micro)?(?:met(?:re|er)|gram|lit(?:re|er)|watt|joule|byte)s?|(?:nautical[_ ])?miles?"
    r"|feet|foot|inch(?:es)?|yards?|pounds?|ounces?|tons?|seconds?|minutes?|hours?|days?|weeks?|celsius|fahrenheit"
    r"|kelvin|km|kg|cm|mm"
)


@dataclass(frozen=True, slots=True)
class Atom:
    """What a formula is made of: a number or a result."""

    text: str
    lead: str | None = None
    """The operator that has to stand before it: ` / ` for "half"."""


def number_atoms(question: Question) -> list[Atom]:
    """The numbers of the question as a formula has them, as often as they stand there: `15%` is `15 / 100`."""
    found: list[Atom] = []
    by = _operation_by(question)
    for m in NUMBER.finditer(question.text):
        literal = number_literal(m, question.text)
        percent = _PERCENT.match(question.text, m.end()) is not None
        before = re.search(
            r"\b(by|minus|plus|times)\s+\Z", question.text[max(0, m.start() - 12) : m.start()].lower()
        )
        lead = {"by": by, "minus": " - ", "plus": " + ", "times": " * "}[before.group(1)] if before else None
        found.append(Atom(f"{literal} / 100", None) if percent else Atom(literal, lead))
    said = [w.lower for w in question.words if w.lower in NUMBER_WORDS and w.lower != "percent"]
    found += [Atom(NUMBER_WORDS[w], next((op for op, ws in _LEADS.items() if w in ws), None)) for w in said]
    return found[:24]


def _operation_by(question: Question) -> str | None:
    """What `by 3` asks for: a division or a multiplication, where only one of them is spoken of."""
    said = {w.lower for w in question.words}
    divides, multiplies = bool(said & {"divide", "divided", "split"}), bool(said & {"multiply", "multiplied"})
    return None if divides == multiplies else " / " if divides else " * "


_WRITTEN = re.compile(r"[\d(][\d\s.()+*/^×÷-]*[\d)]")


def written_formula(question: Question) -> str | None:
    """The arithmetic with brackets that stands in the question as such: `12 * (3 + 4)`."""
    for m in _WRITTEN.finditer(question.text):
        text = " ".join(m.group().replace("×", "*").replace("÷", "/").replace("^", "**").split())
        if "(" in text and re.search(r"\d\s*[-+*/]", text) and text.count("(") == text.count(")"):
            return text
    return None


def operators(question: Question) -> tuple[str, ...]:
    """The arithmetic operators that the question's words or signs call for; empty where none do."""
    found = {_WORD_OPERATORS[w.lower] for w in question.words if w.lower in _WORD_OPERATORS}
    found |= {op for sign, op in _SYMBOLS.items() if sign in question.text}
    if re.search(r"\d\s*-\s*\d", question.text):
        found.add(" - ")
    if "how many times" in question.text.lower():
        found = (found - {" * "}) | {" / "}
    if found & {" + "} and any(w.lower in ("average", "mean") for w in question.words):
        found.add(" / ")
    return tuple(op for op in _OPERATORS if op in found)


def wants_formula(question: Question) -> bool:
    """Whether an operation on a given number is asked for in so many words: `divided by 3`, `15%`, `half`, `12 * 7`."""
    said = {w.lower for w in question.words}
    return bool(said & (OPERATION_WORDS - _LOOSE)) or _SIGNED.search(question.text) is not None


def wants_operation(question: Question) -> bool:
    """Whether the question speaks of any operation or function at all, or asks to calculate."""
    said = question.vocabulary
    asked = {"calculate", "compute", "evaluate", "calculation", "formula"}
    functions = {word for words in FUNCTIONS.values() for word in words}
    return bool(operators(question)) or bool(said & (functions | asked))


def is_unit(name: str) -> bool:
    """Whether a word or a field of this name is a unit of measure: `kilometres`, `minutes`."""
    return _UNIT.fullmatch(name.lower()) is not None


def targets(question: Question) -> list[int]:
    """Where units stand that something is wanted in: small words after `to`, `into`, `in` or `how many`."""
    out = []
    lower = [w.lower for w in question.words]
    for i, w in enumerate(question.words):
        wanted = i > 0 and (
            lower[i - 1] in ("to", "into", "in") or lower[max(0, i - 2) : i] == ["how", "many"]
        )
        if wanted and w.text.islower() and w.begins and w.ends:
            out.append(i)
    return out


def quantities(question: Question) -> list[tuple[str, tuple[int, int]]]:
    """Numbers with the unit right after each: the number, and where its unit stands (start, words).

    A unit of two or three words is given in each length.
    """
    out: list[tuple[str, tuple[int, int]]] = []
    words = question.words
    for i, w in enumerate(words[:-1]):
        m = NUMBER.fullmatch(w.text)
        first = words[i + 1]
        if m is None or w.join is None or not first.begins:
            continue
        if not (first.text.islower() or first.text.startswith("°") or is_unit(first.text)):
            continue
        for count in (1, 2, 3):
            run = words[i + 1 : i + 1 + count]
            if len(run) < count or run[-1].functional:
                break
            out.append((number_literal(m, w.text), (i + 1, count)))
            if run[-1].join is None:
                break
    return out
