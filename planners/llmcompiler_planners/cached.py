"""A planner that asks a plan cache before it asks another planner, and shows the cache how the runs ended.

Which plans are right for a question is the business of the cache.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from llmcompiler.errors import PlanError, ToolError, UsageError
from llmcompiler.outcomes import Failed, Outcome, Succeeded
from llmcompiler.plan import Join, Task, Thought
from llmcompiler.protocols import PlanContext, PlanItem, Planner
from llmcompiler.tools import ToolRegistry

from .plan_cache import PlanCache, Recalled

if TYPE_CHECKING:
    from llmcompiler.result import RunResult

RECALLED = "recalled"
"""Name of the note of a run whose plan came from the cache."""
_ASKED = 1_000
"""Questions under way that are kept in mind."""


class CachedPlanner:
    """Asks a `PlanCache` first and another planner where that has no plan; shows it how the runs ended.

    Only the first plan of a run comes from the cache: mending and replanning are the other planner's business. A run
    whose plan was recalled has a note `recalled`, and its planning used no model.

    Args:
        planner: Plans what is not in the cache.
        cache: Keeps plans.
    """

    def __init__(self, planner: Planner, cache: PlanCache) -> None:
        self.planner = planner
        self.cache = cache
        self._asked: OrderedDict[tuple[str, int], _Asked] = OrderedDict()

    @property
    def model(self) -> Any:
        """The model of the planner that is asked where the cache has nothing."""
        return getattr(self.planner, "model", None)

    async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        """The tasks for `context.question`, from the cache where it has a plan that is surely right."""
        # A question may be asked by several runs at once: each has what takes its usage for itself.
        key = context.question, id(context.usage)
        asked = self._asked.get(key)
        first = context.purpose == "plan" and context.round == 1 and context.next_id == 1
        if not first or (
            asked is not None and asked.run is context.usage
        ):  # a try after one that gave nothing
            if asked is not None:
                asked.usable = False
            async for item in self._plan(context):
                yield item
            return
        asked = _Asked(context.tools, context.usage)
        self._asked[key] = asked
        if len(self._asked) > _ASKED:
            self._asked.popitem(last=False)
        recalled = self.cache.recall(context.question, context.tools)
        asked.recalled = recalled
        if recalled is not None and not recalled.audit:
            shown = recalled.template.form_text
            context.note(RECALLED, f"the plan is that of {shown!r}; no model was asked for it")
            yield Thought(f"Recalled the plan of {shown!r}")
            for task in recalled.plan.tasks:
                yield task
            if recalled.plan.join is not None:
                yield recalled.plan.join
            return

        async def outcome(task_id: int) -> Outcome:
            asked.usable = False  # what follows depends on what was seen, and is no plan for another question
            return await context.outcome(task_id)

        async for item in self._plan(replace(context, outcome=outcome)):
            if not isinstance(item, (Task, Thought, Join)):
                asked.usable = False
            asked.whole = asked.whole or isinstance(item, Join)
            if isinstance(item, Task):
                asked.calls.append((item.id, item.tool))
            yield item
        asked.whole = True

    async def _plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        stream = self.planner.plan(context)
        if not hasattr(stream, "__aiter__"):
            if inspect.iscoroutine(stream):
                stream.close()
            raise UsageError(
                f"{type(self.planner).__name__}.plan gave {type(stream).__name__}, not an async iterator"
            )
        try:
            async for item in stream:
                yield item
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()

    def learn(self, question: str, result: RunResult) -> None:
        """Keep the plan of a run in which nothing went wrong; forget that of a recalled one in which something did."""
        asked = self._ended(question, result)
        if asked is None:
            return
        outcomes = [task.outcome for task in result.tasks.values()]
        recalled = asked.recalled
        if any(note.name == RECALLED for note in result.notes):
            failed = any(isinstance(o, Failed) for o in outcomes)
            failed = failed or len(result.plans) > 1 or isinstance(result.error, (PlanError, ToolError))
            if failed and recalled is not None:
                self.cache.distrust(recalled)
            return
        clean = (
            result.error is None and not result.diagnostics and not result.feedback and len(result.plans) == 1
        )
        whole = clean and asked.whole and asked.calls == [(t.id, t.tool) for t in result.plans[0].tasks]
        if whole and asked.usable and all(isinstance(o, Succeeded) for o in outcomes):
            if recalled is not None:
                self.cache.audited(recalled, result.plans[0])
            self.cache.learn(question, result.plans[0], asked.tools)

    def _ended(self, question: str, result: RunResult) -> _Asked | None:
        """What was noted of the run; of several runs of one question, one that could be it and is taken most coldly."""
        runs = [(key, asked) for key, asked in self._asked.items() if key[0] == question]
        if not runs:
            return None
        from_cache = any(note.name == RECALLED for note in result.notes)
        calls = [(t.id, t.tool) for t in result.plans[0].tasks] if result.plans else []

        def order(run: tuple[tuple[str, int], _Asked]) -> tuple[bool, bool, bool]:
            asked = run[1]
            recalled = asked.recalled is not None and not asked.recalled.audit
            return (
                recalled is not from_cache,
                not from_cache and asked.calls != calls,
                asked.usable and asked.whole,
            )

        key, asked = min(runs, key=order)
        del self._asked[key]
        return asked

    def __repr__(self) -> str:
        return f"<CachedPlanner of {self.planner!r}>"


@dataclass(slots=True)
class _Asked:
    """A question under way."""

    tools: ToolRegistry
    run: Any
    """What takes the usage of its run: each run has one of its own."""
    calls: list[tuple[int, str]] = field(default_factory=list)
    """Tasks that the planner wrote."""
    recalled: Recalled | None = None
    whole: bool = False
    """Whether its plan came to its end."""
    usable: bool = True
    """Whether the plan is one that was made at once, of nothing but the question."""
