"""Plans as canonical text: what is printed here parses back to an equal plan.

One statement is one line, whatever its strings hold, so no value can be read as a statement. Nothing here
parses, checks or knows tools. Printing uses no recursion: depth is no danger.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..guards import BoolOp, Compare, Guard, Not, Truth
from ..plan import Join, Plan, Task
from ..values import Ref, Template, Value, Var, quote


@dataclass(frozen=True, slots=True)
class _Raw:
    """Text that is already printed, waiting between values on the stack."""

    text: str


_COMMA = _Raw(", ")


def print_value(value: Value) -> str:
    """`value` in the plan language: `"text"`, `[1, 2.5, None]`, `{"key": $1.height}`, `"${1.a} km"`.

    Raises:
        ValueError: A number that has no literal: infinite, not a number, or an integer too long for Python to print.
        TypeError: Not a value of the plan language.
    """
    if type(value) is str:
        return _string(value)
    out: list[str] = []
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, _Raw):
            out.append(item.text)
        elif isinstance(item, (list, tuple)):
            stack.append(_Raw("]"))
            for i in range(len(item) - 1, -1, -1):
                stack.append(item[i])
                if i:
                    stack.append(_COMMA)
            out.append("[")
        elif isinstance(item, Mapping):
            stack.append(_Raw("}"))
            pairs = list(item.items())
            for i in range(len(pairs) - 1, -1, -1):
                key, held = pairs[i]
                stack.append(held)
                stack.append(_Raw(f"{', ' if i else ''}{_key(key)}: "))
            out.append("{")
        else:
            out.append(_leaf(item))
    return "".join(out)


def _string(text: str) -> str:
    return quote(text.replace("$", "$$"))


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"keys of a dict in a plan are strings, not {type(key).__name__}")
    return quote(key)


def _leaf(value: object) -> str:
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} has no literal in the plan language")
        return float.__repr__(value)
    if isinstance(value, (Ref, Var)):
        return str(value)
    if isinstance(value, Template):
        return quote(str(value))
    raise TypeError(f"{type(value).__name__} is not a value of the plan language")


def print_guard(guard: Guard) -> str:
    """`guard` in the plan language: `$3 > 1.4 and not ($1 or $2)`; with brackets only where they are needed."""
    out: list[str] = []
    stack: list[Guard | _Raw] = [guard]
    while stack:
        item = stack.pop()
        if isinstance(item, _Raw):
            out.append(item.text)
        elif isinstance(item, Truth):
            out.append(print_value(item.value))
        elif isinstance(item, Compare):
            out.append(f"{print_value(item.left)} {item.op} {print_value(item.right)}")
        elif isinstance(item, Not):
            out.append("not ")
            _push(stack, item.operand, bracketed=isinstance(item.operand, BoolOp))
        else:
            for i in range(len(item.operands) - 1, -1, -1):
                operand = item.operands[i]
                # `and` binds closer than `or`; the same operator nested is another tree than a longer chain.
                plain = not isinstance(operand, BoolOp) or (item.op == "or" and operand.op == "and")
                _push(stack, operand, bracketed=not plain)
                if i:
                    stack.append(_Raw(f" {item.op} "))
    return "".join(out)


def _push(stack: list[Guard | _Raw], guard: Guard, *, bracketed: bool) -> None:
    if bracketed:
        stack.append(_Raw(")"))
    stack.append(guard)
    if bracketed:
        stack.append(_Raw("("))


def thought_lines(text: str | None) -> list[str]:
    """The lines of a thought that carry text, each without the white space round it.

    This is the normal form of thoughts: a thought that was parsed equals its lines joined by a newline.
    """
    if not text:
        return []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [stripped for line in lines if (stripped := line.strip())]


def print_task(task: Task) -> str:
    """The task as one statement, with a `Thought:` line before it for every line of its thought that carries text.

    Raises:
        ValueError: An argument has no literal (see `print_value`).
        TypeError: An argument is not a value of the plan language.
    """
    lines = [f"Thought: {line}" for line in thought_lines(task.thought)]
    head = f"{task.id}. "
    if task.each is not None:
        head += f"for {task.each.name} in {print_value(task.each.source)}: "
    if task.when is not None:
        head += f"if {print_guard(task.when)}: "
    lines.append(f"{head}{task.tool}({_arguments(task.args)})")
    return "\n".join(lines)


def _arguments(args: Mapping[str, Value]) -> str:
    positional = []
    named = []
    for key, value in args.items():
        if key.isascii() and key.isdigit():
            positional.append((int(key), print_value(value)))
        else:
            named.append(f"{key}={print_value(value)}")
    return ", ".join([text for _, text in sorted(positional)] + named)


def print_plan(plan: Plan) -> str:
    """The plan as canonical text, one statement per line, without a newline at the end; `""` for an empty plan.

    `parse_plan` of it gives an equal plan with no diagnostics. Thoughts come back in their normal form: without
    blank lines and without white space at the ends of lines. Characters that have no Unicode meaning of their own
    (lone surrogates) are escaped; two that make a pair come back as the one character they encode.

    Raises:
        ValueError: An argument has no literal (see `print_value`).
        TypeError: An argument is not a value of the plan language.
    """
    lines = [print_task(task) for task in plan.tasks]
    if plan.join is not None:
        lines.append(_join(plan.join, plan.tasks))
    return "\n".join(lines)


def _join(join: Join, tasks: tuple[Task, ...]) -> str:
    ids = [task.id for task in tasks]
    if join.ref is not None:
        ids.append(join.ref.task)
    return f"{max(ids, default=0) + 1}. join({'' if join.ref is None else join.ref})"
