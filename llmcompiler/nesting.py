"""A compiler as a tool of another one. The run inside has its own limits, and never more time than the call has."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import events as ev
from ._jsonable import describe_error
from .context import ToolContext
from .errors import ConfigurationError, LLMCompilerError, ToolDefinitionError, ToolError
from .limits import Limits
from .parameters import from_function
from .protocols import Reporter
from .session import WRAP_UP
from .tools import Tool, known_options

if TYPE_CHECKING:
    from .compiler import LLMCompiler

NOT_HERE = frozenset({"batch", "max_batch", "max_concurrency"})
"""Options of `@tool` that make no sense for a tool that runs a plan of its own."""

_DEPTH: ContextVar[int] = ContextVar("llmcompiler_depth", default=0)
"""How many compilers, one inside the call of another, are above the code that runs now."""


def make_tool(
    compiler: LLMCompiler,
    name: str,
    description: str,
    *,
    limits: Limits | None = None,
    output_type: Any = None,
    max_depth: int = 4,
    **options: Any,
) -> Tool:
    """See `LLMCompiler.as_tool`."""
    if isinstance(max_depth, bool) or not isinstance(max_depth, int) or max_depth < 1:
        raise ConfigurationError(f"max_depth={max_depth!r}: give a whole number, 1 or more")
    known_options(name, options)
    if wrong := sorted(options.keys() & NOT_HERE):
        hint = "the calls it makes have caps of their own" if "max_concurrency" in wrong else ""
        raise ToolDefinitionError(name, f"is a compiler and has no option {', '.join(wrong)}", hint)
    own = compiler.checked_limits(limits)

    async def ask(question: str, ctx: ToolContext) -> Any:
        """Answer a question.

        Args:
            question: What is asked, in plain words.
            ctx: Filled in by the runtime.
        """
        depth = _DEPTH.get() + 1
        if depth > max_depth:
            raise ToolError(
                f"`{name}` would be the {depth}th compiler inside another; {max_depth} are allowed. Do compilers have "
                "each other as tools, in a circle? Else raise max_depth= of as_tool"
            )
        token = _DEPTH.set(depth)
        try:
            result = await compiler._session(
                question,
                output_type,
                within(own, ctx.remaining),
                None,
                [_Progress(ctx)],
            ).run()
        except Exception as e:
            error = ToolError(f"`{name}` gave no answer: {_text(e)}")
            error.result = getattr(e, "result", None)
            raise error from e
        finally:
            _DEPTH.reset(token)
        return result.output

    ask.__name__ = name if isinstance(name, str) else "ask"
    ask.__annotations__["return"] = str if output_type is None else output_type
    described = from_function(name, ask)
    return Tool(
        ask,
        name=name,
        parameters=described.parameters,
        defs=described.defs,
        returns=described.returns,
        gives_other=described.gives_other,
        description=description,
        context=described.context,
        # It makes calls itself: with a place under the caps of an executor that both share it would wait for itself.
        counted=False,
        **options,
    )


def within(limits: Limits, remaining: float | None) -> Limits:
    """The limits, with no more seconds than the call has left, less some to answer with what there is."""
    if remaining is None:
        return limits
    room = max(remaining - min(WRAP_UP, remaining / 5), 1e-3)
    return limits if limits.seconds is not None and limits.seconds <= room else replace(limits, seconds=room)


def _text(error: Exception) -> str:
    return str(error) if isinstance(error, LLMCompilerError) else describe_error(error)


class _Progress(Reporter):
    """Tells the call's own run how the run inside goes on."""

    def __init__(self, ctx: ToolContext) -> None:
        self._ctx = ctx
        self._planned = 0
        self._ended = 0

    def report(self, event: ev.Event) -> None:
        """Pass on what matters: calls that begin and end, and further rounds."""
        if isinstance(event, ev.TaskPlanned):
            self._planned += 1
            return
        if isinstance(event, ev.TaskStarted):
            text = f"{event.task_id}. {event.tool} began"
        elif isinstance(event, ev.TaskFinished):
            self._ended += 1
            text = f"{event.task_id}. {event.tool} {event.outcome.status}"
        elif isinstance(event, ev.Replanned):
            text = f"round {event.round + 1}: {event.feedback}"
        else:
            return
        fraction = self._ended / self._planned if self._planned else None
        task_id = getattr(event, "task_id", None)
        self._ctx.report(text, fraction, {"run_id": event.run_id, "event": event.type, "task_id": task_id})
