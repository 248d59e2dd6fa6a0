"""The one line between the runtime and notebooks: displays and live views are looked up when one is asked for.

By name, for the core knows nothing of notebooks, nor of what they import. Nothing here is made or drawn.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import ConfigurationError

if TYPE_CHECKING:
    from .protocols import Reporter


class Displayed:
    """What notebooks show by its meaning: a picture, a table, and text that says the same."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = import_module("llmcompiler.notebook.displays").bundle(self, include, exclude)
        return bundle


def checked_live(live: Any) -> bool | None:
    """What was chosen.

    Raises:
        ConfigurationError: It is no choice.
    """
    if live is None or isinstance(live, bool):
        return live
    raise ConfigurationError(f"live={live!r}: use True, False, or None for where a notebook's kernel runs")


def live_views(live: bool | None, given: tuple[Reporter, ...]) -> list[Reporter]:
    """The live view of a run that begins here: none or one."""
    if live is False or "IPython" not in sys.modules:
        return []
    found: Reporter | None = import_module("llmcompiler.notebook.cells").reporter_for(live, given)
    return [] if found is None else [found]


__all__ = ["Displayed", "checked_live", "live_views"]
