"""When two calls that are about to be made are the same call: their keys, in a run and in the result cache.

The keys of `calls` are those of tasks in a plan, whose arguments may not be known yet.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, NamedTuple

from .._jsonable import describe_error
from ..effects import Access, Keys
from ..errors import ToolError
from .cache import Cache
from .canonical import Form, NotCanonical, canonical, key_name
from .identity import identity

if TYPE_CHECKING:
    from ..driver import Call
    from ..tools import Tool

logger = logging.getLogger("llmcompiler")


class CallKey(NamedTuple):
    """What two calls must have in common for one to stand for the other."""

    tool: Tool
    arguments: Form
    vary: Hashable
    reads: Keys
    epoch: int


def call_key(call: Call, access: Access, epoch: int) -> CallKey | None:
    """The key of a call that is about to be made; None where it can not be compared with others.

    Raises:
        ToolError: The tool's `vary` function raised, or gave something that is not hashable.
    """
    tool = call.tool
    assert tool is not None
    vary = _vary(call, tool)
    try:
        arguments = canonical(dict(sorted(tool.with_defaults(call.arguments).items())))
    except NotCanonical:
        return None
    return CallKey(tool, arguments, vary, access.reads, epoch)


def names_of(keys: Keys) -> list[str] | None:
    """Names of resource keys that mean the same in another process, in order; None for everything.

    Raises:
        NotCanonical: A key has none.
    """
    return None if keys is None else sorted(map(key_name, keys))


def cache_key_of(cache: Cache, key: CallKey) -> str | None:
    """The name of a call in the result cache; None where it has none, or the cache is out of order."""
    vary = key.vary
    if not key.arguments.lasting or not (vary is None or (isinstance(vary, Form) and vary.lasting)):
        return None
    try:
        names = names_of(key.reads)
    except NotCanonical:
        return None
    epoch: int | None = 0
    if names != []:
        try:
            epoch = cache.epoch(names)
        except Exception as e:  # of a back end of the user's own
            warn("epoch", e)
            return None
        if epoch is None:
            return None
    varied = b"" if vary is None else vary.digest
    return canonical([identity(key.tool), key.arguments.digest, varied, names, epoch]).digest.hex()


def in_its_run(call: Call, do: Callable[..., Any], *given: Any) -> Any:
    """Do something in the context of the call's run: what is done for one run must not see the variables of another."""
    return call.driver.context.copy().run(do, *given)


def _vary(call: Call, tool: Tool) -> Hashable:
    vary = tool.options.vary
    if vary is None:
        return None
    try:
        value = in_its_run(call, vary)
    except Exception as e:
        raise ToolError(f"the vary function of `{tool.name}` raised {describe_error(e)}") from e
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise ToolError(f"the vary function of `{tool.name}` is async; write a plain `def`")
    try:
        hash(value)
    except Exception as e:  # a hash of the user's own may raise anything
        raise ToolError(
            f"the vary function of `{tool.name}` gave a value of type {type(value).__name__}, which is not hashable; "
            "give a text, a number or a tuple of them"
        ) from e
    try:
        return canonical(value)  # 1, 1.0 and True are equal, and three users
    except NotCanonical:
        return type(value), value


def warn(what: str, error: Exception) -> None:
    """Say in the log that the result cache failed."""
    logger.warning("the result cache failed (%s): %s", what, describe_error(error))
