"""What the commands do, once their options are read: build a compiler, run it, show the result."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeVar

from .._jsonable import error_to_dict
from ..errors import ConfigurationError, LimitExceeded, LLMCompilerError, PlanError, ToolError
from ..outcomes import Failed
from ..settings import PLANNERS, checked_planner_name
from ._display import Approver, Display
from ._load import PYTHON, load_part, load_tools, tools_of
from ._streams import read_plan, read_question, tell, write_answer, write_json, write_text
from ._trace import TraceFile

if TYPE_CHECKING:
    from ..compiler import LLMCompiler
    from ..diagnostics import Diagnostic
    from ..plan import Plan
    from ..protocols import Reporter
    from ..result import RunResult
    from ..tools import Tool

T = TypeVar("T")

_ERROR = 2_000
"""Characters of what a tool raised that are shown."""
_LINE = 500
"""Characters of a tool's description that are listed."""
_WARNINGS = 20
"""Warnings about a plan that are shown."""


@dataclass(frozen=True)
class Options:
    """What several commands take."""

    tools: Sequence[str] = ()
    model: str | None = None
    planner: str | None = None
    json: bool = False
    events: bool = False
    quiet: bool = False
    yes: bool = False
    max_replans: int = 2
    timeout: float | None = None
    max_concurrency: int | None = None
    trace: str | None = None


def chosen_tools(options: Options, *, model: Any = None) -> list[Tool]:
    """The tools named, or the ready-made ones.

    Raises:
        ConfigurationError: A name is wrong, or there are no tools at all.
    """
    if options.tools:
        return load_tools(options.tools)
    # A small embedded model plans well only with few tools to choose from.
    name = "demo_tools" if is_embedded(model) else "offline_tools"
    try:
        import llmcompiler_tools

        return tools_of(getattr(llmcompiler_tools, name), f"llmcompiler_tools:{name}")
    except ImportError as e:
        raise ConfigurationError(
            f"the ready-made tools are not all here ({e}); install llmcompiler-runtime[tools], or name your own with "
            "--tools module:attr"
        ) from None


def is_embedded(model: Any) -> bool:
    """Whether the model runs in this process."""
    return model is not None and "adapter" in getattr(model, "features", ())


def chosen_model(options: Options) -> Any:
    """The model named, or the default one.

    Raises:
        ConfigurationError: There is no such model.
    """
    if options.model is not None and options.model.startswith(PYTHON):
        return load_part(options.model, "--model", "stream")
    from ..models import resolve_model

    try:
        return resolve_model(options.model)
    except ConfigurationError as e:
        raise e if options.model is None else ConfigurationError(f"--model {options.model}: {e}") from None


def chosen_planner(options: Options) -> Any:
    """The planner named, if one is.

    Raises:
        ConfigurationError: There is no such planner.
    """
    if options.planner is None:
        return None
    if options.planner.startswith(PYTHON):
        return load_part(options.planner, "--planner", "plan")
    try:
        return checked_planner_name(options.planner)
    except ConfigurationError:
        raise ConfigurationError(
            f"--planner {options.planner}: give one of {', '.join(PLANNERS)}, or python:module:attr "
            "(or python:path/to/file.py:attr)"
        ) from None


def build(
    options: Options, display: Display, *, with_model: bool = True, reporters: Sequence[Reporter] = ()
) -> LLMCompiler:
    """A compiler with what the options name, and further reporters.

    Raises:
        ConfigurationError: Something that they name is not there.
    """
    from ..backend.executor import AsyncExecutor
    from ..compiler import LLMCompiler
    from ..limits import Limits

    if options.timeout is not None and not options.timeout > 0:
        raise ConfigurationError(f"--timeout {options.timeout:g}: give seconds above 0")
    # A planner of the user's may need no model at all; where it does, the compiler finds the default one.
    own_planner = options.planner is not None and options.planner.startswith(PYTHON)
    needs_model = with_model and (options.model is not None or not own_planner)
    model = chosen_model(options) if needs_model else None
    return LLMCompiler(
        chosen_tools(options, model=model),
        model=model,
        planner=chosen_planner(options),
        executor=None
        if options.max_concurrency is None
        else AsyncExecutor(max_concurrency=options.max_concurrency),
        max_replans=options.max_replans,
        limits=Limits(seconds=options.timeout),
        approver=Approver(display, yes=options.yes),
        reporters=[display.reporter, *reporters],
    )


def run_question(question: str | None, options: Options, out: TextIO) -> None:
    """`run`: answer a question."""
    text = read_question(question)
    trace = TraceFile(options.trace, quiet=options.quiet)
    display = Display(quiet=options.quiet, events=options.events)
    compiler = build(options, display, reporters=trace.reporters)
    with trace, display:
        result = trace.result = run_async(compiler, compiler.run(text))
    give(result, display, options, out)


def run_plan(path: str, question: str | None, options: Options, out: TextIO) -> None:
    """`exec`: run a plan file, and answer a question from it if there is one."""
    text = read_plan(path)
    display = Display(quiet=options.quiet, events=options.events)
    asked = None if question is None else read_question(question)
    trace = TraceFile(options.trace, quiet=options.quiet)
    compiler = build(options, display, with_model=asked is not None, reporters=trace.reporters)
    name = "standard input" if path == "-" else path
    try:
        plan, warnings = to_plan(text, compiler)
        if not options.quiet:
            for warning in warnings[:_WARNINGS]:
                tell(f"{name}:{warning.render()}")
        with trace, display:
            result = trace.result = run_async(compiler, compiler.execute(plan, question=asked))
    except PlanError as e:
        raise PlanError(e.diagnostics, f"{name}: {str(e).partition(chr(10))[0]}") from e
    give(result, display, options, out)


