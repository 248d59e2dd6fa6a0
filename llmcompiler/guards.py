"""The condition of an `if` task: a small tree, and whether it is true. Parsed and printed by the language.

Nothing is run to find out: there is no `eval`, no attribute and no method of a value is used but its comparisons. What
can not be decided with certainty raises, it is never taken for false.
"""

from __future__ import annotations

import datetime as dt
import numbers
import operator
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, RootModel

from ._jsonable import describe_error
from .errors import GuardFailed
from .values import Ref, Value, Var, references

CompareOp = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]


@dataclass(frozen=True, slots=True)
class Truth:
    """`value` itself, taken as true or false."""

    value: Value


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right`."""

    op: CompareOp
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Not:
    """`not operand`."""

    operand: Guard


@dataclass(frozen=True, slots=True)
class BoolOp:
    """`a and b and ...` or `a or b or ...`; at least two operands."""

    op: Literal["and", "or"]
    operands: tuple[Guard, ...]


Guard = Truth | Compare | Not | BoolOp
"""What stands between `if` and `:`."""


def guard_leaves(guard: Guard) -> Iterator[Truth | Compare]:
    """The conditions a guard is made of, from left to right (no recursion, so depth is no danger)."""
    stack: list[Guard] = [guard]
    while stack:
        g = stack.pop()
        if isinstance(g, Not):
            stack.append(g.operand)
        elif isinstance(g, BoolOp):
            stack.extend(reversed(g.operands))
        else:
            yield g


def guard_values(guard: Guard) -> Iterator[Value]:
    """Every operand in a guard, from left to right."""
    for leaf in guard_leaves(guard):
        if isinstance(leaf, Truth):
            yield leaf.value
        else:
            yield leaf.left
            yield leaf.right


def guard_references(guard: Guard) -> Iterator[Ref]:
    """Every reference in a guard, from left to right."""
    for value in guard_values(guard):
        yield from references(value)


# -- deciding ----------------------------------------------------------------


class _Undecided(Exception):
    """A part of a guard that is neither true nor false; says why."""


def decide(guard: Guard, value_of: Callable[[Value], Any]) -> bool:
    """Whether `guard` is true. `and` and `or` are read from left to right, no further than needed.

    - A value by itself is true or false as in Python: nothing, zero and what is empty are false.
    - `==` and `!=` are those of Python.
    - `<`, `<=`, `>`, `>=` order two numbers (true and false are none), two texts, two dates, two times, two durations,
      and lists of these, item by item.
    - `in` and `not in` look for an item in a list or set, a key in a record, a text in a text.

    A record that wraps a single value (`RootModel`) stands for that value, the scalar of a numeric library for the
    number it is.

    Args:
        guard: The condition.
        value_of: The value of an operand; what it raises is passed on.

    Raises:
        GuardFailed: Things that can not be compared, or whose comparison raises or gives neither true nor false.
    """
    parents: list[tuple[Not | BoolOp, int]] = []
    node = guard
    while True:
        if isinstance(node, Not):
            parents.append((node, 0))
            node = node.operand
            continue
        if isinstance(node, BoolOp):
            parents.append((node, 0))
            node = node.operands[0]
            continue
        try:
            answer = _leaf(node, value_of)
        except _Undecided as e:
            raise GuardFailed(guard_text(guard), str(e)) from e.__cause__
        going = _next(parents, answer)
        if isinstance(going, bool):
            return going
        node = going


def _next(parents: list[tuple[Not | BoolOp, int]], answer: bool) -> Guard | bool:
    """The operand to look at after one that gave `answer`, or the answer of the whole."""
    while parents:
        parent, i = parents.pop()
        if isinstance(parent, Not):
            answer = not answer
        elif answer is (parent.op == "and") and i + 1 < len(parent.operands):
            parents.append((parent, i + 1))
            return parent.operands[i + 1]
    return answer


def _leaf(node: Truth | Compare, value_of: Callable[[Value], Any]) -> bool:
    if isinstance(node, Truth):
        value = value_of(node.value)
        try:
            return bool(_plain(value))
        except Exception as e:  # an array, say: its own code says that it is neither
            raise _Undecided(
                f"whether {_told(value, node.value)} is true can not be said ({describe_error(e)}); "
                "compare it with something, or name a field of it"
            ) from e
    left, right = value_of(node.left), value_of(node.right)
    problem: str | None
    try:
        if node.op in ("==", "!="):
            answer, problem = _RUN[node.op](_plain(left), _plain(right)), None
        elif node.op in ("in", "not in"):
            answer, problem = _contains(_plain(left), _plain(right), node)
        else:
            answer, problem = _ordered(left, right, node)
    except Exception as e:  # the values' own code
        raise _Undecided(f"{_both(node, left, right)} raised {describe_error(e)}") from e
    if problem is not None:
        raise _Undecided(f"{_both(node, left, right)} {problem}")
    if not isinstance(answer, bool):
        raise _Undecided(f"{_both(node, left, right)} gives a {type(answer).__name__}, not true or false")
    return answer != (node.op == "not in")


_RUN: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KINDS: tuple[type | tuple[type, ...], ...] = (
    (numbers.Real, Decimal),
    str,
    dt.date,
    dt.time,
    dt.timedelta,
)
_SCALARS = frozenset({str, int, float, bool, type(None), list, dict, tuple, set})


def _plain(value: Any) -> Any:
    """`value` without what only wraps it."""
    if type(value) in _SCALARS:
        return value
    while isinstance(value, RootModel):
        value = value.root
    if getattr(value, "shape", None) == () and not isinstance(value, BaseModel):
        value = value.item()  # numpy and its like: their comparisons do not give a bool
    return value


def _kind(value: Any) -> type | tuple[type, ...] | None:
    if isinstance(value, bool):
        return None
    return next((kind for kind in _KINDS if isinstance(value, kind)), None)


def _ordered(first: Any, second: Any, node: Compare) -> tuple[Any, str | None]:
    left, right = first, second = _plain(first), _plain(second)
    while isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        # As Python orders lists: by the first two items that differ, or else by length.
        unlike = next(((a, b) for a, b in zip(left, right, strict=False) if not (a is b or a == b)), None)
        left, right = (len(left), len(right)) if unlike is None else map(_plain, unlike)
    kind = _kind(left)
    if kind is None or kind is not _kind(right):
        return None, _no_order(first, second, node)
    return _RUN[node.op](left, right), None


def _no_order(left: Any, right: Any, node: Compare) -> str:
    for value, operand in ((left, node.left), (right, node.right)):
        if value is None and isinstance(operand, (Ref, Var)):
            return f"has no meaning, as there is no value; ask first: `{operand} != None and ...`"
        if isinstance(value, bool):
            return "has no meaning: true and false have no order; take them as they are, or compare with `==`"
        if isinstance(value, (Mapping, BaseModel)) and isinstance(operand, (Ref, Var)):
            return f"has no meaning: a record has no order; name a field, as in `{operand}.name`"
    return "has no meaning: order two numbers, two texts, two dates, or lists of these"


def _contains(item: Any, inside: Any, node: Compare) -> tuple[Any, str | None]:
    if isinstance(inside, str):
        if not isinstance(item, str):
            return None, "has no meaning: only a text can be in a text"
    elif isinstance(inside, (bytes, bytearray, memoryview)) or not isinstance(
        inside, (Sequence, Set, Mapping)
    ):
        return None, "has no meaning: look into a list, a set, the keys of a record, or a text"
    return item in inside, None


# -- telling -----------------------------------------------------------------

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 40
_short.maxlist = _short.maxtuple = _short.maxdict = _short.maxset = _short.maxfrozenset = 3
_short.maxlevel = 2
_LONGEST = 300
"""Characters of a condition in an error."""


def _both(node: Compare, left: Any, right: Any) -> str:
    return f"`{node.op}` between {_told(left, node.left)} and {_told(right, node.right)}"


def _told(value: Any, operand: Value) -> str:
    try:
        shown = _short.repr(value)
    except Exception:  # a repr of its own, or a number too long to be written
        shown = "a value"
    source = f", from `{operand}`" if isinstance(operand, (Ref, Var)) else ""
    return f"{shown} ({type(value).__name__}{source})"


def guard_text(guard: Guard) -> str:
    """`guard` in the plan language, for messages: never long, never raises."""
    from .language import print_guard

    try:
        text = print_guard(guard)
    except Exception:  # made by hand, of what the language can not spell
        text = repr(guard)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
