"""What a right plan has to have, and how a plan is held against it. How it is read out of a question is elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from llmcompiler import Plan, Task
from llmcompiler.values import Template
from llmcompiler_tools import calculate

from .names import names_same

_STANDS_FOR = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One calculation."""

    things: frozenset[int]
    """Positions of the names whose look-ups it uses."""
    factors: frozenset[float] = frozenset()
    """What it may multiply the looked up value with; anything where empty."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The plan that a question asks for."""

    names: tuple[str, ...]
    """What is looked up, each once."""
    steps: tuple[Step, ...] = ()
    """The calculations on looked up values."""
    last: tuple[int, int] = (0, 0)
    """The least and the most calculations over all steps."""
    branch: int = 0
    """Row of the table."""
    calculator: str = field(default="calculate")


@dataclass(frozen=True, slots=True)
class Score:
    """How a plan compares with what is expected."""

    calls: bool
    """Whether it has the right number of calls of each tool."""
    entities: bool
    """Whether each name is looked up exactly once, and nothing else is."""
    dependencies: bool
    """Whether look-ups depend on nothing, each calculation on the right ones, and the last one on all."""
    surplus: int
    """Calls beyond what is needed."""

    @property
    def exact(self) -> bool:
        """Whether all of it is right."""
        return self.calls and self.entities and self.dependencies


def judge(plan: Plan, expected: Expected) -> Score:
    """Hold a plan against what is expected."""
    searches = [t for t in plan.tasks if t.tool != expected.calculator]
    sums = [t for t in plan.tasks if t.tool == expected.calculator]
    least = len(expected.steps) + expected.last[0]
    most = len(expected.steps) + expected.last[1]
    matched = _matched(searches, expected.names)
    surplus = max(0, len(searches) - len(expected.names)) + max(0, len(sums) - most)
    return Score(
        calls=len(searches) == len(expected.names) and least <= len(sums) <= most,
        entities=matched is not None and len(searches) == len(expected.names),
        dependencies=matched is not None and _depend(searches, sums, matched, expected),
        surplus=surplus,
    )


def _matched(searches: Sequence[Task], names: Sequence[str]) -> dict[int, int] | None:
    """For each look-up which name it is about; None unless every name has exactly one."""
    found: dict[int, int] = {}
    for task in searches:
        about = [i for i, name in enumerate(names) if names_same(_query(task), name)]
        free = [i for i in about if i not in found.values()]
        if not free:
            return None
        found[task.id] = free[0]
    return found if len(found) == len(names) else None


def _depend(
    searches: Sequence[Task], sums: Sequence[Task], matched: dict[int, int], expected: Expected
) -> bool:
    if any(t.depends_on for t in searches):
        return False
    ids = {t.id for t in sums}
    left = list(expected.steps)
    made: dict[int, Step] = {}
    for task in sums:
        uses = set(task.depends_on)
        if uses & ids:
            continue  # a last one
        step = next(
            (s for s in left if s.things == {matched[d] for d in uses} and _computes(task, s.factors)), None
        )
        if step is not None:
            left.remove(step)
            made[task.id] = step
    if left:
        return False
    rest = [t for t in sums if t.id not in made]
    if not expected.last[0] <= len(rest) <= expected.last[1]:
        return False
    calculated = frozenset(i for s in expected.steps for i in s.things)
    bare = {task for task, i in matched.items() if i not in calculated}
    return all(set(t.depends_on) == made.keys() | bare for t in rest)


def _computes(task: Task, factors: frozenset[float]) -> bool:
    """Whether a calculation with one looked up value multiplies it with one of these factors."""
    if not factors:
        return True
    value = next(iter(task.args.values()), "")
    if not isinstance(value, Template):
        return False
    text = "".join(p if isinstance(p, str) else str(_STANDS_FOR) for p in value.parts)
    try:
        factor = float(calculate(text)) / _STANDS_FOR
    except Exception:  # whatever is wrong with it, it computes nothing
        return False
    return any(math.isclose(factor, f, abs_tol=1e-5) for f in factors)


def _query(task: Task) -> str:
    return " ".join(v for v in task.args.values() if isinstance(v, str))
