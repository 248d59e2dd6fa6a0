"""The JSON form of plans: plan → JSON values, and JSON → plan with every problem named by its place.

Values stand as they are; a reference is `{"$ref": "1.height"}`, a loop variable `{"$var": "city.name"}`, a string
with references `{"$template": "${1.height} km"}`, and a dict with a key that begins with `$` is
`{"$dict": [[key, value], ...]}`. Nothing here knows tools. Reading raises `PlanError` and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from ..diagnostics import Diagnostic
from ..errors import PlanError
from ..plan import Plan, Task
from ..values import Ref, Template, Value, Var
from .json_plans import PlanReader
from .json_schema import PLAN_JSON_SCHEMA
from .json_values import short
from .printer import print_guard, thought_lines
from .tokens import MAX_DEPTH

__all__ = [
    "PLAN_JSON_SCHEMA",
    "plan_from_json",
    "plan_from_json_text",
    "plan_to_json",
    "task_to_json",
    "value_to_json",
]

# -- plan → JSON -------------------------------------------------------------


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values; `plan_from_json` of it gives an equal plan, thoughts in their normal form."""
    data: dict[str, Any] = {"tasks": [task_to_json(task) for task in plan.tasks]}
    if plan.join is not None:
        data["join"] = {} if plan.join.ref is None else value_to_json(plan.join.ref)
    return data


def task_to_json(task: Task) -> dict[str, Any]:
    """The task as JSON values; `thought`, `for` and `if` only where they are set."""
    data: dict[str, Any] = {
        "id": task.id,
        "tool": task.tool,
        "args": {key: value_to_json(value) for key, value in task.args.items()},
    }
    thought = thought_lines(task.thought)
    if thought:
        data["thought"] = "\n".join(thought)
    if task.each is not None:
        data["for"] = {"name": task.each.name, "in": value_to_json(task.each.source)}
    if task.when is not None:
        data["if"] = print_guard(task.when)
    return data


def value_to_json(value: Value) -> Any:
    """An argument as JSON values. Depth is bounded by the parser, so recursion is safe here."""
    if isinstance(value, Ref):
        return {"$ref": str(value)[1:]}
    if isinstance(value, Var):
        return {"$var": str(value)}
    if isinstance(value, Template):
        return {"$template": str(value)}
    if isinstance(value, (list, tuple)):
        return [value_to_json(item) for item in value]
    if isinstance(value, Mapping):
        if any(key.startswith("$") for key in value):
            return {"$dict": [[key, value_to_json(item)] for key, item in value.items()]}
        return {key: value_to_json(item) for key, item in value.items()}
    return value


# -- JSON → plan -------------------------------------------------------------


def plan_from_json_text(text: str | bytes, *, earlier: Iterable[int] = ()) -> Plan:
    """A plan from JSON text.

    Args:
        text: The text, or its bytes in UTF-8.
        earlier: Ids of finished tasks of earlier rounds that references may name.

    Raises:
        PlanError: The text is not JSON, or not the JSON form of a plan; `.diagnostics` lists every problem.
    """
    if isinstance(text, (bytes, bytearray)):
        try:
            text = bytes(text).decode("utf-8")
        except UnicodeDecodeError as exc:
            _refuse("syntax", f"the bytes are not UTF-8 text (byte {exc.start})", "encode the JSON as UTF-8")
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            seen: set[str] = set()
            twice.extend(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return found

    try:
        data = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=pairs, parse_constant=_no_constant)
    except json.JSONDecodeError as exc:
        raise PlanError([_not_json(exc)], "this is not JSON") from None
    except RecursionError:
        _refuse(
            "too-deep",
            "the JSON is nested too deep to be read",
            f"nest lists and dicts at most {MAX_DEPTH} deep",
        )
    except ValueError as exc:
        # An integer of more digits than Python converts, or NaN and Infinity.
        _refuse(
            "bad-literal",
            f"a number can not be represented: {exc}",
            "use finite numbers, or text for long ones",
        )
    return _read(data, earlier, [f"the key {short(key)} stands twice in one object" for key in twice])


def plan_from_json(data: Any, *, earlier: Iterable[int] = ()) -> Plan:
    """A plan from its JSON form as Python values.

    Args:
        data: What `plan_to_json` gives, or `json.loads` of it.
        earlier: Ids of finished tasks of earlier rounds that references may name.

    Raises:
        PlanError: `data` is not the JSON form of a plan; `.diagnostics` lists every problem.
    """
    return _read(data, earlier, ())


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _not_json(exc: json.JSONDecodeError) -> Diagnostic:
    start = exc.doc.rfind("\n", 0, exc.pos) + 1
    end = exc.doc.find("\n", exc.pos)
    source = exc.doc[start : min(len(exc.doc) if end < 0 else end, exc.pos + 200)]
    return Diagnostic(
        code="syntax",
        message=f"not JSON: {exc.msg}",
        line=exc.lineno,
        column=exc.colno,
        hint='a plan in JSON is {"tasks": [{"id": 1, "tool": "name", "args": {}}], "join": {}}',
        source=source,
    )


def _refuse(code: str, message: str, hint: str) -> NoReturn:
    raise PlanError([Diagnostic(code=code, message=message, line=0, column=0, hint=hint)])


def _read(data: Any, earlier: Iterable[int], twice: Iterable[str]) -> Plan:
    reader = PlanReader(earlier)
    for problem in twice:
        reader.report("syntax", "the plan", problem, "keep one of them")
    plan = reader.plan(data)
    if reader.problems:
        raise PlanError(reader.problems)
    return plan
