"""`LLMCompiler`: what users hold. The composition root: the one place that puts defaults together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._displayed import checked_live, live_views
from .approvals import checked_timeout
from .backend.executor import AsyncExecutor
from .backend.rates import check_rates
from .bridge import run_blocking
from .budget import Budget
from .check import PlanChecker, check_plan
from .diagnostics import Diagnostic
from .driver import OUTER, Executor
from .emitter import Emitter
from .errors import ConfigurationError, LimitExceeded, PlanError, UsageError
from .events import Event, RunFinished
from .latencies import Latencies
from .limits import Limits
from .models.base import Model
from .nesting import make_tool
from .options import ItemPolicy
from .passes import Outlook, Passes
from .plan import Plan
from .planning import Planning
from .prices import check_known, pricing
from .protocols import Approver, Joiner, Planner, Reporter, ToolSelector
from .result import RunResult
from .run import EventLog, Run
from .session import Session
from .settings import (
    check_choices,
    check_parts,
    check_question,
    checked_limits,
    checked_planner_name,
    checked_reporters,
)
from .sharing.cache import Cache
from .sharing.table import Sharing
from .tools import Tool, ToolRegistry

if TYPE_CHECKING:
    from llmcompiler_planners import PlanCache

    from .frozen import FrozenPlan
    from .templates import PlanTemplate


class LLMCompiler:
    r"""Compiles questions into graphs of tool calls and runs them while they are still being planned.

    Args:
        tools: `Tool`s or plain typed functions.
        model: A `Model` or `"provider:name"`; default from `LLMCOMPILER_MODEL`, else the embedded one where installed.
        planner: Writes the plan: a `Planner`, or the name of a ready-made one: `"text"`, `"json"`, `"tools"`,
            `"python"`, `"react"`, `"local"`; `"auto"`, the default, goes by what the model can do.
        joiner: Answers or asks for another round; default by what the model can do.
        executor: Makes the calls; default `AsyncExecutor()`: 16 calls at once, 60 s each.
        journal: Not there yet; must be None.
        max_replans: Rounds after the first, at most.
        limits: Bounds of every run; see `Limits`.
        approver: `async (request) -> bool`, asked about calls that need approval.
        reporters: See every event of every run.
        repairs: How often tasks that can not run go back to the planner, in one round.
        passes: Switches of the compiler's passes; all are on by default.
        cache: Keeps results of pure and read calls: `MemoryCache()`, `SQLiteCache(path)`; None for no cache.
        approval_timeout: Seconds after which a call that waits for approval fails, if nobody has decided; None to wait
            as long as the run does.
        on_item_error: What a failed item does to its `for` task where its tool does not say: `"fail"`, `"skip"`
            or `"collect"`.
        selector: Chooses, of many tools, those that the planner is shown; any tool may be called all the same.
        plan_cache: Keeps plans of runs that went well as templates, and fills one instead of asking the planner where a
            question is of the same form: a `llmcompiler_planners.PlanCache`.
        live: Show runs while they go on: None for where a notebook's kernel runs, True also in IPython on a terminal.

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
        planner: Planner | str | None = None,
        joiner: Joiner | None = None,
        executor: Executor | None = None,
        journal: None = None,
        max_replans: int = 2,
        limits: Limits | None = None,
        approver: Approver | None = None,
        reporters: Sequence[Reporter] = (),
        *,
        repairs: int = 2,
        passes: Passes | None = None,
        cache: Cache | None = None,
        on_item_error: ItemPolicy = "fail",
        approval_timeout: float | None = None,
        selector: ToolSelector | None = None,
        plan_cache: PlanCache | None = None,
        live: bool | None = None,
    ) -> None:
        self.tools = tools if isinstance(tools, ToolRegistry) else ToolRegistry(tools)
        if journal is not None:
            raise ConfigurationError("journal= is not supported by this version; leave it out")
        check_parts(executor, planner, joiner, model, approver, cache, selector, plan_cache)
        check_choices(max_replans, repairs, passes, on_item_error)
        self.reporters = checked_reporters(reporters)
        self._model_spec = model
        self._model: Model | None = model if model is not None and not isinstance(model, str) else None
        self._planner_name = checked_planner_name(planner)
        self._planner = None if isinstance(planner, str) else planner
        self._joiner = joiner
        self.selector = selector
        self.plan_cache = plan_cache
        self.live = checked_live(live)
        self._cached: Planner | None = None
        self.executor = executor or AsyncExecutor()
        self.max_replans = max_replans
        self.repairs = repairs
        self.limits = checked_limits(limits, Limits())
        self.limits.check_tools(self.tools)
        check_rates(self.tools.values())
        self.approver = approver
        self.approval_timeout = checked_timeout(approval_timeout)
        self.passes = passes or Passes()
        self.on_item_error: ItemPolicy = on_item_error
        self.latencies = Latencies()
        self.sharing = Sharing(cache, fold=self.passes.fold, merge=self.passes.merge)

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
        """The planner; by default what suits the model. With a `plan_cache`, it is asked first."""
        if self._planner is None:
            from llmcompiler_planners import make_planner

            self._planner = make_planner(self._planner_name, self.model)
        if self.plan_cache is None:
            return self._planner
        if self._cached is None:
            from llmcompiler_planners import CachedPlanner

            self._cached = CachedPlanner(self._planner, self.plan_cache)
        return self._cached

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
        return await self._session(question, output_type, limits, run_id, self._views()).run()

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

    def start(
        self,
        question: str | None = None,
        *,
        plan: Plan | str | None = None,
        output_type: Any = None,
        limits: Limits | None = None,
        run_id: str | None = None,
    ) -> Run:
        """Start a run that goes on by itself, and hold it: watch its events, decide what needs approval, cancel it.

        Calls that need approval wait for `Run.approve` or `Run.reject`, or for the compiler's `approver`: the first to
        decide counts.

        Args:
            question: What is asked, as in `run`.
            plan: A plan to run, as in `execute`; with a question, the joiner answers it.
            output_type: The type of the answer.
            limits: Bounds of this run instead of the compiler's.
            run_id: An id of your own.

        Raises:
            UsageError: The question or a setting is wrong, or no event loop runs here.
            PlanError: The plan has errors.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise UsageError(
                "start() needs a running event loop: call it from `async` code, or use run_sync()"
            ) from None
        if question is None and plan is None:
            raise UsageError("start() needs a question, or plan=")
        log = EventLog()
        if plan is None:
            assert question is not None
            session = self._session(question, output_type, limits, run_id, [log], held=True)
            return Run(session, session.run(), log)
        checked, found = self._checked(plan)
        session = self._session(question, output_type, limits, run_id, [log], held=True, given=True)
        return Run(session, session.execute(checked, found), log)

    def as_tool(
        self,
        name: str = "research",
        description: str = "Answer a question that takes several steps.",
        *,
        limits: Limits | None = None,
        output_type: Any = None,
        max_depth: int = 4,
        **options: Any,
    ) -> Tool:
        """This compiler as a tool of another one: it takes a question and gives the answer.

        The run inside has limits of its own, ends within the time of the call, and takes no place under caps of calls
        that run at once. What it uses of models counts for the run outside, too. If it has no answer the call fails
        with a `ToolError` whose `.result` holds what was done.

        Args:
            name: The name planners use.
            description: What it knows and can do, in a line or two.
            limits: Bounds of each run inside, instead of this compiler's.
            output_type: The type of the answer; text by default.
            max_depth: Compilers that may run one inside another; more is a circle.
            **options: `effect=`, `timeout=`, `requires_approval=` and so on, as in `@tool`.

        Raises:
            ToolDefinitionError: An option is wrong.
        """
        return make_tool(
            self, name, description, limits=limits, output_type=output_type, max_depth=max_depth, **options
        )

    def _views(self) -> list[Reporter]:
        """The live view of a run in a notebook; runs inside others have none."""
        return live_views(self.live, self.reporters) if OUTER.get() is None else []

    def checked_limits(self, limits: Limits | None, *users: Any) -> Limits:
        """The bounds of a run: those given, else the compiler's.

        Args:
            limits: What was given.
            *users: Planner and joiner, whose models must have known prices if there is a limit on cost.

        Raises:
            ConfigurationError: They can not be kept here.
        """
        limits = checked_limits(limits, self.limits)
        limits.check_tools(self.tools)
        if limits.cost is not None:
            check_known(model for u in users if (model := getattr(u, "model", None)) is not None)
        return limits

    def _session(
        self,
        question: str | None,
        output_type: Any,
        limits: Limits | None,
        run_id: str | None,
        reporters: Sequence[Reporter] = (),
        *,
        held: bool = False,
        given: bool = False,
    ) -> Session:
        question = "" if given and question is None else check_question(question)
        planner = None if given else self.planner
        joiner = self.joiner if question else None
        return Session(
            question,
            tools=self.tools,
            executor=self.executor,
            planner=planner,
            joiner=joiner,
            limits=self.checked_limits(limits, planner, joiner),
            max_replans=self.max_replans,
            repairs=self.repairs,
            approver=self.approver,
            reporters=(*self.reporters, *reporters),
            output_type=output_type,
            run_id=run_id,
            passes=self.passes,
            sharing=self.sharing,
            latencies=self.latencies,
            on_item_error=self.on_item_error,
            approval_timeout=self.approval_timeout,
            held=held,
            selector=self.selector,
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
        limits = self.checked_limits(limits, self.planner)
        budget = Budget(limits)
        price = pricing(getattr(self.planner, "model", None))
        emitter = Emitter("plan", checked_reporters(reporters))
        planning = Planning(
            question,
            self.planner,
            self.tools,
            PlanChecker(self.tools, on_item_error=self.on_item_error),
            emitter,
            None,
            limits,
            repairs=self.repairs,
            usage=lambda usage: budget.use(usage, price),
            allow_call=budget.allow,
            selector=self.selector,
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
        made = check_plan(plan, self.tools, on_item_error=self.on_item_error)
        made.__dict__["_outlook"] = self.outlook
        made.__dict__["_usage"] = budget.usage
        return made

    @property
    def outlook(self) -> Outlook:
        """What is known of how plans will run here, for `Plan.explain`."""
        return Outlook(self.latencies, getattr(self.executor, "max_concurrency", None), self.passes)

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
        checked, found = self._checked(plan)
        session = self._session(question, output_type, limits, run_id, self._views(), given=True)
        return await session.execute(checked, found)

    def execute_sync(self, plan: Plan | str, **options: Any) -> RunResult:
        """`execute` for code without an event loop."""
        return run_blocking(self.execute(plan, **options))

    def freeze(
        self,
        plan: Plan | PlanTemplate | str,
        *,
        question: str | None = None,
        holes: Mapping[str, Any] | None = None,
        name: str | None = None,
        description: str | None = None,
    ) -> FrozenPlan:
        """A plan as a typed function, to be compiled once and run many times: no model is asked to plan.

        Args:
            plan: A plan, plan text (or its JSON form), or a template of one.
            question: What the plan answers: what stands in both becomes a parameter, and where the plan ends with a
                bare `join()`, the joiner answers the question. To have parameters and no joiner, freeze
                `plan.generalize(question)`.
            holes: Literals of the plan that become parameters, by name, instead of those that are found.
            name: Its name.
            description: What it does, in a line or two.

        Raises:
            PlanError: The plan has errors.
            UsageError: There is no such literal, or a template was made for other tools.
        """
        from .frozen import freeze

        return freeze(self, plan, question=question, holes=holes, name=name, description=description)

    def _checked(self, plan: Plan | str) -> tuple[Plan, list[Diagnostic]]:
        """A plan that can run, and what is odd about its text."""
        found: list[Diagnostic] = []
        if isinstance(plan, str):
            if plan.lstrip().startswith("{"):
                parsed = Plan.model_validate_json(plan)
            else:
                from .language import parse_plan

                parsed, found = parse_plan(plan)
        elif isinstance(plan, Plan):
            parsed = plan
        else:
            raise UsageError(f"execute() takes a Plan or plan text, not {type(plan).__name__}")
        made = check_plan(parsed, self.tools, diagnostics=found, on_item_error=self.on_item_error)
        if isinstance(plan, str) and not made.tasks and made.join is None:
            raise PlanError((), "there is no plan in the text: not one task and no join")
        return made, found

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
