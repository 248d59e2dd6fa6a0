"""How planners and joiners ask a model: `asked`. Within a run, those who listen learn of each request and its reply.

Requests are neither made nor changed here. With nobody listening, the model's own stream is handed on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from .base import Model, ModelChunk, ModelRequest, Usage


@dataclass(slots=True, eq=False)
class ModelCall:
    """One request to a model. What is known only later is filled in while the reply comes."""

    model: Model
    request: ModelRequest
    run_id: str = ""
    round: int = 0
    started: float = 0.0
    """Seconds since the run began."""
    first: float | None = None
    """When the first piece of text, or of a tool call, was there."""
    finished: float | None = None
    usage: Usage | None = None
    """Tokens, where the server told."""
    finish_reason: str | None = None
    error: BaseException | None = None
    """Why there is no whole reply: an error, or that its reader was cancelled. None where the reader had enough."""
    parts: list[str] = field(default_factory=list)
    """The reply's text, piece by piece."""


class Listener(Protocol):
    """Who is told of the model calls of a run."""

    def asking(self, call: ModelCall) -> None:
        """A request is about to be made."""

    def answered(self, call: ModelCall) -> None:
        """Its reply is over, whole or not."""

    def now(self) -> float:
        """Seconds since the run began."""


LISTENER: ContextVar[Listener | None] = ContextVar("llmcompiler_model_listener", default=None)
"""Who listens in the current run."""


def asked(model: Model, request: ModelRequest) -> AsyncGenerator[ModelChunk, None]:
    """The reply of `model` as a stream that can be closed, whatever its `stream` returns."""
    stream = model.stream(request)
    closable = stream if isinstance(stream, AsyncGenerator) else _wrapped(stream)
    listener = LISTENER.get()
    return closable if listener is None else _heard(closable, ModelCall(model, request), listener)


async def _wrapped(stream: AsyncIterator[ModelChunk]) -> AsyncGenerator[ModelChunk, None]:
    try:
        async for chunk in stream:
            yield chunk
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


async def _heard(
    stream: AsyncGenerator[ModelChunk, None], call: ModelCall, listener: Listener
) -> AsyncGenerator[ModelChunk, None]:
    call.started = listener.now()
    listener.asking(call)
    try:
        async with aclosing(stream):
            async for chunk in stream:
                if call.first is None and (chunk.text or chunk.tool_calls):
                    call.first = listener.now()
                call.parts.append(chunk.text)
                call.usage = chunk.usage or call.usage
                call.finish_reason = chunk.finish_reason or call.finish_reason
                yield chunk
    except GeneratorExit:
        raise
    except BaseException as e:
        call.error = e
        raise
    finally:
        call.finished = listener.now()
        listener.answered(call)


__all__ = ["LISTENER", "Listener", "ModelCall", "asked"]
