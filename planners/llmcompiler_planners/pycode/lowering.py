"""Top-level statements of a Python plan as tasks, a join and diagnostics: one by one, as they come.

A statement with a problem gives no task, and others go on: what it would have assigned waits until it is mended.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.plan import Join, Task, Thought
from llmcompiler.tools import Tool, ToolRegistry
from llmcompiler.values import Ref

from .builder import Builder
from .expressions import Expressions
from .formulas import calculators
from .names import ToolNames
from .refusals import assigned, assigned_in, is_harmless, may_call, may_end
from .source import Problem, Statement
from .statements import MAX_PROBLEMS, MEND, Item, Statements, flat
from .symbols import Poison
from .syntax import Prose, parse_statement

_THOUGHT = re.compile(r"\s*Thought:\s*(.*)", re.IGNORECASE)


class Lowering:
    """Makes a plan of statements, one after another.

    Args:
        tools: The registry; None where tools are not known.
        shown: Names of the tools offered, of which one may compute formulas; None for all.
        next_id: The id of the first task.
        known: Tasks that may be referred to, by id.
        variables: What names stand for that are there already.
    """

    def __init__(
        self,
        tools: ToolRegistry | None = None,
        *,
        shown: Iterable[str] | None = None,
        next_id: int = 1,
        known: Mapping[int, Task] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        offered: list[Tool] = []
        if tools is not None:
            first = [tools[n] for n in shown if n in tools] if shown is not None else []
            offered = [*first, *(t for t in tools.values() if t not in first)]
        self._builder = Builder(ToolNames(tools), next_id, known or {})
        for name, value in (variables or {}).items():
            self._builder.scope.bind(name, value)
        for task in (known or {}).values():
            source = task.each.source if task.each is not None else None
            if isinstance(source, list) and task.when is None:
                self._builder.lengths[task.id] = len(source)
        self._statements = Statements(Expressions(self._builder, calculators(offered)))
        self.joined = False
        """Whether the plan has ended."""
        self._end = 0
        """The line of a statement that can not be run and may end the plan: none below it may run."""

    @property
    def next_id(self) -> int:
        """The id of the next task."""
        return self._builder.next_id

    # -- statements --------------------------------------------------------------

    def thought(self, text: str) -> list[Item]:
        """A comment: kept with the next task."""
        said = text.strip()
        if not said or self.joined:
            return []
        self._statements.thoughts.append(said)
        return [Thought(said)]

    def lower(self, statement: Statement) -> list[Item]:
        """What a top-level statement gives. A statement with a problem gives no task."""
        if self.joined:
            return []
        builder = self._builder
        builder.begin(statement)
        mark = builder.mark()
        self._statements.notes = []
        items: list[Item] = []
        nodes: list[ast.stmt] = []
        try:
            nodes, mended = parse_statement(statement)
            if mended is not None:
                items.append(mended.diagnostic(statement, None, "warning"))
        except Prose:
            if said := _THOUGHT.match(statement.text):
                return self.thought(said[1])
            problem = Problem("unrecognised", "a line that is no code; ignored", 0, "")
            return [problem.diagnostic(statement, None, "warning")]
        except Problem as problem:
            return list(self._refused(statement, [], [problem], mark))
        if self._end:
            if may_call(nodes, statement.text):
                text = f"stands below line {self._end}, which may end the plan and can not be run"
                items += self._refused(statement, nodes, [Problem("unsupported", text, 0, MEND)], mark)
            return items
        for node in nodes:
            mark = builder.mark()
            before = len(builder.tasks)
            self._statements.last = None
            try:
                ended = self._statements.statement(node)
                problems = []
            except Problem as problem:
                ended, problems = False, flat(problem)
            if ended and self._statements.join is None:
                self._statements.join = Join()
            if problems:
                items += self._tasks(builder.tasks[:before])
                items += self._refused(statement, [node], problems, mark)
                builder.tasks = []
                if self._end:
                    break
            elif self._statements.join is not None:
                break
        items += self._statements.notes
        items += self._tasks(builder.tasks)
        if self._statements.join is not None:
            self.joined = True
            items.append(self._statements.join)
        return items

    def close(self) -> Join | None:
        """The join, where the text was complete and had none."""
        if self.joined:
            return None
        self.joined = True
        return self._statements.closing()

    def _tasks(self, tasks: list[Task]) -> list[Item]:
        if not tasks:
            return []
        out: list[Item] = list(tasks)
        if self._statements.thoughts:
            out[0] = replace(tasks[0], thought="\n".join(self._statements.thoughts))
            self._statements.thoughts = []
        return out

    def _refused(
        self,
        statement: Statement,
        nodes: list[ast.stmt],
        problems: list[Problem],
        mark: tuple[int, int, int, int],
    ) -> list[Diagnostic]:
        """The diagnostics of a statement; what it would have assigned waits until it is mended."""
        builder = self._builder
        builder.reset(mark)
        names = assigned(nodes) if nodes else assigned_in(statement.text)
        harmless = bool(nodes) and is_harmless(nodes[0])
        number = builder.allocate() if may_call(nodes, statement.text) else None
        simple = not nodes or (isinstance(nodes[0], (ast.Assign, ast.AnnAssign)) and len(names) == 1)
        if not harmless and may_end(nodes, statement.text):
            self._end = self._end or statement.line
        for name in names:
            if simple and number is not None and len(names) == 1:
                builder.scope.bind(name, Ref(number))
            else:
                builder.scope.bind(
                    name, Poison(f"comes from line {statement.line}, which can not be run", MEND)
                )
        found: dict[Any, Diagnostic] = {}
        for problem in problems:
            made = problem.diagnostic(statement, number, "warning" if harmless else "error")
            found.setdefault((made.line, made.column, made.message), made)
        return list(found.values())[:MAX_PROBLEMS]


__all__ = ["Item", "Lowering"]
