"""The spans of a run's model calls, and how errors and tokens are written on any span. Nothing of plans and tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry import context as otel
from opentelemetry.context import Context
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from .._jsonable import describe_error
from ..models.asking import ModelCall
from ..models.base import Usage
from . import conventions as names
from .metrics import Instruments


@dataclass(slots=True)
class _Chat:
    """A model call that goes on."""

    span: Span
    before: Context
    """What was current before it."""


class Chats:
    """The model calls of one run that go on.

    Args:
        tracer: Makes the spans.
        measure: Takes durations and tokens.
        ns: From seconds since the run began to nanoseconds since 1970.
        content: Whether what is asked and answered is written into attributes.
    """

    def __init__(
        self, tracer: Tracer, measure: Instruments, ns: Callable[[float], int], *, content: bool
    ) -> None:
        self._tracer, self._measure, self._ns, self._content = tracer, measure, ns, content
        self._open: dict[ModelCall, _Chat] = {}

    @property
    def spans(self) -> list[Span]:
        """Those that have not ended."""
        return [chat.span for chat in self._open.values()]

    def begin(self, call: ModelCall, above: Context) -> None:
        """A request is about to be made, below what `above` holds. Its span becomes the current one."""
        if call in self._open:  # the reporter is listed twice
            return
        about = names.request_attributes(call.model, call.request)
        if self._content:
            about[names.INPUT] = names.asked(call.request)
        span = self._tracer.start_span(
            f"{about[names.OPERATION]} {call.model.name}",
            above,
            SpanKind.CLIENT,
            about,
            start_time=self._ns(call.started),
        )
        # What the model's client does, an HTTP request for instance, belongs below this span.
        before = otel.get_current()
        self._open[call] = _Chat(span, before)
        otel.attach(set_span_in_context(span, before))

    def end(self, call: ModelCall, at: float) -> None:
        """The reply is over, at `at` seconds since the run began."""
        chat = self._open.pop(call, None)
        if chat is None:
            return
        self._leave(chat)
        self._measure.model_call(call, at)
        span = chat.span
        if call.usage is not None:
            used(span, call.usage)
        if call.finish_reason is not None:
            span.set_attribute(names.FINISH, [names.sendable(call.finish_reason)])
        if call.first is not None:
            span.set_attribute(names.FIRST_CHUNK, call.first - call.started)
        if self._content and call.parts:
            reply = names.said("assistant", "".join(call.parts), call.finish_reason or "stop")
            span.set_attribute(names.OUTPUT, names.messages([reply]))
        if call.error is not None:
            failed(span, call.error, content=self._content)
        span.end(self._ns(at))

    def end_all(self, at: float) -> None:
        """The run is over: replies whose reader left them open are too."""
        for call in reversed(list(self._open)):
            self.end(call, at)

    def _leave(self, chat: _Chat) -> None:
        # Not `detach`: a stream may be closed in another context than the one that it began in, and while one that
        # began later goes on. What is current then is not this call, and stays.
        for other in self._open.values():
            if get_current_span(other.before) is chat.span:
                other.before = chat.before
        if get_current_span() is chat.span:
            otel.attach(chat.before)


def used(span: Span, usage: Usage) -> None:
    """Write down tokens."""
    span.set_attribute(names.INPUT_TOKENS, names.whole(usage.prompt_tokens))
    span.set_attribute(names.OUTPUT_TOKENS, names.whole(usage.completion_tokens))


def failed(span: Span, error: BaseException, *, content: bool) -> None:
    """Write down an error; its message, which may quote arguments and results, only with `content`."""
    span.set_attribute(names.ERROR, type(error).__name__)
    span.set_status(Status(StatusCode.ERROR, names.cut(describe_error(error)) if content else None))


__all__ = ["Chats", "failed", "used"]
