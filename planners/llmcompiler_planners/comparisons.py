"""Typed results compared in code, as the question asks: larger, smaller, the same, in order, total, average, ratio.

Facts are taken out of results in `facts`; values that were copied out of texts are compared in `verdicts`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmcompiler.outcomes import Succeeded
from llmcompiler.protocols import Observation

from .facts import Fact, asked_for, facts_of, in_order_of_question, is_formula_call, show
from .table import observation_table, sink_values
from .words import Question, word_set

MORE = word_set(
    "more most larger largest bigger biggest greater greatest higher highest heavier heaviest denser densest longer "
    "longest taller tallest farther farthest further furthest older oldest exceed exceeds outnumber outnumbers "
    "warmer warmest hotter hottest richest richer"
)
LESS = word_set(
    "fewer fewest less least smaller smallest lower lowest lighter lightest shorter shortest closer closest nearer "
    "nearest younger youngest cheaper cheapest colder coldest tiniest"
)
POLAR = frozenset(["is", "are", "was", "were", "do", "does", "did", "has", "have", "can"])
SAME = frozenset(["same", "equal", "identical", "equally"])
_ORDER = frozenset(["rank", "order", "sort", "ranking", "ranked", "ordered", "sorted"])
FREE_TEXT = 60
"""Characters from which a text tells something, rather than names one thing."""
CHOICE = frozenset(
    ["which", "who", "whose", "or", "than", "compare", "compared", "versus", "vs", "between", "against"]
)
_TOTAL = frozenset(["total", "together", "sum", "altogether", "combined"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer: its text, and the values it may stand for, the likeliest first."""

    text: str
    values: tuple[Any, ...] = ()


def judge(
    question: Question, observations: Sequence[Observation], said: Collection[int] = frozenset()
) -> Verdict:
    """The answer that the results give to the question; nothing of those in `said`, by id, which is told elsewhere."""
    values = {o.task.id: o.outcome.value for o in observations if isinstance(o.outcome, Succeeded)}
    used = {d for o in observations for d in o.task.depends_on}
    made = [
        o
        for o in observations
        if isinstance(o.outcome, Succeeded) and o.task.id not in used and o.task.id not in said
    ]
    groups: dict[tuple[str, str], list[Fact]] = {}
    lone: list[tuple[Observation, list[Fact]]] = []
    for o in made:
        facts = facts_of(o, values, question)
        if is_formula_call(o.task) or not facts:
            lone.append((o, facts))
            continue
        for fact in facts:
            groups.setdefault((o.task.tool, fact.measure + fact.unit), []).append(fact)
    compared = _main_group(question, groups)
    # The comparison is what was asked: it stands first.
    keys = sorted(groups, key=lambda k: k != compared)
    verdicts = [_compared(question, groups[k]) if k == compared else _told(groups[k]) for k in keys]
    verdicts += [_formula(o, facts) for o, facts in lone]
    failed = [o for o in observations if not isinstance(o.outcome, Succeeded)]
    text = "\n".join(v.text for v in verdicts if v.text)
    if failed:
        text = "\n".join(t for t in (text, observation_table(failed)) if t)
    return Verdict(text, tuple(v for verdict in verdicts for v in verdict.values))


def _main_group(question: Question, groups: dict[tuple[str, str], list[Fact]]) -> tuple[str, str] | None:
    """The facts that the question compares: of those with two or more, the ones it asks for by name, else the first."""
    several = [k for k, facts in groups.items() if len(facts) > 1]
    asked = [k for k in several if asked_for(question, groups[k][0].measure)]
    return next(iter(asked or several), None)


def _told(facts: Sequence[Fact]) -> Verdict:
    lines = []
    for f in facts:
        if f.unit and f.label and f.label[0].isdigit():
            lines.append(f"{f.label} = {f.shown}")
        else:
            link = " " if f.label.startswith("from ") else " of "
            head = f.measure[:1].upper() + f.measure[1:]
            lines.append(f"{head}{link + f.label if f.label else ''}: {f.shown}")
    return Verdict("\n".join(lines), tuple(f.value for f in facts))


def _formula(observation: Observation, facts: Sequence[Fact]) -> Verdict:
    if not facts:
        return Verdict(observation_table([observation]), tuple(sink_values([observation]).values()))
    return Verdict(f"{facts[0].label} = {facts[0].shown}", (facts[0].value,))


# -- comparisons ---------------------------------------------------------------


def _compared(question: Question, facts: Sequence[Fact]) -> Verdict:
    facts = [facts[i] for i in in_order_of_question([f.label for f in facts], question)]
    said = {w.lower for w in question.words}
    # "Does A or B have more?" begins like one, and is no question of yes or no.
    polar = bool(question.words) and question.words[0].lower in POLAR and "or" not in said
    if said & SAME and (polar or "same" in said):
        # Two articles are never the same text, and may well tell of the same nationality.
        free = any(isinstance(f.value, str) and len(f.value) > FREE_TEXT for f in facts)
        return _told(facts) if free else _same(facts)
    numbers = [f.number for f in facts if f.number is not None]
    if len(numbers) < len(facts):
        return _told(facts)
    for applies, verdict in _ARITHMETIC:
        if applies(said, question.text.lower()):
            return verdict(facts, numbers)
    ranked = sorted(range(len(facts)), key=lambda i: -numbers[i])
    if said & _ORDER:
        # "from least to most" names the small end first.
        if _first_of(question, LESS) < _first_of(question, MORE):
            ranked.reverse()
        order = "; ".join(f"{n}. {_with_value(facts[i])}" for n, i in enumerate(ranked, 1))
        return Verdict(f"By {facts[0].measure}: {order}.", ([facts[i].label for i in ranked],))
    if not said & (LESS | MORE | CHOICE):
        return _told(facts)
    less = _first_of(question, LESS) < _first_of(question, MORE)
    more = not less and bool(said & MORE)
    if polar and len(facts) == 2 and (less or more):
        holds = numbers[0] < numbers[1] if less else numbers[0] > numbers[1]
        return Verdict(f"{'Yes' if holds else 'No'}: {_sentence(facts, ranked, numbers)}", (holds,))
    if less:
        ranked.reverse()
    text = _sentence(facts, ranked, numbers, smallest=less)
    equal = numbers[ranked[0]] == numbers[ranked[1]]
    first = facts[ranked[0]]
    return Verdict(text, () if equal else (first.label, first.value))


