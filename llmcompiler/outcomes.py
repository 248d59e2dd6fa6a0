"""How a task ended: exactly one `Outcome` per task. Plain values; nothing here runs anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ._displayed import Displayed
from ._jsonable import error_to_dict, to_jsonable

Status = Literal["succeeded", "failed", "skipped", "cancelled"]


@dataclass(frozen=True, slots=True)
class Succeeded(Displayed):
    """The call returned `value`."""

    value: Any
    status: ClassVar[Status] = "succeeded"

    def to_dict(self) -> dict[str, Any]:
        """JSON form; a value that JSON can not hold is given as its `repr`."""
        return {"status": self.status, "value": to_jsonable(self.value)}


@dataclass(frozen=True, slots=True)
class Failed(Displayed):
    """The call raised `error`, or its arguments could not be made."""

    error: Exception
    status: ClassVar[Status] = "failed"

    def to_dict(self) -> dict[str, Any]:
        """JSON form: the error's type and text."""
        return {"status": self.status, "error": error_to_dict(self.error)}


@dataclass(frozen=True, slots=True)
class Skipped(Displayed):
    """The call was never made. `cause` is the task whose end is the reason (its own id for a false guard)."""

    cause: int
    reason: str = ""
    status: ClassVar[Status] = "skipped"

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"status": self.status, "cause": self.cause, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Cancelled(Displayed):
    """The run ended (cancelled, out of time) before the call did."""

    reason: str = ""
    status: ClassVar[Status] = "cancelled"

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"status": self.status, "reason": self.reason}


Outcome = Succeeded | Failed | Skipped | Cancelled
"""How a task ended."""
