"""The files of the page over HTTP: what is served and how, and that they need nothing but their own origin."""

from __future__ import annotations

import re

import httpx
import pytest

from llmcompiler_server.routes.page import page_files
from tests.support.serving import Running

TEXTS = {name: file.content.decode() for name, file in page_files().items()}


async def test_the_page_is_served_at_the_root(server: Running) -> None:
    reply = await server.http.get("/")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>llmcompiler</title>" in reply.text


@pytest.mark.parametrize("name", sorted(TEXTS))
async def test_each_file_is_served_with_its_type(server: Running, name: str) -> None:
    reply = await server.http.get(f"/page/{name}")
    kinds = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith(kinds[name.rpartition(".")[2]])
    assert reply.content == page_files()[name].content


async def test_a_policy_forbids_everything_inline_and_foreign(server: Running) -> None:
    policy = (await server.http.get("/")).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert (await server.http.get("/page/main.js")).headers["x-content-type-options"] == "nosniff"


async def test_an_unchanged_file_is_not_sent_again(server: Running) -> None:
    first = await server.http.get("/page/main.js")
    again = await server.http.get("/page/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "no-cache"
    other = await server.http.get("/page/main.js", headers={"If-None-Match": '"something-else"'})
    assert other.status_code == 200


async def test_head_sends_no_body(server: Running) -> None:
    reply = await server.http.head("/")
    assert (reply.status_code, reply.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/page/nothing.js",
        "/page/__init__.py",
        "/page/..%2fsettings.py",
        "/page/%2e%2e%2fapp.py",
        "/page/..%5capp.py",
        "/page/main.js%00.svg",
        "/page/",
    ],
)
async def test_only_the_files_of_the_page_can_be_had(server: Running, path: str) -> None:
    reply = await server.http.get(path)
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"


async def test_the_page_can_be_switched_off(start: object) -> None:
    async with start(page=False) as running:  # type: ignore[operator]
        for path in ("/", "/page/main.js"):
            reply = await running.http.get(path)
            assert reply.status_code == 404
            assert reply.json()["code"] == "not-found"


async def test_the_page_needs_no_key_and_is_in_no_openapi_document(start: object) -> None:
    from llmcompiler_server.keys import new_key

    _, key = new_key("someone", ["run", "read"])
    async with start(keys=[key]) as running:  # type: ignore[operator]
        assert (await running.http.get("/")).status_code == 200
        assert (await running.http.get("/page/main.js")).status_code == 200
        assert (await running.http.get("/v1/runs")).status_code == 401
    paths = running.app.openapi()["paths"]
    assert "/" not in paths
    assert not [p for p in paths if p.startswith("/page")]


async def test_every_file_that_is_referred_to_is_there(server: Running) -> None:
    named = set(re.findall(r'(?:src|href)="(page/[^"]+)"', TEXTS["index.html"]))
    for name, text in TEXTS.items():
        if name.endswith(".js"):
            named |= {f"page/{found}" for found in re.findall(r'from "\./([^"]+)"', text)}
    assert len(named) > 8
    replies: list[httpx.Response] = [await server.http.get(f"/{name}") for name in sorted(named)]
    assert [r.status_code for r in replies] == [200] * len(replies)


def test_nothing_in_the_page_is_inline_or_from_elsewhere() -> None:
    markup = TEXTS["index.html"]
    assert not re.search(r"<script(?![^>]*\bsrc=)", markup)
    assert not re.search(r"<style|\sstyle=|\son\w+=", markup)
    for name, text in TEXTS.items():
        links = set(
            re.findall(r"(?:https?:)?//[\w.-]+\.\w+", re.sub(r"^\s*(//|\*|/\*).*$", "", text, flags=re.M))
        )
        assert links <= {"http://www.w3.org"}, name


def test_no_script_turns_text_into_markup() -> None:
    for name, text in TEXTS.items():
        if name.endswith(".js"):
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|srcdoc",
                text,
            ), name
