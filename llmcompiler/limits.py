"""What a run may use. Checked before anything is launched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from .errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of one run; None is no bound.

    At a bound the run stops asking for more, lets the joiner answer with what there is, and raises `LimitExceeded`
    (with `.result`) only where no answer can be made.

    Raises:
        ConfigurationError: A bound that is not above zero.
    """

    tasks: int | None = 1_000
    """Tasks that planners may write, over all rounds. A plan you give to `execute` yourself is not bounded by it."""
    model_calls: int | None = 32
    """Requests to models, by planner and joiner together. One is always kept for the answer."""
    tokens: int | None = None
    """Tokens in and out, as far as the models tell. Checked before each request."""
    seconds: float | None = None
    """Seconds for planning and running. Then calls are cancelled and the joiner answers with what there is."""
    tasks_per_tool: int | Mapping[str, int] | None = None
    """Calls of one tool over all rounds, items of `for` tasks included: a number for every tool, or by name."""
    rounds: int | None = None
    """Rounds of plan and execution; beside the compiler's `max_replans`, the smaller counts."""
    cost: float | None = None
    """US dollars for models, as far as their prices are known. Checked before each request."""
    expansion: int | None = 1_000
    """Items of one `for` task. Checked before any of them is called."""

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise ConfigurationError(
                    f"Limits({f.name}={value!r}): give a number above 0, or None for no limit"
                )
