"""A plan's graph as SVG: boxes, arrows, legend, states of a run. `grouping` decides what is shown, `layout` where.

One file that needs nothing else: fonts of the system, no script, no links, no HTML inside. Every text is escaped, cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Protocol

from ..explaining.tables import count
from ..plan import Plan
from .grouping import MAX_TASKS, Edge, EdgeKind, Node, Picture, columns, fit, picture
from .layout import Placed, Point, layered
from .shapes import shape

_CH = 7.3
"""Width of a column of the 12 px fixed-width font, in pixels; a little more than any system's."""
_MOST = 30
"""Columns of text in a box."""
_PAD = 12
_ROW = 17
_MARGIN = 20
_PAGE = 1100
"""Pixels of width up to which layers are rows."""

_MARKS = {
    "waiting": ("·", "waiting"),
    "queued": ("…", "queued"),
    "running": ("▶", "running"),
    "approval": ("?", "needs approval"),
    "succeeded": ("✓", "succeeded"),
    "failed": ("✗", "failed"),
    "skipped": ("↷", "skipped"),
    "cancelled": ("■", "cancelled"),
}
_WORST = ("failed", "approval", "running", "queued", "waiting", "cancelled", "skipped", "succeeded")
_EDGES: dict[EdgeKind, str] = {
    "data": "value passed on",
    "for": "list gone through (for)",
    "if": "condition (if)",
    "order": "order by effects",
}
_LIGHT = (
    "--bg:#ffffff;--line:#d0d7de;--box:#f6f8fa;--edge:#6e7781;--ink:#1f2328;--soft:#59636e;--for:#0969da;--if:#8250df;"
    "--order:#bc4c00;--crit:#cf222e;--ok:#1a7f37;--okbg:#dafbe1;--bad:#cf222e;--badbg:#ffebe9;--run:#0969da;"
    "--runbg:#ddf4ff;--ask:#9a6700;--askbg:#fff8c5"
)
_DARK = (
    "--bg:#0d1117;--line:#3d444d;--box:#161b22;--edge:#8b949e;--ink:#e6edf3;--soft:#9198a1;--for:#58a6ff;--if:#bc8cff;"
    "--order:#f0883e;--crit:#ff7b72;--ok:#3fb950;--okbg:#12261e;--bad:#f85149;--badbg:#2d1517;--run:#58a6ff;"
    "--runbg:#121d2f;--ask:#d29922;--askbg:#272115"
)
_STYLE = """
.S text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:var(--ink);direction:ltr}
.S .page{fill:var(--bg)}
.S .box{fill:var(--box);stroke:var(--line);stroke-width:1.25}
.S .tool{font-weight:700}
.S .id,.S .detail,.S .clause,.S .legend,.S .time{fill:var(--soft)}
.S .id,.S .clause,.S .legend,.S .time{font-size:11px}
.S .clause{font-style:italic}
.S .earlier .box{stroke-dasharray:4 3}
.S .edge path{fill:none;stroke:var(--edge);stroke-width:1.4}
.S .edge polygon{fill:var(--edge)}
.S .for path{stroke:var(--for);stroke-width:3}
.S .for polygon{fill:var(--for)}
.S .if path{stroke:var(--if);stroke-dasharray:7 4}
.S .if polygon{fill:var(--if)}
.S .order path{stroke:var(--order);stroke-dasharray:2 4;stroke-linecap:round;stroke-width:1.8}
.S .order polygon{fill:var(--order)}
.S .critical path{stroke-width:2.8}
.S .data.critical path{stroke:var(--crit)}
.S .data.critical polygon{fill:var(--crit)}
.S .critical .box{stroke:var(--crit);stroke-width:2.2}
.S .succeeded .box{fill:var(--okbg)}
.S .succeeded .mark{fill:var(--ok)}
.S .failed .box{fill:var(--badbg)}
.S .failed .mark{fill:var(--bad)}
.S .running .box{fill:var(--runbg)}
.S .running .mark{fill:var(--run)}
.S .approval .box{fill:var(--askbg)}
.S .approval .mark{fill:var(--ask)}
.S .skipped .box,.S .cancelled .box{stroke-dasharray:2 3}
.S .mark{font-weight:700}
"""


class _Items(Protocol):
    @property
    def ended(self) -> int: ...
    @property
    def total(self) -> int | None: ...


