"""Code as users write it, checked by mypy --strict: `make types`. It is not run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, assert_type

from pydantic import BaseModel

from llmcompiler import (
    Answer,
    ApprovalRequest,
    Cancelled,
    Diagnostic,
    Event,
    Failed,
    Join,
    JoinContext,
    Joiner,
    Limits,
    LLMCompiler,
    Plan,
    PlanContext,
    PlanError,
    Planner,
    Ref,
    Replan,
    Reporter,
    RunResult,
    Skipped,
    Succeeded,
    Task,
    TaskFinished,
    Thought,
    Tool,
    ToolContext,
    tool,
)
from llmcompiler.models import Model, ModelChunk, ModelRequest, OpenAIModel, Usage
from llmcompiler.testing import RecordingReporter, ScriptedModel, ScriptedPlanner


class City(BaseModel):
    name: str
    people: int


@tool
async def find(name: str) -> City:
    """Finds a city."""
    return City(name=name, people=1)


@tool(effect="write", resource=lambda to, **_: f"mailbox:{to}", requires_approval=True, timeout=10, retries=2)
def send(to: str, body: str, ctx: ToolContext) -> str:
    """Sends a mail."""
    return ctx.idempotency_key


def plain(a: int) -> int:
    """One more."""
    return a + 1


assert_type(find, Tool)
assert_type(send, Tool)

lookup = Tool.from_schema("lookup", {"type": "object", "properties": {}}, plain, effect="read")
assert_type(lookup, Tool)


class OwnPlanner:
    async def plan(self, context: PlanContext) -> AsyncIterator[Task | Thought | Join | Diagnostic]:
        yield Thought("one call is enough")
        yield Task(context.next_id, "find", {"name": "Oslo"})
        yield Task(context.next_id + 1, "plain", {"a": Ref(context.next_id, ("people",))})
        yield Join()


class OwnJoiner:
    async def join(self, context: JoinContext) -> Answer | Replan:
        if not context.final and any(isinstance(o.outcome, Failed) for o in context.observations):
            return Replan("try another city")
        return Answer(len(context.observations))


class OwnModel:
    name = "own"

    @property
    def features(self) -> frozenset[Any]:
        return frozenset({"chat"})

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        yield ModelChunk("join()")


class OwnReporter(Reporter):
    def report(self, event: Event) -> None:
        if isinstance(event, TaskFinished):
            assert_type(event.task_id, int)


async def approve(request: ApprovalRequest) -> bool:
    assert_type(request.arguments, Mapping[str, Any])
    return request.tool == "send"


planner: Planner = OwnPlanner()
joiner: Joiner = OwnJoiner()
model: Model = OwnModel()
served: Model = OpenAIModel("m", base_url="http://127.0.0.1:1/v1", api_key="k")
scripted: Model = ScriptedModel(["join()"])
scripted_planner: Planner = ScriptedPlanner(["join()"])


async def main() -> None:
    """A run from end to end."""
    compiler = LLMCompiler(
        tools=[find, send, lookup, plain],
        model="openai:m",
        planner=planner,
        joiner=joiner,
        max_replans=1,
        limits=Limits(tasks=50, model_calls=6, tokens=20_000, seconds=30),
        approver=approve,
        reporters=[OwnReporter(), RecordingReporter()],
    )
    result = await compiler.run("Which?", output_type=City, limits=Limits(seconds=1.5))
    assert_type(result, RunResult)
    assert_type(result.plans, list[Plan])
    assert_type(result.usage, Usage)
    assert_type(result.timing.makespan, float)
    outcome = result.tasks[3].outcome
    assert_type(outcome, Succeeded | Failed | Skipped | Cancelled)
    if isinstance(outcome, Failed):
        assert_type(outcome.error, Exception)
    elif isinstance(outcome, Skipped):
        assert_type(outcome.cause, int)

    async for event in compiler.stream("Which?"):
        assert_type(event, Event)
        assert_type(event.at, float)

    plan = await compiler.plan("Which?")
    assert_type(plan, Plan)
    assert_type(plan.tasks, tuple[Task, ...])
    assert_type(plan.tasks[0].depends_on, tuple[int, ...])
    assert_type(plan.join, Join | None)
    assert_type(plan.explain(), str)
    assert_type(await compiler.execute(plan, question="Which?"), RunResult)
    assert_type(compiler.run_sync("Which?"), RunResult)

    try:
        Plan.parse("1. nothing()", tools=[plain])
    except PlanError as error:
        assert_type(error.diagnostics, tuple[Diagnostic, ...])
        assert_type(error.diagnostics[0].line, int)
