"""`wikipedia` and `wikipedia_search` against a stand-in for Wikipedia on this machine."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from llmcompiler.errors import ToolError, TransientError
from llmcompiler_tools import Article, SearchHit, wikipedia_tools
from tests.tools_library.loopback import Reply, loopback

SEARCH = "/w/rest.php/v1/search/page"
SUMMARY = "/api/rest_v1/page/summary/"
JSON = {"Content-Type": "application/json"}


def summary(title: str, extract: str = "A thing.", kind: str = "standard") -> Reply:
    page = {
        "type": kind,
        "title": title,
        "description": "thing",
        "extract": extract,
        "content_urls": {"desktop": {"page": f"https://en.wikipedia.org/wiki/{title.replace(' ', '_')}"}},
    }
    return Reply(json.dumps(page), headers=JSON)


def hits(*titles: str) -> Reply:
    pages = [
        {"title": t, "description": None, "excerpt": f'the <span class="searchmatch">{t}</span> &amp; more'}
        for t in titles
    ]
    return Reply(json.dumps({"pages": pages}), headers=JSON)


async def test_an_article_by_its_title() -> None:
    async with loopback({SUMMARY + "Mount_Everest": summary("Mount Everest", "8,849 m high.\n")}) as server:
        wikipedia, _ = wikipedia_tools(base_url=server.base + "/", user_agent="me/1.0 (me@example.com)")
        found = await wikipedia("Mount Everest")
    assert found == Article(
        title="Mount Everest",
        description="thing",
        summary="8,849 m high.",
        url="https://en.wikipedia.org/wiki/Mount_Everest",
        searched=False,
    )
    assert server.requests[0][1]["user-agent"] == "me/1.0 (me@example.com)"


async def test_titles_with_odd_characters_stay_one_part_of_the_path() -> None:
    replies = {SUMMARY + "AC%2FDC%3F_%26_%C3%9C": summary("AC/DC? & Ü")}
    async with loopback(replies) as server:
        wikipedia, _ = wikipedia_tools(base_url=server.base)
        assert (await wikipedia("AC/DC? & Ü")).title == "AC/DC? & Ü"


async def test_where_no_article_has_that_title_the_search_is_asked() -> None:
    replies = {SEARCH: hits("Nothing", "Mount Everest"), SUMMARY + "Mount_Everest": summary("Mount Everest")}
    async with loopback(replies) as server:
        wikipedia, _ = wikipedia_tools(base_url=server.base)
        found = await wikipedia("highest mountain")
    assert (found.title, found.searched) == ("Mount Everest", True)
    assert any("q=highest+mountain" in path or "q=highest%20mountain" in path for path, _ in server.requests)


async def test_a_list_of_meanings_is_passed_over() -> None:
    replies = {
        SUMMARY + "Mercury": summary("Mercury", "may refer to", "disambiguation"),
        SEARCH: hits("Mercury", "Mercury (planet)"),
        SUMMARY + "Mercury_%28planet%29": summary("Mercury (planet)"),
    }
    async with loopback(replies) as server:
        wikipedia, _ = wikipedia_tools(base_url=server.base)
        assert (await wikipedia("Mercury")).title == "Mercury (planet)"
        server.replies[SEARCH] = hits()
        assert (await wikipedia("Mercury")).summary == "may refer to"


async def test_search() -> None:
    async with loopback({SEARCH: hits("Oslo", "Oslo Airport", "Oslofjord")}) as server:
        _, search = wikipedia_tools(base_url=server.base)
        found = await search("oslo", 2)
    assert found == [
        SearchHit(title="Oslo", description="", excerpt="the Oslo & more"),
        SearchHit(title="Oslo Airport", description="", excerpt="the Oslo Airport & more"),
    ]
    assert "limit=2" in server.requests[0][0]


@pytest.mark.parametrize(
    ("reply", "says", "kind"),
    [
        (hits(), "no Wikipedia article found for 'x'", ToolError),
        (Reply(status="404 Not Found"), "no Wikipedia article found", ToolError),
        (Reply('{"pages": 3}', headers=JSON), "no Wikipedia article found", ToolError),
        (Reply('{"pages": [3, {}]}', headers=JSON), "no Wikipedia article found", ToolError),
        (Reply("<html>", headers=JSON), "not JSON", ToolError),
        (Reply(status="403 Forbidden"), "answered 403", ToolError),
        (Reply(status="429 Too Many Requests"), "answered 429", TransientError),
        (Reply(status="500 Oops"), "answered 500", TransientError),
    ],
)
async def test_what_the_server_may_do(reply: Reply, says: str, kind: type[ToolError]) -> None:
    async with loopback({SEARCH: reply}) as server:
        wikipedia, _ = wikipedia_tools(base_url=server.base)
        with pytest.raises(kind, match=says) as caught:
            await wikipedia("x")
    assert type(caught.value) is kind


async def test_a_server_that_says_nothing() -> None:
    never = asyncio.Event()

    async def silent(writer: asyncio.StreamWriter) -> None:
        await never.wait()

    async with loopback({SEARCH: Reply(silent)}) as server:
        _, search = wikipedia_tools(base_url=server.base, timeout=0.2)
        with pytest.raises(TransientError, match=r"no answer within 0\.2 s"):
            await search("x")
    with pytest.raises(TransientError, match="can not be reached"):
        await search("x")


@pytest.mark.parametrize(
    ("arguments", "says"), [(("",), "empty"), (("x", 0), "1 to 20"), (("x", 21), "1 to 20")]
)
async def test_mistakes_are_told(arguments: tuple[Any, ...], says: str) -> None:
    _, search = wikipedia_tools(base_url="http://127.0.0.1:9")
    with pytest.raises(ToolError, match=says):
        await search(*arguments)
