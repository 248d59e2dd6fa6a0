"""What stays of a plan when its holes are taken out: literals, numbers with the operators beside them, names of fields.

Nothing here decides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..plan import Plan
from ..values import Ref, Template, Value, Var
from .finding import NUMBER, Candidate, is_formula
from .places import Leaf, Use, leaves, roots

if TYPE_CHECKING:
    from ..tools import Tool

WORD = re.compile(r"[^\W_]+")
DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal of the plan that stays, or what stays of one."""

    leaf: Leaf
    text: str
    """What is left of a text, with a blank for each hole."""
    numbers: tuple[tuple[float, str, str], ...]
    """Numbers in it, each with the operators before and behind."""
    whole: bool
    """Whether there is no hole in it, and it is a value by itself."""
    formula: bool


def constants_of(plan: Plan, alive: Sequence[Candidate]) -> Iterator[Constant]:
    """What stays of a plan without the uses of these candidates: numbers and texts."""
    taken: dict[tuple[int, tuple[str | int, ...]], list[Use]] = {}
    for candidate in alive:
        for use in candidate.uses:
            taken.setdefault((use.task, use.path), []).append(use)
    for leaf in leaves(plan):
        uses = taken.get((leaf.task, leaf.path), [])
        value = leaf.value
        if isinstance(value, bool) or value is None or any(use.start is None for use in uses):
            continue
        if isinstance(value, (int, float)):
            size = float(value) if abs(value) < 1e300 else math.inf  # Python's whole numbers may be longer
            yield Constant(leaf, "", ((size, "", ""),), True, False)
        elif isinstance(value, str):
            formula = is_formula(leaf)
            text = _without(value, uses)
            yield Constant(
                leaf, text, tuple(_numbers(value, text, formula)), not uses and not leaf.inside, formula
            )


def _without(text: str, uses: Sequence[Use]) -> str:
    for use in uses:
        assert use.start is not None
        assert use.end is not None
        text = text[: use.start] + " " * (use.end - use.start) + text[use.end :]
    return text


def _numbers(whole: str, text: str, formula: bool) -> Iterator[tuple[float, str, str]]:
    for match in (NUMBER if formula else DIGITS).finditer(text):
        if len(match[0]) > 300:
            yield math.inf, "", ""
        else:
            yield (
                float(match[0]),
                whole[: match.start()].rstrip(" (")[-2:],
                whole[match.end() :].lstrip(" )")[:1],
            )


def parameter_of(use: Use, plan: Plan, tools: Mapping[str, Tool] | None) -> Any:
    """The parameter whose whole value stands at a place; None where that is not known."""
    tool = None if tools is None else tools.get(plan[use.task].tool)
    return None if tool is None or use.parameter is None else tool.params.get(use.parameter)


def choices_of(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values that a schema allows, where it names them."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return tuple(values) if isinstance(values, (list, tuple)) else ()


def _walk(plan: Plan) -> Iterator[Value]:
    """Everything in the values of a plan, at any depth."""
    for task in plan.tasks:
        stack = [value for _, value in roots(task)]
        while stack:
            value = stack.pop()
            yield value
            if isinstance(value, Template):
                stack.extend(value.parts)
            elif isinstance(value, (list, tuple)):
                stack.extend(value)
            elif isinstance(value, Mapping):
                stack.extend(value.values())


def names_of(plan: Plan) -> list[Ref | Var]:
    """Every reference and loop variable in a plan, that of its join included."""
    joined = [plan.join.ref] if plan.join is not None and plan.join.ref is not None else []
    return [v for v in _walk(plan) if isinstance(v, (Ref, Var))] + joined


def names_inside(plan: Plan) -> list[str]:
    """Texts in a plan that are no literals: keys of dicts, and fields that references name."""
    keys = [str(k) for v in _walk(plan) if isinstance(v, Mapping) for k in v]
    return keys + [step for name in names_of(plan) for step in name.path if isinstance(step, str)]


def list_lengths(plan: Plan) -> set[int]:
    """How long the lists in a plan are."""
    return {len(v) for v in _walk(plan) if isinstance(v, (list, tuple))}
