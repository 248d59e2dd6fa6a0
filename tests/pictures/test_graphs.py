"""Pictures of plans mean what the plan says: boxes, arrows and their kinds, whatever stands in the arguments."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import LLMCompiler, Plan, Ref, Task, tool
from llmcompiler.pictures import graph_svg, to_dot, to_mermaid
from llmcompiler.pictures.grouping import columns, fit, picture
from llmcompiler.pictures.layout import layered

ORDER = '<g class="edge order'
SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(__file__).resolve().parents[2]
EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]></style><svg onload=alert(1)>",
    "&lt;b&gt; &amp; &#x3C;",
    '\\" ]; x -> y; "',
    "\x1b[31mred\x1b[0m\x00\r\n\t\u2028",
    "\ud800 half \udfff",
    "\u202eright to left\u202c مرحبا 世界 e\u0301 👩\u200d💻",
    "#quot;]; t1 --> t9",
    "x" * 1_000_000,
]


@dataclass
class State:
    id: int
    status: str
    started: float | None = 0.0
    finished: float | None = None
    critical: bool = False
    items: None = None
    after: tuple[int, ...] = ()


@dataclass
class Run:
    tasks: list[State]


@tool(effect="write", resource="box")
def put(x: Any) -> Any:
    """Put."""
    return x


KINDS = Plan.parse(
    "1. put(1)\n2. put(2)\n3. for x in $1: put(x)\n4. if $1 > 2: put($2)\njoin($4)", tools=[put]
)


def arrows(svg: str) -> dict[tuple[str, str], str]:
    found = {}
    for g in ET.fromstring(svg).iter(f"{SVG}g"):
        if "data-from" in g.attrib:
            found[g.attrib["data-from"], g.attrib["data-to"]] = g.attrib["class"].split()[1]
    return found


def boxes(svg: str) -> dict[str, tuple[float, float, float, float]]:
    found = {}
    for g in ET.fromstring(svg).iter(f"{SVG}g"):
        if "data-key" in g.attrib:
            r = list(g.iter(f"{SVG}rect"))[-1].attrib
            found[g.attrib["data-key"]] = (
                float(r["x"]),
                float(r["y"]),
                float(r["width"]),
                float(r["height"]),
            )
    return found


def test_kinds_of_arrows_are_those_of_the_plan_in_every_form() -> None:
    kinds = {e.kind for e in picture(KINDS).edges}
    assert kinds == {"data", "for", "if", "order"}
    expected = {(e.source, e.target): e.kind for e in picture(KINDS).edges}
    assert expected["t1", "t3"] == "for"
    assert expected["t1", "t4"] == "if"
    assert expected["t2", "t4"] == "data"
    assert expected["t1", "t2"] == "order"
    assert arrows(graph_svg(KINDS)) == expected
    found = re.findall(r'^    (\w+) -> (\w+) \[class="(\w+)"', to_dot(KINDS), re.MULTILINE)
    assert {(a, b): k for a, b, k in found} == expected
    for (a, b), kind in expected.items():
        arrow = {"data": "-->", "for": "==>", "if": "-. if .->", "order": "-. then .->"}[kind]
        assert f"    {a} {arrow} {b}" in to_mermaid(KINDS).split("\n")
    svg = graph_svg(KINDS)
    for said in ("value passed on", "list gone through", "condition (if)", "order by effects"):
        assert said in svg


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    n = draw(st.integers(0, 25))
    ids = st.integers(1, n + 2)  # also of itself, of later ones (cycles), and of earlier rounds
    needs = [draw(st.lists(ids, max_size=4)) for _ in range(n)]
    return Plan(
        tuple(
            Task(i, f"tool{i % 3}", {str(k): Ref(d) for k, d in enumerate(ds)})
            for i, ds in enumerate(needs, 1)
        )
    )


def apart(found: dict[str, tuple[float, float, float, float]]) -> bool:
    return all(
        a[0] + a[2] <= b[0] + 0.2
        or b[0] + b[2] <= a[0] + 0.2
        or a[1] + a[3] <= b[1] + 0.2
        or b[1] + b[3] <= a[1] + 0.2
        for a, b in combinations(found.values(), 2)
    )


@settings(max_examples=60, deadline=None)
@given(plans(), st.integers(1, 30))
def test_any_plan_is_drawn_with_its_boxes_apart(plan: Plan, most: int) -> None:
    svg = graph_svg(plan, max_tasks=most)
    shown = picture(plan, most)
    assert apart(boxes(svg))
    assert set(boxes(svg)) == {n.key for n in shown.nodes}
    assert set(arrows(svg)) == {(e.source, e.target) for e in shown.edges}
    assert sorted(shown.node_of()) == [t.id for t in plan.tasks]
    assert sum(n.kind in ("call", "group") for n in shown.nodes) <= max(most, 0)
    assert svg == graph_svg(plan, max_tasks=most)


@settings(max_examples=60, deadline=None)
@given(plans(), st.booleans())
def test_arrows_do_not_run_through_boxes(plan: Plan, sideways: bool) -> None:
    edges = [(e.source, e.target) for e in picture(plan).edges]
    placed = layered({n.key: (80, 40) for n in picture(plan).nodes}, edges, sideways=sideways)
    for (a, b), points in placed.paths.items():
        for (x0, y0), (x1, y1) in zip(points[::2], points[1::2], strict=True):
            for key, (x, y, w, h) in placed.boxes.items():
                beside = max(x0, x1) <= x or min(x0, x1) >= x + w or max(y0, y1) <= y or min(y0, y1) >= y + h
                assert beside or key in (a, b)


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
def test_what_stands_in_arguments_does_not_get_out(text: str) -> None:
    plan = Plan((Task(1, "a", {"x": text}), Task(2, text[:200], {"x": Ref(1)})))
    svg = graph_svg(plan, trace=Run([State(1, text[:40]), State(2, "failed")]))
    assert len(svg) < 20_000
    tags = {e.tag.removeprefix(SVG) for e in ET.fromstring(svg.encode()).iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "g", "text", "tspan", "path", "polygon"}
    names = {a for e in ET.fromstring(svg).iter() for a in e.attrib}
    assert not [a for a in names if a.startswith("on") or "href" in a]
    for made in (svg, to_dot(plan), to_mermaid(plan)):
        made.encode()
        assert not re.search("[\x00-\x08\x1b\u202e]", made)
    labels = re.findall(r'^    t[12] \[class="call", label="(?:[^"\\]|\\.)*"\];$', to_dot(plan), re.MULTILINE)
    assert len(labels) == 2
    assert len(to_mermaid(plan).split("\n")) == len(to_dot(plan).split("\n")) - 3


def test_states_differ_by_sign_and_are_named() -> None:
    plan = Plan.parse("1. a()\n2. b($1)\n3. c($2)\njoin()")
    run = Run(
        [State(1, "succeeded", 0.0, 1.5, True), State(2, "failed", 2.0, 2.25), State(3, "skipped", None)]
    )
    svg = graph_svg(plan, trace=run)
    for said in ("✓ 1.5 s", "✗ 250 ms", "↷ skipped", "1 succeeded, 1 failed, 1 skipped"):
        assert said in svg
    critical = re.findall(r'class="node call \w+ critical" data-key="(\w+)"', svg)
    assert critical == ["t1"]


def test_the_longest_chain_is_marked() -> None:
    svg = graph_svg(Plan.parse("1. a()\n2. b($1)\n3. c($1, $2)\n4. d()\njoin($3)"))
    found = set(re.findall(r'class="edge \w+ critical" data-from="(\w+)" data-to="(\w+)"', svg))
    assert found == {("t1", "t2"), ("t2", "t3"), ("t3", "answer")}


def test_light_dark_or_as_the_viewer_likes() -> None:
    assert "prefers-color-scheme" in graph_svg(KINDS)
    assert "prefers-color-scheme" not in graph_svg(KINDS, dark=True)
    assert graph_svg(KINDS, dark=True) != graph_svg(KINDS, dark=False)


def test_a_plan_without_tasks_and_a_task_that_waits_for_itself() -> None:
    assert "A plan without calls." in graph_svg(Plan())
    svg = graph_svg(Plan((Task(1, "a", {"x": Ref(1)}),)))
    assert arrows(svg)["t1", "t1"] == "data"


@pytest.mark.parametrize("shape", ["wide", "chain", "many tools"])
def test_large_plans_are_grouped(shape: str) -> None:
    name = "fetch{}" if shape == "many tools" else "fetch"
    needs = {i: {"x": Ref(i - 1)} if shape == "chain" and i > 1 else {} for i in range(1, 10_001)}
    tasks = [Task(i, name.format(i), args) for i, args in needs.items()]
    plan = Plan(tuple(tasks))
    svg = graph_svg(plan)
    assert sum(key != "answer" for key in boxes(svg)) <= 200
    assert len(svg) < 200_000
    assert "10,000 calls, grouped" in svg
    assert len(to_mermaid(plan)) < 50_000
    if shape == "wide":
        assert "fetch × 10,000" in svg
        assert "fetch × 10,000" in to_dot(plan)


def test_two_thousand_boxes_are_placed() -> None:
    edges = [(str(i // 2), str(i)) for i in range(1, 2_000)]
    placed = layered({str(i): (80, 40) for i in range(2_000)}, edges)
    assert len(placed.boxes) == 2_000


def test_widths_of_characters() -> None:
    assert columns("世界") == 4
    assert columns("e\u0301") == 1
    assert fit("世界" * 20, 10) == "世界世界…"
    assert fit("a\nb\x1b[0m\ud800", 20) == "a b [0m "


def test_the_picture_in_the_documentation_is_current() -> None:
    text = (ROOT / "docs/graphs.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- file: graph\.py -->\n```python\n(.*?)```", text, re.DOTALL)
    assert block is not None
    names: dict[str, object] = {"__name__": "graph"}
    exec(compile(block[1], "graph.py", "exec"), names)
    plan = names["plan"]
    assert isinstance(plan, Plan)
    assert (ROOT / "docs/assets/graph-plan.svg").read_text(encoding="utf-8") == plan.to_svg() + "\n"


async def test_the_graph_of_a_run_has_the_order_that_it_ran_in() -> None:
    """Also of a plan that came task by task and knows no tools: the run tells."""

    @tool(effect="write", resource="box")
    async def put(text: str) -> str:
        """Put."""
        return text

    text = '1. put("a")\n2. put("b")\n3. put("c")\njoin()'
    result = await LLMCompiler([put]).execute(text)
    bare = Plan.parse(text)
    assert ORDER not in graph_svg(bare)
    drawn = graph_svg(bare, trace=result.trace())
    assert len(re.findall(ORDER + "[^>]*data-from", drawn)) == 2  # not 3: 1 before 3 follows
    assert "order by effects" in drawn
    assert len(re.findall(ORDER + "[^>]*data-from", graph_svg(result.plans[0], trace=result.trace()))) == 2
