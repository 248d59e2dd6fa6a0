"""The page: files of this package, read once and sent as they are. What it shows comes from the API, like any client's.

Nothing of a run, of a key or of the settings is ever in these files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response

from ..parts import parts
from ..problems import Problem

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page, ready to be sent."""

    content: bytes
    media_type: str
    etag: str


@cache
def page_files() -> dict[str, PageFile]:
    """The files of the page by name. Only what is in here can be asked for: no path is ever made of a request."""
    found = {}
    for entry in files("llmcompiler_server").joinpath("page").iterdir():
        media_type = _TYPES.get(entry.name.rpartition(".")[2])
        if media_type is not None and entry.is_file():
            content = entry.read_bytes()
            found[entry.name] = PageFile(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:24]}"')
    return found


def _answer(request: Request, name: str) -> Response:
    file = page_files().get(name) if parts(request).settings.page else None
    if file is None:
        raise Problem(404, "not-found", "There is no such page.")
    # Asked for anew each time and told unchanged by its tag: after an update, no old script meets a new one.
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
    if file.etag in (request.headers.get("If-None-Match") or ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


@router.api_route("/", methods=["GET", "HEAD"])
async def index(request: Request) -> Response:
    """The page itself."""
    return _answer(request, "index.html")


@router.api_route("/page/{name}", methods=["GET", "HEAD"])
async def page_file(request: Request, name: str) -> Response:
    """A script, style sheet or picture of the page."""
    return _answer(request, name)


__all__ = ["PageFile", "page_files", "router"]
