"""Connections to public addresses only: the address rules, and an httpx transport that applies them where it connects.

The name is resolved once, every address it has is checked, and the connection goes to one of those very addresses, so
a name that changes its mind between check and use (DNS rebinding) gains nothing. It holds for every redirect, because
every new connection passes here. Host header and TLS server name stay those of the URL.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any

import httpcore
import httpx

from llmcompiler.errors import ToolError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a host name and a port to IP addresses as text."""

_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
# The special blocks of the IANA registries by name, because Python's own tables differ from version to version; and
# the address at which one cloud serves its machines' settings, although it is in a public block.
_REFUSED: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
            "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        ),
    )
)  # fmt: skip
_TRIES = 3


class AddressRefused(ToolError):
    """The address of a URL is not one that may be fetched."""


def is_public(address: Address) -> bool:
    """Whether an address is an ordinary one of the public internet.

    Private, loopback, link-local, shared (CGNAT), multicast, reserved and documentation addresses are not, nor are
    IPv6 addresses that carry an IPv4 one (mapped, compatible, 6to4, Teredo, NAT64).
    """
    if address.version == 6 and address not in _PUBLIC_V6:
        return False
    return address.is_global and not any(n.version == address.version and address in n for n in _REFUSED)


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's resolver.

    Raises:
        OSError: There are none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections for httpcore, to permitted addresses only.

    Args:
        allow_private: Permit every address.
        allow_networks: Networks permitted although they are not public.
        ports: Ports permitted; None for all.
        resolver: How host names become addresses.
        inner: What opens the connection to a checked address.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        allow_networks: Iterable[str] = (),
        ports: Collection[int] | None = (80, 443),
        resolver: Resolver = resolve,
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._allow_networks: tuple[Network, ...] = tuple(ipaddress.ip_network(n) for n in allow_networks)
        self._ports = None if ports is None else frozenset(ports)
        self._resolver = resolver
        self._inner = inner or httpcore.AnyIOBackend()

    def _permitted(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        if self._allow_private or any(
            address in n for n in self._allow_networks if n.version == address.version
        ):
            return True
        return is_public(address)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a checked address of `host`.

        Raises:
            AddressRefused: The port or one of the addresses is not permitted.
            httpcore.ConnectError: The name has no address, or none answers.
        """
        if self._ports is not None and port not in self._ports:
            allowed = ", ".join(map(str, sorted(self._ports)))
            raise AddressRefused(f"port {port} of {host!r} may not be fetched; allowed are {allowed}")
        try:
            addresses = list(dict.fromkeys(await asyncio.wait_for(self._resolver(host, port), timeout)))
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"no answer for the name {host!r}") from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError(f"no address for the name {host!r}") from None
        if not addresses:
            raise httpcore.ConnectError(f"no address for the name {host!r}")
        # One bad address among good ones is a trick, not an accident: all must be permitted.
        if not all(map(self._permitted, addresses)):
            raise AddressRefused(
                f"{host!r} is a private, local or reserved address, which may not be fetched"
            )
        problem: Exception = httpcore.ConnectError(f"can not connect to {host!r}")
        for address in addresses[:_TRIES]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as e:
                problem = e
        raise problem

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never: there is no address to check."""
        raise AddressRefused("a socket of this machine may not be fetched")

    async def sleep(self, seconds: float) -> None:
        """Wait, for httpcore's retries."""
        await asyncio.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport over a `GuardedBackend`: HTTP/1.1, no proxies, nothing from the environment."""

    def __init__(self, backend: GuardedBackend) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False), network_backend=backend, max_connections=4
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; httpcore's errors pass through."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        reply = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=url,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=reply.status,
            headers=reply.headers,
            stream=_Body(reply.stream),
            extensions=reply.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()
