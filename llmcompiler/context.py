"""What a tool may know of the call it serves. Nothing here runs calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Given to a tool that has a parameter annotated `ToolContext`; planners do not see that parameter.

    ```python
    from llmcompiler import ToolContext, tool


    @tool
    async def crawl(site: str, ctx: ToolContext) -> int:
        "Count the pages of a site."
        await ctx.progress("started", 0.0)
        return 0
    ```
    """

    run_id: str
    task_id: int
    tool: str
    attempt: int = 1
    """1 for the first try, 2 for the first retry."""
    deadline: float | None = None
    """When the call will be cancelled, in seconds on `clock`; None when nothing limits it."""
    clock: Callable[[], float] = field(default=lambda: 0.0, repr=False)
    """The run's clock, in seconds."""
    sink: Callable[[str, float | None, Any], None] | None = field(default=None, repr=False)
    """Where progress goes."""
    item: int | None = None
    """Position of the item, from 0, for a call of a `for` task."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this call and different for every other call: send it along with a write."""
        return f"{self.run_id}:{self.task_id}" + ("" if self.item is None else f":{self.item}")

    @property
    def remaining(self) -> float | None:
        """Seconds left until the deadline (never negative); None when nothing limits the call."""
        return None if self.deadline is None else max(0.0, self.deadline - self.clock())

    async def progress(self, message: str, fraction: float | None = None, data: Any = None) -> None:
        """Report progress from an async tool; `fraction` is from 0 to 1."""
        self.report(message, fraction, data)

    def report(self, message: str, fraction: float | None = None, data: Any = None) -> None:
        """Report progress from a sync tool; safe to call from its thread."""
        if self.sink is not None:
            self.sink(message, fraction, data)
