"""The spans and measurements of one run, made from its events alone. Nothing here knows of other runs.

`invoke_agent`, below it `plan`, `join` and `execute_tool` beside each other, below plan and join the `chat` of a model.
Links lead from a call to those that it waited for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import context as otel
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from .. import events as ev
from .._jsonable import describe_error
from ..models.asking import ModelCall
from ..outcomes import Cancelled, Failed, Outcome, Skipped, Succeeded
from ..plan import Task
from . import conventions as names
from .metrics import Instruments


@dataclass(slots=True)
class _Planned:
    """A task, and its span once it has one."""

    task: Task
    round: int
    after: Sequence[int]
    span: Span | None = None
    tool: str = ""
    attempt: int = 1
    items: dict[int, Span] = field(default_factory=dict)


class RunSpans:
    """Makes and ends the spans of a run.

    Args:
        tracer: Makes them.
        measure: Takes durations and tokens.
        started: The event that began the run.
        agent: Name of the agent in their names.
        origin: When the run began, in nanoseconds since 1970.
        content: Whether questions, arguments, results, answers and messages of errors are written into attributes.
    """

    def __init__(
        self,
        tracer: Tracer,
        measure: Instruments,
        started: ev.RunStarted,
        agent: str,
        origin: int,
        *,
        content: bool,
    ) -> None:
        self._tracer, self._measure = tracer, measure
        self._agent, self._origin, self._content = agent, origin, content
        self._run_id = started.run_id
        about: dict[str, Any] = {
            names.OPERATION: "invoke_agent",
            names.PROVIDER: "llmcompiler",
            names.AGENT: agent,
            names.RUN: started.run_id,
        }
        if content:
            about[names.INPUT] = names.messages([names.said("user", started.question)])
        # The parent is whatever span is current where the run was begun: the caller's, or that of a tool.
        self._root = tracer.start_span(
            f"invoke_agent {agent}", attributes=about, start_time=self._ns(started.at)
        )
        self._above = set_span_in_context(self._root)
        self._phase: Span | None = None
        self._phases: dict[int, Span] = {}
        self._tasks: dict[int, _Planned] = {}
        self._chats: dict[ModelCall, tuple[Span, Context]] = {}
        self._rounds = 0

    def report(self, event: ev.Event) -> None:
        """Take note of `event`, which is none of another run."""
        match event:
            case ev.TaskPlanned():
                self._planned(event)
            case ev.TaskStarted():
                self._started(event)
            case ev.TaskFinished():
                self._finished(event)
            case ev.ItemFinished():
                self._item_finished(event)
            case ev.TaskProgress():
                self._progressed(event)
            case ev.TaskRetried():
                self._retried(event)
            case ev.TaskHedged():
                self._hedged(event)
            case ev.ApprovalRequested():
                self._approval(event)
            case ev.PlanStarted():
                self._plan_started(event)
            case ev.PlanFinished():
                self._plan_finished(event)
            case ev.JoinStarted():
                self._join_started(event)
            case ev.Replanned():
                self._replanned(event)
            case ev.DiagnosticEmitted():
                self._diagnosed(event)
            case ev.RunFinished():
                self._run_finished(event)
            case _:
                pass  # pieces of text

    def _ns(self, at: float) -> int:
        return self._origin + int(at * 1e9)

    # -- plans and joins ---------------------------------------------------------------

    def _plan_started(self, event: ev.PlanStarted) -> None:
        self._rounds = max(self._rounds, event.round)
        self._end_phase(event.at)
        about = {names.OPERATION: "plan", names.AGENT: self._agent, names.PURPOSE: event.purpose}
        self._begin_phase(f"plan {self._agent}", event.round, event.at, about)

    def _plan_finished(self, event: ev.PlanFinished) -> None:
        if self._phase is not None:
            self._phase.set_attribute(names.TASKS, event.tasks)
        self._end_phase(event.at)

    def _join_started(self, event: ev.JoinStarted) -> None:
        self._end_phase(event.at)
        self._begin_phase(f"join {self._agent}", event.round, event.at, {names.AGENT: self._agent})

    def _replanned(self, event: ev.Replanned) -> None:
        if self._phase is not None:
            self._phase.add_event("replan", timestamp=self._ns(event.at))
        self._end_phase(event.at)

    def _diagnosed(self, event: ev.DiagnosticEmitted) -> None:
        d = event.diagnostic
        about: dict[str, Any] = {
            "llmcompiler.diagnostic.code": d.code,
            "llmcompiler.diagnostic.severity": d.severity,
        }
        if self._content:
            about["llmcompiler.diagnostic.message"] = names.cut(d.message)
        (self._phase or self._root).add_event("diagnostic", about, self._ns(event.at))

    def _begin_phase(self, name: str, number: int, at: float, about: Mapping[str, Any]) -> None:
        self._phase = self._tracer.start_span(
            name, self._above, attributes={**about, names.ROUND: number}, start_time=self._ns(at)
        )

    def _end_phase(self, at: float) -> None:
        if self._phase is not None:
            self._phase.end(self._ns(at))
            self._phase = None

    # -- models --------------------------------------------------------------------------

    def model_asked(self, call: ModelCall) -> None:
        """A planner or joiner is about to ask a model."""
        about = names.request_attributes(call.model, call.request)
        if self._content:
            about[names.INPUT] = names.asked(call.request)
        above = self._above if self._phase is None else set_span_in_context(self._phase)
        span = self._tracer.start_span(
            f"{about[names.OPERATION]} {call.model.name}",
            above,
            SpanKind.CLIENT,
            about,
            start_time=self._ns(call.started),
        )
        # What the model's client does, an HTTP request for instance, belongs below this span.
        before = otel.get_current()
        otel.attach(set_span_in_context(span, before))
        self._chats[call] = span, before

    def model_answered(self, call: ModelCall) -> None:
        """The reply is over."""
        self._measure.model_call(call)
        found = self._chats.pop(call, None)
        if found is None:
            return
        span, before = found
        # No `detach`: the stream may be closed in another context than the one that it began in.
        otel.attach(before)
        if call.usage is not None:
            span.set_attribute(names.INPUT_TOKENS, call.usage.prompt_tokens)
            span.set_attribute(names.OUTPUT_TOKENS, call.usage.completion_tokens)
        if call.finish_reason is not None:
            span.set_attribute(names.FINISH, [call.finish_reason])
        if call.first is not None:
            span.set_attribute(names.FIRST_CHUNK, call.first - call.started)
        if self._content and call.parts:
            reply = names.said("assistant", "".join(call.parts), call.finish_reason or "stop")
            span.set_attribute(names.OUTPUT, names.messages([reply]))
        if call.error is not None:
            self._failed(span, call.error)
        span.end(self._ns(call.finished if call.finished is not None else call.started))

    # -- calls ---------------------------------------------------------------------------

    def _planned(self, event: ev.TaskPlanned) -> None:
        self._tasks[event.task.id] = _Planned(event.task, event.round, event.after, tool=event.task.tool)

    def _started(self, event: ev.TaskStarted) -> None:
        found = self._tasks.get(event.task_id)
        if found is None:
            return
        span = self._span_of(found, event.item)
        if span is None:
            found.tool = event.tool
            if event.item is not None and found.span is None:
                found.span = self._begin_task(found, f"for {event.tool}", event.at, {})
            span = self._begin_call(found, event)
        elif event.tool != found.tool:
            found.tool = event.tool
            span.add_event("fallback", {names.TOOL: event.tool}, self._ns(event.at))
        # This runs in the task that makes the call, whose context is its own: what the tool does is below its span.
        otel.attach(set_span_in_context(span))

    def _retried(self, event: ev.TaskRetried) -> None:
        about: dict[str, Any] = {
            names.ATTEMPTS: event.attempt,
            names.ERROR: type(event.error).__name__,
            "llmcompiler.retry.delay": event.delay,
        }
        if self._content:
            about["exception.message"] = names.cut(describe_error(event.error))
        self._tell(event, "retry", about)

    def _hedged(self, event: ev.TaskHedged) -> None:
        self._tell(event, "hedge", {names.TOOL: event.tool, "llmcompiler.hedge.after": event.after})

    def _progressed(self, event: ev.TaskProgress) -> None:
        about: dict[str, Any] = {}
        if event.fraction is not None:
            about["llmcompiler.progress"] = event.fraction
        if self._content:
            about["llmcompiler.message"] = names.cut(event.message)
        self._tell(event, "progress", about)

    def _approval(self, event: ev.ApprovalRequested) -> None:
        # The call has no span yet: it has not begun.
        about: dict[str, Any] = {names.TASK: event.task_id, names.TOOL: event.tool}
        self._root.add_event("approval requested", about, self._ns(event.at))

    def _item_finished(self, event: ev.ItemFinished) -> None:
        found = self._tasks.get(event.task_id)
        if found is None:
            return
        span = found.items.pop(event.item, None)
        if span is None:  # no call was made for it
            if found.span is None:
                found.span = self._begin_task(found, f"for {event.tool}", event.at, {})
            span = self._tracer.start_span(
                f"execute_tool {event.tool}",
                set_span_in_context(found.span),
                attributes={**self._of_call(found, event.tool, event.item)},
                start_time=self._ns(event.at),
            )
        self._end_call(span, event)

    def _finished(self, event: ev.TaskFinished) -> None:
        found = self._tasks.get(event.task_id)
        if found is None:
            return
        span = found.span
        if span is None:
            about = self._of_call(found, event.tool, None)
            span = found.span = self._begin_task(found, f"execute_tool {event.tool}", event.at, about)
        if (
            event.reused is not None
            and (same := self._tasks.get(event.reused)) is not None
            and same.span is not None
        ):
            span.add_link(same.span.get_span_context(), {names.LINK: "same"})
        for left in found.items.values():
            left.end(self._ns(event.at))
        found.items.clear()
        self._end_call(span, event)

    def _span_of(self, found: _Planned, item: int | None) -> Span | None:
        return found.span if item is None else found.items.get(item)

    def _tell(self, event: Any, name: str, about: Mapping[str, Any]) -> None:
        found = self._tasks.get(event.task_id)
        span = None if found is None else self._span_of(found, event.item) or found.span
        if span is not None:
            span.add_event(name, about, self._ns(event.at))

    def _begin_call(self, found: _Planned, event: ev.TaskStarted) -> Span:
        about = self._of_call(found, event.tool, event.item)
        if self._content:
            about[names.CALL_ARGUMENTS] = names.content(event.args)
        name = f"execute_tool {event.tool}"
        if event.item is None:
            span = found.span = self._begin_task(found, name, event.at, about)
            return span
        assert found.span is not None
        above = set_span_in_context(found.span)
        span = self._tracer.start_span(name, above, attributes=about, start_time=self._ns(event.at))
        found.items[event.item] = span
        return span

    def _begin_task(self, found: _Planned, name: str, at: float, about: Mapping[str, Any]) -> Span:
        links = []
        for kind, ids in (("data", found.task.depends_on), ("order", found.after)):
            for i in ids:
                other = self._tasks.get(i)
                if other is not None and other.span is not None:
                    links.append(Link(other.span.get_span_context(), {names.LINK: kind}))
        about = {names.TASK: found.task.id, names.ROUND: found.round, **about}
        return self._tracer.start_span(
            name, self._above, attributes=about, links=links, start_time=self._ns(at)
        )

    def _of_call(self, found: _Planned, tool: str, item: int | None) -> dict[str, Any]:
        call_id = f"{self._run_id}:{found.task.id}" + ("" if item is None else f":{item}")
        about: dict[str, Any] = {
            names.OPERATION: "execute_tool",
            names.TOOL: tool,
            names.TOOL_TYPE: "function",
            names.CALL_ID: call_id,
            names.TASK: found.task.id,
        }
        if item is not None:
            about[names.ITEM] = item
        return about

    def _end_call(self, span: Span, event: ev.TaskFinished | ev.ItemFinished) -> None:
        span.set_attribute(names.STATUS, event.outcome.status)
        span.set_attribute(names.VIA, event.via)
        span.set_attribute(names.ATTEMPTS, event.attempts)
        if event.cache is not None:
            span.set_attribute(names.CACHE, event.cache)
        self._end_with(span, event.outcome)
        span.end(self._ns(event.at))
        loop = isinstance(event, ev.TaskFinished) and self._tasks[event.task_id].task.each is not None
        if event.started is not None and event.attempts and not loop:  # a call was made
            error = event.outcome.error if isinstance(event.outcome, Failed) else None
            self._measure.tool_call(event.tool, event.at - event.started, event.outcome.status, error)

    def _end_with(self, span: Span, outcome: Outcome) -> None:
        if isinstance(outcome, Succeeded):
            if self._content:
                span.set_attribute(names.CALL_RESULT, names.content(outcome.value))
        elif isinstance(outcome, Failed):
            self._failed(span, outcome.error)
        elif isinstance(outcome, Skipped):
            span.set_attribute(names.CAUSE, outcome.cause)
        elif self._content and isinstance(outcome, Cancelled):
            span.set_attribute("llmcompiler.reason", names.cut(outcome.reason))

    def _failed(self, span: Span, error: BaseException) -> None:
        span.set_attribute(names.ERROR, type(error).__name__)
        # The message of an error may quote arguments and results.
        span.set_status(Status(StatusCode.ERROR, names.cut(describe_error(error)) if self._content else None))

    # -- the end -------------------------------------------------------------------------

    def _run_finished(self, event: ev.RunFinished) -> None:
        at = self._ns(event.at)
        self._measure.run(self._agent, event.at, event.status, event.error)
        for chat, _ in self._chats.values():
            chat.end(at)
        self._end_phase(event.at)
        for found in self._tasks.values():
            for span in (*found.items.values(), found.span):
                if span is not None and span.is_recording():
                    span.end(at)
        root = self._root
        root.set_attribute(names.STATUS, event.status)
        root.set_attribute(names.ROUNDS, self._rounds)
        root.set_attribute(names.TASKS, len(self._tasks))
        root.set_attribute(names.INPUT_TOKENS, event.usage.prompt_tokens)
        root.set_attribute(names.OUTPUT_TOKENS, event.usage.completion_tokens)
        if event.usage.cost is not None:
            root.set_attribute(names.COST, event.usage.cost)
        if self._content and event.output is not None:
            text = event.output if isinstance(event.output, str) else names.content(event.output)
            root.set_attribute(names.OUTPUT, names.messages([names.said("assistant", text, "stop")]))
        if event.error is not None:
            self._failed(root, event.error)
        root.end(at)
