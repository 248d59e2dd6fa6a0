"""`serve`: runs the service in this process with uvicorn, and ends it without losing runs."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING

import h11
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.supervisors import ChangeReload

from llmcompiler.bridge import run_blocking
from llmcompiler.errors import ConfigurationError

from .logs import set_up_logs
from .problems import MEDIA_TYPE, Problem
from .runs import PATIENCE
from .security import SECURITY_HEADERS
from .settings import ServerSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from llmcompiler import LLMCompiler

_FORCED = 2
"""Seconds that the app has to end after a second signal."""
_LAST = 5
"""Seconds that connections have to end when all runs have."""


def serve(
    compiler: LLMCompiler,
    settings: ServerSettings | None = None,
    *,
    started: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve until SIGTERM or SIGINT; then runs have `settings.grace` seconds to end. A second signal ends at once.

    In the main thread it takes both signals; elsewhere it ends with the process.

    Args:
        compiler: Makes the runs.
        settings: By default those of the environment.
        started: Told the address when the service takes requests.

    Raises:
        ConfigurationError: The settings do not go together, the port is taken, or the store can not be opened.
        SystemExit: A second signal came: 128 and its number.
    """
    from .app import create_app

    settings = settings or ServerSettings.load()
    check(settings)
    listener = listen(settings.host, settings.port)
    set_up_logs(settings.log_level, settings.log_format)
    with contextlib.closing(listener):
        server = Server(create_app(compiler, settings), settings, listener, started)
        try:
            run_blocking(server.run())
        finally:
            server.unwatched()
    if server.forced is not None:
        raise SystemExit(128 + server.forced)


