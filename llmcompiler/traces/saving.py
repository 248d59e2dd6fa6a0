"""Traces as files. What is in them is made elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import UsageError
from .trace import Trace

KINDS = (".html", ".json", ".svg")


def checked_path(path: str | os.PathLike[str]) -> Path:
    """The path, if its ending says what to write.

    Raises:
        UsageError: It does not.
    """
    found = Path(path)
    if found.suffix.lower() not in KINDS:
        raise UsageError(
            f"{found.name}: name the trace .html (a page), .json (for Perfetto) or .svg (a picture)"
        )
    return found


def save_trace(path: str | os.PathLike[str], trace: Trace) -> None:
    """Write a trace in the form that the ending of the path says.

    Raises:
        UsageError: The ending is neither `.html`, `.json` nor `.svg`.
        OSError: The file can not be written.
    """
    from .page import trace_page
    from .perfetto import perfetto_json
    from .timeline import timeline_svg

    makers = {".html": trace_page, ".json": perfetto_json, ".svg": timeline_svg}
    found = checked_path(path)
    save(found, makers[found.suffix.lower()](trace))


def save(path: str | os.PathLike[str], text: str) -> None:
    """Write a text, all of it or none: a file that was there stays until the new one is whole."""
    found = Path(path)
    part = found.with_name(f".{found.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        part.replace(found)
    finally:
        part.unlink(missing_ok=True)


__all__ = ["checked_path", "save", "save_trace"]
