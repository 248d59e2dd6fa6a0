"""Awaiting a coroutine step by step, to notice a step that holds up the event loop. Knows nothing of calls."""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any


@types.coroutine
def watched(
    coroutine: Coroutine[Any, Any, Any],
    clock: Callable[[], float],
    limit: float,
    blocked: Callable[[float], None],
) -> Generator[Any, Any, Any]:
    """Await `coroutine`; `blocked(seconds)` is told of every step that took longer than `limit` seconds."""
    send, error = coroutine.send, None
    while True:
        begun = clock()
        try:
            waits_for = send(None) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            if clock() - begun > limit:
                blocked(clock() - begun)
            return stop.value
        if clock() - begun > limit:
            blocked(clock() - begun)
        error = None
        try:
            yield waits_for
        except BaseException as e:
            error = e
