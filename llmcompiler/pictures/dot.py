"""A plan in the DOT language of Graphviz. What is shown is decided in `grouping`; placing is Graphviz's."""

from __future__ import annotations

from ..plan import Plan
from .grouping import MAX_TASKS, EdgeKind, Node, fit, picture

_WIDTH = 48
_EDGES: dict[EdgeKind, str] = {
    "data": 'class="data"',
    "for": 'class="for", style="bold", penwidth=2.5, label="for"',
    "if": 'class="if", style="dashed", label="if"',
    "order": 'class="order", style="dotted", label="then"',
}


def to_dot(plan: Plan, *, max_tasks: int = MAX_TASKS) -> str:
    """`plan` as a DOT digraph: calls as boxes, and an arrow from each task to those that wait for it.

    Arrows tell their kind by `class`, line and label: `data`, `for` (a list to go through), `if` (only a condition
    reads it), `order` (by effects alone, for a plan checked against tools). Plans of more than `max_tasks` tasks are
    grouped by tool and step. Whatever stands in the arguments can not break out of its label.
    """
    shown = picture(plan, max_tasks)
    lines = [
        "digraph plan {",
        '    node [shape="box", style="rounded", fontname="monospace"];',
        '    edge [fontname="monospace", fontsize=10];',
    ]
    lines += [f"    {n.key} [{_box(n)}];" for n in shown.nodes]
    lines += [f"    {e.source} -> {e.target} [{_EDGES[e.kind]}];" for e in shown.edges]
    return "\n".join([*lines, "}"])


def _box(n: Node) -> str:
    title = f"{n.tasks[0]}. {n.title}" if n.kind == "call" else n.title
    rows = [_escaped(row) for row in (n.clause, title, n.detail) if row]
    look = {
        "call": "",
        "group": ', shape="box3d"',
        "earlier": ', style="rounded,dashed"',
        "answer": ', shape="ellipse"',
    }
    label = "\\n".join(rows)
    return f'class="{n.kind}", label="{label}"{look[n.kind]}'


def _escaped(text: str) -> str:
    # The backslash first: Graphviz reads `\\N`, `\\G` and the like in labels.
    return fit(text, _WIDTH).replace("\\", "\\\\").replace('"', '\\"')
