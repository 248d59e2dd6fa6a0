"""Which candidates are holes: only those of which it is sure that the rest of the plan does not depend on them.

A planner knows more than the question says: the capital of a country, the years between two, a rate for a percentage. A
constant of the plan that could come from such knowledge makes what it may come from a constant, too. A template that is
too narrow costs a call of the model; one that is too wide gives a wrong plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..plan import Plan
from .atoms import Atom
from .constants import DIGITS, WORD, Constant, choices_of, constants_of, names_inside, parameter_of
from .doubts import has_rival, is_doubtful, without_ranges
from .finding import Candidate
from .places import Leaf, Use

if TYPE_CHECKING:
    from ..tools import Tool

_SHORT = 3
"""Letters of a constant that may be a code of what a question names: `no` for Norway."""
_FACTORS = frozenset({7.0, 12.0, 24.0, 60.0, 365.0, 1000.0, 3600.0})
"""Whole numbers that are the same for every question, where something is multiplied with them."""
_UNITS = frozenset(
    {1.8, 2.54, 0.3048, 3.28084, 1.609, 1.60934, 1.609344, 0.621371, 0.45359237, 0.453592, 2.20462}
)
_KNOWN = _UNITS | {
    0.5,
    1.5,
    273.15,
    3.14159,
    3.1415926535,
    3.141592653589793,
    1024.0,
    3600.0,
    86400.0,
    1e6,
    1e9,
}
"""Large numbers and fractions that are the same for every question."""


def weigh(
    found: Sequence[Atom], plan: Plan, candidates: Sequence[Candidate], tools: Mapping[str, Tool] | None
) -> list[Candidate]:
    """Those of the candidates that are surely holes.

    Args:
        found: The atoms of the question.
        plan: Its plan.
        candidates: Its values that stand in the plan.
        tools: What is known of the tools; None where nothing is.
    """
    alive = [c for c in candidates if not is_doubtful(c, plan, tools)]
    if tools is not None:
        said = _said(found, alive)[0]
        alive = [c for c in alive if c.is_number or not has_rival(c, plan, tools, said)]
    hidden = names_inside(plan)
    alive = without_ranges(alive, found)
    while alive:
        constants = list(constants_of(plan, alive))
        fixed = _said(found, alive)
        bad = {id(c) for c in alive if _stays_behind(c, constants, hidden)}
        if any(_is_knowledge(c, fixed, plan, tools) for c in constants):
            bad.update(id(c) for c in alive if not c.is_number)
        if not _explains_numbers(constants, fixed, [c for c in alive if c.is_number], plan):
            bad.update(id(c) for c in alive if c.is_number)
        if not bad:
            break
        alive = [c for c in alive if id(c) not in bad]
    return alive


def _said(found: Sequence[Atom], alive: Sequence[Candidate]) -> tuple[set[str], set[float]]:
    """Words, in small letters, and numbers that stand in the question outside holes."""
    holes = {i for c in alive for i in c.places}
    texts = [a.text for i, a in enumerate(found) if i not in holes]
    words = {w.casefold() for text in texts for w in WORD.findall(text)}
    plain = [text.replace(",", "") for text in texts]
    return words, {float(n) for text in plain for n in DIGITS.findall(text) if len(n) < 300}


def _stays_behind(candidate: Candidate, constants: Sequence[Constant], hidden: Sequence[str]) -> bool:
    """Whether a constant speaks of it in another form: `norwegian` where Norway is the hole."""
    if candidate.is_number:
        value = float(candidate.value)
        behind = any(value == abs(n) for c in constants for n, _, _ in c.numbers)
        return behind or any(
            float(n) == value for text in hidden for n in DIGITS.findall(text) if len(n) < 300
        )
    own = [w.casefold() for w in WORD.findall(str(candidate.value))]
    joined = "".join(own)
    for text in [c.text for c in constants if c.text] + list(hidden):
        words = [w.casefold() for w in WORD.findall(text)]
        if len(joined) >= _SHORT and joined in "".join(words):
            return True
        if any(_alike(a, b) for a in own for b in words):
            return True
    return False


def _alike(a: str, b: str) -> bool:
    return (a == b and len(a) > 1) or (min(len(a), len(b)) > _SHORT and a[: _SHORT + 1] == b[: _SHORT + 1])


def _is_knowledge(
    constant: Constant, fixed: tuple[set[str], set[float]], plan: Plan, tools: Mapping[str, Tool] | None
) -> bool:
    """Whether a constant could be something that the planner knows of what the question names."""
    words, numbers = fixed
    if constant.whole and _is_declared(constant.leaf, plan, tools):
        return False
    for number, _, _ in constant.numbers:
        if number in numbers or number in _KNOWN:
            continue
        if number > 1000 or not number.is_integer():
            return True
    new = [w for w in WORD.findall(constant.text) if w.casefold() not in words and not w.isdigit()]
    if constant.formula:
        return False
    if any(not w.islower() for w in new):
        return True
    return constant.whole and len(new) > 0 and len(constant.text.strip()) <= _SHORT


def _is_declared(leaf: Leaf, plan: Plan, tools: Mapping[str, Tool] | None) -> bool:
    """Whether the tool itself names the value: it is one of few, or the default."""
    parameter = parameter_of(Use(leaf.task, leaf.path), plan, tools)
    if parameter is None:
        return False
    return parameter.default == leaf.value or leaf.value in choices_of(parameter.schema)


def _explains_numbers(
    constants: Sequence[Constant], fixed: tuple[set[str], set[float]], holes: Sequence[Candidate], plan: Plan
) -> bool:
    """Whether no number that stays can depend on one of the holes."""
    values = [float(c.value) for c in holes]
    if not values:
        return True
    fields = {(plan[u.task].tool, u.parameter) for c in holes for u in c.uses if u.parameter is not None}
    for constant in constants:
        for number, before, behind in constant.numbers:
            if number in fixed[1] and not min(values) < number < max(values):
                continue
            if constant.formula:
                if number == len(values) and before[-1:] == "/":
                    continue  # the mean of so many numbers
                percent = "100" in constant.leaf.value and number in (1.0, 100.0)
                if percent or (number == 100 and (before[-1:] in ("/", "*") or behind in ("/", "*"))):
                    continue
                if not _is_factor(number, before, behind):
                    return False
            elif constant.whole and not constant.text:
                use = Use(constant.leaf.task, constant.leaf.path)
                if (plan[use.task].tool, use.parameter) in fields:
                    return False
            if min(values) < number < max(values) or _follows(number, values):
                return False
    return True


def _is_factor(number: float, before: str, behind: str) -> bool:
    """Whether a number in a formula is there whatever the others are."""
    if not number.is_integer():
        return True
    if before[-1:] == "^" or before == "**":
        return number in (2.0, 3.0)
    scaled = before[-1:] in ("*", "/") or behind in ("*", "/")
    return (number == 2 and before[-1:] == "/") or (scaled and number in _FACTORS)


def _follows(number: float, values: Sequence[float]) -> bool:
    """Whether a number could have been worked out of others."""
    results: set[float] = set()
    for i, a in enumerate(values):
        results |= {a / 100, 1 + a / 100, 1 - a / 100, a + 1, a - 1, -a, 2 * a, a / 2, a * a}
        for b in values[:i]:
            results |= {a - b, b - a, a + b, a * b, a - b + 1, b - a + 1, (a + b) / 2}
            results |= {x / y for x, y in ((a, b), (b, a)) if y}
    return any(abs(number - r) <= 1e-9 * max(1.0, abs(r)) for r in results)
