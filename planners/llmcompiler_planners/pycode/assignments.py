"""Assignments in a Python plan, and lists and dicts that are filled. An assignment makes no task: calls in it do."""

from __future__ import annotations

import ast
from typing import Any

from llmcompiler.values import Ref, Var

from .expressions import Expressions
from .source import unsupported
from .symbols import Formula, Growing

_ANSWERS = frozenset({"answer", "final_answer"})
LATER = "one value for each item of a list that is known only when the plan runs"


class Assignments:
    """Reads assignments.

    Args:
        expressions: Reads the values.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._builder = expressions.builder
        self.answer: Ref | None = None
        """What was assigned to `answer`, by the statement at hand."""

    def read(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        """An assignment.

        Raises:
            Problem: It is outside of the subset.
            Fork: It depends on a branch.
        """
        if isinstance(node, ast.Assign):
            self._assign(node)
        elif isinstance(node, ast.AugAssign):
            self._augmented(node)
        elif node.value is not None:  # `Thought: ...` and `x: int` say nothing that could be run
            self._set(node.target, self._value(node.value, getattr(node.target, "id", "")))

    def _value(self, node: ast.AST, hint: str = "") -> Any:
        """What is assigned: formulas are computed once, conditions stay conditions."""
        self._builder.hint = hint
        symbol = self._expressions.symbol(node)
        self._builder.hint = ""
        return self._expressions.realise(symbol, node) if isinstance(symbol, Formula) else symbol

    def _assign(self, node: ast.Assign) -> None:
        names = [t.id for t in node.targets if isinstance(t, ast.Name)]
        value = self._value(node.value, names[0] if names else "")
        for target in node.targets:
            self._set(target, value)

    def _set(self, target: ast.AST, value: Any) -> None:
        if isinstance(target, ast.Subscript):
            self._set_item(target, value)
            return
        if isinstance(target, ast.Attribute):
            raise unsupported(target, "a field of a result can not be changed", "assign to a name of its own")
        self._expressions.comprehensions.assign(target, value)
        if isinstance(target, ast.Name):
            self._builder.name_result(value, target.id)
            self._note_final(target.id, value)

    def _note_final(self, name: str, value: Any) -> None:
        plain = isinstance(value, Ref) and not self._builder.turns and self._builder.loop is None
        self.answer = value if plain and name in _ANSWERS else None

    def _set_item(self, target: ast.Subscript, value: Any) -> None:
        """`d["key"] = value` for a dict that is written in the plan."""
        owner = target.value
        if not isinstance(owner, ast.Name):
            raise unsupported(target, "only names, and keys of a dict, can be assigned", "write `name = ...`")
        held = self._builder.read(owner.id, owner)
        if self._builder.loop is not None:
            raise unsupported(
                target,
                f"a dict can not be filled with {LATER}",
                f"collect a list: `{owner.id} = [tool(x) for x in items]`",
            )
        key = self._expressions.value(target.slice)
        value = self._expressions.realise(value, target)
        if isinstance(held, dict) and isinstance(key, str):
            self._builder.bind(owner.id, {**held, key: value}, target)
        elif isinstance(held, list) and isinstance(key, int) and -len(held) <= key < len(held):
            self._builder.bind(
                owner.id, [*held[: key % len(held)], value, *held[key % len(held) + 1 :]], target
            )
        else:
            raise unsupported(target, "a result can not be changed", "assign to a name of its own")

    def _augmented(self, node: ast.AugAssign) -> None:
        if not isinstance(node.target, ast.Name):
            raise unsupported(node.target, "only names can be assigned", "write `name += ...`")
        name = node.target.id
        added = self._expressions.symbol(node.value)
        growing = isinstance(self._builder.scope.get(name), Growing)
        if growing and isinstance(node.op, ast.Add) and isinstance(added, list) and len(added) == 1:
            self._collect(name, added[0], node)
            return
        before = self._builder.read(name, node.target)
        # Not computed yet: what comes of a sum over several statements is one formula.
        self._set(node.target, self._expressions.formulas.operate(node.op, before, added, node))

    # -- lists -----------------------------------------------------------------------

    def grow(self, func: ast.Attribute, node: ast.Call) -> bool:
        """`found.append(x)`, `found.extend(xs)`, `d.update(...)` for what is written in the plan; whether it is that.

        Raises:
            Problem: It is, and can not be done.
        """
        owner = func.value
        if not isinstance(owner, ast.Name) or owner.id not in self._builder.scope:
            return False
        if func.attr not in ("append", "extend", "update") or node.keywords or len(node.args) != 1:
            return False
        value = self._expressions.value(node.args[0])
        if func.attr == "append" and isinstance(self._builder.scope.get(owner.id), Growing):
            self._collect(owner.id, value, node)
            return True
        held = self._builder.read(owner.id, owner)
        if func.attr == "append" and isinstance(held, list):
            self._builder.bind(owner.id, [*held, value], node)
        elif func.attr == "extend" and isinstance(held, list) and isinstance(value, list):
            self._builder.bind(owner.id, [*held, *value], node)
        elif func.attr == "extend" and held == [] and isinstance(value, Ref):
            self._builder.bind(owner.id, value, node)
        elif func.attr == "update" and isinstance(held, dict) and isinstance(value, dict):
            self._builder.bind(owner.id, {**held, **value}, node)
        else:
            raise unsupported(
                node, f"`.{func.attr}(...)` on a result, or with one", "collect in a list of its own"
            )
        return True

    def _collect(self, name: str, value: Any, node: ast.AST) -> None:
        """A list, empty at first, that gets a value for each item of a loop."""
        builder = self._builder
        loop = builder.loop
        assert loop is not None
        growing = builder.scope.get(name)
        held = growing.before if isinstance(growing, Growing) else growing
        basis = loop.bases.get(value.name) if isinstance(value, Var) and not value.path else None
        if basis is None or basis.task is None:
            raise unsupported(
                node,
                f"only whole results can be collected as {LATER}",
                f"write `{name}.append(tool(item))`, and take parts of single items later",
            )
        if held != [] or name in loop.collected:
            raise unsupported(
                node, f"`{name}` gets values from more than one place", "use a list of its own for each"
            )
        if basis.turns != len(builder.turns):
            raise unsupported(
                node, "results that are chosen after their calls", "put the call itself into the `if`"
            )
        loop.collected[name] = (basis.task, len(builder.turns))


__all__ = ["LATER", "Assignments"]
