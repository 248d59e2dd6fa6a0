"""How one call is made in asyncio: once, or with all that may be declared about failures: retries, breaker, fallback.

Which calls run is decided elsewhere. A call has its place under the caps while a try of it runs, and gives it up while
it waits for the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .._jsonable import describe_error
from ..driver import Call, failed
from ..errors import (
    ApprovalDenied,
    ArgumentError,
    CircuitOpen,
    ReferenceFailed,
    ToolError,
    ToolTimeout,
)
from ..outcomes import Failed, Outcome, Succeeded
from ..tools import Tool
from .batches import Batch, each, try_batch
from .breakers import Breaker
from .fallbacks import all_failed, refit
from .invoking import invoke
from .rates import Limiter
from .retries import retryable, retrying
from .terms import Terms, repeatable
from .watched import watched

if TYPE_CHECKING:
    from .host import Host

NO_ARGUMENTS: Mapping[str, Any] = MappingProxyType({})


async def once(host: Host, call: Call) -> None:
    """The quick way: one try, timed by the timers the loop shares; where more may follow, `several` goes on."""
    driver = call.driver
    tool = call.tool
    assert tool is not None
    me = call.handle
    call.attempts = 1
    now = host.clock()
    call.started = now - driver.origin
    if call.timeout is not None:
        host.shared.timers.add(call, call.timeout, now)
    outcome: Outcome
    try:
        if not driver.watch.quiet:
            driver.watch.started(call)
        if tool.is_async and tool.context is None and not call.approval:
            limit = host.executor.block_warning
            outcome = Succeeded(await watched(tool.call(call.arguments), host.clock, limit, call.blocked))
        else:
            outcome = Succeeded(await invoke(host, call, tool))
    except Exception as e:
        outcome = failed(call, e)
    except KeyboardInterrupt:
        host.give_up(call)
        raise
    except BaseException as e:
        if call.handle is not me:  # its time was up, and the next try is under way
            raise
        if call.outcome is not None:  # cancelled by the run: the outcome is told
            host.give_up(call)
            raise
        outcome = failed(call, e)
    if call.handle is not me:  # as above; it ended late, deaf to its cancellation
        return
    if type(outcome) is Failed and host.goes_on(call, outcome.error):
        if call.timeout is not None:
            host.shared.timers.drop(call, call.timeout)
        await several(host, call, outcome.error)
        return
    host.leave(call)
    # What is over is let go of: a long run keeps its outcomes, not its asyncio tasks and arguments.
    call.handle, call.arguments = None, NO_ARGUMENTS
    driver.finish(call, outcome)
    if host.shared.admission.waiting:
        host.admit()


async def several(host: Host, call: Call, error: Exception | None = None, *, for_good: bool = False) -> None:
    """The long way: up to `1 + retries` tries, then the fallback.

    Each try is an asyncio task of its own, so that a deaf one can be left. A call comes with its place under the caps,
    or gets one here.

    Args:
        host: Where.
        call: A call, or a batch of them.
        error: How the first try ended, made by somebody else.
        for_good: Whether no try may follow that one.
    """
    outcome: Outcome
    try:
        outcome = Succeeded(await _tool_or_fallback(host, call, error, for_good))
    except Exception as e:
        outcome = failed(call, e)
    except BaseException as e:
        if call.outcome is not None or isinstance(e, KeyboardInterrupt):
            host.give_up(call)
            raise
        outcome = failed(call, e)
    host.leave(call)
    host.let_go(call)
    call.finish(outcome)
    host.admit()


async def _tool_or_fallback(host: Host, call: Call, error: Exception | None, for_good: bool) -> Any:
    tool = call.tool
    assert tool is not None
    failures: list[tuple[Tool, Exception]] = []
    try:
        while True:
            try:
                return await _tries(host, call, host.terms_of(tool), error, for_good)
            except Exception as e:
                failures.append((tool, e))
            other = tool.fallback
            # The calls of a batch fall back one by one. A circle can not be declared; were there one, it ends here.
            if other is None or isinstance(call, Batch) or any(other is t for t, _ in failures):
                raise all_failed(failures)
            try:
                arguments = refit(other, call.arguments)
                call.driver.allow_calls(other, 1)
                host.stand_in(call, other)
            except Exception as e:  # also of a validator or predicate of the user's
                raise all_failed([*failures, (other, e)])  # noqa: B904 - it says itself what it comes from
            call.arguments = arguments
            tool, error, for_good = other, None, False
    finally:
        failures = []  # or errors and this frame would hold each other


async def _tries(host: Host, call: Call, terms: Terms, error: Exception | None, for_good: bool) -> Any:
    """The result of a tool after its retries."""
    last = error

    async def attempt() -> Any:
        nonlocal error, last
        if error is not None:
            told, error = error, None
            raise told
        try:
            return await _admitted(host, call, terms)
        except CircuitOpen as e:
            if last is not None:  # other calls failed while this one waited for its next try
                raise e from last
            raise
        except Exception as e:
            last = e
            raise

    def on_retry(error: Exception, delay: float) -> None:
        for one in each(call):
            call.driver.watch.retried(one, error, delay)
        host.give_up(call)  # others need not wait while this one does
        if not isinstance(call, Batch):
            call.via = "fallback" if call.current is not None else "call"

    def worth(error: BaseException) -> bool:
        return bool(retries) and retryable(error, tool, may_repeat) and not _is_open(host, terms)

    retries = 0 if for_good else terms.retries_of(call)
    tool, may_repeat = terms.tool, repeatable(call, terms.tool)
    try:
        if error is None:
            try:
                return await attempt()
            except Exception as e:
                if not worth(e):
                    raise
                error = e  # the first try of those below; most calls never get there
        return await retrying(
            attempt, retries=retries, worth=worth, on_retry=on_retry, time_left=lambda: _time_left(call)
        )
    finally:
        error = last = None  # as above


def _is_open(host: Host, terms: Terms) -> bool:
    return terms.breaker is not None and terms.breaker.left(host.clock()) is not None


def _time_left(call: Call) -> float | None:
    deadline = call.driver.deadline
    return None if deadline is None else deadline - call.driver.now()


async def _admitted(host: Host, call: Call, terms: Terms) -> Any:
    """One try, when breaker, rate limit and caps allow it."""
    breaker = terms.breaker
    if breaker is not None:
        _check(breaker, terms.tool, host.clock())
    if terms.limiter is not None:
        await _paced(host, call, terms.limiter, terms)
    if not call.holds:
        await host.place(call, terms)
    if breaker is None:
        return await _attempt(host, call, terms)
    ticket = breaker.enter(host.clock())
    if ticket is None:  # it opened while this call waited
        _check(breaker, terms.tool, host.clock())
    try:
        value = await _attempt(host, call, terms)
    except BaseException as e:
        if isinstance(e, Exception) and not isinstance(e, (ArgumentError, ReferenceFailed, ApprovalDenied)):
            for _ in each(call):
                breaker.failed(ticket, host.clock())
        breaker.abandoned(ticket)
        raise
    for one in value if isinstance(call, Batch) else ((call, value),):
        if isinstance(call, Batch) and isinstance(one[1], BaseException):
            breaker.failed(ticket, host.clock())
        else:
            breaker.succeeded(ticket)
    return value


async def _paced(host: Host, call: Call, limiter: Limiter, terms: Terms) -> None:
    """Wait for the rate limit, but no longer than the breaker lets calls through.

    Raises:
        CircuitOpen: It opened meanwhile.
    """
    breaker, loop = terms.breaker, host.loop
    if breaker is None or limiter.free:
        await limiter.wait()
        return
    opened = asyncio.Event()

    def tell() -> None:
        with contextlib.suppress(RuntimeError):  # told by another thread, when this loop is closed
            loop.call_soon_threadsafe(opened.set)

    turn = host.spawn(limiter.wait())
    news = host.spawn(opened.wait())
    try:
        with breaker.telling(tell):
            await asyncio.wait({turn, news}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (turn, news):
            _let_end(host, call, task)
    if not turn.done():
        _check(breaker, terms.tool, host.clock())
        await _paced(host, call, limiter, terms)  # it may be tried again already


def _check(breaker: Breaker, tool: Tool, now: float) -> None:
    left = breaker.left(now)
    if left is not None:
        raise CircuitOpen(tool.name, left)


async def _attempt(host: Host, call: Call, terms: Terms) -> Any:
    """One try, and perhaps a second one beside it. It takes no longer than the timeout, both together."""
    call.attempts += 1
    begun = host.clock()
    if call.started is None:
        call.started = begun - call.driver.origin
    if isinstance(call, Batch):
        call.begins()
    if not call.driver.watch.quiet:
        for one in each(call):
            call.driver.watch.started(one)
    if terms.hedge and not isinstance(call, Batch) and repeatable(call, terms.tool):
        return await _hedged(host, call, terms, begun)
    attempt = host.spawn_try(_try(host, call, terms.tool))
    try:
        await asyncio.wait({attempt}, timeout=terms.timeout)
    finally:
        _let_end(host, call, attempt)
    if not attempt.done():
        assert terms.timeout is not None
        if call.effect == "write":
            await _end_of(host, call, [attempt])
        raise ToolTimeout(terms.tool.name, terms.timeout)
    return _result(terms.tool, attempt)


async def _hedged(host: Host, call: Call, terms: Terms, begun: float) -> Any:
    """A try that gets a second one beside it when it is slow: the first result counts."""
    tool, executor, clock = terms.tool, host.executor, host.clock
    executor.allowance.called()
    slow = executor.slow_after(tool)
    ends = math.inf if terms.timeout is None else begun + terms.timeout
    wake = ends if slow is None else min(ends, begun + slow)
    tries = [host.spawn_try(_try(host, call, tool))]
    try:
        while True:
            left = None if wake == math.inf else max(0.0, wake - clock())
            if running := [t for t in tries if not t.done()]:
                await asyncio.wait(running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for attempt in tries:
                if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
                    executor.latencies.observe(tool.name, clock() - begun)
                    if call.effect == "write":
                        await _end_of(host, call, [t for t in tries if not t.done()])
                    return attempt.result()
            if all(t.done() for t in tries):
                return _result(tool, tries[0])
            if clock() < wake - 1e-9:
                continue  # one failed: the other goes on
            if wake == ends:
                assert terms.timeout is not None
                raise ToolTimeout(tool.name, terms.timeout)
            await asyncio.sleep(0)  # what ends at this very moment needs no second
            now = clock()
            if tries[0].done():
                continue
            if await host.spare(terms):
                wake = ends
                call.attempts += 1
                call.driver.watch.hedged(call, now - begun)
                tries.append(host.spawn_try(_try(host, call, tool, ends - call.driver.origin)))
            else:
                # Nothing was free for it. What is still slow when it has taken twice as long is asked about again:
                # so the slowest get what the budget allows, and a long call costs few looks at the clock.
                wake = min(ends, now + max(now - begun, 0.001))
    finally:
        for attempt in tries:
            _let_end(host, call, attempt)
        if len(tries) > 1:
            host.take_back(terms)


async def _end_of(host: Host, call: Call, attempts: list[asyncio.Task[Any]]) -> None:
    """What comes after a write must not run beside it: let what is given up of it end, but no longer than the grace."""
    for attempt in attempts:
        _let_end(host, call, attempt)
    if attempts:
        await asyncio.wait(attempts, timeout=host.executor.grace)


def _let_end(host: Host, call: Call, attempt: asyncio.Task[Any]) -> None:
    if not attempt.done():
        host.stray(attempt, call)
        attempt.cancel()
    elif not attempt.cancelled():
        attempt.exception()  # looked at, or asyncio reports it where the run is cancelled at this moment


def _result(tool: Tool, attempt: asyncio.Task[Any]) -> Any:
    if attempt.cancelled():
        raise ToolError(f"`{tool.name}` was cancelled from within")
    error = attempt.exception()
    if error is None:
        return attempt.result()
    raise _as_error(tool, error)


def _as_error(tool: Tool, error: BaseException) -> Exception:
    if isinstance(error, Exception):
        return error
    return ToolError(f"`{tool.name}` raised {describe_error(error)}")


async def _try(host: Host, call: Call, tool: Tool, end: float | None = None) -> Any:
    try:
        if isinstance(call, Batch):
            return await try_batch(host, call, tool)
        return await invoke(host, call, tool, end)
    except SystemExit as e:  # asyncio would let it end the event loop
        raise _as_error(tool, e) from e
