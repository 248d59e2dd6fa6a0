"""Calls of one tool that became ready together, made as one. When that one runs, and how often, is decided elsewhere.

A batch is a call itself: it takes one place under the caps, counts once for a rate limit, and has the timeout and the
retries of a call. Its function gets a list of argument dicts and no `ToolContext`. A call that is stopped leaves its
batch, which goes on for the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .._jsonable import describe_error
from ..effects import union
from ..errors import BatchFailed, ToolError
from ..execution import Call
from ..outcomes import Outcome, Succeeded
from ..tools import Tool
from .invoking import invoke_batch

if TYPE_CHECKING:
    from .host import Host

Results = Sequence[tuple[Call, Any]]
"""The calls of a batch, each with its value, or with the exception that it failed with."""


class Batch(Call):
    """Calls of one tool of one run that are made as one.

    Args:
        calls: In the order in which they became ready; two or more.
    """

    def __init__(self, calls: Sequence[Call]) -> None:
        first = calls[0]
        super().__init__(first.driver, first.task, first.tool, first.round, None)
        # It ranks as its first call does, which is of the highest rank where that matters.
        self.key, self.parent, self.estimate = first.key, first.parent, first.estimate
        if all(c.effect in ("pure", "read") for c in calls):
            self.effect = "read"
        elif any(c.effect == "write" for c in calls):
            self.effect = "write"
            self.access = union(c.access for c in calls if c.access is not None)
        self.calls = dict.fromkeys(calls)
        """Those that wait for it, in order."""
        for call in calls:
            call.handle, call.via = self, "batch"

    def begins(self) -> None:
        """An attempt is made, for every call that still waits."""
        for call in self.calls:
            call.attempts = self.attempts
            call.started = self.started

    def finish(self, outcome: Outcome) -> None:
        """Hand out the results."""
        host: Host = self.driver.host
        calls, self.calls = self.calls, {}
        if isinstance(outcome, Succeeded):
            for call, value in outcome.value:
                if call not in calls:  # stopped meanwhile
                    continue
                if isinstance(value, BaseException):
                    host.failed_in_batch(call, _as_error(call, value), alone=True)
                else:
                    host.let_go(call)
                    call.finish(Succeeded(value))
            return
        for call in calls:
            error = getattr(outcome, "error", None) or BatchFailed("the batch was not made")
            host.failed_in_batch(call, error, alone=False)


def each(call: Call) -> Iterator[Call]:
    """The call, or the calls of a batch."""
    return iter(list(call.calls)) if isinstance(call, Batch) else iter((call,))


async def try_batch(host: Host, batch: Batch, tool: Tool) -> Results:
    """One try of a batch.

    Raises:
        BatchFailed: The function gave something that is not one result for each call.
    """
    calls = list(batch.calls)
    results = await invoke_batch(host, batch, tool, [dict(c.arguments) for c in calls])
    if not isinstance(results, (list, tuple)):
        raise BatchFailed(
            f"the batch function of `{tool.name}` gave a value of type {type(results).__name__}; "
            f"expected a list of {len(calls)} results, one for each call"
        )
    if len(results) != len(calls):
        raise BatchFailed(
            f"the batch function of `{tool.name}` gave {len(results)} results; expected {len(calls)}, "
            "one for each call, in their order"
        )
    return list(zip(calls, results, strict=True))


def _as_error(call: Call, error: BaseException) -> Exception:
    if isinstance(error, Exception):
        return error
    return ToolError(f"`{call.task.tool}` raised {describe_error(error)}")


class Gathering:
    """Calls of one run that become ready in one turn of the event loop, by tool.

    Args:
        host: Takes the batches.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._ready: dict[Tool, dict[Call, None]] = {}

    def add(self, call: Call) -> None:
        """Hold a call back until the end of this turn."""
        tool = call.tool
        assert tool is not None
        ready = self._ready.get(tool)
        if ready is None:
            ready = self._ready[tool] = {}
            self._host.loop.call_soon(self._flush, tool)
        ready[call] = None

    def remove(self, call: Call) -> None:
        """The call is not to be made."""
        assert call.tool is not None
        self._ready.get(call.tool, {}).pop(call, None)

    def _flush(self, tool: Tool) -> None:
        calls = list(self._ready.pop(tool))
        size = tool.options.max_batch
        for i in range(0, len(calls), size):
            chunk = calls[i : i + size]
            self._host.prepare(chunk[0] if len(chunk) == 1 else Batch(chunk))
