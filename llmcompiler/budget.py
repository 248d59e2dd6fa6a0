"""What a run has used of its limits on models and calls. Pure: no clock, no model, no tool."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace

from .errors import LimitExceeded
from .limits import Limits
from .models.base import Usage

Pricing = Callable[[Usage], float | None]
"""US dollars for what one request used; None where that is not known."""

SPENDING: ContextVar[Callable[[Usage], None] | None] = ContextVar("llmcompiler_spending", default=None)
"""Takes what a run inside a tool call used: set, for the calls of a run, by the run."""


class Budget:
    """Counts the model calls of one run and refuses those that its limits do not allow.

    Args:
        limits: Of the run.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._calls = 0
        self._usage = Usage()
        self._inner = Usage()
        self._dollars = 0.0
        self._unpriced = False

    @property
    def usage(self) -> Usage:
        """What was used so far, runs inside tool calls included; calls count from when they were allowed."""
        own = replace(self._usage, model_calls=max(self._calls, self._usage.model_calls))
        return own + self._inner

    @property
    def tokens(self) -> int:
        """Tokens that planner and joiner have used so far."""
        return self._usage.tokens

    @property
    def last_answer(self) -> bool:
        """Whether the next call of a joiner's model is the last one: then it has to answer."""
        allowed = self.limits.model_calls
        return allowed is not None and self._calls + 1 >= allowed

    def use(self, usage: Usage, pricing: Pricing | None = None) -> None:
        """Take note of what a model used; `pricing` says what it costs, where the usage itself does not."""
        if usage.cost is None and pricing is not None:
            usage = replace(usage, cost=pricing(usage))
        self._usage = self._usage + usage
        self._pay(usage)

    def use_inside(self, usage: Usage) -> None:
        """Take note of what a run inside a tool call used. Its model calls have a limit of their own."""
        self._inner = self._inner + usage
        self._pay(usage)

    def _pay(self, usage: Usage) -> None:
        if usage.cost is None:
            self._unpriced = True
        else:
            self._dollars += usage.cost

    def allow(self, *, reserve: int = 0) -> None:
        """Count a call of a planner's model; `reserve` calls are kept for what comes after.

        Raises:
            LimitExceeded: There is no call left, or no token, or no money.
        """
        limits = self.limits
        if limits.model_calls is not None and self._calls >= max(1, limits.model_calls - reserve):
            raise LimitExceeded("model_calls", limits.model_calls)
        if limits.tokens is not None and self._usage.tokens + self._inner.tokens >= limits.tokens:
            raise LimitExceeded("tokens", limits.tokens)
        if limits.cost is not None:
            self._check_cost(limits.cost)
        self._calls += 1

    def _check_cost(self, allowed: float) -> None:
        if self._dollars >= allowed:
            text = f"the run reached its limit of ${allowed:g} for models; raise `Limits(cost=...)`"
            raise LimitExceeded("cost", allowed, text)
        if self._unpriced:
            # A bound that can not be kept must not look as if it were.
            text = (
                f"a model call of unknown cost was made, so the limit of ${allowed:g} can not be kept; "
                "report `Usage(cost=...)`, or leave out `Limits(cost=...)`"
            )
            raise LimitExceeded("cost", allowed, text)

    def allow_answer(self) -> None:
        """Count a call of a joiner's model. Tokens and money do not stop it: a limit must not lose what was found.

        Raises:
            LimitExceeded: There is no call left.
        """
        limits = self.limits
        if limits.model_calls is not None and self._calls >= limits.model_calls:
            raise LimitExceeded("model_calls", limits.model_calls)
        self._calls += 1


class Calls:
    """Counts the calls of each tool in one run and refuses those that its limits do not allow.

    Args:
        limits: Of the run.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._made: dict[str, int] = {}

    def allow(self, tool: str, count: int = 1) -> None:
        """Count `count` calls of a tool: all of them, or none.

        Raises:
            LimitExceeded: That is more than are left.
        """
        allowed = self.limits.of_tool(tool)
        if allowed is None:
            return
        made = self._made.get(tool, 0)
        if made + count > allowed:
            calls = f"{allowed:,} call{'s' if allowed != 1 else ''} of `{tool}`"
            left = f"; {allowed - made:,} of them are left, {count:,} were wanted" if count > 1 else ""
            text = f"the run reached its limit of {calls}{left}; raise `Limits(tasks_per_tool=...)`"
            raise LimitExceeded("tasks_per_tool", allowed, text)
        self._made[tool] = made + count

    def expand(self, tool: str, items: int) -> None:
        """Check the items of a `for` task, before any of its calls is made.

        Raises:
            LimitExceeded: There are too many.
        """
        allowed = self.limits.expansion
        if allowed is not None and items > allowed:
            text = (
                f"a `for` over {items:,} items of `{tool}` is more than the limit of {allowed:,}; "
                "raise `Limits(expansion=...)`"
            )
            raise LimitExceeded("expansion", allowed, text)
