"""Models and scorers that the tests of `llmcompiler eval` name on the command line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from llmcompiler import ModelReplyInvalid
from llmcompiler.evaluation import Example
from llmcompiler.models.base import ModelChunk, ModelRequest, Usage
from llmcompiler.testing import ScriptedModel

number = 3
PLANS = {
    "Kilimanjaro?": '1. search("Kilimanjaro")\njoin($1.height)',
    "Mount Everest?": '1. search("Mount Everest")\njoin($1.height)',
    "Atlantis?": '1. search("Kilimanjaro")\njoin($1.name)',
    "mail?": '1. send_mail("ann", "hi")\njoin($1)',
}


class Rules:
    """Plans by what is asked."""

    name = "rules"
    features = frozenset({"chat"})

    def __init__(self, plan: Callable[[str], str] = PLANS.__getitem__, hang: str = "") -> None:
        self.plan = plan
        self.hang = hang

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        question = next(q for q in PLANS if q in request.text)
        if question == self.hang:
            await asyncio.Event().wait()
        text = self.plan(question)
        if request.purpose == "join":
            text = '{"thought": "", "action": "answer", "answer": "unknown"}'
        yield ModelChunk(text)
        yield ModelChunk("", Usage(prompt_tokens=10, completion_tokens=5), "stop")


def asked() -> Rules:
    return Rules()


def confused() -> Rules:
    return Rules(lambda question: PLANS["Atlantis?"])


def hanging() -> Rules:
    return Rules(hang="Mount Everest?")


def useless() -> ScriptedModel:
    return ScriptedModel([ModelReplyInvalid("nonsense")] * 99)


def judge() -> ScriptedModel:
    return ScriptedModel(['{"verdict": "correct"}'] * 9)


def generous(answer: Any, example: Example) -> bool:
    return True


def broken(answer: Any, example: Example) -> float:
    return 1 / 0
