"""Random plans whose calls read and write named things: what each call touches, and the tools that make them.

What conflicts with what is worked out here anew, from sets of letters, and from nothing of the library's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from llmcompiler import Plan, Ref, Task, Tool, tool
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
WRITING = frozenset({"put_a", "put_b", "put_both", "move", "wipe", "touch"})


@dataclass(frozen=True)
class Part:
    """One call: that of a task, or of an item of a `for`."""

    touch: Touch
    seconds: float
    on: bool = True
    """False for an item whose condition is false."""
    how: str = "well"
    """How it ends, for tests in which not all do well."""
    asked: bool = False
    """Whether it needs approval."""


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
    def has_writes(self) -> bool:
        return any(p.touch.writes for p in self.parts)


Script = Mapping[int, Step]

SECONDS = st.integers(0, 48).map(lambda n: n / 8)
"""In eighths, so that sums are exact."""


@st.composite
def scripts(
    draw: st.DrawFn,
    *,
    most: int = 10,
    loops: bool = True,
    guards: bool = True,
    tools: tuple[str, ...] = TOOLS,
    finish: Callable[[st.DrawFn, Step, Part], Part] = lambda draw, step, part: part,
) -> Script:
    """Tasks by id, in order, each with needs among those before it.

    Args:
        draw: Of Hypothesis.
        most: Tasks at most.
        loops: Whether there are `for` tasks.
        guards: Whether there are `if` tasks.
        tools: Which to take.
        finish: Says more of each call.
    """
    out: dict[int, Step] = {}
    for i in range(1, draw(st.integers(1, most)) + 1):
        earlier = list(out)
        name = draw(st.sampled_from(tools))
        needs = draw(st.lists(st.sampled_from(earlier), max_size=2, unique=True)) if earlier else []
        plain = [n for n in earlier if not out[n].loop]
        told_by = draw(st.none() | st.sampled_from(plain)) if plain else None
        loop = loops and draw(st.integers(0, 3)) == 0
        guard = draw(st.sampled_from([None, None, None, True, False])) if guards else None
        step = Step(name, (), loop, tuple(needs), told_by, guard)
        parts = []
        for _ in range(draw(st.integers(0, 4)) if loop else 1):
            on = not (loop and guards) or draw(st.integers(0, 5)) > 0
            part = Part(draw(_touches(name)), draw(SECONDS), on)
            parts.append(finish(draw, step, part))
        out[i] = replace(step, parts=tuple(parts), guard=None if loop else guard)
    return out


def _touches(name: str) -> st.SearchStrategy[Touch]:
    if name in FIXED:
        return st.just(FIXED[name])
    some = st.frozensets(st.sampled_from(sorted(NAMED)), max_size=2)
    if name == "peek":
        return some.map(lambda keys: Touch(reads=keys))
    return st.builds(Touch, some, some)


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
            "asked": part.asked,
        }
        for at, part in enumerate(step.parts)
    ]
    return orders if step.loop else orders[0]


def result_of(script: Script, i: int) -> dict[str, Any]:
    """What a call of task `i` gives: who it is, and what others are to do."""
    then = {str(j): orders_of(s) for j, s in script.items() if s.told_by == i}
    return {"me": i, "then": then}


# -- the tools ----------------------------------------------------------------------------

Work = Callable[[Key, Part], Awaitable[None]]


@dataclass
class Bench:
    """Tools that follow a script. `work` is what a call does before it returns."""

    script: Script
    work: Work = field(default=lambda key, part: asyncio.sleep(part.seconds))

    def tools(self, **options: Any) -> list[Tool]:
        return [self._tool(name, options) for name in TOOLS]

    def _tool(self, name: str, options: dict[str, Any]) -> Tool:
        @tool(name=name, **declared(name), **options)
        async def act(i: int, order: dict[str, Any], needs: list[Any]) -> dict[str, Any]:
            step = self.script[i]
            assert order["on"]
            assert len(needs) == len(step.needs)
            await self.work((i, order["at"]), step.parts[order["at"] or 0])
            return result_of(self.script, i)

        return act


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
