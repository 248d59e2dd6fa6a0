"""What every call to a model's server over HTTP must get right: keys, addresses, waits, sizes.

No provider's wire format lives here, and nothing here opens a connection.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from ..errors import ConfigurationError, ModelReplyInvalid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

LINE_LIMIT = 8 * 1024 * 1024
"""Bytes one line of a streamed reply may have."""

REPLY_LIMIT = 64 * 1024 * 1024
"""Bytes one reply may have."""

_KEY_SHAPED = re.compile(r"\bsk-[A-Za-z0-9_*.\-]{4,}|(?i:\bbearer\s+)[A-Za-z0-9_*.~+/=\-]{8,}")


class Secret:
    """A key that no repr, traceback or `vars()` shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself, for the header it belongs in."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "<secret>" if self._value else "<none>"

    def __reduce__(self) -> str:
        raise TypeError("a model that holds a key can not be pickled: build it where it is used")


def checked_key(value: str | None, where: str) -> Secret:
    """The key as a `Secret`, or an error that says which one can not be a header, and never shows it.

    Raises:
        ConfigurationError: It has a line break, a space or a character outside ASCII.
    """
    value = value or ""
    if not all("!" <= c <= "~" for c in value):
        raise ConfigurationError(
            f"the key in {where} has a line break, a space or a character that no key has: "
            "copy it again, without what surrounds it"
        )
    return Secret(value)


def checked_base_url(value: str) -> httpx.URL:
    """The base URL without a trailing slash or `/chat/completions`.

    Raises:
        ConfigurationError: It is no http(s) URL with a host.
    """
    text = value.strip().rstrip("/")
    for tail in ("/chat/completions", "/completions"):
        text = text.removesuffix(tail)
    try:
        urlsplit(text)  # finds what httpx lets through: half an IPv6 address
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(
            f"the base URL of the model's server must look like `http://127.0.0.1:8080/v1`, and is "
            f"{_without_password(text)!r}"
        )
    return url


def shown_url(url: httpx.URL) -> str:
    """The URL as errors may show it: no user, no password, no query."""
    return str(url.copy_with(username="", password="", query=None, fragment=None))


def is_loopback(url: httpx.URL) -> bool:
    """Whether the URL is on this machine, where no proxy belongs in between."""
    if url.host == "localhost" or url.host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@]*@", "//", text)[:100]


class Redactor:
    """Makes text from a server fit to show: one line, short, without any key."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({s for s in secrets if s}, key=len, reverse=True)

    def __call__(self, text: str, limit: int = 300) -> str:
        """`text` on one line, with keys replaced, of at most `limit` characters."""
        text = text[: 64 * limit]
        for secret in self._secrets:
            if len(secret) >= 6:
                text = text.replace(secret, "[key]")
            else:
                # A very short key is also a part of ordinary words: only whole words are it.
                text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "[key]", text)
        text = _KEY_SHAPED.sub("[key]", text)
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return text if len(text) <= limit else text[: limit - 3] + "..."


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds the server asks to wait (`Retry-After` as seconds or as a date), or None."""
    value = (headers.get("retry-after") or "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        seconds = (at - (now or datetime.now(UTC))).total_seconds()
    if seconds != seconds or seconds == float("inf"):
        return None
    return max(0.0, seconds)


class CappedStream(httpx.AsyncByteStream):
    """A reply's bytes, with an end to how long one line and the whole reply may be."""

    def __init__(self, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._first = first
        self._rest = rest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        line = total = 0
        piece: bytes | None = self._first
        while piece is not None:
            total += len(piece)
            newline = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
            line = line + len(piece) if newline < 0 else len(piece) - newline - 1
            if line > LINE_LIMIT:
                raise ModelReplyInvalid(f"the reply has a line of more than {LINE_LIMIT // 2**20} MiB")
            if total > REPLY_LIMIT:
                raise ModelReplyInvalid(f"the reply has more than {REPLY_LIMIT // 2**20} MiB")
            yield piece
            piece = await anext(self._rest, None)
