"""Who may ask, how often, and how much: keys and scopes, rates, sizes of requests, headers of answers."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import math
import weakref
from collections.abc import Awaitable, Callable, Collection
from typing import Annotated

from aiolimiter import AsyncLimiter
from fastapi import Depends, FastAPI, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from .parts import Parts, parts
from .problems import Problem
from .records import Principal, Scope
from .settings import ServerSettings

ANONYMOUS = Principal("anonymous", frozenset(["run", "read", "approve", "admin"]))
"""Everybody, of a service without keys."""

_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="`Authorization: Bearer KEY`")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="key", description="`X-API-Key: KEY`")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="llmcompiler"'}

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def require(
    scope: Scope, *, unless: Callable[[ServerSettings], bool] = lambda settings: False
) -> Callable[..., Awaitable[Principal]]:
    """A dependency that gives who asks, where their key has the scope.

    Without keys everybody has every scope. Each request counts against the rate of its key.

    Args:
        scope: What the key must be allowed.
        unless: Whether the settings open the route to everybody.

    Raises:
        Problem: 401 `key-missing` or `key-wrong`, 403 `scope-missing`, 429 `rate-limited`.
    """

    async def who(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        header: Annotated[str | None, Depends(_HEADER)],
    ) -> Principal:
        shared = parts(request)
        if unless(shared.settings):
            return ANONYMOUS
        found = _principal(shared, bearer.credentials if bearer is not None else header)
        await _count(shared, found)
        if scope not in found.scopes and not found.is_admin:
            raise Problem(
                403, "scope-missing", f"the key {found.name!r} lacks the scope `{scope}`", scope=scope
            )
        return found

    return who


def _principal(shared: Parts, key: str | None) -> Principal:
    if shared.keyring.open:
        return ANONYMOUS
    if not key:
        raise Problem(
            401, "key-missing", "this service needs a key: `Authorization: Bearer KEY`", headers=_CHALLENGE
        )
    found = shared.keyring.authenticate(key)
    if found is None:
        raise Problem(401, "key-wrong", "no such key", headers=_CHALLENGE)
    return found


_RATES: weakref.WeakKeyDictionary[FastAPI | object, dict[str, AsyncLimiter]] = weakref.WeakKeyDictionary()
"""By key ring: a limiter for each of its keys, no more than there are keys."""


async def _count(shared: Parts, who: Principal) -> None:
    limiters = _RATES.setdefault(shared.keyring, {})
    key = shared.keyring.key(who.name)
    rate = key.rate if key is not None and key.rate is not None else shared.settings.rate
    limiter = limiters.get(who.name)
    if limiter is None:
        limiter = limiters[who.name] = AsyncLimiter(max(1.0, rate), 60.0 * max(1.0, 1.0 / rate))
    if not limiter.has_capacity():
        seconds = max(1, math.ceil(60.0 / rate))
        raise Problem(
            429,
            "rate-limited",
            f"more than {rate:g} requests a minute; try again in {seconds} s",
            headers={"Retry-After": str(seconds)},
        )
    await limiter.acquire()  # there is room, so that this does not wait


def install_security(app: FastAPI, settings: ServerSettings) -> None:
    """Put the middlewares around the app: headers of answers, then CORS, then known hosts, then sizes of requests.

    CORS is outside of what refuses, so that scripts can read every refusal.
    """
    app.add_middleware(SizeLimits, max_body=settings.max_body, max_headers=settings.max_headers)
    if not settings.keys:
        app.add_middleware(KnownHosts, hosts=[settings.host, *settings.hosts])
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-API-Key"],
            expose_headers=["Idempotent-Replayed", "Location", "Retry-After"],
        )
    app.add_middleware(SecurityHeaders)


_LINGER = 1.0
"""Seconds that a refused client has to read the refusal."""


class SecurityHeaders:
    """Adds headers that keep browsers from doing more with an answer than show it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")  # the page says otherwise of its files
            await send(message)

        await self.app(scope, receive, with_headers)


