"""The live view of a run in a notebook: one display, changed in place while the plan streams. It only looks.

Events are folded as they come; pictures are made a few times a second, and less often where they take long: drawing has
at most a tenth of the time. The last picture stays in the cell.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..events import Event, RunFinished
from ..models.asking import ModelCall
from ..protocols import Reporter
from .frontend import publish as publish_here
from .live_view import LiveView

logger = logging.getLogger("llmcompiler")

PERIOD = 0.125
"""Seconds between two pictures, at least."""
_SHARE = 10.0
"""A picture that took a second is followed by ten without one."""
_TICK = 1.0
"""Seconds after which a run in which nothing happens is drawn again, for its clock."""


class Publish(Protocol):
    """Shows a bundle, or puts it in the place of the one with the same id."""

    def __call__(self, data: Mapping[str, Any], display_id: str, /, *, update: bool) -> None:
        """See the class."""


class NotebookReporter(Reporter):
    """Shows runs in the cell that started them. Each run has a display of its own; one reporter may watch many.

    Notebooks get one without asking: `LLMCompiler(..., live=None)`. Pass one in `reporters=` for other ways of showing.

    Args:
        publish: `(bundle, display_id, *, update)`; by default IPython's display.
        clock: Seconds, for pauses between pictures.
    """

    def __init__(
        self, publish: Publish | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._publish = publish or publish_here
        self._clock = clock
        self._shown: dict[str, _Display] = {}

    def report(self, event: Event) -> None:
        """Take note of `event`; draw, if it is time."""
        shown = self._shown.get(event.run_id)
        if shown is None:
            shown = self._shown[event.run_id] = _Display(event.run_id, self._publish, self._clock)
        if isinstance(event, RunFinished):
            del self._shown[event.run_id]
        shown.report(event)

    def model_answered(self, call: ModelCall) -> None:
        """Take note of a model's reply; the next picture has its tokens."""
        if (shown := self._shown.get(call.run_id)) is not None:
            shown.view.builder.model_answered(call)


class _Display:
    """The display of one run."""

    def __init__(self, run_id: str, publish: Publish, clock: Callable[[], float]) -> None:
        self.id = f"llmcompiler-{uuid.uuid4().hex}"
        self.view = LiveView(run_id)
        self._publish = publish
        self._clock = clock
        self._there = False
        self._broken = False
        self._stale = False
        self._next = 0.0
        self._event_at = 0.0
        self._wake: asyncio.TimerHandle | None = None

    def report(self, event: Event) -> None:
        if self._broken:
            return
        self._event_at = self._clock()
        self.view.add(event)
        if isinstance(event, RunFinished):
            self._rest()
            self._draw()
        elif self._event_at >= self._next:
            self._draw()
        elif not self._stale:
            self._stale = True
            self._wake_in(self._next - self._event_at)

    def _draw(self) -> None:
        begun = self._clock()
        over = self.view.over
        try:
            data = self.view.bundle(0.0 if over else max(0.0, begun - self._event_at))
            self._publish(data, self.id, update=self._there)
        except Exception:  # of a picture or the front end: the run goes on without it
            self._broken = True
            self._rest()
            logger.exception("the live view of run %s ends", self.view.run_id)
            return
        self._there, self._stale = True, False
        ended = self._clock()
        self._next = ended + max(PERIOD, _SHARE * (ended - begun))
        if not over:
            self._wake_in(max(_TICK, self._next - ended))

    def _wake_in(self, delay: float) -> None:
        """Draw later by itself: what comes last before a pause would otherwise never be seen."""
        self._rest()
        with contextlib.suppress(RuntimeError):  # no event loop here: the next event draws
            self._wake = asyncio.get_running_loop().call_later(max(0.0, delay), self._draw)

    def _rest(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None


__all__ = ["PERIOD", "NotebookReporter", "Publish"]
