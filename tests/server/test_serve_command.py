"""`llmcompiler serve` and `llmcompiler keys` as users have them: real processes, real signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
import sys
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from llmcompiler_server.keys import ApiKey, new_key
from llmcompiler_server.settings import ServerSettings

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "llmcompiler.cli"]
TOOLS = ["--tools", "serve_tools:tools", "--planner", "python:serve_tools:planner", "--port", "0"]
PLAN = "1. add(1, 2)\n2. add($1, 4)\njoin($2)"


def environment(folder: Path, **changes: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LLMCOMPILER", "OPENAI", "PYTEST"))}
    paths = [*(str(ROOT / p) for p in (".", "tools", "planners", "server")), str(Path(__file__).parent)]
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONWARNINGS": "error",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SERVE_TOOLS": str(folder),
        **changes,
    }


@dataclass
class Service:
    """A process that serves."""

    process: asyncio.subprocess.Process
    folder: Path
    url: str = ""
    lines: list[str] = field(default_factory=list)
    """What it said on standard error so far."""
    http: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)

    async def ended(self) -> int:
        """Its exit code."""
        async with asyncio.timeout(60):
            return await self.process.wait()

    async def arrived(self, name: str) -> None:
        """Until a call is under way."""
        async with asyncio.timeout(60):
            while not (self.folder / f"{name}.arrived").exists():  # noqa: ASYNC110  # of another process
                await asyncio.sleep(0.02)

    async def begin(self, question: str, **headers: str) -> str:
        body = {"input": question, "background": True}
        reply = await self.http.post("/v1/runs", json=body, headers=headers)
        assert reply.status_code == 202, reply.text
        return str(reply.json()["id"])

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines if line.startswith("{")]


Serve = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    @contextlib.asynccontextmanager
    async def begin(*arguments: str, **changes: str) -> AsyncIterator[Service]:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            "serve",
            *arguments,
            cwd=tmp_path,
            env=environment(tmp_path, **changes),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        service = Service(process, tmp_path)
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def read(stream: asyncio.StreamReader) -> None:
            async for line in stream:
                service.lines.append(line.decode().rstrip("\n"))
                found = re.match(r"(http://\S+) serves", service.lines[-1])
                if found and not told.done():
                    told.set_result(found[1])
            if not told.done():
                told.set_exception(RuntimeError("\n".join(service.lines)))

        reading = asyncio.ensure_future(read(process.stderr))
        try:
            async with asyncio.timeout(60):
                service.url = await told
            limits = httpx.Limits(max_keepalive_connections=0)
            async with httpx.AsyncClient(
                base_url=service.url, timeout=60, trust_env=False, limits=limits
            ) as service.http:
                yield service
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            await asyncio.wait_for(reading, 30)
            assert process.stdout is not None
            assert await process.stdout.read() == b""  # answers go there, and a service gives none

    return begin


async def command(folder: Path, *arguments: str, **changes: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        cwd=folder,
        env=environment(folder, **changes),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def stored(file: Path) -> dict[str, str]:
    """Runs with their status, as they are in the store's file."""
    with contextlib.closing(sqlite3.connect(file)) as db:
        return dict(db.execute("select id, status from runs"))


# -- serving and ending ---------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_is_answers_and_ends(serve: Serve, number: signal.Signals) -> None:
    async with serve(*TOOLS) as service:
        assert service.lines[-1].endswith(" serves 5 tools; no keys: whoever reaches it may use it")
        assert (await service.http.post("/v1/runs", json={"input": PLAN})).json()["output"] == 7
        assert (await service.http.get("/readyz")).status_code == 200
        service.process.send_signal(number)
        assert await service.ended() == 0
    told = service.logged()
    assert [line["message"] for line in told if line["logger"].endswith(".runs")] == [
        "run started",
        "run finished",
    ]


async def test_runs_under_way_end_by_themselves_while_no_new_ones_are_taken(
    serve: Serve, tmp_path: Path
) -> None:
    store = tmp_path / "runs.db"
    async with serve(*TOOLS, "--store", str(store), LLMCOMPILER_SERVER_GRACE="60") as service:
        run_id = await service.begin('1. wait_for("go")\njoin($1)')
        following = asyncio.ensure_future(service.http.get(f"/v1/runs/{run_id}/events"))
        await service.arrived("go")
        service.process.terminate()
        async with asyncio.timeout(30):
            while (ready := await service.http.get("/readyz")).status_code == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert (ready.status_code, ready.json()["code"]) == (503, "shutting-down")
        assert (await service.http.get("/healthz")).status_code == 200
        refused = await service.http.post("/v1/runs", json={"input": PLAN})
        assert (refused.status_code, refused.json()["code"]) == (503, "shutting-down")
        assert "retry-after" in refused.headers
        (tmp_path / "go").touch()
        events = (await following).text
        assert "event: RunFinished" in events
        assert "saw go" in events
        assert await service.ended() == 0
    assert stored(store) == {run_id: "succeeded"}


