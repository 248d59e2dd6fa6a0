"""One run from question to answer: rounds of plan, execute, join. The place where all the parts meet."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal
from weakref import ref

from pydantic import TypeAdapter, ValidationError

from . import events as ev
from .approvals import Approvals
from .binding import look_up
from .budget import SPENDING, Budget, Calls
from .check import PlanChecker
from .diagnostics import Diagnostic
from .driver import OUTER, Call, Driver, Executor
from .emitter import Emitter
from .errors import (
    ConfigurationError,
    LimitExceeded,
    ModelReplyInvalid,
    ReferenceFailed,
    ToolError,
)
from .latencies import Latencies
from .limits import Limits
from .models.asking import LISTENER
from .options import ItemPolicy
from .outcomes import Cancelled, Failed, Succeeded
from .passes import Merging, Passes, unused
from .plan import Join, Plan
from .planning import Planning
from .prices import pricing
from .protocols import (
    Answer,
    Approver,
    Decision,
    JoinContext,
    Joiner,
    Observation,
    Planner,
    Replan,
    Reporter,
    ToolSelector,
)
from .result import Note, PhaseSpan, RunResult, Spans
from .tools import ToolRegistry

if TYPE_CHECKING:
    from .sharing.table import Sharing

logger = logging.getLogger("llmcompiler")

WRAP_UP = 10.0
"""Seconds the joiner has when the time of the run is up."""


class Session:
    """One run. Make one for each question, in the running event loop, and await `run` or `execute` once."""

    def __init__(
        self,
        question: str,
        *,
        tools: ToolRegistry,
        executor: Executor,
        planner: Planner | None = None,
        joiner: Joiner | None = None,
        limits: Limits,
        max_replans: int = 2,
        repairs: int = 2,
        approver: Approver | None = None,
        reporters: Sequence[Reporter] = (),
        output_type: Any = None,
        run_id: str | None = None,
        passes: Passes | None = None,
        sharing: Sharing | None = None,
        latencies: Latencies | None = None,
        on_item_error: ItemPolicy = "fail",
        approval_timeout: float | None = None,
        held: bool = False,
        selector: ToolSelector | None = None,
    ) -> None:
        self.question = question
        self.selector = selector
        self.tools = tools
        self.executor = executor
        self.planner = planner
        self.joiner = joiner
        self.limits = limits
        self.max_replans = max_replans
        self.repairs = repairs
        self.output_type = output_type
        self.run_id = run_id or uuid.uuid4().hex
        self.result = RunResult(self.run_id, question)
        self.emitter = Emitter(self.run_id, reporters)
        self.driver = Driver(
            executor,
            tools,
            self.run_id,
            self.emitter,
            approver,
            passes=passes,
            sharing=sharing,
            latencies=latencies,
            on_item_error=on_item_error,
        )
        self.driver.home = asyncio.get_running_loop()
        self.approvals = Approvals(self.run_id, approver, timeout=approval_timeout, outside=held)
        self.driver.approvals = self.approvals
        self.emitter.clock = self.driver.now
        self.budget = Budget(limits)
        self.calls = Calls(limits)
        self.driver.allow_items = lambda tool, count: self.calls.expand(tool.name, count)
        self.driver.allow_calls = lambda tool, count: self.calls.allow(tool.name, count)
        self._prices = [pricing(getattr(part, "model", None)) for part in (planner, joiner)]
        self._limit: LimitExceeded | None = None
        self._output = None if output_type is None else _adapter(output_type)
        self._phases: list[PhaseSpan] = []
        self._over = False
        self._status: Literal["answered", "failed", "cancelled"] = "failed"
        self._joined: asyncio.Future[None] | None = None

    # -- entry points ------------------------------------------------------------------

    async def run(self) -> RunResult:
        """Plan, execute and join until there is an answer.

        Raises:
            LLMCompilerError: There is no answer; `.result` holds what was done.
        """
        try:
            return await self._guarded(self._rounds)
        finally:
            self._teach()

    def _teach(self) -> None:
        """Let a planner that learns see how the run ended."""
        learn = getattr(self.planner, "learn", None)
        if learn is None or self._status == "cancelled":
            return
        try:
            learn(self.question, self.result)
        except Exception:  # the run is over, and its answer stands
            logger.exception("%s.learn failed", type(self.planner).__name__)

    async def execute(self, plan: Plan, diagnostics: Sequence[Diagnostic] = ()) -> RunResult:
        """Execute a checked plan, and tell what is odd about its text; with a question the joiner answers it."""
        return await self._guarded(lambda: self._given(plan, diagnostics))

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> RunResult:
        error: BaseException | None = None
        outer = SPENDING.get()
        try:
            # Its calls, which run in a copy of this context, report to it what runs of their own have used.
            token, within = SPENDING.set(self.budget.use_inside), OUTER.set(ref(self.driver))
            try:
                self.driver.begin()
            finally:
                SPENDING.reset(token)
                OUTER.reset(within)
            self.emitter.emit(ev.RunStarted, question=self.question)
            if self.limits.seconds is not None:
                self.driver.deadline = self.limits.seconds
            # After `begin`: models that tools ask are no business of this run.
            heard = LISTENER.set(self.emitter.listener)
            try:
                await work()
            finally:
                with contextlib.suppress(ValueError):  # collected in another context
                    LISTENER.reset(heard)
            self._status = "answered" if self.result.error is None else "failed"
        except Exception as e:
            error = self.result.error = e
        except BaseException as e:  # cancelled, interrupted, or the event loop went away
            self._status, error = "cancelled", e
        try:
            self.driver.stop("the run was cancelled" if self._status == "cancelled" else "the run ended")
            if not isinstance(error, GeneratorExit):  # then nothing can be awaited any more
                await self.executor.end(self.driver)
        except BaseException:  # cancelled while its calls were ending
            self._status = "cancelled"
            raise
        finally:
            self._over = True
            self._complete_result()
            if outer is not None:
                outer(self.result.usage)
            self.emitter.emit(
                ev.RunFinished,
                status=self._status,
                output=self.result.output,
                error=self.result.error,
                usage=self.result.usage,
                timing=None if self.emitter.quiet else self.result.timing,
            )
        if error is not None:
            if isinstance(error, Exception):
                with contextlib.suppress(Exception):  # an exception class of somebody else's may refuse it
                    error.result = self.result  # type: ignore[attr-defined]
            raise error
        return self.result

    def snapshot(self) -> RunResult:
        """What the run has done so far."""
        self._complete_result()
        r = self.result
        return replace(r, plans=list(r.plans), thoughts=list(r.thoughts), feedback=list(r.feedback))

    def _complete_result(self) -> None:
        r = self.result
        r.tasks = self.driver.results()
        r.usage = self.budget.usage
        r.phases = list(self._phases)
        planned = sum(p.finished - p.started for p in r.phases if p.kind == "planning")
        joined = sum(p.finished - p.started for p in r.phases if p.kind == "joining")
        r.spans = Spans(self.driver.now(), planned, joined)
        r.status = self._status if self._over else "running"
        r.diagnostics = list(self.emitter.diagnostics)
        r.notes = list(self.driver.notes)
        r.concurrency = getattr(self.executor, "max_concurrency", None)

    # -- rounds ------------------------------------------------------------------------

    async def _rounds(self) -> None:
        assert self.planner is not None
        planning = Planning(
            self.question,
            self.planner,
            self.tools,
            PlanChecker(self.tools, on_item_error=self.driver.on_item_error),
            self.emitter,
            self.driver,
            self.limits,
            repairs=self.repairs,
            usage=lambda usage: self.budget.use(usage, self._prices[0]),
            allow_call=lambda: self.budget.allow(reserve=1),
            calls=self.calls,
            selector=self.selector,
        )
        self.result.thoughts = planning.thoughts
        feedback = ""
        number = 0
        while True:
            number += 1
            self.emitter.round = number
            reason = await self._plan_and_run(planning, number, feedback)
            final = number > self.max_replans
            if not final and self.limits.rounds is not None and number >= self.limits.rounds:
                reason = reason or self._reached(LimitExceeded("rounds", self.limits.rounds))
            if planning.repeated:
                reason = reason or planning.trouble or "the plan repeats an earlier round"
            elif not final and self.budget.last_answer:
                assert self.limits.model_calls is not None
                self._limit = self._limit or LimitExceeded("model_calls", self.limits.model_calls)
                reason = reason or "only one more model call is allowed"
            if planning.answer is not None and (reason := self._take(planning.answer, number)) == "":
                return
            trouble = reason or planning.trouble
            final = final or bool(reason)
            decision = await self._decide(planning.plan.join or Join(), number, final, trouble)
            if isinstance(decision, Answer):
                self.result.output = decision.output
                return
            feedback = decision.feedback
            self.result.feedback.append(feedback)
            self.emitter.emit(ev.Replanned, round=number, feedback=feedback)

    async def _plan_and_run(self, planning: Planning, number: int, feedback: str) -> str:
        """Plan a round and run it; why it has to be the last one, if so."""
        driver = self.driver
        self._expect_join()
        driver.open_round()
        deadline = self._deadline()
        try:
            async with asyncio.timeout_at(deadline) as clock:
                begun, tokens = driver.now(), self.budget.tokens
                try:
                    await planning.round(number, feedback)
                    reason = ""
                except LimitExceeded as e:
                    if not driver.calls:
                        raise
                    reason = self._reached(e)
                finally:
                    purpose = "plan" if number == 1 else "replan"
                    tokens = self.budget.tokens - tokens
                    self._phases.append(PhaseSpan("planning", number, begun, driver.now(), purpose, tokens))
                    self.result.plans.append(planning.plan)
                if driver.passes.drop:
                    driver.drop(unused(planning.plan.tasks, planning.plan.join, self.tools, planning.merged))
                driver.close_round()
                assert self._joined is not None
                await self._joined
        except TimeoutError:
            if not clock.expired():
                raise
            if not driver.calls:  # nothing to answer from
                raise self._seconds_up() from None
            return self._out_of_time()
        return reason

    async def _given(self, plan: Plan, diagnostics: Sequence[Diagnostic]) -> None:
        driver = self.driver
        self.result.plans.append(plan)
        self.emitter.round = 1
        self._expect_join()
        self.emitter.emit(ev.PlanStarted, round=1, purpose="given")
        for diagnostic in diagnostics:
            self.emitter.diagnose(diagnostic)
        driver.open_round()
        merging = Merging(self.tools, driver.changed_since, on=driver.passes.merge)
        with driver.at_once():
            for task in plan.tasks:
                same = merging.find(task)
                if same is not None:
                    driver.notes.append(Note("merge", task.id, f"the same call as task {same}: made once"))
                call = driver.add(task, reuse=same)
                if same is None and task.each is None:
                    try:
                        self.calls.allow(task.tool)
                    except LimitExceeded as e:
                        call.refused = e
            if driver.passes.drop:
                driver.drop(unused(plan.tasks, plan.join, self.tools, merging.merged))
        self.emitter.emit(ev.PlanFinished, round=1, tasks=len(plan.tasks))
        driver.close_round()
        reason = ""
        try:
            async with asyncio.timeout_at(self._deadline()) as clock:
                assert self._joined is not None
                await self._joined
        except TimeoutError:
            if not clock.expired():
                raise
            reason = self._out_of_time()
        join = plan.join or Join()
        if self.joiner is not None:
            decision = await self._decide(join, 1, True, reason)
            assert isinstance(decision, Answer)
            self.result.output = decision.output
            return
        self.emitter.emit(ev.JoinStarted, round=1, final=True)
        self._answer_without_joiner(plan, join)

    def _answer_without_joiner(self, plan: Plan, join: Join) -> None:
        if join.ref is None:
            values = self.driver.values
            self._set_output({i: values[i] for i in plan.sinks if i in values})
            return
        call = self.driver.calls.get(join.ref.task)
        outcome = call.outcome if call is not None else None
        if not isinstance(outcome, Succeeded):
            if isinstance(outcome, Failed):
                self.result.error = outcome.error
            elif isinstance(outcome, Cancelled) and self._limit is not None:
                self.result.error = self._limit
            else:
                self.result.error = ToolError(_no_value(join, call))
            return
        try:
            self._set_output(look_up(join.ref, self.driver.values))
        except ReferenceFailed as e:
            self.result.error = e

    def _set_output(self, value: Any) -> None:
        try:
            self.result.output = self._validated(value)
        except ValidationError as e:
            self.result.error = ModelReplyInvalid(f"the value does not fit the output type: {_first(e)}")

    def _validated(self, value: Any) -> Any:
        if self._output is None:
            return value
        return self._output.validate_python(value, from_attributes=True)

    def _expect_join(self) -> None:
        joined = self._joined = asyncio.get_running_loop().create_future()

        def done() -> None:
            if not joined.done():
                joined.set_result(None)

        def crashed(error: Exception) -> None:
            if not joined.done():
                joined.set_exception(error)
                joined.exception()  # looked at: planning may fail before anybody waits for it

        self.driver.joined, self.driver.crashed = done, crashed

    # -- limits ------------------------------------------------------------------------

    def _deadline(self) -> float | None:
        if self.limits.seconds is None:
            return None
        return asyncio.get_running_loop().time() + max(0.0, self.limits.seconds - self.driver.now())

    def _out_of_time(self) -> str:
        reason = f"the run's time ({self.limits.seconds:g} s) was up"
        self._reached(self._seconds_up())
        self.driver.stop(reason)
        return reason

    def _seconds_up(self) -> LimitExceeded:
        assert self.limits.seconds is not None
        return LimitExceeded("seconds", self.limits.seconds)

    def _reached(self, limit: LimitExceeded) -> str:
        """A limit ends the run: with an answer if there can be one, else with this error. It in words."""
        self._limit = self._limit or limit
        return str(limit)

    # -- joining -------------------------------------------------------------------------

    async def _decide(self, join: Join, number: int, final: bool, reason: str) -> Decision:
        self.emitter.emit(ev.JoinStarted, round=number, final=final)
        direct = self._direct(join)
        if direct is not None:
            return direct
        if self.joiner is None:
            raise ConfigurationError("there is no joiner to answer with; pass joiner= or model=")
        begun, tokens = self.driver.now(), self.budget.tokens
        try:
            async with asyncio.timeout_at(self._join_deadline()) as clock:
                decision = await self.joiner.join(self._join_context(number, final, reason))
        except TimeoutError:
            if clock.expired():
                raise self._seconds_up() from None
            raise
        finally:
            tokens = self.budget.tokens - tokens
            self._phases.append(PhaseSpan("joining", number, begun, self.driver.now(), tokens=tokens))
        if not isinstance(decision, (Answer, Replan)):
            raise ConfigurationError(
                f"{type(self.joiner).__name__}.join gave {decision!r}, not an Answer or Replan"
            )
        if final and isinstance(decision, Replan):
            if self._limit is not None:
                raise self._limit
            raise ModelReplyInvalid(
                f"the joiner asked for another round ({decision.feedback!r}) when it had to answer"
                + (f": {reason}" if reason else "; raise max_replans= to allow more")
            )
        return decision

    def _take(self, answer: Answer, number: int) -> str:
        """Take the planner's own answer; why it can not be taken, if so."""
        try:
            self.result.output = self._validated(answer.output)
        except ValidationError as e:
            return f"the planner's answer does not fit the output type: {_first(e)}"
        self.emitter.emit(ev.JoinStarted, round=number, final=True)
        return ""

    def _join_deadline(self) -> float | None:
        deadline = self._deadline()
        return None if deadline is None else deadline + WRAP_UP

    def _direct(self, join: Join) -> Answer | None:
        """The answer of `join($n)`, where task n has a value that fits."""
        if join.ref is None or join.ref.task not in self.driver.values:
            return None
        try:
            return Answer(self._validated(look_up(join.ref, self.driver.values)))
        except (ReferenceFailed, ValidationError) as e:
            logger.info("join(%s) can not answer: %s", join.ref, e)
            return None

    def _join_context(self, number: int, final: bool, reason: str) -> JoinContext:
        observations = [
            Observation(c.task, c.outcome, c.round)
            for _, c in sorted(self.driver.calls.items())
            if c.outcome is not None
        ]
        return JoinContext(
            question=self.question,
            observations=observations,
            round=number,
            final=final,
            reason=reason,
            output_type=str if self.output_type is None else self.output_type,
            tools=self.tools,
            plans=tuple(self.result.plans),
            diagnostics=tuple(d for d in self.emitter.diagnostics if d.severity == "error"),
            delta=lambda text: self.emitter.emit(ev.OutputDelta, text=text),
            usage=lambda usage: self.budget.use(usage, self._prices[1]),
            allow_call=self.budget.allow_answer,
        )


def _adapter(output_type: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(output_type)
    except Exception as e:  # pydantic raises several kinds here
        first = (str(e).splitlines() or [""])[0]
        raise ConfigurationError(
            f"output_type={output_type!r} is not a type that can be validated ({type(e).__name__}: {first}); "
            "give a pydantic model, int, list[str], ..."
        ) from None


def _first(error: ValidationError) -> str:
    e = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(p) for p in e["loc"])
    return f"{where}: {e['msg']}" if where else str(e["msg"])


def _no_value(join: Join, call: Call | None) -> str:
    assert join.ref is not None
    if call is None or call.outcome is None:
        return f"join({join.ref}): there is no task {join.ref.task}"
    reason = getattr(call.outcome, "reason", "")
    return f"join({join.ref}): task {join.ref.task} was {call.outcome.status}" + (
        f": {reason}" if reason else ""
    )
