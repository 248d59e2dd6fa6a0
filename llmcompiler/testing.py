"""Test doubles: a scripted model and planner, a reporter that records, an event loop with virtual time.

The library's own tests use these; so can yours.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from .errors import ModelReplyInvalid
from .events import Event
from .models.base import ModelChunk, ModelRequest, Usage
from .plan import Plan, Task
from .protocols import PlanContext, PlanItem, Reporter

__all__ = ["RecordingReporter", "ScriptedModel", "ScriptedPlanner", "VirtualTimeLoop", "run_virtual"]

T = TypeVar("T")

Reply = str | BaseException | Sequence[tuple[float, str | ModelChunk | BaseException]]


class ScriptedModel:
    r"""A model that gives the replies it was told to, one a request, and keeps the requests it got.

    Args:
        replies: Each a text, an exception to raise, or a list of `(seconds, piece)`: after so many seconds that piece
            comes, which is a text, a `ModelChunk` (tool calls, usage) or an exception to raise.
        features: What it claims to be able to do.

    ```python
    from llmcompiler import LLMCompiler
    from llmcompiler.testing import ScriptedModel

    model = ScriptedModel(["1. add(1, 2)\njoin($1)"])


    def add(a: int, b: int) -> int:
        return a + b


    assert LLMCompiler([add], model=model).run_sync("1 + 2?").output == 3
    assert model.requests[0].purpose == "plan"
    ```
    """

    def __init__(
        self, replies: Iterable[Reply] = (), *, name: str = "scripted", features: Iterable[str] = ("chat",)
    ) -> None:
        self.name = name
        self.replies = list(replies)
        self.requests: list[ModelRequest] = []
        self.cancelled = 0
        """Replies that were not read to their end."""
        self._features = frozenset(features)

    @property
    def features(self) -> frozenset[str]:
        """What it was told to claim."""
        return self._features

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """The next reply, piece by piece.

        Raises:
            ModelReplyInvalid: There is no reply left.
        """
        number = len(self.requests)
        self.requests.append(request)
        if number >= len(self.replies):
            raise ModelReplyInvalid(
                f"ScriptedModel has {len(self.replies)} replies, and this is request {number + 1} "
                f"(purpose {request.purpose!r})"
            )
        reply = self.replies[number]
        written = 0
        whole = False
        try:
            for seconds, piece in [(0.0, reply)] if isinstance(reply, (str, BaseException)) else reply:
                if seconds:
                    await asyncio.sleep(seconds)
                if isinstance(piece, BaseException):
                    whole = True
                    raise piece
                chunk = piece if isinstance(piece, ModelChunk) else ModelChunk(piece)
                written += len(chunk.text) + sum(len(c.arguments) for c in chunk.tool_calls)
                yield chunk
            whole = True
            usage = Usage(prompt_tokens=len(request.text) // 4 + 1, completion_tokens=written // 4 + 1)
            yield ModelChunk("", usage, "stop")
        finally:
            if not whole:
                self.cancelled += 1


PlanScript = str | Plan | BaseException | Sequence[PlanItem | BaseException | tuple[float, Any]]


class ScriptedPlanner:
    """A planner that gives the plans it was told to, one a request, and keeps the contexts it got.

    Args:
        plans: Each a plan text, a `Plan`, an exception, or a list of tasks, thoughts, joins, diagnostics, exceptions
            and `(seconds, any of these or plan text)`.
    """

    def __init__(self, plans: Iterable[PlanScript]) -> None:
        self.plans = list(plans)
        self.contexts: list[PlanContext] = []

    async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        """The next plan, item by item.

        Raises:
            ModelReplyInvalid: There is no plan left.
        """
        number = len(self.contexts)
        self.contexts.append(context)
        if number >= len(self.plans):
            raise ModelReplyInvalid(
                f"ScriptedPlanner has {len(self.plans)} plans, and this is request {number + 1}"
            )
        script = self.plans[number]
        if isinstance(script, (str, Plan, BaseException)):
            script = [(0.0, script)]
        known = set(context.known_ids)
        for entry in script:
            seconds, what = entry if isinstance(entry, tuple) else (0.0, entry)
            if seconds:
                await asyncio.sleep(seconds)
            if isinstance(what, BaseException):
                raise what
            if isinstance(what, (str, Plan)):
                items: list[PlanItem]
                if isinstance(what, str):
                    from .language import parse_plan

                    plan, diagnostics = parse_plan(what, earlier=known)
                    items = [*diagnostics, *plan.tasks]
                else:
                    plan, items = what, list(what.tasks)
                if plan.join is not None:
                    items.append(plan.join)
            else:
                items = [what]
            for item in items:
                if isinstance(item, Task):
                    known.add(item.id)
                yield item


class RecordingReporter(Reporter):
    """Keeps every event, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def report(self, event: Event) -> None:
        """Keep `event`."""
        self.events.append(event)

    @property
    def types(self) -> list[str]:
        """The names of the events' types, in order."""
        return [e.type for e in self.events]

    def of(self, kind: type[T]) -> list[T]:
        """The events of one type, in order."""
        return [e for e in self.events if isinstance(e, kind)]


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer when nothing else is to be done.

    A run with simulated latencies of minutes takes milliseconds, and its times are exact. For async tools only: real
    threads and sockets do not know the virtual clock.
    """

    def __init__(self) -> None:
        self._virtual = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._virtual

    def jump(self, seconds: float) -> None:
        """Move the clock forward."""
        self._virtual += seconds


SPINS = 50_000
"""Turns of the loop at one moment of virtual time after which the clock is moved on a little."""


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop
        self._spins = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready or timeout == 0:
            self._spins += 1
            if self._spins % SPINS == 0:
                # Something waits for a moment that is nearer than the clock can tell; a real one would move on.
                self._loop.jump(1e-9)
            return ready
        self._spins = 0
        if timeout is None:
            raise RuntimeError("virtual time: every task waits for something that no timer will bring")
        self._loop.jump(max(timeout, 1e-9))
        return []


def run_virtual(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a `VirtualTimeLoop` to its end."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
