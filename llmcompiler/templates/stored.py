"""The JSON form of a template: what is read is checked as a whole, and never trusted to be one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ..errors import PlanError, UsageError
from ..findings import short
from ..language import plan_from_json, plan_to_json
from .holes import KINDS, Hole
from .places import Use
from .template import PlanTemplate, ToolMark

VERSION = 1


def dump(template: PlanTemplate) -> dict[str, Any]:
    """The JSON form of a template, as Python values."""
    return {
        "template": VERSION,
        "question": template.question,
        "plan": plan_to_json(template.plan),
        "holes": [_hole_to_json(hole) for hole in template.holes],
        "tools": {n: {"signature": m.signature, "digest": m.digest} for n, m in template.tools.items()},
    }


def _hole_to_json(hole: Hole) -> dict[str, Any]:
    data: dict[str, Any] = {"name": hole.name, "kind": hole.kind, "example": hole.example}
    data["uses"] = [
        {
            "task": u.task,
            "path": list(u.path),
            **({} if u.start is None else {"start": u.start, "end": u.end}),
        }
        for u in hole.uses
    ]
    data["at"] = [list(pair) for pair in hole.at]
    if hole.choices:
        data["choices"] = list(hole.choices)
    if hole.grouped:
        data["grouped"] = True
    return data


def load(data: Any) -> PlanTemplate:
    """A template from its JSON form.

    Raises:
        UsageError: It is none.
    """
    if not isinstance(data, Mapping) or "template" not in data:
        raise UsageError('this is no plan template: its JSON form is an object with "template", a number')
    if data["template"] != VERSION:
        raise UsageError(
            f"the plan template is of version {short(data['template'])}, and {VERSION} is known here"
        )
    try:
        template = PlanTemplate(
            _text(data["question"]),
            plan_from_json(data["plan"]),
            tuple(_hole(h) for h in _list(data["holes"])),
            {_text(n): ToolMark(_text(m["signature"]), _text(m["digest"])) for n, m in data["tools"].items()},
        )
        names = [hole.name for hole in template.holes]
        if len(set(names)) < len(names):
            raise ValueError("two holes have one name")
        spans = sorted(span for hole in template.holes for span in hole.at)
        count = len(template._atoms or ())
        if any(a[1] > b[0] for a, b in pairwise(spans)) or any(
            not 0 <= first < end <= count for first, end in spans
        ):
            raise ValueError("its holes do not stand in its question")
    except PlanError as e:
        raise UsageError(f"this is no plan template: its plan is none: {e}") from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as e:
        raise UsageError(f"this is no plan template: {short(f'{type(e).__name__}: {e}')}") from None
    return template.verified()


def _hole(data: Any) -> Hole:
    if data["kind"] not in KINDS:
        raise ValueError(f"there is no kind {data['kind']!r} of holes")
    name = _text(data["name"])
    if not name.isidentifier():
        raise ValueError(f"{name!r} is no name")
    return Hole(
        name,
        data["kind"],
        data["example"],
        tuple(_use(u) for u in _list(data["uses"])),
        tuple((_number(first), _number(end)) for first, end in _list(data["at"])),
        tuple(_text(c) for c in _list(data.get("choices", []))),
        data.get("grouped") is True,
    )


def _use(data: Any) -> Use:
    path = tuple(step if isinstance(step, str) else _number(step) for step in _list(data["path"]))
    if "start" not in data:
        return Use(_number(data["task"]), path)
    return Use(_number(data["task"]), path, _number(data["start"]), _number(data["end"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is no whole number")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value
