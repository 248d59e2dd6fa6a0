"""Which calls of a turn may change places: as declared, and as tried out on the classes themselves. No runtime here."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

from berkeley import GoldCall, World

from llmcompiler.binding import bind
from llmcompiler.effects import Access, access_of
from llmcompiler.plan import Plan
from llmcompiler.tools import ToolRegistry

Order = tuple[int, ...]


def accesses(plan: Plan, tools: ToolRegistry) -> list[Access]:
    """What each call of the plan is declared to read and write."""
    return [access_of(tools[t.tool], bind(t, tools[t.tool], {})) for t in plan.tasks]


def access(call: GoldCall, tools: ToolRegistry) -> Access:
    """What one call is declared to read and write."""
    names = list(tools[call.tool].params)
    return access_of(tools[call.tool], {names[int(k)] if k.isdigit() else k: v for k, v in call.args.items()})


def earlier(declared: Sequence[Access]) -> list[set[int]]:
    """For each call the earlier ones that it must come after."""
    return [{i for i in range(j) if declared[i].conflicts(declared[j])} for j in range(len(declared))]


def makespan(after: Sequence[set[int]]) -> int:
    """The longest chain: steps of one unit that are needed without a bound on workers."""
    ends: list[int] = []
    for needs in after:
        ends.append(1 + max((ends[i] for i in needs), default=0))
    return max(ends, default=0)


def orders(after: Sequence[set[int]], rnd: random.Random, count: int) -> Iterator[Order]:
    """Other orders that the declarations allow: the one that is reversed most, then all of them or a random choice."""
    plain = tuple(range(len(after)))
    seen = {plain}
    exhaustive = len(after) <= 5
    if exhaustive:
        for order in itertools.permutations(plain):
            at = {call: place for place, call in enumerate(order)}
            if order not in seen and all(at[i] < at[j] for j in plain for i in after[j]):
                seen.add(order)
                yield order
        return
    for attempt in range(count):
        order = _one(after, None if attempt == 0 else rnd)
        if order not in seen:
            seen.add(order)
            yield order


def _one(after: Sequence[set[int]], rnd: random.Random | None) -> Order:
    left = set(range(len(after)))
    out: list[int] = []
    while left:
        ready = sorted(j for j in left if not after[j] & left)
        out.append(ready[-1] if rnd is None else rnd.choice(ready))
        left.remove(out[-1])
    return tuple(out)


def make_in(order: Sequence[int], calls: Sequence[GoldCall], start: World) -> tuple[list[Any], Any]:
    """How each call ends when they are made in this order from this state, and the state afterwards."""
    world = start.copy()
    ended: list[Any] = [None] * len(calls)
    for i in order:
        ended[i] = world.make(calls[i])
    return ended, world.picture()


def commute(a: GoldCall, b: GoldCall, start: World) -> bool:
    """Whether the two calls may change places in this state: same results, same state."""
    return make_in((0, 1), (a, b), start) == make_in((1, 0), (a, b), start)
