"""Front ends of the compiler: planners that turn a question into tasks, and joiners that turn results into an answer.

Names are loaded when first used, so that importing this package costs nothing and needs no engine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmcompiler.models.base import Model
    from llmcompiler.protocols import Joiner, Planner
    from llmcompiler.testing import ScriptedPlanner

    from .cached import CachedPlanner
    from .joiner import ModelJoiner
    from .json_plan import JSONPlanner
    from .local import LocalPlanner
    from .local_joiner import LocalJoiner
    from .observations import ObservationFormat
    from .plan_cache import PlanCache, PlanCacheStats
    from .prompt import Example
    from .python_plan import PythonPlanner
    from .react import ReActPlanner
    from .selection import BM25Selector, EmbeddingSelector, HybridSelector
    from .table import TableJoiner, ValuesJoiner, observation_table
    from .text import TextPlanner
    from .toolcalls import ToolCallPlanner

__all__ = [
    "BM25Selector",
    "CachedPlanner",
    "EmbeddingSelector",
    "Example",
    "HybridSelector",
    "JSONPlanner",
    "LocalJoiner",
    "LocalPlanner",
    "ModelJoiner",
    "ObservationFormat",
    "PlanCache",
    "PlanCacheStats",
    "PythonPlanner",
    "ReActPlanner",
    "ScriptedPlanner",
    "TableJoiner",
    "TextPlanner",
    "ToolCallPlanner",
    "ValuesJoiner",
    "default_joiner",
    "default_planner",
    "observation_table",
]

_NAMED = {
    "text": "TextPlanner",
    "json": "JSONPlanner",
    "tools": "ToolCallPlanner",
    "python": "PythonPlanner",
    "react": "ReActPlanner",
    "local": "LocalPlanner",
}
_HOME = {
    "BM25Selector": "selection",
    "CachedPlanner": "cached",
    "EmbeddingSelector": "selection",
    "Example": "prompt",
    "HybridSelector": "selection",
    "JSONPlanner": "json_plan",
    "LocalJoiner": "local_joiner",
    "LocalPlanner": "local",
    "ModelJoiner": "joiner",
    "ObservationFormat": "observations",
    "PlanCache": "plan_cache",
    "PlanCacheStats": "plan_cache",
    "PythonPlanner": "python_plan",
    "ReActPlanner": "react",
    "ScriptedPlanner": "llmcompiler.testing",
    "TableJoiner": "table",
    "TextPlanner": "text",
    "ToolCallPlanner": "toolcalls",
    "ValuesJoiner": "table",
    "observation_table": "table",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOME[name]
    value = getattr(importlib.import_module(home if "." in home else f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def make_planner(name: str, model: Model) -> Planner:
    """The ready-made planner of this name for `model`.

    Args:
        name: `"text"`, `"json"`, `"tools"`, `"python"`, `"react"`, `"local"`, or `"auto"` for what suits the model.
        model: Writes the plan.

    Raises:
        ConfigurationError: There is no planner of that name.
        UsageError: The model can not do what the planner needs.
    """
    from llmcompiler.settings import checked_planner_name

    name = checked_planner_name(name)
    if name == "auto":
        return default_planner(model)
    kind: Any = __getattr__(_NAMED[name])
    planner: Planner = kind(model)
    return planner


def default_planner(model: Model) -> Planner:
    """The planner that suits `model`: `LocalPlanner` for the embedded model, else `TextPlanner`."""
    if _is_embedded(model):
        from .local import LocalPlanner

        return LocalPlanner(model)
    from .text import TextPlanner

    return TextPlanner(model)


def default_joiner(model: Model) -> Joiner:
    """The joiner that suits `model`: `LocalJoiner` for the embedded model, else `ModelJoiner`."""
    if _is_embedded(model):
        from .local_joiner import LocalJoiner

        return LocalJoiner(model)
    from .joiner import ModelJoiner

    return ModelJoiner(model)


def _is_embedded(model: Model) -> bool:
    # The adapter is trained on the embedded planner's own prompt: a model that can switch it on is that model.
    features = frozenset(getattr(model, "features", None) or ())
    return {"adapter", "completion", "grammar"} <= features
