"""What is wrong with one statement, collected with its places. Nothing here decides what is wrong."""

from __future__ import annotations

from ..diagnostics import Diagnostic
from .source import Source

_MOST = 20  # problems of one statement; a text full of them says nothing more


class Bad(Exception):
    """A value that can not be read; reading goes on after it."""

    def __init__(self, code: str, message: str, at: int, hint: str) -> None:
        self.code = code
        self.message = message
        self.at = at
        self.hint = hint
        super().__init__(message)


class Report:
    """Collects the diagnostics of one statement."""

    def __init__(self, source: Source, task_id: int | None = None) -> None:
        self.source = source
        self.task_id = task_id
        self.diagnostics: list[Diagnostic] = []
        self.errors = 0
        self._warnings = 0

    def error(self, code: str, message: str, at: int, hint: str) -> None:
        """Something that makes the statement unusable."""
        self.errors += 1
        if self.errors <= _MOST:
            self.diagnostics.append(diagnostic(self.source, code, message, at, hint, self.task_id))

    def warn(self, code: str, message: str, at: int, hint: str) -> None:
        """Something that was recovered."""
        self._warnings += 1
        if self._warnings <= _MOST:
            self.diagnostics.append(
                diagnostic(self.source, code, message, at, hint, self.task_id, warning=True)
            )

    def bad(self, bad: Bad) -> None:
        """A value that can not be read."""
        self.error(bad.code, bad.message, bad.at, bad.hint)


def diagnostic(
    source: Source,
    code: str,
    message: str,
    at: int,
    hint: str,
    task_id: int | None = None,
    *,
    warning: bool = False,
) -> Diagnostic:
    """A diagnostic at an offset of `source`."""
    place = source.place(at)
    return Diagnostic(
        code,
        message,
        place.line,
        place.column,
        hint,
        "warning" if warning else "error",
        task_id,
        place.source,
    )
