"""Arithmetic on results, which a tool has to compute, and text put together with `+`. Nothing is computed here."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmcompiler.declared import DeclaredTypes
from llmcompiler.schemas import sorts
from llmcompiler.tools import Tool, ToolRegistry
from llmcompiler.values import Ref, Template, Var, is_literal

from ..phrases import is_formula
from . import folding
from .source import Problem, unsupported
from .symbols import Condition, Formula

if TYPE_CHECKING:
    from .expressions import Expressions

_ADD, _MULTIPLY, _UNARY, _POWER, _ATOM = 1, 2, 3, 4, 5
_OPERATORS: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", _ADD),
    ast.Sub: ("-", _ADD),
    ast.Mult: ("*", _MULTIPLY),
    ast.Div: ("/", _MULTIPLY),
    ast.FloorDiv: ("//", _MULTIPLY),
    ast.Mod: ("%", _MULTIPLY),
    ast.Pow: ("**", _POWER),
}
MAX_PARTS = 1_000
"""Numbers and references in one formula."""


def calculators(tools: Sequence[Tool]) -> list[tuple[str, str]]:
    """The tools that compute a formula, with the parameter that takes it; those for nothing else first."""
    found = []
    for tool in tools:
        formulas = [p for p in tool.params.values() if is_formula(p.name) and p.takes_text]
        others = [p for p in tool.params.values() if p.required and p not in formulas]
        if len(formulas) == 1 and not others and tool.effect != "write":
            found.append((tool.effect != "pure", tool.name, formulas[0].name))
    return [(name, parameter) for _, name, parameter in sorted(found, key=lambda f: f[0])]


class Formulas:
    """Reads arithmetic.

    Args:
        expressions: Reads the operands.
        calculators: Tools that compute formulas, best first, with the parameter for it.
    """

    def __init__(self, expressions: Expressions, calculators: Sequence[tuple[str, str]]) -> None:
        self._expressions = expressions
        self.calculators = calculators
        builder = expressions.builder
        tools = builder.names.tools
        registry = tools if isinstance(tools, ToolRegistry) else None
        self._types = DeclaredTypes(registry, builder.known)

    # -- operators -------------------------------------------------------------

    def binary(self, node: ast.BinOp) -> Any:
        """`left op right`.

        Raises:
            Problem: There is no such value.
        """
        left, right = self._expressions.symbol(node.left), self._expressions.symbol(node.right)
        return self.operate(node.op, left, right, node)

    def operate(self, op: ast.operator, left: Any, right: Any, node: ast.AST) -> Any:
        """An operator between two symbols."""
        for symbol in (left, right):
            if isinstance(symbol, Condition):
                raise unsupported(node, "arithmetic with a comparison", "compute with numbers")
        if isinstance(op, ast.Add) and (self._is_text(left) or self._is_text(right)):
            return self._concatenated(left, right, node)
        if isinstance(left, list) and isinstance(right, list) and isinstance(op, ast.Add):
            return left + right
        if not isinstance(left, Formula) and not isinstance(right, Formula) and is_literal([left, right]):
            try:
                return folding.binary(op, left, right)
            except folding.NotFoldable as e:
                raise unsupported(
                    node, f"`{self._expressions.shown(node)}` has no value: {e}", "correct it"
                ) from None
        if isinstance(op, ast.Add) and left == 0 and folding.is_number(left):
            return right  # where a sum begins
        if isinstance(left, str) and isinstance(op, ast.Mod):
            raise unsupported(node, "text can not be formatted with `%`", 'write an f-string, f"{name}"')
        found = _OPERATORS.get(type(op))
        if found is None:
            raise unsupported(
                node, "an operator on bits or matrices has no place in a plan", "let a tool do it"
            )
        sign, level = found
        # `**` groups to the right, and binds its left side closer than a sign that a result may bring along.
        first = self._operand(left, level + (level == _POWER), node, base=level == _POWER)
        second = self._operand(right, level + (level != _POWER) - (level == _POWER), node)
        return self._made((*first, f" {sign} ", *second), level, node)

    def unary(self, node: ast.UnaryOp) -> Any:
        """`-x` and `+x`."""
        symbol = self._expressions.symbol(node.operand)
        if not isinstance(node.op, (ast.USub, ast.UAdd)):
            raise unsupported(node, "an operator on bits has no place in a plan", "let a tool do it")
        if folding.is_number(symbol):
            return -symbol if isinstance(node.op, ast.USub) else symbol
        if isinstance(symbol, bool):
            return -int(symbol) if isinstance(node.op, ast.USub) else int(symbol)
        if isinstance(node.op, ast.UAdd):
            return symbol
        return self._made(("-", *self._operand(symbol, _UNARY, node)), _UNARY, node)

    def call(self, name: str, args: Sequence[Any], node: ast.AST) -> Formula:
        """A function of numbers, as in `round(x, 2)`."""
        parts: list[Any] = [name, "("]
        for position, symbol in enumerate(args):
            parts += [", "] if position else []
            parts += self._listed(symbol, node)
        return self._made((*parts, ")"), _ATOM, node)

    def _listed(self, symbol: Any, node: ast.AST) -> Sequence[Any]:
        if not isinstance(symbol, list):
            return self._operand(symbol, 0, node)
        parts: list[Any] = ["["]
        for position, item in enumerate(symbol):
            parts += [", "] if position else []
            parts += self._operand(item, 0, node)
        return [*parts, "]"]

    def _operand(self, symbol: Any, level: int, node: ast.AST, *, base: bool = False) -> Sequence[Any]:
        if isinstance(symbol, Formula):
            return ("(", *symbol.parts, ")") if symbol.level < level else symbol.parts
        if isinstance(symbol, (Ref, Var)):
            self._check_number(symbol, level, node)
            return ("(", symbol, ")") if base else (symbol,)
        if isinstance(symbol, (int, float)):
            text = str(symbol)
            return (f"({text})",) if text.startswith("-") and level > 0 else (text,)
        kind = (
            "text" if isinstance(symbol, (str, Template)) else "lists" if isinstance(symbol, list) else "this"
        )
        raise unsupported(node, f"there is no arithmetic with {kind}", "compute with numbers")

    def _check_number(self, ref: Ref | Var, level: int, node: ast.AST) -> None:
        """Refuse what is declared to be no number; a list may stand in a function, as in `sum(xs)`."""
        if not isinstance(ref, Ref):
            return
        declared = self._types.of(ref)
        found = set() if declared.schema is None else sorts(declared.schema, declared.defs)
        if found == {"record"} or (found == {"list"} and level > 0):
            assert declared.schema is not None
            fields = ", ".join(list(declared.schema.get("properties", ()))[:12])
            hint = f"take a field of it: {fields}" if fields else "take an item or a field of it"
            raise Problem("wrong-type", f"there is no arithmetic with a {next(iter(found))}", node, hint)

    def _made(self, parts: tuple[Any, ...], level: int, node: ast.AST) -> Formula:
        if len(parts) > MAX_PARTS:
            raise Problem("too-deep", "a formula with too many parts", node, "compute it in several steps")
        merged: list[Any] = []
        for part in parts:
            if isinstance(part, str) and merged and isinstance(merged[-1], str):
                merged[-1] += part
            else:
                merged.append(part)
        return Formula(tuple(merged), level)

    # -- text --------------------------------------------------------------------

    def _is_text(self, symbol: Any) -> bool:
        if isinstance(symbol, (str, Template)):
            return True
        if not isinstance(symbol, Ref):
            return False
        declared = self._types.of(symbol)
        return declared.schema is not None and sorts(declared.schema, declared.defs) == {"text"}

    def _concatenated(self, left: Any, right: Any, node: ast.AST) -> Any:
        from .expressions import joined

        parts: list[Any] = []
        for symbol in (left, right):
            value = self._expressions.realise(symbol, node)
            if not isinstance(value, (str, Template, Ref, Var)):
                raise unsupported(
                    node,
                    "`+` between text and something that is none",
                    'write an f-string, f"{name} and {other}"',
                )
            parts += self._expressions.text_parts(value)
        return joined(parts)

    # -- tasks -------------------------------------------------------------------

    def compute(self, formula: Formula, node: ast.AST) -> Ref | Var:
        """A call that computes the formula.

        Raises:
            Problem: No tool does.
        """
        if not self.calculators:
            raise unsupported(
                node,
                f"`{self._expressions.shown(node)}` has to be computed from results, and no tool takes a formula",
                "return the values without computing, or use a tool that gives what is needed; the missing one "
                "would be like `calculate(expression: str)`",
            )
        tool, parameter = self.calculators[0]
        text: Any = Template(formula.parts)
        if all(isinstance(p, str) for p in formula.parts):
            text = "".join(p for p in formula.parts if isinstance(p, str))
        return self._expressions.builder.emit(
            tool, {parameter: text}, node, nodes={parameter: node}, nested=True
        )


__all__ = ["Formulas", "calculators"]
