"""Which tools a small planner is shown, where there are more than it can take in."""

from __future__ import annotations

import re
from collections.abc import Iterable

from llmcompiler.tools import Tool

from .phrases import parts, spoken
from .words import Question, variants

MAX_DESCRIPTION = 160
"""Characters of a tool's description that the prompt holds."""


def choose_tools(tools: Iterable[Tool], question: Question, limit: int) -> list[Tool]:
    """At most `limit` tools, in their own order: those that share most words with the question.

    Words of the name count three times those of the description and the parameters; of equals the first stay.
    """
    every = list(tools)
    if len(every) <= limit:
        return every
    asked = {w.lower for w in question.words if not w.functional}

    def score(tool: Tool) -> int:
        named = spoken(tool.name)
        told = {v for w in re.findall(r"\w{3,}", tool.description[:400].lower()) for v in variants(w)}
        told.update(w for p in tool.params for w in parts(p))
        return sum(3 * bool(named & set(variants(w))) + bool(told & set(variants(w))) for w in asked)

    scores = [score(t) for t in every]
    best = sorted(range(len(every)), key=lambda i: (-scores[i], i))[:limit]
    return [every[i] for i in sorted(best)]
