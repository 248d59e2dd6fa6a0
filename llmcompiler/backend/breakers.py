"""Circuit breakers: whether a tool that keeps failing is called at all. Pure; told the time, knows no clock.

    closed ──failures in a row──► open ──seconds──► half-open ──success──► closed
                                    ▲                   └─────failure──► open

The pattern is Michael Nygard's ("Release It!", 2007).
"""

from __future__ import annotations

from typing import Literal

State = Literal["closed", "open", "half-open"]


class Breaker:
    """The state of one tool's breaker. Times are seconds on any clock that does not go back.

    Every call asks `enter` before it is made and hands its ticket back to one of `succeeded`, `failed` and
    `abandoned`. Tickets of a state that is over count for nothing: a call that began before the breaker opened does
    not decide about the one that was let through to try.

    Args:
        failures: Failures in a row that open it.
        seconds: How long it stays open.

    ```python
    from llmcompiler.backend.breakers import Breaker

    breaker = Breaker(failures=1, seconds=30)
    breaker.failed(breaker.enter(0.0), 0.0)
    assert breaker.enter(29.0) is None
    assert breaker.left(29.0) == 1.0
    breaker.succeeded(breaker.enter(30.0))
    assert breaker.state == "closed"
    ```
    """

    def __init__(self, failures: int, seconds: float) -> None:
        self.failures = failures
        self.seconds = seconds
        self.state: State = "closed"
        self._in_a_row = 0
        self._until = 0.0  # while open
        self._trying = False  # while half-open
        self._age = 0  # states so far; what tickets are checked against

    def left(self, now: float) -> float | None:
        """Seconds until a call may be made, as far as can be told; None when one may be made now."""
        if self.state == "closed":
            return None
        if self.state == "open":
            return self._until - now if now < self._until else None
        # How the call that was let through will end is not known: if badly, it is this long from now at least.
        return self.seconds if self._trying else None

    def enter(self, now: float) -> int | None:
        """A ticket for a call that is made now; None when it must not be made."""
        if self.state == "open" and now >= self._until:
            self._become("half-open")
        if self.state == "open" or (self.state == "half-open" and self._trying):
            return None
        self._trying = self.state == "half-open"
        return self._age

    def succeeded(self, ticket: int | None) -> None:
        """The call gave a result."""
        if ticket != self._age:
            return
        self._in_a_row = 0
        if self.state == "half-open":
            self._become("closed")

    def failed(self, ticket: int | None, now: float) -> None:
        """The call failed, at this time."""
        if ticket != self._age:
            return
        self._in_a_row += 1
        if self.state == "half-open" or self._in_a_row >= self.failures:
            self._become("open")
            self._until = now + self.seconds

    def abandoned(self, ticket: int | None) -> None:
        """The call ended in a way that says nothing about the tool: cancelled, or its arguments were wrong."""
        if ticket == self._age:
            self._trying = False

    def _become(self, state: State) -> None:
        self.state = state
        self._age += 1
        self._in_a_row = 0
        self._trying = False

    def __repr__(self) -> str:
        return f"<Breaker {self.state}, {self._in_a_row} of {self.failures} failures in a row>"
