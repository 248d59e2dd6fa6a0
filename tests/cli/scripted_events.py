"""Made-up runs as lists of events, to draw without running anything."""

from __future__ import annotations

from typing import Any

from llmcompiler import Plan, Succeeded, Timing, Usage
from llmcompiler import events as ev
from llmcompiler.plan import Task


class Script:
    """Makes events, numbered and timed."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self.now = 0.0
        self.add(ev.RunStarted, question="How tall?")
        self.add(ev.PlanStarted, round=1, purpose="plan")

    def add(self, kind: type[ev.Event], *, after: float = 0.0, **fields: Any) -> Script:
        self.now += after
        self.events.append(kind(seq=len(self.events), run_id="r", at=self.now, **fields))
        return self

    def plan(self, *tasks: Task, round: int = 1) -> Script:
        for task in tasks:
            self.add(ev.TaskPlanned, round=round, task=task)
        return self

    def start(self, *ids: int) -> Script:
        for i in ids:
            self.add(ev.TaskStarted, task_id=i, tool="search", args={})
        return self

    def finish(
        self, task_id: int, outcome: Any = None, *, started: float | None = 0.0, after: float = 0.0
    ) -> Script:
        outcome = Succeeded("fine") if outcome is None else outcome
        return self.add(
            ev.TaskFinished,
            after=after,
            task_id=task_id,
            tool="search",
            outcome=outcome,
            started=started,
            attempts=1,
        )

    def end(self, status: Any = "answered") -> Script:
        timing = Timing(total=5.0, makespan=1.0, critical_path=0.75, sequential=4.0)
        return self.add(ev.RunFinished, status=status, output="x", usage=Usage(3, 800, 96), timing=timing)


def searches(n: int) -> list[Task]:
    return [Task(i, "search", {"query": f"thing {i}"}) for i in range(1, n + 1)]


def tasks_of(text: str) -> tuple[Task, ...]:
    return Plan.parse(text).tasks
