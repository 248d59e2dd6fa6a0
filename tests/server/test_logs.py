"""Logs: run ids and outcomes, and nothing that users asked, got, or prove themselves with."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from llmcompiler.protocols import Decision, JoinContext
from llmcompiler_server.keys import new_key
from llmcompiler_server.logs import JSONFormatter, TextFormatter, set_up_logs
from tests.support.loggers import loggers_restored
from tests.support.serving import PLAN

MARKER = "m4rk3r"


class BrokenJoiner:
    async def join(self, context: JoinContext) -> Decision:
        raise RuntimeError(MARKER)


@pytest.fixture
def restored() -> Iterator[None]:
    with loggers_restored():
        yield


@pytest.fixture
def stream(restored: None) -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_a_line_for_each_run_and_request(start: Any, stream: io.StringIO) -> None:
    set_up_logs("info", "json", stream)
    key, kept = new_key("web")
    async with start(keys=[kept], options={"joiner": BrokenJoiner()}) as server:
        headers = {"Authorization": f"Bearer {key}"}
        done = (await server.http.post("/v1/runs", json={"input": PLAN}, headers=headers)).json()
        failed = (
            await server.http.post("/v1/runs", json={"input": '1. fail("x")\njoin($1)'}, headers=headers)
        ).json()
        await server.http.get(f"/v1/runs/{done['id']}", headers=headers)
        await server.http.get("/healthz")
    told = lines(stream)
    for line in told:
        assert {"time", "level", "logger", "message"} <= line.keys()
        assert line["time"].endswith("+00:00")
    of_run = [line for line in told if line.get("run_id") == done["id"]]
    assert [line["message"] for line in of_run] == ["run started", "run finished", "request"]
    assert of_run[0] | {"key": "web", "source": "runs"} == of_run[0]
    assert of_run[1] | {"key": "web", "status": "succeeded"} == of_run[1]
    assert of_run[1]["seconds"] >= 0
    assert MARKER not in stream.getvalue()
    assert of_run[2] | {"route": "/v1/runs/{run_id}", "method": "GET", "status": 200} == of_run[2]
    (task,) = [line for line in told if line["message"] == "task failed"]
    assert task | {"run_id": failed["id"], "tool": "fail", "task_id": 1, "level": "warning"} == task
    (end,) = [x for x in told if x["message"] == "run finished" and x["run_id"] == failed["id"]]
    assert end | {"status": "failed", "level": "warning"} == end
    assert not [line for line in told if line.get("route") == "/healthz"]  # probes are told at `debug`


@pytest.mark.parametrize("form", ["json", "text"])
async def test_no_questions_answers_keys_or_texts(start: Any, stream: io.StringIO, form: str) -> None:
    set_up_logs("info", form, stream)
    key, kept = new_key("web")
    async with start(keys=[kept]) as server:
        headers = {"Authorization": f"Bearer {key}"}
        for question in (
            MARKER,
            f'1. wait_at("{MARKER}")\njoin($1)',
            f'1. fail("{MARKER}")\njoin($1)',
            f'1. {MARKER}("x")\njoin()',
            f'1. add("{MARKER}", 1)\njoin($1)',
            '1. fail("x")\n2. add($1, 1)\njoin($2)',
        ):
            server.gates.opened[MARKER].set()
            body = {"input": question, "metadata": {"note": MARKER}}
            await server.http.post("/v1/runs", json=body, headers=headers)
        chat = {"model": "llmcompiler", "messages": [{"role": "user", "content": f"{MARKER}\n{PLAN}"}]}
        await server.http.post("/v1/chat/completions", json=chat, headers=headers)
        await server.http.post("/v1/plans", json={"plan": f'1. {MARKER}("x")'}, headers=headers)
        await server.http.post("/v1/runs", content=f'{{"{MARKER}'.encode(), headers=headers)
        for method, path in (
            ("GET", f"/v1/runs/{MARKER}"),
            ("GET", f"/v1/runs/run_{MARKER}"),
            ("GET", f"/{MARKER}?q={MARKER}"),
            ("GET", f"/v1/runs/x%0a{MARKER}"),
            (MARKER.upper(), "/v1/runs"),
        ):
            await server.http.request(method, path, headers={**headers, "X-Note": MARKER})
        await server.http.get("/v1/runs", headers={"Authorization": f"Bearer {key}x"})
        await server.http.get(f"/v1/runs?key={key}")
    text = stream.getvalue()
    assert text.count("run started") == 7
    assert MARKER not in text.lower()
    assert key not in text
    assert key.removeprefix("llmc_") not in text
    assert kept.hash not in text


async def test_a_fault_is_told_with_its_place_and_kind_and_without_its_text(
    start: Any, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up_logs("info", "json", stream)

    async def broken(*_: Any, **__: Any) -> Any:
        try:
            raise KeyError(MARKER)
        except KeyError as e:
            raise RuntimeError(f"of {MARKER}") from e

    async with start() as server:
        monkeypatch.setattr(server.manager, "list", broken)
        reply = await server.http.get("/v1/runs")
    (line,) = [x for x in lines(stream) if x["level"] == "error"]
    assert reply.json()["request_id"] in line["message"]
    assert "in broken" in line["exception"]
    assert line["exception"].endswith("KeyError")
    assert "RuntimeError" in line["exception"]
    assert MARKER not in stream.getvalue()


def record(message: str, *args: object, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("llmcompiler.test", logging.INFO, "x.py", 1, message, args, None)
    made.__dict__.update(more)
    return made


def with_exception(error: BaseException) -> logging.LogRecord:
    try:
        raise error
    except BaseException as e:
        return record("oh", exc_info=(type(e), e, e.__traceback__))


@pytest.mark.parametrize("formatter", [JSONFormatter(), TextFormatter()])
def test_the_text_of_an_exception_is_for_debugging_only(formatter: logging.Formatter, restored: None) -> None:
    logging.getLogger("llmcompiler").setLevel("INFO")
    assert MARKER not in formatter.format(with_exception(ValueError(MARKER)))
    assert "ValueError" in formatter.format(with_exception(ValueError(MARKER)))
    logging.getLogger("llmcompiler").setLevel("DEBUG")
    assert MARKER in formatter.format(with_exception(ValueError(MARKER)))


def test_causes_that_go_round_in_a_circle() -> None:
    one, two = ValueError("1"), KeyError("2")
    one.__cause__, two.__cause__ = two, one
    assert "KeyError" in JSONFormatter().format(with_exception(one))


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    odd = "a\nINFO forged\r\x1b[2J\u2028b\x85\udcffé"
    for formatter in (JSONFormatter(), TextFormatter()):
        for made in (record("%s", odd), record("ok", fields={"key": odd})):
            line = formatter.format(made)
            assert len(line.splitlines()) == 1
            assert "\x1b" not in line
    assert json.loads(JSONFormatter().format(record("%s", odd)))["message"] == odd


def test_levels_and_setting_up_twice(stream: io.StringIO) -> None:
    for _ in range(2):
        set_up_logs("warning", "json", stream)
    logging.getLogger("llmcompiler.server").info("quiet")
    logging.getLogger("llmcompiler.server").warning("once")
    logging.getLogger("uvicorn.error").warning("uvicorn's")
    logging.getLogger("uvicorn.access").warning("not this")
    assert [line["message"] for line in lines(stream)] == ["once", "uvicorn's"]
