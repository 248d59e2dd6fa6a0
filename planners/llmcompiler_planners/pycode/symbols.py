"""What a variable of a Python plan can stand for, and the variables. Nothing here reads syntax.

Most of it are the values of the plan language themselves: literals, `Ref`, `Var`, `Template`, lists and dicts of these.
Beside them are conditions and formulas, which have no value before something is made of them, and values that differ
by which branch was taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmcompiler.guards import Guard
from llmcompiler.plan import Each
from llmcompiler.values import Ref, Template, Value, Var

MAX_SIZE = 20_000
"""Parts of one value: items, keys, references, and one for every 16 characters of text."""
MAX_TOTAL = 400_000
"""Parts of all values of a plan together."""


@dataclass(frozen=True)
class Condition:
    """A comparison of results: it can stand in an `if`."""

    guard: Guard


@dataclass(frozen=True)
class Formula:
    """Arithmetic on results: a tool has to compute it."""

    parts: tuple[str | Ref | Var, ...]
    level: int
    """How tightly its outermost operator binds."""


@dataclass(frozen=True)
class Poison:
    """What a statement gave that can not be run, or what has no value here."""

    message: str
    hint: str


@dataclass(frozen=True)
class Growing:
    """A list that a loop adds to: nothing can be said of it before the end of the loop."""

    before: Any
    """What it was before the loop."""


UNSET = Poison("has no value here", "assign it in every branch")


@dataclass(eq=False)
class Site:
    """A place where the plan takes one of several branches, by its conditions."""

    key: Any
    branches: tuple[tuple[Guard, ...], ...]
    """What has to hold in each branch; one holds at most."""


@dataclass(frozen=True)
class Phi:
    """A value that depends on the branch that was taken."""

    site: Site
    values: tuple[Any, ...]
    """One a branch."""


@dataclass(frozen=True)
class Turn:
    """A branch that is being read."""

    site: Site
    index: int

    @property
    def guards(self) -> tuple[Guard, ...]:
        """What holds in it."""
        return self.site.branches[self.index]

    @property
    def key(self) -> tuple[int, int]:
        """Tells turns apart."""
        return id(self.site), self.index


class Fork(Exception):
    """A statement reads a value that depends on a branch: it has to be read once for each of these."""

    def __init__(self, site: Site, indices: tuple[int, ...]) -> None:
        self.site = site
        self.indices = indices
        super().__init__()


@dataclass(frozen=True)
class Basis:
    """A name for the items of a list that is known only when the plan runs: of the loop, or of a call in it."""

    each: Each
    task: int | None
    """The task that gives the list, where it is one of the loop."""
    turns: int
    """How many turns stood round what gives the list."""


@dataclass
class Loop:
    """A `for` over a list that is known only when the plan runs."""

    each: Each
    bases: dict[str, Basis]
    outside: int
    """How many turns stand round it."""
    comprehension: bool = False
    collected: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Lists that results are appended to: the task that gives them, by name, and how many turns stood round it."""


class Scope:
    """The variables, with a way back."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._log: list[tuple[str, Any]] = []

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str) -> Any:
        """What `name` stands for; `UNSET` where it is none."""
        return self._values.get(name, UNSET)

    def bind(self, name: str, value: Any) -> None:
        """From here on `name` stands for `value`."""
        self._log.append((name, self._values.get(name, UNSET)))
        if value is UNSET:
            self._values.pop(name, None)
        else:
            self._values[name] = value

    def mark(self) -> int:
        """A point to go back to."""
        return len(self._log)

    def since(self, mark: int) -> list[str]:
        """Names bound since then, each once, in order."""
        return list(dict.fromkeys(name for name, _ in self._log[mark:]))

    def back(self, mark: int) -> None:
        """Undo what was bound since then."""
        while len(self._log) > mark:
            name, old = self._log.pop()
            if old is UNSET:
                self._values.pop(name, None)
            else:
                self._values[name] = old

    def settle(self) -> None:
        """There is no way back from here."""
        self._log.clear()


def measure(value: Value, most: int) -> tuple[int, int]:
    """Parts and depth of a value; counting stops beyond `most`."""
    size, deepest = 0, 0
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack and size <= most:
        held, depth = stack.pop()
        size += 1
        if isinstance(held, str):
            size += len(held) // 16
        elif isinstance(held, Template):
            stack += ((p, depth) for p in held.parts)
        elif isinstance(held, list):
            deepest = max(deepest, depth + 1)
            stack += ((item, depth + 1) for item in held)
        elif isinstance(held, Mapping):
            deepest = max(deepest, depth + 1)
            stack += ((item, depth + 1) for item in held.values())
            size += sum(len(k) // 16 for k in held)
    return size, deepest


__all__ = [
    "MAX_SIZE", "MAX_TOTAL", "UNSET", "Basis", "Condition", "Fork", "Formula", "Growing", "Loop", "Phi", "Poison",
    "Scope", "Site", "Turn", "measure",
]  # fmt: skip
