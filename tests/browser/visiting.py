"""A visit to the page: a service with scenes on a free port, and a browser page on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from llmcompiler_server import create_app
from tests.browser.scenes import Gates, Scene, scene_compiler
from tests.support.serving import make_settings, serving

expect.set_options(timeout=20_000)


class Breaker:
    """An ASGI layer that cuts the streams of events that are open when `cut` is called, and keeps who came how."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.came: list[str | None] = []
        """The `Last-Event-ID` of each request for events."""
        self.refusing = 0
        """Requests for events that are still to be refused with 503."""
        self._cut = asyncio.Event()

    def cut(self) -> None:
        self._cut.set()
        self._cut = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("/events"):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        self.came.append(headers[b"last-event-id"].decode() if b"last-event-id" in headers else None)
        if self.refusing:
            self.refusing -= 1
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"down"})
            return
        inner = asyncio.ensure_future(self.app(scope, receive, send))
        cut = asyncio.ensure_future(self._cut.wait())
        await asyncio.wait({inner, cut}, return_when=asyncio.FIRST_COMPLETED)
        cut.cancel()
        if not inner.done():
            inner.cancel()
            await asyncio.wait({inner})
            raise ConnectionResetError("cut by the test")
        inner.result()


@dataclass
class Visit:
    """A page that is open, and the service behind it."""

    page: Page
    url: str
    gates: Gates
    breaker: Breaker
    errors: list[str] = field(default_factory=list)
    """What scripts raised, and what the content security policy forbade."""

    async def ask(self, question: str) -> None:
        await self.page.fill("#question", question)
        await self.page.click("#submit")
        await expect(self.page.locator("#run")).to_be_visible()

    def node(self, name: int | str) -> Locator:
        return self.page.locator(f'.node[data-id="{name}"]')

    def row(self, name: int | str) -> Locator:
        return self.page.locator(f'.row[data-id="{name}"]')

    async def state(self, task: int | str, state: str) -> None:
        """Wait until the task has this state in the graph."""
        await expect(self.node(task)).to_have_attribute("data-state", state)

    async def says(self, text: str) -> None:
        """Wait until the page says this of the run as a whole."""
        await expect(self.page.locator("#run-state")).to_have_text(text)


@contextlib.asynccontextmanager
async def visit(
    browser: Browser,
    scenes: Mapping[str, Scene],
    *,
    closed: tuple[str, ...] = (),
    settings: dict[str, Any] | None = None,
    **context: Any,
) -> AsyncIterator[Visit]:
    """Open the page of a service that knows `scenes`. `closed` gates hold until the test opens them.

    No script may raise, and nothing may break the content security policy, until the visit ends.
    """
    gates = Gates()
    gates.close(*closed)
    app = create_app(scene_compiler(scenes, gates), make_settings(**(settings or {})))
    breaker = Breaker(app)
    options = {"viewport": {"width": 1280, "height": 900}, **context}
    async with serving(breaker) as running:
        tab = await browser.new_context(**options)
        try:
            page = await tab.new_page()
            visited = Visit(page, running.url, gates, breaker)
            page.on("pageerror", lambda error: visited.errors.append(str(error)))
            page.on(
                "console",
                lambda m: visited.errors.append(m.text) if "Content Security Policy" in m.text else None,
            )
            await page.goto(running.url)
            await expect(page.locator("#ask")).to_be_visible()
            yield visited
            assert visited.errors == []
        finally:
            gates.open_all()
            await tab.close()


__all__ = ["Breaker", "Visit", "expect", "visit"]