class _TaskState(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def started(self) -> float | None: ...
    @property
    def finished(self) -> float | None: ...
    @property
    def critical(self) -> bool: ...
    @property
    def after(self) -> Sequence[int]: ...
    @property
    def items(self) -> _Items | None: ...


class RunStates(Protocol):
    """What is read of a `Trace`: the states and times of its tasks."""

    @property
    def tasks(self) -> Sequence[_TaskState]:
        """Each task of the run."""


def graph_svg(
    plan: Plan, *, trace: RunStates | None = None, dark: bool | None = None, max_tasks: int = MAX_TASKS
) -> str:
    r"""`plan` as an SVG picture that stands alone.

    Kinds of arrows, the longest chain of calls and, with a `trace`, the state and time of each call differ by form as
    well as by colour; a legend names those there are. The same plan gives the same text.

    Args:
        plan: Any plan, also one without tasks or with a cycle.
        trace: The run it had or has; its critical path is the one that is marked then.
        dark: Dark or light; by default what the viewer's system prefers.
        max_tasks: A plan of more tasks is grouped into at most so many boxes of calls.

    ```python
    from llmcompiler import Plan
    from llmcompiler.pictures import graph_svg

    assert graph_svg(Plan.parse("1. a()\n2. b($1)")).startswith("<svg")
    ```
    """
    ours = {t.id for t in plan.tasks}
    states = {t.id: t for t in trace.tasks if t.id in ours} if trace is not None else {}
    shown = picture(plan, max_tasks, {i: t.after for i, t in states.items()})
    if states:
        done = [t for t in states.values() if t.critical]
        done.sort(key=lambda t: (float("inf") if t.finished is None else t.finished, t.id))
        critical = [t.id for t in done]
    else:
        critical = [*shape(plan).critical_path]
        critical = critical if len(critical) > 1 else []
    texts = {n.key: _rows(n, states) for n in shown.nodes}
    sizes = {n.key: _size(texts[n.key]) for n in shown.nodes}
    placed = _placed(shown, sizes)
    calls = shown.node_of()
    chain = [calls[i] for i in critical if calls[i].startswith("t")]
    marked = set(chain)
    steps = set(pairwise([*chain, "answer"]))
    body = [_arrow(e, placed, (e.source, e.target) in steps) for e in shown.edges]
    body += [
        _box(n, texts[n.key], placed.boxes[n.key], n.key in marked, _state(n, states)) for n in shown.nodes
    ]
    legend, wide, high = _legend(shown, bool(marked), {_state(n, states) for n in shown.nodes}, placed.width)
    width, height = max(placed.width, wide) + 2 * _MARGIN, placed.height + high + 2 * _MARGIN
    left = _MARGIN + max(0.0, (wide - placed.width) / 2)
    look = {None: "llmc-graph", True: "llmc-graph-dark", False: "llmc-graph-light"}[dark]
    style = f".{look}{{{_DARK if dark else _LIGHT}}}" + _STYLE.replace(".S", f".{look}")
    if dark is None:
        style += f"@media (prefers-color-scheme:dark){{.{look}{{{_DARK}}}}}\n"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{look}" role="img"',
            f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}"',
            'style="max-width:100%;height:auto">',
            f"<title>Plan of {count(len(plan.tasks), 'call')}</title>",
            f"<desc>{escape(_described(plan, shown, states))}</desc>",
            f"<style>{style}</style>",
            f'<rect class="page" width="{_n(width)}" height="{_n(height)}" rx="8"/>',
            f'<g transform="translate({_n(left)} {_MARGIN})">',
            *body,
            "</g>",
            f'<g transform="translate({_MARGIN} {_n(_MARGIN + placed.height)})">',
            *legend,
            "</g>",
            "</svg>",
        ]
    )


def _placed(shown: Picture, sizes: Mapping[str, tuple[float, float]]) -> Placed:
    edges = [(e.source, e.target) for e in shown.edges]
    rows = layered(sizes, edges)
    if rows.width <= _PAGE:
        return rows
    columns_ = layered(sizes, edges, across=14, along=80, sideways=True)
    return columns_ if columns_.width < rows.width else rows


Rows = tuple[str, str, str, str, str]
"""Clause, id, tool, arguments and state of a box, cut."""


