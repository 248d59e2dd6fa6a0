"""The planner for any model that writes text: it streams a plan in the plan language, item by item.

What the prompt says is in `prompt`, what the text means in `llmcompiler.language`. Whether a task can run, and what
happens to one that can not, is the runtime's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import ModelReplyInvalid, ModelStreamBroken, UsageError
from llmcompiler.language import PlanParser
from llmcompiler.models.base import Model, ModelChunk, ModelRequest, Usage
from llmcompiler.plan import Join, Task

from ._streams import closable
from .guesses import GuessCheck
from .observations import ObservationFormat
from .prompt import END, Example, messages, system_text

if TYPE_CHECKING:
    from llmcompiler.protocols import PlanContext, PlanItem

USAGE_WAIT = 0.25
"""Seconds the end of a reply is waited for after the join, since servers tell the tokens used only there."""


class TextPlanner:
    r"""Plans with a language model that writes plan text.

    Tasks are yielded as soon as they are complete. The reply is read no further once a join has come. The system
    message is the same bytes for every call with the same tools, so that a server's prefix cache works.

    Args:
        model: Writes the plan.
        examples: Questions with the plans you would want; those that call a tool which is not there are left out.
        instructions: Said to the model beside the rules, e.g. what to know of your field.
        max_tokens: Most tokens of a reply; None for the server's own limit. A plan cut off there is taken up again.
        temperature: 0 for the most likely plan; None for the server's default.
        observation_format: How results are shown for a later round.

    ```python
    from llmcompiler_planners import Example, TextPlanner


    def planner_for(model):
        example = Example("Is K2 higher than Mont Blanc?", '1. height("K2")\n2. height("Mont Blanc")\njoin()')
        return TextPlanner(model, examples=[example], instructions="Heights are in metres.")
    ```
    """

    def __init__(
        self,
        model: Model,
        *,
        examples: Sequence[Example] = (),
        instructions: str = "",
        max_tokens: int | None = None,
        temperature: float | None = 0.0,
        observation_format: ObservationFormat | None = None,
    ) -> None:
        for example in examples:
            if not isinstance(example, Example):
                raise UsageError(f"examples holds {example!r}; write Example(question, plan_text)")
        self.model = model
        self.examples = tuple(examples)
        self.instructions = instructions
        self.max_tokens = max_tokens
        self.temperature = temperature
        self.observation_format = observation_format or ObservationFormat()

    def request(self, context: PlanContext) -> ModelRequest:
        """What the model is asked for `context`."""
        usable = [e for e in self.examples if e.tools <= context.shown.keys()]
        system = system_text(context.shown, usable, self.instructions)
        return ModelRequest(
            messages=messages(context, system, self.observation_format),
            purpose=context.purpose,
            stop=(END,),
            max_tokens=self.max_tokens,
            temperature=self.temperature,
        )

    async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        """The items of the plan as they are written.

        Raises:
            ModelError: No plan came, or it broke off; what was yielded until then stands.
            LimitExceeded: No more model calls are allowed.
        """
        request = self.request(context)
        reading = _Reading(context, request)
        context.allow_call()
        usage = Usage(model_calls=1)
        try:
            async with aclosing(closable(self.model.stream(request))) as stream:
                async for chunk in stream:
                    usage = reading.note(chunk) or usage
                    for item in reading.feed(chunk.text):
                        if isinstance(item, Join):
                            usage = await _last_usage(stream, reading) or usage
                            if context.purpose != "repair":
                                yield item
                            return
                        yield item
        finally:
            context.usage(usage)
        for item in reading.close():
            if not (isinstance(item, Join) and context.purpose == "repair"):
                yield item
        reading.complain()


async def _last_usage(stream: AsyncIterator[ModelChunk], reading: _Reading) -> Usage | None:
    """The usage at the very end of the reply, if that comes soon and no more text before it."""
    usage = None
    try:
        async with asyncio.timeout(USAGE_WAIT):
            async for chunk in stream:
                usage = reading.note(chunk) or usage
                if usage is not None or chunk.text.replace(END, "").strip():
                    break
    except Exception:
        return usage
    return usage


class _Reading:
    """What has come of one reply, and what the items in it are worth for the purpose of the call."""

    def __init__(self, context: PlanContext, request: ModelRequest) -> None:
        self.context = context
        self.known = context.known_ids
        self.repair = context.purpose == "repair"
        self.text: list[str] = []
        self.finish: str | None = None
        self.useful = False
        self._strays: list[Task] = []
        self._mended: set[int] = set()
        self._guesses = GuessCheck(lambda: request.text, self.known, numbers=not self.repair)
        # A model that says again what is there does no harm: the runtime drops calls it knows, and a repair takes
        # only what it asked for.
        again = self.known.union(context.broken)
        self._parser = PlanParser(earlier=self.known, redeclare=again)

    def note(self, chunk: ModelChunk) -> Usage | None:
        """Take note of a chunk; what it says of usage, with the call counted."""
        self.finish = chunk.finish_reason or self.finish
        return None if chunk.usage is None else replace(chunk.usage, model_calls=1)

    def feed(self, text: str) -> Iterator[PlanItem]:
        self.text.append(text)
        return self._sorted(self._parser.feed(text))

    def close(self) -> Iterator[PlanItem]:
        """The items at the end of a reply without a join."""
        if self.finish == "length":
            # The last statement may look whole and lack half of an argument: it must not run.
            yield Diagnostic("cut-off", "the reply was cut at its limit of tokens", 0, 0, severity="warning")
            return
        yield from self._sorted(self._parser.close())
        if self.repair and len(self._strays) == 1 and len(self.context.broken) == 1 and not self._mended:
            # One line was asked for and one came: only its number is wrong.
            yield from self._sorted([replace(self._strays[0], id=self.context.broken[0])])

    def _sorted(self, items: Iterable[PlanItem]) -> Iterator[PlanItem]:
        for item in items:
            if isinstance(item, Task):
                if self.repair and not self._is_wanted(item):
                    self._strays.append(item)
                    continue
                self._mended.add(item.id)
                guess = self._guesses.look(item, self.context.tools.get(item.tool))
                self.useful = True
                yield item if guess is None else guess
            elif self.repair and isinstance(item, Diagnostic) and item.task_id in self.known:
                continue
            else:
                self.useful = self.useful or isinstance(item, Join) or is_error(item)
                yield item

    def _is_wanted(self, task: Task) -> bool:
        broken = self.context.broken
        return task.id in broken or (not broken and task.id >= self.context.next_id)

    def complain(self) -> None:
        """Raise what is wrong with the reply as a whole.

        Raises:
            ModelStreamBroken: It was cut at its limit of tokens.
            ModelReplyInvalid: There is no plan in it.
        """
        text = "".join(self.text)
        if self.finish == "length":
            raise ModelStreamBroken(
                "the model's reply was cut at its limit of tokens before the plan was complete; "
                "raise max_tokens of the planner or of the server",
                text,
            )
        if not self.useful and self.context.purpose in ("plan", "replan"):
            shown = " ".join(text.split())
            shown = shown if len(shown) <= 200 else shown[:197] + "..."
            raise ModelReplyInvalid(
                f"the model wrote no plan but {shown!r}"
                if shown
                else "the model's reply to the planner was empty"
            )


def is_error(item: PlanItem) -> bool:
    """Whether `item` is a diagnostic that makes its task unusable."""
    return isinstance(item, Diagnostic) and item.severity == "error"


__all__ = ["TextPlanner"]
