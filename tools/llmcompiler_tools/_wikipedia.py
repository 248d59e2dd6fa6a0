"""`wikipedia` and `wikipedia_search`: summaries over Wikipedia's API. A model never chooses the address."""

from __future__ import annotations

import asyncio
import html
import json
import re
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import Field

from llmcompiler.errors import ToolError, TransientError
from llmcompiler.tools import Tool, tool

from ._body import ACCEPT_ENCODING, read_capped
from ._record import Record
from ._text import checked
from ._web import USER_AGENT

_MAX_BYTES = 2_000_000
_MOST = 20


class SearchHit(Record):
    """One article found."""

    title: str = Field(description="title of the article")
    description: str = Field(description="what it is about, in a few words; may be empty")
    excerpt: str = Field(description="the text around the words searched for")


class Article(Record):
    """The beginning of one article."""

    title: str = Field(description="title of the article")
    description: str = Field(description="what it is about, in a few words; may be empty")
    summary: str = Field(description="its first paragraphs, plain text")
    url: str = Field(description="address of the article")
    searched: bool = Field(
        description="whether it was found by search, because no article has exactly that title"
    )


class _Client:
    def __init__(self, base_url: str, user_agent: str, timeout: float) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {
            "user-agent": user_agent,
            "accept-encoding": ACCEPT_ENCODING,
            "accept": "application/json",
        }
        self._timeout = timeout

    async def get(self, path: str, **params: str) -> Any:
        """JSON of a page of the API; None where there is none (404)."""
        try:
            async with (
                asyncio.timeout(self._timeout),
                httpx.AsyncClient(
                    headers=self._headers, timeout=self._timeout, follow_redirects=True
                ) as client,
                client.stream("GET", self._base + path, params=params) as response,
            ):
                if response.status_code == 404:
                    return None
                if response.status_code in (429, 500, 502, 503, 504):
                    raise TransientError(f"Wikipedia answered {response.status_code}; try again later")
                if not response.is_success:
                    raise ToolError(
                        f"Wikipedia answered {response.status_code} {response.reason_phrase}".rstrip()
                    )
                body, cut = await read_capped(response, _MAX_BYTES)
        except (TimeoutError, httpx.TimeoutException):
            raise TransientError(f"Wikipedia gave no answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            raise TransientError(f"Wikipedia can not be reached: {e or type(e).__name__}") from None
        try:
            return None if cut else json.loads(body)
        except ValueError:
            raise ToolError("Wikipedia's answer is not JSON") from None

    async def search(self, query: str, limit: int) -> list[SearchHit]:
        found = await self.get("/w/rest.php/v1/search/page", q=query, limit=str(limit))
        pages = found.get("pages") if isinstance(found, dict) else None
        return [
            SearchHit(
                title=str(p["title"]),
                description=str(p.get("description") or ""),
                excerpt=_plain(p.get("excerpt")),
            )
            for p in (pages if isinstance(pages, list) else [])
            if isinstance(p, dict) and p.get("title")
        ][:limit]

    async def summary(self, title: str) -> dict[str, Any] | None:
        found = await self.get(
            "/api/rest_v1/page/summary/" + quote(title.replace(" ", "_"), safe=""), redirect="true"
        )
        return found if isinstance(found, dict) and found.get("title") else None


def _plain(markup: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^<>]{0,200}>", "", str(markup or ""))).split())


def _article(page: dict[str, Any], *, searched: bool) -> Article:
    urls = page.get("content_urls")
    desktop = urls.get("desktop") if isinstance(urls, dict) else None
    return Article(
        title=str(page["title"]),
        description=str(page.get("description") or ""),
        summary=str(page.get("extract") or "").strip(),
        url=str(desktop.get("page") or "") if isinstance(desktop, dict) else "",
        searched=searched,
    )


def wikipedia_tools(
    *,
    base_url: str = "https://en.wikipedia.org",
    user_agent: str = USER_AGENT,
    timeout: float = 15.0,
) -> tuple[Tool, Tool]:
    """`wikipedia` and `wikipedia_search` for one Wikipedia.

    Args:
        base_url: Where it is, such as "https://de.wikipedia.org".
        user_agent: Who asks; Wikipedia wants to know a project or an address to write to.
        timeout: Seconds for one request.
    """
    client = _Client(base_url, user_agent, timeout)

    async def wikipedia(title: str) -> Article:
        """Summary of the Wikipedia article about one thing.

        Args:
            title: What the article is about: a name or a title.

        Raises:
            ToolError: No such article; TransientError where another try may help.
        """
        title = checked(title, "the title")
        page = await client.summary(title)
        if page is not None and page.get("type") != "disambiguation":
            return _article(page, searched=False)
        for hit in await client.search(title, 3):
            found = await client.summary(hit.title)
            if found is not None and found.get("type") != "disambiguation":
                return _article(found, searched=True)
        if page is not None:
            return _article(page, searched=False)
        raise ToolError(f"no Wikipedia article found for {title!r}")

    async def wikipedia_search(query: str, limit: int = 5) -> list[SearchHit]:
        """Titles of Wikipedia articles that match some words.

        Args:
            query: The words.
            limit: How many at most, 1 to 20.

        Raises:
            ToolError: Nothing to search for; TransientError where another try may help.
        """
        if not 1 <= limit <= _MOST:
            raise ToolError(f"limit is {limit}; give 1 to {_MOST}")
        return await client.search(checked(query, "the query", 300), limit)

    make = tool(effect="read", timeout=4 * timeout + 5, retries=2, max_concurrency=4)
    return make(wikipedia), make(wikipedia_search)


wikipedia, wikipedia_search = wikipedia_tools()
