"""The live view of a run on a terminal. Drawing happens in rich's refresh thread; events only change the `View`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ..events import Event, RunFinished
from ..protocols import Reporter
from ._draw import Painter, footer, glyphs_for
from ._view import View

if TYPE_CHECKING:
    from types import TracebackType

FRAMES_PER_SECOND = 10


class LiveReporter(Reporter):
    """Shows a run on a terminal while it goes on: tasks as they are planned, run and end.

    Use it as a context manager round the run; leaving it takes the live view away and leaves the terminal as it was.
    The view is never taller than the screen, and an event costs the same however many tasks there are.

    Args:
        console: Where to draw; by default standard error.
        clock: Seconds, for the time between events.
    """

    def __init__(
        self, console: Console | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.view = View()
        self._clock = clock
        self._zero: float | None = None
        self._lock = Lock()
        self._frame = 0
        self._paused = 0
        self._live = self._new_live()
        self._open = False

    def _new_live(self) -> Live:
        return Live(
            console=self.console,
            get_renderable=self.draw,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            vertical_overflow="crop",
        )

    def __enter__(self) -> LiveReporter:
        self._open = True
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._live.stop()

    def report(self, event: Event) -> None:
        """Take note of `event`."""
        with self._lock:
            if self._zero is None:
                self._zero = self._clock() - event.at
            self.view.feed(event)

    @contextmanager
    def paused(self) -> Iterator[Console]:
        """Take the view away for as long as something else (a question to the user) needs the terminal."""
        self._paused += 1
        self._live.stop()
        try:
            yield self.console
        finally:
            self._paused -= 1
            if self._open and not self._paused:
                # A stopped Live remembers the height it had and would erase that many lines: start afresh.
                self._live = self._new_live()
                self._live.start(refresh=True)

    def draw(self) -> RenderableType:
        """The view as it is now, as tall as the screen at most."""
        size = self.console.size
        with self._lock:
            self._frame += 1
            now = 0.0 if self._zero is None else self._clock() - self._zero
            if self.view.finish is not None:
                now = self.view.now
            painter = Painter(self.view, size.width, glyphs_for(self.console.encoding))
            # One line less than the screen has, so that taking the view away does not scroll.
            lines = painter.live(max(3, size.height - 2), max(now, self.view.now), self._frame)
        return _lines(lines)

    def print_graph(self, *, only_notes: bool = False) -> None:
        """Print the graph as it ended: each call with its time and result; or only what was remarked about the plan."""
        with self._lock:
            painter = Painter(self.view, self.console.width, glyphs_for(self.console.encoding))
            lines = painter.remarks() if only_notes else painter.final()
        if lines:
            self.console.print(Group(*lines))

    def print_footer(self) -> None:
        """Print how the run ended and what it took; nothing before the run is over."""
        finish = self.view.finish
        if finish is not None:
            print_footer(self.console, self.view, finish)


def print_footer(console: Console, view: View, finish: RunFinished) -> None:
    """Print how the calls ended, where the time went and what the models used."""
    glyphs = glyphs_for(console.encoding)
    counts = Painter(view, console.width, glyphs).counts()
    lines = [counts]
    if finish.timing is not None:
        lines += footer(finish.timing, finish.usage, glyphs.dot, console.width)
    console.print(Text("\n".join(lines), style="dim"))


def _lines(lines: list[Text]) -> Group:
    for line in lines:
        line.no_wrap = True
        line.overflow = "crop"
    return Group(*lines)
