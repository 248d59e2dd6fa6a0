"""The plan as it grows: variables, branches, loops, and the tasks that calls become. Nothing here reads syntax."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from llmcompiler.guards import BoolOp, Guard, Not, guard_references, guard_values
from llmcompiler.language.json_values import is_variable_name
from llmcompiler.language.tokens import MAX_DEPTH
from llmcompiler.plan import Each, Task, TaskSpan
from llmcompiler.values import Ref, Value, Var, has_variable, references, variables

from .names import ToolNames
from .source import Problem, SourceLine, Statement, unsupported
from .symbols import (
    MAX_SIZE,
    MAX_TOTAL,
    UNSET,
    Basis,
    Fork,
    Growing,
    Loop,
    Phi,
    Poison,
    Scope,
    Site,
    Turn,
    measure,
)

MAX_UNROLLED = 256
"""Turns of loops over written lists in one top-level statement."""
MAX_FORKS = 3
"""How many values that differ by branch one statement can read."""
MAX_RETURNS = 16
"""Returns that depend on a condition; all that follows depends on them, too."""
_ASCII_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Builder:
    """Makes tasks.

    Args:
        names: How tools are called.
        next_id: The id of the first task.
        known: Tasks that may be referred to, by id.
    """

    def __init__(self, names: ToolNames, next_id: int, known: Mapping[int, Task]) -> None:
        self.names = names
        self.next_id = next_id
        self.known = dict(known)
        self.scope = Scope()
        self.tasks: list[Task] = []
        """Of the statement being read."""
        self.turns: list[Turn] = []
        self.excluded: list[Guard] = []
        """What holds for everything that follows, as the plan would have returned otherwise."""
        self.loop: Loop | None = None
        self.statement = Statement("", 1)
        self.hint = ""
        """The variable that the value being read will be assigned to."""
        self.lengths: dict[int, int] = {}
        """How many items the lists have that tasks will give, where that is known."""
        self._contexts: dict[int, frozenset[tuple[int, int]]] = {}
        self._sites: list[Site] = []
        self._total = 0
        self.unrolled = 0
        self.forks = 0

    # -- going back ------------------------------------------------------------

    def begin(self, statement: Statement) -> None:
        """A top-level statement begins."""
        self.statement = statement
        self.tasks = []
        self.scope.settle()
        self.unrolled = self.forks = 0

    def mark(self) -> tuple[int, int, int, int]:
        """A point to go back to, within the statement."""
        return len(self.tasks), self.next_id, self.scope.mark(), len(self.excluded)

    def reset(self, mark: tuple[int, int, int, int]) -> None:
        """Undo what was made since then."""
        tasks, self.next_id, scope, excluded = mark
        for task in self.tasks[tasks:]:
            del self.known[task.id]
            self.lengths.pop(task.id, None)
        del self.tasks[tasks:]
        del self.excluded[excluded:]
        self.scope.back(scope)

    # -- variables -------------------------------------------------------------

    def read(self, name: str, node: ast.AST) -> Any:
        """What the variable stands for.

        Raises:
            Problem: It has no value.
            Fork: It depends on a branch that the reader is in none of.
        """
        value = self.scope.get(name)
        while isinstance(value, Phi):
            value = self._choose(value)
        if isinstance(value, Growing):
            raise unsupported(
                node,
                f"`{name}` is still being filled by this loop",
                "use it after the loop, or use another list",
            )
        if isinstance(value, Poison):
            raise Problem("unknown-reference", f"`{name}` {value.message}", node, value.hint)
        return value

    def _choose(self, phi: Phi) -> Any:
        for turn in self.turns:
            if turn.site is phi.site:
                return phi.values[turn.index]
        options = [i for i, v in enumerate(phi.values) if v is not UNSET]
        if not options:
            return UNSET
        only = phi.values[options[0]]
        if len(options) == 1 and not isinstance(only, Phi) and self._is_made_in(only, phi.site, options[0]):
            return only  # what needs it is skipped with it
        raise Fork(phi.site, tuple(options))

    def _is_made_in(self, value: Any, site: Site, index: int) -> bool:
        return any((id(site), index) in self._contexts.get(r.task, ()) for r in references(value))

    def bind(self, name: str, value: Any, node: ast.AST) -> None:
        """Assign a variable.

        Raises:
            Problem: The value is too large.
        """
        if isinstance(value, (list, dict, str)) or not isinstance(value, (int, float, Ref, Var, type(None))):
            self.weigh(value, node)
        self.scope.bind(name, value)

    def weigh(self, value: Any, node: ast.AST) -> None:
        """Refuse a value that is too large.

        Raises:
            Problem: It is.
        """
        size, depth = measure(value, MAX_SIZE) if self._total <= MAX_TOTAL else (0, 0)
        self._total += size
        if size > MAX_SIZE or self._total > MAX_TOTAL:
            raise Problem("too-deep", "a value with too many parts", node, "let a tool make large values")
        if depth > MAX_DEPTH:
            raise Problem(
                "too-deep", f"a value nested more than {MAX_DEPTH} deep", node, "use flatter values"
            )

    # -- branches --------------------------------------------------------------

    def branches(
        self, site: Site, bodies: Mapping[int, Callable[[], bool]], node: ast.AST, *, dead: bool = False
    ) -> bool:
        """Read the branches of `site`, one after another, and merge what their variables stand for then.

        Args:
            site: Where the plan branches.
            bodies: What to read in a branch; gives whether the plan ends in it.
            node: The code, for errors.
            dead: Whether branches without a body can not be reached, instead of doing nothing.

        Returns:
            Whether the plan ends in every branch.
        """
        self.keep(site)
        ended: list[bool] = []
        found: list[dict[str, Any]] = []
        names: dict[str, None] = {}
        for index in range(len(site.branches)):
            body = bodies.get(index)
            mark = self.scope.mark()
            self.turns.append(Turn(site, index))
            try:
                stopped = body() if body is not None else dead
                if stopped and body is not None:
                    exit_guard = conjunction([g for t in self.turns for g in t.guards])
            finally:
                self.turns.pop()
            ended.append(stopped)
            found.append({name: self.scope.get(name) for name in self.scope.since(mark)})
            names.update(dict.fromkeys(found[-1]))
            self.scope.back(mark)
            if stopped and body is not None:
                self._leave(exit_guard, node)
        live = [i for i, stopped in enumerate(ended) if not stopped]
        for name in names:
            old = self.scope.get(name)
            values = [found[i].get(name, old) if i in live else UNSET for i in range(len(ended))]
            kept = [values[i] for i in live]
            if not kept or (len(kept) == 1 and not dead) or all(v is kept[0] for v in kept):
                self.scope.bind(name, kept[0] if kept else UNSET)
            else:
                self.scope.bind(name, Phi(site, tuple(values)))
        return not live

    def keep(self, site: Site) -> None:
        """Hold on to a site, as turns are told apart by its identity."""
        self._sites.append(site)

    def _leave(self, guard: Guard | None, node: ast.AST) -> None:
        """From here on, everything is for the case that the plan did not return."""
        if guard is None:
            return
        per_item = any(has_variable(v) for v in guard_values(guard))
        if per_item or any(self._contexts.get(r.task) for r in guard_references(guard)):
            raise unsupported(
                node,
                "a `return` that depends on a value which is not always there",
                "make calls in `if` blocks, and `return` at the end",
            )
        if len(self.excluded) >= MAX_RETURNS:
            raise Problem(
                "too-deep", "too many places where the plan may end", node, "`return` once, at the end"
            )
        self.excluded.append(guard.operand if isinstance(guard, Not) else Not(guard))

    # -- tasks -----------------------------------------------------------------

    def allocate(self) -> int:
        """An id for a call that can not be read, so that what needs it can wait for it."""
        number = self.next_id
        self.next_id += 1
        return number

    def emit(
        self,
        tool: str,
        args: Mapping[str, Value],
        node: ast.AST,
        *,
        head: ast.AST | None = None,
        nodes: Mapping[str, ast.AST] | None = None,
        nested: bool = False,
    ) -> Ref | Var:
        """Add a call; gives what stands for its value.

        Args:
            tool: The tool's name.
            args: Its arguments.
            node: The call.
            head: The name of the tool in the text.
            nodes: The arguments in the text.
            nested: Whether only the value is wanted, not that a call is made for every item of a loop.

        Raises:
            Problem: The plan language has no way to say it.
        """
        for value in args.values():
            if not isinstance(value, (int, float, Ref, Var, type(None))):
                self.weigh(value, node)
        basis = self._basis(tool, args, node, nested)
        guards = [*self.excluded, *self._guards(basis, node)]
        number = self.allocate()
        start = self.statement.place_of(node)
        line = SourceLine(start.source, self.statement.text)
        span = TaskSpan(
            start=replace(start, source=line),
            tool=self.statement.place_of(head or node),
            args={k: self.statement.place_of(n) for k, n in (nodes or {}).items()},
        )
        task = Task(number, tool, dict(args), basis.each if basis else None, conjunction(guards), span=span)
        self.tasks.append(task)
        self.known[number] = task
        if self.turns:
            self._contexts[number] = frozenset(t.key for t in self.turns)
        if basis is None or self.loop is None:
            return Ref(number)
        name = self._fresh(self.loop)
        self.loop.bases[name] = Basis(Each(name, Ref(number)), number, len(self.turns))
        self._note_length(number, basis, tool)
        return Var(name)

    def _note_length(self, number: int, basis: Basis, tool: str) -> None:
        known = self.names.tools.get(tool) if self.names.tools is not None else None
        if known is not None and known.options.on_item_error == "skip":
            return  # items that fail are not in its list
        source = basis.each.source
        filtered = any(has_variable(v) for t in self.turns for g in t.guards for v in guard_values(g))
        if filtered:
            return
        if isinstance(source, list):
            self.lengths[number] = len(source)
        elif isinstance(source, Ref) and not source.path and source.task in self.lengths:
            self.lengths[number] = self.lengths[source.task]

    def _basis(self, tool: str, args: Mapping[str, Value], node: ast.AST, nested: bool) -> Basis | None:
        if self.loop is None:
            return None
        names = {v.name for value in args.values() for v in variables(value)}
        if not names:
            inner = self.turns[self.loop.outside :]
            names = {v.name for t in inner for g in t.guards for o in guard_values(g) for v in variables(o)}
        if not names:
            known = self.names.tools.get(tool) if self.names.tools is not None else None
            if nested and known is not None and known.effect in ("pure", "read"):
                return None  # the same for every item: once is enough
            return Basis(self.loop.each, None, self.loop.outside)
        if len(names) > 1:
            raise self._mixed(names, node)
        return self.loop.bases[names.pop()]

    def _mixed(self, names: set[str], node: ast.AST) -> Problem:
        shown = " and ".join(f"`{n}`" for n in sorted(names))
        return unsupported(
            node,
            f"this call needs {shown}, item by item, and a call in a loop can go through one list only",
            "pass on one value for each item, or let one tool do both steps",
        )

    def _guards(self, basis: Basis | None, node: ast.AST) -> Iterator[Guard]:
        for position, turn in enumerate(self.turns):
            for guard in turn.guards:
                names = {v.name for value in guard_values(guard) for v in variables(value)}
                if names:
                    if basis is not None and position < basis.turns:
                        continue  # the list it goes through holds only items for which that is true
                    if basis is None or names != {basis.each.name}:
                        raise self._mixed(names | ({basis.each.name} if basis else set()), node)
                yield guard

    def _fresh(self, loop: Loop) -> str:
        base = self.hint if is_variable_name(self.hint) else "item"
        name, number = base, 2
        while name in loop.bases:
            name, number = f"{base}{number}", number + 1
        return name

    # -- loops -----------------------------------------------------------------

    @contextmanager
    def looping(self, name: str, source: Value, *, comprehension: bool = False) -> Iterator[Loop]:
        """Read code once that is for every item of `source`."""
        usable = name if is_variable_name(name) and _ASCII_NAME.match(name) else "item"
        each = Each(usable, source)
        outside = len(self.turns)
        loop = Loop(each, {usable: Basis(each, None, outside)}, outside, comprehension)
        before, self.loop = self.loop, loop
        try:
            yield loop
        finally:
            self.loop = before

    def whole_list(self, value: Any, loop: Loop) -> Ref | None:
        """The list of what `value` is for each item, where a task gives just that."""
        if not isinstance(value, Var) or value.path or value.name not in loop.bases:
            return None
        basis = loop.bases[value.name]
        if basis.task is not None:
            return Ref(basis.task)
        source = basis.each.source
        return source if isinstance(source, Ref) and len(self.turns) == loop.outside else None

    def name_result(self, value: Any, name: str) -> None:
        """Remember, for later prompts, that the value of a task was assigned to `name`."""
        if isinstance(value, Ref) and not value.path and self.tasks and value.task == self.tasks[-1].id:
            span = self.tasks[-1].span
            assert span is not None
            line = span.start.source
            if isinstance(line, SourceLine):
                line.variable = name


def conjunction(guards: Sequence[Guard]) -> Guard | None:
    """All of `guards`, without those that are there twice."""
    unique: list[Guard] = []
    for guard in guards:
        parts = (
            guard.operands
            if isinstance(guard, BoolOp) and guard.op == "and" and len(guards) > 1
            else (guard,)
        )
        unique += (g for g in parts if g not in unique)
    if not unique:
        return None
    return unique[0] if len(unique) == 1 else BoolOp("and", tuple(unique))


__all__ = ["MAX_FORKS", "MAX_UNROLLED", "Builder", "conjunction"]
