"""Plans held against the expected ones: the same calls with the same arguments and dependencies, in any order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._jsonable import to_jsonable, to_text
from ..errors import PlanError
from ..plan import Plan, Task
from ..result import RunResult
from ..tools import ToolRegistry
from ..values import Ref, Template, Var
from .dataset import Dataset, ExpectedCall
from .formats import DatasetError
from .matching import alike, plain

_TOLERANCE = 1e-6
"""Between numbers that are the same but for rounding."""


def check_expected(dataset: Dataset, tools: ToolRegistry) -> dict[str, tuple[Plan, ...]]:
    """The expected plans by question, once they were found to fit the tools.

    Raises:
        DatasetError: A plan has errors, or a call is of a tool that is not there.
    """
    made: dict[str, tuple[Plan, ...]] = {}
    for e in dataset:
        try:
            if e.plans:
                made[e.id] = tuple(Plan.parse(text, tools=tools) for text in e.plans)
        except PlanError as error:
            problem = str(error).replace("\n", "; ")
            raise DatasetError(
                dataset.source, f"the plan of question {e.id!r}: {problem}", line=e.line
            ) from None
        for call in e.calls:
            if call.tool not in tools:
                raise DatasetError(
                    dataset.source,
                    f"question {e.id!r} expects a call of {call.tool!r}, and there is no such tool",
                    line=e.line,
                )
    return made


def same_plan(tasks: Sequence[Task], expected: Sequence[Plan]) -> bool:
    """Whether tasks are those of one of the expected plans."""
    made = canonical(tasks)
    return any(made == canonical(plan.tasks) for plan in expected)


def canonical(tasks: Sequence[Task]) -> list[str]:
    """The calls, each with what it depends on written out in full, in an order of their own."""
    seen: dict[int, str] = {}
    for task in tasks:
        args = ", ".join(f"{k}={_value(v, seen)}" for k, v in sorted(task.args.items()))
        each = "" if task.each is None else f"for {task.each.name} in {_value(task.each.source, seen)}: "
        when = "" if task.when is None else "if: "
        seen[task.id] = f"{each}{when}{task.tool}({args})"
    return sorted(seen.values())


def _value(value: Any, seen: Mapping[int, str]) -> str:
    if isinstance(value, Ref):
        return seen.get(value.task, f"${value.task}") + "".join(f"[{p!r}]" for p in value.path)
    if isinstance(value, Var):
        return f"<{value}>"
    if isinstance(value, Template):
        return "".join(plain(p) if isinstance(p, str) else f"<{_value(p, seen)}>" for p in value.parts)
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, float)):
        return f"{value:.9g}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_value(v, seen)}" for k, v in sorted(value.items(), key=str)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v, seen) for v in value) + "]"
    return to_text(value)


def calls_made(result: RunResult, expected: Sequence[ExpectedCall]) -> float:
    """The part of the expected calls that a run planned, each held against a task of its own."""
    left = [t.task for t in result.tasks.values()]
    found = 0
    # Those that say most about their arguments choose first.
    for call in sorted(expected, key=lambda c: -len(c.args)):
        for task in left:
            if task.tool == call.tool and _fits(task, call.args):
                left.remove(task)
                found += 1
                break
    return found / len(expected)


def _fits(task: Task, args: Mapping[str, Any]) -> bool:
    for name, wanted in args.items():
        if name not in task.args:
            return False
        value = task.args[name]
        if isinstance(value, (Ref, Var, Template)):
            # What it will be is known only at run time; written the same way it is the same.
            if str(value) != str(wanted):
                return False
        elif not alike(to_jsonable(value), wanted, _TOLERANCE, 0.0):
            return False
    return True
