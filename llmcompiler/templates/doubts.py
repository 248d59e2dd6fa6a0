"""Doubts about a candidate for a hole: it may stand in the plan for another reason than that the question names it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..parameters import MISSING
from ..plan import Plan
from ..values import Ref
from .atoms import Atom
from .constants import list_lengths, names_of, parameter_of
from .finding import Candidate
from .holes import NUMBERS
from .words import RANGES, STEPS, VERBS

if TYPE_CHECKING:
    from ..tools import Tool

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_FEW = 50
"""Numbers up to this one may be how many of something there are in the plan."""


def is_doubtful(candidate: Candidate, plan: Plan, tools: Mapping[str, Tool] | None) -> bool:
    """Whether it may stand in the plan for another reason than that the question names it."""
    if not candidate.is_number:
        # With a capital letter begins every sentence: `World population` is not of the form of `Oslo population`.
        return candidate.first and candidate.kind in ("name", "month")
    # More often in the plan than in the question: one of them means something else, such as the 100 of a percentage.
    if len(candidate.uses) > len(candidate.places):
        return True
    return _is_default(candidate, plan, tools) or _is_count(candidate, plan)


def _is_default(candidate: Candidate, plan: Plan, tools: Mapping[str, Tool] | None) -> bool:
    for use in candidate.uses:
        parameter = parameter_of(use, plan, tools)
        if (
            parameter is not None
            and parameter.default is not MISSING
            and parameter.default == candidate.value
        ):
            return True
    return False


def _is_count(candidate: Candidate, plan: Plan) -> bool:
    """Whether the form of the plan may go by the number: so many tasks, items of a list, or results that are named."""
    value = candidate.value
    if not 0 <= value <= _FEW:
        return False
    counts = {len(plan.tasks), *Counter(t.tool for t in plan.tasks).values(), *list_lengths(plan)} - {0, 1}
    steps = [
        (ref.task, s)
        for ref in names_of(plan)
        if isinstance(ref, Ref)
        for s in ref.path
        if isinstance(s, int)
    ]
    if value in counts or any(value in (s, s + 1) for _, s in steps):
        return True
    after = {use.task for use in candidate.uses if use.start is None}
    for task in plan.tasks:
        if after.intersection(task.depends_on):
            after.add(task.id)
    return any(task in after for task, _ in steps)


def has_rival(candidate: Candidate, plan: Plan, tools: Mapping[str, Tool], said: set[str]) -> bool:
    """Whether another tool does the same for things of another sort, so that the choice goes by what the value is.

    `city_population` and `country_population` are rivals, unless the question itself says `city`.
    """
    for name in {plan[use.task].tool for use in candidate.uses}:
        own = _nouns(name)
        for other in tools:
            rest = _nouns(other)
            if own & rest and rest - own and (own - rest) and not (own - rest) & said:
                return True
    return False


def _nouns(tool: str) -> set[str]:
    words = {w.casefold() for w in _PART.findall(tool)}
    return words - VERBS


def without_ranges(alive: list[Candidate], found: Sequence[Atom]) -> list[Candidate]:
    """The candidates without those that may be the ends of a range, all of which is in the plan.

    From 1 to 2 there is nothing between; from 1 to 4 there is, and the plan has no place for it.
    """
    words = {a.text.casefold() for a in found}
    out = list(alive)
    for kinds in (NUMBERS, {"code"}, {"month"}, {"weekday"}):
        ends = [c for c in alive if c.kind in kinds]
        if len(ends) < 2:
            continue
        near = (
            any(abs(a.value - b.value) <= 1 for a in ends for b in ends if a is not b)
            if kinds is NUMBERS
            else False
        )
        if near or words & STEPS or (kinds is not NUMBERS and words & RANGES):
            out = [c for c in out if c not in ends]
    return out
