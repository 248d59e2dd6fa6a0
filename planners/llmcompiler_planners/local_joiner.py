"""The joiner for the embedded model: answers are made in code from the typed results, never by the model's own words.

A model this small answers comparisons at the level of chance. Here the question only says what is to be compared;
facts are taken out of the results in `facts`, compared as values, and said in a plain sentence with every number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from llmcompiler.errors import ModelReplyInvalid, ToolError
from llmcompiler.models.base import Model
from llmcompiler.outcomes import Succeeded
from llmcompiler.protocols import Answer, Decision, Observation

from .facts import Fact, asked_for, facts_of, in_order_of_question, is_formula_call, show
from .output import OutputType
from .table import observation_table, sink_values
from .words import Question, read_question, word_set

if TYPE_CHECKING:
    from llmcompiler.protocols import JoinContext

_MORE = word_set(
    "more most larger largest bigger biggest greater greatest higher highest heavier heaviest denser densest longer "
    "longest taller tallest farther farthest further furthest older oldest exceed exceeds outnumber outnumbers "
    "warmer warmest hotter hottest richest richer"
)
_LESS = word_set(
    "fewer fewest less least smaller smallest lower lowest lighter lightest shorter shortest closer closest nearer "
    "nearest younger youngest cheaper cheapest colder coldest tiniest"
)
_POLAR = frozenset(["is", "are", "was", "were", "do", "does", "did", "has", "have", "can"])
_SAME = frozenset(["same", "equal", "identical", "equally"])
_ORDER = frozenset(["rank", "order", "sort", "ranking", "ranked", "ordered", "sorted"])
_FREE_TEXT = 60
"""Characters from which a text tells something, rather than names one thing."""
_CHOICE = frozenset(
    ["which", "who", "whose", "or", "than", "compare", "compared", "versus", "vs", "between", "against"]
)
_TOTAL = frozenset(["total", "together", "sum", "altogether", "combined"])


class LocalJoiner:
    r"""Answers in code: no model writes a word of the answer, and no second round is asked for.

    - Two or more results of one kind are compared as the question asks: larger, smaller, the same, in order, total,
      average, difference, ratio. The sentence holds every value that was compared.
    - A single result is told with what it belongs to, and so are several that the question does not compare.
    - Anything else, and whatever failed, stands below as it came.

    Args:
        model: Not asked; taken so that joiners are made alike.

    ```python
    from llmcompiler import LLMCompiler
    from llmcompiler.testing import ScriptedPlanner
    from llmcompiler_planners import LocalJoiner


    def population(city: str) -> int:
        return {"Oslo": 709_000, "Rome": 2_873_000}[city]


    planner = ScriptedPlanner(['1. population("Oslo")\n2. population("Rome")\njoin()'])
    compiler = LLMCompiler([population], planner=planner, joiner=LocalJoiner())
    answer = compiler.run_sync("Which city is larger, Oslo or Rome?").output
    assert answer == "Rome (2,873,000) is larger than Oslo (709,000) by population."
    ```
    """

    def __init__(self, model: Model | None = None) -> None:
        self.model = model

    async def join(self, context: JoinContext) -> Decision:
        """Answer.

        Raises:
            ToolError: No call has a result, so there is nothing to answer with.
            ModelReplyInvalid: The answer can not be made into `output_type`.
        """
        if not any(isinstance(o.outcome, Succeeded) for o in context.observations):
            why = observation_table(context.observations) if context.observations else "no call was planned"
            raise ToolError(
                f"there is no result to answer with: {why}"
                + (f" ({context.reason})" if context.reason else "")
            )
        question = read_question(context.question)
        verdict = judge(question, context.observations)
        output = OutputType(context.output_type)
        if output.is_text:
            text = verdict.text or observation_table(context.observations)
            if context.reason:
                text += f"\n({context.reason})"
            context.delta(text)
            return Answer(text)
        return Answer(_typed(verdict, output, context.observations))


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer: its text, and the values it may stand for, the likeliest first."""

    text: str
    values: tuple[Any, ...] = ()


def judge(question: Question, observations: Sequence[Observation]) -> Verdict:
    """The answer that the results give to the question."""
    values = {o.task.id: o.outcome.value for o in observations if isinstance(o.outcome, Succeeded)}
    used = {d for o in observations for d in o.task.depends_on}
    made = [o for o in observations if isinstance(o.outcome, Succeeded) and o.task.id not in used]
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
    polar = bool(question.words) and question.words[0].lower in _POLAR and "or" not in said
    if said & _SAME and (polar or "same" in said):
        # Two articles are never the same text, and may well tell of the same nationality.
        free = any(isinstance(f.value, str) and len(f.value) > _FREE_TEXT for f in facts)
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
        if _first_of(question, _LESS) < _first_of(question, _MORE):
            ranked.reverse()
        order = "; ".join(f"{n}. {_with_value(facts[i])}" for n, i in enumerate(ranked, 1))
        return Verdict(f"By {facts[0].measure}: {order}.", ([facts[i].label for i in ranked],))
    if not said & (_LESS | _MORE | _CHOICE):
        return _told(facts)
    less = _first_of(question, _LESS) < _first_of(question, _MORE)
    more = not less and bool(said & _MORE)
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


def _typed(verdict: Verdict, output: OutputType, observations: Sequence[Observation]) -> Any:
    sinks = sink_values(observations)
    candidates = [*verdict.values, *([next(iter(sinks.values()))] if len(sinks) == 1 else []), sinks]
    for candidate in candidates:
        # A text is no number and a number no text: what the type would have to be talked into is not the answer.
        try:
            return output.adapter.validate_python(candidate, strict=True)
        except ValidationError:
            continue
    for candidate in candidates:
        if isinstance(candidate, (bool, str)):
            continue
        try:
            return output.adapter.validate_python(candidate, from_attributes=True)
        except ValidationError:
            continue
    raise ModelReplyInvalid(
        f"the embedded model can not make an answer of type {getattr(output.kind, '__name__', output.kind)!r} from "
        "these results; ask for text, end the plan with join($n), or use a larger model"
    )


__all__ = ["LocalJoiner"]
