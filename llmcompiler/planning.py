"""One round of planning: the planner's stream becomes checked tasks, which start while it is still writing.

What can not run goes back for repair, a stream that breaks is taken up again, and a call that was made already is
not made twice.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from . import events as ev
from ._jsonable import describe_error
from .budget import Calls
from .calls import call_key
from .diagnostics import Diagnostic
from .errors import (
    LimitExceeded,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelNotFound,
    ModelRequestRejected,
    ModelServerError,
    ModelStreamBroken,
    PlanningFailed,
    UsageError,
)
from .outcomes import Outcome
from .passes import Merging
from .plan import Join, Plan, Task, Thought
from .protocols import Answer, Observation, PlanContext, PlanItem, Planner, ToolSelector
from .renaming import rename_join, rename_task
from .result import Note

if TYPE_CHECKING:
    from .check import PlanChecker
    from .driver import Driver
    from .emitter import Emitter
    from .events import PlanPurpose
    from .limits import Limits
    from .models.base import Usage
    from .tools import ToolRegistry

logger = logging.getLogger("llmcompiler")


class Planning:
    """Plans the rounds of one run.

    Args:
        question: What is asked.
        planner: Writes the tasks.
        tools: The registry.
        checker: Checks them.
        emitter: Told of everything.
        driver: Runs them; None to plan only.
        limits: Of the run.
        repairs: How often broken tasks of one round go back to the planner.
        resumes: How often a planner whose stream broke is asked again, in one round.
        usage: Handed to planners: takes what a model used.
        allow_call: Handed to planners: raises when no more model calls are allowed.
        calls: Counts the calls of each tool.
        selector: Chooses the tools that the planner is shown; None for all.
    """

    def __init__(
        self,
        question: str,
        planner: Planner,
        tools: ToolRegistry,
        checker: PlanChecker,
        emitter: Emitter,
        driver: Driver | None,
        limits: Limits,
        *,
        repairs: int = 2,
        resumes: int = 2,
        usage: Callable[[Usage], None] = lambda usage: None,
        allow_call: Callable[[], None] = lambda: None,
        calls: Calls | None = None,
        selector: ToolSelector | None = None,
    ) -> None:
        self.question = question
        self.planner = planner
        self.tools = tools
        self.checker = checker
        self.emitter = emitter
        self.driver = driver
        self.limits = limits
        self.repairs = repairs
        self.resumes = resumes
        self.thoughts: list[str] = []
        self.trouble = ""
        """Why planning of the last round is not whole, if so."""
        self.repeated = False
        """Whether the last round held no call that an earlier one had not."""
        self.answer: Answer | None = None
        """What the planner itself gave as the answer, if it did."""
        self.selector = selector
        self._offered: ToolRegistry | None = None
        self._usage = usage
        self._allow_call = allow_call
        self._calls = calls or Calls(limits)
        self._round = 0
        self._tasks: list[Task] = []
        self._join: Join | None = None
        self._broken: dict[int | None, list[Diagnostic]] = {}
        self._merging = Merging(
            tools,
            driver.changed_since if driver is not None else lambda earlier, task: True,
            on=driver is not None and driver.passes.merge,
        )
        self._resumed: set[int] = set()
        self._places = 0
        self._renamed: dict[int, int] = {}
        self._total = 0

    async def round(self, number: int, feedback: str = "") -> Plan:
        """Plan one round; tasks are handed to the driver as they come.

        Raises:
            PlanningFailed: Not one task and no join came of it.
            ModelError: The planner's model failed before there was any task.
            LimitExceeded: A limit was reached; what was planned until then runs on.
        """
        self._round, self._tasks, self._join, self._broken = number, [], None, {}
        self.trouble, self.repeated, self.answer = "", False, None
        purpose: PlanPurpose = "replan" if number > 1 else "plan"
        if number > 1:
            self._note_reusable()
        before = set(self._merging.keys)
        try:
            await self._stream_with_resumes(purpose, feedback)
            if self.answer is None:
                await self._repair()
        finally:
            if self.driver is not None:
                self.driver.unhold()
            # Also when it ends early: what was planned is a plan.
            self.emitter.emit(ev.PlanFinished, round=number, tasks=len(self._tasks))
        if number > 1:
            stale, key = self._merging.stale, self._merging.key
            self.repeated = all(key(t) in before and t.id not in stale for t in self._tasks)
        return self.plan

    @property
    def plan(self) -> Plan:
        """The plan of this round as it stands."""
        return Plan(tuple(self._tasks), self._join)

    # -- the stream ----------------------------------------------------------------

    async def _stream_with_resumes(self, purpose: PlanPurpose, feedback: str) -> None:
        tries = 0
        while True:
            error: Exception
            try:
                await self._stream(purpose, feedback)
            except (UsageError, LimitExceeded, ModelAuthenticationError, ModelNotFound):
                raise
            except Exception as e:
                error = e
            else:
                if self._tasks or self._join is not None or self._broken or self.answer is not None:
                    return
                error = PlanningFailed((), "the planner wrote no task and no join")
            tries += 1
            if tries > self.resumes or self._join is not None or (not self._tasks and _is_refusal(error)):
                self._give_up(error)
                return
            logger.info("planning broke off (%s); asking again", describe_error(error))
            if self._tasks:
                purpose = "resume"
                self._note_reusable()

    def _give_up(self, error: Exception) -> None:
        if not self._tasks and self._join is None and self._round == 1:
            if isinstance(error, PlanningFailed):
                raise PlanningFailed(self.emitter.diagnostics or error.diagnostics, error.args[0])
            raise error
        # Tasks are under way: the joiner gets to see them, and why there are no more.
        self.trouble = f"planning broke off: {describe_error(error)}"

    async def _stream(
        self,
        purpose: PlanPurpose,
        feedback: str = "",
        diagnostics: Sequence[Diagnostic] = (),
        broken: Sequence[int] = (),
    ) -> None:
        self.emitter.emit(ev.PlanStarted, round=self._round, purpose=purpose)
        context = self._make_context(purpose, feedback, diagnostics, broken)
        self._renamed = {}
        stream: AsyncIterator[PlanItem] = self.planner.plan(context)
        if not hasattr(stream, "__aiter__"):
            if inspect.iscoroutine(stream):
                stream.close()
            raise UsageError(
                f"{type(self.planner).__name__}.plan gave {type(stream).__name__}, not an async iterator; "
                "write it as `async def plan(self, context): ... yield task`"
            )
        async with aclosing(_generator(stream)) as items:
            async for item in items:
                if isinstance(item, Task):
                    self._accept(item, purpose)
                elif isinstance(item, Thought):
                    self.thoughts.append(item.text)
                    self.emitter.emit(ev.ThoughtEmitted, round=self._round, text=item.text)
                elif isinstance(item, Join):
                    if purpose != "repair":
                        self._join = rename_join(item, self._renamed)
                    break
                elif isinstance(item, Answer):
                    if purpose != "repair":
                        self.answer, self._join = item, Join()
                    break
                elif isinstance(item, Diagnostic):
                    self.emitter.diagnose(item)
                    if item.severity == "error" and item.code != "trailing-text":
                        self._note_broken(item)
                        self._hold(item)
                else:
                    raise UsageError(
                        f"{type(self.planner).__name__}.plan yielded {item!r}, not a Task, Thought, Join or Answer"
                    )

    def _make_context(
        self, purpose: PlanPurpose, feedback: str, diagnostics: Sequence[Diagnostic], broken: Sequence[int]
    ) -> PlanContext:
        driver = self.driver
        calls = [] if driver is None else list(driver.calls.values())
        ended = [Observation(c.task, c.outcome, c.round) for c in calls if c.outcome is not None]
        running = [c.task for c in calls if c.outcome is None] if driver is not None else list(self._tasks)
        return PlanContext(
            question=self.question,
            tools=self.tools,
            purpose=purpose,
            round=self._round,
            next_id=self._next_id(),
            observations=ended,
            running=running,
            feedback=feedback,
            diagnostics=diagnostics,
            broken=broken,
            usage=self._usage,
            allow_call=self._allow_call,
            offered=self._choose_tools(),
            outcome=self._outcome,
            note=self._note,
        )

    def _note(self, name: str, text: str) -> None:
        if self.driver is not None:
            self.driver.notes.append(Note(name, None, text))

    def _choose_tools(self) -> ToolRegistry | None:
        if self.selector is None:
            return None
        if self._offered is None:
            self._offered = self.tools.subset(self.selector.select(self.question, self.tools))
        return self._offered

    async def _outcome(self, task_id: int) -> Outcome:
        """The outcome of a task under way; raises LookupError where there will be none."""
        task_id = self._renamed.get(task_id, task_id)
        driver = self.driver
        call = None if driver is None else driver.calls.get(task_id)
        if driver is None or call is None:
            problems = "; ".join(d.message for d in self._broken.get(task_id, ()))
            raise LookupError(problems or f"there will be no outcome of task {task_id}")
        if call.outcome is not None:
            return call.outcome
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def tell(outcome: Outcome) -> None:
            if not ended.done():
                ended.set_result(outcome)

        driver.ended.setdefault(task_id, []).append(tell)
        return await ended

    # -- tasks ----------------------------------------------------------------------

    def _next_id(self) -> int:
        return max([*self.checker.known, *self.checker.broken], default=0) + 1

    def _accept(self, task: Task, purpose: PlanPurpose) -> None:
        task = rename_task(task, self._renamed)
        known = purpose != "plan" and task.id in self.checker.known
        if known and self._is_known(task):
            return  # a planner that starts over says again what is under way
        if self.limits.tasks is not None and self._total >= self.limits.tasks:
            raise LimitExceeded("tasks", self.limits.tasks)
        if purpose != "repair" and (known or task.id in self._renamed.values()):
            task = self._renumber(task)
        bound, problems = self.checker.check(task, again=purpose == "repair")
        for problem in problems:
            self.emitter.diagnose(problem)
            if problem.severity == "error":
                self._note_broken(problem)
        if bound is None:
            if self.driver is not None and not known:
                self.driver.hold(task.id, task.tool)
            return
        reuse = self._find_same(bound, purpose)
        if reuse is None and bound.each is None:
            self._calls.allow(bound.tool)
        self._broken.pop(bound.id, None)
        self._total += 1
        self._tasks.append(bound)
        if self.driver is None:
            self.emitter.emit(ev.TaskPlanned, round=self._round, task=bound)
        else:  # which tells of the task, once it is in its place
            self.driver.add(bound, self._round, reuse=reuse)

    @property
    def merged(self) -> Mapping[int, int]:
        """For each task that takes over the outcome of an earlier one, the id of that."""
        return self._merging.merged

    def _find_same(self, task: Task, purpose: PlanPurpose) -> int | None:
        """The earlier task whose outcome this one takes over, if there is one."""
        if self.driver is None:
            self._merging.see(task)
            return None
        same = self._merging.recall(task) if purpose == "repair" else self._merging.find(task)
        self._merging.key(task)
        if same is None:
            return None
        earlier = self.driver.calls[same]
        if purpose == "repair" and earlier.round == self._round:
            self._merging.forget(task)
            return None
        if earlier.round == self._round and same not in self._resumed and earlier.outcome is not None:
            # Others hold its value already and may have changed it; what was kept of it when it came is found later.
            self._merging.forget(task)
            return None
        if self.driver.calls[same].round != self._round or same in self._resumed:
            text = f"task {task.id} is the same call as task {same}; its result is used again"
            self.emitter.diagnose(Diagnostic("repeated", text, 0, 0, "", "warning", task.id))
        else:
            self.driver.notes.append(Note("merge", task.id, f"the same call as task {same}: made once"))
        return same

    def _note_broken(self, problem: Diagnostic) -> None:
        task_id = problem.task_id
        if task_id is not None and task_id in self.checker.known:
            task_id = (
                None  # a second task of that id: it is the text that has to be written again, under another
            )
        elif task_id is not None:
            self.checker.broken.add(task_id)
        self._broken.setdefault(task_id, []).append(problem)

    def _hold(self, problem: Diagnostic) -> None:
        """What has to come after a statement that can not be read waits until that is mended, or given up."""
        if self.driver is None:
            return
        place = problem.task_id
        if place is None or place < 1 or place in self.driver.calls:
            self._places -= 1
            place = self._places
        self.driver.hold(place)

    def _is_known(self, task: Task) -> bool:
        bound, known = self.checker.bind(task), self.checker.known[task.id]
        return (
            bound is not None
            and call_key(bound, {}) == call_key(known, {})
            and (bound.each, bound.when) == (known.each, known.when)
        )

    def _renumber(self, task: Task) -> Task:
        """A planner that starts over may give another call a number that is taken.

        What follows in the same text means that call by the number, not the one that ran: mistaking one for the
        other would pass the wrong result on without a word.
        """
        new = self._next_id()
        text = f"task {task.id} is there already, as another call; this one is task {new}"
        self.emitter.diagnose(Diagnostic("duplicate-id", text, 0, 0, "", "warning", new))
        self._renamed[task.id] = new
        return replace(task, id=new)

    def _note_reusable(self) -> None:
        """From now on, calls that succeeded or are under way are not made again."""
        if self.driver is None:
            return
        for i, call in self.driver.calls.items():
            if call.outcome is None or call.outcome.status == "succeeded":
                self._merging.allow(call.task)
                self._resumed.add(i)
            else:
                self._merging.refuse(call.task)

    # -- repair -----------------------------------------------------------------------

    async def _repair(self) -> None:
        for _ in range(self.repairs):
            if not self._broken:
                return
            problems = [d for found in self._broken.values() for d in found]
            ids = tuple(i for i in self._broken if i is not None and i not in self.checker.known)
            accepted = len(self._tasks)
            tried, self._broken = self._broken, {}
            try:
                await self._stream("repair", "", problems, ids)
            except (UsageError, LimitExceeded):
                self._broken = {**tried, **self._broken}
                raise
            except Exception as e:
                logger.info("repair failed: %s", describe_error(e))
            for i in ids:
                if i not in self.checker.known:
                    self._broken.setdefault(i, tried[i])
            if not self._broken and None in tried and len(self._tasks) == accepted:
                self.trouble = tried[None][0].message  # nothing to name, and nothing more came of it
        if self._broken:
            errors = [d for found in self._broken.values() for d in found]
            if not self._tasks and self._round == 1:
                raise PlanningFailed(errors, "the planner wrote no task that can run")
            names = ", ".join(str(i) for i in self._broken if i is not None)
            self.trouble = (
                f"task {names} could not be planned: {errors[0].message}" if names else errors[0].message
            )


def _is_refusal(error: Exception) -> bool:
    """Whether the model gave nothing at all, after whatever its client tried: asking at once again is of no use."""
    if isinstance(error, ModelStreamBroken):
        return False
    return isinstance(error, (ModelRequestRejected, ModelServerError, ModelConnectionError))


async def _generator(stream: AsyncIterator[PlanItem]) -> AsyncGenerator[PlanItem, None]:
    """`stream` as an async generator, so that it can be closed, whatever kind of iterator it is."""
    try:
        async for item in stream:
            yield item
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
