"""A compiler that answers questions by rule, for tests of evaluation: what is asked decides what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from llmcompiler import LLMCompiler, tool
from llmcompiler.evaluation import Dataset
from llmcompiler.models.base import ModelChunk, ModelRequest, Usage


@tool(effect="read")
async def height(of: str) -> float:
    """Height of a mountain, in metres."""
    return {"Everest": 8849.0, "Kilimanjaro": 5895.0}[of]


@tool(effect="pure")
def ratio(a: float, b: float) -> float:
    """One number divided by another."""
    return a / b


EVEREST = '1. height("Everest")\njoin($1)'
RATIO = '1. height("Everest")\n2. height("Kilimanjaro")\n3. ratio($1, $2)\njoin($3)'

DATASET = Dataset.of(
    [
        {"id": "everest", "question": "How high is Everest?", "answer": 8849, "family": "heights"},
        {
            "id": "kilimanjaro",
            "question": "How high is Kilimanjaro?",
            "answer": "5,895 m",
            "family": "heights",
        },
        {"id": "ratio", "question": "Everest by Kilimanjaro?", "range": [1.49, 1.52], "family": "ratios"},
        {"id": "atlantis", "question": "How high is Atlantis?", "answer": 1, "family": "heights"},
    ]
)
PLANS = {
    "How high is Everest?": EVEREST,
    "How high is Kilimanjaro?": EVEREST.replace("Everest", "Kilimanjaro"),
    "Everest by Kilimanjaro?": RATIO,
}


class RuleModel:
    """Plans by the question; a plan may be an exception, and a `{purpose: plan}` for what it is asked for."""

    name = "rules"
    features = frozenset({"chat"})
    prices = (1.0, 10.0)

    def __init__(
        self, plans: dict[str, Any] | None = None, before: Callable[[str], Any] | None = None
    ) -> None:
        self.plans = PLANS if plans is None else plans
        self.before = before
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        found = max((q for q in self.plans if q in request.text), key=len, default="")
        if request.purpose == "plan" and found:
            self.asked.append(found)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if self.before is not None:
                await self.before(found)
        finally:
            self.at_once -= 1
        plan = self.plans.get(found, ValueError("no plan"))
        if isinstance(plan, dict):
            plan = plan[request.purpose]
        if isinstance(plan, Exception):
            raise plan
        yield ModelChunk(plan)
        yield ModelChunk("", Usage(prompt_tokens=100, completion_tokens=20), "stop")


def compiler(model: Any = None, **options: Any) -> LLMCompiler:
    """A compiler with two tools."""
    return LLMCompiler([height, ratio], model=model or RuleModel(), **options)