def _first_of(question: Question, words: frozenset[str]) -> int:
    return next((i for i, w in enumerate(question.words) if w.lower in words), len(question.words))


def _with_value(fact: Fact) -> str:
    return f"{fact.label} ({fact.shown})"


def _sentence(
    facts: Sequence[Fact], ranked: Sequence[int], numbers: Sequence[float], *, smallest: bool = False
) -> str:
    first, second = ranked[:2]
    measure = facts[first].measure
    # A way is named `from A to B`, which a sentence begins with a capital.
    if facts[first].label.startswith("from "):
        facts = [
            replace(f, label=f"From{f.label[4:]}" if i == first else f.label) for i, f in enumerate(facts)
        ]
    if all(n == numbers[first] for n in numbers):
        names = " and ".join(f.label for f in facts)
        return f"{names} are equal by {measure} ({facts[first].shown})."
    if numbers[first] == numbers[second]:
        tied = [facts[i].label for i in ranked if numbers[i] == numbers[first]]
        rest = ", ".join(_with_value(facts[i]) for i in ranked[len(tied) :])
        word = "smallest" if smallest else "largest"
        return f"{' and '.join(tied)} ({facts[first].shown} each) are the {word} by {measure}; then {rest}."
    if len(facts) == 2:
        word = "smaller" if smallest else "larger"
        return f"{_with_value(facts[first])} is {word} than {_with_value(facts[second])} by {measure}."
    rest = ", ".join(_with_value(facts[i]) for i in ranked[1:])
    return f"{_with_value(facts[first])} is the {'smallest' if smallest else 'largest'} by {measure}; then {rest}."


def _same(facts: Sequence[Fact]) -> Verdict:
    same = len({_key(f.value) for f in facts}) == 1
    shown = ", ".join(_with_value(f) for f in facts)
    word = "the same" if same else "not the same"
    return Verdict(f"{'Yes' if same else 'No'}: {facts[0].measure} is {word}: {shown}.", (same,))


def _key(value: Any) -> str:
    return " ".join(show(value).casefold().split())


def _total(facts: Sequence[Fact], numbers: Sequence[float]) -> Verdict:
    total = _plain(sum(numbers))
    sums = " + ".join(_with_value(f) for f in facts)
    return Verdict(f"Total {facts[0].measure}: {show(total)}{_unit(facts)}, from {sums}.", (total,))


def _average(facts: Sequence[Fact], numbers: Sequence[float]) -> Verdict:
    mean = _plain(sum(numbers) / len(numbers))
    shown = ", ".join(_with_value(f) for f in facts)
    return Verdict(f"Average {facts[0].measure}: {show(mean)}{_unit(facts)}, of {shown}.", (mean,))


def _difference(facts: Sequence[Fact], numbers: Sequence[float]) -> Verdict:
    high, low = (0, 1) if numbers[0] >= numbers[1] else (1, 0)
    gap = _plain(numbers[high] - numbers[low])
    return Verdict(
        f"Difference in {facts[0].measure}: {show(gap)}{_unit(facts)}; "
        f"{_with_value(facts[high])} against {_with_value(facts[low])}.",
        (gap,),
    )


def _ratio(facts: Sequence[Fact], numbers: Sequence[float]) -> Verdict:
    if numbers[1] == 0:
        return _told(facts)
    ratio = _plain(numbers[0] / numbers[1])
    return Verdict(
        f"Ratio of {facts[0].measure}: {show(ratio)}; {_with_value(facts[0])} to {_with_value(facts[1])}.",
        (ratio,),
    )


def _unit(facts: Sequence[Fact]) -> str:
    return f" {facts[0].unit}" if facts[0].unit else ""


def _plain(number: float) -> int | float:
    return int(number) if float(number).is_integer() and abs(number) < 1e15 else number


_Verdict = Callable[[Sequence[Fact], Sequence[float]], Verdict]
_ARITHMETIC: tuple[tuple[Callable[[set[str], str], bool], _Verdict], ...] = (
    (lambda said, text: bool(said & {"average", "mean"}), _average),
    (lambda said, text: bool(said & _TOTAL), _total),
    (
        lambda said, text: (
            "difference" in said
            or "how many more" in text
            or "how much more" in text
            or "how many fewer" in text
            or "how much larger" in text
            or "how much bigger" in text
            or "how much less" in text
        ),
        _difference,
    ),
    (lambda said, text: "ratio" in said or "how many times" in text, _ratio),
)


__all__ = ["FREE_TEXT", "LESS", "MORE", "POLAR", "SAME", "Verdict", "judge"]
