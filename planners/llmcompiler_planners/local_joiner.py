"""The joiner for the embedded model: answers are made in code from results, never by the model's own words.

A model this small answers comparisons at the level of chance. Typed results are compared as they are (`comparisons`).
Out of a text the model only copies the value that the question asks for (`spans`); code compares it (`verdicts`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from llmcompiler.errors import LimitExceeded, ModelError, ModelReplyInvalid, ToolError, UsageError
from llmcompiler.models.base import Model
from llmcompiler.outcomes import Succeeded
from llmcompiler.plan import Task
from llmcompiler.protocols import Answer, Decision, Observation

from .comparisons import FREE_TEXT, Verdict, judge
from .excerpts import one_line
from .facts import in_order_of_question, is_formula_call, label_of
from .output import OutputType
from .spans import Span, copy_value
from .table import observation_table, sink_values
from .verdicts import Asked, Found, asks_for_value, decide, told
from .words import Question, read_question

if TYPE_CHECKING:
    from llmcompiler.protocols import JoinContext
    from llmcompiler.tools import ToolRegistry

ADAPTER = "values"
"""Name of the adapter that the model is asked to switch on."""
MIN_CONFIDENCE = 0.5
"""Mean token probability of a copied value, from 0 to 1, below which it is not used."""
MAX_TEXTS = 8
"""Texts of which values are taken; where there are more, all are shown as they are."""
_SENTENCE_WORDS = 5
_DEPTH = 4
_ITEMS = 20


class LocalJoiner:
    r"""Answers in code: no model writes a word of the answer, and no second round is asked for.

    - Two or more results of one kind are compared as the question asks: larger, smaller, the same, in order, total,
      average, difference, ratio. The sentence holds every value that was compared.
    - A single result is told with what it belongs to, and so are several that the question does not compare.
    - Where results are texts and the question asks for a fact (`Who was born first, ...?`), `model` copies that fact
      out of each text, one request a text, and these values are compared: the same or not, first, larger, yes or no.
      Where a value is missing, or the model was not sure of it, the texts are shown as they are, with a note.
    - Anything else, and whatever failed, stands below as it came.

    Args:
        model: Copies values out of texts; it needs the features `completion` and `grammar`. Without one, or with a
            model that lacks them, texts are only shown.
        min_confidence: Mean token probability of a copied value, from 0 to 1, below which it is not used.
        max_texts: Most texts that values are taken out of; of more, none is.

    Raises:
        UsageError: A setting is out of range.

    ```python
    from llmcompiler import LLMCompiler
    from llmcompiler.testing import ScriptedPlanner
    from llmcompiler_planners import LocalJoiner


    def population(city: str) -> int:
        return {"Oslo": 709_000, "Rome": 2_873_000}[city]


    planner = ScriptedPlanner(['1. population("Oslo")\n2. population("Rome")\njoin()'])
    compiler = LLMCompiler([population], planner=planner, joiner=LocalJoiner())
    answer = compiler.run_sync("Which city is larger, Oslo or Rome?").output
    assert answer == "Rome (2,873,000) is larger than Oslo (709,000) by population."
    ```
    """

    def __init__(
        self,
        model: Model | None = None,
        *,
        min_confidence: float = MIN_CONFIDENCE,
        max_texts: int = MAX_TEXTS,
    ) -> None:
        if max_texts < 0 or not 0 <= min_confidence <= 1:
            raise UsageError("max_texts must be 0 or more, min_confidence from 0 to 1")
        self.model = model
        self.min_confidence = min_confidence
        self.max_texts = max_texts

    async def join(self, context: JoinContext) -> Decision:
        """Answer.

        Raises:
            ToolError: No call has a result, so there is nothing to answer with.
            ModelReplyInvalid: The answer can not be made into `output_type`.
        """
        if not any(isinstance(o.outcome, Succeeded) for o in context.observations):
            why = observation_table(context.observations) if context.observations else "no call was planned"
            raise ToolError(
                f"there is no result to answer with: {why}"
                + (f" ({context.reason})" if context.reason else "")
            )
        output = OutputType(context.output_type)
        verdict = await self._verdict(context)
        if output.is_text:
            text = verdict.text or observation_table(context.observations)
            if context.reason:
                text += f"\n({context.reason})"
            context.delta(text)
            return Answer(text)
        return Answer(_typed(verdict, output, context.observations))

    async def _verdict(self, context: JoinContext) -> Verdict:
        question = read_question(context.question)
        articles = _articles(context.observations, question)
        asked = Asked(question, tuple(a.label for a in articles))
        if (
            self.model is None
            or not {"completion", "grammar"} <= self.model.features
            or not 0 < len(articles) <= self.max_texts
            or not asks_for_value(asked)
        ):
            return judge(question, context.observations)
        spans = await self._copied(articles, context, self.model)
        taken = {a.task.id: s.text for a, s in zip(articles, spans, strict=True) if s and self._sure(s)}
        found = [Found(a.label, taken[a.task.id]) for a in articles if a.task.id in taken]
        shown = judge(question, context.observations, taken)
        if len(found) < len(articles):
            note = "(the embedded model could not take what was asked for out of these texts)"
            lines = [told(found, named=True).text] if found else []
            # Values that nothing was decided with are no answer of any type.
            return Verdict("\n".join([*lines, shown.text, note]))
        tools = {a.task.tool for a in articles}
        failed = any(
            o.task.tool in tools and not isinstance(o.outcome, Succeeded) for o in context.observations
        )
        # What failed would have been compared, too.
        made = told(found, named=True) if failed else decide(asked, found)
        return Verdict("\n".join(t for t in (made.text, shown.text) if t), (*made.values, *shown.values))

    def _sure(self, span: Span) -> bool:
        return bool(span.text) and span.confidence >= self.min_confidence

    async def _copied(
        self, articles: Sequence[_Article], context: JoinContext, model: Model
    ) -> list[Span | None]:
        """The value out of each text, at the same time; None where no call was allowed, or the model failed."""

        async def one(article: _Article) -> Span | None:
            try:
                context.allow_call()
                span = await copy_value(
                    model,
                    _positional(article.task, context.tools),
                    article.text,
                    context.question,
                    ADAPTER,
                    article.label,
                )
            except (LimitExceeded, ModelError):
                return None  # the texts are there all the same
            context.usage(span.usage)
            return span

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(a)) for a in articles]
        return [t.result() for t in tasks]


@dataclass(frozen=True, slots=True)
class _Article:
    """A result that is a text to be read."""

    task: Task
    label: str
    text: str


def _positional(task: Task, tools: ToolRegistry | None) -> Task:
    """The call as plans for small models write it: required arguments by position, others by name."""
    tool = None if tools is None else tools.get(task.tool)
    required = [n for n, p in tool.params.items() if p.required] if tool else list(task.args)[:1]
    lead = list(takewhile(lambda pair: pair[0] == pair[1], zip(task.args, required, strict=False)))
    args = {str(i): task.args[name] for i, (name, _) in enumerate(lead)}
    return replace(task, args=args | {k: v for k, v in task.args.items() if k not in dict(lead)})


def _articles(observations: Sequence[Observation], question: Question) -> list[_Article]:
    """Results that are texts, or hold them, in the order in which the question names what they are about."""
    values = {o.task.id: o.outcome.value for o in observations if isinstance(o.outcome, Succeeded)}
    used = {d for o in observations for d in o.task.depends_on}
    found = [
        _Article(o.task, label_of(o.task, values), text)
        for o in observations
        if isinstance(o.outcome, Succeeded) and o.task.id not in used and not is_formula_call(o.task)
        if (text := _text_of(o.outcome.value))
    ]
    return [found[i] for i in in_order_of_question([a.label for a in found], question)]


def _text_of(value: Any) -> str:
    """The text that `value` is, or that its fields and items hold; empty where it tells nothing in sentences."""
    texts = _texts(value, 0)
    return "\n".join(texts) if any(map(_tells, texts)) else ""


def _texts(value: Any, depth: int) -> list[str]:
    if isinstance(value, str):
        return [value]
    if depth >= _DEPTH:
        return []
    if isinstance(value, Mapping):
        items: list[Any] = list(value.values())[:_ITEMS]
    elif isinstance(value, (list, tuple)):
        items = list(value[:_ITEMS])
    else:
        return []
    # Addresses and dates among the fields are shown to the model as they stand; numbers have no name there.
    return [t for item in items for t in _texts(item, depth + 1)]


def _tells(text: str) -> bool:
    """Whether it says something in a sentence, rather than names one thing."""
    words = one_line(text[: 4 * FREE_TEXT]).split()
    return len(words) >= _SENTENCE_WORDS and (
        len(text) > FREE_TEXT or text.rstrip().endswith((".", "!", "?"))
    )


def _typed(verdict: Verdict, output: OutputType, observations: Sequence[Observation]) -> Any:
    sinks = sink_values(observations)
    candidates = [*verdict.values, *([next(iter(sinks.values()))] if len(sinks) == 1 else []), sinks]
    for candidate in candidates:
        # A text is no number and a number no text: what the type would have to be talked into is not the answer.
        try:
            return output.adapter.validate_python(candidate, strict=True)
        except ValidationError:
            continue
    if isinstance(output.kind, type) and issubclass(output.kind, Enum):
        texts = {
            str(v).casefold() for v in verdict.values if isinstance(v, (str, int)) and not isinstance(v, bool)
        }
        members = [m for m in output.kind if str(m.value).casefold() in texts or m.name.casefold() in texts]
        if len(members) == 1:
            return members[0]
    for candidate in candidates:
        if isinstance(candidate, (bool, str)):
            continue
        try:
            return output.adapter.validate_python(candidate, from_attributes=True)
        except ValidationError:
            continue
    raise ModelReplyInvalid(
        f"the embedded model can not make an answer of type {getattr(output.kind, '__name__', output.kind)!r} from "
        "these results; ask for text, end the plan with join($n), or use a larger model"
    )


__all__ = ["LocalJoiner"]
