"""Random plans whose calls read and write named things: what each call touches, and the tools that make them.

What conflicts with what is worked out here anew, from sets of letters, and from nothing of the library's own.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from llmcompiler import Plan, Ref, Task, ToolRegistry, tool
from llmcompiler.guards import Compare, Guard
from llmcompiler.plan import Each
from llmcompiler.values import Var

Key = tuple[int, int | None]
"""A call: the task's id, and the position of the item where the task is a `for`."""

NOTHING: frozenset[str] = frozenset()
NAMED = frozenset("abc")
EVERYTHING = NAMED | {"what nobody declared"}
UNDECLARED = EVERYTHING - NAMED


@dataclass(frozen=True)
class Touch:
    """What a call reads and writes."""

    reads: frozenset[str] = NOTHING
    writes: frozenset[str] = NOTHING

    def conflicts(self, other: Touch) -> bool:
        return bool(self.writes & (other.reads | other.writes) or self.reads & other.writes)

    def __or__(self, other: Touch) -> Touch:
        return Touch(self.reads | other.reads, self.writes | other.writes)


FIXED = {
    "look_a": Touch(reads=frozenset("a")),
    "look_b": Touch(reads=frozenset("b")),
    "put_a": Touch(writes=frozenset("a")),
    "put_b": Touch(writes=frozenset("b")),
    "put_both": Touch(writes=frozenset("ab")),
    "move": Touch(frozenset("a"), frozenset("b")),
    "survey": Touch(reads=EVERYTHING),
    "wipe": Touch(EVERYTHING, EVERYTHING),
    "ask": Touch(reads=UNDECLARED),
    "think": Touch(),
}
"""Tools of which every call touches the same."""
WORST = {"touch": Touch(NAMED, NAMED), "peek": Touch(reads=NAMED), "swap": Touch(NAMED, NAMED)}
"""Tools whose calls touch what their arguments say, and the most it may be."""
TOOLS = (*FIXED, *WORST)


@dataclass(frozen=True)
class Part:
    """One call: that of a task, or of an item of a `for`."""

    touch: Touch
    seconds: float
    on: bool = True
    """False for an item whose condition is false."""
    how: str = "well"
    """How it ends, for tests in which not all do well."""
    verdict: str = ""
    """What becomes of the question whether it may be made, where that is asked."""


@dataclass(frozen=True)
class Step:
    """A task."""

    tool: str
    parts: tuple[Part, ...]
    """One; for a `for`, any number."""
    loop: bool = False
    needs: tuple[int, ...] = ()
    """Tasks whose values it takes."""
    told_by: int | None = None
    """The task whose result says what is to be done; None where the plan says it."""
    guard: bool | None = None
    """The truth of its condition, if it has one."""

    @property
    def waits_for(self) -> frozenset[int]:
        return frozenset(self.needs) | ({self.told_by} if self.told_by is not None else set())

    @property
    def worst(self) -> Touch:
        """The most it may touch, as far as the plan says."""
        if self.tool in FIXED:
            return FIXED[self.tool]
        return WORST[self.tool] if self.is_open else self.parts[0].touch

    @property
    def touch(self) -> Touch:
        out = Touch()
        for part in self.parts:
            out |= part.touch if part.on else Touch()
        return out

    @property
    def is_open(self) -> bool:
        """Whether what it touches is not known before the values are that it needs."""
        return self.tool in WORST and (self.loop or bool(self.waits_for))

    @property
    def is_looked_at(self) -> bool:
        """Whether anything about it is decided only when those values are there."""
        return self.is_open or self.loop or self.guard is not None


Script = Mapping[int, Step]

# Strategies made once, of few numbers: most of the time of these tests goes into drawing.
SECONDS = st.integers(0, 48).map(lambda n: n / 8)
"""In eighths, so that sums are exact."""
_BACK = st.integers(0, 12)
_FEW = st.integers(0, 4)
_ONE_IN_FOUR = st.sampled_from([False, False, False, True])
_GUARD = st.sampled_from([None, None, None, None, True, False])
_KEYS = st.integers(0, 7).map(lambda bits: frozenset(c for k, c in enumerate("abc") if bits >> k & 1))
_ANY = st.sampled_from(TOOLS)
_TOUCHES = {name: st.just(touch) for name, touch in FIXED.items()} | {
    "touch": st.builds(Touch, _KEYS, _KEYS),
    "peek": st.builds(Touch, _KEYS),
    "swap": st.builds(Touch, _KEYS, _KEYS),
}


