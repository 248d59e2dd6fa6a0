"""What a tool's fallback is called with, and what is said when it fails too. Pure; calls nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._jsonable import describe_error
from ..errors import ArgumentError, ToolError
from ..tools import Tool


def refit(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a failed call, as its fallback `tool` takes them: validated and coerced by its own schema.

    Raises:
        ArgumentError: They do not fit it.
        ApprovalDenied: The fallback needs approval, which was given (if at all) for another tool.
    """
    out: dict[str, Any] = {}
    problems = []
    for name, value in arguments.items():
        validate = tool.validators.get(name)
        try:
            out[name] = value if validate is None else validate(value)
        except ValueError as e:
            problems.append(f"`{name}`: " + str(e).replace("\n", "; "))
    if problems:
        raise ArgumentError(tool.name, problems)
    return out


def all_failed(failures: Sequence[tuple[Tool, Exception]]) -> Exception:
    """The error of a call whose tool failed and whose fallbacks did, too; that of a tool alone is given as it came.

    Its `__cause__` is the error before the last one, its `__context__` the last one.
    """
    if len(failures) == 1:
        return failures[0][1]
    told = "; ".join(
        f"{'its fallback ' if i else ''}`{tool.name}` failed{' too' if i else ''}: {_one_line(error)}"
        for i, (tool, error) in enumerate(failures)
    )
    error = ToolError(told)
    error.__cause__, error.__context__ = failures[-2][1], failures[-1][1]
    return error


def _one_line(error: Exception) -> str:
    text = " ".join(describe_error(error).split())
    return text if len(text) <= 300 else text[:297] + "..."