@pytest.mark.parametrize("tool", ["hang", "deaf", "wait_for"])
async def test_a_call_that_hangs_is_interrupted_after_the_grace(
    serve: Serve, tmp_path: Path, tool: str
) -> None:
    store = tmp_path / "runs.db"
    async with serve(*TOOLS, "--store", str(store), LLMCOMPILER_SERVER_GRACE="0.2") as service:
        run_id = await service.begin(f'1. add(1, 2)\n2. {tool}("x")\njoin()')
        following = asyncio.ensure_future(service.http.get(f"/v1/runs/{run_id}/events"))
        await service.arrived("x")
        service.process.terminate()
        assert (await following).text.count("event: RunFinished") == 1
        assert await service.ended() == 0
    assert stored(store) == {run_id: "interrupted"}
    # And the store can be used by the next one.
    async with serve(*TOOLS, "--store", str(store)) as service:
        found = (await service.http.get(f"/v1/runs/{run_id}")).json()
        assert (found["status"], found["error"]["code"]) == ("interrupted", "interrupted")


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(serve: Serve, second: signal.Signals) -> None:
    async with serve(*TOOLS, LLMCOMPILER_SERVER_GRACE="600") as service:
        await service.begin('1. hang("x")\njoin()')
        await service.arrived("x")
        service.process.terminate()
        async with asyncio.timeout(30):
            while (await service.http.get("/readyz")).status_code == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        service.process.send_signal(second)
        assert await service.ended() == 128 + second


async def test_runs_that_a_second_signal_ends_are_kept_as_interrupted(serve: Serve, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    async with serve(*TOOLS, "--store", str(store), LLMCOMPILER_SERVER_GRACE="600") as service:
        run_id = await service.begin('1. wait_for("x")\njoin($1)')
        await service.arrived("x")
        service.process.terminate()
        async with asyncio.timeout(30):
            while (await service.http.get("/readyz")).status_code == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        service.process.terminate()
        assert await service.ended() == 128 + signal.SIGTERM
    assert stored(store) == {run_id: "interrupted"}  # now, not at the next start
    assert [line["status"] for line in service.logged() if line["message"] == "run finished"] == [
        "interrupted"
    ]
    assert not [line for line in service.lines if "asynchronous generator" in line]


async def test_a_call_that_holds_the_event_loop_does_not_hold_the_process(serve: Serve) -> None:
    async with serve(*TOOLS, LLMCOMPILER_SERVER_GRACE="600") as service:
        await service.begin('1. hold("x")\njoin()')
        await service.arrived("x")
        service.process.terminate()
        await asyncio.sleep(0.3)  # or both signals would come as one
        service.process.terminate()
        assert await service.ended() == 128 + signal.SIGTERM
    assert "does not end by itself" in service.lines[-1]


async def test_a_killed_service_leaves_its_runs_interrupted(serve: Serve, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    async with serve(*TOOLS, "--store", str(store)) as service:
        run_id = await service.begin('1. hang("x")\njoin()')
        await service.arrived("x")
        async with asyncio.timeout(30):
            while not stored(store):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        service.process.kill()
        await service.ended()
    async with serve(*TOOLS, "--store", str(store)) as service:
        assert (await service.http.get(f"/v1/runs/{run_id}")).json()["status"] == "interrupted"
        assert [x for x in service.logged() if "were under way when the service ended" in x["message"]]


async def test_a_backup_while_it_serves(serve: Serve, tmp_path: Path) -> None:
    """With the command of the deployment page."""
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    (script,) = re.findall(r'python -c "(.*\.backup\(.*)"', page)
    script = script.replace("/var/lib/llmcompiler/", "").replace("/var/backups/", "copy-of-")
    async with serve(*TOOLS, "--store", "runs.db") as service:
        run_id = (await service.http.post("/v1/runs", json={"input": PLAN})).json()["id"]
        async with asyncio.timeout(30):
            while stored(tmp_path / "runs.db") != {run_id: "succeeded"}:  # noqa: ASYNC110  # written by and by
                await asyncio.sleep(0.02)
        made = await asyncio.create_subprocess_exec(sys.executable, "-c", script, cwd=tmp_path)
        assert await made.wait() == 0
        async with serve(*TOOLS, "--store", "copy-of-runs.db") as second:
            assert (await second.http.get(f"/v1/runs/{run_id}")).json()["output"] == 7


# -- settings and keys ------------------------------------------------------------------------


async def test_a_key_is_made_put_into_a_file_and_used(serve: Serve, tmp_path: Path) -> None:
    code, out, err = await command(
        tmp_path, "keys", "new", "web", "--scope", "run", "--rate", "30", "--max-runs", "2"
    )
    assert code == 0
    key = out.strip()
    assert out == f"{key}\n"
    assert re.fullmatch(r"llmc_[A-Za-z0-9_-]{43}", key)
    assert key not in err
    lines = err[err.index("[[keys]]") :]
    (kept,) = [ApiKey(**found) for found in tomllib.loads(lines)["keys"]]
    assert kept.matches(key)
    assert (kept.name, kept.scopes, kept.rate, kept.max_runs) == ("web", ("run",), 30, 2)
    file = tmp_path / "service.toml"
    file.write_text(f'host = "0.0.0.0"\nlog_format = "text"\n{lines}')
    async with serve(*TOOLS, "--config", "service.toml") as service:
        url = service.url.replace("0.0.0.0", "127.0.0.1")
        assert "no keys" not in service.lines[-1]
        for headers, status in (({}, 401), ({"X-API-Key": key + "x"}, 401), ({"X-API-Key": key}, 200)):
            reply = await service.http.post(f"{url}/v1/runs", json={"input": PLAN}, headers=headers)
            assert reply.status_code == status
        assert (await service.http.get(f"{url}/v1/runs", headers={"X-API-Key": key})).status_code == 403
        service.process.terminate()
        assert await service.ended() == 0
    text = "\n".join(service.lines)
    assert key not in text
    assert "run finished" in text
    assert not service.logged()  # it was asked for text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--host", "0.0.0.0"], ["0.0.0.0", "llmcompiler keys new"]),
        (["serve", "--workers", "2"], ["workers = 2", "one process"]),
        (["serve", "--port", "70000"], ["port", "65535", "from the arguments"]),
        (["serve", "--log-format", "xml"], ["log_format", "'json' or 'text'"]),
        (["serve", "--config", "nothing.toml"], ["no settings file", "nothing.toml"]),
        (["serve", "--reload", "--host", "0.0.0.0"], ["llmcompiler keys new"]),
        (["serve", "--store", "/dev/null/x.db", *TOOLS], ["x.db"]),
        (["serve", "--tools", "no_such_module:tools"], ["no_such_module"]),
        (["keys", "new", "a b"], ["name"]),
        (["keys", "new", "web", "--scope", "fly"], ["scopes", "'run', 'read', 'approve' or 'admin'"]),
        (["keys", "new", "web", "--rate", "0"], ["rate"]),
    ],
)
async def test_what_is_wrong_is_one_clear_error(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    code, out, err = await command(tmp_path, *arguments)
    assert code in (1, 2)
    assert out == ""
    assert "error: " in err
    assert "Traceback" not in err
    for word in words:
        assert word in err


async def test_the_port_of_another_service(serve: Serve, tmp_path: Path) -> None:
    async with serve(*TOOLS) as service:
        port = service.url.rpartition(":")[2]
        for more in ([], ["--reload"]):
            code, _, err = await command(tmp_path, "serve", *TOOLS[:-1], port, *more)
            assert code in (1, 2)
            assert f"127.0.0.1:{port}" in err
            assert "--port" in err


async def test_the_store_of_another_service(serve: Serve, tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    async with serve(*TOOLS, "--store", store):
        code, _, err = await command(tmp_path, "serve", *TOOLS, "--store", store)
    assert code in (1, 2)
    assert "runs.db" in err
    assert "Traceback" not in err
    assert "error: " in err


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("fastapi", ["serve"]),
        ("uvicorn", ["serve", "--reload"]),
        ("prometheus_client", ["serve"]),
        ("pydantic_settings", ["keys", "new", "web"]),
    ],
)
async def test_without_the_extra(tmp_path: Path, missing: str, arguments: list[str]) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / f"{missing}.py").write_text(f"raise ModuleNotFoundError('gone', name={missing!r})")
    path = os.pathsep.join([str(hidden), environment(tmp_path)["PYTHONPATH"]])
    code, out, err = await command(tmp_path, *arguments, PYTHONPATH=path)
    assert (code, out) == (1, "") or (code, out) == (2, "")
    assert f"needs the module `{missing}`: install llmcompiler-runtime[server]" in err
    assert "Traceback" not in err


