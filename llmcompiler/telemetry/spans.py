"""The spans and measurements of one run, made from its events alone. Nothing here knows of other runs.

`invoke_agent`, below it `plan`, `join` and `execute_tool` beside each other, below plan and join the `chat` of a model.
Links lead from a call to those that it waited for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import context as otel
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    Status,
    StatusCode,
    Tracer,
    set_span_in_context,
)

from .. import events as ev
from .._jsonable import describe_error
from ..models.asking import ModelCall
from ..outcomes import Cancelled, Failed, Outcome, Skipped, Succeeded
from . import conventions as names
from .chats import Chats, failed, used
from .metrics import Instruments


@dataclass(slots=True)
class _Planned:
    """A task, and its span while it has one that has not ended: of what is over, only the ids are kept."""

    id: int
    round: int
    loop: bool
    depends_on: Sequence[int]
    after: Sequence[int]
    span: Span | None = None
    made: SpanContext | None = None
    items: dict[int, Span] = field(default_factory=dict)
    tools: dict[int | None, str] = field(default_factory=dict)
    """What each item calls, or the task itself: its tool, or later a fallback."""
    ended: int = 0
    """How many of its items have their outcome."""


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
        self._tasks: dict[int, _Planned] = {}
        self._until: float | None = None
        self._chats = Chats(tracer, measure, self._ns, content=content)
        self._rounds = 0
        self._last: ev.Event = started

    def report(self, event: ev.Event) -> None:
        """Take note of `event`, which is none of another run."""
        if event is self._last:  # the reporter is listed twice
            return
        self._last = event
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

    def has_seen(self, event: ev.Event) -> bool:
        """Whether `event` is the one that came last."""
        return event is self._last

    def _ns(self, at: float) -> int:
        return self._origin + int(at * 1e9)

    # -- plans and joins ---------------------------------------------------------------

    def _plan_started(self, event: ev.PlanStarted) -> None:
        self._rounds = max(self._rounds, event.round)
        if self._phase is not None and event.purpose != "repair":
            # The plan broke off, and is asked for again. With which error no event tells; a model's is at its `chat`.
            self._phase.set_attribute(names.ERROR, "_OTHER")
            self._phase.set_status(Status(StatusCode.ERROR))
        self._end_phase(event.at)
        about = {names.OPERATION: "plan", names.AGENT: self._agent, names.PURPOSE: event.purpose}
        self._begin_phase(f"plan {self._agent}", event.round, event.at, about)

    def _plan_finished(self, event: ev.PlanFinished) -> None:
        if self._phase is None:
            return
        self._phase.set_attribute(names.TASKS, event.tasks)
        if event.tasks:
            self._end_phase(event.at)
        else:  # what comes next tells whether it failed
            self._until = event.at

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
        phase, until = self._phase, self._until
        self._phase = self._until = None
        if phase is not None:
            phase.end(self._ns(at if until is None else until))

    # -- models --------------------------------------------------------------------------

    def model_asked(self, call: ModelCall) -> None:
        """A planner or joiner is about to ask a model."""
        self._chats.begin(call, self._above if self._phase is None else set_span_in_context(self._phase))

    def model_answered(self, call: ModelCall) -> None:
        """The reply is over."""
        self._chats.end(call, call.finished if call.finished is not None else call.started)

    # -- calls ---------------------------------------------------------------------------

    def _planned(self, event: ev.TaskPlanned) -> None:
        task = event.task
        loop = task.each is not None
        self._tasks[task.id] = _Planned(task.id, event.round, loop, task.depends_on, event.after)

    def _started(self, event: ev.TaskStarted) -> None:
        found = self._going_on(event.task_id)
        if found is None:
            return
        span = self._span_of(found, event.item)
        if span is None:
            span = self._begin_call(found, event)
        elif event.tool != found.tools.get(event.item):
            span.add_event("fallback", {names.TOOL: event.tool}, self._ns(event.at))
        found.tools[event.item] = event.tool
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
        if (fraction := names.share(event.fraction)) is not None:
            about["llmcompiler.progress"] = fraction
        if self._content:
            about["llmcompiler.message"] = names.cut(event.message)
        self._tell(event, "progress", about)

    def _approval(self, event: ev.ApprovalRequested) -> None:
        # The call has no span yet: it has not begun.
        about: dict[str, Any] = {names.TASK: event.task_id, names.TOOL: event.tool}
        self._root.add_event("approval requested", about, self._ns(event.at))

    def _item_finished(self, event: ev.ItemFinished) -> None:
        found = self._going_on(event.task_id)
        if found is None:
            return
        found.ended += 1
        span = found.items.pop(event.item, None)
        found.tools.pop(event.item, None)
        if span is None:  # no call was made for it
            about = self._of_call(found, event.tool, event.item)
            span = self._begin_item(found, event.tool, event.at, about)
        self._end_call(span, event, measured=True)

    def _finished(self, event: ev.TaskFinished) -> None:
        found = self._going_on(event.task_id)
        if found is None:
            return
        span = found.span or self._begin_task(found, event.tool, event.at)
        same = None if event.reused is None else self._tasks.get(event.reused)
        if same is not None and same.made is not None:
            span.add_link(same.made, {names.LINK: "same"})
        for left in found.items.values():
            left.end(self._ns(event.at))
        if found.loop:
            span.set_attribute(names.ITEMS, found.ended)
        found.span, found.depends_on, found.after = None, (), ()
        found.items.clear()
        found.tools.clear()
        self._end_call(span, event, measured=not found.loop)

    def _going_on(self, task_id: int) -> _Planned | None:
        """The task, unless it is over: nothing begins again then."""
        found = self._tasks.get(task_id)
        return None if found is None or (found.made is not None and found.span is None) else found

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
        if event.item is None:
            return self._begin_task(found, event.tool, event.at, about)
        span = found.items[event.item] = self._begin_item(found, event.tool, event.at, about)
        return span

    def _begin_item(self, found: _Planned, tool: str, at: float, about: Mapping[str, Any]) -> Span:
        above = set_span_in_context(found.span or self._begin_task(found, tool, at))
        return self._tracer.start_span(
            f"execute_tool {tool}", above, attributes=about, start_time=self._ns(at)
        )

    def _begin_task(
        self, found: _Planned, tool: str, at: float, about: Mapping[str, Any] | None = None
    ) -> Span:
        links = []
        for kind, ids in (("data", found.depends_on), ("order", found.after)):
            for i in ids:
                other = self._tasks.get(i)
                if other is not None and other.made is not None:
                    links.append(Link(other.made, {names.LINK: kind}))
        if found.loop:  # it makes calls, and is none
            name, about = f"for {tool}", {}
        else:
            name, about = f"execute_tool {tool}", about or self._of_call(found, tool, None)
        about = {names.TASK: found.id, names.ROUND: found.round, **about}
        span = found.span = self._tracer.start_span(
            name, self._above, attributes=about, links=links, start_time=self._ns(at)
        )
        found.made = span.get_span_context()
        return span

    def _of_call(self, found: _Planned, tool: str, item: int | None) -> dict[str, Any]:
        call_id = f"{self._run_id}:{found.id}" + ("" if item is None else f":{item}")
        about: dict[str, Any] = {
            names.OPERATION: "execute_tool",
            names.TOOL: tool,
            names.TOOL_TYPE: "function",
            names.CALL_ID: call_id,
            names.TASK: found.id,
        }
        if item is not None:
            about[names.ITEM] = item
        return about

    def _end_call(self, span: Span, event: ev.TaskFinished | ev.ItemFinished, *, measured: bool) -> None:
        span.set_attribute(names.STATUS, event.outcome.status)
        span.set_attribute(names.VIA, event.via)
        span.set_attribute(names.ATTEMPTS, event.attempts)
        if event.cache is not None:
            span.set_attribute(names.CACHE, event.cache)
        self._end_with(span, event.outcome)
        span.end(self._ns(event.at))
        if measured and event.started is not None and event.attempts:  # a call was made
            outcome, took = event.outcome, event.at - event.started
            error = outcome.error if isinstance(outcome, Failed) else None
            self._measure.tool_call(self._agent, event.tool, took, outcome.status, error)

    def _end_with(self, span: Span, outcome: Outcome) -> None:
        if isinstance(outcome, Succeeded):
            if self._content:
                span.set_attribute(names.CALL_RESULT, names.content(outcome.value))
        elif isinstance(outcome, Failed):
            failed(span, outcome.error, content=self._content)
        elif isinstance(outcome, Skipped):
            span.set_attribute(names.CAUSE, outcome.cause)
        elif self._content and isinstance(outcome, Cancelled):
            span.set_attribute("llmcompiler.reason", names.cut(outcome.reason))

    # -- the end -------------------------------------------------------------------------

    def _run_finished(self, event: ev.RunFinished) -> None:
        try:
            self._tell_end(event)
        finally:
            self.end(self._ns(event.at))

    def _tell_end(self, event: ev.RunFinished) -> None:
        self._measure.run(self._agent, event.at, event.status, event.error)
        self._chats.end_all(event.at)
        if self._phase is not None and event.status == "cancelled":
            self._phase.set_attribute(names.STATUS, event.status)
        elif self._phase is not None and event.error is not None and event.output is None:
            failed(self._phase, event.error, content=self._content)  # it ended the run
        self._end_phase(event.at)
        root = self._root
        root.set_attribute(names.STATUS, event.status)
        root.set_attribute(names.ROUNDS, self._rounds)
        root.set_attribute(names.TASKS, len(self._tasks))
        used(root, event.usage)
        if event.usage.cost is not None:
            root.set_attribute(names.COST, event.usage.cost)
        if self._content and event.output is not None:
            text = event.output if isinstance(event.output, str) else names.content(event.output)
            root.set_attribute(names.OUTPUT, names.messages([names.said("assistant", text, "stop")]))
        if event.error is not None:
            failed(root, event.error, content=self._content)

    def end(self, at: int) -> None:
        """End what has not ended, at `at` nanoseconds since 1970: the innermost first, whatever comes of it."""
        left = self._chats.spans
        for found in self._tasks.values():
            left += [*found.items.values(), *([] if found.span is None else [found.span])]
        if self._phase is not None:
            left.append(self._phase)
        trouble: Exception | None = None
        for span in (*left, self._root):
            try:
                span.end(at)
            except Exception as e:  # of a processor: the others end all the same
                trouble = e
        if trouble is not None:
            raise trouble
