"""Scorers: how right an answer is. The ready-made ones, and what a scorer of one's own may give.

A scorer is `(answer, example) -> bool | number | Score`, sync or async; the answer is the run's output as JSON has it.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from .._jsonable import to_text
from ..errors import ConfigurationError, LLMCompilerError
from ..models.base import Usage
from .dataset import Dataset, Example
from .formats import DatasetError
from .matching import LONGEST, alike, as_number, close, is_number, numbers_in, plain

ScorerName = Literal["auto", "exact", "numeric", "contains"]
SCORERS: tuple[ScorerName, ...] = ("auto", "exact", "numeric", "contains")
HALF = 0.5
"""The mark from which an answer counts as right."""


CONTAINED = "the right answer stands in it"
"""Note on a text that is not the right one, but holds it."""


@dataclass(frozen=True, slots=True)
class Score:
    """How right one answer is."""

    value: float
    """From 0 (wrong) to 1 (right); right from 0.5 on."""
    note: str = ""
    """Why, for people."""
    usage: Usage = field(default_factory=Usage)
    """What models the scorer used."""

    def __post_init__(self) -> None:
        number = isinstance(self.value, (bool, int, float))
        if not number or not 0 <= self.value <= 1:
            raise ValueError(f"Score({self.value!r}): give a number from 0 (wrong) to 1 (right)")

    @property
    def right(self) -> bool:
        """Whether the answer counts as right."""
        return self.value >= HALF


Scorer = Callable[[Any, Example], "bool | float | Score | Awaitable[bool | float | Score]"]


class ScorerFailed(LLMCompilerError):
    """A scorer raised, or gave something that is no score. The answer is kept; `.usage` is what it used before."""

    def __init__(self, message: str, usage: Usage | None = None) -> None:
        self.usage = usage or Usage()
        super().__init__(message)


async def apply(scorer: Scorer, answer: Any, example: Example) -> Score:
    """The score of an answer.

    Raises:
        ScorerFailed: The scorer raised, or gave something else than a score.
    """
    try:
        found = scorer(answer, example)
        if inspect.isawaitable(found):
            found = await found
    except ScorerFailed:
        raise
    except Exception as e:  # a scorer of the user's may raise anything
        text = str(e).strip()
        raise ScorerFailed(f"{type(e).__name__}: {text}" if text else type(e).__name__) from e
    if isinstance(found, Score):
        return found
    if isinstance(found, (bool, int, float)) and 0 <= found <= 1:
        return Score(float(found))
    shown = f"{found!r}"[:80]
    raise ScorerFailed(f"the scorer gave {shown}; give True or False, a number from 0 to 1, or a Score")


@dataclass(frozen=True, slots=True)
class Matching:
    """A ready-made scorer.

    - `exact`: the answer is one of the right ones, apart from capitals, articles, punctuation and spacing.
    - `numeric`: the number that the answer is, or the last one in its text, is within the tolerance of a right one, or
      within the range.
    - `contains`: a right answer stands in the answer, as whole words; a number, within the tolerance.
    - `auto`: `numeric` where the right answer is a number or a range, or where the answer is a number and one stands in
      the right one (`5,895 m`); else `exact`.

    Args:
        kind: Which of these.
        rel: Tolerance of numbers, as a part of the right one.
        abs: Tolerance of numbers as such; the larger of the two counts.
    """

    kind: ScorerName = "auto"
    rel: float = 0.01
    abs: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in SCORERS:
            raise ConfigurationError(
                f"scorer {self.kind!r}: it is one of {', '.join(SCORERS)}, or a function"
            )
        for name, value in (("rel", self.rel), ("abs", self.abs)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise ConfigurationError(f"{name}={value!r}: a tolerance is a number, 0 or more")

    @property
    def description(self) -> str:
        """What it does, for the record."""
        return f"{self.kind}, numbers ± {self.rel:g} or {self.abs:g}"

    def check(self, dataset: Dataset) -> None:
        """Make sure that every question can be scored.

        Raises:
            DatasetError: A right answer is not of the kind that is compared.
        """
        check_references(dataset)
        for e in dataset:
            if self.kind == "numeric":
                for a in e.answers:
                    if as_number(a) is None:
                        raise DatasetError(
                            dataset.source,
                            f"{_where(e)}: the answer {to_text(a)[:60]!r} is not a number; use the scorer auto",
                            line=e.line,
                        )
            elif self.kind == "contains" and e.range is not None:
                raise DatasetError(
                    dataset.source, f"{_where(e)} has a range; use the scorer auto", line=e.line
                )

    def __call__(self, answer: Any, example: Example) -> Score:
        """How right the answer is: 0 or 1."""
        if example.range is not None:
            number = as_number(answer)
            low, high = example.range
            return Score(float(number is not None and low <= number <= high), _took(answer, number))
        return max((self._one(answer, wanted) for wanted in example.answers), key=lambda s: s.value)

    def _holds(self, answer: Any, wanted: Any) -> bool:
        goal = as_number(wanted) if _numeric(wanted, answer) else None
        if goal is None:
            return _stands_in(wanted, answer)
        numbers = numbers_in(answer) if isinstance(answer, str) else [as_number(answer)]
        return any(n is not None and close(n, goal, self.rel, self.abs) for n in numbers)

    def _one(self, answer: Any, wanted: Any) -> Score:
        if self.kind == "contains":
            return Score(float(self._holds(answer, wanted)))
        if self.kind == "numeric" or (self.kind == "auto" and _numeric(wanted, answer)):
            number, goal = as_number(answer), as_number(wanted)
            right = number is not None and goal is not None and close(number, goal, self.rel, self.abs)
            return Score(float(right), _took(answer, number))
        if isinstance(wanted, (list, dict)) and isinstance(answer, str):
            answer = _from_json(answer)
        if alike(answer, wanted, self.rel, self.abs):
            return Score(1.0)
        near = isinstance(wanted, str) and isinstance(answer, str) and _stands_in(wanted, answer)
        return Score(0.0, CONTAINED if near else "")


def _stands_in(wanted: Any, answer: Any) -> bool:
    return f" {plain(to_text(wanted))} " in f" {plain(to_text(answer))} "


def _numeric(wanted: Any, answer: Any) -> bool:
    if isinstance(wanted, str):
        # `5,895 m` is about a number where the answer is one; `3 Doors Down`, where it is a text, is not.
        one = isinstance(answer, (int, float)) and not isinstance(answer, bool)
        return is_number(wanted) or (one and len(numbers_in(wanted)) == 1)
    return isinstance(wanted, (int, float)) and not isinstance(wanted, bool)


def _took(answer: Any, number: float | None) -> str:
    if isinstance(answer, str):
        return "no number in the answer" if number is None else f"took {number:g}"
    return ""


def _from_json(text: str) -> Any:
    try:
        return json.loads(text[:LONGEST])
    except (ValueError, RecursionError):
        return text


def check_references(dataset: Dataset) -> None:
    """Make sure that every question has something to compare with: an answer, or a plan or calls.

    Raises:
        DatasetError: One has nothing.
    """
    for e in dataset:
        if not (e.has_answer or e.plans or e.calls):
            problem = f"{_where(e)} has no `answer`, `answers` or `range`, and no `plan` or `calls`"
            raise DatasetError(dataset.source, problem, line=e.line)


def by_plan(plan_right: bool | None, calls_right: float | None) -> Score:
    """The score of a question that has no answer to compare with: right where plan and calls are as expected."""
    wrong = [] if plan_right is not False else ["the plan is not an expected one"]
    wrong += [] if calls_right in (None, 1.0) else ["an expected call was not made"]
    return Score(float(not wrong), "; ".join(wrong))


def _where(example: Example) -> str:
    return f"question {example.id!r}"


def describe(scorer: Scorer) -> str:
    """What a scorer is, for the record: what it says itself, or its name."""
    own = getattr(scorer, "description", None)
    if isinstance(own, str):
        return own
    name = getattr(scorer, "__qualname__", type(scorer).__qualname__)
    return f"{getattr(scorer, '__module__', '?')}:{name}"


def make_scorer(scorer: Scorer | ScorerName | str) -> Scorer:
    """The scorer that a name means; a function is itself.

    Raises:
        ConfigurationError: It means none.
    """
    if isinstance(scorer, str):
        return Matching(scorer)  # type: ignore[arg-type]
    if not callable(scorer):
        raise ConfigurationError(f"scorer={scorer!r}: give one of {', '.join(SCORERS)}, or a function")
    return scorer
