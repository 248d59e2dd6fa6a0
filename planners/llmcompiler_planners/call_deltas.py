"""Native tool calls put together from their pieces: each comes out as soon as its own arguments are complete.

Nothing here knows tools or what the arguments mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    name: str = ""
    parts: list[str] = field(default_factory=list)
    scan: ValueScan = field(default_factory=ValueScan)
    given: bool = False


class CallAssembler:
    """Takes pieces of calls in any cut; a call is complete when its JSON closes, the next one begins, or at the end."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._last: _Call | None = None

    @property
    def begun(self) -> bool:
        """Whether there was any piece of a call."""
        return self._last is not None

    def feed(self, deltas: Iterable[ToolCallDelta]) -> Iterator[WholeCall]:
        """The calls that these pieces complete."""
        for delta in deltas:
            call = self._calls.get(delta.index)
            if call is None:
                yield from self._end()
                call = self._calls[delta.index] = self._last = _Call(len(self._calls))
            call.name = call.name or delta.name or ""
            if call.given:
                continue  # the call runs already
            if delta.arguments:
                call.parts.append(delta.arguments)
                if not call.scan.done:
                    call.scan.feed(delta.arguments)
            if call.scan.done and call.name:
                yield _whole(call)

    def close(self) -> Iterator[WholeCall]:
        """The last call."""
        yield from self._end()

    def _end(self) -> Iterator[WholeCall]:
        if self._last is not None and not self._last.given:
            yield _whole(self._last)


def _whole(call: _Call) -> WholeCall:
    call.given = True
    arguments = "".join(call.parts)
    call.parts.clear()
    return WholeCall(call.position, call.name, arguments)


__all__ = ["CallAssembler", "WholeCall"]
