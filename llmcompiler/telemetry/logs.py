"""Runs as records of the standard library's `logging`, with the ids of run and task. Nothing is set up or shown here.

The logger is `llmcompiler`; like that of any library it is silent until a program sets up logging.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

from .. import events as ev
from .._jsonable import describe_error, to_text
from ..outcomes import Failed
from ..protocols import Reporter

_MOST = 500
"""Characters of one text of content in a message."""
_CURRENT: ContextVar[tuple[str, int | None]] = ContextVar("llmcompiler_logged_call", default=("", None))
"""The run and task whose code runs here."""


class LoggingReporter(Reporter):
    """Says in the log how runs go: their start and end as INFO, calls as DEBUG, what goes wrong as WARNING or ERROR.

    Each record has the attributes `run_id` and `task_id` (None where no task is meant), for formats and filters.

    Args:
        logger: Where records go; `llmcompiler.runs` when it is None.
        capture_content: Whether questions, arguments, answers and messages of errors are in the text, each cut to 500
            characters. They may be private: off unless asked for.
    """

    def __init__(self, logger: logging.Logger | None = None, *, capture_content: bool = False) -> None:
        self._logger = logger or logging.getLogger("llmcompiler.runs")
        self._content = capture_content

    def report(self, event: ev.Event) -> None:
        """Take note of `event`."""
        log = self._log
        match event:
            case ev.RunStarted():
                log(logging.INFO, event, None, "run started", event.question)
            case ev.PlanFinished():
                log(logging.DEBUG, event, None, f"round {event.round} planned: {event.tasks} tasks")
            case ev.DiagnosticEmitted():
                level = logging.WARNING if event.diagnostic.severity == "error" else logging.DEBUG
                d = event.diagnostic
                log(level, event, d.task_id, f"round {event.round}: {d.severity} {d.code}", d.message)
            case ev.TaskStarted():
                _CURRENT.set((event.run_id, event.task_id))
                again = f", try {event.attempt}" if event.attempt > 1 else ""
                text = f"{event.tool} started{_of(event.item)}{again}"
                log(logging.DEBUG, event, event.task_id, text, event.args)
            case ev.TaskRetried():
                why = type(event.error).__name__
                text = f"try {event.attempt}{_of(event.item)} failed with {why}, again in {event.delay:.2f} s"
                log(logging.WARNING, event, event.task_id, text, event.error)
            case ev.TaskHedged():
                text = f"{event.tool} called a second time{_of(event.item)} after {event.after:.2f} s"
                log(logging.INFO, event, event.task_id, text)
            case ev.ApprovalRequested():
                log(logging.INFO, event, event.task_id, f"{event.tool} waits for approval{_of(event.item)}")
            case ev.ItemFinished() | ev.TaskFinished():
                item = event.item if isinstance(event, ev.ItemFinished) else None
                text = f"{event.tool} {event.outcome.status}{_of(item)}"
                if event.started is not None:
                    text += f" in {event.at - event.started:.3f} s"
                if event.via != "call":
                    text += f" ({event.via})"
                if isinstance(event.outcome, Failed):
                    error = event.outcome.error
                    log(logging.WARNING, event, event.task_id, f"{text}: {type(error).__name__}", error)
                else:
                    log(logging.DEBUG, event, event.task_id, text)
            case ev.Replanned():
                log(logging.INFO, event, None, f"round {event.round} was not enough", event.feedback)
            case ev.RunFinished():
                text = f"run {event.status} in {event.at:.3f} s, {event.usage.tokens:,} tokens"
                if event.error is None:
                    log(logging.INFO, event, None, text, event.output)
                else:
                    log(logging.ERROR, event, None, f"{text}: {type(event.error).__name__}", event.error)
            case _:
                pass

    def _log(self, level: int, event: ev.Event, task_id: int | None, text: str, content: Any = None) -> None:
        if not self._logger.isEnabledFor(level):
            return
        if self._content and content is not None:
            told = describe_error(content) if isinstance(content, BaseException) else to_text(content)
            text += ": " + _line(told[:_MOST]) + ("..." if len(told) > _MOST else "")
        self._logger.log(level, "%s", text, extra={"run_id": event.run_id, "task_id": task_id})


class RunContextFilter(logging.Filter):
    """Gives every record `run_id` and `task_id` of the call whose code logs: a tool's own lines can be told apart.

    Put it on a handler. It needs a `LoggingReporter` in the run, and lets everything through.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the ids where the record has none."""
        for name, known in zip(("run_id", "task_id"), _CURRENT.get(), strict=True):
            if not hasattr(record, name):
                setattr(record, name, known)
        return True


def _line(text: str) -> str:
    """The text in one line, in which nothing can steer a terminal."""
    text = " ".join(text.split())
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _of(item: int | None) -> str:
    return "" if item is None else f" for item {item}"


__all__ = ["LoggingReporter", "RunContextFilter"]
