"""What a run has used of its limits on model calls and tokens. Pure: no clock, no model."""

from __future__ import annotations

from .errors import LimitExceeded
from .limits import Limits
from .models.base import Usage


class Budget:
    """Counts the model calls of one run and refuses those that its limits do not allow.

    Args:
        limits: Of the run.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._calls = 0
        self._usage = Usage()

    @property
    def usage(self) -> Usage:
        """What was used so far; calls count from when they were allowed."""
        used = self._usage
        return Usage(max(self._calls, used.model_calls), used.prompt_tokens, used.completion_tokens)

    @property
    def last_answer(self) -> bool:
        """Whether the next call of a joiner's model is the last one: then it has to answer."""
        allowed = self.limits.model_calls
        return allowed is not None and self._calls + 1 >= allowed

    def use(self, usage: Usage) -> None:
        """Take note of what a model used."""
        self._usage = self._usage + usage

    def allow(self, *, reserve: int = 0) -> None:
        """Count a call of a planner's model; `reserve` calls are kept for what comes after.

        Raises:
            LimitExceeded: There is no call left, or no token.
        """
        limits = self.limits
        if limits.model_calls is not None and self._calls >= max(1, limits.model_calls - reserve):
            raise LimitExceeded("model_calls", limits.model_calls)
        if limits.tokens is not None and self._usage.tokens >= limits.tokens:
            raise LimitExceeded("tokens", limits.tokens)
        self._calls += 1

    def allow_answer(self) -> None:
        """Count a call of a joiner's model. Tokens do not stop it: a limit must not lose what was found.

        Raises:
            LimitExceeded: There is no call left.
        """
        limits = self.limits
        if limits.model_calls is not None and self._calls >= limits.model_calls:
            raise LimitExceeded("model_calls", limits.model_calls)
        self._calls += 1
