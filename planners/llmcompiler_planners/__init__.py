"""Front ends of the compiler: planners that turn a question into tasks, and joiners that turn results into an answer.

Names are loaded when first used, so that importing this package costs nothing and needs no engine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmcompiler.models.base import Model
    from llmcompiler.protocols import Joiner, Planner

    from .joiner import ModelJoiner
    from .local import LocalPlanner
    from .local_joiner import LocalJoiner
    from .observations import ObservationFormat
    from .prompt import Example
    from .table import TableJoiner, ValuesJoiner, observation_table
    from .text import TextPlanner

__all__ = [
    "Example",
    "LocalJoiner",
    "LocalPlanner",
    "ModelJoiner",
    "ObservationFormat",
    "TableJoiner",
    "TextPlanner",
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
    "Example": "prompt",
    "LocalJoiner": "local_joiner",
    "LocalPlanner": "local",
    "ModelJoiner": "joiner",
    "ObservationFormat": "observations",
    "TableJoiner": "table",
    "TextPlanner": "text",
    "ValuesJoiner": "table",
    "observation_table": "table",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
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
    return "adapter" in getattr(model, "features", frozenset())
