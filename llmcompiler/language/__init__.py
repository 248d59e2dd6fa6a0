"""The plan language: text to plan, plan to text, and the JSON form. Knows no tools and checks no meaning.

`PlanParser` reads text that arrives in pieces; `parse_plan` reads it at once. Both give the IR of `llmcompiler.plan`.
"""

from __future__ import annotations

from .jsonform import PLAN_JSON_SCHEMA, plan_from_json, plan_from_json_text, plan_to_json, task_to_json
from .parser import Item, PlanParser, parse_guard, parse_plan
from .printer import print_guard, print_plan, print_task, print_value
from .references import parse_reference, parse_template, parse_variable

__all__ = [
    "PLAN_JSON_SCHEMA",
    "Item",
    "PlanParser",
    "parse_guard",
    "parse_plan",
    "parse_reference",
    "parse_template",
    "parse_variable",
    "plan_from_json",
    "plan_from_json_text",
    "plan_to_json",
    "print_guard",
    "print_plan",
    "print_task",
    "print_value",
    "task_to_json",
]
