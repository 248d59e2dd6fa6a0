"""Comparison questions of HotpotQA: two things, each looked up once, both at the same time."""

from __future__ import annotations

import re
from itertools import pairwise

from llmcompiler.tools import Tool

from .names import LEADING, Mention, mentions, plain, quoted, without_people
from .plans import Expected

FILE = "hotpotqa_comparison.json"
TOOLS = (
    Tool.from_schema(
        "search",
        {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        lambda **_: None,
        description="Look up the encyclopedia article about one thing.",
        returns={"type": "string"},
        effect="pure",
    ),
)
_LAST = re.compile(
    r"(?:[,:;]|--|\bfirst|\bearlier|\bolder)\s*(?:the\s+)?([^,:;]+?),?\s+or\s+(?:the\s+)?([^,:;]+?)\s*\?*\s*\Z"
)
_LINK = re.compile(
    r"\A[\s,\"”'’)]*(?:and|or|&|vs\.?|versus)\s+(?:the |both |in |was |is |did |from |to |against )*[\"“'(]*\Z",
    re.IGNORECASE,
)
_WORDS = 9


def expected(question: str) -> Expected | None:
    """The two look-ups; None where the rules do not read exactly two names out of the question."""
    names = entities(question)
    return None if names is None else Expected(names)


def entities(question: str) -> tuple[str, str] | None:
    """The two things that a question compares: quoted, at its end beside "or", or capitalised beside "and" or "or"."""
    question = " ".join(question.split())
    titles = quoted(question)
    if len(titles) == 2:
        return titles[0], titles[1]
    m = _LAST.search(question)
    if m and not titles and all(_is_name(g) for g in m.groups()):
        return None if _goes_on(question[: m.start(1)]) else (m[1], m[2])
    found = mentions(question)
    beside = [(a, b) for a, b in pairwise(found) if _LINK.match(question[a.end : b.start])]
    if len(beside) == 1:
        one, other = beside[0]
        if (
            _more_and(one, other)
            or _goes_on(question[: one.start])
            or re.match(r", [A-Z]", question[other.end - 1 :])
        ):
            return None
        small = re.match(r"(?: [a-z-]+){1,2}(?= both\b)", question[other.end :])
        if small and not LEADING & set(small[0].split()):
            return one.text, other.text + small[0]
        return one.text, without_people(other.text)
    if not beside and len(found) == 2 and plain(found[0].text) != plain(found[1].text):
        return found[0].text, without_people(found[1].text)
    return None


def _is_name(text: str) -> bool:
    """Whether what stands at the end beside `or` is a name, rather than a clause."""
    return len(text.split()) <= _WORDS and (text[:1].isupper() or text[:1].isdigit()) and " or " not in text


def _goes_on(before: str) -> bool:
    """Whether a name may begin before a comma that stands in it: `Milk Lake, Taiwan`."""
    place = re.search(
        r"\b(?:in|from|by|for|to|with)\s+(?:the\s+)?(?:[A-Z][\w.'’-]*\s*)+,\s*(?:the\s+)?\Z", before
    )
    return place is None and re.search(r"[A-Z][\w.'’-]*,\s*(?:the\s+)?\Z", before) is not None


def _more_and(one: Mention, other: Mention) -> bool:
    return any(re.search(r"\b(?:and|or)\b", m.text) for m in (one, other))
