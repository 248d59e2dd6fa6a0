"""Joiners that ask no model: the values themselves, or a plain table of everything that came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from llmcompiler.errors import ModelReplyInvalid
from llmcompiler.outcomes import Cancelled, Failed, Skipped, Succeeded
from llmcompiler.protocols import Answer, Decision

from .excerpts import one_line, printable
from .observations import ObservationFormat, call_text
from .output import OutputType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcompiler.protocols import JoinContext, Observation


class ValuesJoiner:
    """Answers with the values of the tasks that nothing depends on, and never asks for another round.

    For text as output type (the default) the answer is `{id: value}` of those that succeeded. For any other
    `output_type` it is the one value there is, or else that dict, made into the type.
    """

    async def join(self, context: JoinContext) -> Decision:
        """Answer.

        Raises:
            ModelReplyInvalid: The values do not fit `output_type`.
        """
        values = sink_values(context.observations)
        output = OutputType(context.output_type)
        if output.is_text:
            return Answer(values)
        candidates: list[Any] = [next(iter(values.values())), values] if len(values) == 1 else [values]
        problem = ""
        for candidate in candidates:
            try:
                return Answer(output.adapter.validate_python(candidate, from_attributes=True))
            except ValidationError as e:
                first = e.errors(include_url=False, include_context=False, include_input=False)[0]
                problem = problem or str(first["msg"])
        raise ModelReplyInvalid(
            f"the values of tasks {', '.join(map(str, values)) or '(none)'} do not fit the output type: {problem}; "
            "end the plan with join($n), or pass a joiner that has a model"
        )


class TableJoiner:
    """Answers with a plain text table of every observation, and never asks for another round.

    It is for people to read where no model can be trusted with the answer: nothing in it is made up or left out,
    except that long results are cut, with a note. For any other `output_type` than text it does as `ValuesJoiner`.

    Args:
        observation_format: How much of each result is shown.
    """

    def __init__(self, observation_format: ObservationFormat | None = None) -> None:
        self.observation_format = observation_format or ObservationFormat()

    async def join(self, context: JoinContext) -> Decision:
        """Answer."""
        if not OutputType(context.output_type).is_text:
            return await ValuesJoiner().join(context)
        text = observation_table(context.observations, self.observation_format)
        context.delta(text)
        return Answer(text)


def sink_values(observations: Sequence[Observation]) -> dict[int, Any]:
    """`{id: value}` of the tasks that succeeded and that no other task depends on."""
    used = {d for o in observations for d in o.task.depends_on}
    return {
        o.task.id: o.outcome.value
        for o in observations
        if isinstance(o.outcome, Succeeded) and o.task.id not in used
    }


def observation_table(observations: Sequence[Observation], form: ObservationFormat | None = None) -> str:
    """Every observation as a line for people: `search("K2"): 8,611 m high`. Text values stand without quotes."""
    form = form or ObservationFormat()
    if not observations:
        return "No calls were made."
    return "\n".join(f"{call_text(o.task)}: {_result_text(o, form)}" for o in observations)


def _result_text(observation: Observation, form: ObservationFormat) -> str:
    outcome = observation.outcome
    if isinstance(outcome, Succeeded):
        value = outcome.value
        # Text that fits is shown as it is; what is long or structured is written and cut like for a model.
        if type(value) is str and len(value) <= form.max_tokens:
            return one_line(printable(value))
        return form.value(value)
    if isinstance(outcome, Failed):
        return f"failed: {form.value(_text(outcome.error))}"
    if isinstance(outcome, Skipped):
        cause = (
            "its condition was false"
            if outcome.cause == observation.task.id
            else f"task {outcome.cause} gave nothing"
        )
        return f"skipped, because {cause}"
    assert isinstance(outcome, Cancelled)
    return "cancelled" + (f": {one_line(outcome.reason)}" if outcome.reason else "")


def _text(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__


__all__ = ["TableJoiner", "ValuesJoiner", "observation_table", "sink_values"]
