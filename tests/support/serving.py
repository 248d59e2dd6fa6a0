r"""A service over real sockets: uvicorn on a free loopback port, a planner that reads plans out of the question.

A question here is plan text: `"1. add(1, 2)\njoin($1)"` runs exactly that. With a bare `join()` the joiner answers, in
pieces, with the values it sees. Calls wait at gates that the test opens, never for the clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn

from llmcompiler import LLMCompiler, ToolContext, tool
from llmcompiler.language import parse_plan
from llmcompiler.outcomes import Succeeded
from llmcompiler.protocols import Answer, Decision, JoinContext, PlanContext, PlanItem
from llmcompiler_server.settings import ServerSettings

PLAN = "1. add(1, 2)\n2. add($1, 4)\njoin($2)"
"""A question whose answer is 7."""
ASKED = "1. add(1, 2)\n2. add($1, 4)\njoin()"
"""The same, answered by the joiner in pieces."""


class ReadingPlanner:
    """The question is the plan; what follows `Question:` in it, if that is there."""

    async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        text = context.question.rpartition("Question:")[2].strip()
        plan, diagnostics = parse_plan(text, earlier=set(context.known_ids))
        for item in (*diagnostics, *plan.tasks, *([plan.join] if plan.join is not None else [])):
            yield item


class ReadingJoiner:
    """Tells the values, a piece each."""

    async def join(self, context: JoinContext) -> Decision:
        said = []
        for o in context.observations:
            piece = (
                f"{o.task.id}={o.outcome.value if isinstance(o.outcome, Succeeded) else o.outcome.status} "
            )
            context.delta(piece)
            said.append(piece)
        return Answer("".join(said))


@dataclass
class Gates:
    """Where calls wait. `arrived` says that a call is there; `opened` lets it on."""

    arrived: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    opened: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    cancelled: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    calls: list[str] = field(default_factory=list)
    """Every call that was made, by tool, with its arguments."""
    stuck: threading.Event = field(default_factory=threading.Event)
    """Lets `hang` go on."""


def make_tools(gates: Gates) -> list[Any]:
    """Tools of every kind."""

    @tool(effect="pure")
    def add(a: int, b: int) -> int:
        """The sum."""
        return a + b

    @tool
    async def wait_at(gate: str) -> str:
        """Waits at a gate."""
        gates.calls.append(f"wait_at({gate})")
        gates.arrived[gate].set()
        try:
            await gates.opened[gate].wait()
        except asyncio.CancelledError:
            gates.cancelled[gate].set()
            raise
        return f"through {gate}"

    @tool
    def hang() -> str:
        """A sync call that hangs in its thread and can not be cancelled."""
        gates.stuck.wait(60)
        return "at last"

    @tool
    def fail(why: str) -> str:
        """Fails."""
        raise ValueError(why)

    @tool(effect="write", resource=lambda to, **_: f"account:{to}", requires_approval=True)
    def pay(to: str, euros: int) -> str:
        """Pays."""
        gates.calls.append(f"pay({to}, {euros})")
        return f"paid {euros} to {to}"

    @tool
    def big(size: int) -> str:
        """A long text."""
        return "x" * size

    @tool
    async def chatty(count: int, ctx: ToolContext) -> int:
        """Reports progress so many times."""
        for i in range(count):
            await ctx.progress(f"step {i}", i / count)
            if i % 100 == 0:
                await asyncio.sleep(0)
        return count

    return [add, wait_at, hang, fail, pay, big, chatty]


@dataclass
class Running:
    """A service that runs."""

    url: str
    app: Any
    http: httpx.AsyncClient
    gates: Gates
    uvicorn: Any = None

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return len(self.uvicorn.server_state.connections)

    async def until_closed(self, but: int = 0) -> None:
        """Until the server has seen that its clients are gone, but for so many."""
        async with asyncio.timeout(20):
            while self.connections > but:  # noqa: ASYNC110  # uvicorn tells nobody
                await asyncio.sleep(0.005)

    @property
    def manager(self) -> Any:
        """Its `RunManager`."""
        return self.app.state.parts.manager


class _Uvicorn(uvicorn.Server):
    """Signals stay with the tests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _uvicorn(app: Any) -> _Uvicorn:
    return _Uvicorn(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            ws="none",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=10,
        )
    )


def _port(server: uvicorn.Server) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


@contextlib.asynccontextmanager
async def serving(app: Any, gates: Gates | None = None) -> AsyncIterator[Running]:
    """An app over real sockets, in the event loop of the test."""
    server = _uvicorn(app)
    task = asyncio.ensure_future(server.serve())
    while not server.started:
        if task.done():
            await task
            raise RuntimeError("the server did not start")
        await asyncio.sleep(0.005)
    url = f"http://127.0.0.1:{_port(server)}"
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, limits=limits) as http:
        try:
            yield Running(url, app, http, gates or Gates(), server)
        finally:
            if gates is not None:
                gates.stuck.set()
                for gate in list(gates.opened):
                    gates.opened[gate].set()
            server.should_exit = True
            await task


@contextlib.contextmanager
def serving_in_thread(app: Any) -> Iterator[str]:
    """An app over real sockets, in a thread of its own: for clients that block. Gives its URL."""
    server = _uvicorn(app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        thread.join(0.005)
    try:
        yield f"http://127.0.0.1:{_port(server)}"
    finally:
        server.should_exit = True
        thread.join(30)


def make_compiler(gates: Gates | None = None, **options: Any) -> LLMCompiler:
    """A compiler that needs no model."""
    return LLMCompiler(
        make_tools(gates or Gates()),
        **{"planner": ReadingPlanner(), "joiner": ReadingJoiner(), **options},
    )


def make_settings(**given: Any) -> ServerSettings:
    """Settings that no limit of requests gets in the way of; whatever is given counts."""
    return ServerSettings(**{"rate": 1e6, "grace": 2.0, **given})
