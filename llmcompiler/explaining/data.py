"""What a plan will do, as data: what `Plan.explain` tells people, for programs. There is no prose in here."""

from __future__ import annotations

import math
from typing import Any

from ..passes import Outlook
from ..pictures import call_line, direct_order
from ..plan import Plan
from .plans import Examined, Facts, examine, unforeseen


def explain_data(plan: Plan) -> dict[str, Any]:
    """The explanation of a plan as JSON values, with what the compiler that made or checked it knows.

    Times are in `unit`: `"seconds"`, or `"steps"` where nothing is known of any of its tools and every call counts one.
    """
    outlook: Outlook = plan.__dict__.get("_outlook") or Outlook()
    x = examine(
        plan,
        latencies=outlook.latencies,
        concurrency=outlook.concurrency,
        passes=outlook.passes,
        foreseen=True,
    )
    free, capped = x.free, x.capped
    critical = list(free.critical_path)
    after = direct_order(plan, capped.order)
    return {
        "unit": "seconds" if x.known else "steps",
        "calls": sum(x.calls.get(t.id, 1) for t in plan.tasks),
        "makespan": _number(capped.makespan),
        "makespan_without_caps": _number(free.makespan),
        "sequential": _number(capped.sequential),
        "speedup": _number(capped.speedup),
        "critical_path": critical,
        "critical_path_length": _number(free.critical_path_seconds),
        "at_once": free.peak,
        "concurrency": capped.concurrency,
        "tasks": [_task(f, x, list(after.get(f.task.id, ()))) for f in x.facts],
        "notes": [n.to_dict() for n in x.found.notes],
        "assumptions": unforeseen(plan, x.items),
    }


def _task(facts: Facts, x: Examined, after: list[int]) -> dict[str, Any]:
    task, plan = facts.task, x.capped
    runs = task.id in plan.start
    return {
        "id": task.id,
        "tool": task.tool,
        "call": call_line(task),
        "effect": facts.effect or None,
        "resources": facts.touches or None,
        "waits_for": list(task.depends_on),
        "after": after,
        "start": _number(plan.start[task.id]) if runs else None,
        "finish": _number(plan.finish[task.id]) if runs else None,
        "slack": _number(plan.slack[task.id]) if runs and task.id in plan.slack else None,
        "critical": task.id in x.free.critical_path,
        "approval": "by its arguments" if facts.approval is None else "needed" if facts.approval else None,
        "constant": facts.constant,
        "saved": facts.saved or None,
        "problem": facts.problem,
    }


def _number(value: float) -> float | None:
    return round(value, 9) if math.isfinite(value) else None


__all__ = ["explain_data"]
