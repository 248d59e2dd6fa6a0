"""What a run may use: the numbers, and whether they make sense. Who counts is in `budget.py`."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .errors import ConfigurationError

_FRACTIONS = frozenset({"seconds", "cost"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of one run; None is no bound.

    At a bound the run stops asking for more, lets the joiner answer with what there is, and raises `LimitExceeded`
    (with `.result`) only where no answer can be made.

    Raises:
        ConfigurationError: A bound that is not above zero, or not a whole number where things are counted.
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
    """US dollars for models, whose prices must be known. Checked before each request."""
    expansion: int | None = 1_000
    """Items of one `for` task. Checked before any of them is called."""

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if value is None:
                continue
            if f.name == "tasks_per_tool" and isinstance(value, Mapping):
                for name, number in value.items():
                    if not isinstance(name, str):
                        raise ConfigurationError(
                            f"Limits(tasks_per_tool={{{name!r}: ...}}): name a tool, as in {{'search': 3}}"
                        )
                    _check(f"Limits(tasks_per_tool={{{name!r}: {number!r}}})", number, whole=True)
                # A copy: what was checked is what counts, whatever becomes of the caller's own.
                object.__setattr__(self, f.name, dict(value))
                continue
            _check(f"Limits({f.name}={value!r})", value, whole=f.name not in _FRACTIONS)

    def of_tool(self, name: str) -> int | None:
        """Calls of one tool that are allowed."""
        per_tool = self.tasks_per_tool
        return per_tool.get(name) if isinstance(per_tool, Mapping) else per_tool

    def check_tools(self, tools: Iterable[str]) -> None:
        """Make sure that every tool named here is there.

        Raises:
            ConfigurationError: One is not; the text says which one may be meant.
        """
        if not isinstance(self.tasks_per_tool, Mapping):
            return
        known = list(tools)
        for name in self.tasks_per_tool:
            if name in known:
                continue
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else _choices(known)
            raise ConfigurationError(f"Limits(tasks_per_tool=...): there is no tool {name!r}; {hint}")


def _choices(names: list[str]) -> str:
    if not names:
        return "the compiler has no tools"
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"the tools are {shown}"


def _check(what: str, value: Any, *, whole: bool) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not value > 0 or math.isinf(value):
        raise ConfigurationError(f"{what}: give a number above 0, or None for no limit")
    if whole and not isinstance(value, int):
        raise ConfigurationError(
            f"{what}: this is counted; give a whole number above 0, or None for no limit"
        )
