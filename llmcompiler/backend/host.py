"""The calls of one run in an event loop: which run now, and how they are ended.

How one is made is in `tries`; what is declared for its tool is in `terms`.

Event-driven: nothing polls. No call outlives its run: a call that ignores its cancellation is left behind only after
a grace period, and said so in the log.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from .._jsonable import describe_error
from ..admission import Admission
from ..approvals import Approvals
from ..driver import Call
from ..errors import ApprovalDenied, ToolError, ToolTimeout
from ..outcomes import Cancelled, Failed
from ..tools import Tool
from .batches import Batch, Gathering
from .retries import retryable
from .terms import Terms, repeatable
from .timers import Timers
from .tries import NO_ARGUMENTS, once, several

if TYPE_CHECKING:
    from .executor import AsyncExecutor

logger = logging.getLogger("llmcompiler")


def clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """The clock of an event loop."""
    # asyncio's own loops read time.monotonic through a Python method; several reads a call add up.
    return time.monotonic if type(loop).time is asyncio.BaseEventLoop.time else loop.time


def host_of(call: Call) -> Host:
    """Where the call's run is at home."""
    return call.driver.host  # type: ignore[no-any-return]


class Shared:
    """What the runs in one event loop share."""

    __slots__ = ("admission", "loop", "runs", "timers")

    def __init__(self, loop: asyncio.AbstractEventLoop, admission: Admission[Call]) -> None:
        self.loop = loop
        self.admission = admission
        self.timers: Timers[Call] = Timers(loop, _timed_out)
        self.runs = 0


def _timed_out(call: Call, seconds: float) -> None:
    host = host_of(call)
    task: asyncio.Task[None] | None = call.handle
    if task is not None:
        host.stray(task, call)
        task.cancel()
    # The place is given up now: a call that ignores its cancellation must not keep others waiting.
    host.leave(call)
    error = ToolTimeout(call.task.tool, seconds)
    if call.effect == "write" and task is not None:
        call.handle = host.spawn(_after(host, call, task, error))
    else:
        _go_on_or_fail(host, call, error)
    host.admit()


async def _after(host: Host, call: Call, task: asyncio.Task[None], error: ToolTimeout) -> None:
    """What comes after a write must not run beside it: its time is over when it has ended, or after the grace."""
    await asyncio.wait({task}, timeout=host.executor.grace)
    if call.outcome is None:
        call.handle = None
        _go_on_or_fail(host, call, error)


def _go_on_or_fail(host: Host, call: Call, error: ToolTimeout) -> None:
    if host.goes_on(call, error):
        call.handle = host.spawn(several(host, call, error))
    else:
        call.finish(Failed(error))


