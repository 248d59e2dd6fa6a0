"""What the wording of a question still asks for, given the calls so far: a plan that owes something can not end.

Only four kinds, each said in so many words: a tool named with what it is asked about ("the capital of Kenya"), its
result handed to another tool ("the population of the capital of Kenya"), a unit to convert to, and an operation on a
number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmcompiler.plan import Task
from llmcompiler.tools import Tool

from .arithmetic import is_unit, targets, wants_formula
from .phrases import Governed, clause_before, governed, is_formula, points_back, spoken_in
from .runs import MAX_RUN
from .shapes import TEXT, Earlier, kinds_of, required_of, result_shapes, takes_text, unit_parameters
from .words import Question, variants

_PATIENCE = 8
"""Calls after which nothing is owed any more: a plan that still does not pay never will."""


@dataclass(frozen=True, slots=True)
class Duties:
    """What is owed before a line is written."""

    open: bool = False
    """Whether the plan can not end yet."""
    tools: tuple[str, ...] = ()
    """Where not empty: the only tools that may be called now."""
    words: frozenset[int] = frozenset()
    """Where not empty: the only words of the question that may be copied now."""
    refer: frozenset[int] = frozenset()
    """Where not empty: tasks of which one must be referred to now."""


def duties(question: Question, tools: Sequence[Tool], earlier: Earlier) -> Duties:
    """What is owed after `earlier`. Look-ups that others need come first, then what needs them."""
    if len(earlier) >= _PATIENCE:
        return Duties()
    spoken_of = governed(question, tools)
    spoken = sorted(spoken_of, key=lambda g: g.noun)
    missing = [(o, g) for g in spoken for o in sorted(g.owners) if not _made(o, g, question, earlier)]
    # A small model writes calls in the order of the question: a call is due once the names before it are used.
    for owner, g in missing[:1]:
        # A name before it may be for the tool that takes the result as well: "from Berlin to the capital of Poland".
        shared = any(len(required_of(t)) > 1 for t in tools if t.name in _users(g, question, tools))
        if shared or not _names_left(question, earlier, g.noun):
            return Duties(True, (owner,), _reach(g, spoken, len(question.words)))
    chained = [(g, users) for g in spoken if (users := _users(g, question, tools))]
    if missing:
        waiting = {u for _, g in missing for other, users in chained if other is g for u in users}
        return Duties(True, tuple(t.name for t in tools if t.name not in waiting))
    refer: dict[tuple[str, ...], set[int]] = {}
    for g, users in chained if not points_back(question) else ():
        ids = {t.id for o in g.owners for t in _made(o, g, question, earlier)}
        if not any(t.tool in users and ids & set(t.depends_on) for t, _ in earlier):
            refer.setdefault(users, set()).update(ids)
    for users, ids in refer.items():
        return Duties(True, users, refer=frozenset(ids))
    if _unit_owed(question, tools, earlier):
        return Duties(True, tuple(t.name for t in tools if unit_parameters(t) is not None))
    return Duties(_formula_owed(question, tools, earlier))


def _names_left(question: Question, earlier: Earlier, end: int) -> bool:
    """Whether a name before word `end` is in no call yet."""
    used = {word for task, _ in earlier for text in texts_of(task) for word in text.split()}
    return any(w.named and not w.first and w.base.casefold() not in used for w in question.words[:end])


def _reach(g: Governed, every: Sequence[Governed], length: int) -> frozenset[int]:
    """Where the argument may stand: from the run's first word on, short of what is said of other tools."""
    if not g.words:
        return frozenset()
    others = {
        i for other in every if other is not g and other.words for i in range(other.noun, other.words[-1] + 1)
    }
    return frozenset(range(g.words[0], min(g.words[0] + MAX_RUN, length))) - others


def _users(g: Governed, question: Question, tools: Sequence[Tool]) -> tuple[str, ...]:
    """The tools that take what the run's owner gives: those spoken of before it."""
    if not g.words or not any(t.name in g.owners and _gives_text(t) for t in tools):
        return ()
    clause = clause_before(question, g.noun)
    # What stands before a name is about the name, for a tool of one argument: "the people of Quito and the capital of".
    last = max((i for i, w in enumerate(clause, 1) if w.named), default=0)
    return tuple(
        t.name
        for t in tools
        if t.name not in g.owners and takes_text(t)
        if spoken_in(clause if len(required_of(t)) > 1 else clause[last:], t)
    )


def _gives_text(tool: Tool) -> bool:
    return tool.returns is not None and kinds_of(tool.returns, tool.returns.get("$defs", {})) == TEXT


def _made(owner: str, g: Governed, question: Question, earlier: Earlier) -> list[Task]:
    calls = [t for t, _ in earlier if t.tool == owner]
    if not g.words:
        return calls
    first = question.words[g.words[0]].base.casefold()
    return [t for t in calls if any(first in text.split() for text in texts_of(t))]


def conversions(earlier: Earlier) -> list[Task]:
    """The calls so far that convert a number from one unit to another."""
    return [task for task, tool in earlier if tool is not None and unit_parameters(tool) is not None]


def open_targets(question: Question, earlier: Earlier) -> list[int]:
    """Where units stand that something is wanted in and nothing was converted to yet."""
    used = {text for task in conversions(earlier) for text in texts_of(task)}
    return [i for i in targets(question) if question.words[i].lower not in used]


def _unit_owed(question: Question, tools: Sequence[Tool], earlier: Earlier) -> bool:
    wanted = [question.words[i].lower for i in open_targets(question, earlier)]
    if not wanted or not any(unit_parameters(t) is not None for t in tools):
        return False
    if conversions(earlier):
        return True
    # A length came out in kilometres and miles, and feet are wanted.
    shapes = [s for task, tool in earlier for s in result_shapes(task, tool)]
    given = {v for s in shapes if is_unit(s.field) for v in variants(s.field.lower())}
    return bool(given) and any(is_unit(w) and not given & set(variants(w)) for w in wanted)


def _formula_owed(question: Question, tools: Sequence[Tool], earlier: Earlier) -> bool:
    formulas = {t.name for t in tools if any(map(is_formula, t.params))}
    if not formulas or conversions(earlier) or any(task.tool in formulas for task, _ in earlier):
        return False
    return wants_formula(question)


def texts_of(task: Task) -> set[str]:
    """The texts a call was given, in small letters."""
    return {v.casefold() for v in task.args.values() if isinstance(v, str)}
