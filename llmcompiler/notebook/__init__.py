"""Plans and runs in notebooks: rich displays, a live view of a run, and the `%%llmcompile` magic.

Displays and the live view need no setting up. IPython is not imported unless it runs already.
"""

from __future__ import annotations

from .cells import live
from .magics import load_ipython_extension, unload_ipython_extension
from .reporter import NotebookReporter

__all__ = ["NotebookReporter", "live", "load_ipython_extension", "unload_ipython_extension"]
