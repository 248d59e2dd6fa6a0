"""One reply to a planner's request, read into plan items: what the items are worth for the purpose of the call.

How a reply is written (plan text, JSON, tool calls) is the business of the `PlanReader` that is given. Nothing here
builds a prompt or runs a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import ModelReplyInvalid, ModelStreamBroken
from llmcompiler.models.asking import asked
from llmcompiler.models.base import Model, ModelChunk, ModelRequest, Usage
from llmcompiler.plan import Join, Task
from llmcompiler.protocols import Answer

from .guesses import GuessCheck

if TYPE_CHECKING:
    from llmcompiler.protocols import PlanContext, PlanItem

USAGE_WAIT = 0.25
"""Seconds the end of a reply is waited for after the join, since servers tell the tokens used only there."""


class PlanReader(Protocol):
    """Makes plan items of a reply that arrives in chunks of any size.

    It may also have `needed`: ids of tasks that a repair needs beside those it was asked for.
    """

    @property
    def ended(self) -> bool:
        """Whether the plan is complete: what follows in the reply is not read."""
        ...

    @property
    def cut(self) -> str:
        """What the reply breaks off in the middle of, once it is closed; empty where it is whole."""
        ...

    def feed(self, chunk: ModelChunk) -> Iterable[PlanItem]:
        """What is complete with this chunk."""
        ...

    def close(self) -> Iterable[PlanItem]:
        """What is left at the end of the reply."""
        ...


async def read_items(
    model: Model,
    request: ModelRequest,
    context: PlanContext,
    reader: PlanReader,
    prompt: Callable[[], str] | None = None,
) -> AsyncGenerator[PlanItem, None]:
    """Ask `model` and give out the items of its reply as they are complete; a `Join` is the last one.

    Args:
        model: Writes the plan.
        request: What it is asked.
        context: What for.
        reader: Reads the reply.
        prompt: All text the model was given, in which values that it did not make up stand; that of the messages.

    Raises:
        ModelError: No plan came, or it broke off; what was yielded until then stands.
        LimitExceeded: No more model calls are allowed.
    """
    reading = _Reading(context, prompt or (lambda: request.text), reader)
    context.allow_call()
    usage = Usage(model_calls=1)
    try:
        async with aclosing(asked(model, request)) as stream:
            async for chunk in stream:
                usage = reading.note(chunk) or usage
                for item in reading.feed(chunk):
                    if isinstance(item, Join):
                        usage = await _last_usage(stream, reading) or usage
                        if context.purpose != "repair":
                            yield item
                        return
                    yield item
                if reader.ended:
                    usage = await _last_usage(stream, reading) or usage
                    break
    finally:
        context.usage(usage)
    for item in reading.close():
        if not (isinstance(item, (Join, Answer)) and context.purpose == "repair"):
            yield item
    reading.complain()


async def _last_usage(stream: AsyncIterator[ModelChunk], reading: _Reading) -> Usage | None:
    """The usage at the very end of the reply, if that comes soon and no more text before it."""
    usage = None
    try:
        async with asyncio.timeout(USAGE_WAIT):
            async for chunk in stream:
                usage = reading.note(chunk) or usage
                if usage is not None or len(chunk.text.strip()) > _END_MARK:
                    break
    except Exception:  # the plan is complete: what its server does now is no failure
        return usage
    return usage


_END_MARK = 16
"""Characters of an end of plan, a closing bracket or the end of a code fence; more is text that goes on."""


class _Reading:
    """What has come of one reply, and what the items in it are worth for the purpose of the call."""

    def __init__(self, context: PlanContext, prompt: Callable[[], str], reader: PlanReader) -> None:
        self.context = context
        self.known = context.known_ids
        self.repair = context.purpose == "repair"
        self.text: list[str] = []
        self.finish: str | None = None
        self.useful = False
        self._strays: list[Task] = []
        self._mended: set[int] = set()
        self._guesses = GuessCheck(prompt, self.known, numbers=not self.repair)
        self._reader = reader

    def note(self, chunk: ModelChunk) -> Usage | None:
        """Take note of a chunk; what it says of usage, with the call counted."""
        self.finish = chunk.finish_reason or self.finish
        return None if chunk.usage is None else replace(chunk.usage, model_calls=1)

    def feed(self, chunk: ModelChunk) -> Iterator[PlanItem]:
        self.text.append(chunk.text)
        return self._sorted(self._reader.feed(chunk))

    def close(self) -> Iterator[PlanItem]:
        """The items at the end of a reply without a join."""
        if self.finish == "length" and not self._reader.ended:
            # The last statement may look whole and lack half of an argument: it must not run.
            yield Diagnostic("cut-off", "the reply was cut at its limit of tokens", 0, 0, severity="warning")
            return
        yield from self._sorted(self._reader.close())
        if self.repair and len(self._strays) == 1 and len(self.context.broken) == 1 and not self._mended:
            # One line was asked for and one came: only its number is wrong.
            yield from self._sorted([replace(self._strays[0], id=self.context.broken[0])])

    def _sorted(self, items: Iterable[PlanItem]) -> Iterator[PlanItem]:
        for item in items:
            if isinstance(item, Task):
                if self.repair and not self._is_wanted(item):
                    self._strays.append(item)
                    continue
                self._mended.add(item.id)
                guess = self._guesses.look(item, self.context.tools.get(item.tool))
                self.useful = True
                yield item if guess is None else guess
            elif self.repair and isinstance(item, Diagnostic) and item.task_id in self.known:
                continue
            else:
                self.useful = self.useful or isinstance(item, (Join, Answer)) or is_error(item)
                yield item

    def _is_wanted(self, task: Task) -> bool:
        broken = self.context.broken
        needed: frozenset[int] = getattr(self._reader, "needed", frozenset())
        return task.id in broken or task.id in needed or (not broken and task.id >= self.context.next_id)

    def complain(self) -> None:
        """Raise what is wrong with the reply as a whole.

        Raises:
            ModelStreamBroken: It was cut at its limit of tokens, or breaks off.
            ModelReplyInvalid: There is no plan in it.
        """
        text = "".join(self.text)
        if self.finish == "length" and not self._reader.ended:
            raise ModelStreamBroken(
                "the model's reply was cut at its limit of tokens before the plan was complete; "
                "raise max_tokens of the planner or of the server",
                text,
            )
        if self._reader.cut:
            raise ModelStreamBroken(f"the model's reply ends in the middle of {self._reader.cut}", text)
        if not self.useful and self.context.purpose in ("plan", "replan"):
            shown = " ".join(text.split())
            shown = shown if len(shown) <= 200 else shown[:197] + "..."
            raise ModelReplyInvalid(
                f"the model wrote no plan but {shown!r}"
                if shown
                else "the model's reply to the planner was empty"
            )


def is_error(item: PlanItem) -> bool:
    """Whether `item` is a diagnostic that makes its task unusable."""
    return isinstance(item, Diagnostic) and item.severity == "error"


__all__ = ["USAGE_WAIT", "PlanReader", "is_error", "read_items"]
