"""Turns written in another way: arguments by reference, runs of like calls as `for` tasks, calls behind guards.

What a call touches is then not known before other tasks have ended, and the outcome must be the same.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from berkeley import GoldCall, Scenario
from staging import Place, Rewritten, stage_of

from llmcompiler import Plan, Ref, Task
from llmcompiler.guards import Compare
from llmcompiler.language import print_plan
from llmcompiler.plan import Each, Join
from llmcompiler.tools import ToolRegistry
from llmcompiler.values import Var


def rewritten(scenario: Scenario, seed: str) -> list[Rewritten]:
    """Every turn of the scenario as a plan, drawn at random; by way of its text."""
    rnd = random.Random(f"{seed} {scenario.id}")
    tools = stage_of(scenario.classes).tools
    return [_Writer(rnd, tools).write(turn) for turn in scenario.turns]


class _Writer:
    def __init__(self, rnd: random.Random, tools: ToolRegistry) -> None:
        self.rnd = rnd
        self.tools = tools
        self.tasks: list[Task] = []
        self.places: list[Place] = []

    def write(self, turn: Sequence[GoldCall]) -> Rewritten:
        calls = [(call.tool, self.named(call)) for call in turn]
        at = 0
        while at < len(calls):
            if self.rnd.random() < 0.2:
                self.never(*calls[at])
            varying, count = _run(calls[at:])
            if varying is not None and self.rnd.random() < 0.8:
                self.mapped(calls[at : at + count], varying)
                at += count
            else:
                self.single(*calls[at])
                at += 1
        text = print_plan(Plan(tuple(self.tasks), Join()))
        return Plan.parse(text, self.tools), self.places

    def named(self, call: GoldCall) -> dict[str, Any]:
        names = list(self.tools[call.tool].params)
        return {names[int(k)] if k.isdigit() else k: v for k, v in call.args.items()}

    def add(self, tool: str, args: dict[str, Any], **more: Any) -> int:
        number = len(self.tasks) + 1
        self.tasks.append(Task(number, tool, args, **more))
        return number

    def perhaps_said(self, value: Any) -> Any:
        """The value, or a reference to a task that says it."""
        return Ref(self.add("say", {"value": value})) if self.rnd.random() < 0.4 else value

    def single(self, tool: str, args: dict[str, Any]) -> None:
        given = {name: self.perhaps_said(value) for name, value in args.items()}
        when = Compare("==", self.perhaps_said("now"), "now") if self.rnd.random() < 0.2 else None
        self.places.append((self.add(tool, given, when=when), None))

    def never(self, tool: str, args: dict[str, Any]) -> None:
        """The call behind a guard that is false: it may hold others up, and is not made."""
        self.add(tool, args, when=Compare("==", self.perhaps_said("now"), "never"))

    def mapped(self, calls: Sequence[tuple[str, dict[str, Any]]], varying: str) -> None:
        tool, args = calls[0]
        source = self.perhaps_said([its[varying] for _, its in calls])
        given = {k: Var("item") if k == varying else self.perhaps_said(v) for k, v in args.items()}
        number = self.add(tool, given, each=Each("item", source))
        self.places += [(number, item) for item in range(len(calls))]


def _run(calls: Sequence[tuple[str, dict[str, Any]]]) -> tuple[str | None, int]:
    """How many calls from the first on differ in one argument only, and which one that is."""
    tool, first = calls[0]
    varying: str | None = None
    for count, (other, args) in enumerate(calls[1:], 1):
        differ = [k for k in first if args.get(k) != first[k]]
        if other != tool or list(args) != list(first) or len(differ) != 1 or varying not in (None, differ[0]):
            return varying, count
        varying = differ[0]
    return varying, len(calls)
