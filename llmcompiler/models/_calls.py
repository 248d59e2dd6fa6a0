"""Tool calls of the OpenAI wire format as `ToolCallDelta`s, whatever a server leaves out. No I/O happens here."""

from __future__ import annotations

import json
from typing import Any

from ..errors import ModelReplyInvalid
from .base import ToolCallDelta

MAX_CALLS = 10_000
"""Calls of one reply; more is a server gone wrong."""


class CallPieces:
    """Reads the `tool_calls` of replies, streamed or whole.

    Servers give whole calls in one piece, leave out the index or the id, give every call the index 0, or give the
    arguments as an object in the place of text.
    """

    def __init__(self) -> None:
        self._ids: list[str | None] = []
        self._place: dict[int, int] = {}
        self._ready: list[ToolCallDelta] = []

    @property
    def begun(self) -> bool:
        """Whether there was any call."""
        return bool(self._ids)

    def take(self) -> tuple[ToolCallDelta, ...]:
        """What came since the last time."""
        taken = tuple(self._ready)
        self._ready.clear()
        return taken

    def feed(self, pieces: Any) -> None:
        """Take `tool_calls` of a delta or a message.

        Raises:
            ModelReplyInvalid: Its shape is not that of tool calls.
        """
        if not pieces:
            return
        if not isinstance(pieces, list):
            raise ModelReplyInvalid("`tool_calls` of the reply is not an array")
        for piece in pieces:
            if not isinstance(piece, dict):
                raise ModelReplyInvalid("a tool call of the reply is not an object")
            function = piece.get("function")
            self._piece(piece, function if isinstance(function, dict) else {})

    def _piece(self, piece: dict[str, Any], function: dict[str, Any]) -> None:
        id_, name = _text(piece.get("id")), _text(function.get("name"))
        arguments = function.get("arguments")
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        if not (id_ or name or arguments or isinstance(piece.get("index"), int)):
            return  # an empty piece, as some servers send at the end
        place = self._find(piece.get("index"), id_, name)
        self._ready.append(ToolCallDelta(place, id_, name, arguments))

    def _find(self, index: Any, id_: str | None, name: str | None) -> int:
        """The number of the call that a piece belongs to, counted from 0 in the order in which calls begin."""
        numbered = isinstance(index, int) and not isinstance(index, bool)
        if numbered and index in self._place:
            place = self._place[index]
            # The same index with another id is another call, of a server that counts none.
            if not (id_ and name and self._ids[place] and self._ids[place] != id_):
                self._ids[place] = self._ids[place] or id_
                return place
        elif not numbered and id_ is not None and id_ in self._ids:
            return self._ids.index(id_)
        elif not numbered and not name and id_ is None and self._ids:
            return len(self._ids) - 1
        if len(self._ids) >= MAX_CALLS:
            raise ModelReplyInvalid(f"the reply has more than {MAX_CALLS:,} tool calls")
        self._ids.append(id_)
        if numbered:
            self._place[index] = len(self._ids) - 1
        return len(self._ids) - 1


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
