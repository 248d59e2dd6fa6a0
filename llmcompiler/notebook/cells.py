"""Which runs get a live view, and what stands for those that get none: a cell that starts hundreds shows a few."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ..events import Event, RunFinished, RunStarted
from ..protocols import Reporter
from . import frontend
from .markup import line, page
from .reporter import NotebookReporter, Publish

MOST = 8
"""Displays in a cell; further runs share one line."""


class Settings:
    """What the session has chosen."""

    def __init__(self) -> None:
        self.live = True


SETTINGS = Settings()


def live(on: bool = True) -> None:
    """Turn the live views of this session on or off; `LLMCompiler(live=...)` says it for one compiler.

    ```python
    from llmcompiler import notebook

    notebook.live(False)
    notebook.live(True)  # as at first
    ```
    """
    SETTINGS.live = bool(on)


def reporter_for(live: bool | None, given: tuple[Reporter, ...]) -> Reporter | None:
    """The live view of a run that begins here, if it gets one.

    Args:
        live: What the compiler was told: True, False, or None for where a kernel runs.
        given: The reporters it was given: with one that shows the run already, there is no second view.
    """
    if live is False or (live is None and not SETTINGS.live):
        return None
    if any(isinstance(r, NotebookReporter) or type(r).__module__.startswith(_TERMINAL) for r in given):
        return None
    place = frontend.place()
    if place == "kernel":
        return _cell().reporter()
    if place == "terminal" and live:
        from ..terminal import LogReporter

        return LogReporter()
    return None


_TERMINAL = "llmcompiler.terminal"


class Cell:
    """The runs of one execution of a cell.

    Args:
        publish: Shows bundles.
    """

    def __init__(self, number: Any, publish: Publish = frontend.publish) -> None:
        self.number = number
        self._publish = publish
        self._displays = 0
        self._rest: Rest | None = None

    def reporter(self) -> Reporter:
        """The view of one more run."""
        if self._displays < MOST:
            self._displays += 1
            return NotebookReporter(self._publish)
        if self._rest is None:
            self._rest = Rest(self._publish)
        return self._rest


class Rest(Reporter):
    """One line for all the runs of a cell that have no display of their own."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._id = f"llmcompiler-{uuid.uuid4().hex}"
        self._there = False
        self._counts = {"going on": 0, "answered": 0, "failed": 0, "cancelled": 0}

    def report(self, event: Event) -> None:
        """Count it."""
        if isinstance(event, RunStarted):
            self._counts["going on"] += 1
        elif isinstance(event, RunFinished):
            self._counts["going on"] -= 1
            self._counts[event.status] += 1
        else:
            return
        self._publish(self.bundle(), self._id, update=self._there)
        self._there = True

    def bundle(self) -> Mapping[str, Any]:
        """The line."""
        stands = ", ".join(f"{n} {name}" for name, n in self._counts.items() if n)
        said = f"... and {sum(self._counts.values())} more runs: {stands}"
        return {"text/html": page(f"<div>{line(said)}</div>"), "text/plain": said}


_LATEST: list[Cell] = []


def _cell() -> Cell:
    number = getattr(frontend.shell(), "execution_count", None)
    if not _LATEST or _LATEST[0].number != number:
        _LATEST[:] = [Cell(number)]
    return _LATEST[0]


__all__ = ["MOST", "Cell", "Rest", "live", "reporter_for"]
