"""Reports as text, Markdown, charts and pages: what they say, and that nothing in them is anything but text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from asking import DATASET, RuleModel, compiler

from llmcompiler.evaluation import Comparison, Header, Interval, Record, Report, evaluate
from llmcompiler.evaluation.charts import Bar, bar_chart
from llmcompiler.evaluation.tables import plain_text, report_tables

HEADER = Header("set", "0" * 64, "auto", {"model": "m", "planner": "P"})
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style></svg><script>1</script>",
    "]]><!-- --><![CDATA[",
    "\x1b[31mred\x07\u202eright to left",
    "| a | b |\n| --- |",
    "[link](javascript:alert(1)) `code` **bold** <b>",
    "&lt;script&gt; &amp;amp;",
    "\ud800",
    "x" * 1_000_000,
    "",
)


def record(number: int = 0, **changes: Any) -> Record:
    made = Record(
        str(number), question=f"{number}?", output="x", score=1.0, seconds=1.0, cost=0.0, valid=True
    )
    return replace(made, **changes)


class Page(HTMLParser):
    """Tags and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


async def test_the_tables_of_a_report() -> None:
    report = await evaluate(compiler(), DATASET)
    text = str(report)
    rows = {line.split()[0]: line.split() for line in text.splitlines()[2:5]}
    assert rows["heights"][1:4] == ["3", "66.7", "%"]
    assert rows["all"][1:4] == ["4", "75.0", "%"]
    assert "questions: rules, TextPlanner" in text
    assert "ValueError" in text
    assert "How high is Atlantis?" in text
    assert "scorer: auto" in text
    document = report.to_dict()
    assert document["overall"]["accuracy"]["value"] == 0.75
    assert list(document["families"]) == ["heights", "ratios"]


async def test_markdown_tables_have_as_many_cells_in_each_row() -> None:
    report = await evaluate(compiler(), DATASET)
    both = Comparison(report, report, ("a|b", "`c`"))
    for text in (report.to_markdown(), both.to_markdown()):
        for table in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_families_that_are_not_there_are_not_shown() -> None:
    assert Report(HEADER, (record(),)).families == {}
    assert "(no family)" in str(Report(HEADER, (record(), record(1, family="x"))))


def test_prices_that_are_not_known_are_not_made_up() -> None:
    report = Report(HEADER, (record(cost=1.0), record(1, cost=None)))
    assert report.overall.cost is None
    assert "cost" not in str(report).splitlines()[1]
    assert "$2.00" in str(Report(HEADER, (record(cost=1.5), record(1, cost=0.5))))


def test_times_are_of_answers_and_nothing_is_made_of_nothing() -> None:
    failed = record(error={"type": "E", "message": ""}, score=0.0, seconds=99.0)
    m = Report(HEADER, (record(1, seconds=2.0), failed)).overall
    assert (m.p50, m.p95, m.accuracy.value) == (2.0, 2.0, 0.5)
    alone = Report(HEADER, (failed,))
    assert alone.overall.p50 is None
    for text in (str(alone), alone.to_markdown(), alone.to_svg(), alone.to_html()):
        assert "nan" not in text.lower().replace("tenan", "")


def test_mean_scores_are_shown_where_scores_are_not_all_or_nothing() -> None:
    report = Report(HEADER, (record(score=0.6), record(1, score=0.2)))
    assert (report.overall.score, report.overall.accuracy.value) == (0.4, 0.5)
    assert "mean score 0.400" in str(report)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_stands_in_a_report_is_text(text: str) -> None:
    header = replace(HEADER, dataset=text or "set", configuration={"model": text, text: text})
    wrong = record(
        1, id=text or "1", family=text, question=text, reference=text, output=text, note=text, plan=text, score=0.0,
        failed_tasks={text: 1}, diagnostics={text: 1},
    )  # fmt: skip
    failed = record(2, error={"type": text, "message": text}, score=0.0, family=text)
    unscored = record(3, score=None, score_error=text)
    report = Report(header, (wrong, failed, unscored, record(4)))
    both = Comparison(report, report, (text, "b"))
    clean = Report(HEADER, (record(1), record(2), record(3), record(4)))
    for made in (report._repr_html_(), both._repr_html_()):
        assert not {"script", "img", "iframe", "object", "link", "base", "form", "b"} & set(Page(made).tags)
    for made in (report.to_html(), both.to_html()):
        page = Page(made)
        assert not {"script", "img", "iframe", "object", "link", "base", "form"} & set(page.tags)
        assert page.tags.count("title") == 2  # its own and the chart's
        assert not [a for a, _ in page.attributes if a.startswith("on") or a in ("src", "href")]
        assert "default-src 'none'" in made
        assert len(made) < 200_000
    assert set(Page(report.to_html()).tags) - set(Page(clean.to_html()).tags) <= {"pre", "details", "summary"}
    for made in (report.to_svg(), both.to_svg()):
        assert {e.tag.rpartition("}")[2] for e in ET.fromstring(made).iter()} <= {
            "svg", "title", "desc", "style", "rect", "text", "path",
        }  # fmt: skip
    for made in (str(report), str(both), report.to_markdown(), both.to_markdown()):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800]", made)
        assert "<b>" not in made.replace(str(report), "") or made == str(report) or made == str(both)
        assert len(made) < 20_000
    report.to_json(records=True)