def _rows(n: Node, states: Mapping[int, _TaskState]) -> Rows:
    number = f"{n.tasks[0]}" if n.kind == "call" else ""
    title = fit(n.title, _MOST - (len(number) + 1 if number else 0))
    return fit(n.clause, _MOST), number, title, fit(n.detail, _MOST), _said(n, states)


def _size(rows: Rows) -> tuple[float, float]:
    clause, number, title, detail, said = rows
    top = columns(title) + (len(number) + 1 if number else 0)
    most = max(columns(clause), top, columns(detail), columns(said))
    lines = sum(bool(row) for row in (clause, title, detail, said))
    return round(max(64.0, most * _CH + 2 * _PAD), 1), lines * _ROW + 14.0


def _state(n: Node, states: Mapping[int, _TaskState]) -> str:
    found = {states[i].status for i in n.tasks if i in states} if n.kind in ("call", "group") else set()
    return next((s for s in _WORST if s in found), "")


def _said(n: Node, states: Mapping[int, _TaskState]) -> str:
    if n.kind not in ("call", "group"):
        return ""
    here = [states[i] for i in n.tasks if i in states]
    if n.kind == "group":
        counted = Counter(t.status for t in here)
        return fit("  ".join(f"{_MARKS[s][0]} {counted[s]:,}" for s in reversed(_WORST) if counted[s]), _MOST)
    if not here:
        return ""
    t = here[0]
    said = _MARKS[t.status][0] if t.status in _MARKS else t.status
    if t.started is not None and t.finished is not None:
        said += f" {_seconds(t.finished - t.started)}"
    elif t.status in _MARKS:
        said += f" {_MARKS[t.status][1]}"
    if t.items is not None:
        total = f"/{t.items.total:,}" if t.items.total is not None else ""
        said += f"  × {t.items.ended:,}{total}"
    return fit(said, _MOST)


def _seconds(s: float) -> str:
    return f"{s * 1000:.0f} ms" if s < 1 else f"{s:.1f} s" if s < 100 else f"{s:,.0f} s"


def _box(n: Node, rows: Rows, box: tuple[float, float, float, float], critical: bool, state: str) -> str:
    x, y, w, h = box
    clause, number, title, detail, said = rows
    names = " ".join(filter(None, ("node", n.kind, state, "critical" if critical else "")))
    parts = [f'<g class="{names}" data-key="{n.key}">', f"<title>{_tip(n, state)}</title>"]
    if n.kind == "group":  # a pile of boxes
        parts.append(
            f'<rect class="box" x="{_n(x + 4)}" y="{_n(y - 4)}" width="{_n(w)}" height="{_n(h)}" rx="6"/>'
        )
    radius = _n(h / 2) if n.kind in ("answer", "earlier") else "6"
    parts.append(
        f'<rect class="box" x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" rx="{radius}"/>'
    )
    at = y + 19.0
    for kind, row in (("clause", clause), ("tool", title), ("detail", detail), ("mark", said)):
        if not row:
            continue
        text = escape(row)
        if kind == "tool" and number:
            text = f'<tspan class="id">{number}</tspan> <tspan class="tool">{text}</tspan>'
        middle = n.kind in ("answer", "earlier")
        place = f'x="{_n(x + w / 2)}" text-anchor="middle"' if middle else f'x="{_n(x + _PAD)}"'
        name = "" if kind == "tool" and number else f' class="{kind}"'
        parts.append(f'<text {place} y="{_n(at)}"{name}>{text}</text>')
        at += _ROW
    return "".join([*parts, "</g>"])


def _tip(n: Node, state: str) -> str:
    clause = f"{n.clause}: " if n.clause and n.kind == "call" else ""
    number = f"{n.tasks[0]}. " if n.kind == "call" else ""
    said = f" ({_MARKS[state][1] if state in _MARKS else state})" if state else ""
    return escape(fit(f"{number}{clause}{n.title}{n.detail if n.kind == 'call' else ''}", 300) + said)


