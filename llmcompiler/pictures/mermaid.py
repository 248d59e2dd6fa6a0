"""A plan as a Mermaid flowchart. What is shown is decided in `grouping`; placing is Mermaid's."""

from __future__ import annotations

from ..explaining.tables import cut
from ..plan import Plan
from .grouping import MAX_TASKS, EdgeKind, Node, picture

_LABEL_WIDTH = 100
_ARROWS: dict[EdgeKind, str] = {"data": "-->", "for": "==>", "if": "-. if .->", "order": "-. then .->"}


def to_mermaid(plan: Plan, *, max_tasks: int = MAX_TASKS) -> str:
    """`plan` as a Mermaid flowchart: calls as boxes, a solid arrow for each value passed on.

    A thick arrow is a list to go through (`for`). Dotted arrows pass no value on: `if` leads to a call with a
    condition, `then` is order by effects, for a plan checked against tools. Results of earlier rounds are rounded
    boxes. Plans of more than `max_tasks` tasks are grouped by tool and step. Whatever stands in the arguments can not
    break out of its label.
    """
    shown = picture(plan, max_tasks)
    lines = ["flowchart TD"]
    lines += [f"    {_box(n)}" for n in shown.nodes]
    lines += [f"    {e.source} {_ARROWS[e.kind]} {e.target}" for e in shown.edges]
    return "\n".join(lines)


def _box(n: Node) -> str:
    if n.kind == "answer":
        return f'{n.key}(["{_label(n.title)}"])'
    if n.kind == "earlier":
        return f'{n.key}("{_label(n.title)}")'
    clause = f"{n.clause}: " if n.clause else ""
    if n.kind == "call":
        return f'{n.key}["{_label(f"{n.tasks[0]}. {clause}{n.title}{n.detail}")}"]'
    said = ", ".join(filter(None, (n.detail, n.clause)))
    return f'{n.key}[["{_label(f"{n.title} ({said})")}"]]'


# Mermaid reads `#name;` inside quoted labels; these are the characters that end a label, start an entity or a tag, or
# are taken for Markdown.
_ENTITIES = str.maketrans(
    {
        "#": "#35;",
        '"': "#quot;",
        "<": "#lt;",
        ">": "#gt;",
        "&": "#amp;",
        "`": "#96;",
        "\\": "#92;",
        ";": "#59;",
    }
)


def _label(text: str) -> str:
    plain = "".join(ch if ch.isprintable() else " " for ch in cut(text, _LABEL_WIDTH))
    return plain.translate(_ENTITIES)
