"""Runs in the log: levels, ids, silence where nobody asked, and the ids of a tool's own lines."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import pytest

from llmcompiler import LLMCompiler, TransientError, tool
from llmcompiler.telemetry import LoggingReporter, RunContextFilter
from llmcompiler.testing import ScriptedPlanner
from llmcompiler_planners import ValuesJoiner

SECRET = "sk-verysecret"
mine = logging.getLogger("tests.telemetry.tool")


@tool(effect="read", retries=1)
async def flaky(text: str, tries: list[int] = []) -> str:  # noqa: B006 - counts
    """Fails once."""
    tries.append(1)
    mine.warning("in the tool")
    if len(tries) == 1:
        raise TransientError(SECRET)
    return text


@tool
def broken(text: str) -> str:
    """Fails."""
    mine.warning("in the thread")
    raise ValueError(SECRET)


async def run(caplog: pytest.LogCaptureFixture, **options: Any) -> tuple[Any, list[logging.LogRecord]]:
    compiler = LLMCompiler(
        [flaky, broken],
        planner=ScriptedPlanner([f'1. flaky("{SECRET}")\n2. broken("y")\njoin()']),
        joiner=ValuesJoiner(),
        reporters=[LoggingReporter(**options)],
    )
    with caplog.at_level(logging.DEBUG):
        result = await compiler.run(f"what of {SECRET}?")
    return result, [r for r in caplog.records if r.name == "llmcompiler.runs"]


async def test_levels_ids_and_no_content(caplog: pytest.LogCaptureFixture) -> None:
    result, records = await run(caplog)
    assert {r.run_id for r in records} == {result.run_id}  # type: ignore[attr-defined]
    told = [(r.levelname, r.task_id, r.getMessage().split(" in ")[0]) for r in records]  # type: ignore[attr-defined]
    assert told[0] == ("INFO", None, "run started")
    assert ("DEBUG", 1, "flaky started") in told
    assert ("WARNING", 2, "broken failed") in told
    assert told[-1][:2] == ("INFO", None)
    assert any("ValueError" in r.getMessage() for r in records)
    assert SECRET not in caplog.text


async def test_content_is_told_where_it_is_asked_for_and_cut(caplog: pytest.LogCaptureFixture) -> None:
    _, records = await run(caplog, capture_content=True)
    text = "\n".join(r.getMessage() for r in records)
    assert f"what of {SECRET}?" in text
    assert f"ValueError: ValueError: {SECRET}" in text


async def test_a_long_question_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    compiler = LLMCompiler(
        [flaky],
        planner=ScriptedPlanner(["join()"]),
        joiner=ValuesJoiner(),
        reporters=[LoggingReporter(capture_content=True)],
    )
    with caplog.at_level(logging.INFO):
        await compiler.run("q" * 100_000)
    assert max(len(r.getMessage()) for r in caplog.records) < 1_000


async def test_lines_of_a_tool_have_the_ids_of_its_call(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(RunContextFilter())
    mine.warning("outside")
    result, _ = await run(caplog)
    own = [(r.getMessage(), r.run_id, r.task_id) for r in caplog.records if r.name == mine.name]  # type: ignore[attr-defined]
    assert own[0] == ("outside", "", None)
    assert ("in the tool", result.run_id, 1) in own
    assert ("in the thread", result.run_id, 2) in own


def test_a_library_is_quiet_until_logging_is_set_up() -> None:
    code = """
import logging, llmcompiler
logging.getLogger("llmcompiler").warning("not heard")
logging.getLogger("llmcompiler.runs").error("not heard")
logging.basicConfig()
logging.getLogger("llmcompiler").warning("heard")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == ""
    assert done.stderr == "WARNING:llmcompiler:heard\n"
