"""The asyncio back end: which calls run now in an event loop, and how they are ended. How one is made is in `tries`.

Event-driven: nothing polls. No call outlives its run: a call that ignores its cancellation is left behind only after
a grace period, and said so in the log.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from ._jsonable import describe_error
from .admission import Admission
from .driver import Call, Driver, Executor
from .errors import ApprovalDenied, ConfigurationError, ToolTimeout
from .outcomes import Failed
from .protocols import ApprovalRequest
from .threads import ThreadPool
from .timers import Timers
from .tries import once, several

logger = logging.getLogger("llmcompiler")


class AsyncExecutor(Executor):
    """Makes calls in asyncio: async tools in the loop, sync tools in threads with context variables carried over.

    One executor may serve many runs at once; its caps hold over all that share an event loop.

    Args:
        max_concurrency: Calls at once, over all tools; None for no cap.
        timeout: Seconds for one try of a tool that sets none itself; None for no timeout.
        retries: Further tries of pure, read and idempotent tools after a transient error. A tool's own `retries=` wins.
        block_warning: Seconds an async tool may hold up the event loop before that is reported.
        grace: Seconds to wait, at the end of a run, for cancelled calls to end.

    Raises:
        ConfigurationError: A number out of range.
    """

    def __init__(
        self,
        *,
        max_concurrency: int | None = 16,
        timeout: float | None = 60.0,
        retries: int = 2,
        block_warning: float = 0.1,
        grace: float = 2.0,
    ) -> None:
        if max_concurrency is not None and not _is_whole(max_concurrency, 1):
            raise ConfigurationError(
                f"max_concurrency={max_concurrency!r}: give a whole number, 1 or more, or None"
            )
        if timeout is not None and not _is_above_zero(timeout):
            raise ConfigurationError(f"timeout={timeout!r}: give seconds above 0, or None for no timeout")
        if not _is_whole(retries, 0):
            raise ConfigurationError(f"retries={retries!r}: give a whole number, 0 or more")
        for name, seconds in (("block_warning", block_warning), ("grace", grace)):
            if not _is_above_zero(seconds):
                raise ConfigurationError(f"{name}={seconds!r}: give seconds above 0")
        self.max_concurrency = max_concurrency
        self.timeout = timeout
        self.retries = retries
        self.block_warning = block_warning
        self.grace = grace
        self.threads = ThreadPool()
        self._loops: dict[asyncio.AbstractEventLoop, _Shared] = {}

    def clock(self) -> Callable[[], float]:
        """The clock of the running event loop."""
        return _clock_of(asyncio.get_running_loop())

    def begin(self, driver: Driver) -> None:
        """A run begins in the running event loop."""
        loop = asyncio.get_running_loop()
        shared = self._loops.get(loop)
        if shared is None:
            # Loops that were closed in the middle of a run; a copy, since runs in other threads add theirs.
            for stale in [other for other in list(self._loops) if other.is_closed()]:
                self._loops.pop(stale, None)
            shared = self._loops[loop] = _Shared(loop, Admission(self.max_concurrency))
        driver.host = Host(self, shared, contextvars.copy_context())
        shared.runs += 1

    def start(self, call: Call) -> None:
        """Begin the call when caps allow it."""
        _host_of(call).start(call)

    def cancel(self, calls: Sequence[Call]) -> None:
        """Stop calls that run, take others out of the line."""
        if calls:
            _host_of(calls[0]).cancel(calls)

    async def end(self, driver: Driver) -> None:
        """Wait until none of the run's asyncio tasks is left."""
        host: Host = driver.host
        shared = host.shared
        try:
            await host.end()
        finally:
            shared.runs -= 1
            if not shared.runs:
                shared.timers.clear()
                self._loops.pop(shared.loop, None)
                self.threads.shrink()


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_above_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def _clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    # asyncio's own loops read time.monotonic through a Python method; several reads a call add up.
    return time.monotonic if type(loop).time is asyncio.BaseEventLoop.time else loop.time


def _host_of(call: Call) -> Host:
    return call.driver.host  # type: ignore[no-any-return]


