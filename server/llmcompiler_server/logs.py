"""Logs of the service: a line a run and a line a request, as JSON or text; no questions, answers or keys."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llmcompiler.events import Event, TaskFinished

from .records import RunRecord

if TYPE_CHECKING:
    from .metrics import Metrics

runs = logging.getLogger("llmcompiler.server.runs")
requests = logging.getLogger("llmcompiler.server.requests")

_RUN_ID = re.compile(r"run_[0-9a-f]{1,64}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_METHODS = frozenset(["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
_FIELDS = "fields"
"""The attribute of a log record that holds its structured fields."""


class RunLog:
    """Logs how runs begin and end, and calls that fail. An observer of the run manager."""

    def run_started(self, record: RunRecord) -> None:
        """A run began."""
        _log(runs, logging.INFO, "run started", run_id=record.id, key=record.owner, source=record.source)

    def event(self, record: RunRecord, event: Event) -> None:
        """Something happened in it."""
        if isinstance(event, TaskFinished) and event.outcome.status == "failed":
            # The error's text may hold what the user asked: its kind says enough here.
            _log(
                runs,
                logging.WARNING,
                "task failed",
                run_id=record.id,
                task_id=event.task_id,
                tool=event.tool,
                error=type(event.outcome.error).__name__,  # type: ignore[union-attr]
            )

    def run_finished(self, record: RunRecord) -> None:
        """It is over."""
        fields: dict[str, Any] = {"run_id": record.id, "key": record.owner, "status": record.status}
        if record.finished_at is not None:
            fields["seconds"] = round(max(0.0, record.finished_at - record.created_at), 3)
        if record.error is not None:
            fields["error"] = record.error.get("code")
        level = logging.WARNING if record.status in ("failed", "interrupted") else logging.INFO
        _log(runs, level, "run finished", **fields)


class AccessLog:
    """Logs and counts requests: route, status, time. Paths that match no route are not repeated."""

    def __init__(self, app: ASGIApp, metrics: Metrics | None = None) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.monotonic()
        status, streamed = 0, False

        async def noting(message: Message) -> None:
            nonlocal status, streamed
            if message["type"] == "http.response.start":
                status = message["status"]
                streamed = any(
                    name.lower() == b"content-type" and value.startswith(b"text/event-stream")
                    for name, value in message.get("headers", ())
                )
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            seconds = time.monotonic() - began
            route = _template(scope)
            if self.metrics is not None:
                # 499: the client went away before there was an answer.
                self.metrics.request(route, scope["method"], status or 499, None if streamed else seconds)
            level = logging.DEBUG if route in ("/healthz", "/readyz", "/metrics") else logging.INFO
            _log(
                requests,
                level,
                "request",
                route=route or "other",
                method=_method(scope),
                status=status or 499,
                seconds=round(seconds, 4),
                run_id=_run_id(scope),
            )


def _run_id(scope: Scope) -> str | None:
    """The run a request is about. What is no id may be any text, and is left out."""
    found = scope.get("path_params", {}).get("run_id")
    return found if isinstance(found, str) and _RUN_ID.match(found) else None


def name_of(scope: Scope) -> str:
    """A request in words that are none of the client's: its method and the template of its path."""
    return f"{_method(scope)} {_template(scope) or 'other'}"


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "other"


def _template(scope: Scope) -> str | None:
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else None


def _log(logger: logging.Logger, level: int, message: str, **fields: Any) -> None:
    if logger.isEnabledFor(level):
        known = {name: value for name, value in fields.items() if value is not None}
        logger.log(level, message, extra={_FIELDS: known})


def _exception(record: logging.LogRecord) -> str:
    """Where an exception came from and what kind it is.

    Its text may repeat a question, a result or an answer, and is shown at the level `debug` only.
    """
    assert record.exc_info is not None
    error = record.exc_info[1]
    if error is None:
        return ""
    if logging.getLogger("llmcompiler").isEnabledFor(logging.DEBUG):
        return "".join(traceback.format_exception(error)).rstrip()
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        lines = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{lines}{type(error).__qualname__}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\nand before that:\n\n".join(parts)


class JSONFormatter(logging.Formatter):
    """A record as one line of JSON: `time`, `level`, `logger`, `message` and its fields, and `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        out: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            out["exception"] = _exception(record)
        # ASCII: any reader can take it, and no character of a log line can end it early.
        return json.dumps(out, default=str)


class TextFormatter(logging.Formatter):
    """A record as a line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        fields = "".join(f" {k}={v}" for k, v in getattr(record, _FIELDS, {}).items())
        # No text can look like a line of its own, or move the cursor.
        line = _CONTROL.sub(
            lambda found: ascii(found[0])[1:-1],
            f"{at} {record.levelname.lower():7} {record.getMessage()}{fields}",
        )
        return line + ("\n" + _exception(record) if record.exc_info else "")


def set_up_logs(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send the logs of the service, the library and uvicorn to a stream, standard error by default.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        form: `json` or `text`.
        stream: Where to.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JSONFormatter() if form == "json" else TextFormatter())
    for name in ("llmcompiler", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level.upper())
    for name in ("uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = name == "uvicorn.error"  # requests are logged by `AccessLog`


__all__ = ["AccessLog", "JSONFormatter", "RunLog", "TextFormatter", "name_of", "set_up_logs"]
