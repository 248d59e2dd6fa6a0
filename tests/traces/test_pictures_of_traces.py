"""Timelines, pages and Perfetto files mean what the trace says, and nothing in a run can break out of them."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from llmcompiler import LLMCompiler, UsageError, tool
from llmcompiler.traces import (
    Attempt,
    Phase,
    Trace,
    TraceTask,
    perfetto_json,
    save_trace,
    timeline_svg,
    timeline_text,
    trace_page,
)
from tests.traces.runs_kit import XSS, run

SVG = "{http://www.w3.org/2000/svg}"
PLAN = '1. look("a", 0.06)\n2. look("flaky")\n3. look("bad")\n4. look("$1")\n5. look("$3")\n6. look("a", 0.06)\njoin()'


def rows(svg: str) -> dict[int, ET.Element]:
    """The rows of tasks, by id."""
    return {
        int(g.attrib["data-task"]): g for g in ET.fromstring(svg).iter(f"{SVG}g") if "data-task" in g.attrib
    }


def bars(row: ET.Element, kind: str) -> list[tuple[float, float]]:
    return [
        (float(r.attrib["x"]), float(r.attrib["width"]))
        for r in row.iter(f"{SVG}rect")
        if r.attrib["class"] == kind
    ]


async def test_the_timeline_has_a_row_a_task_with_bars_as_long_as_its_calls() -> None:
    _, trace = await run(PLAN)
    svg = timeline_svg(trace)
    found = rows(svg)
    assert set(found) == {1, 2, 3, 4, 5, 6}
    by_id = {t.id: t for t in trace.tasks}
    scale = (960 - 16 - 84 - 16 - 260) / trace.total
    for i in (1, 4):
        ((x, wide),) = bars(found[i], "running")
        assert wide == pytest.approx(by_id[i].seconds * scale, abs=0.2)
        assert x == pytest.approx(276 + by_id[i].started * scale, abs=0.2)
    assert len(bars(found[2], "failed")) == 1
    assert len(bars(found[2], "running")) == 1
    assert len(bars(found[3], "failed")) == 1
    assert not bars(found[5], "running")
    assert found[6].find(f"{SVG}path[@class='instant']") is not None
    assert {i for i, g in found.items() if "critical" in g.attrib["class"]} == {
        t.id for t in trace.tasks if t.critical
    }
    assert found[5].attrib["data-status"] == "skipped"
    text = "".join(ET.fromstring(svg).itertext())
    assert "✗" in text
    assert "failed try" in text
    assert "one after another" in text
    assert "where the time went: calls running" in text


@pytest.mark.parametrize("width", [300, 480, 960, 1600])
async def test_nothing_stands_outside_the_picture(width: int) -> None:
    _, trace = await run(PLAN)
    hedged = replace(trace.tasks[0], attempts=(*trace.tasks[0].attempts, Attempt(0.03, 0.06, hedge=True)))
    trace = replace(trace, tasks=(hedged, *trace.tasks[1:]), phases=(Phase("planning", 1, 0.0, 0.02),))
    svg = ET.fromstring(timeline_svg(trace, width=width))
    wide, high = int(svg.attrib["width"]), int(svg.attrib["height"])
    assert wide == max(480, width)
    keys = [g for g in svg.iter(f"{SVG}g") if g.attrib.get("class") == "key"]
    assert {"hedge", "planning", "failed try ✗"} <= {"".join(g.itertext()) for g in keys}
    for g in keys:
        x, y = map(int, re.findall(r"\d+", g.attrib["transform"]))
        assert x + 21 + 6.6 * len("".join(g.itertext())) <= wide
        assert y < high
    for r in svg.iter(f"{SVG}rect"):
        assert float(r.get("x", 0)) + float(r.attrib["width"]) <= wide
        assert float(r.get("y", 0)) + float(r.attrib["height"]) <= high
    for text in svg.iter(f"{SVG}text"):
        assert float(text.get("y", 0)) < high


async def test_colours_for_light_dark_and_either() -> None:
    _, trace = await run("1. several()\njoin()")
    assert "prefers-color-scheme" in timeline_svg(trace)
    light, dark = timeline_svg(trace, dark=False), timeline_svg(trace, dark=True)
    assert "prefers-color-scheme" not in light + dark
    assert light != dark


def many(count: int) -> Trace:
    some = [
        TraceTask(
            i, "t", f"{i}. t()", 1, 0.0, 0.0, i / count, (i + 1) / count, "succeeded", critical=i % 997 == 1
        )
        for i in range(1, count + 1)
    ]
    return Trace("r", "many?", "answered", 1.1, tuple(some))


def test_of_many_tasks_those_that_matter_are_drawn() -> None:
    trace = many(5_000)
    svg = timeline_svg(trace, max_rows=50)
    found = rows(svg)
    assert len(found) == 50
    assert {1, 998, 1995, 2992, 3989, 4986} <= set(found)
    assert "4,950 more tasks" in svg
    assert "4,960 more tasks" in timeline_text(trace)


# -- hostile texts --------------------------------------------------------------------------


async def hostile_run(text: str) -> Trace:
    @tool
    async def give(what: str) -> str:
        """Give it back, or fail with it."""
        if what.startswith("!"):
            raise ValueError(what)
        return what

    # As values of arguments the texts come from a call, so that no plan has to spell them.
    @tool
    def hostile() -> str:
        """The text."""
        return text

    compiler = LLMCompiler([give, hostile])
    result = await compiler.execute('1. hostile()\n2. give($1)\n3. give("!$1")\njoin()')
    trace = result.trace()
    return replace(trace, question=text[:2_000], output=text[:200])


@pytest.mark.parametrize("text", [*XSS, "x" * 1_000_000, *(x * 3_000 for x in XSS[:3])])
async def test_no_text_breaks_out(text: str) -> None:
    trace = await hostile_run(text)
    svg = timeline_svg(trace)
    for element in ET.fromstring(svg).iter():
        assert element.tag.removeprefix(SVG) in {"svg", "title", "desc", "style", "rect", "text", "path", "g"}
        assert not [a for a in element.attrib if a.startswith("on") or "href" in a]
    page = trace_page(trace)
    page.encode("utf-8")
    assert len(re.findall(r"<script\b", page, re.IGNORECASE)) == 2
    assert len(re.findall(r"</script", page, re.IGNORECASE)) == 2
    assert "<img" not in page
    assert "\u202e" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert data["question"].encode("utf-8", "backslashreplace")
    assert len(page) < 80_000
    json.loads(perfetto_json(trace))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", timeline_text(trace))


# -- Perfetto -------------------------------------------------------------------------------


async def test_perfetto_gets_calls_on_tracks_without_overlap_and_arrows_along_dependencies() -> None:
    _, trace = await run(PLAN)
    data = json.loads(perfetto_json(trace))
    events = data["traceEvents"]
    calls = [e for e in events if e["ph"] == "X" and e["tid"] >= 10]
    assert len(calls) == sum(t.started is not None for t in trace.tasks)
    tracks: dict[int, list[tuple[float, float]]] = {}
    for e in calls:
        tracks.setdefault(e["tid"], []).append((e["ts"], e["ts"] + e["dur"]))
    for spans in tracks.values():
        spans.sort()
        assert all(a[1] <= b[0] + 0.2 for a, b in pairwise(spans))
    arrows = {(e["cat"], e["id"]) for e in events if e["ph"] == "s"}
    assert ("value", "1>4") in arrows
    assert {(e["cat"], e["id"]) for e in events if e["ph"] == "f"} == arrows
    assert any(e["ph"] == "i" and e["name"] == "another try" for e in events)


# -- files ----------------------------------------------------------------------------------


async def test_files(tmp_path: Path) -> None:
    result, _ = await run(PLAN)
    for name, start in (("a.html", "<!doctype html>"), ("b.json", "{"), ("c.svg", "<svg")):
        result.save_trace(tmp_path / name)
        assert (tmp_path / name).read_text().startswith(start)
    result.save_html(tmp_path / "page")
    assert (tmp_path / "page").read_text().startswith("<!doctype html>")
    with pytest.raises(UsageError, match=r"d\.txt: name the trace \.html"):
        result.save_trace(tmp_path / "d.txt")
    with pytest.raises(OSError, match="nowhere"):
        save_trace(tmp_path / "nowhere" / "a.html", result.trace())
    assert sorted(os.listdir(tmp_path)) == ["a.html", "b.json", "c.svg", "page"]


# -- text -----------------------------------------------------------------------------------


async def test_the_timeline_as_text() -> None:
    _, trace = await run(PLAN)
    lines = timeline_text(trace, width=90).splitlines()
    assert all(len(line) <= 90 for line in lines if "|" in line)
    row = {int(m[1]): line for line in lines if (m := re.match(r". \*?(\d+)\. ", line))}
    assert set(row) == {1, 2, 3, 4, 5, 6}
    assert "x" in row[2].partition("|")[2]
    assert row[5].startswith("↷")
    assert "." in row[4].partition("|")[2]
    assert any(x.startswith("time: calls running") for x in lines)
    assert re.search(r"waited \d.* for other calls", lines[-1])
    assert "No calls were made." in timeline_text((await run("join()"))[1])


# -- in a browser ---------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
async def test_the_page_in_a_browser(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    _, trace = await run(PLAN)
    (tmp_path / "t.html").write_text(trace_page(trace))
    (tmp_path / "many.html").write_text(trace_page(many(10_000)))
    hostile = await hostile_run(XSS[1])
    (tmp_path / "x.html").write_text(trace_page(hostile))
    errors: list[str] = []
    asked: list[str] = []
    async with playwright.async_playwright() as p:
        browser = await p.chromium.launch(executable_path=CHROMIUM)
        page: Any = await browser.new_page()
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.on("console", lambda m: errors.append(m.text))
        page.on("request", lambda r: asked.append(r.url))
        await page.goto((tmp_path / "t.html").as_uri())
        await page.wait_for_selector("html[data-ready=yes]")
        assert await page.locator(".row[data-task]").count() == 6
        await page.click('.row[data-task="2"]')
        details = await page.inner_text("#details")
        assert "TransientError: busy" in details
        await page.click("#details button:has-text('4')") if "needed by" in details else None
        await page.fill("#search", "bad")
        assert await page.locator(".row[data-task]").count() == 2  # and the one that was skipped for it
        await page.fill("#search", "")
        await page.focus("#rows")
        await page.keyboard.press("End")
        assert await page.locator('.row[aria-selected="true"]').count() == 1

        await page.goto((tmp_path / "many.html").as_uri())
        await page.wait_for_selector("html[data-ready=yes]")
        assert await page.locator(".row").count() < 200
        await page.focus("#rows")
        await page.keyboard.press("End")
        assert await page.locator('.row[data-task="10000"]').count() == 1
        assert "10,000 of 10,000 tasks" in await page.inner_text("#count")

        await page.goto((tmp_path / "x.html").as_uri())
        await page.wait_for_selector("html[data-ready=yes]")
        await page.click('.row[data-task="2"]')
        assert await page.evaluate("window.pwned") is None
        await browser.close()
    assert errors == []
    assert all(url.startswith("file:") for url in asked)
