"""What the trained embedded model reads: the one place where its prompts are made, for training and for use alike.

Three prompts: a plan from tools and a question, the next calls after results, and the value that a question asks for
out of one result. No model is called here, and no grammar is made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmcompiler.outcomes import Outcome, Succeeded
from llmcompiler.parameters import Parameter
from llmcompiler.plan import Task
from llmcompiler.signatures import resolve
from llmcompiler.tools import Tool

from .phrases import is_formula
from .words import one_line

MAX_DESCRIPTION = 120
"""Characters of a tool's description that are shown."""
MAX_VALUE = 120
"""Characters of one result that are shown where further calls are planned."""
MAX_TEXT = 1_200
"""Characters of a result out of which a value is taken."""
NOTHING = "none"
"""What the model writes where a result does not hold the value asked for."""
_FIELDS = 12
_CHOICES = 8


def tools_block(tools: Iterable[Tool]) -> str:
    """The beginning of every planning prompt: the same bytes for the same tools, whatever the question."""
    return "Tools:\n" + "".join(f"{tool_line(tool)}\n" for tool in tools)


def tool_line(tool: Tool) -> str:
    """A tool as `name(parameters) -> result: what it does`; text is the type that is not said."""
    params = ", ".join(_parameter(p, tool) for p in tool.params.values())
    result = "" if tool.returns is None else type_text(tool.returns, tool.returns.get("$defs", {}))
    about = _about(tool.description)
    return f"{tool.name}({params}){f' -> {result}' if result else ''}{f': {about}' if about else ''}"


def question_block(question: str) -> str:
    """The question in one line; the first line of the plan comes right after."""
    return "Question: " + one_line(question).replace('"', "'") + "\n"


def results_block(outcomes: Iterable[tuple[int, Outcome]]) -> str:
    """Results of calls that were made, each in a line; the next line of the plan comes right after."""
    lines = []
    for number, outcome in outcomes:
        text = value_text(outcome.value) if isinstance(outcome, Succeeded) else outcome.status
        lines.append(f"{number}: {_cut(text, MAX_VALUE)}\n")
    return "Results:\n" + "".join(lines)


def plan_prompt(tools: Iterable[Tool], question: str, lines: Iterable[str] = (), results: str = "") -> str:
    """The prompt up to where the next line of the plan begins, with its number still to come.

    Args:
        tools: Those offered, in the order in which they are shown.
        question: The user's words.
        lines: Lines of the plan so far, each with its number and line end.
        results: A `results_block`, where some of these calls were made.
    """
    return tools_block(tools) + question_block(question) + "".join(lines) + results


def value_prompt(call: Task | str, text: str, question: str) -> str:
    """The prompt after which the model copies out of `text` the value that decides the question, or writes `none`."""
    named = call if isinstance(call, str) else _call(call)
    return f"Result of {named}: {_cut(text, MAX_TEXT)}\n{question_block(question)}Value:"


def value_text(value: Any) -> str:
    """A value in one line: a text as it is, anything else as JSON."""
    if isinstance(value, str):
        return " ".join(value.split())
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return " ".join(str(value).split())


def type_text(schema: Any, defs: Mapping[str, Any], depth: int = 0) -> str:
    """A JSON schema as the prompt says it: `number`, `text`, `[text]`, `{name, size: number}`; empty if not known."""
    if not isinstance(schema, Mapping) or depth > 3:
        return ""
    schema = resolve(schema, defs)
    options = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(options, list) and options:
        shown = [json.dumps(v, ensure_ascii=False) for v in options[:_CHOICES]]
        return "|".join([*shown, "..."] if len(options) > _CHOICES else shown)
    for key in ("anyOf", "oneOf", "allOf"):
        some = schema.get(key)
        if isinstance(some, list):
            texts = [type_text(s, defs, depth + 1) for s in some if not _is_null(s)]
            return "|".join(dict.fromkeys(t for t in texts if t))
    kind = schema.get("type")
    if isinstance(kind, (list, tuple)):
        kind = next((k for k in kind if k != "null"), None)
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and properties:
        return _record(properties, defs, depth)
    if kind == "array":
        return f"[{type_text(schema.get('items'), defs, depth + 1)}]"
    names = {
        "integer": "number",
        "number": "number",
        "string": "text",
        "boolean": "true|false",
        "object": "{}",
    }
    return names.get(str(kind), "")


def _record(properties: Mapping[str, Any], defs: Mapping[str, Any], depth: int) -> str:
    fields = []
    for name, schema in list(properties.items())[:_FIELDS]:
        kind = type_text(schema, defs, depth + 1)
        fields.append(name if kind in ("", "text") else f"{name}: {kind}")
    return "{" + ", ".join(fields) + (", ..." if len(properties) > _FIELDS else "") + "}"


def _parameter(p: Parameter, tool: Tool) -> str:
    kind = type_text(p.schema, tool.defs)
    if is_formula(p.name) and kind in ("", "text"):
        kind = "formula"
    return f"{p.name}{'' if p.required else '?'}{'' if kind in ('', 'text') else f': {kind}'}"


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def _about(description: str) -> str:
    first = " ".join(description.split("\n\n")[0].split())
    first = re.split(r"(?<=[.;])\s", first)[0].rstrip(".;")
    first = first[:1].lower() + first[1:] if first[1:2].islower() else first
    return _cut(first, MAX_DESCRIPTION)


def _call(task: Task) -> str:
    return str(task).partition(". ")[2]


def _cut(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


__all__: Sequence[str] = [
    "NOTHING",
    "plan_prompt",
    "question_block",
    "results_block",
    "tool_line",
    "tools_block",
    "type_text",
    "value_prompt",
    "value_text",
]