class _Shared:
    """What the runs in one event loop share."""

    __slots__ = ("admission", "loop", "runs", "timers")

    def __init__(self, loop: asyncio.AbstractEventLoop, admission: Admission[Call]) -> None:
        self.loop = loop
        self.admission = admission
        self.timers: Timers[Call] = Timers(loop, _timed_out)
        self.runs = 0


def _timed_out(call: Call, seconds: float) -> None:
    host = _host_of(call)
    task: asyncio.Task[None] | None = call.handle
    if task is not None:
        host.stray(task, call)
        task.cancel()
    # The place is given up now: a call that ignores its cancellation must not keep others waiting.
    host.leave(call)
    call.finish(Failed(ToolTimeout(call.task.tool, seconds)))
    host.admit()


class Host:
    """The calls of one run in one event loop."""

    def __init__(self, executor: AsyncExecutor, shared: _Shared, context: contextvars.Context) -> None:
        self.executor = executor
        self.shared = shared
        self.loop = shared.loop
        self.clock = _clock_of(shared.loop)
        self.context = context
        self._strays: dict[asyncio.Task[Any], Call] = {}  # cancelled and not ended yet

    # -- start -----------------------------------------------------------------------

    def start(self, call: Call) -> None:
        """Make the call when the caps allow it, and first ask for approval where it needs one."""
        if call.approval:
            # Waits outside the caps: only this task and its dependents are held up.
            call.handle = self.spawn(self._approve(call))
            return
        self._offer(call)

    def _offer(self, call: Call) -> None:
        tool = call.tool
        assert tool is not None
        admission = self.shared.admission
        if tool.max_concurrency is None and admission.enter():
            self._launch(call)
            return
        admission.offer(call, tool, tool.max_concurrency)
        self.admit()

    def admit(self) -> None:
        """Launch what the caps allow, of any run in this loop."""
        admit = self.shared.admission.admit
        while (call := admit()) is not None:
            _host_of(call)._launch(call)

    def _launch(self, call: Call) -> None:
        call.holds = True
        tool = call.tool
        assert tool is not None
        retries = tool.retries
        if retries is None:
            retries = self.executor.retries if tool.idempotent else 0
        call.timeout = tool.timeout or self.executor.timeout
        call.handle = self.spawn(several(self, call, retries) if retries else once(self, call))

    def spawn(self, body: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """An asyncio task in the context of the run, not of the call that happened to make this one ready."""
        # A plain Task, whatever the loop's task factory: an eager one would run a chain of calls as a recursion.
        return asyncio.Task(body, loop=self.loop, context=self.context.copy())

    async def _approve(self, call: Call) -> None:
        driver, name = call.driver, call.task.tool
        allowed, reason = False, f"`{name}` was not approved"
        try:
            driver.watch.approval(call)
            if driver.approver is None:
                reason = f"`{name}` needs approval; pass approver= to LLMCompiler to be asked"
            else:
                request = ApprovalRequest(driver.run_id, call.task.id, name, dict(call.arguments))
                allowed = bool(await driver.approver(request))
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # of the user's approver
            if call.outcome is not None:  # cancelled by the run
                raise
            reason = f"the approver failed on `{name}`: {describe_error(e)}"
        call.handle = None
        if call.outcome is not None:
            return
        if allowed:
            self._offer(call)
        else:
            call.finish(Failed(ApprovalDenied(reason)))

    # -- end -------------------------------------------------------------------------

    def cancel(self, calls: Sequence[Call]) -> None:
        """Stop calls that run, take others out of the line."""
        if self.loop.is_closed():
            return
        waiting = set()
        for call in calls:
            task: asyncio.Task[Any] | None = call.handle
            if task is None:
                waiting.add(call)
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
        self._strays.pop(task, None)
        if not task.cancelled():
            task.exception()  # looked at: nobody waits for it any more, and asyncio would report it

    def leave(self, call: Call) -> None:
        """Give up the call's place under the caps, once."""
        if not call.holds:
            return
        call.holds = False
        if call.timeout is not None:
            self.shared.timers.drop(call, call.timeout)
        assert call.tool is not None
        self.shared.admission.release(call.tool, call.tool.max_concurrency)

    def give_up(self, call: Call) -> None:
        """`leave`, and let in who waits for the place."""
        self.leave(call)
        self.admit()

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
