"""Which passes the compiler makes over a plan. `Passes` switches them; `PASSES` lists them in order."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from .errors import ConfigurationError

Priority = Literal["critical-path", "fifo", "lifo", "shortest", "longest"]
"""Which waiting call goes first when caps bind: the one with the longest chain of calls behind it (itself included, by
learned latencies), the one that was ready first or last, the one expected to be quickest or slowest."""


@dataclass(frozen=True, slots=True)
class Passes:
    """Switches of the compiler's passes. Each is harmless: results and final state are the same without it.

    Raises:
        ConfigurationError: A switch that is not True or False, or an unknown priority.
    """

    fold: bool = True
    """A pure call with arguments that were seen before is not made again, in any run of the compiler."""
    merge: bool = True
    """Identical pure and read calls are made once, also while under way and across concurrent runs."""
    drop: bool = True
    """Pure calls whose value nothing uses are not made."""
    batch: bool = True
    """Calls of a tool that declares `batch=` are made together where they are ready together."""
    priority: Priority = "critical-path"
    """Which waiting call goes first when caps bind."""

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name == "priority":
                if value not in get_args(Priority):
                    raise ConfigurationError(
                        f"Passes(priority={value!r}): use one of {', '.join(map(repr, get_args(Priority)))}"
                    )
            elif not isinstance(value, bool):
                raise ConfigurationError(f"Passes({f.name}={value!r}): give True or False")

    @classmethod
    def none(cls) -> Passes:
        """Every pass off, calls first come first served: the plan runs as it was written."""
        return cls(fold=False, merge=False, drop=False, batch=False, priority="fifo")
