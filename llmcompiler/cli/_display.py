"""What a run shows while it goes on: the live view, a log of lines, events, or nothing; and who approves calls."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any

from rich.console import Console

from .._jsonable import to_jsonable
from ..events import DiagnosticEmitted
from ..protocols import ApprovalRequest, Reporter
from ..terminal import EventReporter, LiveReporter, LogReporter
from ..terminal._text import harmless
from ..terminal._view import OVER, View
from ._streams import tell


class Display:
    """The reporter of one run, and what is printed after it. A context manager round the run.

    Args:
        quiet: Show nothing.
        events: Show events as JSON lines instead of anything else.
        plan_only: Nothing will run: afterwards only what is odd about the plan is left standing.
    """

    def __init__(self, *, quiet: bool = False, events: bool = False, plan_only: bool = False) -> None:
        self.plan_only = plan_only
        self.live: LiveReporter | None = None
        self.log: LogReporter | None = None
        self.reporter: Reporter
        if events:
            self.reporter = EventReporter()
        elif quiet:
            self.reporter = Reporter()
        elif _can_draw():
            self.reporter = self.live = LiveReporter(Console(stderr=True, highlight=False, soft_wrap=False))
        else:
            self.reporter = self.log = LogReporter(only=(DiagnosticEmitted,) if plan_only else ())

    def __enter__(self) -> Display:
        if self.live is not None:
            self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.__exit__(kind, error, trace)
            self.live.print_graph(only_notes=self.plan_only)
        if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
            tell("stopped" if self.plan_only else f"stopped{self._progress()}")
        elif error is not None:
            self.footer()

    def footer(self) -> None:
        """Say how the run ended and what it took, where anything is shown at all."""
        shown = self.live or self.log
        if shown is not None:
            shown.print_footer()

    def space(self) -> None:
        """Set the answer off from graph and footer, where all of them are on one screen."""
        if self.live is not None:
            tell("")

    def paused(self) -> AbstractContextManager[Any]:
        """Take the live view away for a moment."""
        return nullcontext() if self.live is None else self.live.paused()

    @property
    def view(self) -> View | None:
        """The run as shown, if it is."""
        shown = self.live or self.log
        return None if shown is None else shown.view

    def _progress(self) -> str:
        view = self.view
        if view is None or not view.rows:
            return " before any call was made" if view is not None else ""
        done, cancelled = view.counts["succeeded"], view.counts["cancelled"]
        other = sum(view.counts[k] for k in OVER) - done - cancelled
        parts = [f"{done} of {len(view.rows)} calls done"]
        parts += [f"{other} failed or skipped"] if other else []
        parts += [f"{cancelled} cancelled"] if cancelled else []
        return f" after {view.now:.1f} s: {', '.join(parts)}"


def _can_draw() -> bool:
    try:
        terminal = sys.stderr.isatty()
    except ValueError:  # closed
        return False
    return terminal and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


class Approver:
    """Asks on the terminal whether a call may be made, one call at a time; without a terminal the answer is no.

    Args:
        display: Is taken away while a question stands.
        yes: Approve everything.
    """

    def __init__(self, display: Display, *, yes: bool = False) -> None:
        self._display = display
        self._yes = yes
        self._turn = asyncio.Lock()

    async def __call__(self, request: ApprovalRequest) -> bool:
        """Whether the call may be made."""
        name = f"task {request.task_id} `{request.tool}`"
        if self._yes:
            return True
        if not _can_ask():
            tell(
                f"{name} needs approval, and there is no terminal to ask on: denied (--yes approves every call)"
            )
            return False
        async with self._turn:
            with self._display.paused():
                tell(f"{name} needs approval:\n{exact(request.tool, request.arguments)}")
                sys.stderr.write("Make this call? [y/N] ")
                sys.stderr.flush()
                answer = await _line()
                allowed = answer.strip().lower() in ("y", "yes")
                if not answer.endswith("\n"):
                    sys.stderr.write("\n")
                if not allowed:
                    tell("not approved")
                return allowed


def exact(tool: str, arguments: Mapping[str, Any]) -> str:
    """A call with its arguments in full, one a line: what is approved is what is shown."""
    lines = [f"    {k} = {json.dumps(to_jsonable(v), ensure_ascii=False)}" for k, v in arguments.items()]
    return harmless("\n".join([f"  {tool}(", *lines, "  )"] if lines else [f"  {tool}()"]))


def _can_ask() -> bool:
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (ValueError, AttributeError):  # closed, or none at all
        return False


async def _line() -> str:
    """A line from the terminal. No thread is left reading when the question is cancelled."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()
    fd = sys.stdin.fileno()

    def readable() -> None:
        if not answer.done():
            # A terminal in line mode gives one whole line.
            answer.set_result(os.read(fd, 4096).decode("utf-8", "replace"))

    try:
        loop.add_reader(fd, readable)
    except NotImplementedError:  # the event loop of Windows has no readers
        return await asyncio.to_thread(sys.stdin.readline)
    try:
        return await answer
    finally:
        loop.remove_reader(fd)
