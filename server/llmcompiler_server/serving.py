"""`serve`: runs the service in this process with uvicorn, and ends it without losing runs."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

from llmcompiler.errors import ConfigurationError

from .logs import set_up_logs
from .settings import ServerSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from llmcompiler import LLMCompiler


def serve(
    compiler: LLMCompiler,
    settings: ServerSettings | None = None,
    *,
    started: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve until SIGTERM or SIGINT; then runs have `settings.grace` seconds to end. A second signal ends at once.

    Args:
        compiler: Makes the runs.
        settings: By default those of the environment.
        started: Told the address when the service takes requests.

    Raises:
        ConfigurationError: The settings do not go together, or the port is taken.
    """
    from .app import create_app

    settings = settings or ServerSettings.load()
    check(settings)
    listener = listen(settings.host, settings.port)
    set_up_logs(settings.log_level, settings.log_format)
    server = Server(create_app(compiler, settings), settings, listener, started)
    asyncio.run(server.run())


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
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"can not listen on {host}:{port}: {reason}; choose another port with --port, or 0 for any"
        ) from None
    return listener


class Server(uvicorn.Server):
    """uvicorn, on a socket of ours, with the service's own way to end."""

    def __init__(
        self,
        app: FastAPI,
        settings: ServerSettings,
        listener: socket.socket,
        started: Callable[[str], None] = lambda address: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                # Streams of events end when their runs do; those of runs that hang are cut a little later.
                timeout_graceful_shutdown=max(1, round(settings.grace + 5)),
                h11_max_incomplete_event_size=max(16_384, settings.max_headers + 4_096),
                lifespan="on",
            )
        )
        self._app, self._listener, self._told = app, listener, started

    async def run(self) -> None:  # type: ignore[override]
        """Serve until told to end."""
        await self.serve(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and say where."""
        await super().startup(sockets)
        if not self.should_exit:
            host, port = self._listener.getsockname()[:2]
            self._told(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End runs first, while their streams are still open; then connections, then the app."""
        ending = asyncio.ensure_future(self._app.state.parts.manager.aclose())
        while not ending.done() and not self.force_exit:
            await asyncio.wait({ending}, timeout=0.1)
        if not ending.done():
            ending.cancel()
            await asyncio.wait({ending}, timeout=1)
        await super().shutdown(sockets)


__all__ = ["Server", "check", "is_loopback", "listen", "serve"]
