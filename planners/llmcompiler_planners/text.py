"""The planner for any model that writes text: it streams a plan in the plan language, item by item.

What the prompt says is in `prompt`, what the text means in `llmcompiler.language`. Whether a task can run, and what
happens to one that can not, is the runtime's business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from llmcompiler.errors import UsageError
from llmcompiler.language import Item, PlanParser
from llmcompiler.models.base import Model, ModelChunk, ModelRequest

from ._reading import read_items
from .observations import ObservationFormat
from .prompt import END, Example, messages, system_text

if TYPE_CHECKING:
    from llmcompiler.protocols import PlanContext, PlanItem


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

    def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        """The items of the plan as they are written.

        Raises:
            ModelError: No plan came, or it broke off; what was yielded until then stands.
            LimitExceeded: No more model calls are allowed.
        """
        return read_items(self.model, self.request(context), context, _TextReader(context))


class _TextReader:
    """Plan text as plan items."""

    def __init__(self, context: PlanContext) -> None:
        self.ended = False
        self.cut = ""
        # A model that says again what is there does no harm: the runtime drops calls it knows, and a repair takes
        # only what it asked for.
        known = context.known_ids
        self._parser = PlanParser(earlier=known, redeclare=known.union(context.broken))

    def feed(self, chunk: ModelChunk) -> list[Item]:
        return self._parser.feed(chunk.text)

    def close(self) -> list[Item]:
        return self._parser.close()


__all__ = ["TextPlanner"]
