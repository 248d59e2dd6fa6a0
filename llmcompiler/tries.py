"""How one call is made in asyncio: once or several times, in the event loop or in a thread.

Nothing here decides whether a call may run: it has its place under the caps already, and gives it up at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ._jsonable import describe_error
from .driver import Call, failed
from .errors import ToolError, ToolTimeout
from .outcomes import Outcome, Succeeded
from .retries import retrying
from .watched import watched

if TYPE_CHECKING:
    from .executor import Host

_NOTHING: Mapping[str, Any] = MappingProxyType({})


async def once(host: Host, call: Call) -> None:
    """The quick way: one try, with the loop's shared timers for its timeout."""
    driver = call.driver
    tool = call.tool
    assert tool is not None
    call.attempts = 1
    now = host.clock()
    call.started = now - driver.origin
    if call.timeout is not None:
        host.shared.timers.add(call, call.timeout, now)
    outcome: Outcome
    try:
        if not driver.watch.quiet:
            driver.watch.started(call)
        if tool.is_async and tool.context is None:
            limit = host.executor.block_warning
            outcome = Succeeded(await watched(tool.call(call.arguments), host.clock, limit, call.blocked))
        else:
            outcome = Succeeded(await _invoke(host, call))
    except Exception as e:
        outcome = failed(call, e)
    except KeyboardInterrupt:
        host.give_up(call)
        raise
    except BaseException as e:
        if call.outcome is not None:  # cancelled by the run: the outcome is told
            host.give_up(call)
            raise
        outcome = failed(call, e)
    host.leave(call)
    # What is over is let go of: a long run keeps its outcomes, not its asyncio tasks and arguments.
    call.handle, call.arguments = None, _NOTHING
    driver.finish(call, outcome)
    if host.shared.admission.waiting:
        host.admit()


async def several(host: Host, call: Call, retries: int) -> None:
    """The long way: up to `1 + retries` tries, each an asyncio task of its own, so that a deaf one can be left."""
    tool = call.tool
    assert tool is not None
    call.started = call.driver.now()
    outcome: Outcome

    async def attempt() -> Any:
        return await _attempt(host, call)

    try:
        value = await retrying(
            attempt,
            tool=tool,
            retries=retries,
            on_retry=lambda error, delay: call.driver.watch.retried(call, error, delay),
        )
        outcome = Succeeded(value)
    except Exception as e:
        outcome = failed(call, e)
    except BaseException as e:
        if call.outcome is not None or isinstance(e, KeyboardInterrupt):
            host.give_up(call)
            raise
        outcome = failed(call, e)
    host.leave(call)
    call.handle, call.arguments = None, _NOTHING
    call.finish(outcome)
    host.admit()


async def _attempt(host: Host, call: Call) -> Any:
    call.attempts += 1
    timeout = call.timeout
    if not call.driver.watch.quiet:
        call.driver.watch.started(call)
    attempt = host.spawn(_try(host, call))
    try:
        await asyncio.wait({attempt}, timeout=timeout)
    finally:
        if not attempt.done():
            host.stray(attempt, call)
            attempt.cancel()
        elif not attempt.cancelled():
            attempt.exception()  # looked at, or asyncio reports it where the run is cancelled at this moment
    if not attempt.done():
        assert timeout is not None
        raise ToolTimeout(call.task.tool, timeout)
    if attempt.cancelled():
        raise ToolError(f"`{call.task.tool}` was cancelled from within")
    error = attempt.exception()
    if error is None:
        return attempt.result()
    raise failed(call, error).error


async def _try(host: Host, call: Call) -> Any:
    try:
        return await _invoke(host, call)
    except SystemExit as e:  # asyncio would let it end the event loop
        raise failed(call, e).error from e


async def _invoke(host: Host, call: Call) -> Any:
    tool = call.tool
    assert tool is not None
    arguments = call.arguments
    if tool.context is not None:
        arguments = {**arguments, tool.context: call.make_context()}
    if tool.is_async:
        return await watched(tool.call(arguments), host.clock, host.executor.block_warning, call.blocked)
    value = await _in_thread(host, lambda: tool.call(arguments))
    if inspect.isawaitable(value):
        value = await value
    return value


def _in_thread(host: Host, func: Callable[[], Any]) -> asyncio.Future[Any]:
    loop = host.loop
    future = loop.create_future()

    def tell(value: Any, error: BaseException | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, future, value, error)

    host.executor.threads.submit(contextvars.copy_context(), func, tell)
    return future


def _resolve(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if future.done():  # cancelled meanwhile
        if inspect.iscoroutine(value):
            value.close()
    elif error is None:
        future.set_result(value)
    elif isinstance(error, Exception) and not isinstance(error, StopIteration):
        future.set_exception(error)
    else:
        future.set_exception(ToolError(f"the tool raised {describe_error(error)}"))
