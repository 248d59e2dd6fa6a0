"""What can be wrong with a plan: the `Diagnostic` and the list of its codes. Nothing here parses or checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]

CODES: dict[str, str] = {
    "syntax": "the text is not a call in the plan language",
    "unclosed": "a bracket or quote is not closed; only a missing last `)` is put there",
    "unquoted": "text without quotes; taken as one string",
    "trailing-text": "text after the end of a call",
    "missing-id": "a call without a number; numbered in order",
    "unrecognised": "a line that is neither a call nor a thought; ignored",
    "bad-literal": "a value that can not be represented (too long, infinite, not a literal)",
    "too-deep": "brackets nested deeper than allowed",
    "bad-id": "a task id that is not a small positive number",
    "duplicate-id": "two tasks with one id",
    "duplicate-join": "two joins",
    "after-join": "a task after the join",
    "join-arguments": "join takes nothing or one reference",
    "unknown-tool": "no tool of that name",
    "missing-argument": "a required argument is not given",
    "extra-argument": "an argument the tool does not have",
    "duplicate-argument": "an argument is given twice",
    "wrong-type": "an argument does not fit the tool's schema",
    "forward-reference": "a reference to a later task",
    "self-reference": "a task that refers to itself",
    "unknown-reference": "a reference to a task that is not in the plan",
    "unknown-field": "a field the declared result type does not have",
    "bad-reference": "a reference that can not be read",
    "guessed-argument": "an argument that depends on a result is made up instead of referred to",
    "unused-variable": "the variable of a `for` is not used",
    "repeated": "a call that an earlier round made already; its result is used again",
    "unsupported": "Python that a plan can not be written in",
    "cut-off": "the planner's text ended in the middle of a task",
    "weak-plan": "the planner was unsure of this plan",
    "blocking-tool": "an async tool that blocks the event loop",
}
"""Every code a diagnostic can have, with its meaning. Codes are stable; texts are not."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing wrong with a plan, at one place.

    An `"error"` makes its task unusable; a `"warning"` tells what was recovered or ignored.
    """

    code: str
    """A key of `CODES`."""
    message: str
    """What is wrong, in one sentence."""
    line: int
    """Line in the plan text, from 1; 0 where there is no text."""
    column: int
    """Column in that line, from 1; 0 where there is no text."""
    hint: str = ""
    """What to do about it."""
    severity: Severity = "error"
    task_id: int | None = None
    """The task concerned, where one is known."""
    source: str = ""
    """The line of the plan text, for the caret. A place far to the right is given by what stands round it: then the
    source is shorter than `column`, and the place stands behind its first 60 characters."""

    def render(self) -> str:
        """The diagnostic as text, with a caret under the place."""
        place = f"{self.line}:{self.column}: " if self.line else ""
        if not place and self.task_id is not None and not self.message.startswith("tasks["):
            place = f"task {self.task_id}: "
        text = f"{place}{self.severity} [{self.code}] {self.message}"
        if self.source and self.column:
            text += self._caret()
        if self.hint:
            text += f"\n  hint: {self.hint}"
        return text

    def _caret(self) -> str:
        at = self.column - 1
        cut = at > len(self.source)
        if cut:
            at = min(60, len(self.source))
        # A window round the column keeps the caret visible on very long lines.
        start = at - 60 if at >= 80 else 0
        window = self.source[start : start + 100]
        lead = "..." if start or cut else ""
        pad = "".join("\t" if ch == "\t" else " " for ch in window[: at - start])
        return f"\n  {lead}{window}\n  {' ' * len(lead)}{pad}^"

    def to_dict(self) -> dict[str, Any]:
        """JSON form: only strings, numbers and null."""
        return {
            "code": self.code,
            "message": self.message,
            "line": self.line,
            "column": self.column,
            "hint": self.hint,
            "severity": self.severity,
            "task_id": self.task_id,
            "source": self.source[:400],
        }
