"""Whether a question is of the form of another one, and what stands in its holes. All of it has to be accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .atoms import Atom, same_word
from .holes import MOST_WORDS, NUMBERS, Hole

Pattern = Sequence[Atom | Hole]
"""The atoms that a question must have, and holes between them."""


def pattern(found: Sequence[Atom], holes: Sequence[Hole]) -> list[Atom | Hole]:
    """The atoms of a question with holes in their places."""
    starts = {first: (end, hole) for hole in holes for first, end in hole.at}
    out: list[Atom | Hole] = []
    i = 0
    while i < len(found):
        end, item = starts.get(i, (i + 1, found[i]))
        out.append(item)
        i = end
    return out


def match(wanted: Pattern, found: Sequence[Atom], holes: Sequence[Hole]) -> dict[str, Any] | str:
    """What fills the holes, by name; else, in a word or two, why nothing does.

    There is at most one way to read a question: where there are several, none is taken.
    """
    ends = _reachable(wanted, found)
    if ends is None:
        return "other words"
    ways = _readings(wanted, found, ends)
    if not ways:
        return "other words"
    if len(ways) > 1:
        return "several readings"
    values = ways[0]
    texts = [v for hole in holes if (v := values.get(hole.name)) is not None and hole.kind not in NUMBERS]
    if len(set(map(str, texts))) < len(texts):
        return "one value in two holes"  # a planner might look it up once
    return {hole.name: values[hole.name] for hole in holes}


def _reachable(wanted: Pattern, found: Sequence[Atom]) -> list[set[int]] | None:
    """For each item of the pattern, the atoms it can begin at; None where the end is not reached."""
    places: list[set[int]] = [{0}]
    for item in wanted:
        places.append({end for start in places[-1] for end in _steps(item, found, start)})
        if not places[-1]:
            return None
    return places if len(found) in places[-1] else None


def _steps(item: Atom | Hole, found: Sequence[Atom], start: int) -> list[int]:
    if start >= len(found):
        return []
    if isinstance(item, Atom):
        return [start + 1] if same_word(item, found[start]) else []
    most = MOST_WORDS if item.kind == "words" else 1
    ends = range(start + 1, min(start + most, len(found)) + 1)
    return [end for end in ends if item.take(tuple(found[start:end])) is not None]


def _readings(wanted: Pattern, found: Sequence[Atom], places: Sequence[set[int]]) -> list[dict[str, Any]]:
    """At most two ways to read the question, from its end to its beginning."""
    ways: list[dict[str, Any]] = []
    stack: list[tuple[int, int, dict[str, Any]]] = [(len(wanted), len(found), {})]
    tries = 0
    while stack and len(ways) < 2:
        count, end, values = stack.pop()
        tries += 1
        if tries > 20 * (len(found) + 10):
            return [{}, {}]  # so many ways that nothing is certain
        if count == 0:
            if end == 0:
                ways.append(values)
            continue
        item = wanted[count - 1]
        for start in places[count - 1]:
            if start >= end or end not in _steps(item, found, start):
                continue
            if isinstance(item, Atom):
                stack.append((count - 1, start, values))
                continue
            value = item.take(tuple(found[start:end]))
            if values.get(item.name, value) == value:
                stack.append((count - 1, start, {**values, item.name: value}))
    return ways