def to_plan(text: str, compiler: LLMCompiler) -> tuple[Plan, list[Diagnostic]]:
    """A plan from its text or JSON form, and what is odd about the text.

    Raises:
        PlanError: It has errors, or there is no plan in it.
    """
    from ..check import check_plan
    from ..language import parse_plan

    if text.lstrip()[:1] in ("{", "["):
        return _from_json(text), []
    plan, found = parse_plan(text)
    plan = check_plan(plan, compiler.tools, diagnostics=found, on_item_error=compiler.on_item_error)
    if not plan.tasks and plan.join is None:
        raise PlanError(found, "there is no plan in it: not one task and no join")
    return plan, found


def _from_json(text: str) -> Plan:
    import json

    from ..plan import Plan

    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and "tasks" not in document and isinstance(document.get("plan"), dict):
        return Plan.model_validate(document["plan"])  # what `llmcompiler plan --json` prints
    return Plan.model_validate_json(text)


def give(result: RunResult, display: Display, options: Options, out: TextIO) -> None:
    """Write the answer, and what the run took.

    Raises:
        LLMCompilerError: Why there is no answer, if there is none.
    """
    error = why_not(result)
    if error is not None:
        display.footer()
        error.result = result
        raise error from (None if error is result.error else result.error)
    display.space()
    if options.json:
        write_json(result.to_dict(), out)
    else:
        write_answer(result.output, out)
    display.space()
    display.footer()


def why_not(result: RunResult) -> LLMCompilerError | None:
    """Why there is no answer, with the task where it went wrong; None where there is one."""
    error = result.error
    if error is None and not _is_empty(result):
        return None
    told = "no call was made"
    if result.tasks:
        told = "no call at an end of the plan has a value" if error is None else ""
    for i, t in result.tasks.items():
        if isinstance(t.outcome, Failed) and (error is None or t.outcome.error is error):
            place = f"task {i} `{t.task.tool}` failed: {_one_error(t.outcome.error)}"
            return ToolError("no answer: " + (f"{told}; {place}" if told else place))
    if isinstance(error, LLMCompilerError):
        return error
    return ToolError(f"no answer: {told if error is None else _one_error(error)}")


def _is_empty(result: RunResult) -> bool:
    """Whether the output is the `{}` of a join that no model made, where no call it reads has a value: no answer."""
    if type(result.output) is not dict or result.output or not (result.tasks or result.question):
        return False
    join = result.plans[-1].join if result.plans else None
    return join is None or join.ref is None or join.ref.task not in result.values


def _one_error(error: BaseException) -> str:
    text = error_to_dict(error)["message"].strip()
    if len(text) > _ERROR:
        text = text[:_ERROR] + f" ... ({len(text):,} characters in all)"
    if isinstance(error, LLMCompilerError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def show_plan(
    question: str | None,
    options: Options,
    out: TextIO,
    *,
    graph: Literal["mermaid", "dot", "svg"] | None = None,
) -> None:
    """`plan`: compile a question and show the plan."""
    from ..pictures import shape
    from ..simulator import known_order

    text = read_question(question)
    display = Display(quiet=options.quiet, plan_only=True)
    compiler = build(options, display)
    with display:
        plan = run_async(compiler, compiler.plan(text, reporters=[display.reporter]))
    if options.json:
        s = shape(plan)
        document = {
            "question": text,
            "plan": plan.model_dump(),
            "text": str(plan),
            "steps": s.depth,
            "width": s.width,
            "critical_path": list(s.critical_path),
            "order": {str(later): list(after) for later, after in known_order(plan).items() if after},
        }
        write_json(document, out)
    else:
        forms = {None: plan.__str__, "mermaid": plan.to_mermaid, "dot": plan.to_dot, "svg": plan.to_svg}
        write_text(forms[graph](), out)
    if not options.quiet:
        # The cap of whatever executor would run it; one of your own need not have any.
        concurrency = getattr(compiler.executor, "max_concurrency", None)
        tell("\n" + plan.explain(concurrency=concurrency))


def show_tools(options: Options, out: TextIO) -> None:
    """`tools`: what can be called."""
    tools = chosen_tools(options)
    if options.json:
        write_json([t.to_dict() for t in tools], out)
        return
    if not options.tools:
        tell("llmcompiler_tools:offline_tools (the embedded model gets fewer: llmcompiler_tools:demo_tools)")
    for t in tools:
        marks: list[str] = [t.effect or "effect not declared"]
        marks += ["needs approval"] if t.requires_approval else []
        first = t.description.strip().splitlines()[:1]
        write_text(
            "\n".join([t.signature, *(f"    {line[:_LINE]}" for line in first), f"    [{', '.join(marks)}]"]),
            out,
        )


def run_async(compiler: LLMCompiler, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` of `compiler` to its end, also where an event loop is running already, and close the compiler."""
    from ..bridge import run_blocking

    try:
        # SIGTERM as Ctrl-C: calls end, and the terminal gets its cursor back.
        return run_blocking(_whole(compiler, work), terminate=True)
    except LimitExceeded as e:
        if e.limit != "seconds":
            raise
        told = LimitExceeded(
            e.limit, e.allowed, f"no answer within {e.allowed:g} s; --timeout gives it longer"
        )
        told.result = e.result
        raise told from e


async def _whole(compiler: LLMCompiler, work: Coroutine[Any, Any, T]) -> T:
    asyncio.get_running_loop().set_exception_handler(_report)
    async with compiler:
        return await work


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Ctrl-C that hits a tool in the middle of a step ends the run all the same; it is no failure to be reported.
    if not isinstance(context.get("exception"), KeyboardInterrupt):
        loop.default_exception_handler(context)
