"""Model streams that can be closed, whatever a user's `Model` returns."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from llmcompiler.models.base import ModelChunk


def closable(stream: AsyncIterator[ModelChunk]) -> AsyncGenerator[ModelChunk, None]:
    """`stream` as something with `aclose`, for `contextlib.aclosing`."""
    return stream if isinstance(stream, AsyncGenerator) else _wrapped(stream)


async def _wrapped(stream: AsyncIterator[ModelChunk]) -> AsyncGenerator[ModelChunk, None]:
    try:
        async for chunk in stream:
            yield chunk
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
