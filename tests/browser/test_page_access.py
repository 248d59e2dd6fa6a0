"""The page for everybody, in a browser: foreign texts, contrast and names, keyboard, small screens, themes, motion."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("playwright.async_api", reason="playwright is not installed: it is in the group `test`")

from tests.browser.scenes import XSS, At, Scene
from tests.browser.visiting import Visit, expect, visit

pytestmark = pytest.mark.asyncio(loop_scope="module")

DONE = Scene(
    [
        [
            (
                '1. search("K2")\n2. search("Mount Everest")\n'
                '3. write_note(name="a", text="${1.height} and ${2.height}")\n'
                '4. write_note(name="a", text="$3")\n5. fail("the page is gone")\n'
                '6. calculate("$5")\n7. nosuch(1)\njoin()'
            )
        ]
    ],
    [["K2 has 8611 m."]],
)
HELD = Scene(
    [
        [
            '1. calculate("a")\n2. send_mail(to="ada@example.org", subject="s" )\n3. calculate("$1 $2")\n',
            At("more"),
            "join()",
        ]
    ]
)
SCENES = {"Done": DONE, "Held": HELD}


async def test_foreign_texts_are_only_text(browser: Any) -> None:
    plan = "\n".join(
        [*(f"{i + 1}. foreign({i})" for i in range(len(XSS))), f"{len(XSS) + 1}. fail({XSS[1]!r})", "join()"]
    )
    question = " ".join(XSS).replace("\0", "")
    async with visit(browser, {question: Scene([[plan]], [[" ".join(XSS)]])}) as v:
        await v.ask(question)
        await v.says("Answered")
        for task in range(1, len(XSS) + 2):
            await v.node(task).click()
            await expect(v.page.locator("#details-number")).to_have_text(f"Task {task}")
        await expect(v.page.locator("#details")).to_contain_text("onerror")
        await expect(v.page.locator("#answer-text")).to_contain_text(XSS[0])
        for found in ("script:not([src])", "iframe", "#run img", "base", "body style", "svg[onload]"):
            await expect(v.page.locator(found)).to_have_count(0)
        assert await v.page.evaluate("window.pwned") is None


async def test_names_of_foreign_tools_are_only_text(browser: Any) -> None:
    """Names come from the service; a page must not trust them either."""
    async with visit(browser, {}) as v:
        shown = await v.page.evaluate(
            """async (texts) => {
                const { newRun, apply } = await import("/page/state.js");
                const { GraphView } = await import("/page/graph.js");
                const { TimelineView } = await import("/page/timeline.js");
                const { details } = await import("/page/details.js");
                const place = document.getElementById("main");
                const run = newRun("r");
                const tell = (type, more) => apply(run, { type, at: 0.1, ...more });
                tell("PlanStarted", { round: 1, purpose: texts[0] });
                texts.forEach((text, i) => {
                    const said = { thought: text, if: text, args: { [text]: text } };
                    const task = { id: i + 1, tool: text, depends_on: [], ...said };
                    const outcome = { status: "failed", error: { type: text, message: text } };
                    tell("TaskPlanned", { round: 1, task });
                    tell("TaskFinished", { task_id: i + 1, tool: text, started: 0, outcome });
                });
                tell("DiagnosticEmitted", { round: 1, diagnostic: { code: texts[0], message: texts[1] } });
                new GraphView(place, { onSelect() {} }).update(run, new Set());
                new TimelineView(place, { onSelect() {} }).update(run, new Set(), 1);
                for (const id of run.tasks.keys()) {
                    place.append(...details(run, String(id), new Set(), () => {}).content);
                }
                await new Promise(requestAnimationFrame);
                const made = place.querySelectorAll("script, iframe, img, base, style");
                return [made.length, place.textContent.includes(texts[1])];
            }""",
            XSS,
        )
        assert shown == [0, True]
        assert await v.page.evaluate("window.pwned") is None


async def _axe(v: Visit) -> None:
    from axe_playwright_python.async_playwright import Axe

    # What fades in is measured once it is there.
    await v.page.evaluate(
        """async () => {
            const frame = () => new Promise((done) => requestAnimationFrame(done));
            const ends = (a) => a.playState !== "finished" && a.effect.getTiming().iterations < 9;
            await frame();
            do await frame(); while (document.getAnimations().some(ends));
        }"""
    )
    found = await Axe().run(v.page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_axe_finds_nothing(browser: Any, scheme: str, width: int) -> None:
    size = {"width": width, "height": 800}
    async with visit(browser, SCENES, color_scheme=scheme, viewport=size, closed=("more",)) as v:
        await expect(v.page.locator("#tools")).to_be_visible()
        await _axe(v)  # nothing asked yet
        await v.ask("Held")
        await v.says("Waiting for approval")
        await _axe(v)  # planning, and a call that waits
        await v.page.goto(v.url)
        await v.ask("Done")
        await v.says("Answered")
        await _axe(v)
        for task in (1, 5, 6):
            await v.node(task).click()
            await _axe(v)  # details of a result, an error, a call that was skipped
        await v.page.keyboard.press("Escape")
        if width < 800:
            await v.page.get_by_role("button", name="Earlier runs").click()
            await _axe(v)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_where_a_key_is_asked_for(browser: Any, scheme: str) -> None:
    from llmcompiler_server.keys import new_key

    _, key = new_key("someone", ["read"])
    async with visit(browser, {}, settings={"keys": [key]}, color_scheme=scheme) as v:
        await expect(v.page.get_by_role("dialog")).to_be_visible()
        await _axe(v)


async def test_everything_can_be_done_by_keyboard(browser: Any) -> None:
    async with visit(browser, SCENES) as v:
        press = v.page.keyboard.press

        async def focused(what: str) -> None:
            await expect(v.page.locator(what)).to_be_focused()

        await focused("#question")
        await v.page.keyboard.type("Held")
        await press("Enter")
        await v.says("Waiting for approval")
        for _ in range(40):
            await press("Tab")
            if await v.page.evaluate("document.activeElement.textContent") == "Approve":
                break
        assert await v.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        await press("Enter")
        await v.says("Answered")
        await v.node(1).focus()
        await press("ArrowRight")
        await focused('.node[data-id="3"]')
        await press("Home")
        await focused('.node[data-id="1"]')
        await press("ArrowDown")
        await focused('.node[data-id="2"]')
        assert await v.page.locator('.node[tabindex="0"]').count() == 1
        await press("Enter")
        await focused("#details-title")
        await expect(v.page.locator("#details-title")).to_have_text("send_mail")
        await press("Escape")
        await focused('.node[data-id="2"]')
        await v.row(1).focus()
        await press("ArrowDown")
        await focused('.row[data-id="2"]')


@pytest.mark.parametrize("width", [360, 768])
async def test_nothing_scrolls_sideways_on_a_small_screen(browser: Any, width: int) -> None:
    question = "Done"
    async with visit(browser, SCENES, viewport={"width": width, "height": 700}, closed=("more",)) as v:

        async def fits() -> None:
            assert await v.page.evaluate("document.documentElement.scrollWidth") <= width

        await fits()
        await v.ask("Held")
        await v.says("Waiting for approval")
        await fits()
        await v.page.goto(v.url)
        await v.ask(question)
        await v.says("Answered")
        await fits()
        assert (
            await v.page.evaluate("(g => g.scrollWidth <= g.clientWidth)(document.getElementById('graph'))")
            or width > 480
        )
        await v.node(5).click()
        await expect(v.page.locator("#details")).to_be_in_viewport()
        await fits()
        await v.page.get_by_role("button", name="Close the details").click()
        await v.page.get_by_role("button", name="Earlier runs").click()
        await expect(v.page.locator("#history-list a").first).to_be_in_viewport()
        await fits()


async def test_the_theme_can_be_chosen_and_is_remembered(browser: Any) -> None:
    async with visit(browser, {}, color_scheme="light") as v:
        background = "getComputedStyle(document.body).backgroundColor"
        light = await v.page.evaluate(background)
        button = v.page.locator("#theme")
        await button.click()
        await expect(button).to_have_attribute("aria-label", "Colours: light. Change to dark.")
        await button.click()
        dark = await v.page.evaluate(background)
        assert dark != light
        await v.page.reload()
        assert await v.page.evaluate(background) == dark
        await button.click()  # as the system has it
        assert await v.page.evaluate(background) == light
        await v.page.emulate_media(color_scheme="dark")
        assert await v.page.evaluate(background) == dark


async def test_nothing_moves_where_motion_is_not_wanted(browser: Any) -> None:
    async with visit(browser, SCENES, reduced_motion="reduce", closed=("search K2",)) as v:
        await v.ask("Done")
        await v.state(1, "running")
        assert await v.page.evaluate("document.getAnimations().length") == 0


async def test_a_stream_is_read_the_same_wherever_it_is_cut(browser: Any) -> None:
    async with visit(browser, {}) as v:
        same = await v.page.evaluate(
            r"""async () => {
                const { SseParser } = await import("/page/sse.js");
                const text =
                    ": hello\r\nid: 1\r\nevent: A\r\ndata: {\"x\":\rdata:  1}\n\n" +
                    ": beat\n\nid:2\ndata\ndata:ä\n\ndata: last";
                const whole = JSON.stringify(new SseParser().feed(text));
                for (let size = 1; size < text.length; size++) {
                    const parser = new SseParser();
                    const out = [];
                    for (let i = 0; i < text.length; i += size) out.push(...parser.feed(text.slice(i, i + size)));
                    if (JSON.stringify(out) !== whole) return [size, out];
                }
                return JSON.parse(whole);
            }"""
        )
        assert same == [
            {"id": "1", "type": "A", "data": '{"x":\n 1}'},
            {"id": "2", "type": "message", "data": "\nä"},
        ]


async def test_a_graph_that_grows_keeps_its_nodes_in_their_layers(browser: Any) -> None:
    async with visit(browser, {}) as v:
        wrong = await v.page.evaluate(
            """async () => {
                const { layout } = await import("/page/layout.js");
                const options = { direction: "right", width: 190, height: 60, gap: 60, rowGap: 16, perLine: 8 };
                let seed = 7;
                const random = (n) => (seed = (seed * 16807) % 2147483647) % n;
                for (let graph = 0; graph < 40; graph++) {
                    const nodes = [];
                    const layers = new Map();
                    for (let i = 0; i < 30; i++) {
                        const parents = [];
                        for (let k = random(4); i && k > 0; k--) parents.push(String(random(i)));
                        nodes.push({ id: String(i), parents: [...new Set(parents)] });
                        const { places } = layout(nodes, options);
                        const boxes = [...places.entries()];
                        for (const [id, at] of boxes) {
                            if (layers.has(id) && layers.get(id) !== at.layer) return ["moved", graph, i, id];
                            layers.set(id, at.layer);
                            for (const [other, b] of boxes) {
                                const near = Math.abs(at.x - b.x) < 189 && Math.abs(at.y - b.y) < 59;
                                if (other !== id && near) return ["overlap", graph, i, id, other];
                            }
                            for (const parent of nodes[Number(id)].parents) {
                                if (places.get(parent).x >= at.x) return ["backwards", graph, i, id];
                            }
                        }
                    }
                }
                const circle = layout([{ id: "a", parents: ["b"] }, { id: "b", parents: ["a", "gone"] }], options);
                return circle.places.size === 2 ? [] : ["circle"];
            }"""
        )
        assert wrong == []
