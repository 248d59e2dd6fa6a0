"""An agent inside a FastAPI app of your own: one endpoint that answers, one that streams, one to approve.

    uvicorn examples.fastapi_agent:app        # from the folder of the project; LLMCOMPILER_MODEL says which model

For a service that is nothing else, `llmcompiler serve` has all of this and more. This is for an app that is there
already and wants a compiler among its routes: who may do what, and where sessions live, is the app's business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from llmcompiler import Limits, LLMCompiler, LLMCompilerError, Run, tool

ORDERS = {"A-17": {"item": "kettle", "euros": 39.0, "status": "shipped"}}


@tool(effect="read", resource=lambda order: f"order:{order}")
def order_status(order: str) -> dict[str, Any]:
    """Item, price and status of one order.

    Args:
        order: Its number, such as A-17.
    """
    return ORDERS[order]


@tool(effect="write", resource=lambda order, **_: f"order:{order}", requires_approval=True)
def refund(order: str, euros: float) -> str:
    """Pay money back for one order."""
    ORDERS[order]["status"] = "refunded"
    return f"{euros:.2f} euros paid back for {order}"


class Question(BaseModel):
    """What is asked."""

    text: str = Field(min_length=1, max_length=2_000)


class Approval(BaseModel):
    """What was decided about a call."""

    approve: bool
    digest: str = Field(description="of the arguments that were shown")


class Agent:
    """The compiler and the runs that are under way; one for the life of the app."""

    def __init__(self, compiler: LLMCompiler) -> None:
        self.compiler = compiler
        self.runs: dict[str, Run] = {}

    def start(self, question: str) -> Run:
        """Begin a run; it goes on by itself."""
        run = self.compiler.start(question)
        self.runs[run.run_id] = run
        return run

    async def events(self, run: Run) -> AsyncIterator[str]:
        """The run as server-sent events. A client that goes away cancels it."""
        try:
            async for event in run.events():
                yield f"id: {event.seq}\nevent: {event.type}\ndata: {event.to_json()}\n\n"
        finally:
            run.cancel()  # does nothing to a run that is over
            self.runs.pop(run.run_id, None)


def _agent(request: Request) -> Agent:
    found: Agent = request.app.state.agent
    return found


Ours = Annotated[Agent, Depends(_agent)]


def create_app(compiler: LLMCompiler | None = None) -> FastAPI:
    """The app; a test gives a compiler with a scripted model."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        limits = Limits(tasks=30, model_calls=5, seconds=60)
        async with compiler or LLMCompiler([order_status, refund], limits=limits) as ours:
            app.state.agent = Agent(ours)
            yield

    app = FastAPI(title="Orders", lifespan=lifespan)

    @app.post("/ask")
    async def ask(question: Question, agent: Ours) -> dict[str, Any]:
        """The answer, and what was called for it. Calls that need approval are denied here: nobody could be asked."""
        try:
            result = await agent.compiler.run(question.text)
        except LLMCompilerError as e:
            raise HTTPException(502, f"there is no answer: {e}") from None
        calls = [{"call": t.task.tool, "outcome": t.outcome.status} for t in result.tasks.values()]
        return {"answer": result.output, "calls": calls, "seconds": round(result.timing.total, 3)}

    @app.post("/ask/stream")
    async def stream(question: Question, agent: Ours) -> StreamingResponse:
        """The run as it goes, with its id in the first event; `ApprovalRequested` says what waits."""
        run = agent.start(question.text)
        return StreamingResponse(agent.events(run), media_type="text/event-stream")

    @app.post("/runs/{run_id}/approvals/{task}")
    async def decide(run_id: str, task: int, decision: Approval, agent: Ours) -> dict[str, bool]:
        """Approve or reject a call that waits, as it was shown."""
        run = agent.runs.get(run_id)
        if run is None or task not in {a.task_id for a in run.pending_approvals}:
            raise HTTPException(404, "no such call waits")
        try:
            if decision.approve:
                run.approve(task, digest=decision.digest)
            else:
                run.reject(task, "refused by a person")
        except LLMCompilerError as e:
            raise HTTPException(409, str(e)) from None
        return {"approved": decision.approve}

    return app


app = create_app()
