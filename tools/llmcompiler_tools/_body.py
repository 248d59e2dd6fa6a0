"""Reading a reply's body within a cap, also when a few bytes unpack into gigabytes. Nothing is sent here."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from llmcompiler.errors import ToolError

if TYPE_CHECKING:
    import httpx

ACCEPT_ENCODING = "gzip, deflate"
"""Only what can be unpacked piece by piece with a cap."""

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset=[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)


async def read_capped(response: httpx.Response, max_bytes: int) -> tuple[bytes, bool]:
    """The first `max_bytes` bytes of the unpacked body, and whether there was more.

    Raises:
        ToolError: Packed in a way that was not asked for, or broken.
    """
    raw = response.aiter_raw()
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return await _collect(raw, None, max_bytes)
    if encoding in ("gzip", "x-gzip", "deflate"):
        return await _collect(raw, zlib.decompressobj(wbits=47), max_bytes)  # gzip or zlib, by their headers
    raise ToolError(f"the reply is packed as {encoding[:40]!r}, which this tool does not unpack")


async def _collect(raw: AsyncIterator[bytes], unpacker: Any, max_bytes: int) -> tuple[bytes, bool]:
    out = bytearray()
    async for chunk in raw:
        if unpacker is None:
            out += chunk
        else:
            try:
                out += unpacker.decompress(chunk, max_bytes + 1 - len(out))
            except zlib.error as e:
                raise ToolError(f"the reply is packed wrongly: {e}") from None
        if len(out) > max_bytes:
            return bytes(out[:max_bytes]), True
    return bytes(out), False


def decode(body: bytes, content_type: str) -> str:
    """`body` as text: by its byte order mark, the header, the page's own declaration, else UTF-8. Never fails."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    named = re.search(r"charset=[\"']?([A-Za-z0-9_.:-]{1,40})", content_type, re.IGNORECASE)
    inside = _CHARSET.search(body[:2048])
    for charset in (named and named[1], inside and inside[1].decode("ascii"), "utf-8"):
        try:
            if charset and codecs.lookup(charset)._is_text_encoding:
                return body.decode(charset, "replace")
        except (LookupError, UnicodeError):
            continue
    return body.decode("utf-8", "replace")
