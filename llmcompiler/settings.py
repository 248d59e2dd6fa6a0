"""What users hand to a compiler, checked when they do: each thing wrong is one error that says the way out.

Nothing here runs, and nothing is filled in but plain defaults.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from .driver import Executor
from .errors import ConfigurationError, UsageError
from .limits import Limits
from .options import ItemPolicy
from .passes import Passes
from .protocols import Reporter

LONGEST_QUESTION = 200_000
"""Characters a question may have."""


PLANNERS = ("auto", "text", "json", "tools", "python", "react", "local")
"""Names of the ready-made planners."""


def checked_planner_name(planner: Any) -> str:
    """The name of the planner to make; `auto` where none is named.

    Raises:
        ConfigurationError: There is none of that name.
    """
    if not isinstance(planner, str):
        return "auto"
    name = planner.strip().lower()
    if name not in PLANNERS:
        raise ConfigurationError(
            f"there is no planner {planner!r}; give a Planner, or one of: {', '.join(PLANNERS)}"
        )
    return name


def check_parts(
    executor: Any,
    planner: Any,
    joiner: Any,
    model: Any,
    approver: Any,
    cache: Any,
    selector: Any = None,
    plan_cache: Any = None,
) -> None:
    """Refuse what can not be used.

    Raises:
        ConfigurationError: One of these can not be what it is given for.
    """
    if isinstance(executor, type) and issubclass(executor, Executor):
        raise ConfigurationError(f"executor={executor.__name__} is a class; make one: {executor.__name__}()")
    if executor is not None and not isinstance(executor, Executor):
        raise ConfigurationError(f"executor={executor!r} is not an Executor; subclass llmcompiler.Executor")
    for name, given, method in (
        ("planner", None if isinstance(planner, str) else planner, "plan"),
        ("joiner", joiner, "join"),
        ("selector", selector, "select"),
    ):
        if given is not None and not callable(getattr(given, method, None)):
            raise ConfigurationError(f"{name}={given!r} has no method `{method}`")
    if approver is not None and not callable(approver):
        raise ConfigurationError(f"approver={approver!r} is not a function; write `async (request) -> bool`")
    if model is not None and not isinstance(model, str) and not callable(getattr(model, "stream", None)):
        raise ConfigurationError(f"model={model!r} has no method `stream`; give a Model or 'provider:name'")
    if isinstance(cache, type):
        raise ConfigurationError(f"cache={cache!r} is a class; give one of it, as in MemoryCache()")
    if plan_cache is not None and (
        isinstance(plan_cache, type) or not callable(getattr(plan_cache, "recall", None))
    ):
        raise ConfigurationError(
            f"plan_cache={plan_cache!r} is no plan cache; give a PlanCache() or PlanCache(path=...)"
        )
    for method in ("get", "put", "epoch", "bump") if cache is not None else ():
        if not callable(getattr(cache, method, None)):
            raise ConfigurationError(
                f"cache={cache!r} has no method `{method}`; give a MemoryCache() or SQLiteCache(path)"
            )


def check_choices(max_replans: Any, repairs: Any, passes: Any, on_item_error: Any) -> None:
    """Refuse what can not be used.

    Raises:
        ConfigurationError: One of these is not among what may be chosen.
    """
    for option, number in (("max_replans", max_replans), ("repairs", repairs)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ConfigurationError(f"{option}={number!r}: give a whole number, 0 or more")
    if passes is not None and not isinstance(passes, Passes):
        raise ConfigurationError(f"passes={passes!r} is not a Passes; write Passes(merge=False)")
    if on_item_error not in get_args(ItemPolicy):
        raise ConfigurationError(f"on_item_error={on_item_error!r}: use 'fail', 'skip' or 'collect'")


def checked_limits(limits: Limits | None, default: Limits) -> Limits:
    """The limits given, else the default.

    Raises:
        ConfigurationError: They are none.
    """
    if limits is not None and not isinstance(limits, Limits):
        raise ConfigurationError(f"limits={limits!r} is not a Limits; write Limits(tasks=50)")
    return limits or default


def checked_reporters(reporters: Sequence[Reporter]) -> tuple[Reporter, ...]:
    """The reporters, as a tuple.

    Raises:
        ConfigurationError: One of them can not report.
    """
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


def check_question(question: Any) -> str:
    """The question, stripped.

    Raises:
        UsageError: Not a text, empty, or too long.
    """
    if not isinstance(question, str):
        raise UsageError(f"the question is {type(question).__name__}, not text")
    text = question.strip()
    if not text:
        raise UsageError("the question is empty; say what you want to know")
    if len(text) > LONGEST_QUESTION:
        raise UsageError(f"the question has {len(text):,} characters; at most {LONGEST_QUESTION:,} are taken")
    return text
