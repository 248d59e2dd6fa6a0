"""`fetch_url`: what it reads, and what it will not touch, against a server on this machine and made-up names."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Sequence
from typing import Any

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcompiler.errors import ToolError, TransientError
from llmcompiler_tools import Page, fetch_url, fetch_url_tool
from llmcompiler_tools._html import html_to_text
from llmcompiler_tools._network import AddressRefused, GuardedBackend, GuardedTransport, is_public
from tests.tools_library.loopback import Reply, loopback

HTML = {"Content-Type": "text/html; charset=utf-8"}


def local_tool(**options: Any) -> Any:
    """A tool that may reach this machine, and nothing else that is not public."""
    return fetch_url_tool(allow_networks=["127.0.0.1/32"], ports=None, **{"resolver": names()} | options)


@pytest.fixture(autouse=True)
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that were connected to; anything but this machine fails the test instead of being reached."""
    made: list[str] = []
    original = httpcore.AnyIOBackend.connect_tcp

    async def connect_tcp(self: Any, host: str, *args: Any, **kwargs: Any) -> Any:
        made.append(host)
        assert ipaddress.ip_address(host).is_loopback, f"a test was about to connect to {host}"
        return await original(self, host, *args, **kwargs)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    return made


def names(**table: str | Sequence[str]) -> Any:
    """A resolver that knows these names and, like the system's, plain IPv4 addresses; it records what it was asked."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        key = host.replace(".", "_").replace("-", "_")
        if key in table:
            found = table[key]
            return [found] if isinstance(found, str) else list(found)
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            raise socket.gaierror(host) from None

    resolve.asked = asked  # type: ignore[attr-defined]
    return resolve


# -- reading -----------------------------------------------------------------------


async def test_a_page_becomes_text() -> None:
    page = """<!DOCTYPE html><html><head><title>Mount &amp; Peak</title><style>p {color: red}</style>
    <script>var x = "<p>no</p>";</script></head><body><!-- a <b>comment</b> --><h1>Everest</h1>
    <p>It is   8,849&nbsp;m   high.<br>Very high.</p><ul><li>one<li>two</ul>1 < 2
    <template>hidden</template></body></html>"""
    async with loopback({"/everest": Reply(page, headers=HTML)}) as server:
        found = await local_tool()(f"{server.base}/everest?q=1#height")
    assert found == Page(
        url=f"{server.base}/everest?q=1",
        status=200,
        content_type="text/html",
        title="Mount & Peak",
        text="Everest\nIt is 8,849 m high.\nVery high.\none\ntwo\n1 < 2",
        truncated=False,
    )
    path, headers = server.requests[0]
    assert path == "/everest?q=1"
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["user-agent"].startswith("llmcompiler-runtime/")


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b'{"a": 1}', "application/json", '{"a": 1}'),
        (b"<a>1</a>", "application/atom+xml", "<a>1</a>"),
        ("Grüße".encode("latin-1"), "text/plain; charset=iso-8859-1", "Grüße"),
        ("Grüße".encode(), "text/plain", "Grüße"),
        ("Grüße".encode("utf-16"), "text/plain", "Grüße"),
        (b'<meta charset="latin-1">Gr\xfc\xdfe', "text/html", "Grüße"),
        (b"\xff\xfe\xfa bad", "text/plain; charset=nonsense", None),
        (b"x", "text/plain; charset=hex", "x"),
    ],
)
async def test_kinds_of_text(body: bytes, content_type: str, text: str | None) -> None:
    async with loopback({"/": Reply(body, headers={"Content-Type": content_type})}) as server:
        found = await local_tool()(server.base)
    if text is not None:
        assert found.text == text


@pytest.mark.parametrize(
    ("reply", "says", "kind"),
    [
        (
            Reply(b"%PDF", headers={"Content-Type": "application/pdf"}),
            "application/pdf, which has no text",
            ToolError,
        ),
        (Reply(status="404 Not Found"), "answered 404 Not Found", ToolError),
        (Reply(status="403 Forbidden"), "answered 403", ToolError),
        (Reply(status="503 Service Unavailable"), "answered 503", TransientError),
        (Reply(status="429 Too Many Requests"), "answered 429", TransientError),
        (
            Reply(b"\x00\x01", headers={"Content-Encoding": "br", "Content-Type": "text/plain"}),
            "packed as 'br'",
            ToolError,
        ),
        (
            Reply(b"oops", headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"}),
            "packed wrongly",
            ToolError,
        ),
        (Reply(status="302 Found", headers={"Location": "ftp://example.com/"}), "only http", ToolError),
        (Reply(status="302 Found", headers={"Location": "file:///etc/passwd"}), "only http", ToolError),
        (
            Reply(status="302 Found", headers={"Location": "http://[bad"}),
            "no address|not a URL",
            TransientError,
        ),
        (
            Reply(status="302 Found", headers={"Location": "http://me:secret@127.0.0.1/"}),
            "user name",
            ToolError,
        ),
        (Reply(status="302 Found", headers={"Location": "/"}), "more than 5 redirects", ToolError),
        (Reply(status="nonsense"), "can not be reached", TransientError),
    ],
)
async def test_what_can_not_be_read(reply: Reply, says: str, kind: type[ToolError]) -> None:
    async with loopback({"/": reply}) as server:
        with pytest.raises(kind, match=says) as caught:
            await local_tool()(server.base)
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)


async def test_redirects_are_followed_and_the_last_address_is_told() -> None:
    replies = {
        "/a": Reply(status="301 Moved", headers={"Location": "b"}),
        "/b": Reply(status="307 Temporary", headers={"Location": "/c?x=1"}),
        "/c": Reply("there"),
    }
    async with loopback(replies) as server:
        found = await local_tool()(f"{server.base}/a")
        assert (found.text, found.url) == ("there", f"{server.base}/c?x=1")
        with pytest.raises(ToolError, match="more than 1 redirects"):
            await local_tool(max_redirects=1)(f"{server.base}/a")


# -- caps ----------------------------------------------------------------------------


async def test_long_pages_are_cut() -> None:
    async with loopback({"/": Reply("x" * 5000)}) as server:
        found = await local_tool(max_bytes=1000)(server.base)
        assert (len(found.text), found.truncated) == (1000, True)
        found = await local_tool(max_characters=100)(server.base)
        assert (len(found.text), found.truncated) == (100, True)
        assert (await local_tool(max_bytes=5000, max_characters=5000)(server.base)).truncated is False


async def test_a_page_without_end_is_cut() -> None:
    sent = 0

    async def forever(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(b"y" * 10_000)
            sent += 10_000
            await writer.drain()

    async with loopback({"/": Reply(forever)}) as server:
        found = await local_tool(max_bytes=100_000)(server.base)
    assert (len(found.text), found.truncated) == (50_000, True)
    assert sent < 20_000_000


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_a_small_page_that_unpacks_to_a_huge_one_is_cut(packing: str) -> None:
    plain = b"z" * 200_000_000
    packed = gzip.compress(plain, 9) if packing == "gzip" else zlib.compress(plain, 9)
    del plain
    assert len(packed) < 300_000
    async with loopback({"/": Reply(packed, headers={"Content-Encoding": packing})}) as server:
        began = time.perf_counter()
        found = await local_tool(max_bytes=1_000_000)(server.base)
    assert (len(found.text), found.truncated) == (50_000, True)
    assert time.perf_counter() - began < 10


async def test_packed_pages_are_unpacked() -> None:
    async with loopback(
        {"/": Reply(gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})}
    ) as server:
        assert (await local_tool()(server.base)).text == "hello"
        assert server.requests[0][1]["accept-encoding"] == "gzip, deflate"


async def test_a_slow_page_ends_at_the_time_limit() -> None:
    never = asyncio.Event()

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"a")
        await writer.drain()
        await never.wait()

    async with loopback({"/": Reply(drip)}) as server:
        began = time.perf_counter()
        with pytest.raises(TransientError, match=r"no answer within 0\.3 s"):
            await local_tool(timeout=0.3)(server.base)
        assert time.perf_counter() - began < 10


async def test_a_name_that_takes_for_ever_ends_at_the_time_limit() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(TransientError, match="no answer within"):
        await fetch_url_tool(timeout=0.2, resolver=resolve)("http://slow.example/")


async def test_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(TransientError, match="can not be reached"):
            await local_tool()(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    with pytest.raises(TransientError, match=r"no address for the name 'nowhere\.invalid'"):
        await fetch_url_tool(resolver=names())("http://nowhere.invalid/")


# -- addresses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.8.9.1/", "http://0.0.0.0/", "http://0/", "http://10.1.2.3/",
        "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/",
        "http://198.18.0.1/", "http://192.0.0.192/", "http://192.0.2.1/", "http://224.0.0.1/", "http://239.1.1.1/",
        "http://240.0.0.1/", "http://255.255.255.255/", "http://168.63.129.16/", "http://192.88.99.1/",
        "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
        "http://localhost/", "http://LOCALHOST./", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:10.0.0.1]/", "http://[::ffff:8.8.8.8]/", "http://[::127.0.0.1]/", "http://[fe80::1]/",
        "http://[fc00::1]/", "http://[fec0::1]/", "http://[ff02::1]/", "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::8.8.8.8]/", "http://[64:ff9b:1::1]/", "http://[2002:7f00:1::]/", "http://[2001::1]/",
        "http://[2001:db8::1]/", "http://[100::1]/", "https://127.0.0.1/", "http://①②⑦.⓪.⓪.①/",
    ],
)  # fmt: skip
async def test_addresses_that_are_refused(url: str, connections: list[str]) -> None:
    with pytest.raises(ToolError, match=r"private, local or reserved|not a URL|no address") as caught:
        await fetch_url(url)
    assert connections == []
    if "not a URL" not in str(caught.value) and "no address" not in str(caught.value):
        assert isinstance(caught.value, AddressRefused)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://example.com/", "only http"),
        ("file:///etc/passwd", "only http"),
        ("gopher://127.0.0.1/", "only http"),
        ("javascript:alert(1)", "only http"),
        ("data:text/plain,hi", "only http"),
        ("example.com", "only http"),
        ("//example.com/", "only http"),
        ("http:///path", "names no host"),
        ("http://me:secret@example.com/", "holds a user name"),
        ("ftp://me:secret@example.com/", "holds a user name"),
        ("http://example.com:22/", r"port 22 .* may not be fetched; allowed are 80, 443"),
        ("http://example.com:99999/", "not a URL"),
        ("http://exa mple.com/", "not a URL|no address"),
        ("http://[::1/", "not a URL"),
        ("", "is empty"),
        ("http://e.com/" + "a" * 5000, "longer than 4000"),
    ],
)
async def test_urls_that_are_refused(url: str, says: str) -> None:
    with pytest.raises(ToolError, match=says) as caught:
        await fetch_url_tool(resolver=names())(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "addresses",
    [
        "10.0.0.7",
        "127.0.0.1",
        "::1",
        "fd00::5",
        "::ffff:127.0.0.1",
        ["93.184.215.14", "127.0.0.1"],
        "garbage",
        "fe80::1%eth0",
    ],
)
async def test_a_name_that_stands_for_a_private_address_is_refused(
    addresses: str | list[str], connections: list[str]
) -> None:
    resolver = names(internal_example=addresses)
    with pytest.raises(AddressRefused, match=r"'internal\.example'"):
        await fetch_url_tool(resolver=resolver)("http://internal.example/")
    assert resolver.asked == ["internal.example"]
    assert connections == []


async def test_a_redirect_to_a_private_address_is_refused() -> None:
    targets = [
        "http://10.0.0.1/",
        "http://127.0.0.2/",
        "http://inner.example/",
        "//inner.example/x",
        "http://[::1]/",
    ]
    replies = {f"/{i}": Reply(status="302 Found", headers={"Location": t}) for i, t in enumerate(targets)}
    fetch = local_tool(resolver=names(inner_example="192.168.0.5"))
    async with loopback(replies) as server:
        for i in range(len(targets)):
            with pytest.raises(AddressRefused):
                await fetch(f"{server.base}/{i}")
    assert len(server.requests) == len(targets)


async def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """DNS rebinding: the checked address is the one connected to; a new connection is checked anew."""
    answers = ["127.0.0.1", "127.0.0.2"]

    async def resolve(host: str, port: int) -> list[str]:
        return [answers.pop(0)]

    async with loopback(
        {"/": Reply(status="302 Found", headers={"Location": "/again"}), "/again": Reply("in")}
    ) as server:
        with pytest.raises(AddressRefused):
            await local_tool(resolver=resolve)(f"http://rebind.example:{server.port}/")
    assert [path for path, _ in server.requests] == ["/"]
    assert server.requests[0][1]["host"] == f"rebind.example:{server.port}"


async def test_the_name_is_resolved_once_for_a_connection() -> None:
    resolver = names(site_example="127.0.0.1")
    async with loopback({"/": Reply("yes")}) as server:
        assert (await local_tool(resolver=resolver)(f"http://site.example:{server.port}/")).text == "yes"
    assert resolver.asked == ["site.example"]


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async with loopback({"/": Reply("yes")}) as server:
        fetch = fetch_url_tool(
            allow_networks=["127.0.0.0/8"], ports=None, resolver=names(two_example=["127.0.0.9", "127.0.0.1"])
        )
        assert (await fetch(f"http://two.example:{server.port}/")).text == "yes"


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with loopback({"/": Reply("direct")}) as server, loopback({}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.base)
        monkeypatch.setenv("ALL_PROXY", proxy.base)
        assert (await local_tool()(server.base)).text == "direct"
        assert proxy.requests == []


async def test_private_addresses_on_request() -> None:
    async with loopback({"/": Reply("yes")}) as server:
        assert (await fetch_url_tool(allow_private=True, ports=[server.port])(server.base)).text == "yes"


async def test_tls_asks_for_the_name_of_the_url_not_the_address() -> None:
    """A pinned connection must not weaken the check of the certificate."""
    seen: list[tuple[str, str | None]] = []

    class Stream(httpcore.AsyncNetworkStream):
        def __init__(self, address: str) -> None:
            self.address = address

        async def start_tls(
            self,
            ssl_context: ssl.SSLContext,
            server_hostname: str | None = None,
            timeout: float | None = None,
        ) -> httpcore.AsyncNetworkStream:
            assert ssl_context.verify_mode is ssl.CERT_REQUIRED
            assert ssl_context.check_hostname
            seen.append((self.address, server_hostname))
            raise httpcore.ConnectError("far enough")

        async def aclose(self) -> None:
            pass

    class Inner(httpcore.AsyncNetworkBackend):
        async def connect_tcp(self, host: str, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
            return Stream(host)

    backend = GuardedBackend(resolver=names(site_example="93.184.215.14"), inner=Inner())
    async with httpx.AsyncClient(transport=GuardedTransport(backend), trust_env=False) as client:
        with pytest.raises(httpcore.ConnectError, match="far enough"):
            await client.get("https://site.example/")
    assert seen == [("93.184.215.14", "site.example")]


async def test_unix_sockets_are_refused() -> None:
    with pytest.raises(AddressRefused):
        await GuardedBackend(allow_private=True).connect_unix_socket("/run/docker.sock")


def test_a_wrong_network_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        fetch_url_tool(allow_networks=["nonsense"])


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001::1"]
)
def test_public_addresses(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@given(st.ip_addresses())
def test_no_address_that_python_knows_as_special_is_public(address: Any) -> None:
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or getattr(address, "ipv4_mapped", None) is not None
        or getattr(address, "sixtofour", None) is not None
        or getattr(address, "teredo", None) is not None
    )
    assert not (special and is_public(address))


# -- text of pages ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        "<!--",
        "<",
        "<a",
        "<a ",
        "</",
        "<script",
        "<script>",
        "<style>",
        "<title>",
        "<!",
        "<?",
        "<![CDATA[",
        "&",
        "&#",
        "<p>",
        "<a b='",
    ],
)
def test_pages_made_to_hurt_are_read_in_linear_time(part: str) -> None:
    page = part * (1_000_000 // len(part))
    began = time.perf_counter()
    html_to_text(page)
    assert time.perf_counter() - began < 15


@given(
    st.lists(
        st.sampled_from(
            [
                "<",
                ">",
                "<p>",
                "</p>",
                "<script>",
                "</SCRIPT>",
                "<!--",
                "-->",
                "a",
                " ",
                "&lt;",
                "<title>",
                "</title",
                "\n",
            ]
        )
    )
)
def test_any_page_gives_text(parts: list[str]) -> None:
    title, text = html_to_text("".join(parts))
    assert "\n\n" not in text
    assert "\n" not in title
