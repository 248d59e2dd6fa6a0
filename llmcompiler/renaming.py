"""Tasks under other ids: references rewritten where two plans use one number for two calls. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .guards import BoolOp, Compare, Guard, Not, Truth
from .plan import Join, Task
from .values import Ref, Template, Value


def rename_task(task: Task, ids: Mapping[int, int]) -> Task:
    """`task` with every reference to an id in `ids` naming the new one; its own id stays."""
    if not any(dep in ids for dep in task.depends_on):
        return task
    args = {name: _value(value, ids) for name, value in task.args.items()}
    each = None if task.each is None else replace(task.each, source=_value(task.each.source, ids))
    when = None if task.when is None else _guard(task.when, ids)
    return replace(task, args=args, each=each, when=when)


def rename_join(join: Join, ids: Mapping[int, int]) -> Join:
    """`join` with its reference naming the new id."""
    return join if join.ref is None else Join(_ref(join.ref, ids))


def _ref(ref: Ref, ids: Mapping[int, int]) -> Ref:
    return Ref(ids.get(ref.task, ref.task), ref.path)


def _value(value: Value, ids: Mapping[int, int]) -> Value:
    if isinstance(value, Ref):
        return _ref(value, ids)
    if isinstance(value, Template):
        return Template(tuple(_ref(p, ids) if isinstance(p, Ref) else p for p in value.parts))
    if isinstance(value, (list, tuple)):
        return [_value(v, ids) for v in value]
    if isinstance(value, Mapping):
        return {k: _value(v, ids) for k, v in value.items()}
    return value


def _guard(guard: Guard, ids: Mapping[int, int]) -> Guard:
    if isinstance(guard, Truth):
        return Truth(_value(guard.value, ids))
    if isinstance(guard, Compare):
        return Compare(guard.op, _value(guard.left, ids), _value(guard.right, ids))
    if isinstance(guard, Not):
        return Not(_guard(guard.operand, ids))
    return BoolOp(guard.op, tuple(_guard(g, ids) for g in guard.operands))
