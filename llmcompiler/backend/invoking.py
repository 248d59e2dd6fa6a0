"""How a function is called: an async one in the event loop, a sync one in a thread. Knows no caps and no tries."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._jsonable import describe_error
from ..errors import ToolError
from ..execution import Call
from ..sharing.copies import own
from ..tools import Tool
from .watched import watched

if TYPE_CHECKING:
    from .host import Host


async def invoke(host: Host, call: Call, tool: Tool, end: float | None = None) -> Any:
    """Call the tool's function with the arguments of `call`.

    Args:
        host: Where.
        call: Whose arguments, and who is told that the event loop was held up.
        tool: The tool of the call, or a fallback of it.
        end: When the call will be cancelled, on the run's clock, where that is sooner than its timeout says.
    """
    arguments: Mapping[str, Any] = call.arguments
    if call.approval:
        arguments = own(
            arguments
        )  # what was approved, however often it is tried, and whatever a try did to it
    if tool.context is not None:
        context = call.make_context()
        if tool is not call.tool:
            context = replace(context, tool=tool.name)
        if end is not None and context.deadline is not None:
            context = replace(context, deadline=min(end, context.deadline))
        arguments = {**arguments, tool.context: context}
    if tool.is_async:
        return await watched(tool.call(arguments), host.clock, host.executor.block_warning, call.blocked)
    return await _in_thread(host, call, tool, lambda: tool.call(arguments))


async def invoke_batch(host: Host, call: Call, tool: Tool, arguments: list[dict[str, Any]]) -> Any:
    """Call the tool's batch function."""
    func = tool.options.batch
    assert func is not None
    if inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__):
        return await watched(func(arguments), host.clock, host.executor.block_warning, call.blocked)
    return await _in_thread(host, call, tool, lambda: func(arguments))


async def _in_thread(host: Host, call: Call, tool: Tool, func: Callable[[], Any]) -> Any:
    loop = host.loop
    future = loop.create_future()

    left = False

    def tell(value: Any, error: BaseException | None) -> None:
        if left and call.effect == "write" and call.driver.sharing is not None:
            call.driver.sharing.late(call)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, future, tool.name, value, error)

    host.executor.threads.submit(contextvars.copy_context(), func, tell)
    try:
        value = await (asyncio.shield(future) if call.effect == "write" else future)
    except asyncio.CancelledError:
        if call.effect == "write" and call.outcome is None:
            # Its time is up, and its thread can not be stopped: what comes after a write should not run beside it.
            await asyncio.wait({future}, timeout=host.executor.grace)
        left = not future.done()
        future.cancel()
        raise
    return await value if inspect.isawaitable(value) else value


def _resolve(future: asyncio.Future[Any], tool: str, value: Any, error: BaseException | None) -> None:
    if future.done():  # cancelled meanwhile
        if inspect.iscoroutine(value):
            value.close()
    elif error is None:
        future.set_result(value)
    elif isinstance(error, Exception) and not isinstance(error, StopIteration):
        future.set_exception(error)
    else:
        future.set_exception(ToolError(f"`{tool}` raised {describe_error(error)}"))
