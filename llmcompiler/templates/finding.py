"""Which literals of a plan stand in its question, and where in the plan: candidates for holes, not yet weighed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..plan import Plan
from .atoms import VALUES, Atom, Kind
from .holes import NUMBERS
from .places import Leaf, Use, leaves

MOST = 48
"""Values of a question that are looked for in a plan."""

_FORMULA = re.compile(
    r"(?=.*[0-9])(?:[\s0-9.+\-*/%^(),]|\b(?:sqrt|abs|round|log|log10|exp|min|max|sin|cos|tan|pi|e)\b)*\Z"
)
_DATE = re.compile(r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
NUMBER = re.compile(r"(?<![\w.])(?<![0-9],)[0-9]+(?:\.[0-9]+)?(?!\w|[.,][0-9])")
"""A number that stands by itself in arithmetic."""


@dataclass(slots=True)
class Candidate:
    """A value of the question that stands in the plan."""

    value: Any
    kind: Kind
    places: list[int] = field(default_factory=list)
    """Its atoms in the question."""
    uses: list[Use] = field(default_factory=list)
    first: bool = False
    """Whether a sentence begins with it."""
    grouped: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return self.kind in NUMBERS


def candidates(found: Sequence[Atom], plan: Plan) -> list[Candidate]:
    """The values of a question that stand in its plan, in the order of the question.

    Raises:
        TooDeep: An argument is nested too deep.
    """
    by_value: dict[Any, Candidate] = {}
    mixed: set[Any] = set()
    for i, atom in enumerate(found):
        if atom.kind not in VALUES:
            continue
        key = _key(atom.value)
        made = by_value.setdefault(key, Candidate(atom.value, atom.kind))
        if made.kind != atom.kind:
            mixed.add(key)
        made.places.append(i)
        made.first |= atom.first
        made.grouped |= atom.grouped
    mixed.update(("text", str(c.value)) for c in by_value.values() if c.is_number)
    for key in mixed:
        by_value.pop(key, None)
    if len(by_value) > MOST:
        return []
    _find_uses(by_value, plan)
    return [c for c in by_value.values() if c.uses]


def _key(value: Any) -> Any:
    return ("number" if isinstance(value, (int, float)) else "text", value)


def _find_uses(by_value: Mapping[Any, Candidate], plan: Plan) -> None:
    by_text = {str(c.value): c for c in by_value.values()}
    # The longest first: `New York` before `York`.
    search = re.compile("|".join(map(re.escape, sorted(by_text, key=len, reverse=True))))
    for leaf in leaves(plan) if by_text else ():
        value = leaf.value
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, (int, float)) or (not leaf.inside and _key(value) in by_value):
            if (made := by_value.get(_key(value))) is not None:
                made.uses.append(Use(leaf.task, leaf.path))
        elif isinstance(value, str):
            for start, end, text in _occurrences(leaf, search):
                whole = (start, end) == (0, len(value)) and not leaf.inside
                use = Use(leaf.task, leaf.path) if whole else Use(leaf.task, leaf.path, start, end)
                by_text[text].uses.append(use)


def _occurrences(leaf: Leaf, search: re.Pattern[str]) -> list[tuple[int, int, str]]:
    """Where texts and numbers stand as whole words in a text: start, end, and which."""
    text = leaf.value
    if is_formula(leaf):
        numbers = [m for m in NUMBER.finditer(text) if search.fullmatch(m[0])]
        return [(*m.span(), m[0]) for m in numbers if not _touches(leaf, *m.span())]
    out: list[tuple[int, int, str]] = []
    at = 0
    while (found := search.search(text, at)) is not None:
        start, end = found.span()
        at = start + 1
        if _is_word(text, start, end) and not _touches(leaf, start, end):
            out.append((start, end, found[0]))
            at = end
    return out


def is_formula(leaf: Leaf) -> bool:
    """Whether a text is arithmetic."""
    text = leaf.value
    if _FORMULA.match(text) is None or _DATE.search(text) is not None:
        return False
    return leaf.inside or any(c in text for c in "+-*/%^(")


def _touches(leaf: Leaf, start: int, end: int) -> bool:
    """Whether a part of a text stands right beside a reference, whose value would go on with it."""
    return (leaf.before and start == 0) or (leaf.after and end == len(leaf.value))


_GLUE = ".,:/-_@&#'’"


def _is_word(text: str, start: int, end: int) -> bool:
    """Whether characters of a text are words by themselves, and not a part of `COVID-19`, `1.5` or `example.com/a`."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:].isalnum() or after[:1].isalnum() or before.endswith("_") or after.startswith("_"):
        return False
    if len(before) == 2 and before[1] in _GLUE and before[0].isalnum():
        return False
    possessive = text[end : end + 3].rstrip(".,;:!? ") in ("'s", "’s")
    return possessive or not (len(after) == 2 and after[0] in _GLUE and after[1].isalnum())


def hand_marked(value: Any, plan: Plan) -> list[Use]:
    """Every place in a plan that holds a value: as a whole, or as whole words of a text."""
    uses: list[Use] = []
    texted = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    search = re.compile(re.escape(texted))
    for leaf in leaves(plan):
        whole = type(leaf.value) is type(value) or (_is_number(leaf.value) and _is_number(value))
        if not leaf.inside and whole and leaf.value == value:
            uses.append(Use(leaf.task, leaf.path))
        elif isinstance(leaf.value, str) and texted:
            uses += [Use(leaf.task, leaf.path, s, e) for s, e, _ in _occurrences(leaf, search)]
    return uses


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
