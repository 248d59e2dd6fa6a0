"""The page where things go wrong: a service that is gone or restarted, a wrong key, a reload, what is hard to reach."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

pytest.importorskip("playwright.async_api", reason="playwright is not installed: it is in the group `test`")

from llmcompiler.protocols import Replan
from tests.browser.scenes import At, Scene
from tests.browser.visiting import Visit, expect, visit

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELD = Scene([['1. search("K2")\n2. calculate("${1.height}")\njoin()']], [["8611 m."]])
MAIL = 'send_mail(to="{}@example.org", subject="${{1.title}}")'
MAILS = Scene([[f'1. search("K2")\n2. {MAIL.format("ada")}\n3. {MAIL.format("bob")}\njoin()']])
SCENES = {"Held": HELD, "Mails": MAILS, "Other": Scene([["join()"]], [["Yes."]])}
ONE_RUN = re.compile(r"/v1/runs/run_\w+$")
EVENTS = re.compile(r"/v1/runs/run_\w+/events$")


async def test_a_run_that_the_service_forgot_ends_on_the_page(browser: Any) -> None:
    gone = json.dumps({"code": "run-not-found", "detail": "there is no such run"})

    async def forgotten(route: Any) -> None:
        await route.fulfill(status=404, content_type="application/problem+json", body=gone)

    async with visit(browser, SCENES, closed=("search K2",)) as v:
        await v.ask("Held")
        await v.state(1, "running")
        await v.page.route(EVENTS, forgotten)
        v.breaker.cut()
        await v.says("Interrupted")
        await v.state(1, "cancelled")
        await expect(v.page.locator("#failure-text")).to_contain_text("does not know this run any more")
        await expect(v.page.locator("#connection")).to_be_empty()
        await expect(v.page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
        await expect(v.page.get_by_role("button", name="Ask again")).to_be_visible()


async def test_the_address_of_no_run_leaves_a_page_to_ask_on(browser: Any) -> None:
    async with visit(browser, SCENES) as v:
        await v.page.goto(f"{v.url}/#run_{'0' * 32}")
        await expect(v.page.locator("#alert")).to_contain_text("There is no such run")
        await expect(v.page.locator("#run")).to_be_hidden()
        await v.ask("Other")
        await v.says("Answered")
        await expect(v.page.locator("#alert")).to_be_hidden()


async def test_a_run_is_read_once_the_service_answers_again(browser: Any) -> None:
    async with visit(browser, SCENES) as v:
        for question in ("Other", "Held"):
            await v.page.goto(v.url)
            await v.ask(question)
            await v.says("Answered")
        await v.page.route(ONE_RUN, lambda route: route.abort())
        await v.page.locator("#history-list a").nth(1).click()
        await expect(v.page.locator("#connection")).to_have_text(
            "The service can not be reached. Trying again."
        )
        await expect(v.page.locator("#run")).to_be_hidden()  # and nothing of the run before
        await v.page.unroute(ONE_RUN)
        await expect(v.page.locator("#answer-text")).to_have_text("Yes.")
        await expect(v.page.locator("#connection")).to_be_empty()


async def test_the_clock_of_a_run_goes_on_over_a_reload(browser: Any) -> None:
    async def long_ago(route: Any) -> None:
        reply = await route.fetch()
        record = await reply.json()
        await route.fulfill(response=reply, json={**record, "created_at": record["created_at"] - 600})

    async with visit(browser, SCENES, closed=("search K2",)) as v:
        await v.ask("Held")
        await v.state(1, "running")
        await v.page.route(ONE_RUN, long_ago)
        await v.page.reload()
        await v.state(1, "running")
        await expect(v.page.locator("#run-time")).to_have_text(re.compile(r"^(10|11) min"))
        await expect(v.row(1)).to_contain_text(re.compile(r"(9|10|11) min"))  # its bar is as long
        v.gates.open("search K2")
        await v.says("Answered")
        await expect(v.page.locator("#run-time")).not_to_contain_text("min")


async def test_a_wrong_key_is_told_from_none(browser: Any) -> None:
    from llmcompiler_server.keys import new_key

    _, key = new_key("someone", ["run", "read"])
    async with visit(browser, SCENES, settings={"keys": [key]}) as v:
        dialog = v.page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Whoever runs the service can give you one.")
        await dialog.get_by_label("API key").fill("wrong")
        await v.page.keyboard.press("Enter")
        await expect(dialog).to_contain_text("The service does not know this key.")
        await dialog.get_by_role("button", name="Not now").click()
        await expect(v.page.locator("#alert")).to_contain_text("No such key")
        await expect(v.page.locator("#question")).to_be_focused()


@pytest.mark.parametrize("width", [360, 1280])
async def test_no_word_of_a_button_breaks(browser: Any, width: int) -> None:
    from llmcompiler_server.keys import new_key

    _, key = new_key("someone", ["read"])
    async with visit(
        browser, SCENES, settings={"keys": [key]}, viewport={"width": width, "height": 700}
    ) as v:
        dialog = v.page.get_by_role("dialog")
        await dialog.get_by_label("API key").fill("wrong")
        await v.page.keyboard.press("Enter")
        await expect(dialog).to_contain_text("does not know")
        await dialog.get_by_role("button", name="Not now").click()
        for name in ("Dismiss", "Enter a key"):
            button = v.page.get_by_role("button", name=name)
            lines = await button.evaluate(
                "b => { const r = new Range(); r.selectNodeContents(b); return r.getClientRects().length; }"
            )
            assert lines == 1, name
        assert await v.page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_focus_stays_in_the_run_while_deciding_by_keyboard(browser: Any) -> None:
    async with visit(browser, SCENES) as v:
        await v.page.keyboard.type("Mails")
        await v.page.keyboard.press("Enter")
        await expect(v.page.locator("#main")).to_be_focused()
        cards = v.page.locator(".approval")
        await expect(cards).to_have_count(2)
        await cards.first.get_by_role("button", name="Approve").focus()
        await v.page.keyboard.press("Enter")
        await expect(cards).to_have_count(1)
        assert await cards.evaluate("card => card.contains(document.activeElement)")
        await cards.get_by_role("button", name="Reject").focus()
        await v.page.keyboard.press("Enter")
        await v.says("Answered")
        await expect(v.page.locator("#main")).to_be_focused()


async def test_the_focus_is_kept_when_a_run_is_cancelled_by_keyboard(browser: Any) -> None:
    async with visit(browser, SCENES, closed=("search K2",)) as v:
        await v.ask("Held")
        await v.state(1, "running")
        await v.page.get_by_role("button", name="Cancel", exact=True).focus()
        await v.page.keyboard.press("Enter")
        await v.says("Cancelled")
        await expect(v.page.get_by_role("button", name="Ask again")).to_be_focused()


async def test_a_rejected_call_shows_what_was_rejected(browser: Any) -> None:
    async with visit(browser, SCENES) as v:
        await v.ask("Mails")
        await expect(v.page.locator(".approval")).to_have_count(2)
        await expect(_legend(v, "asking")).to_be_visible()
        await v.page.locator(".approval").first.get_by_role("button", name="Reject").click()
        await v.state(2, "failed")
        await v.node(2).click()
        shown = v.page.get_by_role("region", name="Arguments", exact=True)
        await expect(shown).to_contain_text('"subject": "K2"')


def _legend(v: Visit, of: str) -> Any:
    return v.page.locator(f'#time-legend li:has([data-of="{of}"])')


async def test_legends_name_what_is_there_and_nothing_else(browser: Any) -> None:
    fill = "e => getComputedStyle(e).backgroundColor"
    async with visit(browser, SCENES, closed=("search K2",)) as v:
        await v.ask("Held")
        await v.state(1, "running")
        bar = v.row(1).locator('.bar[data-of="running"]')
        await expect(bar).to_have_count(1)
        await expect(_legend(v, "critical")).to_be_hidden()  # it is not known yet
        key = _legend(v, "running").locator(".key")
        await expect(key).to_be_visible()
        assert await bar.evaluate(fill) == await key.evaluate(fill)
        v.gates.open("search K2")
        await v.says("Answered")
        await expect(_legend(v, "critical")).to_be_visible()
        for of in ("failed", "asking"):
            await expect(_legend(v, of)).to_be_hidden()
        await expect(v.page.locator("#legend-critical")).to_be_visible()
        await expect(v.page.locator("#legend-effect")).to_be_hidden()


async def test_a_note_after_what_it_uses_needs_no_second_reason(browser: Any) -> None:
    plan = '1. write_note(name="a", text="x")\n2. write_note(name="a", text="$1")\njoin()'
    async with visit(browser, {"Notes": Scene([[plan]])}) as v:
        await v.ask("Notes")
        await v.says("Answered")
        await expect(v.page.locator("#legend-effect")).to_be_hidden()
        await v.node(2).click()
        await expect(v.page.locator("#details-body")).to_contain_text("Uses")
        await expect(v.page.locator("#details-body")).not_to_contain_text("Ordered after")


async def test_the_selected_node_stays_in_view_beside_its_details(browser: Any) -> None:
    rounds = [['1. search("K2")\njoin()'], ['2. search("x")\n3. calculate("$1 $2")\njoin()']]
    async with visit(browser, {"Two": Scene(rounds, [Replan("more"), ["Both."]])}) as v:
        await v.ask("Two")
        await v.says("Answered")
        last = v.node("join:2")
        await last.click()
        await expect(v.page.locator("#details")).to_be_visible()
        await expect(last).to_be_in_viewport(ratio=0.99)
        await v.node("join:1").focus()
        await v.page.keyboard.press("Enter")
        await expect(v.node("join:1")).to_be_in_viewport(ratio=0.99)


async def test_the_joiner_that_failed_says_why(browser: Any) -> None:
    async with visit(browser, {"Nothing": Scene([['1. search("K2")\njoin()']], [])}) as v:
        await v.ask("Nothing")
        await v.says("Failed")
        await v.state("join:1", "failed")
        await v.node("join:1").click()
        why = await v.page.locator("#failure-text").inner_text()
        await expect(v.page.get_by_role("region", name="Error")).to_have_text(why)


async def test_a_narrow_timeline_has_a_scale(browser: Any) -> None:
    async with visit(browser, {}) as v:
        ticks = await v.page.evaluate(
            """async () => {
                const { newRun } = await import("/page/state.js");
                const { TimelineView } = await import("/page/timeline.js");
                const out = [];
                for (const width of [320, 360, 420, 700]) {
                    const place = document.createElement("div");
                    place.className = "timeline";
                    place.style.width = `${width}px`;
                    document.getElementById("main").append(place);
                    for (const now of [0.02, 0.104, 0.32, 1, 1.04, 2.5, 5.02, 59, 99.9, 601, 3700]) {
                        const view = new TimelineView(place, { onSelect() {} });
                        view.update(newRun("r"), new Set(), now);
                        const boxes = [...place.querySelectorAll(".tick")].map((t) => t.getBoundingClientRect());
                        const clear = boxes.every((box, i) => !i || boxes[i - 1].right <= box.left);
                        out.push([width, now, boxes.length >= 2, clear]);
                        place.replaceChildren();
                    }
                }
                return out;
            }"""
        )
        assert [found for found in ticks if found[2:] != [True, True]] == []


async def test_a_reload_in_the_middle_of_the_answer_loses_nothing(browser: Any) -> None:
    scene = Scene([['1. search("K2")\njoin()']], [["K2 ", At("half"), "8611 m."]])
    async with visit(browser, {"How high?": scene}, closed=("half",)) as v:
        await v.ask("How high?")
        await expect(v.page.locator("#answer-text")).to_have_text("K2 ")
        await v.page.reload()  # in the middle of the answer
        await expect(v.page.locator("#answer-text")).to_have_text("K2 ")
        v.gates.open("half")
        await v.says("Answered")
        await expect(v.page.locator("#answer-text")).to_have_text("K2 8611 m.")
