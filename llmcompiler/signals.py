"""Ctrl-C, and SIGTERM where that is asked for, while a run owns the event loop of the main thread.

From before the loop is made until it is cleared up there is no moment at which a signal breaks in unseen or is lost.
What is run, and how it is cleared up, is the business of `bridge`.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any


class Signals:
    """The first signal cancels the run; the next Ctrl-C breaks into the step that it is at.

    One that comes when the run is over waits until all is cleared up; another Ctrl-C then does not wait.

    Outside the main thread, and where somebody else takes the signals, this does nothing.

    Args:
        terminate: Whether SIGTERM is taken as well.
    """

    def __init__(self, *, terminate: bool = False) -> None:
        self._wanted: dict[int, Any] = {signal.SIGINT: signal.default_int_handler}
        if terminate:
            self._wanted[signal.SIGTERM] = signal.SIG_DFL
        self._taken: dict[int, Any] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._over = False
        self._waiting: int | None = None
        """A signal that nobody has heard of yet."""
        self.interrupted = False
        """Whether Ctrl-C has cancelled the run."""

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number, usual in self._wanted.items():
                if signal.getsignal(number) is usual:
                    self._taken[number] = usual
                    signal.signal(number, self._came)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the signals to those who had them.

        Raises:
            KeyboardInterrupt: Ctrl-C was waiting.
            CancelledError: SIGTERM was waiting.
        """
        for number, usual in self._taken.items():
            if signal.getsignal(number) == self._came:
                signal.signal(number, usual)
        if self._waiting is not None:
            raise KeyboardInterrupt if self._waiting == signal.SIGINT else asyncio.CancelledError

    def begin(self) -> None:
        """The current task is the run that signals cancel."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        for number in self._taken:
            # Python would miss a signal that comes just before the loop waits; with this the loop wakes up for it.
            with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows
                self._loop.add_signal_handler(number, _nothing)
            signal.signal(number, self._came)
        if self._waiting is not None:
            self._cancel(self._waiting)

    def end(self) -> None:
        """The run is over, and its loop is about to be cleared up and closed."""
        self._over = True
        for number in self._taken:
            if self._loop is not None and signal.getsignal(number) == self._came:
                # A closed loop must not be woken: Python complains of that on standard error.
                with suppress(NotImplementedError, RuntimeError, ValueError):
                    self._loop.remove_signal_handler(number)
                signal.signal(number, self._came)

    def _came(self, number: int, frame: FrameType | None) -> None:
        again = number == signal.SIGINT and (self.interrupted or self._waiting == signal.SIGINT)
        if self._over:
            again = self._waiting == signal.SIGINT
        if again:
            # What breaks in is heard of; whatever comes while that is cleared up may wait once more.
            self._over, self._waiting = True, None
            raise KeyboardInterrupt
        self._waiting = number
        if not self._over and self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel, number)

    def _cancel(self, number: int) -> None:
        if self._task is not None and self._task.cancel():
            self._waiting = None
            self.interrupted |= number == signal.SIGINT


def _nothing() -> None:
    pass


__all__ = ["Signals"]
