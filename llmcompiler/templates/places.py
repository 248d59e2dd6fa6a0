"""Where literals stand in a plan, and the same plan with others in their place. Nothing here knows questions.

A place is a task's id and a path: `("args", "city")`, `("args", "items", 0)`, `("for",)`, `("if", leaf, side)`; the
parts of a string with references are counted like the items of a list.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..guards import BoolOp, Compare, Guard, Not, Truth, guard_leaves
from ..plan import Plan, Task
from ..values import Ref, Template, Value, Var

Path = tuple[str | int, ...]

DEEPEST = 64
"""Levels of lists and dicts in an argument of a plan that can have holes."""


@dataclass(frozen=True, slots=True)
class Use:
    """A place in a plan that holds a literal: the whole value, or characters `start` to `end` of a text."""

    task: int
    path: Path
    start: int | None = None
    end: int | None = None

    @property
    def parameter(self) -> str | None:
        """The parameter whose whole value it is; None where it is a part of one, or of a clause."""
        whole = self.start is None and len(self.path) == 2 and self.path[0] == "args"
        return str(self.path[1]) if whole else None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A literal in a plan: a scalar, or a text between references."""

    task: int
    path: Path
    value: Any
    inside: bool = False
    """Whether it is a text between references, and not a value by itself."""
    before: bool = False
    """Whether a reference stands right before it."""
    after: bool = False
    """Whether one stands right after it."""


class TooDeep(ValueError):
    """An argument is nested too deep to have holes."""


def leaves(plan: Plan) -> Iterator[Leaf]:
    """Every literal of a plan, in order; the keys of dicts are none.

    Raises:
        TooDeep: An argument is nested deeper than `DEEPEST` levels.
    """
    for task in plan.tasks:
        for path, value in roots(task):
            yield from _leaves(task.id, path, value, 0)


def roots(task: Task) -> Iterator[tuple[Path, Value]]:
    """The values of a task: of its arguments, its `for` and its `if`."""
    for name, value in task.args.items():
        yield ("args", name), value
    if task.each is not None:
        yield ("for",), task.each.source
    if task.when is not None:
        for number, leaf in enumerate(guard_leaves(task.when)):
            operands = (leaf.value,) if isinstance(leaf, Truth) else (leaf.left, leaf.right)
            for side, value in enumerate(operands):
                yield ("if", number, side), value


def _leaves(task: int, path: Path, value: Value, depth: int) -> Iterator[Leaf]:
    if depth > DEEPEST:
        raise TooDeep(f"an argument of task {task} is nested deeper than {DEEPEST} levels")
    if isinstance(value, Template):
        for i, part in enumerate(value.parts):
            if isinstance(part, str):
                yield Leaf(task, (*path, i), part, True, i > 0, i + 1 < len(value.parts))
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _leaves(task, (*path, i), item, depth + 1)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(task, (*path, key), item, depth + 1)
    elif not isinstance(value, (Ref, Var)):
        yield Leaf(task, path, value)


# -- other literals in their place --------------------------------------------------

Changes = Mapping[Path, Sequence[tuple[Use, Any]]]
"""What is to stand at the places of one task."""


def replaced(plan: Plan, values: Sequence[tuple[Use, Any]]) -> Plan:
    """The plan with other literals at these places: whole values as they are, parts of texts as text.

    What is put in is a literal and never read: a `$1` in it is no reference. Thoughts and places in a text are gone.
    """
    by_task: dict[int, dict[Path, list[tuple[Use, Any]]]] = {}
    for use, value in values:
        by_task.setdefault(use.task, {}).setdefault(use.path, []).append((use, value))
    return Plan(tuple(_task(t, by_task.get(t.id, {})) for t in plan.tasks), plan.join)


def _task(task: Task, changes: Changes) -> Task:
    bare = replace(task, thought=None, span=None)
    if not changes:
        return bare
    args = {name: _value(v, ("args", name), changes) for name, v in task.args.items()}
    each = task.each and replace(task.each, source=_value(task.each.source, ("for",), changes))
    return replace(bare, args=args, each=each, when=task.when and _guard(task.when, changes, [0]))


def _value(value: Value, path: Path, changes: Changes) -> Value:
    here = changes.get(path)
    if here is not None:
        return here[0][1] if here[0][0].start is None else _text(value, here)
    if isinstance(value, Template):
        parts = (_value(p, (*path, i), changes) for i, p in enumerate(value.parts))
        return Template(tuple(p for p in parts if p != ""))
    if isinstance(value, (list, tuple)):
        return [_value(item, (*path, i), changes) for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {key: _value(item, (*path, key), changes) for key, item in value.items()}
    return value


def _text(text: str, changes: Sequence[tuple[Use, Any]]) -> str:
    out, at = [], 0
    for use, value in sorted(changes, key=lambda change: change[0].start or 0):
        assert use.start is not None
        assert use.end is not None
        out += [text[at : use.start], written(value)]
        at = use.end
    return "".join([*out, text[at:]])


def written(value: Any) -> str:
    """A value as a part of a text: a number in digits, one below zero in brackets, since it may stand in a formula."""
    if isinstance(value, float):
        text = repr(value)
        if "e" in text and math.isfinite(value):
            text = f"{value:.20f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:.0f}"
    else:
        text = str(value)
    return f"({text})" if isinstance(value, (int, float)) and value < 0 else text


def _guard(guard: Guard, changes: Changes, count: list[int]) -> Guard:
    if isinstance(guard, Not):
        return Not(_guard(guard.operand, changes, count))
    if isinstance(guard, BoolOp):
        return BoolOp(guard.op, tuple(_guard(g, changes, count) for g in guard.operands))
    number = count[0]
    count[0] += 1
    if isinstance(guard, Truth):
        return Truth(_value(guard.value, ("if", number, 0), changes))
    assert isinstance(guard, Compare)
    left = _value(guard.left, ("if", number, 0), changes)
    return Compare(guard.op, left, _value(guard.right, ("if", number, 1), changes))


def value_at(plan: Plan, use: Use) -> Any:
    """What stands at a place.

    Raises:
        LookupError: There is no such place.
    """
    value: Any
    for path, value in roots(plan[use.task]):
        if use.path[: len(path)] != path:
            continue
        for step in use.path[len(path) :]:
            inside: Any = value.parts if isinstance(value, Template) else value
            value = inside[step]
        if use.start is None:
            return value
        if not isinstance(value, str) or use.end is None or not 0 <= use.start < use.end <= len(value):
            break
        return value[use.start : use.end]
    raise LookupError(f"there is no place {use.path!r} in task {use.task}")
