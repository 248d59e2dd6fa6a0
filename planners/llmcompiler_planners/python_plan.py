"""The planner for models that write code: straight Python with the tools as functions, read while it is written.

The code is never executed: what flows from call to call becomes the task graph. What the code means is in `pycode`.
Whether a task can run, and what happens to one that can not, is the runtime's business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import UsageError
from llmcompiler.models.base import Model, ModelChunk, ModelRequest
from llmcompiler.plan import Join, Task
from llmcompiler.values import Ref

from ._reading import read_items
from .observations import ObservationFormat
from .prompt import Example
from .pycode import PythonPlanReader, plan_to_python, read_python_plan
from .pycode.mending import Mending
from .pycode.printer import result_name
from .pycode.prompt import messages, system_text, variable_names

if TYPE_CHECKING:
    from llmcompiler.protocols import PlanContext, PlanItem


class PythonPlanner:
    r"""Plans with a language model that writes straight Python: assignments, calls, f-strings, `for`, `if`.

    The code is parsed and never executed. A statement's tasks are yielded as soon as it is complete, and code that
    looks sequential runs in parallel where nothing depends on one another. Arithmetic on results becomes calls of a
    tool that takes a formula, where there is one. What is outside of the subset is a diagnostic with its place, and is
    asked for again. The system message is the same bytes for every call with the same tools.

    Args:
        model: Writes the plan.
        examples: Questions with the plans you would want, in the plan language; shown as Python. Those that call a tool
            which is not there are left out.
        instructions: Said to the model beside the rules, e.g. what to know of your field.
        max_tokens: Most tokens of a reply; None for the server's own limit. A plan cut off there is taken up again.
        temperature: 0 for the most likely plan; None for the server's default.
        observation_format: How results are shown for a later round.

    ```python
    from llmcompiler import LLMCompiler
    from llmcompiler.testing import ScriptedModel


    def height(mountain: str) -> int:
        return {"K2": 8611, "Everest": 8849}[mountain]


    model = ScriptedModel(['a = height("K2")\nb = height("Everest")\nreturn b'])
    compiler = LLMCompiler([height], model=model, planner="python")
    assert compiler.run_sync("How high is Everest?").output == 8849
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
            max_tokens=self.max_tokens,
            temperature=self.temperature,
        )

    def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        """The items of the plan as they are written.

        Raises:
            ModelError: No plan came, or it broke off; what was yielded until then stands.
            LimitExceeded: No more model calls are allowed.
        """
        reader = _MendingReader(context) if context.purpose == "repair" else _CodeReader(context)
        return read_items(self.model, self.request(context), context, reader)


class _CodeReader:
    """Python text as plan items."""

    def __init__(self, context: PlanContext) -> None:
        self.ended = False
        self.cut = ""
        tasks = [*(o.task for o in context.observations), *context.running]
        variables: dict[str, Any] = {result_name(t.id): Ref(t.id) for t in tasks}
        variables |= {result_name(i): Ref(i) for i in context.broken}
        variables |= {name: Ref(i) for i, name in variable_names(context).items()}
        self._plan = PythonPlanReader(
            context.tools,
            shown=context.shown,
            next_id=context.next_id,
            known={t.id: t for t in tasks},
            variables=variables,
        )

    def feed(self, chunk: ModelChunk) -> Iterator[PlanItem]:
        for item in self._plan.feed(chunk.text):
            self.ended = self.ended or isinstance(item, Join)
            yield item

    def close(self) -> Iterator[PlanItem]:
        yield from self._plan.close()


class _MendingReader(_CodeReader):
    """Python text that mends calls: it is read to its end before anything of it is given out.

    Which call replaces which can be said only when all are there.
    """

    def __init__(self, context: PlanContext) -> None:
        super().__init__(context)
        self._context = context
        self._found: list[PlanItem] = []
        self.needed: frozenset[int] = frozenset()
        """Ids of calls that the mended ones need."""

    def feed(self, chunk: ModelChunk) -> Iterator[PlanItem]:
        self._found += super().feed(chunk)
        return iter(())

    def close(self) -> Iterator[PlanItem]:
        self._found += super().close()
        mending = Mending(self._context)
        tasks = mending.tasks([i for i in self._found if isinstance(i, Task)])
        self.needed = frozenset(t.id for t in tasks)
        yield from mending.diagnostics(i for i in self._found if isinstance(i, Diagnostic))
        yield from tasks


__all__ = ["PythonPlanner", "plan_to_python", "read_python_plan"]