@st.composite
def scripts(
    draw: st.DrawFn,
    *,
    most: int = 10,
    tools: st.SearchStrategy[str] = _ANY,
    clauses: bool = True,
    finish: Callable[[st.DrawFn, str, Part], Part] = lambda draw, tool, part: part,
) -> Script:
    """Tasks by id, in order, each with needs among those before it.

    Args:
        draw: Of Hypothesis.
        most: Tasks at most.
        tools: Which to take.
        clauses: Whether there are `for` and `if` tasks.
        finish: Says more of each call.
    """
    out: dict[int, Step] = {}
    for i in range(1, draw(st.integers(1, most)) + 1):
        name = draw(tools)
        needs = {i - draw(_BACK), i - draw(_BACK)} & set(out)
        told_by: int | None = i - draw(_BACK)
        if told_by not in out or out[told_by].loop:
            told_by = None
        loop = clauses and draw(_ONE_IN_FOUR)
        guard = draw(_GUARD) if clauses and not loop else None
        parts = []
        for _ in range(draw(_FEW) if loop else 1):
            on = not (loop and draw(_ONE_IN_FOUR))
            parts.append(finish(draw, name, Part(draw(_TOUCHES[name]), draw(SECONDS), on)))
        out[i] = Step(name, tuple(parts), loop, tuple(sorted(needs)), told_by, guard)
    return out


# -- the plan -----------------------------------------------------------------------------


def plan_of(script: Script) -> Plan:
    """The plan that does it."""
    return Plan(tuple(task_of(script, i) for i in script))


def task_of(script: Script, i: int) -> Task:
    """One task of it."""
    step = script[i]
    told: Any = orders_of(step) if step.told_by is None else Ref(step.told_by, ("then", str(i)))
    needs = [Ref(n) for n in step.needs]
    if not step.loop:
        guard = None if step.guard is None else _guard(script, step)
        return Task(i, step.tool, {"i": i, "order": told, "needs": needs}, when=guard)
    when = Compare("==", Var("one", ("on",)), True) if any(not p.on for p in step.parts) else None
    args = {"i": i, "order": Var("one"), "needs": needs}
    return Task(i, step.tool, args, each=Each("one", told), when=when)


def _guard(script: Script, step: Step) -> Guard:
    plain = [n for n in sorted(step.waits_for) if not script[n].loop]
    left: Any = Ref(plain[0], ("me",)) if plain else 7
    right = plain[0] if plain else 7
    return Compare("==" if step.guard else "!=", left, right)


def orders_of(step: Step) -> Any:
    """What its tool is told to do: a record, or for a `for`, a list of them."""
    orders = [
        {
            "at": at if step.loop else None,
            "on": part.on,
            "reads": sorted(part.touch.reads),
            "writes": sorted(part.touch.writes),
            "asked": bool(part.verdict),
        }
        for at, part in enumerate(step.parts)
    ]
    return orders if step.loop else orders[0]


def result_of(script: Script, i: int) -> dict[str, Any]:
    """What a call of task `i` gives: who it is, and what others are to do."""
    then = {str(j): orders_of(s) for j, s in script.items() if s.told_by == i}
    return {"me": i, "then": then}


# -- the tools ----------------------------------------------------------------------------


@dataclass
class Bench:
    """What the tools of this module do: what the script says, once the work is done. Enter it in the run's context."""

    script: Script
    work: Callable[[Key, Part], Awaitable[None]] = lambda key, part: asyncio.sleep(part.seconds)
    toil: Callable[[Key, Part], None] = lambda key, part: None
    """The work of tools that are not async."""

    def enter(self) -> None:
        _BENCH.set(self)

    def look_up(self, i: int, order: Mapping[str, Any], needs: list[Any]) -> tuple[Key, Part]:
        step = self.script[i]
        assert order["on"]
        assert len(needs) == len(step.needs)
        return (i, order["at"]), step.parts[order["at"] or 0]


_BENCH: ContextVar[Bench] = ContextVar("bench")


async def act(i: int, order: dict[str, Any], needs: list[Any]) -> dict[str, Any]:
    """What every tool does."""
    bench = _BENCH.get()
    await bench.work(*bench.look_up(i, order, needs))
    return result_of(bench.script, i)


def act_in_thread(i: int, order: dict[str, Any], needs: list[Any]) -> dict[str, Any]:
    """The same, of tools that are not async."""
    bench = _BENCH.get()
    bench.toil(*bench.look_up(i, order, needs))
    return result_of(bench.script, i)


async def act_together(calls: list[dict[str, Any]]) -> list[Any]:
    """The same, of several calls at once; for `tools(batch=...)`."""
    return list(await asyncio.gather(*(act(**call) for call in calls), return_exceptions=True))


@functools.cache  # making tools takes longer than running them
def tools(func: Callable[..., Any] = act, **options: Any) -> ToolRegistry:
    """The tools, all of which do the same, with these further options."""
    return ToolRegistry([tool(name=name, **declared(name), **options)(func) for name in TOOLS])


def declared(name: str) -> dict[str, Any]:
    """The effect and resource of a tool."""
    if name in WORST:
        effects: dict[str, Any] = {
            "touch": "write",
            "peek": "read",
            "swap": lambda order, **_: "write" if order["writes"] else "read",
        }
        return {"effect": effects[name], "resource": _keys}
    if name == "ask":
        return {}
    touch = FIXED[name]
    effect = "write" if touch.writes else "read" if touch.reads else "pure"
    if touch.reads == EVERYTHING or effect == "pure":
        return {"effect": effect}
    return {"effect": effect, "resource": {"read": list(touch.reads), "write": list(touch.writes)}}


def _keys(order: dict[str, Any], **_: Any) -> dict[str, list[str]]:
    return {"read": order["reads"], "write": order["writes"]}
