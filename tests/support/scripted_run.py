"""A run with a scripted planner and joiner in virtual time, and everything seen of it."""

from __future__ import annotations

import asyncio
from typing import Any

from llmcompiler import (
    Answer,
    DiagnosticEmitted,
    JoinContext,
    Limits,
    LLMCompiler,
    PlanStarted,
    RunResult,
    Task,
    TaskFinished,
    TaskStarted,
    tool,
)
from llmcompiler.testing import RecordingReporter, ScriptedPlanner, run_virtual


@tool
async def nap(seconds: float, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    return value


@tool
async def boom() -> int:
    raise ValueError("no")


@tool
async def crash(seconds: float) -> int:
    await asyncio.sleep(seconds)
    raise ValueError("no")


class ScriptedJoiner:
    """Gives the decisions it was told to."""

    def __init__(self, *decisions: Any) -> None:
        self.decisions = list(decisions)
        self.contexts: list[JoinContext] = []

    async def join(self, context: JoinContext) -> Any:
        self.contexts.append(context)
        context.delta("...")
        decision = self.decisions.pop(0)
        if isinstance(decision, BaseException):
            raise decision
        return decision


def call(i: int, seconds: float, value: Any = None) -> Task:
    return Task(i, "nap", {"seconds": seconds, "value": value})


class Run:
    """One scripted run and everything seen of it."""

    def __init__(
        self,
        plans: list[Any],
        *decisions: Any,
        limits: Limits | None = None,
        output_type: Any = None,
        **options: Any,
    ) -> None:
        self.planner = ScriptedPlanner(plans)
        self.joiner = ScriptedJoiner(*(decisions or (Answer("done"),)))
        self.reporter = RecordingReporter()
        self.error: Exception | None = None
        compiler = LLMCompiler(
            [nap, boom, crash], planner=self.planner, joiner=self.joiner, reporters=[self.reporter], **options
        )
        try:
            self.result: RunResult = run_virtual(compiler.run("why?", limits=limits, output_type=output_type))
        except Exception as e:  # tests look at it
            self.error = e
            self.result = getattr(e, "result", None)  # type: ignore[assignment]
        kinds = self.reporter.types
        assert kinds.count("RunFinished") == 1
        assert kinds[-1] == "RunFinished"
        finished = [e.task_id for e in self.reporter.of(TaskFinished)]
        assert len(finished) == len(set(finished)) == kinds.count("TaskPlanned")
        assert [e.seq for e in self.reporter.events] == list(range(len(kinds)))
        assert all(e.to_json() for e in self.reporter.events)

    def started(self) -> dict[int, float]:
        return {e.task_id: e.at for e in self.reporter.of(TaskStarted)}

    def codes(self) -> list[str]:
        return [e.diagnostic.code for e in self.reporter.of(DiagnosticEmitted)]

    def purposes(self) -> list[str]:
        return [e.purpose for e in self.reporter.of(PlanStarted)]
