"""What a check found wrong with one task, as diagnostics with their places. Nothing here checks."""

from __future__ import annotations

from typing import Any

from .diagnostics import Diagnostic, Severity
from .plan import Place, Task

_NOWHERE = Place(0, 0, "")


class Findings:
    """Collects diagnostics of one task, with places from its span."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.items: list[Diagnostic] = []
        self.failed = False
        """Whether one of them is an error."""

    def error(self, code: str, message: str, hint: str = "", key: str | None = None, place: str = "") -> None:
        """Add an error: at the argument `key`, at the tool's name (`place="tool"`), or at the start of the task."""
        self._add("error", code, message, hint, key, place)
        self.failed = True

    def warn(self, code: str, message: str, hint: str = "") -> None:
        """Add a warning at the start of the task."""
        self._add("warning", code, message, hint, None, "")

    def _add(
        self, severity: Severity, code: str, message: str, hint: str, key: str | None, place: str
    ) -> None:
        span = self.task.span
        at = _NOWHERE
        if span is not None:
            at = (
                span.args.get(key, span.tool)
                if key is not None
                else span.tool
                if place == "tool"
                else span.start
            )
        task_id = self.task.id if isinstance(self.task.id, int) else None
        self.items.append(Diagnostic(code, message, at.line, at.column, hint, severity, task_id, at.source))


def short(value: Any) -> str:
    """`value` for a message, never long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
