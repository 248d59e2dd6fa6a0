"""Native tool calls put together from their pieces: each comes out as soon as its own arguments are complete.

Nothing here knows tools or what the arguments mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from llmcompiler.models.base import ToolCallDelta

from .json_stream import ValueScan


@dataclass(frozen=True, slots=True)
class WholeCall:
    """A call as the model wrote it."""

    position: int
    """From 0, in the order in which the calls were begun."""
    name: str
    arguments: str


@dataclass(slots=True)
class _Call:
    position: int
    id: str = ""
    name: str = ""
    parts: list[str] = field(default_factory=list)
    scan: ValueScan = field(default_factory=ValueScan)
    given: bool = False
    passed: bool = False
    """Whether another call began after it."""

    @property
    def empty(self) -> bool:
        """Whether its arguments are an object without any so far."""
        return "".join("".join(self.parts[:3]).split()) == "{}"

    def take(self, text: str) -> bool:
        """Take a piece of its arguments; whether there is text behind them."""
        while text:
            if self.scan.done:
                rest = text.strip()
                if not rest or self.given or not self.empty:
                    return bool(rest)
                self.parts, self.scan = [], ValueScan()
            end = self.scan.feed(text)
            self.parts.append(text[:end])
            text = text[end:]
        return False


class CallAssembler:
    """Takes pieces of calls in any cut and comes out with whole calls, in the order in which they were begun.

    A call is complete when its JSON closes; what is not closed, or has no arguments, waits for the end, since pieces
    of several calls may come by turns. Only the first value counts, but for an empty object: servers send `{}` and
    what is really meant behind it.

    Args:
        bare: Whether the tool of this name takes no arguments, so that its call has to wait for none.
    """

    def __init__(self, bare: Callable[[str], bool] = lambda name: False) -> None:
        self._bare = bare
        self._calls: dict[int, _Call] = {}
        self._order: list[_Call] = []
        self._next = 0
        self._trailing: dict[int, None] = {}

    @property
    def begun(self) -> bool:
        """Whether there was any piece of a call."""
        return bool(self._order)

    @property
    def trailing(self) -> list[int]:
        """Positions of calls that have text behind their arguments, which is not read."""
        return list(self._trailing)

    def feed(self, deltas: Iterable[ToolCallDelta]) -> Iterator[WholeCall]:
        """The calls that these pieces complete."""
        for delta in deltas:
            call = self._calls.get(delta.index)
            if call is None or (delta.name and delta.id and call.id and delta.id != call.id):
                if self._order:
                    self._order[-1].passed = True
                call = self._calls[delta.index] = _Call(len(self._order))
                self._order.append(call)
            call.id = call.id or delta.id or ""
            call.name = call.name or delta.name or ""
            if delta.arguments and call.take(delta.arguments):
                self._trailing[call.position] = None
            yield from self._whole(self._complete)

    def close(self) -> Iterator[WholeCall]:
        """The calls that are left."""
        yield from self._whole(lambda first: True)

    def _complete(self, call: _Call) -> bool:
        if not call.name:
            return False
        if not call.scan.begun:
            return call.passed and self._bare(call.name)
        return call.scan.done and (call.passed or not call.empty or self._bare(call.name))

    def _whole(self, ready: Callable[[_Call], bool]) -> Iterator[WholeCall]:
        while self._next < len(self._order) and ready(call := self._order[self._next]):
            self._next += 1
            call.given = True
            arguments = "".join(call.parts)
            call.parts.clear()
            yield WholeCall(call.position, call.name, arguments)


__all__ = ["CallAssembler", "WholeCall"]
