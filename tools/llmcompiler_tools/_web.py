"""`fetch_url`: one public web page as text. The address rules are in `_network`, the caps on bodies in `_body`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

import httpcore
import httpx
from pydantic import Field

from llmcompiler import __version__
from llmcompiler.errors import ToolError, TransientError
from llmcompiler.tools import Tool, tool

from ._body import ACCEPT_ENCODING, decode, read_capped
from ._html import html_to_text
from ._network import GuardedBackend, GuardedTransport, Resolver, resolve
from ._record import Record

USER_AGENT = f"llmcompiler-runtime/{__version__} (Python library)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_TEXT_TYPES = (
    "text/",
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-ndjson",
)


class Page(Record):
    """What a URL gave."""

    url: str = Field(description="address of the page, after redirects")
    status: int = Field(description="HTTP status, 200 to 299")
    content_type: str = Field(description="media type, such as text/html")
    title: str = Field(description="title of an HTML page; empty elsewhere")
    text: str = Field(description="the readable text")
    truncated: bool = Field(description="whether the page was longer than what is here")


def fetch_url_tool(
    *,
    allow_private: bool = False,
    allow_networks: Iterable[str] = (),
    ports: Collection[int] | None = (80, 443),
    max_bytes: int = 2_000_000,
    max_characters: int = 50_000,
    timeout: float = 20.0,
    max_redirects: int = 5,
    user_agent: str = USER_AGENT,
    resolver: Resolver = resolve,
) -> Tool:
    """A `fetch_url` tool with limits of your own.

    Args:
        allow_private: Permit private, local and reserved addresses too.
        allow_networks: Networks to permit although they are not public, such as "10.1.0.0/16".
        ports: Ports to permit; None for all.
        max_bytes: Bytes of a page (unpacked) that are read; the rest is cut off.
        max_characters: Characters of text that are given back; the rest is cut off.
        timeout: Seconds for everything: name, connections, redirects, body.
        max_redirects: Redirects that are followed; each is checked like the first address.
        user_agent: Who asks.
        resolver: `async (host, port) -> addresses`, in place of the system's.
    """
    networks = tuple(allow_networks)

    def backend() -> GuardedBackend:
        return GuardedBackend(
            allow_private=allow_private, allow_networks=networks, ports=ports, resolver=resolver
        )

    backend()  # a wrong network is the developer's mistake: say so now

    async def fetch_url(url: str) -> Page:
        """Text of one web page.

        Args:
            url: Address of the page, beginning with https:// or http://.

        Raises:
            ToolError: Not a public web address, no text, or the server refused.
            TransientError: Another try may help.
        """
        headers = {
            "user-agent": user_agent,
            "accept-encoding": ACCEPT_ENCODING,
            "accept": "text/html, text/*, */*;q=0.5",
        }
        try:
            async with (
                asyncio.timeout(timeout),
                httpx.AsyncClient(
                    transport=GuardedTransport(backend()), headers=headers, timeout=timeout, trust_env=False
                ) as client,
            ):
                return await _fetch(client, _checked(url), max_redirects, max_bytes, max_characters)
        except TimeoutError:
            raise TransientError(f"{_short(url)} gave no answer within {timeout:g} s") from None
        except (httpcore.TimeoutException, httpx.TimeoutException):
            raise TransientError(f"{_short(url)} gave no answer within {timeout:g} s") from None
        except (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol, httpx.InvalidURL) as e:
            raise ToolError(f"{_short(url)} can not be fetched: {e}") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.TransportError, OSError) as e:
            raise TransientError(f"{_short(url)} can not be reached: {e or type(e).__name__}") from None

    # The tool's own limit leaves room for the message of the inner one.
    return tool(effect="read", timeout=timeout + 5, retries=1, max_concurrency=8)(fetch_url)


def _short(url: str) -> str:
    shown = url.strip()
    return repr(shown if len(shown) <= 100 else shown[:97] + "...")


def _checked(url: str | httpx.URL) -> httpx.URL:
    if isinstance(url, str):
        url = url.strip()
        if not url or len(url) > 4000:
            raise ToolError("the URL is empty" if not url else "the URL is longer than 4000 characters")
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError, ValueError) as e:
            raise ToolError(f"{_short(url)} is not a URL: {e}") from None
    else:
        parsed = url
    if parsed.userinfo:
        # not shown: it may hold a password
        raise ToolError(f"the URL for {parsed.host!r} holds a user name; give it without one")
    if parsed.scheme not in ("http", "https"):
        raise ToolError(f"{_short(str(parsed))} can not be fetched: only http:// and https:// addresses can")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise ToolError(f"{_short(str(parsed))} is not a URL: its port is not from 1 to 65535")
    if not parsed.host:
        raise ToolError(f"{_short(str(parsed))} names no host")
    return parsed


async def _fetch(
    client: httpx.AsyncClient, url: httpx.URL, redirects: int, max_bytes: int, max_characters: int
) -> Page:
    for _ in range(redirects + 1):
        request = client.build_request("GET", url)
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                url = _checked(_target(url, response.headers["location"]))
                continue
            return await _page(response, url, max_bytes, max_characters)
        finally:
            await response.aclose()
    raise ToolError(f"{_short(str(url))}: more than {redirects} redirects")


def _target(url: httpx.URL, location: str) -> httpx.URL:
    try:
        return url.join(location)
    except (httpx.InvalidURL, UnicodeError, ValueError) as e:
        raise ToolError(f"{_short(str(url))} redirects to something that is not a URL: {e}") from None


async def _page(response: httpx.Response, url: httpx.URL, max_bytes: int, max_characters: int) -> Page:
    status = response.status_code
    if not 200 <= status < 300:
        kind: type[ToolError] = TransientError if status in _TRANSIENT else ToolError
        raise kind(f"{_short(str(url))} answered {status} {response.reason_phrase}".rstrip())
    content_type = response.headers.get("content-type", "text/plain")
    media = content_type.partition(";")[0].strip().lower()
    if not (media.startswith(_TEXT_TYPES) or media.endswith(("+json", "+xml"))):
        raise ToolError(
            f"{_short(str(url))} is {media[:60] or 'of no known type'}, which has no text to read"
        )
    body, cut = await read_capped(response, max_bytes)
    text = decode(body, content_type)
    title = ""
    if media in ("text/html", "application/xhtml+xml"):
        title, text = await asyncio.to_thread(html_to_text, text)
    return Page(
        url=str(url.copy_with(fragment=None)),
        status=status,
        content_type=media,
        title=title[:300],
        text=text[:max_characters],
        truncated=cut or len(text) > max_characters,
    )


fetch_url = fetch_url_tool()
