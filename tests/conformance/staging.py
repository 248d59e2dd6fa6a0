"""Gold calls on stage: tools of the eight classes, turns as plan texts, and runs of them, sequential and parallel.

Nothing here knows what the classes do.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import random
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import berkeley
from berkeley import GoldCall, Scenario, World
from declared import EFFECTS, options_of

from llmcompiler import (
    AsyncExecutor,
    Failed,
    Limits,
    LLMCompiler,
    Outcome,
    Passes,
    Plan,
    RunResult,
    Succeeded,
    Task,
)
from llmcompiler.language import print_plan
from llmcompiler.plan import Join
from llmcompiler.sharing.cache import Cache
from llmcompiler.tools import Tool, ToolRegistry, tool_from_function

Place = tuple[int, int | None]
"""The task that makes a call, and the position of the item if it is a `for` task."""
Rewritten = tuple[Plan, Sequence[Place]]
"""A plan of a turn, and where each of the turn's calls is in it."""
Latency = Callable[[], float]
"""Virtual seconds of the next wait; every call waits before its work and after it."""


WIDER: dict[tuple[str, str], dict[str, Any]] = {("TicketAPI", "close_ticket"): {"ticket_id": int | str}}
"""Hints that the data goes beyond: one scenario has tickets whose ids are texts."""


class Stage:
    """The tools of some classes. Their calls go to `world`, and take as long as `latency` says."""

    def __init__(self, classes: Sequence[str], *, declared: bool = True) -> None:
        self.world: World
        self.latency: Latency = lambda: 0.5
        made = [self._tool(name, method, declared) for name in classes for method in EFFECTS[name]]
        self.tools = ToolRegistry([*made, tool_from_function(self.say, effect="pure")])

    async def say(self, value: Any) -> Any:
        """What it is told, after a while: what a plan may refer to."""
        await asyncio.sleep(self.latency() + self.latency())
        return value

    def _tool(self, class_name: str, method: str, declared: bool) -> Tool:
        async def call(**arguments: Any) -> Any:
            await asyncio.sleep(self.latency())
            kind, value = berkeley.outcome_of(lambda: self.world.call(method, **arguments))
            await asyncio.sleep(self.latency())
            if kind == "raised":
                raise Raised(value)
            return value

        # Of an instance that is never called: the signature without `self`.
        bound = getattr(berkeley.class_of(class_name)(), method)
        call.__doc__ = bound.__doc__
        call.__signature__ = inspect.signature(bound)  # type: ignore[attr-defined]
        call.__annotations__ = typing.get_type_hints(bound) | WIDER.get((class_name, method), {})
        return tool_from_function(call, name=method, **(options_of(class_name, method) if declared else {}))


class Raised(Exception):
    """What a method raised, told after the wait."""


@functools.cache
def stage_of(classes: tuple[str, ...], declared: bool = True) -> Stage:
    """The stage of these classes; one for all scenarios, since tools take long to make."""
    return Stage(classes, declared=declared)


def text_of(turn: Sequence[GoldCall]) -> str:
    """The turn as plan text, a line for each call."""
    tasks = tuple(Task(n, call.tool, dict(call.args)) for n, call in enumerate(turn, 1))
    return print_plan(Plan(tasks, Join()))


@functools.lru_cache(512)
def plans_of(scenario: Scenario) -> tuple[Plan, ...]:
    """The turns of a scenario as checked plans, by way of their text."""
    tools = stage_of(scenario.classes).tools
    return tuple(Plan.parse(text_of(turn), tools) for turn in scenario.turns)


# -- runs -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trace:
    """What can be seen of a scenario: for every turn how each call ended, and the state after it."""

    ended: tuple[tuple[tuple[str, Any], ...], ...]
    states: tuple[Any, ...]


@functools.lru_cache(512)
def sequential(scenario: Scenario) -> Trace:
    """The gold calls one after another, as plain method calls: no tool, no plan and no runtime in between."""
    world = World.of(scenario)
    ended = []
    states: list[Any] = []
    for turn in scenario.turns:
        ended.append(tuple(world.make(call) for call in turn))
        states.append(world.picture())
    return Trace(tuple(ended), tuple(states))


