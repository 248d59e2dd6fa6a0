"""What `serve` refuses, where it listens, how it ends. Signals to real processes are in `test_serve_command.py`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from llmcompiler import ConfigurationError
from llmcompiler_server import create_app, serve
from llmcompiler_server.keys import new_key
from llmcompiler_server.serving import Server, address, check, is_loopback, listen
from llmcompiler_server.settings import ServerSettings
from tests.support.serving import Gates, make_compiler, make_settings


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.168.1.5", "example.org", "[::]", "127.0.0.1.example"]
)
def test_other_machines_only_with_a_key(host: str) -> None:
    with pytest.raises(ConfigurationError, match="llmcompiler keys new NAME"):
        check(ServerSettings(host=host))
    check(ServerSettings(host=host, keys=[new_key("web")[1]]))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "127.8.8.8"])
def test_this_machine_without_a_key(host: str) -> None:
    assert is_loopback(host)
    check(ServerSettings(host=host))


def test_more_than_one_worker_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"workers = 2: runs live in one process until .* common journal"
    ):
        check(ServerSettings(workers=2))
    with pytest.raises(ConfigurationError, match="workers = 2"):
        serve(make_compiler(), make_settings(workers=2))


def test_a_port_that_is_taken() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"can not listen on 127.0.0.1:{port}: .*in use.*--port"):
            listen("127.0.0.1", port)
        with pytest.raises(ConfigurationError, match="in use"):
            serve(make_compiler(), make_settings(port=port))


@pytest.mark.parametrize("host", ["192.0.2.1", "a" * 70 + ".invalid", "\u2603..x", "a\0b"])
def test_hosts_that_are_none_of_this_machines(host: str) -> None:
    with pytest.raises(ConfigurationError, match="can not listen on"):
        listen(host, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]"])
async def test_it_listens_and_says_where(host: str) -> None:
    try:
        listener = listen(host, 0)
    except ConfigurationError:
        pytest.skip("this machine has no IPv6")
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = Server(create_app(make_compiler(), make_settings()), make_settings(), listener, told.set_result)
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    running = asyncio.ensure_future(server.run())
    url = await told
    assert url == f"http://{'[::1]' if ':' in host else '127.0.0.1'}:{url.rpartition(':')[2]}"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        reply = await http.get("/healthz")
        assert reply.status_code == 200
        assert "server" not in reply.headers
    server.should_exit = True
    await running


async def test_streams_are_told_the_end_of_runs_that_were_interrupted() -> None:
    gates = Gates()
    settings = make_settings(grace=0.05)
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    app = create_app(make_compiler(gates), settings)
    server = Server(app, settings, listen("127.0.0.1", 0), told.set_result)
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    running = asyncio.ensure_future(server.run())
    async with httpx.AsyncClient(base_url=await told, trust_env=False, timeout=30) as http:
        body = {"input": '1. wait_at("a")\njoin($1)', "stream": True}
        asked = asyncio.ensure_future(http.post("/v1/runs", json=body))
        waited = asyncio.ensure_future(http.post("/v1/runs", json={"input": body["input"]}))
        await gates.arrived["a"].wait()
        server.should_exit = True
        stream, document = await asked, (await waited).json()
        assert "event: RunFinished" in stream.text
        assert '"Interrupted"' in stream.text
        assert document["status"] == "interrupted"
    await running


def test_a_store_that_can_not_be_opened_is_one_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no database " * 500)
    with pytest.raises(ConfigurationError, match="notes.txt"):
        serve(make_compiler(), make_settings(port=0, store=str(file)))
    assert file.read_text().startswith("no database")


def test_signals_are_left_as_they_were() -> None:
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]

    def stop(url: str) -> None:
        signal.raise_signal(signal.SIGTERM)

    serve(make_compiler(), make_settings(port=0), started=stop)  # returns: it was told to end once
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_second_signal_ends_it_with_the_signals_number() -> None:
    def stop(url: str) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as ended:
        serve(make_compiler(), make_settings(port=0), started=stop)
    assert ended.value.code == 128 + signal.SIGTERM


def test_the_port_is_free_again(capsys: pytest.CaptureFixture[str]) -> None:
    used = []

    def ask(url: str) -> None:
        used.append(int(url.rpartition(":")[2]))
        signal.raise_signal(signal.SIGTERM)

    serve(make_compiler(), make_settings(port=0), started=ask)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", used[0]))


def test_addresses() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert address(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def _no_signals() -> Any:
    return contextlib.nullcontext()
