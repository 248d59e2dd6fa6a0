"""Where the code runs: in a notebook's kernel, in an IPython terminal, or neither.

IPython is never imported here unless it runs already.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

Place = Literal["kernel", "terminal"]


def shell() -> Any:
    """The running IPython shell, or None."""
    module = sys.modules.get("IPython")
    get = getattr(module, "get_ipython", None)
    return None if get is None else get()


def place() -> Place | None:
    """What kind of IPython runs here, if one does."""
    running = shell()
    if running is None:
        return None
    # Not by the name of a class: Colab, Databricks and others have shells of their own.
    return "terminal" if getattr(running, "kernel", None) is None else "kernel"


def publish(data: Mapping[str, Any], display_id: str, *, update: bool) -> None:
    """Show a bundle in the cell that runs, or put it in the place of the one with the same id."""
    display = import_module("IPython.display")
    show = display.update_display if update else display.display
    show(dict(data), raw=True, display_id=display_id)


__all__ = ["Place", "place", "publish", "shell"]
