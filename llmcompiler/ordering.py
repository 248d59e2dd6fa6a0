"""Which calls must have ended before another may start, because one writes what the other reads or writes. Pure.

Order is plan position. Values play no part here: an edge of this kind holds whether the earlier call ends well or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import Plan
    from .tools import ToolRegistry


def order_plan(plan: Plan, tools: ToolRegistry) -> dict[int, tuple[int, ...]]:
    """For each task of a checked plan, the earlier tasks it is ordered after by effects; as known before the run."""
    raise NotImplementedError