def serve_again(
    factory: str,
    settings: ServerSettings,
    folders: Sequence[str],
    started: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve for development: in a process that starts again when a Python file changes. Runs under way are lost then.

    Args:
        factory: Makes the app in that process: `module:function`.
        settings: Where to listen.
        folders: What is watched.
        started: Told the address.

    Raises:
        ConfigurationError: The settings do not go together, or the port is taken.
    """
    check(settings)
    listener = listen(settings.host, settings.port)
    config = uvicorn.Config(
        factory,
        factory=True,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        reload=True,
        reload_dirs=list(folders),
        timeout_graceful_shutdown=1,  # a page that follows a run must not hold the new code up
    )
    set_up_logs(settings.log_level, settings.log_format)
    with contextlib.closing(listener):
        started(address(listener))
        ChangeReload(config, target=uvicorn.Server(config).run, sockets=[listener]).run()


def address(listener: socket.socket) -> str:
    """Where a socket listens, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def check(settings: ServerSettings) -> None:
    """Refuse settings that would not be safe, or would not work.

    Raises:
        ConfigurationError: The text says which, and the way out.
    """
    if settings.workers > 1:
        raise ConfigurationError(
            f"workers = {settings.workers}: runs live in one process until processes can share them through a common "
            "journal; start one worker, and several services with keys of their own behind a proxy if one is too few"
        )
    if not settings.keys and not is_loopback(settings.host):
        raise ConfigurationError(
            f"host = {settings.host!r} can be reached from other machines, and there is no key: whoever reaches "
            "it could call every tool. Make a key with `llmcompiler keys new NAME` for the settings, or stay on "
            "127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a service on this host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ConfigurationError: The port is taken, or the host is none of this machine's.
    """
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
        listener.setblocking(False)
    except (OSError, TypeError, ValueError) as error:  # some texts can be no name at all
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"can not listen on {host}:{port}: {reason}; choose another with --port (0 for any) or --host"
        ) from None
    return listener


class Server(uvicorn.Server):
    """uvicorn, on a socket of ours, with the service's own way to end.

    The first signal lets runs end, the second ends at once; a process that an event loop in a tool's hands keeps from
    either is ended all the same.
    """

    forced: int | None = None
    """The signal that ended it at once."""

    def __init__(
        self,
        app: FastAPI,
        settings: ServerSettings,
        listener: socket.socket,
        started: Callable[[str], None] = lambda address: None,
    ) -> None:
        self._failure: BaseException | None = None
        self._watchdog = _Watchdog()
        super().__init__(
            uvicorn.Config(
                self._noting(app),
                http=Protocol,
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_LAST,
                h11_max_incomplete_event_size=max(16_384, settings.max_headers + 4_096),
                lifespan="on",
            )
        )
        self._app, self._listener, self._told = app, listener, started
        self._longest = settings.grace + PATIENCE + 2 * _LAST

    def _noting(self, app: FastAPI) -> ASGIApp:
        """The app, and why it did not begin: uvicorn does not say."""

        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            async def quiet(message: Message) -> None:
                if message["type"] == "lifespan.startup.failed":
                    message = {**message, "message": ""}
                await send(message)

            try:
                await app(scope, receive, quiet if scope["type"] == "lifespan" else send)
            except BaseException as e:
                if scope["type"] == "lifespan":
                    self._failure = e
                raise

        return noted

    async def run(self) -> None:  # type: ignore[override]
        """Serve until told to end.

        Raises:
            ConfigurationError: It can not begin.
        """
        await self.serve(sockets=[self._listener])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals end the service while it runs. uvicorn would raise them again afterwards, and not exit with 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._watchdog.start()
        before = {sig: signal.signal(sig, self.handle_exit) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        if not self.should_exit:
            self.should_exit = True
            self._watchdog.end_after(self._longest, 1)
        else:
            self.force_exit = True
            self.forced = sig
            self._watchdog.end_after(_LAST, 128 + sig)

    def unwatched(self) -> None:
        """It ended: nothing has to be forced any more."""
        self._watchdog.stop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and say where."""
        try:
            await super().startup(sockets)
        except SystemExit:
            if self._failure is None:
                raise
            raise self._failure from None
        if not self.should_exit:
            self._told(address(self._listener))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End runs first, while their streams are still open; then connections, then the app."""
        ending = asyncio.ensure_future(self._app.state.parts.manager.aclose())
        while not ending.done() and not self.force_exit:
            await asyncio.wait({ending}, timeout=0.1)
        if not ending.done():
            ending.cancel()
            await asyncio.wait({ending}, timeout=1)
        await super().shutdown(sockets)
        if self.force_exit:
            # uvicorn leaves the app as it is, and what the loop makes of it says nothing of runs.
            self._app.state.parts.manager.give_up()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FORCED):
                    await self.lifespan.shutdown()


class Protocol(H11Protocol):
    """HTTP/1.1, with the service's own words for what is no HTTP. It bounds headers, which not every parser does.

    Between requests a connection is closed after uvicorn's own time.
    """

    patience = 30.0
    """Seconds until the headers of a request must be there."""
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connects."""
        super().connection_made(transport)
        self._late = self.loop.call_later(self.patience, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._in_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """They say something."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._in_time()
        elif self._late is None and self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            # Another request begins, which has stopped uvicorn's own clock.
            self._late = self.loop.call_later(self.patience, self._too_late)

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what can not be read: a request cut off, or headers without end."""
        error = sys.exception()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            # An answer is on its way already, and another one can not begin: whoever follows it sees it end.
            self.transport.close()
            return
        if getattr(error, "error_status_hint", 400) == 431:
            problem = Problem(431, "headers-too-large", "the headers are larger than this service takes")
        else:
            problem = Problem(400, "bad-http", "this is no HTTP/1.1 request")
        body = json.dumps(problem.document()).encode()
        headers = [
            ("Content-Type", MEDIA_TYPE),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *SECURITY_HEADERS.items(),
        ]
        for event in (
            h11.Response(
                status_code=problem.status, headers=headers, reason=problem.document()["title"].encode()
            ),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class _Watchdog:
    """The last way out, where the event loop does not come back: a tool may hold it for ever.

    Its thread is there before any signal is, and is told through a queue that signal handlers may use at any moment.
    """

    def __init__(self) -> None:
        self._orders: SimpleQueue[tuple[float, int] | None] = SimpleQueue()

    def start(self) -> None:
        threading.Thread(target=self._watch, name="llmcompiler-watchdog", daemon=True).start()

    def end_after(self, seconds: float, code: int) -> None:
        """End the process unless another word comes first."""
        self._orders.put((seconds, code))

    def stop(self) -> None:
        self._orders.put(None)

    def _watch(self) -> None:
        order = self._orders.get()
        while order is not None:
            seconds, code = order
            try:
                order = self._orders.get(timeout=seconds)
            except Empty:
                with contextlib.suppress(Exception):  # whatever standard error is by now
                    text = "error: the service does not end by itself; it is ended"
                    print(text, file=sys.stderr, flush=True)  # noqa: T201
                os._exit(code)


__all__ = ["Protocol", "Server", "address", "check", "is_loopback", "listen", "serve", "serve_again"]