@dataclass(frozen=True)
class Setting:
    """How a scenario is run in parallel."""

    workers: int | None
    seed: int
    passes: Passes
    declared: bool = True
    cache: Callable[[], Cache] | None = None

    def __str__(self) -> str:
        on = "default passes" if self.passes == Passes() else "no passes"
        kept = f", {self.cache.__name__}" if self.cache else ""
        return f"{self.workers or 'unlimited'} workers, seed {self.seed}, {on}{kept}"


def random_latency(seed: str) -> Latency:
    """Waits of all sizes, none among them: calls overtake each other in every way."""
    rnd = random.Random(seed)
    return lambda: rnd.choice((0.0, 0.01, rnd.random(), 3 * rnd.random()))


async def parallel(scenario: Scenario, setting: Setting, rewritten: Sequence[Rewritten] = ()) -> Trace:
    """Every turn as a plan on the same instances, under the runtime; the plain plan of the turn by default."""
    stage = stage_of(scenario.classes, setting.declared)
    stage.world = World.of(scenario)
    stage.latency = random_latency(f"{setting.seed} {scenario.id}")
    compiler = LLMCompiler(
        stage.tools,
        executor=AsyncExecutor(max_concurrency=setting.workers, timeout=None),
        limits=Limits(seconds=None),
        passes=setting.passes,
        cache=setting.cache and setting.cache(),
    )
    ended: list[tuple[tuple[str, Any], ...]] = []
    states: list[Any] = []
    for plan, places in rewritten or [as_written(plan) for plan in plans_of(scenario)]:
        result = await compiler.execute(plan)
        ended.append(tuple(_seen_at(result, place) for place in places))
        states.append(stage.world.picture())
    return Trace(tuple(ended), tuple(states))


def as_written(plan: Plan) -> Rewritten:
    """The plan of a turn, a task for each call."""
    return plan, [(task.id, None) for task in plan.tasks]


def _seen_at(result: RunResult, place: Place) -> tuple[str, Any]:
    task, item = place
    found = result.tasks[task]
    return seen(found.outcome if item is None else found.items[item].outcome)


async def unit_makespans(scenario: Scenario, workers: int | None = None) -> list[float]:
    """Virtual seconds that each turn takes where every call takes one, without passes that spare calls."""
    stage = stage_of(scenario.classes)
    stage.world, stage.latency = World.of(scenario), lambda: 0.5
    compiler = LLMCompiler(
        stage.tools, executor=AsyncExecutor(max_concurrency=workers), passes=Passes(fold=False, merge=False)
    )
    clock = asyncio.get_running_loop().time
    out = []
    for plan in plans_of(scenario):
        start = clock()
        await compiler.execute(plan)
        out.append(clock() - start)
    return out


def seen(outcome: Outcome) -> tuple[str, Any]:
    """An outcome in the words of `berkeley.outcome_of`."""
    if isinstance(outcome, Succeeded):
        return "value", outcome.value
    if isinstance(outcome, Failed) and isinstance(outcome.error, Raised):
        return "raised", str(outcome.error)
    return outcome.status, outcome.to_dict()


def differences(scenario: Scenario, found: Trace, expected: Trace) -> list[str]:
    """What tells a run from the sequential one, in words; the first turn with a difference is the last one told."""
    for number, turn in enumerate(scenario.turns):
        out = []
        for n, call in enumerate(turn):
            mine, theirs = found.ended[number][n], expected.ended[number][n]
            if mine != theirs:
                out.append(f"task {n + 1}, {call.text}: {short(mine)}, sequential: {short(theirs)}")
        if found.states[number] != expected.states[number]:
            mine, theirs = differing(found.states[number], expected.states[number])
            out.append(f"state: {short(mine)}, sequential: {short(theirs)}")
        if out:
            calls = "; ".join(c.text for c in turn)
            return [f"{scenario.id}, turn {number}: {line} (of {short(calls, 600)})" for line in out]
    return []


def differing(a: Any, b: Any) -> tuple[Any, Any]:
    """The innermost parts of two pictures that differ first."""
    while isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        at = next((i for i in range(len(a)) if a[i] != b[i]), None)
        if at is None:
            break
        a, b = a[at], b[at]
    return a, b


def short(value: Any, length: int = 200) -> str:
    """The value as text, cut."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= length else text[:length] + "..."
