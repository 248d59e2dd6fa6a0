"""`LLMCompiler`: what users hold. The composition root: the one place that puts defaults together."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from .bridge import run_blocking
from .budget import Budget
from .check import PlanChecker, check_plan
from .driver import Executor
from .emitter import Emitter
from .errors import ConfigurationError, LimitExceeded, PlanError, UsageError
from .events import Event, RunFinished
from .executor import AsyncExecutor
from .limits import Limits
from .models.base import Model
from .plan import Plan
from .planning import Planning
from .protocols import Approver, Joiner, Planner, Reporter
from .result import RunResult
from .session import Session
from .tools import ToolRegistry

LONGEST_QUESTION = 200_000
"""Characters a question may have."""


class LLMCompiler:
    r"""Compiles questions into graphs of tool calls and runs them while they are still being planned.

    Args:
        tools: `Tool`s or plain typed functions.
        model: A `Model` or `"provider:name"`; default from `LLMCOMPILER_MODEL`, else the embedded one where installed.
        planner: Writes the plan; default by what the model can do.
        joiner: Answers or asks for another round; default by what the model can do.
        executor: Makes the calls; default `AsyncExecutor()`: 16 calls at once, 60 s each.
        journal: Not there yet; must be None.
        max_replans: Rounds after the first, at most.
        limits: Bounds of every run; see `Limits`.
        approver: `async (request) -> bool`, asked about calls that need approval.
        reporters: See every event of every run.
        repairs: How often tasks that can not run go back to the planner, in one round.

    Raises:
        UsageError: An argument is wrong.

    ```python
    from llmcompiler import LLMCompiler, tool


    @tool
    async def double(x: int) -> int:
        "Twice the number."
        return 2 * x


    compiler = LLMCompiler(tools=[double])
    result = compiler.execute_sync("1. double(4)\n2. double($1)\njoin($2)")
    assert result.output == 16
    ```
    """

    def __init__(
        self,
        tools: Iterable[Any] | Mapping[str, Any] | ToolRegistry = (),
        model: Model | str | None = None,
        planner: Planner | None = None,
        joiner: Joiner | None = None,
        executor: Executor | None = None,
        journal: None = None,
        max_replans: int = 2,
        limits: Limits | None = None,
        approver: Approver | None = None,
        reporters: Sequence[Reporter] = (),
        *,
        repairs: int = 2,
    ) -> None:
        self.tools = tools if isinstance(tools, ToolRegistry) else ToolRegistry(tools)
        if journal is not None:
            raise ConfigurationError("journal= is not supported by this version; leave it out")
        for option, number in (("max_replans", max_replans), ("repairs", repairs)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise ConfigurationError(f"{option}={number!r}: give a whole number, 0 or more")
        if executor is not None and not isinstance(executor, Executor):
            raise ConfigurationError(
                f"executor={executor!r} is not an Executor; subclass llmcompiler.Executor"
            )
        for name, given, method in (("planner", planner, "plan"), ("joiner", joiner, "join")):
            if given is not None and not callable(getattr(given, method, None)):
                raise ConfigurationError(f"{name}={given!r} has no method `{method}`")
        if approver is not None and not callable(approver):
            raise ConfigurationError(
                f"approver={approver!r} is not a function; write `async (request) -> bool`"
            )
        self.reporters = _checked_reporters(reporters)
        self._model_spec = model
        self._model: Model | None = model if model is not None and not isinstance(model, str) else None
        if self._model is not None and not callable(getattr(self._model, "stream", None)):
            raise ConfigurationError(
                f"model={model!r} has no method `stream`; give a Model or 'provider:name'"
            )
        self._planner = planner
        self._joiner = joiner
        self.executor = executor or AsyncExecutor()
        self.max_replans = max_replans
        self.repairs = repairs
        self.limits = _checked_limits(limits, Limits())
        self.approver = approver

    # -- parts, made when first needed ---------------------------------------------------

    @property
    def model(self) -> Model:
        """The model; found when first asked for.

        Raises:
            ConfigurationError: None is given, configured or installed; the text says the ways out.
        """
        if self._model is None:
            from .models import resolve_model

            self._model = resolve_model(self._model_spec)
        return self._model

    @property
    def planner(self) -> Planner:
        """The planner; by default what suits the model."""
        if self._planner is None:
            from llmcompiler_planners import default_planner

            self._planner = default_planner(self.model)
        return self._planner

    @property
    def joiner(self) -> Joiner:
        """The joiner; by default what suits the model. With a planner of your own and no model, a model-free one."""
        if self._joiner is None:
            from llmcompiler_planners import ValuesJoiner, default_joiner

            has_model = self._model is not None or self._model_spec is not None or self._planner is None
            self._joiner = default_joiner(self.model) if has_model else ValuesJoiner()
        return self._joiner

    # -- running --------------------------------------------------------------------------

    async def run(
        self,
        question: str,
        *,
        output_type: Any = None,
        limits: Limits | None = None,
        run_id: str | None = None,
    ) -> RunResult:
        """Answer a question.

        Args:
            question: What is asked, in plain words.
            output_type: The type of the answer: a pydantic model, `int`, `list[str]`, ...; text by default.
            limits: Bounds of this run instead of the compiler's.
            run_id: An id of your own.

        Raises:
            UsageError: The question or a setting is wrong.
            PlanningFailed: No plan that can run.
            ModelError: The model gave no usable reply.
            LimitExceeded: A limit was reached and no answer could be made.

        Every error of a run carries `.result`: the tasks that were done, usage and times.
        """
        return await self._session(question, output_type, limits, run_id).run()

    def run_sync(self, question: str, **options: Any) -> RunResult:
        """`run` for code without an event loop; it also works inside a running one (notebooks)."""
        return run_blocking(self.run(question, **options))

    async def stream(self, question: str, **options: Any) -> AsyncIterator[Event]:
        """The same run as typed events, the last of which is `RunFinished`.

        Leaving the loop early (and closing the iterator) cancels the run. What goes wrong in the run is told by
        `RunFinished.error`; only a wrong setting is raised.
        """
        if unknown := sorted(options.keys() - {"output_type", "limits", "run_id"}):
            raise UsageError(f"stream() has no option {', '.join(map(repr, unknown))}")
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        session = self._session(
            question,
            options.get("output_type"),
            options.get("limits"),
            options.get("run_id"),
            [_Queue(queue)],
        )
        task = asyncio.ensure_future(session.run())
        task.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while True:
                event = await queue.get()
                if event is None:
                    break
                yield event
                if isinstance(event, RunFinished):
                    break
        finally:
            if not task.done() and not isinstance(session.result.error, Exception):
                task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()

    def _session(
        self,
        question: str,
        output_type: Any,
        limits: Limits | None,
        run_id: str | None,
        reporters: Sequence[Reporter] = (),
    ) -> Session:
        question = check_question(question)
        return Session(
            question,
            tools=self.tools,
            executor=self.executor,
            planner=self.planner,
            joiner=self.joiner,
            limits=_checked_limits(limits, self.limits),
            max_replans=self.max_replans,
            repairs=self.repairs,
            approver=self.approver,
            reporters=(*self.reporters, *reporters),
            output_type=output_type,
            run_id=run_id,
        )

    # -- planning and executing by themselves ------------------------------------------------

    async def plan(
        self, question: str, *, limits: Limits | None = None, reporters: Sequence[Reporter] = ()
    ) -> Plan:
        """Plan only: nothing is run.

        Args:
            question: What is asked, in plain words.
            limits: Bounds of this plan instead of the compiler's.
            reporters: Told of planning: thoughts, tasks, diagnostics. The compiler's own are told of runs only.

        Raises:
            PlanError: The planner's text has errors that repair did not mend.
            ModelError: The model gave no usable reply.
            LimitExceeded: A limit was reached before the plan was whole.
        """
        question = check_question(question)
        limits = _checked_limits(limits, self.limits)
        budget = Budget(limits)
        emitter = Emitter("plan", _checked_reporters(reporters))
        planning = Planning(
            question,
            self.planner,
            self.tools,
            PlanChecker(self.tools),
            emitter,
            None,
            limits,
            repairs=self.repairs,
            usage=budget.use,
            allow_call=budget.allow,
        )
        try:
            async with asyncio.timeout(limits.seconds) as clock:
                plan = await planning.round(1)
        except TimeoutError:
            if limits.seconds is None or not clock.expired():
                raise
            raise LimitExceeded("seconds", limits.seconds) from None
        if planning.trouble:
            found = dict.fromkeys(emitter.diagnostics)  # a repair that changes nothing finds the same again
            raise PlanError(tuple(found), f"the plan is not whole: {planning.trouble}")
        return check_plan(plan, self.tools)

    def plan_sync(self, question: str, **options: Any) -> Plan:
        """`plan` for code without an event loop."""
        return run_blocking(self.plan(question, **options))

    async def execute(
        self,
        plan: Plan | str,
        *,
        question: str | None = None,
        output_type: Any = None,
        limits: Limits | None = None,
        run_id: str | None = None,
    ) -> RunResult:
        """Run a plan, or plan text (or its JSON form).

        Without a question no model is called: `join($n)` makes the value of task n the output, a bare `join()` gives
        `{id: value}` of the tasks nothing depends on. With a question the joiner answers it. What a tool does wrong
        is an outcome, never an exception; if there is no output because of it, `result.error` says why.

        Raises:
            PlanError: The plan has errors; nothing was run.
        """
        checked = self._checked(plan)
        session = Session(
            "" if question is None else check_question(question),
            tools=self.tools,
            executor=self.executor,
            joiner=None if question is None else self.joiner,
            limits=_checked_limits(limits, self.limits),
            approver=self.approver,
            reporters=self.reporters,
            output_type=output_type,
            run_id=run_id,
        )
        return await session.execute(checked)

    def execute_sync(self, plan: Plan | str, **options: Any) -> RunResult:
        """`execute` for code without an event loop."""
        return run_blocking(self.execute(plan, **options))

    def _checked(self, plan: Plan | str) -> Plan:
        if isinstance(plan, str):
            if plan.lstrip().startswith("{"):
                return check_plan(Plan.model_validate_json(plan), self.tools)
            made = Plan.parse(plan, self.tools)
            if not made.tasks and made.join is None:
                raise PlanError((), "there is no plan in the text: not one task and no join")
            return made
        if not isinstance(plan, Plan):
            raise UsageError(f"execute() takes a Plan or plan text, not {type(plan).__name__}")
        return check_plan(plan, self.tools)

    # -- life ---------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Close what the model keeps open. The compiler may be used again afterwards."""
        close = getattr(self._model, "aclose", None)
        if close is not None:
            await close()

    async def __aenter__(self) -> LLMCompiler:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<LLMCompiler with {len(self.tools)} tools>"


