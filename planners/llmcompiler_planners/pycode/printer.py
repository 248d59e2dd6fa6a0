"""Plans as Python text: what is printed here is read back as the same plan. Nothing is parsed or checked."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from llmcompiler.guards import BoolOp, Compare, Guard, Not, Truth, guard_values
from llmcompiler.language.printer import thought_lines
from llmcompiler.plan import Plan, Task
from llmcompiler.tools import Tool
from llmcompiler.values import Ref, Template, Value, Var, has_variable, quote

from .names import ToolNames

Namer = Callable[[int], str]
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def result_name(task_id: int) -> str:
    """The variable for the value of a task: `r1`."""
    return f"r{task_id}"


def plan_to_python(plan: Plan, tools: Mapping[str, Tool] | None = None) -> str:
    """The plan as Python, one statement for each task and a `return` at the end; no line end behind it.

    Values of tasks are assigned to `r1`, `r2`, ... after their ids; those that nothing refers to are not assigned.
    Reading it gives the same plan with ids from 1 on, provided that references go to earlier tasks only and that no
    condition is decided by what is written in the plan alone.

    Args:
        plan: The plan.
        tools: The tools it calls, for the names they have in prompts.

    Raises:
        ValueError: An argument has no literal in Python: a number that is not finite.
        TypeError: An argument is not a value of the plan language.
    """
    names = ToolNames(tools)
    used = {d for t in plan.tasks for d in t.depends_on}
    if plan.join is not None and plan.join.ref is not None:
        used.add(plan.join.ref.task)
    lines: list[str] = []
    for task in plan.tasks:
        lines += (f"# {line}" for line in thought_lines(task.thought))
        lines.append(statement_text(task, names, target=result_name(task.id) if task.id in used else ""))
    if plan.join is not None:
        lines.append(f"return {_leaf(plan.join.ref, result_name)}" if plan.join.ref is not None else "return")
    return "\n".join(lines)


def statement_text(task: Task, names: ToolNames, namer: Namer = result_name, *, target: str = "") -> str:
    """A task as one statement, without its thought; two lines where it has a condition of its own."""
    text = call_text(task, names, namer)
    guard = task.when
    lead = ""
    if task.each is not None:
        filtered = ""
        if guard is not None and any(has_variable(v) for v in guard_values(guard)):
            filtered, guard = f" if {_guard_text(guard, namer)}", None
        text = f"[{text} for {task.each.name} in {value_text(task.each.source, namer)}{filtered}]"
    if guard is not None:
        lead = f"if {_guard_text(guard, namer)}:\n    "
    return f"{lead}{target + ' = ' if target else ''}{text}"


def call_text(task: Task, names: ToolNames, namer: Namer = result_name) -> str:
    """The call of a task alone."""
    positional: list[tuple[int, str]] = []
    keywords: list[str] = []
    unfolded: list[str] = []
    for key, value in task.args.items():
        text = value_text(value, namer)
        spelled = names.spell_parameter(task.tool, key)
        if key.isascii() and key.isdigit():
            positional.append((int(key), text))
        elif spelled is not None:
            keywords.append(f"{spelled}={text}")
        else:
            unfolded.append(f"{quote(key)}: {text}")
    parts = [text for _, text in sorted(positional)] + keywords
    if unfolded:
        parts.append(f"**{{{', '.join(unfolded)}}}")
    return f"{names.spell(task.tool)}({', '.join(parts)})"


def value_text(value: Value, namer: Namer = result_name) -> str:
    """A value as a Python expression.

    Raises:
        ValueError: A number that has no literal.
        TypeError: Not a value of the plan language.
    """
    out: list[str] = []
    stack: list[Any] = [(value,)]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            out.append(item)
            continue
        (held,) = item
        if isinstance(held, (list, tuple)):
            stack.append("]")
            stack += _between(((v,) for v in held), len(held))
            out.append("[")
        elif isinstance(held, Mapping):
            stack.append("}")
            pairs = list(held.items())
            for i in range(len(pairs) - 1, -1, -1):
                key, inner = pairs[i]
                if not isinstance(key, str):
                    raise TypeError(f"keys of a dict in a plan are strings, not {type(key).__name__}")
                stack += [(inner,), f"{', ' if i else ''}{quote(key)}: "]
            out.append("{")
        else:
            out.append(_leaf(held, namer))
    return "".join(out)


def _between(items: Iterable[Any], count: int) -> list[Any]:
    """Items in the order of a stack, with commas."""
    out: list[Any] = []
    for i, item in enumerate(items):
        out += [", "] if i else []
        out.append(item)
    return out[::-1]


def _leaf(value: Any, namer: Namer) -> str:
    if isinstance(value, str):
        return quote(value)
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} has no literal in a plan")
        return float.__repr__(value)
    if isinstance(value, (Ref, Var)):
        return _name(value, namer) + _path(value, quote)
    if isinstance(value, Template):
        return _template(value, namer)
    raise TypeError(f"{type(value).__name__} is not a value of the plan language")


def _name(value: Ref | Var, namer: Namer) -> str:
    return namer(value.task) if isinstance(value, Ref) else value.name


def _path(value: Ref | Var, quoted: Callable[[str], str]) -> str:
    out = []
    for step in value.path:
        if isinstance(step, int):
            out.append(f"[{step}]")
        elif _IDENTIFIER.match(step) and not keyword.iskeyword(step):
            out.append(f".{step}")
        else:
            out.append(f"[{quoted(step)}]")
    return "".join(out)


def _template(template: Template, namer: Namer) -> str:
    """An f-string, or a sum where a key could not stand in one before Python 3.12."""
    if any(not isinstance(p, str) and _needs_escape(p) for p in template.parts):
        parts = [quote(p) if isinstance(p, str) else f"str({_leaf(p, namer)})" for p in template.parts]
        # Brackets, since it may stand between operators.
        return "(" + " + ".join(parts) + ")" if len(parts) > 1 else parts[0]
    out = []
    for part in template.parts:
        if isinstance(part, str):
            out.append(quote(part)[1:-1].replace("{", "{{").replace("}", "}}"))
        else:
            out.append(f"{{{_name(part, namer)}{_path(part, _single)}}}")
    return f'f"{"".join(out)}"'


def _single(text: str) -> str:
    return f"'{text}'"


def _needs_escape(part: Ref | Var) -> bool:
    return any(
        isinstance(step, str) and (not step.isprintable() or any(c in step for c in "'\"\\{}#!:"))
        for step in part.path
    )


def _guard_text(guard: Guard, namer: Namer) -> str:
    out: list[str] = []
    stack: list[Any] = [guard]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            out.append(item)
        elif isinstance(item, Truth):
            out.append(value_text(item.value, namer))
        elif isinstance(item, Compare):
            out.append(f"{value_text(item.left, namer)} {item.op} {value_text(item.right, namer)}")
        elif isinstance(item, Not):
            out.append("not ")
            stack += _bracketed(item.operand, isinstance(item.operand, BoolOp))
        else:
            assert isinstance(item, BoolOp)
            pieces: list[list[Any]] = []
            for operand in item.operands:
                plain = not isinstance(operand, BoolOp) or (item.op == "or" and operand.op == "and")
                pieces.append(_bracketed(operand, not plain))
            for i, piece in enumerate(reversed(pieces)):
                stack += [f" {item.op} "] if i else []
                stack += piece
    return "".join(out)


def _bracketed(guard: Guard, brackets: bool) -> list[Any]:
    return [")", guard, "("] if brackets else [guard]


__all__ = ["call_text", "plan_to_python", "result_name", "statement_text", "value_text"]
