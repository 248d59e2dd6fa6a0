"""What a small planner is shown: which tools, which of their parameters, and the prompt they make.

The prompt is the one the shipped adapter was trained on. The grammar that goes with it is in `grammar`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from llmcompiler.parameters import Parameter
from llmcompiler.signatures import resolve
from llmcompiler.tools import Tool

from .phrases import description_words, is_formula, parts, speaks_of, spoken
from .shapes import NUMERIC, kinds_of
from .words import Question, variants

MAX_DESCRIPTION = 160
"""Characters of a tool's description that the prompt holds."""

FORMULA_HINT = "; may use $1, $2"
"""What a tool that takes a formula is said to allow; the adapter learned it in these words."""


def shown_parameters(tool: Tool, question: Question) -> list[Parameter]:
    """The required parameters, then the optional ones that the question mentions.

    An optional parameter is mentioned when a text of its enum, or its name where it takes no free text, is a word of
    the question. What is not shown is never written: the tool's default holds.
    """
    params = tool.params.values()
    return [p for p in params if p.required] + [
        p for p in params if not p.required and _mentioned(p, tool, question)
    ]


def _mentioned(p: Parameter, tool: Tool, question: Question) -> bool:
    schema = resolve(p.schema, tool.defs)
    if isinstance(schema.get("enum"), list):
        return any(speaks_of(question, v) for v in (p.name, *schema["enum"][:50]) if isinstance(v, str))
    # A text called like a word of the question (`country`, in "the largest country") was hardly chosen by it.
    return not p.takes_text and speaks_of(question, p.name)


def without_rivals(tools: Sequence[Tool], question: Question) -> list[Tool]:
    """`tools` without those that measure something else than what the question names.

    "Is Germany larger than France by area?" names `area`. A small model takes `larger` for a matter of `population`
    all the same, so a tool goes where another one of the same number of arguments and the same kind of result is
    named, and the question holds no word of its own: of its name, or of its description and no other's.
    """
    named = [t for t in tools if any(w.text.islower() and w.lower in spoken(t.name) for w in question.words)]
    told = {t.name: description_words(t) for t in tools}

    def dropped(tool: Tool) -> bool:
        others = frozenset[str]().union(*(told[t.name] | spoken(t.name) for t in tools if t is not tool))
        own = spoken(tool.name) | (told[tool.name] - others)
        return not own & question.vocabulary and any(_alike(tool, other) for other in named)

    return [t for t in tools if t in named or not dropped(t)]


def _alike(one: Tool, other: Tool) -> bool:
    def form(tool: Tool) -> tuple[int, bool]:
        kinds = frozenset() if tool.returns is None else kinds_of(tool.returns, tool.returns.get("$defs", {}))
        return sum(p.required for p in tool.params.values()), bool(kinds) and kinds <= NUMERIC

    return (
        form(one) == form(other)
        and form(one)[1]
        and not any(is_formula(p) for t in (one, other) for p in t.params)
    )


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


def plan_prompt(tools: Sequence[Tool], question: Question) -> str:
    """The prompt, up to where the first line of the plan begins."""
    lines = []
    for tool in tools:
        names = ", ".join(p.name for p in shown_parameters(tool, question))
        about = re.split(r"(?<=[.;])\s", " ".join(tool.description.split("\n\n")[0].split()))[0].rstrip(".;")
        about = about[:1].lower() + about[1:] if about[1:2].islower() else about
        about = about[:MAX_DESCRIPTION]
        if any(map(is_formula, tool.params)) and "$1" not in about:
            about += FORMULA_HINT
        lines.append(f"{tool.name}({names}): {about}".rstrip(": "))
    return "Tools:\n" + "\n".join(lines) + f"\nQuestion: {question.text.replace(chr(34), chr(39))}\n"
