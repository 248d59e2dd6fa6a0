"""Numbers events, stamps them with the time and hands them to reporters. A reporter that fails never harms the run."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from . import events as ev
from .diagnostics import Diagnostic
from .driver import Call, Watch
from .models.asking import ModelCall
from .protocols import Reporter

logger = logging.getLogger("llmcompiler")


class Emitter(Watch):
    """Makes the events of one run.

    Args:
        run_id: The run.
        reporters: Who is told. With none, no event is made at all.
    """

    def __init__(self, run_id: str, reporters: Sequence[Reporter]) -> None:
        self.run_id = run_id
        self.reporters = list(reporters)
        self.quiet = not self.reporters
        self.clock: Callable[[], float] = lambda: 0.0
        self.round = 0
        self.diagnostics: list[Diagnostic] = []
        self._seq = 0
        self._over = False
        self._failed: set[int] = set()
        self._blocking: set[int] = set()
        self._loop = asyncio.get_running_loop()
        self._listeners = [r for r in self.reporters if _listens(r)]

    def emit(self, kind: type[ev.Event], **fields: Any) -> None:
        """Make one event. Nothing comes after `RunFinished`."""
        if self.quiet or self._over:
            return
        event = kind(seq=self._seq, run_id=self.run_id, at=self.clock(), **fields)
        self._seq += 1
        self._over = kind is ev.RunFinished
        for reporter in self.reporters:
            try:
                reporter.report(event)
            except KeyboardInterrupt:
                raise
            except BaseException:  # the run goes on, whatever a reporter does
                self._complain(reporter, event.type)

    def _complain(self, reporter: Reporter, what: str) -> None:
        if id(reporter) not in self._failed:
            self._failed.add(id(reporter))
            logger.exception("reporter %s failed on %s", type(reporter).__name__, what)

    # -- model calls -----------------------------------------------------------------

    @property
    def listener(self) -> Emitter | None:
        """Who is to be told of model calls; None where no reporter asks for them."""
        return self if self._listeners else None

    def now(self) -> float:
        """Seconds since the run began."""
        return self.clock()

    def asking(self, call: ModelCall) -> None:
        """A planner or joiner is about to ask a model."""
        call.run_id, call.round = self.run_id, self.round
        self._tell("model_asked", call)

    def answered(self, call: ModelCall) -> None:
        """The reply is over."""
        self._tell("model_answered", call)

    def _tell(self, method: str, call: ModelCall) -> None:
        for reporter in self._listeners:
            try:
                getattr(reporter, method)(call)
            except KeyboardInterrupt:
                raise
            except BaseException:  # the run goes on, whatever a reporter does
                self._complain(reporter, method)

    def diagnose(self, diagnostic: Diagnostic) -> None:
        """Take note of a diagnostic."""
        self.diagnostics.append(diagnostic)
        self.emit(ev.DiagnosticEmitted, round=self.round, diagnostic=diagnostic)

    # -- what the driver says --------------------------------------------------------

    def planned(self, call: Call) -> None:
        """A task was added, and has its place."""
        after = tuple(sorted(call.after))
        self.emit(ev.TaskPlanned, round=call.round, task=call.task, after=after)

    def started(self, call: Call) -> None:
        """An attempt begins."""
        self.emit(
            ev.TaskStarted,
            task_id=call.task.id,
            tool=call.maker,
            args=dict(call.arguments),
            attempt=call.attempts,
            item=call.item,
        )

    def retried(self, call: Call, error: Exception, delay: float) -> None:
        """An attempt failed; another follows."""
        self.emit(
            ev.TaskRetried,
            task_id=call.task.id,
            attempt=call.attempts,
            error=error,
            delay=delay,
            item=call.item,
        )

    def hedged(self, call: Call, seconds: float) -> None:
        """A second call is made beside a slow one."""
        self.emit(ev.TaskHedged, task_id=call.task.id, tool=call.maker, after=seconds, item=call.item)

    def progress(self, call: Call, message: str, fraction: float | None, data: Any) -> None:
        """The tool reports; from a thread it is handed over to the event loop first."""
        if self.quiet:
            return
        fields = {
            "task_id": call.task.id,
            "message": str(message),
            "fraction": fraction,
            "data": data,
            "item": call.item,
        }
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            self._progress(call, fields)
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the run is over
                self._loop.call_soon_threadsafe(self._progress, call, fields)

    def _progress(self, call: Call, fields: dict[str, Any]) -> None:
        if call.outcome is None:
            self.emit(ev.TaskProgress, **fields)

    def approval(self, call: Call, digest: str = "", expires: float | None = None) -> None:
        """The call waits for approval."""
        self.emit(
            ev.ApprovalRequested,
            task_id=call.task.id,
            tool=call.task.tool,
            args=dict(call.arguments),
            digest=digest,
            expires=expires,
            item=call.item,
        )

    def finished(self, call: Call) -> None:
        """The call has its outcome."""
        assert call.outcome is not None
        if call.item is not None:
            self.emit(
                ev.ItemFinished,
                task_id=call.task.id,
                tool=call.task.tool,
                item=call.item,
                outcome=call.outcome,
                started=call.started,
                attempts=call.attempts,
                via=call.via,
                cache=call.cache,
            )
            return
        self.emit(
            ev.TaskFinished,
            task_id=call.task.id,
            tool=call.task.tool,
            outcome=call.outcome,
            started=call.started,
            attempts=call.attempts,
            reused=call.reuse,
            via=call.via,
            cache=call.cache,
        )

    def blocked(self, call: Call, seconds: float) -> None:
        """An async tool held up the event loop; told once a call."""
        if call.task.id in self._blocking:
            return
        self._blocking.add(call.task.id)
        message = (
            f"async tool `{call.maker}` held up the event loop for {seconds:.2f} s; every other call waited"
        )
        logger.warning("%s", message)
        hint = "make it a plain `def` (it then runs in a thread), or await inside it"
        self.diagnose(Diagnostic("blocking-tool", message, 0, 0, hint, "warning", call.task.id))


def _listens(reporter: Reporter) -> bool:
    return any(
        getattr(type(reporter), name, None) not in (None, getattr(Reporter, name))
        for name in ("model_asked", "model_answered")
    )