class Host:
    """The calls of one run in one event loop."""

    def __init__(
        self, executor: AsyncExecutor, shared: Shared, context: contextvars.Context, *, batching: bool
    ) -> None:
        self.executor = executor
        self.shared = shared
        self.loop = shared.loop
        self.clock = clock_of(shared.loop)
        self.context = context
        self._batching = batching
        self._terms: dict[Tool, Terms] = {}
        self._gathering = Gathering(self)
        self._queued: dict[Call, asyncio.Future[None]] = {}  # under way, and in line for a place again
        self._strays: dict[asyncio.Task[Any], Call] = {}  # cancelled and not ended yet

    # -- start -----------------------------------------------------------------------

    def start(self, call: Call) -> None:
        """Make the call when the caps allow it, and first ask for approval where it needs one."""
        terms = self._terms.get(call.tool)  # type: ignore[arg-type]
        if terms is not None and terms.quick and not call.approval:
            admission = self.shared.admission
            if admission.enter():
                call.holds = True
                call.timeout = terms.timeout
                call.handle = self.spawn(once(self, call))
                return
            driver = call.driver
            admission.offer(call, terms.tool, None, driver.rank(call), driver)
            if admission.limit is None or admission.running < admission.limit:
                self.admit()
            return
        if call.approval:
            assert call.tool is not None
            self.terms_of(call.tool)  # what is wrong with them is said before anybody is asked
            # Waits outside the caps: only this task and its dependents are held up.
            call.handle = self.spawn(self._approve(call))
            return
        self._offer(call)

    def terms_of(self, tool: Tool) -> Terms:
        """How the calls of `tool` are made.

        Raises:
            ConfigurationError: What it declares does not go with what another tool does.
        """
        found = self._terms.get(tool)
        if found is None:
            found = self._terms[tool] = Terms(tool, self.executor, self.loop, batching=self._batching)
        return found

    def _offer(self, call: Call) -> None:
        tool = call.tool
        assert tool is not None
        terms = self._terms.get(tool) or self.terms_of(tool)
        if terms.direct:
            self._line_up(call, terms)
        elif terms.batch:
            self._gathering.add(call)
        else:
            self.prepare(call)

    def prepare(self, call: Call) -> None:
        """Make a call, or a batch, as soon as breaker, rate limit and caps allow it."""
        assert call.tool is not None
        terms = self.terms_of(call.tool)
        breaker = terms.breaker
        if terms.limiter is None and (breaker is None or breaker.left(self.clock()) is None):
            self._line_up(call, terms)
            return
        # Waits outside the caps, for its rate, or does not wait at all.
        call.timeout = terms.timeout
        call.handle = self.spawn(several(self, call))

    def _line_up(self, call: Call, terms: Terms) -> None:
        admission = self.shared.admission
        if terms.enters and admission.enter():
            call.holds = True
            self._launch(call, terms)
        elif terms.counted:
            driver = call.driver
            admission.offer(call, terms.tool, terms.limit, driver.rank(call), driver)
            self.admit()
        else:
            self._launch(call, terms)

    async def place(self, call: Call, terms: Terms) -> None:
        """Wait for a place under the caps, for a call that is under way already."""
        if not terms.counted:
            return
        call.placed = terms.tool
        admission = self.shared.admission
        if terms.enters and admission.enter():
            call.holds = True
            return
        place = self._queued[call] = self.loop.create_future()
        admission.offer(call, terms.tool, terms.limit, call.driver.rank(call), call.driver)
        self.admit()
        try:
            await place
        except BaseException:
            if self._queued.pop(call, None) is not None:
                admission.withdraw((call,))
                self.admit()
            raise

    async def spare(self, terms: Terms) -> bool:
        """Take a place for a second call beside one, if all that it would have to wait for is free."""
        executor, limiter = self.executor, terms.limiter
        if not executor.allowance.any or (limiter is not None and not limiter.free):
            return False
        if terms.counted and not self.shared.admission.enter(terms.tool, terms.limit):
            return False
        executor.allowance.take()
        if limiter is not None:
            await limiter.wait()
        return True

    def take_back(self, terms: Terms) -> None:
        """The place of a second call is free again."""
        if terms.counted:
            self.shared.admission.release(terms.tool, terms.limit)
            self.admit()

    def stand_in(self, call: Call, other: Tool) -> None:
        """From now on the fallback `other` is called, in the same place where it has no caps of its own."""
        terms = self.terms_of(other)
        if not terms.counted or not terms.enters or terms.limiter is not None:
            self.give_up(call)
        call.current, call.timeout, call.via = other, terms.timeout, "fallback"

    def admit(self) -> None:
        """Launch what the caps allow, of any run in this loop."""
        admit = self.shared.admission.admit
        while (call := admit()) is not None:
            host_of(call)._admitted(call)

    def _admitted(self, call: Call) -> None:
        call.holds = True
        place = self._queued.pop(call, None) if self._queued else None
        if place is None:
            assert call.tool is not None
            self._launch(call, self._terms[call.tool])
        elif not place.done():
            place.set_result(None)

    def _launch(self, call: Call, terms: Terms) -> None:
        call.timeout = terms.timeout
        call.handle = self.spawn(several(self, call) if terms.long else once(self, call))

    def spawn(self, body: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """An asyncio task in the context of the run, not of the call that happened to make this one ready."""
        # A plain Task, whatever the loop's task factory: an eager one would run a chain of calls as a recursion.
        return asyncio.Task(body, loop=self.loop, context=self.context.copy())

    def spawn_try(self, body: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """An asyncio task for a try of the call that is at work here: what reporters put into its context holds."""
        return asyncio.Task(body, loop=self.loop, context=contextvars.copy_context())

    async def _approve(self, call: Call) -> None:
        driver = call.driver
        approvals = driver.approvals or Approvals(driver.run_id, driver.approver)
        denied: ToolError | None = None
        try:
            await approvals.decide(call, self.spawn, lambda task: self.stray(task, call))
        except ToolError as e:
            denied = e
        except KeyboardInterrupt:
            raise
        except BaseException as e:
            if call.outcome is not None:  # cancelled by the run
                raise
            denied = ApprovalDenied(f"`{call.task.tool}` could not be approved: {describe_error(e)}")
        call.handle = None
        if call.outcome is not None:
            return
        if denied is None:
            self._offer(call)
        else:
            call.finish(Failed(denied))

    # -- end -------------------------------------------------------------------------

    def cancel(self, calls: Sequence[Call]) -> None:
        """Stop calls that run, take others out of the line."""
        if self.loop.is_closed():
            return
        waiting = set()
        calls = list(calls)
        for call in calls:
            task: asyncio.Task[Any] | Batch | None = call.handle
            if task is None:
                waiting.add(call)
                if self._batching:
                    self._gathering.remove(call)
                continue
            if isinstance(task, Batch):
                # The others of its batch go on; with the last one, it ends itself.
                task.calls.pop(call, None)
                if not task.calls and task.outcome is None:
                    task.outcome = Cancelled("none of its calls is wanted any more")
                    calls.append(task)  # seen to in the end
                continue
            if call.started is None:
                # A task cancelled before its first step never runs its body, which would give up the place.
                self.leave(call)
            if not task.done():
                self.stray(task, call)
                task.cancel()
        self.shared.admission.withdraw(waiting)
        self.admit()

    def stray(self, task: asyncio.Task[Any], call: Call) -> None:
        """Keep an eye on a task that is being cancelled."""
        if not task.done():
            self._strays[task] = call
            task.add_done_callback(self._stray_ended)

    def _stray_ended(self, task: asyncio.Task[Any]) -> None:
        call = self._strays.pop(task, None)
        if call is not None and call.effect == "write" and call.driver.sharing is not None:
            call.driver.sharing.late(call)  # what was read since its outcome was told is of the past
        if not task.cancelled():
            task.exception()  # looked at: nobody waits for it any more, and asyncio would report it

    def leave(self, call: Call) -> None:
        """Give up the call's place under the caps, once."""
        if call.timeout is not None:
            self.shared.timers.drop(call, call.timeout)
        if not call.holds:
            return
        call.holds = False
        tool = call.placed or call.tool
        assert tool is not None
        self.shared.admission.release(tool, tool.max_concurrency)

    def give_up(self, call: Call) -> None:
        """`leave`, and let in who waits for the place."""
        self.leave(call)
        self.admit()

    def let_go(self, call: Call) -> None:
        """A call is over: a long run keeps its outcomes, not its asyncio tasks and arguments."""
        call.handle, call.arguments = None, NO_ARGUMENTS

    def goes_on(self, call: Call, error: Exception) -> bool:
        """Whether more may be done for a call whose first try failed: another one, or its fallback."""
        tool = call.tool
        assert tool is not None
        terms = self._terms[tool]
        if not terms.again or call.outcome is not None:  # nothing more is done for a run that is over
            return False
        if tool.fallback is not None:
            return True
        return bool(terms.retries_of(call)) and retryable(error, tool, repeatable(call, tool))

    def failed_in_batch(self, call: Call, error: Exception, *, alone: bool) -> None:
        """A call failed in a batch: it goes on by itself where it may be tried again, or has a fallback.

        Args:
            call: One of the batch.
            error: How it failed.
            alone: Whether it failed and its batch did not; a batch has had its further tries as a whole.
        """
        tool = call.tool
        assert tool is not None
        terms = self.terms_of(tool)
        again = alone and terms.retries_of(call) and retryable(error, tool, repeatable(call, tool))
        if again or tool.fallback is not None:
            call.timeout = terms.timeout
            call.handle = self.spawn(several(self, call, error, for_good=not again))
        else:
            self.let_go(call)
            call.finish(Failed(error))

    async def end(self) -> None:
        """Wait for what is being cancelled; what is deaf to it is left behind after the grace period."""
        until = self.clock() + self.executor.grace
        # A stray may leave another behind: a call with retries ends before its try does.
        while self._strays and (left := until - self.clock()) > 0:
            await asyncio.wait(list(self._strays), timeout=left)
        for call in self._strays.values():
            logger.warning("a cancelled call of `%s` is still running", call.task.tool)
            self.leave(call)
        self.admit()
