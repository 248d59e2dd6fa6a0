"""The text of an explanation, which notebooks show as a table and not as the `repr` of a string."""

from __future__ import annotations

from typing import Any

from .._displayed import Displayed


class Report(Displayed, str):
    """A text for people: an ordinary `str`, but displayed with its lines where it is the value of a cell."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Of a `str` IPython asks for this even where there is a bundle.
        printer.text(self._repr_mimebundle_(include=("text/plain",))["text/plain"])


__all__ = ["Report"]
