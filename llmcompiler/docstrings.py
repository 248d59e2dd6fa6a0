"""What a docstring says of a function and its parameters, read with griffe. Read only when somebody asks."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any


def describe(func: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The text before the first section, and the text of each parameter (Google, NumPy or Sphinx style)."""
    doc = inspect.getdoc(func if hasattr(func, "__name__") else type(func)) or ""
    if not doc.strip():
        return "", {}
    import griffe

    # griffe logs a warning for every oddity; a user's docstring is not the place to complain.
    logging.getLogger("griffe").setLevel(logging.ERROR)
    parsed = griffe.Docstring(doc, lineno=1).parse(_style(doc))
    text: list[str] = []
    params: dict[str, str] = {}
    for section in parsed:
        if section.kind is griffe.DocstringSectionKind.text and not params:
            text.append(str(section.value).strip())
        elif section.kind is griffe.DocstringSectionKind.parameters:
            for p in section.value:
                params[p.name] = " ".join(str(p.description).split())
    return "\n\n".join(t for t in text if t), params


def _style(doc: str) -> Any:
    if ":param" in doc or ":returns:" in doc:
        return "sphinx"
    if "\n----" in doc:
        return "numpy"
    return "google"
