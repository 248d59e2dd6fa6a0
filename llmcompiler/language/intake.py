"""Text on its way in: chunks, line ends, what was pushed back, and where the text stands. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .pieces import Event
from .source import Source

_LEAD = 400  # characters before a statement on its line; what carets need


class Intake:
    """The base of a state machine over chunks of text.

    A state is a method that takes a chunk and a position and returns where it stopped. It takes at least one
    character, or changes the state; it never looks beyond the chunk, so chunks may end anywhere.
    """

    def __init__(self) -> None:
        self.ended = False
        """`<END_OF_PLAN>` was read; what follows is ignored."""
        self._state: Callable[[str, int], int]
        self._events: list[Event] = []
        # A stack, so that text can be pushed back without copying what follows it.
        self._inputs: list[tuple[str, int]] = []
        self._pushed = ""
        self._after_return = False
        self._first = True
        # Where the text that no event has taken yet starts.
        self._line = 1
        self._column = 1
        self._lead = ""
        # The text since then.
        self._parts: list[str] = []
        self._size = 0

    def feed(self, text: str) -> Iterator[Event]:
        """Take the next chunk. It is read as the events are asked for; ask for all before the next one."""
        if self.ended or not text:
            return
        if self._first:
            self._first = False
            text = text.removeprefix("\ufeff")
        if self._after_return and text.startswith("\n"):
            text = text[1:]
            self._after_return = False
        if "\r" in text:
            self._after_return = text.endswith("\r")
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        elif text:
            self._after_return = False
        self._inputs.append((text, 0))
        yield from self._run()

    def _run(self) -> Iterator[Event]:
        events = self._events
        while self._inputs and not self.ended:
            text, pos = self._inputs.pop()
            size = len(text)
            while pos < size and not self.ended:
                pos = self._state(text, pos)
                if events:
                    yield from events
                    events.clear()
                if self._pushed:
                    self._inputs.append((text, pos))
                    self._inputs.append((self._pushed, 0))
                    self._pushed = ""
                    break

    def _finish(self) -> bool:
        """Bring the machine to its end; True if text went back to the input and has to be read first."""
        raise NotImplementedError

    def close(self) -> Iterator[Event]:
        """The text is over: hand out what is left, recovered or as a line that was cut off."""
        again = not self.ended
        while again and not self.ended:
            again = self._finish()
            yield from self._events
            self._events.clear()
            yield from self._run()
        self.ended = True

    def _push(self, text: str) -> None:
        self._pushed = text + self._pushed

    def _keep(self, text: str) -> None:
        self._parts.append(text)
        self._size += len(text)

    def _take(self, length: int | None = None) -> Source:
        """The text kept so far (its first `length` characters) as a source; the rest goes back to the input."""
        text = "".join(self._parts)
        if length is not None and length < len(text):
            self._push(text[length:])
            text = text[:length]
        source = Source(text, self._line, self._column, self._lead)
        self._parts = []
        self._size = 0
        self._advance(text)
        return source

    def _advance(self, text: str) -> None:
        """Move the place where the next text starts past `text`."""
        newline = text.rfind("\n")
        if newline < 0:
            self._column += len(text)
            self._lead = (self._lead + text)[-_LEAD:]
        else:
            self._line += text.count("\n")
            self._column = len(text) - newline
            self._lead = text[newline + 1 :][-_LEAD:]