def _arrow(e: Edge, placed: Placed, on_path: bool) -> str:
    critical = " critical" if on_path else ""
    start = f'<g class="edge {e.kind}{critical}" data-from="{e.source}" data-to="{e.target}">'
    points = placed.paths.get((e.source, e.target))
    if points is None:  # to itself
        x, y, w, h = placed.boxes[e.source]
        a, b = y + h * 0.3, y + h * 0.7
        right = x + w
        loop = (
            f"M{_n(right)} {_n(a)}C{_n(right + 18)} {_n(a)} {_n(right + 18)} {_n(b)} {_n(right + 6)} {_n(b)}"
        )
        return f'{start}<path d="{loop}"/>{_head((right + 8, b), (right, b))}</g>'
    flat = placed.sideways
    *_, end = points
    before = _backed(points, end, flat)
    route = [*points[:-1], before]
    d = [f"M{_n(route[0][0])} {_n(route[0][1])}"]
    for k in range(1, len(route)):
        (x0, y0), (x1, y1) = route[k - 1], route[k]
        if (x0, y0) == (x1, y1):
            continue
        if x0 == x1 or y0 == y1 or k % 2 == 1:
            d.append(f"L{_n(x1)} {_n(y1)}")
        elif flat:
            m = (x0 + x1) / 2
            d.append(f"C{_n(m)} {_n(y0)} {_n(m)} {_n(y1)} {_n(x1)} {_n(y1)}")
        else:
            m = (y0 + y1) / 2
            d.append(f"C{_n(x0)} {_n(m)} {_n(x1)} {_n(m)} {_n(x1)} {_n(y1)}")
    return f'{start}<path d="{"".join(d)}"/>{_head(before, end)}</g>'


def _backed(points: Sequence[Point], end: Point, flat: bool) -> Point:
    """Where the line ends and its head begins."""
    come = next(p for p in reversed(points[:-1]) if p[0 if flat else 1] != end[0 if flat else 1])
    if flat:
        return end[0] + (8 if come[0] > end[0] else -8), end[1]
    return end[0], end[1] + (8 if come[1] > end[1] else -8)


def _head(base: Point, tip: Point) -> str:
    (bx, by), (tx, ty) = base, tip
    px, py = (ty - by) * 0.5, (bx - tx) * 0.5
    corners = ((tx, ty), (bx + px, by + py), (bx - px, by - py))
    return f'<polygon points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in corners)}"/>'


def _legend(shown: Picture, critical: bool, states: set[str], wide: float) -> tuple[list[str], float, float]:
    """Entries for what there is, in lines about as wide as the drawing; how wide and high they are."""
    kinds = {e.kind for e in shown.edges}
    entries = [(f"edge {k}", text) for k, text in _EDGES.items() if k in kinds]
    if critical:
        entries.append(("edge data critical", "critical path"))
    samples: list[tuple[str, str, str]] = [("line", name, text) for name, text in entries]
    samples += [(mark, s, text) for s, (mark, text) in _MARKS.items() if s in states]
    if shown.grouped:
        samples.append(("×", "", f"{shown.tasks:,} calls, grouped by tool and step"))
    limit, x, y, most = max(wide, 420.0), 0.0, 34.0, 0.0
    parts = []
    for what, name, text in samples:
        lead = 34 if what == "line" else 14
        long = lead + len(text) * 6.8
        if x and x + long > limit:
            x, y = 0.0, y + 18
        if what == "line":
            head = _head((x + 20, y - 4), (x + 28, y - 4))
            parts.append(f'<g class="{name}"><path d="M{_n(x)} {_n(y - 4)}h20"/>{head}</g>')
        else:
            parts.append(f'<g class="{name}"><text class="mark" x="{_n(x)}" y="{_n(y)}">{what}</text></g>')
        parts.append(f'<text class="legend" x="{_n(x + lead)}" y="{_n(y)}">{text}</text>')
        most = max(most, x + long)
        x += long + 20
    return parts, most, y if samples else 0.0


def _described(plan: Plan, shown: Picture, states: Mapping[int, _TaskState]) -> str:
    if not plan.tasks:
        return "A plan without calls."
    s = shape(plan)
    said = f"{count(len(plan.tasks), 'call')} in {count(s.depth, 'step')}, at most {s.width:,} at once."
    path = s.critical_path
    if len(path) > 1:
        some = ", ".join(map(str, path[:20])) + (", ..." if len(path) > 20 else "")
        said += f" Longest chain: {some}."
    if states:
        counted = Counter(t.status for t in states.values())
        said += " " + ", ".join(f"{counted[k]:,} {_MARKS[k][1]}" for k in _MARKS if counted[k]) + "."
    if shown.grouped:
        said += " Grouped by tool and step."
    return said


def _n(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0").replace("-0.0", "0")
