"""Conditions of a Python plan as guards; what is written in the plan is decided at once. Nothing is executed."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmcompiler.guards import BoolOp, Compare, CompareOp, Guard, Not, Truth
from llmcompiler.values import Ref, Var, is_literal

from . import folding
from .source import unsupported
from .symbols import Condition

if TYPE_CHECKING:
    from .expressions import Expressions

_OPERATORS: dict[type[ast.cmpop], CompareOp] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "==",
    ast.IsNot: "!=",
}


@dataclass(frozen=True)
class Constant:
    """A condition that is decided already."""

    truth: bool


class Conditions:
    """Reads conditions.

    Args:
        expressions: Reads the operands.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions

    def symbol(self, node: ast.AST) -> bool | Condition:
        """A condition as what a variable can stand for."""
        found = self.guard(node)
        return found.truth if isinstance(found, Constant) else Condition(found)

    def guard(self, node: ast.AST) -> Guard | Constant:
        """The guard, or the answer where no result is needed for it.

        Raises:
            Problem: It can not be a condition of a plan.
        """
        if isinstance(node, ast.BoolOp):
            return self._joined(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.guard(node.operand)
            return Constant(not inner.truth) if isinstance(inner, Constant) else Not(inner)
        if isinstance(node, ast.Compare):
            return self._compared(node)
        found = self._length(node)
        return self.truth(self._expressions.symbol(node) if found is None else found, node)

    def truth(self, symbol: Any, node: ast.AST) -> Guard | Constant:
        """What a symbol says as a condition."""
        if isinstance(symbol, Condition):
            return symbol.guard
        value = self._expressions.realise(symbol, node)
        return Constant(bool(value)) if is_literal(value) else Truth(value)

    def both(self, guard: Guard) -> tuple[tuple[Guard, ...], tuple[Guard, ...]]:
        """The two branches of a condition."""
        return (guard,), (negated(guard),)

    def _joined(self, node: ast.BoolOp) -> Guard | Constant:
        ends = isinstance(node.op, ast.Or)
        guards: list[Guard] = []
        for position, operand in enumerate(node.values):
            before = len(self._expressions.builder.tasks)
            found = self.guard(operand)
            if position and len(self._expressions.builder.tasks) > before:
                raise unsupported(
                    operand,
                    "a call after `and` or `or`, which is made only if what stands before it lets it",
                    "make the call in a statement before the `if`, or in an `if` of its own",
                )
            if not isinstance(found, Constant):
                guards.append(found)
            elif found.truth is ends:
                return found
        if not guards:
            return Constant(not ends)
        return guards[0] if len(guards) == 1 else BoolOp("or" if ends else "and", tuple(guards))

    def _compared(self, node: ast.Compare) -> Guard | Constant:
        found: list[Guard] = []
        left_node: ast.AST = node.left
        if len(node.comparators) == 1 and (emptiness := self._emptiness(node)) is not None:
            return emptiness
        left = self._expressions.value(left_node)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self._expressions.value(right_node)
            if is_literal(left) and is_literal(right):
                try:
                    truth = folding.compare(op, left, right)
                except folding.NotFoldable as e:
                    raise unsupported(
                        left_node, f"the comparison has no value: {e}", "compare like with like"
                    ) from None
                if not truth:
                    return Constant(False)
            else:
                found.append(Compare(_OPERATORS[type(op)], left, right))
            left_node, left = right_node, right
        if not found:
            return Constant(True)
        return found[0] if len(found) == 1 else BoolOp("and", tuple(found))

    def _length(self, node: ast.AST) -> Any:
        """The list of which `node` is the length, where that is known only when the plan runs; None otherwise."""
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("len", "bool")
            and len(node.args) == 1
            and not node.keywords
            and self._expressions.calls.is_builtin(node.func.id)
        ):
            return None
        value = self._expressions.value(node.args[0])
        known = isinstance(value, Ref) and not value.path and value.task in self._expressions.builder.lengths
        return value if isinstance(value, (Ref, Var)) and not known else None

    def _emptiness(self, node: ast.Compare) -> Guard | None:
        """`len(x) > 0` and its like, which ask whether there is anything."""
        op, right = type(node.ops[0]), node.comparators[0]
        number = right.value if isinstance(right, ast.Constant) else None
        if isinstance(number, bool) or number not in (0, 1):
            return None
        some = {(ast.Gt, 0), (ast.NotEq, 0), (ast.GtE, 1)}
        none = {(ast.Eq, 0), (ast.LtE, 0), (ast.Lt, 1)}
        if (op, number) not in some | none:
            return None
        if not isinstance(node.left, ast.Call) or getattr(node.left.func, "id", "") != "len":
            return None
        found = self._length(node.left)
        if found is None:
            return None
        return Truth(found) if (op, number) in some else Not(Truth(found))


def negated(guard: Guard) -> Guard:
    """What holds where `guard` does not."""
    return guard.operand if isinstance(guard, Not) else Not(guard)


__all__ = ["Conditions", "Constant", "negated"]
