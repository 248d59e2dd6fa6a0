"""Movie recommendation: eight titles, the four liked ones and the four options, each looked up once."""

from __future__ import annotations

import re

from llmcompiler.tools import Tool

from .plans import Expected

FILE = "movie_recommendations_formatted.json"
TOOLS = (
    Tool.from_schema(
        "search",
        {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        lambda **_: None,
        description="Look up what is known about one movie.",
        returns={"type": "string"},
        effect="pure",
    ),
)
_LIKED, _OPTIONS = 4, 4


def expected(question: str) -> Expected | None:
    """The look-ups for a question `Find a movie similar to A, B, C, D`, with four options in lines of their own.

    None where it can not be read so; a title with a comma in it leaves open where titles end.
    """
    head, _, tail = question.partition("Options:")
    m = re.search(r"similar to (.+)", head)
    liked = [t.strip() for t in m[1].split(", ")] if m else []
    options = [line.strip(" -*•") for line in tail.splitlines() if line.strip()]
    if len(liked) != _LIKED or len(options) != _OPTIONS:
        return None
    return Expected(tuple(dict.fromkeys([*liked, *options])))