class KnownHosts:
    """Refuses requests for names that a stranger may have given to this machine.

    Without keys a service trusts who reaches it, and a page on the web reaches it through its reader's browser, where
    the page's own name leads to 127.0.0.1 all of a sudden (DNS rebinding). Addresses and names without a dot are no
    such names.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app, self.hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and not self._known(Headers(scope=scope).get("host", "")):
            problem = Problem(
                403,
                "host-unknown",
                "this service has no keys and is not known by that name: put the name into the setting `hosts`, or "
                "make keys",
            )
            await problem.response()(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _known(self, host: str) -> bool:
        name = host.lower()
        if name.startswith("["):
            name = name[1:].partition("]")[0]
        elif name.count(":") == 1:
            name = name.partition(":")[0]
        name = name.removesuffix(".")
        if "." not in name.removesuffix(".localhost") or name in self.hosts:
            return True
        with contextlib.suppress(ValueError):
            return bool(ipaddress.ip_address(name))
        return False


class SizeLimits:
    """Refuses requests whose headers or body are too large or take too long, without reading more than is allowed.

    Args:
        app: What is inside.
        max_body: Bytes of a body.
        max_headers: Bytes of the headers and of the address together.
    """

    patience = 60.0
    """Seconds until a body must be there."""

    def __init__(self, app: ASGIApp, max_body: int, max_headers: int) -> None:
        self.app, self.max_body, self.max_headers = app, max_body, max_headers

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        address = len(scope.get("raw_path") or scope["path"]) + len(scope.get("query_string", b""))
        if address + sum(len(name) + len(value) for name, value in scope["headers"]) > self.max_headers:
            problem = Problem(
                431,
                "headers-too-large",
                f"the headers and the address have more than {self.max_headers} bytes",
            )
            await self._refuse(problem, scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length and "transfer-encoding" in headers:
            # Where a proxy believes one and this service the other, they disagree on where the next request begins.
            problem = Problem(400, "bad-http", "`Content-Length` and `Transfer-Encoding` exclude each other")
            await self._refuse(problem, scope, receive, send)
            return
        if length.isdecimal() and (len(length) > 18 or int(length) > self.max_body):
            await self._refuse(self._too_large(), scope, receive, send)
            return
        taken, whole, started = 0, False, False
        refused: Problem | None = None
        latest = asyncio.get_running_loop().time() + self.patience

        async def limited() -> Message:
            nonlocal taken, whole, refused
            try:
                # Once the body is there, only the end of the connection is waited for, and that may take days.
                async with asyncio.timeout_at(None if whole else latest):
                    message = await receive()
            except TimeoutError:
                refused = Problem(
                    408, "request-timeout", f"the body was not there after {self.patience:g} seconds"
                )
                raise _Refused from None
            if message["type"] == "http.request":
                whole = not message.get("more_body", False)
                taken += len(message.get("body", b""))
                if taken > self.max_body:
                    refused = self._too_large()
                    raise _Refused
            return message

        async def noting(message: Message) -> None:
            nonlocal started
            # What the app makes of the broken body is not sent: the refusal is.
            if refused is not None and not started:
                return
            started = started or message["type"] == "http.response.start"
            await send(message)

        with contextlib.suppress(_Refused):
            await self.app(scope, limited, noting)
        if refused is not None and not started:
            await self._refuse(refused, scope, receive, send)

    def _too_large(self) -> Problem:
        return Problem(413, "body-too-large", f"the body has more than {self.max_body} bytes")

    async def _refuse(self, problem: Problem, scope: Connection, receive: Receive, send: Send) -> None:
        # The rest of the body stays unread, so that the connection can serve nothing after this.
        problem.headers["Connection"] = "close"

        async def lingering(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            await send({**message, "more_body": True})
            # A connection that is closed on data nobody read is reset, and the refusal may be lost with it: a client
            # that sends only a little too much, or stops when it hears this, gets to read it.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self._read_on(receive)
            await send({"type": "http.response.body", "body": b""})

        await problem.response()(scope, receive, lingering)

    async def _read_on(self, receive: Receive) -> None:
        left = self.max_body
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return


class _Refused(Exception):
    """The body is larger than allowed, or too slow."""


__all__ = [
    "ANONYMOUS",
    "CONTENT_SECURITY_POLICY",
    "SECURITY_HEADERS",
    "KnownHosts",
    "SecurityHeaders",
    "SizeLimits",
    "install_security",
    "require",
]
