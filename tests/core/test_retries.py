"""Which failures are worth another try."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from llmcompiler import ArgumentError, ToolError, ToolTimeout, TransientError, tool
from llmcompiler.backend.retries import MOST_PATIENCE, _retry_after, is_transient, retryable


class Answered(Exception):
    """As HTTP clients raise it."""

    def __init__(self, status: Any, **headers: str) -> None:
        super().__init__(status)
        self.response = SimpleNamespace(status_code=status, headers=headers)


class Locked(Exception):
    @property
    def response(self) -> Any:
        raise RuntimeError("not sent yet")


def asking(seconds: Any, error: Exception | None = None) -> Exception:
    error = error or TransientError("busy")
    error.retry_after = seconds  # type: ignore[attr-defined]
    return error


@tool(effect="read")
async def reads() -> None: ...


@tool(retries=1)
async def undeclared() -> None: ...


@tool(retries=1, retry_on=[ToolTimeout, KeyError])
async def declared() -> None: ...


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionError(), True),
        (TimeoutError(), True),
        (TransientError(), True),
        (Answered(503), True),
        (Answered(429), True),
        (Answered(404), False),
        (Answered([503]), False),
        (Locked(), False),
        (ToolError("no"), False),
        (ValueError("no"), False),
        (ArgumentError("t", ["bad"]), False),
    ],
    ids=repr,
)
def test_what_is_transient(error: Exception, expected: bool) -> None:
    assert is_transient(error) is expected


def test_a_call_out_of_time_is_tried_again_where_it_may_be() -> None:
    late = ToolTimeout("t", 1)
    assert retryable(late, reads)
    assert not retryable(late, undeclared)
    assert retryable(late, declared)
    assert retryable(KeyError("x"), declared)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (asking(7), 7.0),
        (asking(0), 0.0),
        (asking(-1), None),
        (asking("soon"), None),
        (asking(float("nan")), None),
        (Answered(429, **{"retry-after": "12"}), 12.0),
        (Answered(429, **{"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}), None),
        (Answered(429), None),
        (Locked(), None),
    ],
    ids=repr,
)
def test_what_an_error_says_of_when(error: Exception, seconds: float | None) -> None:
    assert _retry_after(error) == seconds


def test_a_server_that_asks_for_too_much_patience_is_not_asked_again() -> None:
    """Sooner than it said would be rude, and as late as it said too late."""
    assert retryable(asking(MOST_PATIENCE), reads)
    assert not retryable(asking(MOST_PATIENCE + 1), reads)
    assert not retryable(asking(MOST_PATIENCE + 1, KeyError("x")), declared)
