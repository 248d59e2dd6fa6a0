"""When two calls are the same call: for using a result again instead of running a tool twice. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from .guards import Compare, Guard, Not, Truth
from .plan import Task
from .values import Ref, Template, Value, Var


def call_key(task: Task, same: Mapping[int, int]) -> Hashable:
    """A key that equal calls share: tool and arguments, references taken to the first task with that result.

    Args:
        task: A task with bound arguments.
        same: For a task whose result is that of an earlier one, the earlier one's id.
    """
    given = task.args
    args: Hashable
    if len(given) == 1:
        ((name, value),) = given.items()
        args = name, _key(value, same)
    else:
        args = tuple((name, _key(given[name], same)) for name in sorted(given))
    if task.each is None and task.when is None:
        return task.tool, args
    each = None if task.each is None else (task.each.name, _key(task.each.source, same))
    return task.tool, args, each, None if task.when is None else guard_key(task.when, same)


def guard_key(guard: Guard, same: Mapping[int, int]) -> Hashable:
    """A key that equal conditions share."""
    if isinstance(guard, Truth):
        return "truth", _key(guard.value, same)
    if isinstance(guard, Compare):
        return guard.op, _key(guard.left, same), _key(guard.right, same)
    if isinstance(guard, Not):
        return "not", guard_key(guard.operand, same)
    return guard.op, tuple(guard_key(g, same) for g in guard.operands)


def _key(value: Value, same: Mapping[int, int]) -> Any:
    kind = type(value)
    if kind is str or kind is int:
        return kind, value
    if isinstance(value, Ref):
        return "ref", same.get(value.task, value.task), repr(value.path)
    if isinstance(value, Var):
        return "var", value.name, repr(value.path)
    if isinstance(value, Template):
        return "template", tuple(("text", p) if isinstance(p, str) else _key(p, same) for p in value.parts)
    if isinstance(value, (list, tuple)):
        return "list", tuple(_key(v, same) for v in value)
    if isinstance(value, Mapping):
        items = ((repr(k), _key(v, same)) for k, v in value.items())
        return "dict", tuple(sorted(items, key=lambda item: item[0]))
    # 1, 1.0 and True are equal in Python and different to a tool.
    return type(value).__name__, repr(value)
