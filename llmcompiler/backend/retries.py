"""Which failures are worth another try, and how long to wait: tenacity, with exponential backoff and jitter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..errors import ArgumentError, CircuitOpen, ReferenceFailed, ToolTimeout, TransientError
from ..tools import Tool

BASE = 0.1
"""Seconds before the second try, about; it doubles from there."""
LONGEST = 10.0
"""Seconds between two tries at most, where the error names no wait of its own."""
MOST_PATIENCE = 60.0
"""Seconds that an error may ask to wait before the next try."""
_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


def is_transient(error: BaseException) -> bool:
    """Whether an error is of a kind that often goes away: connections, timeouts, busy servers, `TransientError`."""
    if isinstance(error, (ArgumentError, ReferenceFailed)):
        return False
    if isinstance(error, (TransientError, ConnectionError, TimeoutError, InterruptedError, BlockingIOError)):
        return True
    response = _attribute(error, "response")
    status = _attribute(error if response is None else response, "status_code")
    status = status if isinstance(status, int) else _attribute(error, "status")
    if isinstance(status, int) and status in _STATUSES:
        return True
    # By name, so that a user who does not use httpx does not import it.
    return any(
        k.__module__.startswith("httpx") and k.__name__ == "TransportError" for k in type(error).__mro__
    )


def _attribute(thing: Any, name: str) -> Any:
    try:
        return getattr(thing, name, None)
    except Exception:  # a property of somebody else's error
        return None


def retryable(error: BaseException, tool: Tool, may_repeat: bool | None = None) -> bool:
    """Whether `tool` may be tried again after `error`; `may_repeat` is whether this very call may be made twice.

    A call that ran out of time may have taken effect, so only a tool that may be repeated (`idempotent`, pure or
    read) is tried again after that, unless its `retry_on` names the error. A server that asks for more patience than
    `MOST_PATIENCE` is not asked again.
    """
    if isinstance(error, CircuitOpen):
        return False
    told = _retry_after(error)
    if told is not None and told > MOST_PATIENCE:
        return False
    if tool.retry_on and isinstance(error, tool.retry_on):
        return True
    if isinstance(error, ToolTimeout) and not (tool.idempotent if may_repeat is None else may_repeat):
        return False
    return is_transient(error)


def _retry_after(error: BaseException | None) -> float | None:
    """Seconds the error says to wait: its `retry_after`, or the header of the response it carries."""
    seconds = _attribute(error, "retry_after")
    if seconds is None:
        try:
            seconds = float(_attribute(error, "response").headers["retry-after"])
        except Exception:  # no response, no header, or a date
            return None
    return float(seconds) if isinstance(seconds, (int, float)) and seconds >= 0 else None


async def retrying(
    attempt: Callable[[], Awaitable[Any]],
    *,
    retries: int,
    worth: Callable[[BaseException], bool],
    on_retry: Callable[[Exception, float], None],
    time_left: Callable[[], float | None] = lambda: None,
) -> Any:
    """The result of `attempt`, tried up to `1 + retries` times. The last error is raised as it came.

    Args:
        attempt: Makes one try.
        retries: Further tries.
        worth: Whether to try again after an error.
        on_retry: Told the error, and the seconds until the next try, before they are waited for.
        time_left: Seconds until the run ends; a wait that would last longer is not begun.
    """
    import tenacity

    backoff = tenacity.wait_exponential(multiplier=BASE, max=LONGEST) + tenacity.wait_random(0, BASE)

    def wait(state: tenacity.RetryCallState) -> float:
        told = _retry_after(state.outcome.exception() if state.outcome else None)
        return backoff(state) if told is None else told

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Exception):
            on_retry(error, state.next_action.sleep if state.next_action else 0.0)

    def stop(state: tenacity.RetryCallState) -> bool:
        left = time_left()
        return state.attempt_number > retries or (left is not None and state.upcoming_sleep >= left)

    controller = tenacity.AsyncRetrying(
        stop=stop,
        wait=wait,
        retry=tenacity.retry_if_exception(worth),
        before_sleep=before_sleep,
        reraise=True,
    )
    return await controller(attempt)