class _Queue(Reporter):
    def __init__(self, queue: asyncio.Queue[Event | None]) -> None:
        self.queue = queue

    def report(self, event: Event) -> None:
        self.queue.put_nowait(event)


def _checked_limits(limits: Limits | None, default: Limits) -> Limits:
    if limits is not None and not isinstance(limits, Limits):
        raise ConfigurationError(f"limits={limits!r} is not a Limits; write Limits(tasks=50)")
    return limits or default


def _checked_reporters(reporters: Sequence[Reporter]) -> tuple[Reporter, ...]:
    if not isinstance(reporters, Iterable):
        raise ConfigurationError(f"reporters={reporters!r} is not a list; write reporters=[it]")
    checked = tuple(reporters)
    for reporter in checked:
        report = getattr(reporter, "report", None)
        if not callable(report):
            raise ConfigurationError(
                f"reporter {reporter!r} has no method `report`; subclass llmcompiler.Reporter"
            )
        if inspect.iscoroutinefunction(report):
            raise ConfigurationError(
                f"`report` of {reporter!r} is async and would never run; make it a plain `def`"
            )
    return checked


def check_question(question: str) -> str:
    """The question, stripped.

    Raises:
        UsageError: Not a text, empty, or too long.
    """
    if not isinstance(question, str):
        raise UsageError(f"the question is {type(question).__name__}, not text")
    question = question.strip()
    if not question:
        raise UsageError("the question is empty; say what you want to know")
    if len(question) > LONGEST_QUESTION:
        raise UsageError(
            f"the question has {len(question):,} characters; at most {LONGEST_QUESTION:,} are taken"
        )
    return question
