"""A real kernel: runs code, and gives back what a front end is told."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

START = """
import asyncio
from llmcompiler import LLMCompiler, ToolContext, ToolError, tool
from llmcompiler.testing import ScriptedModel

@tool
async def double(x: int) -> int:
    "Twice the number."
    await asyncio.sleep(0.05)
    return 2 * x

@tool
async def fail(x: int) -> int:
    "Never works."
    raise ToolError("no luck")

@tool
async def wait() -> int:
    "Wait for a minute."
    await asyncio.sleep(60)
    return 1

compiler = LLMCompiler(tools=[double, fail, wait])
"""


@dataclass
class Cell:
    """What one cell gave."""

    displays: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """`display_data` or `update_display_data`, the display's id and the bundle, in order."""
    value: dict[str, Any] | None = None
    """The bundle of the last expression."""
    error: str = ""
    traceback: str = ""
    stdout: str = ""
    stderr: str = ""

    def frames(self, display_id: str) -> list[dict[str, Any]]:
        """Every state of one display."""
        return [data for _, i, data in self.displays if i == display_id]

    @property
    def ids(self) -> list[str]:
        """The displays, in order of appearance."""
        return list(dict.fromkeys(i for _, i, _ in self.displays))


class Kernel:
    """A kernel and its client."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager = manager
        self.client = client

    def run(
        self, code: str, *, on_display: Callable[[Cell], None] | None = None, seconds: float = 60
    ) -> Cell:
        """Run a cell to its end."""
        asked = self.client.execute(code, allow_stdin=False)
        cell = Cell()
        deadline = time.monotonic() + seconds
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"the cell did not end: {cell}") from None
            if message["parent_header"].get("msg_id") != asked:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind in ("display_data", "update_display_data"):
                cell.displays.append((kind, content["transient"].get("display_id", ""), content["data"]))
                if on_display is not None:
                    on_display(cell)
            elif kind == "execute_result":
                cell.value = content["data"]
            elif kind == "error":
                cell.error = f"{content['ename']}: {content['evalue']}"
                cell.traceback = "\n".join(content["traceback"])
            elif kind == "stream":
                setattr(cell, content["name"], getattr(cell, content["name"]) + content["text"])
            elif kind == "status" and content["execution_state"] == "idle":
                return cell
