"""Runs on the page, in a browser: watched, approved, broken off and taken up again, failed, cancelled."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("playwright.async_api", reason="playwright is not installed: it is in the group `test`")

from llmcompiler.plan import Thought
from llmcompiler.protocols import Replan
from tests.browser.scenes import XSS, At, Scene
from tests.browser.visiting import expect, visit

pytestmark = pytest.mark.asyncio(loop_scope="module")

WATCHED = Scene(
    [
        [
            Thought("First both heights."),
            '1. search("K2")\n2. search("Mount Everest")\n',
            At("more"),
            '3. write_note(name="heights", text="${1.height} and ${2.height}")\n',
            "join()",
        ]
    ],
    [["K2 has ", At("half"), "8611 m."]],
)


async def test_a_run_is_watched_from_plan_to_answer(browser: Any) -> None:
    async with visit(browser, {"How high?": WATCHED}, closed=("more", "half", "search K2")) as v:
        await v.ask("How high?")
        await v.state(1, "running")
        await v.state(2, "succeeded")
        await expect(v.node(3)).to_have_count(0)
        await v.says("Planning, 1 of 2 done")
        await expect(v.page.locator("#graph-thought")).to_have_text("First both heights.")

        v.gates.open("more")
        await v.state(3, "planned")
        await expect(v.page.locator('.edge[data-kind="data"]')).to_have_count(2)
        await expect(v.node(3)).to_have_attribute(
            "aria-label", "Task 3, write_note, planned, waits for 1, uses 1, 2"
        )
        await v.says("Running, 1 of 3 done")

        v.gates.open("search K2")
        await v.state(3, "succeeded")
        await v.state("join:1", "running")
        answer = v.page.locator("#answer-text")
        await expect(answer).to_have_text("K2 has ")
        await expect(answer).to_have_attribute("aria-busy", "true")

        v.gates.open("half")
        await expect(answer).to_have_text("K2 has 8611 m.")
        await expect(answer).to_have_attribute("aria-busy", "false")
        await v.says("Answered")
        await expect(v.page.locator("#announce")).to_have_text("Answered")
        await expect(v.page.locator("#figures")).to_contain_text("Critical path")
        await expect(v.row(1)).to_have_class("row critical")
        await expect(v.row(2)).to_have_class("row")
        await expect(v.row("join:1").locator('.bar[data-of="joining"]')).to_have_count(1)
        await expect(v.page.locator('#history-list a[aria-current="page"]')).to_contain_text("answered")

        # What was watched is there again for whoever comes with the address.
        await v.page.reload()
        await v.says("Answered")
        await expect(answer).to_have_text("K2 has 8611 m.")
        await expect(v.page.locator(".node")).to_have_count(4)


async def test_details_show_arguments_and_result(browser: Any) -> None:
    async with visit(browser, {"How high?": WATCHED}) as v:
        await v.ask("How high?")
        await v.says("Answered")
        await v.node(1).click()
        details = v.page.locator("#details")
        await expect(details.locator("h2")).to_have_text("search")
        await expect(details.get_by_role("region", name="Result")).to_contain_text('"height": 8611')
        await expect(details.get_by_role("region", name="Arguments")).to_contain_text('"query": "K2"')
        await details.get_by_role("button", name="Show task 3").click()
        await expect(details.locator("h2")).to_have_text("write_note")
        await v.page.keyboard.press("Escape")
        await expect(details).to_be_hidden()


ASKED = Scene(
    [
        [
            (
                '1. send_mail(to="ada@example.org", subject="a & b", body="Dear <Ada>")\n'
                '2. write_note(name="x", text="$1")\njoin()'
            )
        ]
    ]
)


async def test_a_call_is_approved_with_its_exact_arguments_in_view(browser: Any) -> None:
    async with visit(browser, {"Mail": ASKED}) as v:
        await v.ask("Mail")
        await v.says("Waiting for approval")
        await v.state(1, "approval")
        card = v.page.locator(".approval")
        shown = await card.get_by_role("region", name="Arguments of send_mail").inner_text()
        assert '"to": "ada@example.org"' in shown
        assert '"subject": "a & b"' in shown
        assert '"body": "Dear <Ada>"' in shown
        await expect(v.page.locator("#announce")).to_have_text("send_mail needs your approval.")
        await card.get_by_role("button", name="Approve").click()
        await v.state(1, "succeeded")
        await v.says("Answered")
        await expect(card).to_have_count(0)


async def test_a_call_is_rejected_with_a_reason(browser: Any) -> None:
    async with visit(browser, {"Mail": ASKED}) as v:
        await v.ask("Mail")
        card = v.page.locator(".approval")
        await card.get_by_label("Reason, if you reject").fill("not to her")
        await card.get_by_role("button", name="Reject").click()
        await v.state(1, "failed")
        await v.state(2, "skipped")
        await v.node(1).click()
        await expect(v.page.get_by_role("region", name="Error")).to_contain_text("not to her")


async def test_a_broken_stream_is_taken_up_where_it_broke(browser: Any) -> None:
    async with visit(browser, {"How high?": WATCHED}, closed=("more", "half", "search K2")) as v:
        await v.ask("How high?")
        await v.state(1, "running")
        await v.state(2, "succeeded")
        v.breaker.refusing = 2
        v.breaker.cut()
        await expect(v.page.locator("#connection")).to_contain_text("connection was lost")
        v.gates.open("more", "search K2")
        await expect(v.page.locator("#answer-text")).to_have_text("K2 has ")
        await expect(v.page.locator("#connection")).to_be_empty()
        v.breaker.refusing = 1
        v.breaker.cut()  # in the middle of the answer
        await expect(v.page.locator("#connection")).to_contain_text("connection was lost")
        v.gates.open("half")
        await v.says("Answered")
        # Nothing was missed, and nothing came twice.
        await expect(v.page.locator("#answer-text")).to_have_text("K2 has 8611 m.")
        await expect(v.page.locator(".node")).to_have_count(4)
        assert v.breaker.came[0] is None
        last = [int(seen) for seen in v.breaker.came[1:] if seen is not None]
        assert len(last) == len(v.breaker.came) - 1 >= 4
        assert last == sorted(last)
        assert last[0] > 0


async def test_a_failed_call_what_it_skipped_and_diagnostics_are_shown(browser: Any) -> None:
    plan = '1. fail("the page is gone")\n2. calculate("$1 + 1")\n3. search("K2")\n4. nosuch(1)\njoin()'
    async with visit(browser, {"Fetch": Scene([[plan]])}) as v:
        await v.ask("Fetch")
        await v.says("Answered")
        await v.state(1, "failed")
        await v.state(2, "skipped")
        await v.state(3, "succeeded")
        await expect(v.page.locator("#graph-count")).to_have_text("3 tasks, 1 failed")
        await v.node(1).click()
        await expect(v.page.get_by_role("region", name="Error")).to_have_text("ValueError: the page is gone")
        await v.node(2).click()
        await expect(v.page.locator("#details")).to_contain_text("Why it was skipped")
        notes = v.page.locator("#notes-list")
        await expect(notes).to_contain_text("unknown-tool")
        await expect(notes).to_contain_text("there is no tool `nosuch`")


async def test_a_run_that_fails_says_why(browser: Any) -> None:
    async with visit(browser, {"Nothing": Scene([["join()"]], [])}) as v:
        await v.ask("Nothing")
        await v.says("Failed")
        await expect(v.page.locator("#failure")).to_be_visible()
        await expect(v.page.locator("#failure-text")).not_to_be_empty()


async def test_edges_of_effects_are_dotted(browser: Any) -> None:
    plan = '1. write_note(name="a", text="x")\n2. write_note(name="a", text="y")\n3. calculate("$2")\njoin()'
    async with visit(browser, {"Notes": Scene([[plan]])}) as v:
        await v.ask("Notes")
        await v.says("Answered")
        effect = v.page.locator('.edges .edge[data-kind="effect"]')
        await expect(effect).to_have_count(1)
        assert await effect.evaluate("e => getComputedStyle(e).strokeDasharray") != "none"
        data = v.page.locator('.edges .edge[data-kind="data"]')
        assert await data.first.evaluate("e => getComputedStyle(e).strokeDasharray") == "none"
        told = re.compile(r"^Task 2, write_note, done, .* m?s, ordered after 1$")
        await expect(v.node(2)).to_have_attribute("aria-label", told)


async def test_edges_of_effects_are_there_while_the_run_goes_on(browser: Any) -> None:
    notes = '1. write_note(name="a", text="x")\n2. search("K2")\n3. write_note(name="a", text="y")\n'
    plan = notes + '4. calculate("$2")\njoin()'
    async with visit(browser, {"Notes": Scene([[plan]])}, closed=("search K2",)) as v:
        await v.ask("Notes")
        await v.state(2, "running")
        # Task 3 comes after 1 by way of 2: one arrow says so.
        await expect(v.page.locator('.edges .edge[data-kind="effect"]')).to_have_count(2)
        await expect(v.node(3)).to_have_attribute(
            "aria-label", "Task 3, write_note, planned, waits for 2, ordered after 1, 2"
        )
        await expect(v.page.locator("#legend-effect")).to_be_visible()
        v.gates.open("search K2")
        await v.says("Answered")


async def test_times_do_not_overlap_when_the_window_changes_after_a_run(browser: Any) -> None:
    async with visit(browser, {"Notes": Scene([['1. search("K2")\njoin()']])}) as v:
        await v.page.set_viewport_size({"width": 1280, "height": 800})
        await v.ask("Notes")
        await v.says("Answered")
        wide = await v.page.locator(".axis .tick").count()
        await v.page.set_viewport_size({"width": 340, "height": 700})
        await expect(v.page.locator(".axis .tick")).not_to_have_count(wide)
        boxes = await v.page.locator(".axis .tick").evaluate_all(
            "ticks => ticks.map((t) => t.getBoundingClientRect()).map((b) => [b.left, b.right])"
        )
        assert all(right < left for (_, right), (left, _) in pairwise(boxes))


ANSWER = """**K2** has `8611` m, see [a page](https://example.org/k2).

- one
- two

```
<b>code</b>
```"""


async def test_an_answer_in_markdown_is_set(browser: Any) -> None:
    async with visit(browser, {"Set": Scene([["join()"]], [[ANSWER[:10], ANSWER[10:]]])}) as v:
        await v.ask("Set")
        await v.says("Answered")
        answer = v.page.locator("#answer-text")
        await expect(answer.locator("strong")).to_have_text("K2")
        await expect(answer.locator("p code")).to_have_text("8611")
        await expect(answer.locator("li")).to_have_text(["one", "two"])
        await expect(answer.locator("pre")).to_have_text("<b>code</b>")
        link = answer.locator("a")
        await expect(link).to_have_attribute("href", "https://example.org/k2")
        await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")


HOSTILE = [
    *XSS,
    "[a](javascript:window.pwned=1)",
    "[a](JaVaScRiPt:window.pwned=1)",
    "[a](java\tscript:window.pwned=1)",
    "[a](data:text/html,<script>parent.pwned=1</script>)",
    "[a](vbscript:x)",
    "[a](//example.org/)",
    "[a](/v1/runs)",
    "[a](https://user:word@example.org/)",
    "[a](https://[)",
    '[<img src=x onerror="window.pwned=1">](javascript:window.pwned=1)',
    "![a](https://example.org/x.png onerror=window.pwned=1)",
    "**<img src=x onerror=window.pwned=1>**",
    "`<script>window.pwned=1</script>`",
    "# <svg onload=window.pwned=1>",
    "- <iframe src=javascript:parent.pwned=1>",
    "```\n</pre><script>window.pwned=1</script>",
]


async def test_a_hostile_answer_makes_nothing_but_text(browser: Any) -> None:
    async with visit(browser, {}) as v:
        made = await v.page.evaluate(
            """async (texts) => {
                const { markdown } = await import("/page/markdown.js");
                const place = document.getElementById("main");
                place.replaceChildren(...texts.flatMap((text) => markdown(text)));
                await new Promise(requestAnimationFrame);
                const all = [...place.querySelectorAll("*")];
                return [
                    [...new Set(all.map((e) => e.localName))].sort(),
                    [...new Set(all.flatMap((e) => e.getAttributeNames()))].sort(),
                    place.querySelectorAll("a").length,
                ];
            }""",
            HOSTILE,
        )
        assert set(made[0]) <= {"p", "pre", "code", "strong", "em", "h3", "ul", "li"}
        assert set(made[1]) <= {"class", "tabindex", "role", "aria-label"}
        assert made[2] == 0
        assert await v.page.evaluate("window.pwned") is None


async def test_a_second_round_is_shown_behind_the_first(browser: Any) -> None:
    scene = Scene(
        [['1. search("K2")\njoin()'], ['2. search("Mount Everest")\njoin()']],
        [Replan("Everest is missing."), ["Both."]],
    )
    async with visit(browser, {"Both": scene}) as v:
        await v.ask("Both")
        await v.says("Answered")
        await expect(v.node("join:1")).to_contain_text("asked for more")
        await v.node("join:1").click()
        await expect(v.page.locator("#details")).to_contain_text("Everest is missing.")
        await expect(v.row("plan:2")).to_contain_text("Planner 2")


async def test_a_run_is_cancelled(browser: Any) -> None:
    async with visit(browser, {"How high?": WATCHED}, closed=("search K2",)) as v:
        await v.ask("How high?")
        await v.state(1, "running")
        await v.page.get_by_role("button", name="Cancel", exact=True).click()
        await v.says("Cancelled")
        await v.state(1, "cancelled")
        await expect(v.page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
        await v.page.get_by_role("button", name="Ask again").click()
        await expect(v.page.locator("#question")).to_have_value("How high?")


async def test_history_goes_from_run_to_run(browser: Any) -> None:
    scenes = {"First": Scene([["join()"]], [["One."]]), "Second": Scene([["join()"]], [["Two."]])}
    async with visit(browser, scenes) as v:
        for question, answer in (("First", "One."), ("Second", "Two.")):
            await v.ask(question)
            await expect(v.page.locator("#answer-text")).to_have_text(answer)
            await v.page.get_by_role("link", name="New question").click()
            await expect(v.page.locator("#ask")).to_be_visible()
        await v.page.locator("#history-list a").nth(1).click()
        await expect(v.page.locator("#run-question")).to_have_text("First")
        await expect(v.page.locator("#answer-text")).to_have_text("One.")
        await v.page.go_back()
        await expect(v.page.locator("#ask")).to_be_visible()


async def test_a_large_plan_stays_readable(browser: Any) -> None:
    lines = [f'{i}. search("topic {i}")' for i in range(1, 161)]
    lines += [
        f'{i}. search("${{{i - 160}.title}} $' + "{" + f"{i - 150}.title" + '}")' for i in range(161, 201)
    ]
    async with visit(browser, {"Wide": Scene([["\n".join([*lines, "join()"])]])}) as v:
        await v.ask("Wide")
        await v.says("Answered")
        await expect(v.page.locator(".node")).to_have_count(201)
        boxes = await v.page.evaluate(
            "[...document.querySelectorAll('.node')].map(n => n.getBoundingClientRect())"
            ".map(b => [b.x, b.y, b.width, b.height])"
        )
        cells = sorted(boxes)
        for i, (x, y, w, h) in enumerate(cells):
            for x2, y2, _, _ in cells[i + 1 :]:
                assert x2 >= x + w - 0.5 or y2 >= y + h - 0.5 or y >= y2 + h - 0.5
        assert min(h for *_, h in boxes) >= 20
        width = await v.page.evaluate("document.querySelector('.node').getBoundingClientRect().width")
        await v.page.get_by_role("button", name="Larger").click()
        assert await v.page.evaluate("document.querySelector('.node').getBoundingClientRect().width") > width


async def test_a_large_result_is_cut_until_it_is_asked_for(browser: Any) -> None:
    async with visit(browser, {"Large": Scene([["1. large(100000)\njoin()"]])}) as v:
        await v.ask("Large")
        await v.says("Answered")
        await v.node(1).click()
        result = v.page.get_by_role("region", name="Result")
        assert len(await result.inner_text()) < 5_000
        await v.page.get_by_role("button", name="Show all 100 kB").click()
        assert len(await result.inner_text()) == 100_000


async def test_the_key_is_asked_for_and_kept_for_the_tab_only(browser: Any) -> None:
    from llmcompiler_server.keys import new_key

    text, key = new_key("someone", ["run", "read", "approve"])
    async with visit(browser, {"How high?": WATCHED}, settings={"keys": [key]}) as v:
        dialog = v.page.get_by_role("dialog")
        await expect(dialog).to_be_visible()
        await dialog.get_by_label("API key").fill("wrong")
        await dialog.get_by_role("button", name="Use this key").click()
        await expect(dialog).to_be_visible()
        await dialog.get_by_label("API key").fill(text)
        await dialog.get_by_role("button", name="Use this key").click()
        await expect(dialog).to_be_hidden()
        await v.ask("How high?")
        await v.says("Answered")
        assert await v.page.evaluate("Object.values(sessionStorage)") == [text]
        assert text not in await v.page.evaluate(
            "JSON.stringify(localStorage) + location.href + document.cookie"
        )
        assert text not in await v.page.content()
        await v.page.reload()
        await v.says("Answered")
