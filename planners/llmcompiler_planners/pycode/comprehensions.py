"""Comprehensions: over a list known only when the plan runs they become `for` tasks, over a written one also values."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llmcompiler.guards import Guard
from llmcompiler.language.json_values import is_variable_name
from llmcompiler.values import Ref, Var

from .builder import MAX_UNROLLED
from .conditions import Constant
from .source import Problem, unsupported
from .symbols import Loop, Site, Turn

if TYPE_CHECKING:
    from .expressions import Expressions


class Comprehensions:
    """Reads comprehensions, and assigns the targets of loops.

    Args:
        expressions: Reads what is in them.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._builder = expressions.builder

    # -- entry -----------------------------------------------------------------

    def listed(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        """A list: the value of a `for` task, or its items where the list it goes over is written in the plan.

        Raises:
            Problem: It is outside of the subset.
            Fork: It depends on a branch.
        """
        builder = self._builder
        mark = builder.scope.mark()
        try:
            if len(node.generators) == 1:
                return self._single(node, node.generators[0])
            out: list[Any] = []
            self._unrolled(node.generators, lambda: out.append(self._expressions.value(node.elt)), node)
            return out
        finally:
            builder.scope.back(mark)

    def keyed(self, node: ast.DictComp) -> dict[str, Any]:
        """A dict, over a list that is written in the plan."""
        out: dict[str, Any] = {}
        mark = self._builder.scope.mark()

        def add() -> None:
            key = self._expressions.key(node.key)
            out[key] = self._expressions.value(node.value)

        try:
            self._unrolled(node.generators, add, node)
        finally:
            self._builder.scope.back(mark)
        return out

    # -- one list --------------------------------------------------------------

    def _single(self, node: ast.ListComp | ast.GeneratorExp, generator: ast.comprehension) -> Any:
        builder = self._builder
        source = self._expressions.value(generator.iter)
        items = self._expressions.calls.functions.items(source)
        if items is None or self._is_call(node.elt):
            mark = builder.mark()
            outer = builder.loop
            try:
                return self._mapped(node, generator, source)
            except Problem:
                if items is None:
                    raise
                builder.loop = outer
                builder.reset(mark)
        assert items is not None
        out: list[Any] = []
        self._each(generator, items, lambda: out.append(self._expressions.value(node.elt)), node)
        return out

    def _is_call(self, node: ast.AST) -> bool:
        while isinstance(node, ast.Await):
            node = node.value
        return isinstance(node, ast.Call) and self._expressions.calls.tool_of(node.func) is not None

    def _mapped(
        self, node: ast.ListComp | ast.GeneratorExp, generator: ast.comprehension, source: Any
    ) -> Any:
        """The value of a `for` task."""
        builder = self._builder
        if not isinstance(source, (Ref, list)):
            raise not_a_list(source, generator.iter)
        if builder.loop is not None:
            raise nested_loop(generator.iter)
        hint, builder.hint = builder.hint, ""
        with builder.looping(loop_name(generator.target), source, comprehension=True) as loop:
            self.assign(generator.target, Var(loop.each.name))
            turns = self._filters(generator)
            builder.turns += turns
            try:
                value = self._expressions.value(node.elt)
                whole = (
                    None
                    if isinstance(source, list) and self._is_own(value, loop)
                    else builder.whole_list(value, loop)
                )
            finally:
                del builder.turns[len(builder.turns) - len(turns) :]
            builder.hint = hint
        if whole is None:
            raise unsupported(
                node.elt,
                "a part or a mixture of values for each item of a list that is known only when the plan runs",
                "let the comprehension give whole results, `[tool(x) for x in items]`, and pass that list on",
            )
        return whole

    def _is_own(self, value: Any, loop: Loop) -> bool:
        return isinstance(value, Var) and value.name == loop.each.name

    def _filters(self, generator: ast.comprehension) -> list[Turn]:
        turns: list[Turn] = []
        for test in generator.ifs:
            before = len(self._builder.tasks)
            found = self._expressions.conditions.guard(test)
            if len(self._builder.tasks) > before:
                raise unsupported(
                    test, "a call in the condition of a comprehension", "make the call before it"
                )
            if isinstance(found, Constant):
                if found.truth:
                    continue
                raise unsupported(test, "a condition that is never true", "leave the call out")
            turns.append(self._turn(found))
        return turns

    def _turn(self, guard: Guard) -> Turn:
        site = Site(None, self._expressions.conditions.both(guard))
        self._builder.keep(site)
        return Turn(site, 0)

    # -- written lists ---------------------------------------------------------

    def _unrolled(self, generators: list[ast.comprehension], body: Callable[[], Any], node: ast.AST) -> None:
        first, *rest = generators
        items = self._expressions.calls.functions.items(self._expressions.value(first.iter))
        if items is None:
            what = "a dict made" if isinstance(node, ast.DictComp) else "several lists gone through"
            raise unsupported(
                first.iter,
                f"{what} for a list that is known only when the plan runs",
                "write `[tool(x) for x in items]`, over one list",
            )
        self._each(first, items, (lambda: self._unrolled(rest, body, node)) if rest else body, node)

    def _each(
        self, generator: ast.comprehension, items: list[Any], body: Callable[[], Any], node: ast.AST
    ) -> None:
        for item in items:
            self.count(node)
            self.assign(generator.target, item)
            if all(self._is_true(test) for test in generator.ifs):
                body()

    def _is_true(self, test: ast.AST) -> bool:
        found = self._expressions.conditions.guard(test)
        if not isinstance(found, Constant):
            raise unsupported(
                test,
                "a list whose length depends on results that are not there yet",
                "make a call for each with `[tool(x) for x in items if ...]`, or let a tool choose",
            )
        return found.truth

    def count(self, node: ast.AST) -> None:
        """Take note of one turn of a loop.

        Raises:
            Problem: There are too many.
        """
        self._builder.unrolled += 1
        if self._builder.unrolled > MAX_UNROLLED:
            raise Problem(
                "too-deep",
                f"loops of more than {MAX_UNROLLED} turns in one statement",
                node,
                "let a tool give the list, and go through that",
            )

    # -- targets ---------------------------------------------------------------

    def assign(self, target: ast.AST, value: Any) -> None:
        """Assign what a loop or a statement gives: to a name, or to several by position.

        Raises:
            Problem: The target can not be assigned.
        """
        if isinstance(target, ast.Name):
            self._builder.bind(target.id, value, target)
            return
        if not isinstance(target, (ast.Tuple, ast.List)):
            raise unsupported(target, "only names can be assigned", "write `name = ...`")
        starred = next((t for t in target.elts if isinstance(t, ast.Starred)), None)
        if starred is not None:
            raise unsupported(
                starred, "`*` has no place in an assignment", "take items by position, as `r[0]`"
            )
        if isinstance(value, (Ref, Var)):
            parts = [self._expressions.step(value, i) for i in range(len(target.elts))]
        elif isinstance(value, list) and len(value) == len(target.elts):
            parts = value
        else:
            count = len(value) if isinstance(value, list) else "one"
            raise unsupported(
                target, f"{len(target.elts)} names for {count} value(s)", "give each name its value"
            )
        for inner, part in zip(target.elts, parts, strict=True):
            self.assign(inner, part)


def loop_name(target: ast.AST) -> str:
    """The loop variable's name in the plan."""
    return target.id if isinstance(target, ast.Name) and is_variable_name(target.id) else "item"


def not_a_list(value: Any, node: ast.AST) -> Problem:
    """What can not be gone through."""
    what = "a loop in a loop" if isinstance(value, Var) else "only lists can be gone through"
    return unsupported(
        node, what, "let a tool give one flat list" if isinstance(value, Var) else "write a list"
    )


def nested_loop(node: ast.AST) -> Problem:
    """A list known only later inside a loop over another."""
    return unsupported(
        node,
        "a loop over a result inside of another one",
        "let a tool give one flat list, and go through that",
    )


__all__ = ["Comprehensions", "loop_name", "nested_loop", "not_a_list"]
