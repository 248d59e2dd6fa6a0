"""Tools and a planner that `test_serve_command.py` names on the command line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from pathlib import Path

from llmcompiler import tool
from tests.support.serving import ReadingPlanner

HERE = Path(os.environ.get("SERVE_TOOLS", "."))
"""Files here say what happened, and let calls go on."""


@tool(effect="pure")
def add(a: int, b: int) -> int:
    """The sum."""
    return a + b


@tool
async def wait_for(name: str) -> str:
    """Waits until the file is there."""
    (HERE / f"{name}.arrived").touch()
    while not (HERE / name).exists():  # noqa: ASYNC110  # another process makes it
        await asyncio.sleep(0.02)
    return f"saw {name}"


@tool
def hang(name: str) -> str:
    """A sync call that never ends."""
    (HERE / f"{name}.arrived").touch()
    threading.Event().wait()
    return "never"


@tool
async def deaf(name: str) -> str:
    """An async call that does not let itself be cancelled."""
    (HERE / f"{name}.arrived").touch()
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)


@tool
async def hold(name: str) -> str:
    """An async call that keeps the event loop to itself for ever."""
    (HERE / f"{name}.arrived").touch()
    while True:
        time.sleep(0.1)  # noqa: ASYNC251  # that is what it is for


tools = [add, wait_for, hang, deaf, hold]
planner = ReadingPlanner()
