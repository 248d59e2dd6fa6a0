"""Statements that were written again, put in the place of those that could not be run. Nothing here reads text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.plan import Task
from llmcompiler.renaming import rename_task
from llmcompiler.tools import Tool

from .printer import result_name
from .prompt import written_name
from .refusals import assigned_in
from .source import SourceLine

if TYPE_CHECKING:
    from llmcompiler.protocols import PlanContext


class Mending:
    """Gives the calls of a reply the ids of those they replace.

    A call replaces the one whose variable it is assigned to; what is not assigned so replaces the others in order.
    Calls that are under way already are not made again, and what else a statement needs keeps an id of its own.

    Args:
        context: What was asked for.
    """

    def __init__(self, context: PlanContext) -> None:
        self._context = context
        self._broken = sorted(set(context.broken))
        self._wanted = {result_name(i): i for i in self._broken}
        for diagnostic in context.diagnostics:
            if diagnostic.task_id in self._broken:
                for name in assigned_in(_statement(diagnostic)):
                    self._wanted.setdefault(name, diagnostic.task_id)
        self._block = any("\n" in _statement(d).strip() for d in context.diagnostics)
        known = [*(o.task for o in context.observations), *context.running]
        self._known = {_key(t, context.tools): t.id for t in known}

    def tasks(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks under the ids they are wanted under."""
        ids: dict[int, int] = {}
        fresh: list[Task] = []
        for task in tasks:
            task = rename_task(task, ids)
            same = self._known.get(_key(task, self._context.tools))
            if same is not None:
                ids[task.id] = same
            else:
                fresh.append(task)
        places = self._places(fresh)
        kept = self._kept(fresh, places)
        ids |= places
        return [replace(rename_task(t, ids), id=ids.get(t.id, t.id)) for t in fresh if t.id in kept]

    def _kept(self, tasks: Sequence[Task], places: Mapping[int, int]) -> set[int]:
        """What was asked for, and what that needs; all of it where a whole block was asked for."""
        if not self._broken or self._block:
            return {t.id for t in tasks}
        kept = set(places)
        for task in reversed(tasks):
            if task.id in kept:
                kept.update(task.depends_on)
        return kept

    def _places(self, tasks: Sequence[Task]) -> dict[int, int]:
        places: dict[int, int] = {}
        for task in tasks:
            wanted = self._wanted.get(written_name(task))
            if wanted is not None and wanted not in places.values():
                places[task.id] = wanted
        used = {d for t in tasks for d in t.depends_on}
        open_ids = [i for i in self._broken if i not in places.values()]
        ends = [t.id for t in tasks if t.id not in places and t.id not in used]
        return places | dict(zip(ends, open_ids, strict=False))

    def diagnostics(self, found: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Problems of the reply, put down to the calls that were to be mended."""
        out = []
        for diagnostic in found:
            names = assigned_in(_statement(diagnostic))
            wanted = next((self._wanted[n] for n in names if n in self._wanted), None)
            if wanted is None and self._broken and diagnostic.task_id is not None:
                wanted = self._broken[0]
            out.append(replace(diagnostic, task_id=wanted if wanted is not None else diagnostic.task_id))
        return out


def _statement(diagnostic: Diagnostic) -> str:
    source = diagnostic.source
    return source.statement if isinstance(source, SourceLine) else source


def _key(task: Task, tools: Mapping[str, Tool]) -> Any:
    """Tells calls apart, whether their arguments are bound to names already or not."""
    tool = tools.get(task.tool)
    names = list(tool.params) if tool is not None else []
    args = {}
    for key, value in task.args.items():
        position = int(key) if key.isascii() and key.isdigit() and len(key) < 7 else None
        args[names[position] if position is not None and position < len(names) else key] = repr(value)
    return task.tool, tuple(sorted(args.items())), repr(task.each), repr(task.when)


__all__ = ["Mending"]
