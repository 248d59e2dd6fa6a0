"""Plans as flowcharts and graphs: what they must say, not how they are laid out."""

from __future__ import annotations

import re
from time import perf_counter

import pytest

from llmcompiler import Plan, Ref, Task, tool
from llmcompiler.pictures import direct_order, shape, to_mermaid

DIAMOND = Plan.parse(
    """
    1. search("Mount Everest")
    2. search("Kilimanjaro")
    3. divide($1.height, $2.height)
    4. unrelated()
    5. report("ratio ${3}", $1)
    join($5)
    """
)


def test_shape_of_a_diamond() -> None:
    s = shape(DIAMOND)
    assert dict(s.levels) == {1: 1, 2: 1, 3: 2, 4: 1, 5: 3}
    assert (s.depth, s.width) == (3, 3)
    assert s.critical_path == (1, 3, 5)
    assert s.speedup == pytest.approx(5 / 3)


def test_shape_of_nothing() -> None:
    s = shape(Plan())
    assert (s.depth, s.width, s.critical_path, s.speedup) == (0, 0, (), 1.0)


def test_results_of_earlier_rounds_cost_no_step() -> None:
    plan = Plan((Task(7, "a", {"x": Ref(3)}), Task(8, "b", {"x": Ref(7)})))
    assert dict(shape(plan).levels) == {7: 1, 8: 2}
    assert "result of task 3" in to_mermaid(plan)


def test_order_of_writing_does_not_matter() -> None:
    plan = Plan((Task(2, "b", {"x": Ref(1)}), Task(1, "a")))
    assert shape(plan).critical_path == (1, 2)


def test_a_cycle_is_told_not_fatal() -> None:
    plan = Plan((Task(1, "a", {"x": Ref(2)}), Task(2, "b", {"x": Ref(1)}), Task(3, "c")))
    assert dict(shape(plan).levels) == {3: 1}
    assert "Never starts, for it waits for itself: 1, 2." in plan.explain()
    assert "t1 --> t2" in to_mermaid(plan)


def test_a_long_chain_is_linear_and_does_not_recurse() -> None:
    tasks = [Task(1, "a"), *(Task(i, "a", {"x": Ref(i - 1)}) for i in range(2, 50_001))]
    begun = perf_counter()
    s = shape(Plan(tuple(tasks)))
    assert s.depth == 50_000
    assert len(s.critical_path) == 50_000
    assert perf_counter() - begun < 5


def test_mermaid_of_a_diamond() -> None:
    lines = [line.strip() for line in DIAMOND.to_mermaid().splitlines()]
    assert lines[0].startswith("flowchart")
    edges = {line for line in lines if "-->" in line}
    assert edges == {"t1 --> t3", "t2 --> t3", "t3 --> t5", "t1 --> t5", "t5 --> answer"}


def test_mermaid_of_a_bare_join_starts_at_every_end() -> None:
    lines = Plan.parse("1. a()\n2. b()\n3. c($1)\njoin()").to_mermaid()
    assert "t2 --> answer" in lines
    assert "t3 --> answer" in lines
    assert "t1 --> answer" not in lines


def test_mermaid_tells_loops_and_conditions_from_values() -> None:
    from llmcompiler.guards import Truth
    from llmcompiler.plan import Each
    from llmcompiler.values import Var

    plan = Plan(
        (
            Task(1, "a"),
            Task(2, "b", {"city": Var("city")}, each=Each("city", Ref(1, ("cities",)))),
            Task(3, "c", when=Truth(Ref(1))),
        )
    )
    text = to_mermaid(plan)
    assert "t1 ==> t2" in text
    assert "t1 -. if .-> t3" in text


@pytest.mark.parametrize(
    "evil", ['"]; click t1 href "x"', "`md`", "<script>", "#quot;", "a\nend\nb", "]]>", "\\", "%%"]
)
def test_no_argument_breaks_out_of_its_label(evil: str) -> None:
    text = to_mermaid(Plan((Task(1, "a", {"x": evil}),)))
    node = next(line for line in text.splitlines() if line.strip().startswith("t1["))
    label = re.fullmatch(r'\s*t1\["([^"]*)"\]', node)
    assert label is not None
    assert not set(label[1]) & set("<>`\\\n")
    assert re.fullmatch(r"(?:[^#&;]|#\w+;)*", label[1])
    assert len(text.splitlines()) == 4


# -- order by effects ----------------------------------------------------------------------


@tool(effect="write", resource=lambda key, **_: key)
async def put(key: str, value: int = 0) -> str:
    """Put."""
    return key


@tool(effect="read", resource=lambda key: key)
async def look(key: str) -> int:
    """Look."""
    return 0


ORDERED = Plan.parse(
    '1. put("a")\n2. put("b")\n3. look("a")\n4. put("a", $3)\n5. look("a")', tools=[put, look]
)


def test_graphs_tell_order_from_values() -> None:
    edges = {(a, b): kind for a, b, kind in ORDERED.graph().edges(data="kind")}
    assert edges[3, 4] == "data", "an edge of both kinds is one of values"
    assert edges[1, 3] == "order"
    assert edges[4, 5] == "order"
    assert (1, 2) not in edges


def test_without_tools_there_is_no_order() -> None:
    plain = Plan(ORDERED.tasks)
    assert {kind for *_, kind in plain.graph().edges(data="kind")} == {"data"}
    assert "then" not in plain.to_mermaid()
    assert shape(plain).depth == 2


def test_mermaid_shows_order_as_a_kind_of_its_own() -> None:
    text = ORDERED.to_mermaid()
    assert "t1 -. then .-> t3" in text
    assert "t3 --> t4" in text
    assert "t1 -. then .-> t4" not in text, "that follows from 1 before 3 before 4"
    assert "t4 -. then .-> t5" in text


def test_the_shape_counts_order() -> None:
    s = shape(ORDERED)
    assert s.critical_path == (1, 3, 4, 5)
    assert dict(s.levels)[2] == 1


def test_showing_order_leaves_out_what_follows_and_keeps_what_does_not() -> None:
    plan = Plan(tuple(Task(i, "a", {"x": Ref(2)} if i == 3 else {}) for i in range(1, 6)))
    order = {2: (1,), 3: (1,), 4: (1, 2, 3), 5: (4, 1)}
    assert direct_order(plan, order) == {2: (1,), 4: (3,), 5: (4,)}
