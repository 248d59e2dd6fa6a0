"""When two plans are the same: the same calls with the same arguments and dependencies, in any order.

Case, articles, possessives and plural endings of copied words do not count; formulas are the same when they compute
the same. Nothing here runs a plan.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from llmcompiler import Plan, Task
from llmcompiler.values import Ref, Template

_ARTICLE = re.compile(r"\A(?:the|a|an)\s+", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s?\Z")


def same_plan(plan: Plan, accepted: Iterable[Plan]) -> bool:
    """Whether `plan` is one of the accepted ones."""
    made = canonical(plan)
    return any(made == canonical(other) for other in accepted)


def canonical(plan: Plan) -> list[str]:
    """The calls of a plan, each with what it depends on written out, in an order of their own."""
    seen: dict[int, str] = {}
    tasks = {t.id: t for t in plan.tasks}
    for task in plan.tasks:
        args = ", ".join(f"{k}={_value(k, v, seen, tasks)}" for k, v in sorted(task.args.items()))
        seen[task.id] = f"{task.tool}({args})"
    return sorted(seen.values())


def _value(name: str, value: Any, seen: Mapping[int, str], tasks: Mapping[int, Task]) -> str:
    if name == "expression" and isinstance(value, (str, Template)):
        return _formula(value, seen)
    if isinstance(value, Ref):
        source = tasks.get(value.task)
        if source is not None and value.path == ("unit",) and isinstance(source.args.get("to_unit"), str):
            return _text(source.args["to_unit"])  # the unit of a conversion is the one it was asked for
        return seen.get(value.task, f"${value.task}") + "".join(f".{p}" for p in value.path)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(name, v, seen, tasks) for v in value) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{float(value):g}"
    return str(value)


def _text(text: str) -> str:
    words = [_POSSESSIVE.sub("", w) for w in _ARTICLE.sub("", " ".join(text.split())).casefold().split()]
    return " ".join(w[:-1] if len(w) > 4 and w.endswith("s") else w for w in words)


def _formula(value: str | Template, seen: Mapping[int, str]) -> str:
    """The formula's value where each reference stands for a number of its own; its text where it has none."""
    from llmcompiler_tools import calculate

    parts = [value] if isinstance(value, str) else value.parts
    # A number that depends on what is referred to, so that the same formula over the same calls computes the same.
    text = "".join(
        p
        if isinstance(p, str)
        else f"({1000 + zlib.crc32(_value('', p, seen, {}).encode()) % 100_000 / 7:.6f})"
        for p in parts
    )
    try:
        number = float(calculate(text))
    except Exception:  # whatever is wrong with it, it is then only the same as itself
        return text
    return f"{number:.9g}" if math.isfinite(number) else text
