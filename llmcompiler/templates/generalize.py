"""A template of a plan and the question it answers: what comes from the question becomes a hole, the rest stays."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..findings import short
from ..plan import Plan
from .atoms import Atom, atoms
from .constants import choices_of
from .finding import Candidate, candidates, hand_marked
from .holes import MOST_WORDS, Hole, HoleKind
from .places import TooDeep, Use, leaves, replaced
from .template import PlanTemplate, mark
from .weighing import weigh
from .words import STOP

if TYPE_CHECKING:
    from ..tools import Tool, ToolRegistry

_WORDS = {
    "integer": "number",
    "quoted": "text",
    "choice": "choice",
    "words": "text",
    "any": "value",
    "weekday": "day",
}


def generalize(
    plan: Plan,
    question: str | None = None,
    *,
    tools: Iterable[Any] | ToolRegistry | None = None,
    holes: Mapping[str, Any] | None = None,
) -> PlanTemplate:
    """See `Plan.generalize`."""
    from ..tools import ToolRegistry

    if question is not None and not isinstance(question, str):
        raise UsageError(f"the question of a template is text, not {type(question).__name__}")
    if holes is not None and not isinstance(holes, Mapping):
        raise UsageError(
            f"holes={short(holes)}: give the values by the names of their holes, {{'city': 'Oslo'}}"
        )
    known = tools if tools is None or isinstance(tools, ToolRegistry) else ToolRegistry(tools)
    if known is None:
        known = plan.__dict__.get("_checked")
    asked = (question or "").strip()
    found = atoms(asked) if asked else []
    if found is None:
        raise UsageError("the question is too long to make a template of; give holes= and no question")
    bare = replaced(plan, ())
    try:
        if holes is None:
            made = _found_holes(found, bare, known)
        else:
            made = [_marked(name, value, found, bare) for name, value in holes.items()]
            _check_apart(made)
    except TooDeep as e:
        raise UsageError(f"no template can be made of the plan: {e}") from None
    marks = {t.tool: mark(known[t.tool]) for t in bare.tasks if known is not None and t.tool in known}
    template = PlanTemplate(asked, bare, tuple(made), marks)
    if template.can_match and template.match(asked) != {h.name: h.example for h in made}:
        # Its own question could be read in several ways: then it is filled by hand only.
        template = replace(template, holes=tuple(replace(hole, at=()) for hole in made))
    return template.verified()


# -- found in the question -----------------------------------------------------------------


def _found_holes(found: Sequence[Atom], plan: Plan, tools: Mapping[str, Tool] | None) -> list[Hole]:
    values = weigh(found, plan, candidates(found, plan), tools)
    made = [_choice(c, plan, tools) for c in _choices(found, plan, tools)]
    made += [
        Hole("", c.kind, c.value, tuple(c.uses), tuple((i, i + 1) for i in c.places), (), c.grouped)
        for c in values
    ]
    made.sort(key=lambda hole: hole.at)
    named: list[Hole] = []
    for hole in made:
        named.append(_named(hole, {h.name for h in named}))
    return named


def _named(hole: Hole, taken: set[str]) -> Hole:
    """The hole with a name: of the parameter whose whole value it is, else of its kind."""
    parameters = [use.parameter for use in hole.uses if use.parameter is not None]
    name = next((p for p in parameters if not p.isdigit()), None) or _WORDS.get(hole.kind, hole.kind)
    name = _identifier(name)
    number, tried = 1, name
    while tried in taken:
        number += 1
        tried = f"{name}_{number}"
    return Hole(tried, hole.kind, hole.example, hole.uses, hole.at, hole.choices, hole.grouped)


def _identifier(text: str) -> str:
    name = re.sub(r"\W", "_", text)
    name = name if name[:1].isalpha() or name[:1] == "_" else f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) or name == "self" else name


def _choices(found: Sequence[Atom], plan: Plan, tools: Mapping[str, Tool] | None) -> list[Candidate]:
    """Plain words of the question that are the whole value of a parameter which takes only a few."""
    words: dict[str, list[int]] = {}
    for i, atom in enumerate(found):
        if atom.kind == "word" and not atom.first and len(atom.text) > 1 and atom.text.casefold() not in STOP:
            words.setdefault(atom.text, []).append(i)
    by_word: dict[str, Candidate] = {}
    for leaf in leaves(plan):
        if not isinstance(leaf.value, str) or leaf.value not in words or leaf.inside:
            continue
        if leaf.value in _options(Use(leaf.task, leaf.path), plan, tools):
            made = by_word.setdefault(leaf.value, Candidate(leaf.value, "word", words[leaf.value]))
            made.uses.append(Use(leaf.task, leaf.path))
    return list(by_word.values())


def _choice(candidate: Candidate, plan: Plan, tools: Mapping[str, Tool] | None) -> Hole:
    options = [_options(use, plan, tools) for use in candidate.uses]
    common = tuple(o for o in options[0] if all(o in others for others in options))
    at = tuple((i, i + 1) for i in candidate.places)
    return Hole("", "choice", candidate.value, tuple(candidate.uses), at, common)


def _options(use: Use, plan: Plan, tools: Mapping[str, Tool] | None) -> tuple[str, ...]:
    tool = None if tools is None else tools.get(plan[use.task].tool)
    parameter = None if tool is None or use.parameter is None else tool.params.get(use.parameter)
    return () if parameter is None else tuple(c for c in choices_of(parameter.schema) if isinstance(c, str))


# -- marked by hand --------------------------------------------------------------------------


def _marked(name: str, value: Any, found: Sequence[Atom], plan: Plan) -> Hole:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(
            f"holes={{{name!r}: ...}}: the name of a hole is that of an argument, such as `city`"
        )
    uses = hand_marked(value, plan)
    if not uses:
        raise UsageError(
            f"holes={{{name!r}: {short(value)}}}: no literal of the plan is that; the plan is:\n{plan}"
        )
    kind, at, grouped = _place(value, found)
    return Hole(name, kind, value, tuple(uses), at, (), grouped)


def _check_apart(holes: Sequence[Hole]) -> None:
    """Refuse holes that take the same characters of the plan."""
    taken: list[tuple[Use, str]] = []
    for hole in holes:
        for use in hole.uses:
            for other, name in taken:
                if (use.task, use.path) == (other.task, other.path) and _overlap(use, other):
                    raise UsageError(
                        f"the holes `{name}` and `{hole.name}` stand in one place of the plan; give one"
                    )
            taken.append((use, hole.name))


def _overlap(a: Use, b: Use) -> bool:
    if a.start is None or a.end is None or b.start is None or b.end is None:
        return True
    return a.start < b.end and b.start < a.end


def _place(value: Any, found: Sequence[Atom]) -> tuple[HoleKind, tuple[tuple[int, int], ...], bool]:
    """The kind of a value by how it stands in the question, and where it stands there."""
    same = [(i, a) for i, a in enumerate(found) if _is(a, value)]
    kinds = {a.kind for _, a in same}
    if len(kinds) == 1 and (kind := kinds.pop()) not in ("word", "symbol", "odd", "acronym"):
        return kind, tuple((i, i + 1) for i, _ in same), any(a.grouped for _, a in same)
    if isinstance(value, str) and value:
        size = len(value.split())
        spans = []
        for i in range(len(found)):
            for end in range(i + 1, min(i + min(size, MOST_WORDS), len(found)) + 1):
                hole = Hole("", "words", value)
                if hole.take(tuple(found[i:end])) == value:
                    spans.append((i, end))
        if spans and all(a[1] <= b[0] for a, b in pairwise(spans)):
            return "words", tuple(spans), False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number", (), False
    return "any", (), False


def _is(atom: Atom, value: Any) -> bool:
    if isinstance(value, bool) or type(value) not in (int, float, str):
        return False
    return isinstance(atom.value, str) == isinstance(value, str) and atom.value == value
