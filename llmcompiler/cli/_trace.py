"""`--trace PATH`: the trace of a run as a file, also of one that fails or is stopped."""

from __future__ import annotations

import os
import shutil
import tempfile
from types import TracebackType
from typing import TYPE_CHECKING

from ..errors import ConfigurationError, UsageError
from ._streams import tell

if TYPE_CHECKING:
    from ..protocols import Reporter
    from ..result import RunResult


class TraceFile:
    """A context manager round a run: what its `reporters` hear is written when it ends.

    Args:
        path: Where to; `-` for a timeline of text on standard error; None for no trace.
        quiet: Do not say where it is.

    Raises:
        ConfigurationError: The path can not be written, or its ending says no form; nothing has run then.
    """

    def __init__(self, path: str | None, *, quiet: bool = False) -> None:
        self.path = path
        self.quiet = quiet
        self.reporters: list[Reporter] = []
        self.result: RunResult | None = None
        """Set by who has it: predictions are drawn then, too."""
        if path is None:
            return
        from ..traces import TraceReporter
        from ..traces.saving import checked_path

        self._reporter = TraceReporter()
        self.reporters = [self._reporter]
        if path == "-":
            return
        try:
            found = checked_path(path)
        except UsageError as e:
            raise ConfigurationError(f"--trace {e}") from None
        folder = found.parent
        if not folder.is_dir():
            raise ConfigurationError(f"--trace {path}: there is no folder {folder}")
        if found.is_dir() or (found.exists() and not os.access(found, os.W_OK)):
            raise ConfigurationError(f"--trace {path}: this can not be written")
        try:
            # Permissions tell less than a try: of a file system that is full, read-only or none.
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as e:
            raise ConfigurationError(f"--trace {path}: this can not be written: {e.strerror or e}") from None

    def __enter__(self) -> TraceFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.path is None or not self._reporter.builders:
            return
        from ..traces import save_trace, timeline_text
        from ..traces.results import with_predictions

        # The first run to report; those inside its tools come later.
        seen = self._reporter.trace(next(iter(self._reporter.builders)))
        if self.result is not None:
            seen = with_predictions(seen, self.result)
        if self.path == "-":
            tell(timeline_text(seen, width=shutil.get_terminal_size((100, 24)).columns))
            return
        try:
            save_trace(self.path, seen)
        except OSError as e:
            tell(f"warning: no trace was written to {self.path}: {e.strerror or e}")
        else:
            if not self.quiet:
                tell(f"trace: {self.path}")


__all__ = ["TraceFile"]
