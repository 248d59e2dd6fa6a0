"""The asyncio back end: makes calls in the running event loop, with caps, timeouts and retries.

Event-driven: nothing polls. No call outlives its run: a call that ignores its cancellation is left behind only after
a grace period, and said so in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import logging
import time
import types
import weakref
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .admission import Admission
from .driver import Call, Driver, Executor
from .errors import ApprovalDenied, ConfigurationError, ToolError, ToolTimeout
from .outcomes import Failed, Outcome, Succeeded
from .protocols import ApprovalRequest
from .retries import retrying
from .threads import ThreadPool
from .timers import Timers

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
        if max_concurrency is not None and (not isinstance(max_concurrency, int) or max_concurrency < 1):
            raise ConfigurationError(
                f"max_concurrency={max_concurrency!r}: give a whole number, 1 or more, or None"
            )
        if timeout is not None and not timeout > 0:
            raise ConfigurationError(f"timeout={timeout!r}: give seconds above 0, or None for no timeout")
        if retries < 0:
            raise ConfigurationError(f"retries={retries!r}: give a whole number, 0 or more")
        self.max_concurrency = max_concurrency
        self.timeout = timeout
        self.retries = retries
        self.block_warning = block_warning
        self.grace = grace
        self.threads = ThreadPool()
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = weakref.WeakKeyDictionary()

    def clock(self) -> Callable[[], float]:
        """The clock of the running event loop."""
        return _clock_of(asyncio.get_running_loop())

    def begin(self, driver: Driver) -> None:
        """A run begins in the running event loop."""
        loop = asyncio.get_running_loop()
        shared = self._loops.get(loop)
        if shared is None:
            shared = self._loops[loop] = _Loop(loop, Admission(self.max_concurrency))
        driver.host = _Run(self, shared, contextvars.copy_context())
        shared.runs += 1

    def start(self, call: Call) -> None:
        """Begin the call when caps allow it."""
        _run_of(call).start(call)

    def cancel(self, calls: Sequence[Call]) -> None:
        """Stop calls that run, take others out of the line."""
        if calls:
            _run_of(calls[0]).cancel(calls)

    async def end(self, driver: Driver) -> None:
        """Wait until none of the run's asyncio tasks is left."""
        run: _Run = driver.host
        await run.end()
        run.shared.runs -= 1
        if not run.shared.runs:
            run.shared.timers.clear()
            self.threads.shrink()


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    # asyncio's own loops read time.monotonic through a Python method; several reads a call add up.
    return time.monotonic if type(loop).time is asyncio.BaseEventLoop.time else loop.time


def _run_of(call: Call) -> _Run:
    return call.driver.host  # type: ignore[no-any-return]


class _Loop:
    """What runs in one event loop share."""

    __slots__ = ("__weakref__", "admission", "loop", "runs", "timers")

    def __init__(self, loop: asyncio.AbstractEventLoop, admission: Admission[Call]) -> None:
        self.loop = loop
        self.admission = admission
        self.timers: Timers[Call] = Timers(loop, _timed_out)
        self.runs = 0


def _timed_out(call: Call, seconds: float) -> None:
    run = _run_of(call)
    task: asyncio.Task[None] | None = call.handle
    if task is not None:
        run.stray(task)
        task.cancel()
    # The place is given up now: a call that ignores its cancellation must not keep others waiting.
    run.leave(call)
    call.finish(Failed(ToolTimeout(call.task.tool, seconds)))
    run.admit()


