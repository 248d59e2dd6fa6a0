"""What becomes of a `for` or `if` task once its values are there: the calls of its items, and its outcome from theirs.

Pure; it decides and builds, and neither starts calls nor tells anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._jsonable import describe_error
from .binding import holds, items
from .errors import ItemsFailed
from .guards import Guard, guard_values
from .options import ItemPolicy
from .outcomes import Cancelled, Failed, Outcome, Skipped, Succeeded
from .plan import Task
from .values import has_variable

if TYPE_CHECKING:
    from .driver import Call

GUARDED_OFF = "its condition is false"


def by_item(guard: Guard) -> bool:
    """Whether a condition names the loop variable, and so is decided for each item by itself."""
    return any(map(has_variable, guard_values(guard)))


def is_off(task: Task, values: Mapping[int, Any]) -> bool:
    """Whether the condition of a task, as a whole, is false.

    Raises:
        ToolError: It can not be decided.
    """
    if task.when is None or (task.each is not None and by_item(task.when)):
        return False
    return not holds(task.when, values)


def expand(
    call: Call,
    values: Mapping[int, Any],
    allow: Callable[[int], None],
    make: Callable[[int, Any], Call],
    prepare: Callable[[Call], None],
) -> list[Call]:
    """The calls of a `for` task, one an item, in order. Those that are not to be made have their outcome already.

    Args:
        call: The task.
        values: Results so far.
        allow: Raises where so many items are not allowed.
        make: Makes the call of the item at a position.
        prepare: Binds the arguments of a call; raises where they do not fit.

    Raises:
        ToolError: There is nothing to go through.
        LimitExceeded: Too many items.
    """
    task = call.task
    assert task.each is not None
    found = items(task.each, values)
    allow(len(found))
    guard = task.when if task.when is not None and by_item(task.when) else None
    out = []
    for position, value in enumerate(found):
        part = make(position, value)
        try:
            if guard is not None and not holds(guard, values, value):
                part.outcome = Skipped(task.id, GUARDED_OFF)
            else:
                prepare(part)
        except Exception as e:  # also of a validator of the user's
            part.outcome = Failed(e)
        out.append(part)
    return out


def outcome_of(tool: str, parts: Sequence[Outcome], policy: ItemPolicy) -> Outcome:
    """The outcome of a `for` task from those of its items. Items whose condition is false are not in the list."""
    made = [o for o in parts if not isinstance(o, Skipped)]
    if policy == "fail" and not all(isinstance(o, Succeeded) for o in made):
        return Failed(ItemsFailed(tool, parts))
    values: list[Any] = []
    for outcome in made:
        if isinstance(outcome, Succeeded):
            values.append(outcome.value)
        elif policy == "collect":
            values.append({"error": _text(outcome)})
    return Succeeded(values)


def _text(outcome: Outcome) -> str:
    if isinstance(outcome, Failed):
        return describe_error(outcome.error)
    assert isinstance(outcome, Cancelled)
    return outcome.reason or outcome.status
