"""Questions with a known course, for tests of the page: what is planned, what each call does, where everything waits.

No browser here. Gates are open unless a test closes them, so that a scene runs through by itself as well.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmcompiler import LLMCompiler, ToolContext, tool
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.language import parse_plan
from llmcompiler.plan import Thought
from llmcompiler.protocols import Answer, Decision, JoinContext, PlanContext, PlanItem, Replan

XSS = [
    "<script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    "<svg/onload=window.pwned=1>",
    '"><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
    "javascript:window.pwned=1",
    "</pre></textarea></title><body onload=window.pwned=1>",
    "{{constructor.constructor('window.pwned=1')()}}",
    "\u202e<b>backwards</b>\u0000\u2028",
    "<style>*{display:none}</style><base href='//example.org/'>",
]
"""Texts that would do something if a page took them for markup."""


class Gates:
    """Named places to wait at. `close` before the run, `open` when it may go on, `reached` to know that it is there."""

    def __init__(self) -> None:
        self._open: dict[str, asyncio.Event] = {}
        self._reached: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def close(self, *names: str) -> None:
        for name in names:
            self._open[name] = asyncio.Event()

    def open(self, *names: str) -> None:
        for name in names:
            self._open[name].set()

    def open_all(self) -> None:
        self.open(*self._open)

    async def reached(self, name: str) -> None:
        await asyncio.wait_for(self._reached[name].wait(), 30)

    async def wait(self, name: str) -> None:
        self._reached[name].set()
        if name in self._open:
            await self._open[name].wait()


@dataclass(frozen=True)
class At:
    """In a scene: wait at this gate."""

    gate: str


Step = str | float | At | Thought | Diagnostic
"""Plan text, seconds to wait, or one of the others."""


@dataclass
class Scene:
    """A round of planning a list of steps; then what the joiner says, in pieces, or a `Replan`."""

    rounds: Sequence[Sequence[Step]]
    answers: Sequence[Sequence[str | float | At] | Replan] = field(default_factory=lambda: [["Done."]])


class ScenePlanner:
    """Plans by the book of scenes."""

    def __init__(self, scenes: Mapping[str, Scene], gates: Gates) -> None:
        self.scenes, self.gates = scenes, gates

    async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        if context.purpose == "repair":
            return
        known = set(context.known_ids)
        for step in self.scenes[context.question].rounds[context.round - 1]:
            if isinstance(step, At):
                await self.gates.wait(step.gate)
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif isinstance(step, str):
                plan, diagnostics = parse_plan(step, earlier=known)
                for item in (*diagnostics, *plan.tasks, *([] if plan.join is None else [plan.join])):
                    yield item
                known |= {t.id for t in plan.tasks}
            else:
                yield step


class SceneJoiner:
    """Answers by the same book."""

    def __init__(self, scenes: Mapping[str, Scene], gates: Gates) -> None:
        self.scenes, self.gates = scenes, gates

    async def join(self, context: JoinContext) -> Decision:
        answer = self.scenes[context.question].answers[context.round - 1]
        if isinstance(answer, Replan):
            return answer
        said = ""
        for piece in answer:
            if isinstance(piece, At):
                await self.gates.wait(piece.gate)
            elif isinstance(piece, float):
                await asyncio.sleep(piece)
            else:
                context.delta(piece)
                said += piece
        return Answer(said)


def scene_compiler(scenes: Mapping[str, Scene], gates: Gates) -> LLMCompiler:
    """A compiler for scenes; it needs no model."""

    @tool(effect="read")
    async def search(query: str, seconds: float = 0.0) -> dict[str, Any]:
        """Look something up in the encyclopedia."""
        await asyncio.sleep(seconds)
        await gates.wait(f"search {query}")
        heights = {"Mount Everest": 8849, "K2": 8611, "Kilimanjaro": 5895}
        return {
            "title": query,
            "height": heights.get(query, len(query)),
            "unit": "m",
            "sources": ["encyclopedia"],
        }

    @tool(effect="pure")
    async def calculate(expression: str, seconds: float = 0.0) -> str:
        """Work out an arithmetic expression."""
        await asyncio.sleep(seconds)
        return expression

    @tool(effect="read")
    async def fail(why: str, seconds: float = 0.0) -> str:
        """Fetch a page that is not there."""
        await asyncio.sleep(seconds)
        raise ValueError(why)

    @tool(effect="write", resource=lambda to, **_: f"mailbox:{to}", requires_approval=True)
    async def send_mail(to: str, subject: str, body: str = "") -> str:
        """Send a mail, once somebody has approved it."""
        return f"sent to {to}"

    @tool(effect="write", resource=lambda name, **_: f"note:{name}")
    async def write_note(name: str, text: str, seconds: float = 0.0) -> str:
        """Write down a note."""
        await asyncio.sleep(seconds)
        return text

    @tool(effect="read")
    async def slowly(steps: int, seconds: float = 0.0, ctx: ToolContext | None = None) -> int:
        """Work step by step and tell how far it is."""
        for i in range(steps):
            if ctx is not None:
                await ctx.progress(f"step {i + 1} of {steps}", (i + 1) / steps)
            await asyncio.sleep(seconds)
        await gates.wait("slowly")
        return steps

    @tool(effect="read")
    async def foreign(index: int) -> Any:
        """Give back what somebody else wrote."""
        return {"text": XSS[index], XSS[index]: [XSS[index]]}

    @tool(effect="read")
    async def large(size: int) -> str:
        """Give back a long text."""
        return "0123456789" * (size // 10)

    tools = [search, calculate, fail, send_mail, write_note, slowly, foreign, large]
    return LLMCompiler(tools, planner=ScenePlanner(scenes, gates), joiner=SceneJoiner(scenes, gates))