class _Run:
    """The calls of one run in one event loop."""

    def __init__(self, executor: AsyncExecutor, shared: _Loop, context: contextvars.Context) -> None:
        self.executor = executor
        self.shared = shared
        self.loop = shared.loop
        self.clock = _clock_of(shared.loop)
        self.context = context
        self._strays: set[asyncio.Task[Any]] = set()
        self._approvals: set[asyncio.Task[Any]] = set()

    # -- start and stop ------------------------------------------------------------

    def start(self, call: Call) -> None:
        if call.approval:
            # Waits outside the caps: only this task and its dependents are held up.
            call.handle = task = self._spawn(self._approve(call))
            self._approvals.add(task)
            task.add_done_callback(self._approvals.discard)
            return
        self._offer(call)

    def _offer(self, call: Call) -> None:
        tool = call.tool
        assert tool is not None
        admission = self.shared.admission
        if tool.max_concurrency is None and admission.enter():
            self.launch(call)
            return
        admission.offer(call, tool.name, tool.max_concurrency)
        self.admit()

    def admit(self) -> None:
        """Launch what the caps allow, of any run in this loop."""
        admit = self.shared.admission.admit
        while (call := admit()) is not None:
            _run_of(call).launch(call)

    def launch(self, call: Call) -> None:
        """Make the call now."""
        call.holds = True
        tool = call.tool
        assert tool is not None
        retries = tool.retries
        if retries is None:
            retries = self.executor.retries if tool.idempotent else 0
        call.timeout = tool.timeout or self.executor.timeout
        body = self._with_retries(call, retries) if retries else self._once(call)
        # A plain Task, whatever the loop's task factory: an eager one would run a chain of calls as a recursion.
        # In the context of the run, not of the call that happened to make this one ready.
        call.handle = asyncio.Task(body, loop=self.loop, context=self.context.copy())

    def _spawn(self, body: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return self.loop.create_task(body, context=self.context.copy())

    def cancel(self, calls: Sequence[Call]) -> None:
        waiting = set()
        for call in calls:
            task: asyncio.Task[Any] | None = call.handle
            if task is None:
                waiting.add(call)
            elif not task.done():
                self.stray(task)
                task.cancel()
        self.shared.admission.withdraw(waiting)

    def stray(self, task: asyncio.Task[Any]) -> None:
        if not task.done():
            self._strays.add(task)
            task.add_done_callback(self._strays.discard)

    async def end(self) -> None:
        for task in list(self._approvals):
            self.stray(task)
            task.cancel()
        if not self._strays:
            return
        _, left = await asyncio.wait(self._strays, timeout=self.executor.grace)
        for task in left:
            logger.warning("a cancelled call is still running: %s", task.get_name())

    # -- one call ------------------------------------------------------------------

    async def _approve(self, call: Call) -> None:
        approver = call.driver.approver
        call.driver.watch.approval(call)
        name = call.task.tool
        if approver is None:
            call.finish(
                Failed(ApprovalDenied(f"`{name}` needs approval; pass approver= to LLMCompiler to be asked"))
            )
            return
        request = ApprovalRequest(call.driver.run_id, call.task.id, name, dict(call.arguments))
        try:
            allowed = await approver(request)
        except Exception as e:  # the user's approver
            call.finish(Failed(ApprovalDenied(f"the approver failed on `{name}`: {type(e).__name__}: {e}")))
            return
        call.handle = None
        if call.outcome is not None:
            return
        if allowed:
            self._offer(call)
        else:
            call.finish(Failed(ApprovalDenied(f"`{name}` was not approved")))

    async def _once(self, call: Call) -> None:
        """The quick way: one try."""
        driver = call.driver
        tool = call.tool
        assert tool is not None
        call.attempts = 1
        now = self.clock()
        call.started = now - driver.origin
        if not driver.watch.quiet:
            driver.watch.started(call)
        if call.timeout is not None:
            self.shared.timers.add(call, call.timeout, now)
        outcome: Outcome
        try:
            if tool.is_async and tool.context is None:
                body = tool.call(call.arguments)
                outcome = Succeeded(await _watched(body, self.clock, self.executor.block_warning, call))
            else:
                outcome = Succeeded(await self._invoke(call))
        except asyncio.CancelledError:
            if call.outcome is None:
                outcome = Failed(ToolError(f"`{tool.name}` was cancelled from within"))
            else:
                self._gone(call)
                raise
        except Exception as e:
            outcome = Failed(e)
        except KeyboardInterrupt:
            self._gone(call)
            raise
        except BaseException as e:
            outcome = Failed(ToolError(f"`{tool.name}` raised {type(e).__name__}: {e}"))
        self.leave(call)
        # What is over is let go of: a long run keeps its outcomes, not its asyncio tasks and arguments.
        call.handle, call.arguments = None, _NOTHING
        driver.finish(call, outcome)
        if self.shared.admission.waiting:
            self.admit()

    def leave(self, call: Call) -> None:
        """Give up the call's place under the caps, once."""
        if not call.holds:
            return
        call.holds = False
        if call.timeout is not None:
            self.shared.timers.drop(call, call.timeout)
        assert call.tool is not None
        self.shared.admission.release(call.tool.name, call.tool.max_concurrency)

    def _gone(self, call: Call) -> None:
        self.leave(call)
        self.admit()

    async def _invoke(self, call: Call) -> Any:
        tool = call.tool
        assert tool is not None
        arguments = call.arguments
        if tool.context is not None:
            arguments = {**arguments, tool.context: call.make_context()}
        if tool.is_async:
            return await _watched(tool.call(arguments), self.clock, self.executor.block_warning, call)
        value = await self._in_thread(lambda: tool.call(arguments))
        if inspect.isawaitable(value):
            value = await value
        return value

    def _in_thread(self, func: Callable[[], Any]) -> asyncio.Future[Any]:
        loop, future = self.loop, self.loop.create_future()

        def tell(value: Any, error: BaseException | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_resolve, future, value, error)

        self.executor.threads.submit(contextvars.copy_context(), func, tell)
        return future

    async def _with_retries(self, call: Call, retries: int) -> None:
        """The long way: several tries, each an asyncio task of its own, so that a deaf one can be left behind."""
        tool = call.tool
        assert tool is not None
        call.started = call.driver.now()
        outcome: Outcome

        async def attempt() -> Any:
            return await self._attempt(call)

        try:
            outcome = Succeeded(
                await retrying(
                    attempt,
                    tool=tool,
                    retries=retries,
                    on_retry=lambda error, delay: call.driver.watch.retried(call, error, delay),
                )
            )
        except asyncio.CancelledError:
            if call.outcome is None:
                outcome = Failed(ToolError(f"`{tool.name}` was cancelled from within"))
            else:
                self._gone(call)
                raise
        except Exception as e:
            outcome = Failed(e)
        except BaseException:
            self._gone(call)
            raise
        self.leave(call)
        call.finish(outcome)
        self.admit()

    async def _attempt(self, call: Call) -> Any:
        call.attempts += 1
        timeout = call.timeout
        if not call.driver.watch.quiet:
            call.driver.watch.started(call)
        attempt = self._spawn(self._invoke(call))
        try:
            await asyncio.wait({attempt}, timeout=timeout)
        finally:
            if not attempt.done():
                self.stray(attempt)
                attempt.cancel()
        if not attempt.done():
            assert timeout is not None
            raise ToolTimeout(call.task.tool, timeout)
        if attempt.cancelled():
            raise ToolError(f"`{call.task.tool}` was cancelled from within")
        error = attempt.exception()
        if error is None:
            return attempt.result()
        if isinstance(error, Exception):
            raise error
        raise ToolError(f"`{call.task.tool}` raised {type(error).__name__}: {error}")


def _resolve(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    elif isinstance(error, Exception) and not isinstance(error, StopIteration):
        future.set_exception(error)
    else:
        future.set_exception(ToolError(f"the tool raised {type(error).__name__}: {error}"))


@types.coroutine
def _watched(
    coroutine: Coroutine[Any, Any, Any], clock: Callable[[], float], limit: float, call: Call
) -> Generator[Any, Any, Any]:
    """Await `coroutine`, and report a step that holds up the event loop for longer than `limit` seconds."""
    send, error = coroutine.send, None
    while True:
        begun = clock()
        try:
            waits_for = send(None) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            if clock() - begun > limit:
                call.driver.watch.blocked(call, clock() - begun)
            return stop.value
        if clock() - begun > limit:
            call.driver.watch.blocked(call, clock() - begun)
        error = None
        try:
            yield waits_for
        except BaseException as e:
            error = e