async def test_reload_starts_again_when_a_file_changes(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "my_tools.py"
    source = "from llmcompiler import tool\n\n@tool\ndef said() -> str:\n    'Says it.'\n    return {!r}\n"
    file.write_text(source.format("old"))
    arguments = ["--tools", "my_tools.py:said", *TOOLS[2:], "--reload"]
    async with serve(*arguments) as service:

        async def says() -> Any:
            with contextlib.suppress(httpx.TransportError):
                return (await service.http.post("/v1/runs", json={"input": "1. said()\njoin($1)"})).json()[
                    "output"
                ]
            return None

        assert await says() == "old"
        file.write_text(source.format("newer"))
        os.utime(file, (2_000_000_000, 2_000_000_000))
        async with asyncio.timeout(60):
            while await says() != "newer":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        service.process.terminate()
        assert await service.ended() == 0


def test_every_option_of_serve_is_a_setting_or_about_the_compiler() -> None:
    import inspect

    from llmcompiler.cli.serve import serve as function

    others = {"tools", "model", "planner", "config", "reload", "debug"}
    assert set(inspect.signature(function).parameters) <= others | ServerSettings.model_fields.keys()


def test_the_hash_that_is_kept_can_be_put_into_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    key, kept = new_key("web")
    monkeypatch.setenv("LLMCOMPILER_SERVER_KEYS", json.dumps([kept.model_dump()]))
    assert ServerSettings.load().keys[0].matches(key)
