"""The functions of Python that mean something in a plan: of numbers, text and lists that are written in it.

What they say of results becomes a formula for a tool, or is refused. Nothing is executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llmcompiler.values import Ref, Var, is_literal

from . import folding
from .names import JOINS
from .source import Problem, unsupported
from .symbols import Condition, Formula

if TYPE_CHECKING:
    from .expressions import Expressions

_LONGEST_RANGE = 10_000
_COMPUTED = frozenset({"abs", "int", "max", "min", "round", "sum"}) | folding.MATH


class Functions:
    """Reads calls of Python's own functions.

    Args:
        expressions: Reads the arguments.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._builder = expressions.builder
        self._functions: dict[str, Callable[[ast.Call], Any]] = {
            "str": self._str,
            "len": self._len,
            "float": self._float,
            "list": self._sequence,
            "tuple": self._sequence,
            "dict": self._dict,
            "range": self._range,
            "enumerate": self._enumerate,
            "zip": self._zip,
            "reversed": self._arranged,
            "sorted": self._arranged,
            "any": self._quantified,
            "all": self._quantified,
            "bool": lambda node: self._expressions.conditions.symbol(self.one(node)),
        }

    def call(self, name: str, node: ast.Call) -> Any:
        """What a function of Python gives.

        Raises:
            Problem: It can not be used in a plan, or not so.
        """
        if name in JOINS or name == "print":
            raise unsupported(
                node, f"`{name}` has no value", f"write `{name}(...)` as a statement of its own"
            )
        function = self._functions.get(name)
        if function is not None:
            return function(node)
        if name in _COMPUTED:
            return self._computed(name, node)
        if name in ("map", "filter"):
            raise unsupported(node, f"`{name}` has no place in a plan", "write `[tool(x) for x in items]`")
        if name in (
            "eval",
            "exec",
            "compile",
            "open",
            "input",
            "getattr",
            "setattr",
            "globals",
            "vars",
            "type",
        ):
            raise unsupported(
                node, f"`{name}` has no place in a plan: nothing of it is executed", "call a tool"
            )
        raise unsupported(
            node,
            f"`{name}` is no tool, and no function of Python that can be used in a plan",
            "call a tool for it",
        )

    def _args(self, node: ast.Call, least: int, most: int) -> list[Any]:
        if node.keywords or not least <= len(node.args) <= most:
            raise unsupported(
                node, f"these arguments of `{self._expressions.shown(node.func)}`", "give it plain values"
            )
        return [self._expressions.symbol(a) for a in node.args]

    def one(self, node: ast.Call) -> ast.AST:
        """The only argument.

        Raises:
            Problem: There is none, or more than one.
        """
        if node.keywords or len(node.args) != 1:
            raise unsupported(
                node, f"these arguments of `{self._expressions.shown(node.func)}`", "give it one value"
            )
        return node.args[0]

    def _computed(self, name: str, node: ast.Call) -> Any:
        """A function of numbers: at once where all are written in the plan, else by a tool."""
        symbols = self._args(node, 1, 64)
        if not any(isinstance(s, (Formula, Condition)) for s in symbols) and is_literal(symbols):
            if name == "int" and isinstance(symbols[0], str):
                return self._number(int, symbols[0], node)
            try:
                return folding.function(name, symbols)
            except folding.NotFoldable as e:
                raise unsupported(
                    node, f"`{self._expressions.shown(node)}` has no value: {e}", "correct it"
                ) from None
        if len(symbols) == 1 and name in ("max", "min", "sum") and isinstance(symbols[0], list):
            if not symbols[0]:
                raise unsupported(node, f"`{name}` of nothing", "give it values")
            if len(symbols[0]) == 1 and name != "sum":
                return symbols[0][0]
            symbols = symbols[0] if name != "sum" else symbols
        return self._expressions.formulas.call(name, symbols, node)

    def _number(self, kind: type[int] | type[float], text: str, node: ast.AST) -> Any:
        try:
            return kind(text[:400])
        except ValueError:
            raise unsupported(node, f"{text[:40]!r} is no number", "write the number") from None

    def _float(self, node: ast.Call) -> Any:
        (symbol,) = self._args(node, 1, 1)
        if isinstance(symbol, (Ref, Var, Formula)):
            return symbol  # arithmetic takes the number as it is
        if isinstance(symbol, str):
            return folding.function("float", [self._number(float, symbol, node)])
        return self._fold("float", [symbol], node)

    def _fold(self, name: str, args: list[Any], node: ast.AST) -> Any:
        try:
            return folding.function(name, args)
        except folding.NotFoldable as e:
            raise unsupported(node, str(e), "write the value out") from None

    def _str(self, node: ast.Call) -> Any:
        from .expressions import joined

        return joined(self._expressions.text_parts(self._expressions.value(self.one(node))))

    def _len(self, node: ast.Call) -> Any:
        value = self._expressions.value(self.one(node))
        if isinstance(value, (list, dict, str)):
            return len(value)
        if isinstance(value, Ref) and not value.path and value.task in self._builder.lengths:
            return self._builder.lengths[value.task]
        raise unsupported(
            node,
            "the length of a result is known only when the plan runs",
            "let a tool count, or ask `if len(x) > 0`",
        )

    # -- lists -------------------------------------------------------------------

    def items(self, value: Any) -> list[Any] | None:
        """The items of a list of which the length is known; None for another."""
        if isinstance(value, list):
            return value
        if isinstance(value, dict):
            return list(value)
        if isinstance(value, str):
            return list(value)
        if isinstance(value, Ref) and not value.path and value.task in self._builder.lengths:
            return [Ref(value.task, (i,)) for i in range(self._builder.lengths[value.task])]
        return None

    def known(self, node: ast.AST, name: str) -> list[Any]:
        """The items of a list, for `name`.

        Raises:
            Problem: How many there are is known only when the plan runs.
        """
        found = self.items(self._expressions.value(node))
        if found is None:
            raise unsupported(
                node,
                f"`{name}` of a list that is known only when the plan runs",
                "go through the list itself: `[tool(x) for x in items]`",
            )
        return found

    def _sequence(self, node: ast.Call) -> Any:
        if not node.args and not node.keywords:
            return []
        value = self._expressions.value(self.one(node))
        return value if isinstance(value, (Ref, Var)) else self.known(self.one(node), "list")

    def _dict(self, node: ast.Call) -> Any:
        if node.args:
            raise unsupported(node, "`dict` of something", 'write the dict out, `{"key": value}`')
        return {k.arg: self._expressions.value(k.value) for k in node.keywords if k.arg is not None}

    def _range(self, node: ast.Call) -> list[Any]:
        ends = self._args(node, 1, 3)
        if any(isinstance(e, bool) or not isinstance(e, int) for e in ends) or (
            len(ends) == 3 and ends[2] == 0
        ):
            raise unsupported(
                node,
                "`range` of a number that is known only when the plan runs",
                "go through a list: `for x in items:`",
            )
        found = range(*ends)
        if abs(ends[-1]) > 10**9 or len(found) > _LONGEST_RANGE:
            raise Problem(
                "too-deep", f"a range of more than {_LONGEST_RANGE:,} numbers", node, "use a short one"
            )
        return list(found)

    def _enumerate(self, node: ast.Call) -> list[Any]:
        start = 0
        for keyword in node.keywords:
            start = self._expressions.value(keyword.value)
        if not node.args or len(node.args) > 2 or not isinstance(start, int):
            raise unsupported(node, "these arguments of `enumerate`", "give it a list")
        if len(node.args) == 2:
            start = self._expressions.value(node.args[1])
        return [[i, item] for i, item in enumerate(self.known(node.args[0], "enumerate"), start)]

    def _zip(self, node: ast.Call) -> list[Any]:
        lists = [self.known(a, "zip") for a in node.args]
        return [list(items) for items in zip(*lists, strict=False)]

    def _arranged(self, node: ast.Call) -> list[Any]:
        assert isinstance(node.func, ast.Name)
        found = self.known(self.one(node), node.func.id)
        if node.func.id == "reversed":
            return found[::-1]
        if not is_literal(found) or len({type(v) for v in found} - {int, float}) > 1:
            raise unsupported(node, "results can not be sorted before they are there", "let a tool sort them")
        return sorted(found) if all(isinstance(v, (str, int, float)) for v in found) else found

    def _quantified(self, node: ast.Call) -> Any:
        assert isinstance(node.func, ast.Name)
        arg = self.one(node)
        parts = arg.elts if isinstance(arg, (ast.List, ast.Tuple)) else None
        if not parts:
            raise unsupported(
                node, f"`{node.func.id}` of something else than a written list", "use `and`, `or`"
            )
        op: ast.boolop = ast.Or() if node.func.id == "any" else ast.And()
        whole = ast.BoolOp(op, list(parts)) if len(parts) > 1 else parts[0]
        return self._expressions.conditions.symbol(ast.copy_location(whole, node))


__all__ = ["Functions"]