def test_a_long_report_shows_wrong_answers_first() -> None:
    records = [record(n, id=f"r{n}") for n in range(2_500)]
    records[2_400] = replace(records[2_400], score=0.0, question="the one that is wrong")
    page = Report(HEADER, tuple(records)).to_html()
    assert "2,000 of 2,500 answers, wrong ones first" in page
    assert "the one that is wrong" in page


async def test_a_chart_shows_each_family_with_its_interval() -> None:
    report = await evaluate(compiler(), DATASET)
    root = ET.fromstring(report.to_svg())
    space = "{http://www.w3.org/2000/svg}"
    bars = [e for e in root.iter(f"{space}rect") if "bar" in (e.get("class") or "")]
    whiskers = [e for e in root.iter(f"{space}path") if e.get("class") == "whisker"]
    texts = [e.text for e in root.iter(f"{space}text")]
    assert (len(bars), len(whiskers)) == (3, 3)
    widths = [float(e.get("width") or 0) for e in bars]
    assert widths[1] == max(widths)  # every ratio is right
    assert widths[0] / widths[1] == pytest.approx(2 / 3, abs=0.01)
    for text in ("heights", "ratios", "all", "75.0 % (30–95 %)"):
        assert text in texts
    assert (root.find(f"{space}desc").text or "").startswith("heights: 66.7 %")  # type: ignore[union-attr]


def test_a_chart_of_many_families_says_what_it_leaves_out() -> None:
    one = Bar(Interval(0.5, 0.4, 0.6), 3)
    made = bar_chart("t", [(f"f{n}", [one]) for n in range(500)] + [("all", [one])], ())
    assert made.count('whisker"/>') == 60
    assert "441 families are not drawn" in made
    assert ">all</text>" in made


@pytest.mark.parametrize(("dark", "follows"), [(None, True), (False, False), (True, False)])
async def test_charts_in_light_and_dark(dark: bool | None, follows: bool) -> None:
    report = Report(HEADER, (record(),))
    assert ("prefers-color-scheme" in report.to_svg(dark=dark)) is follows
    assert report.to_svg(dark=True) != report.to_svg(dark=False)


async def test_a_comparison_says_how_its_numbers_were_made() -> None:
    report = await evaluate(compiler(), DATASET)
    other = await evaluate(compiler(RuleModel(), max_replans=1), DATASET)
    text = str(Comparison(report, other, ("old", "new")))
    for words in (
        "new less old",
        "Newcombe",
        "exact McNemar test",
        "paired bootstrap",
        "seed",
        "max_replans",
        "only old",
    ):
        assert words in text
    found = Comparison(report, other).to_dict()
    assert found["overall"]["accuracy"]["p"] == 1.0
    assert found["settings"] == {"max_replans": [2, 1]}


def test_answers_that_hold_the_right_one_are_pointed_out() -> None:
    near = record(score=0.0, note="the right answer stands in it", reference="Oslo")
    text = str(Report(HEADER, (near, record(1))))
    assert "1 of them hold the right answer among other words" in text
    assert "Oslo" in text


def test_columns_of_wide_characters_are_aligned() -> None:
    report = Report(HEADER, (record(family="山山山"), record(1, family="abcdef")))
    lines = [
        line for line in plain_text(report_tables(report)).splitlines() if line.startswith(("  山", "  abc"))
    ]
    assert lines[0].index(" 1 ") + 3 == lines[1].index(" 1 ")
