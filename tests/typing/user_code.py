"""Code as users write it, checked by mypy --strict: `make types`. It is not run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, assert_type

from pydantic import BaseModel

from llmcompiler import (
    Answer,
    ApprovalRequest,
    AsyncExecutor,
    Cancelled,
    CircuitBreaker,
    Diagnostic,
    Event,
    Failed,
    Hedging,
    ItemFinished,
    ItemResult,
    ItemsFailed,
    Join,
    JoinContext,
    Joiner,
    Limits,
    LLMCompiler,
    MemoryCache,
    Note,
    Passes,
    Plan,
    PlanContext,
    PlanError,
    Planner,
    RateLimit,
    Ref,
    Replan,
    Reporter,
    Run,
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
from llmcompiler.latencies import Latencies
from llmcompiler.models import Model, ModelChunk, ModelRequest, OpenAIModel, Usage
from llmcompiler.simulator import Schedule, simulate
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


def effect_of(statement: str) -> Literal["read", "write"]:
    return "read" if statement.startswith("select") else "write"


@tool(effect=effect_of, resource={"read": "schema", "write": ["rows", ("table", 1)]}, rate_limit="10/s")
async def sql(statement: str) -> list[str]:
    """Runs a statement."""
    return [statement]


async def many(calls: list[dict[str, Any]]) -> list[int]:
    return [len(c["word"]) for c in calls]


@tool(
    effect="pure", batch=many, max_batch=10, version="2", cache=60.0, vary=lambda: "me", on_item_error="skip"
)
async def length(word: str) -> int:
    """How long a word is."""
    return len(word)


@tool(
    effect="read",
    fallback=length,
    breaker=CircuitBreaker(failures=3),
    hedge=True,
    rate_limit=RateLimit(5, name="service"),
)
async def look_up(word: str) -> int:
    """Looks a word up."""
    return len(word)


assert_type(sql, Tool)
assert_type(length, Tool)
assert_type(look_up.fallback, Tool | None)


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
            assert_type(event.cache, Literal["hit", "miss"] | None)
        elif isinstance(event, ItemFinished):
            assert_type(event.item, int)
            assert_type(event.outcome, Succeeded | Failed | Skipped | Cancelled)


async def approve(request: ApprovalRequest) -> bool:
    assert_type(request.arguments, Mapping[str, Any])
    assert_type(request.digest, str)
    assert_type(request.item, int | None)
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


async def execution() -> None:
    """Effects, passes, limits, approvals from outside, explanations."""
    compiler = LLMCompiler(
        [sql, length, look_up],
        executor=AsyncExecutor(max_concurrency=4, hedge=Hedging(budget=0.1)),
        passes=Passes(merge=False, priority="fifo"),
        cache=MemoryCache(ttl=300),
        limits=Limits(tasks_per_tool={"sql": 3}, rounds=2, cost=0.5, expansion=100),
        on_item_error="collect",
        approval_timeout=60,
    )
    plan = Plan.parse('1. for w in ["a", "b"]: length(w)\njoin($1)', compiler.tools)
    assert_type(plan.explain(latencies=compiler.latencies, concurrency=None), str)
    assert_type(compiler.latencies, Latencies)
    schedule = simulate(plan, seconds={1: 0.5}, concurrency=2, items={1: 2})
    assert_type(schedule, Schedule)
    assert_type(schedule.makespan, float)

    async with compiler.start(plan=plan) as run:
        assert_type(run, Run)
        async for event in run.events():
            assert_type(event, Event)
        for request in run.pending_approvals:
            assert_type(request, ApprovalRequest)
            run.approve(request.task_id, item=request.item, digest=request.digest)
        run.reject(1, "no")
        result = await run
        assert_type(result, RunResult)
    task = result.tasks[1]
    assert_type(task.items, tuple[ItemResult, ...])
    assert_type(task.after, tuple[int, ...])
    assert_type(result.notes, list[Note])
    assert_type(result.explain(), str)
    assert_type(result.timing.speedup, float)
    if isinstance(task.outcome, Failed) and isinstance(task.outcome.error, ItemsFailed):
        assert_type(task.outcome.error.values, dict[int, Any])

    research = compiler.as_tool("research", "Finds things out.", limits=Limits(tasks=10), effect="read")
    assert_type(research, Tool)
