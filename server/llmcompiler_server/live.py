"""A run that goes on: its last events for those who follow it, and what it says in the words of clients.

It stores nothing and decides nothing; `runs.py` does.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from itertools import islice
from typing import Any

from llmcompiler import Event, Run, RunResult
from llmcompiler._jsonable import dumps, error_to_dict, to_jsonable
from llmcompiler.errors import LimitExceeded, LLMCompilerError, ModelReplyInvalid, PlanError, ToolError
from llmcompiler.events import RunFinished

from .cutting import cut, size
from .records import RunRecord, StoredEvent

HELD = 4_000_000
"""Characters of events of one run that are held for readers."""
_TELLING = (PlanError, ToolError, LimitExceeded, ModelReplyInvalid)
"""Errors about what the client asked for: their texts are for it. Others may name servers, files and settings."""


class LiveRun:
    """A run of this process that is not over, and the last of its events.

    Args:
        record: As it is kept; it changes as the run goes on.
        run: The handle.
        buffer: Events that are held for readers.
    """

    def __init__(self, record: RunRecord, run: Run, buffer: int) -> None:
        self.record = record
        self.run = run
        self.begun = asyncio.get_running_loop().time()
        self.last: deque[StoredEvent] = deque()
        self._buffer, self._room = buffer, HELD
        self.over = asyncio.Event()
        self.interrupting = False
        """Whether the service ends it, not a client."""
        self.follower: asyncio.Task[None] | None = None
        self.news = asyncio.Event()

    def add(self, event: StoredEvent) -> None:
        """Hold an event, and wake who waits for it."""
        self.last.append(event)
        self._room -= len(event.data)
        while len(self.last) > self._buffer or (self._room < 0 and len(self.last) > 1):
            self._room += len(self.last.popleft().data)
        self._wake()

    def end(self) -> None:
        """Nothing more comes."""
        self.over.set()
        self._wake()

    def since(self, position: int) -> list[StoredEvent] | None:
        """The events after `position` so far; None if some of them are not held any more."""
        if not self.last or position >= self.last[-1].seq:
            return []
        first = self.last[0].seq
        if position + 1 < first:
            return None
        return list(islice(self.last, position + 1 - first, None))

    def _wake(self) -> None:
        # A new event object for each piece of news: a reader that took the old one before it looked misses nothing.
        self.news.set()
        self.news = asyncio.Event()

    def __repr__(self) -> str:
        return f"<LiveRun {self.record.id} {self.record.status}>"


def event_data(event: Event, most: int) -> str:
    """An event as JSON text of about `most` bytes: a larger value in it is cut, and `"cut": true` says so."""
    if isinstance(event, RunFinished):
        said = event.to_dict()
        if event.error is not None:
            said["error"] = _error_of_event(event.error)
        text = dumps(said)
    else:
        text = event.to_json()
    if len(text) * 4 <= most or len(text.encode()) <= most:
        return text
    said = event.to_dict() if not isinstance(event, RunFinished) else said
    return dumps({**cut(said, most - 16), "cut": True})


def lost_end(run_id: str, seq: int, at: float, error: dict[str, str], usage: dict[str, Any]) -> StoredEvent:
    """The `RunFinished` of a run that could not say itself that it is over."""
    said = {
        "type": "RunFinished",
        "seq": seq,
        "run_id": run_id,
        "at": at,
        "status": "cancelled",
        "output": None,
        "error": {"type": "Interrupted", "message": error["message"]},
        "usage": usage,
        "timing": None,
    }
    return StoredEvent(seq, "RunFinished", dumps(said))


def public_error(error: BaseException) -> dict[str, str]:
    """An error as `{"code", "message"}` for clients: nothing in it of servers, files and settings."""
    if isinstance(error, _TELLING):
        message = error_to_dict(error)["message"]
    elif isinstance(error, LLMCompilerError):
        message = f"{_WORDS.get(_family(error), 'the service can not do this')}; its log says more"
    else:
        return {
            "code": "internal-error",
            "message": "something inside the service went wrong; its log says more",
        }
    return {"code": _code(error), "message": message}


def result_dict(result: RunResult, most: int) -> dict[str, Any]:
    """A run's result in JSON form, of about `most` bytes, with its error in words for clients."""
    said = result.to_dict()
    if result.error is not None:
        said["error"] = _error_of_event(result.error)
    if size(said) > most:
        said = {**cut(said, most - 16), "cut": True}
    return said


def output_of(result: RunResult) -> Any:
    """The answer as a JSON value."""
    return to_jsonable(result.output)


def _error_of_event(error: Exception) -> dict[str, str]:
    if isinstance(error, _TELLING):
        return error_to_dict(error)
    told = public_error(error)
    name = type(error).__name__ if isinstance(error, LLMCompilerError) else "InternalError"
    return {"type": name, "message": told["message"]}


_WORDS = {
    "ModelError": "the language model gave no usable reply",
    "UsageError": "the service is not set up for this",
}


def _family(error: BaseException) -> str:
    return next((c.__name__ for c in type(error).__mro__ if c.__name__ in _WORDS), "")


def _code(error: BaseException) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()


__all__ = ["LiveRun", "event_data", "lost_end", "output_of", "public_error", "result_dict"]
