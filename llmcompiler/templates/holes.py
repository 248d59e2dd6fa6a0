"""A hole of a template: what may fill it, from a question or by hand. Nothing here knows plans or tools."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..errors import UsageError
from ..findings import short
from .atoms import Atom, Kind, skeleton
from .places import Use
from .words import STOP

HoleKind = Kind | Literal["choice", "words", "any"]
"""Kinds of atoms; `choice` is one word of several, `words` up to `MOST_WORDS` plain words, `any` is only filled by
hand."""
KINDS: frozenset[str] = frozenset({*get_args(Kind), "choice", "words", "any"}) - {
    "word",
    "symbol",
    "odd",
    "acronym",
}
NUMBERS = frozenset({"integer", "number"})
MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Hole:
    """A part of a plan that comes from the question."""

    name: str
    kind: HoleKind
    example: Any
    """What stands there in the plan the template was made of."""
    uses: tuple[Use, ...] = ()
    """Where it goes in the plan."""
    at: tuple[tuple[int, int], ...] = ()
    """Where it stands in the question: the first atom of each place, and the one after the last."""
    choices: tuple[str, ...] = ()
    """All that may fill a `choice`."""
    grouped: bool = False
    """Whether it is a number that may be written with commas."""

    def take(self, found: tuple[Atom, ...]) -> Any:
        """The value that atoms of a question give it; None where they do not fit."""
        if self.kind == "words":
            return self._words(found)
        (atom,) = found
        if self.kind == "choice":
            return atom.text if atom.kind == "word" and atom.text in self.choices else None
        if self.kind == "number" and atom.kind == "integer" and not atom.grouped:
            return atom.value
        if atom.kind != self.kind or (atom.grouped and not self.grouped):
            return None
        if self.kind == "code" and skeleton(atom.text) != skeleton(str(self.example)):
            return None
        return atom.value

    def _words(self, found: tuple[Atom, ...]) -> str | None:
        if len(found) > MOST_WORDS or any(a.kind not in ("word", "name") for a in found):
            return None
        words = [word for a in found for word in a.text.split()]
        if any(word.casefold() in STOP or word.startswith("'") for word in words):
            return None
        return " ".join(words)

    def checked(self, value: Any) -> Any:
        """A value given by hand.

        Raises:
            UsageError: It is not of the kind of the hole.
        """
        if self.kind in NUMBERS:
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise self._misfit(value, "a number")
            if isinstance(value, float) and not math.isfinite(value):
                raise self._misfit(value, "a finite number")
            return value
        if self.kind == "choice" and value not in self.choices:
            raise self._misfit(value, f"one of {', '.join(map(repr, self.choices))}")
        if self.kind != "any" and not isinstance(value, str):
            raise self._misfit(value, "text")
        if any(use.start is not None for use in self.uses) and not isinstance(value, (str, int, float)):
            raise self._misfit(value, "text or a number: it goes into a text")
        return value

    def _misfit(self, value: Any, wanted: str) -> UsageError:
        return UsageError(f"`{self.name}` is {wanted}, not {short(value)}")

    def __str__(self) -> str:
        kind = "|".join(self.choices) if self.kind == "choice" else self.kind
        return f"{self.name}: {kind}"


__all__ = ["KINDS", "MOST_WORDS", "NUMBERS", "Hole", "HoleKind"]
