"""Expressions of a Python plan as values of the plan language; calls in them become tasks. Nothing is executed.

Statements are in `lowering`, what a call of a name means in `calls`, loops in comprehensions in `comprehensions`.
"""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Callable, Sequence
from typing import Any

from llmcompiler.guards import Guard
from llmcompiler.values import Ref, Template, Var

from . import folding
from .builder import Builder
from .calls import Calls
from .comprehensions import Comprehensions
from .conditions import Conditions, Constant
from .formulas import Formulas
from .source import Problem, unsupported
from .symbols import Condition, Fork, Formula, Site

_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lambda: (
        "`lambda` makes a function, and only tools can be called",
        "call a tool for each item in a `for`",
    ),
    ast.NamedExpr: ("`:=` has no place in a plan", "assign it in a statement of its own, `name = ...`"),
    ast.Starred: ("`*` has no place here", "write the values one by one"),
    ast.Set: ("a set has no order and no place in a plan", "write a list, `[...]`"),
    ast.SetComp: ("a set has no order and no place in a plan", "write a list, `[tool(x) for x in items]`"),
    ast.Yield: ("`yield` has no place in a plan", "assign the value to a variable"),
    ast.YieldFrom: ("`yield` has no place in a plan", "assign the value to a variable"),
    ast.Slice: (
        "a slice of a result can not be taken",
        "take single items, as `r[0]`, or let a tool cut the list",
    ),
}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
_SUGGESTIONS = 50


class Expressions:
    """Reads expressions.

    Args:
        builder: Takes the tasks.
    """

    def __init__(self, builder: Builder, calculators: Sequence[tuple[str, str]]) -> None:
        self.builder = builder
        self.formulas = Formulas(self, calculators)
        self.conditions = Conditions(self)
        self.calls = Calls(self)
        self.comprehensions = Comprehensions(self)
        self._suggested = 0
        self._read: dict[type[ast.AST], Callable[[Any], Any]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.List: self._list,
            ast.Tuple: self._list,
            ast.Dict: self._dict,
            ast.JoinedStr: self._fstring,
            ast.BinOp: self.formulas.binary,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self.conditions.symbol,
            ast.Compare: self.conditions.symbol,
            ast.IfExp: self._either,
            ast.Await: lambda node: self.symbol(node.value),
            ast.Call: self.calls.call,
            ast.ListComp: self.comprehensions.listed,
            ast.GeneratorExp: self.comprehensions.listed,
            ast.DictComp: self.comprehensions.keyed,
        }

    # -- entry -----------------------------------------------------------------

    def symbol(self, node: ast.AST) -> Any:
        """What the expression stands for: a value, a condition or a formula.

        Raises:
            Problem: It is outside of the subset.
            Fork: It depends on a branch.
        """
        read = self._read.get(type(node))
        if read is None:
            message, hint = _REFUSED.get(
                type(node),
                (f"`{self.shown(node)}` has no place in a plan", "write calls of tools and plain values"),
            )
            raise unsupported(node, message, hint)
        return read(node)

    def value(self, node: ast.AST) -> Any:
        """The value of the expression, in the plan language; what has to be computed becomes a task.

        Raises:
            Problem: It is outside of the subset.
            Fork: It depends on a branch.
        """
        return self.realise(self.symbol(node), node)

    def realise(self, symbol: Any, node: ast.AST) -> Any:
        """The value of a symbol.

        Raises:
            Problem: It has none.
        """
        if isinstance(symbol, Formula):
            return self.formulas.compute(symbol, node)
        if isinstance(symbol, Condition):
            raise unsupported(
                node,
                "a comparison of results has no value that can be passed on",
                "put it into an `if` before a call, or let a tool compare",
            )
        return symbol

    def shown(self, node: ast.AST) -> str:
        """The text of a node, for messages."""
        row, column = getattr(node, "lineno", None), getattr(node, "end_col_offset", None)
        if row is None or column is None:
            return type(node).__name__
        statement = self.builder.statement
        start = statement.offset(row, node.col_offset)  # type: ignore[attr-defined]
        end = statement.offset(node.end_lineno, column)  # type: ignore[attr-defined]
        text = " ".join(statement.text[start : min(end, start + 200)].split())
        return text if len(text) <= 60 else text[:57] + "..."

    def suggest(self, name: str) -> str:
        """A hint with names like `name`."""
        self._suggested += 1
        if self._suggested > _SUGGESTIONS:  # a text full of them says nothing more
            return "assign it before it is used"
        names = [*list(self.builder.scope)[-50:], *self.builder.names.near()]
        near = difflib.get_close_matches(name, names, 2)
        return f"did you mean `{'` or `'.join(near)}`?" if near else "assign it before it is used"

    # -- leaves ----------------------------------------------------------------

    def _constant(self, node: ast.Constant) -> Any:
        value = node.value
        if isinstance(value, float) and not math.isfinite(value):
            raise Problem("bad-literal", "a number that is too large", node, "use a finite number")
        if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > folding.MAX_BITS:
            raise Problem("bad-literal", "a number with too many digits", node, "use text for it")
        if isinstance(value, str) or value is None or isinstance(value, (bool, int, float)):
            return value
        kind = "`...`" if value is ... else f"a value of type {type(value).__name__}"
        raise Problem(
            "bad-literal", f"{kind} can not be passed on in a plan", node, "use text, numbers, lists, dicts"
        )

    def _name(self, node: ast.Name) -> Any:
        name = node.id
        if name in self.builder.scope:
            return self.builder.read(name, node)
        if self.builder.names.tools is not None and self.builder.names.find(name) is not None:
            raise unsupported(node, f"`{name}` is a tool: it has to be called", f"write `{name}(...)`")
        if name in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[name]
        raise Problem("unknown-reference", f"there is no variable `{name}`", node, self.suggest(name))

    # -- parts of results --------------------------------------------------------

    def _attribute(self, node: ast.Attribute) -> Any:
        if isinstance(node.value, ast.Name) and node.value.id == "math" and "math" not in self.builder.scope:
            if node.attr in _CONSTANTS:
                return _CONSTANTS[node.attr]
            raise unsupported(node, f"`math.{node.attr}` is no value", "call it, as `math.sqrt(x)`")
        base = self.value(node.value)
        if node.attr.startswith("_"):
            raise Problem(
                "bad-reference",
                f"`{node.attr}` is no data of a result: names that begin with `_` can not be reached",
                node,
                "take a field that the result type shows",
            )
        if isinstance(base, (Ref, Var)):
            return self.step(base, node.attr)
        hint = (
            f'write `{self.shown(node.value)}["{node.attr}"]`'
            if isinstance(base, dict)
            else "use it as it is"
        )
        raise unsupported(node, f"`.{node.attr}` can be taken of results only", hint)

    def step(self, base: Ref | Var, step: str | int) -> Ref | Var:
        """A part of a result or an item."""
        path = (*base.path, step)
        return Ref(base.task, path) if isinstance(base, Ref) else Var(base.name, path)

    def _subscript(self, node: ast.Subscript) -> Any:
        base = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            return self._cut(node, base)
        key = self.value(node.slice)
        if isinstance(key, bool) or not isinstance(key, (int, str)):
            raise Problem(
                "bad-reference",
                "only a number or a text that is written in the plan can stand in `[...]`",
                node.slice,
                'write `r[0]` or `r["key"]`, or let a tool look it up',
            )
        if isinstance(base, (Ref, Var)):
            if isinstance(key, int) and abs(key) > 10**9:
                raise Problem(
                    "bad-reference", "the position is too large", node.slice, "take an item that is there"
                )
            return self.step(base, key)
        if isinstance(base, (list, dict)):
            try:
                return base[key]  # type: ignore[index]
            except (KeyError, IndexError, TypeError):
                raise Problem(
                    "unknown-field", f"`{self.shown(node)}` is not there", node, "take what was put in"
                ) from None
        raise unsupported(
            node, "`[...]` can be taken of results, lists and dicts only", "use the value as it is"
        )

    def _cut(self, node: ast.Subscript, base: Any) -> Any:
        assert isinstance(node.slice, ast.Slice)
        if not isinstance(base, (list, str)):
            message, hint = _REFUSED[ast.Slice]
            raise unsupported(node, message, hint)
        ends = [
            None if n is None else self.value(n)
            for n in (node.slice.lower, node.slice.upper, node.slice.step)
        ]
        if any(not isinstance(e, (int, type(None))) for e in ends) or ends[2] == 0:
            raise unsupported(node.slice, "a slice needs numbers", "write them in the plan")
        return base[slice(*ends)]

    # -- collections -------------------------------------------------------------

    def _list(self, node: ast.List | ast.Tuple) -> list[Any]:
        return [self.value(item) for item in node.elts]

    def _dict(self, node: ast.Dict) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.value(value_node)
            if key_node is None:
                if not isinstance(value, dict):
                    raise unsupported(
                        value_node, "`**` can unfold a dict of the plan only", "name its fields"
                    )
                out.update(value)
                continue
            out[self.key(key_node)] = value
        return out

    def key(self, node: ast.AST) -> str:
        """A key of a dict."""
        key = self.value(node)
        if not isinstance(key, str):
            raise Problem("bad-literal", "keys of a dict are texts", node, "write the key in quotes")
        return key

    # -- text ----------------------------------------------------------------------

    def _fstring(self, node: ast.JoinedStr) -> Any:
        parts: list[Any] = []
        held = False
        for item in node.values:
            if isinstance(item, ast.FormattedValue):
                found = self._interpolated(item)
                parts += found
                held = held or any(not isinstance(p, str) for p in found)
            else:
                parts.append(self.value(item))
        return joined(parts)

    def _interpolated(self, node: ast.FormattedValue) -> list[Any]:
        spec = ""
        if node.format_spec is not None:
            found = self.value(node.format_spec)
            if not isinstance(found, str):
                raise unsupported(
                    node.format_spec, "a format that is made of results", "write the format out"
                )
            spec = found
        symbol = self.symbol(node.value)
        if isinstance(symbol, (Ref, Var, Formula)) and spec:
            return [self._rounded(symbol, spec, node)]
        value = self.realise(symbol, node.value)
        if isinstance(value, (Ref, Var, Template)) or not spec:
            return self.text_parts(value)
        try:
            return [folding.formatted(value, spec)]
        except folding.NotFoldable as e:
            raise unsupported(node, f"{e} can not be applied", "write the text as it should be") from None

    def _rounded(self, symbol: Ref | Var | Formula, spec: str, node: ast.FormattedValue) -> Any:
        """A number with so many digits: rounded by a calculator where there is one, else as it is."""
        digits = folding.rounding(spec)
        if digits is None or not self.formulas.calculators:
            return self.realise(symbol, node.value)
        return self.formulas.compute(self.formulas.call("round", [symbol, digits], node), node)

    def text_parts(self, value: Any) -> list[Any]:
        """What the text of a value is made of."""
        if isinstance(value, Template):
            return list(value.parts)
        if isinstance(value, (Ref, Var)):
            return [value]
        if not isinstance(value, (list, dict)):
            return [str(value)]
        parts: list[Any] = []
        if isinstance(value, list):
            for item in value:
                parts += [", " if parts else "[", *self._inner(item)]
            return [*(parts or ["["]), "]"]
        for key, item in value.items():
            parts += [", " if parts else "{", f'"{key}": ', *self._inner(item)]
        return [*(parts or ["{"]), "}"]

    def _inner(self, item: Any) -> list[Any]:
        return [f'"{item}"'] if isinstance(item, str) else self.text_parts(item)

    # -- operators -------------------------------------------------------------

    def _unary(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return self.conditions.symbol(node)
        return self.formulas.unary(node)

    def _either(self, node: ast.IfExp) -> Any:
        """A value that depends on a condition: the statement is read once for each case."""
        builder = self.builder
        before = len(builder.tasks)
        found = self.conditions.guard(node.test)
        if isinstance(found, Constant):
            return self.symbol(node.body if found.truth else node.orelse)
        if len(builder.tasks) > before:
            raise unsupported(
                node.test,
                "a call inside the condition of `... if ... else ...`",
                "make the call in a statement before",
            )
        if builder.loop is not None and builder.loop.comprehension:
            raise unsupported(
                node,
                "a choice for each item of a comprehension",
                "write a `for` loop with `if` and `else` in it",
            )
        return self._chosen(node, found)

    def _chosen(self, node: ast.IfExp, guard: Guard) -> Any:
        key = (id(node), repr(guard))
        for turn in self.builder.turns:
            if turn.site.key == key:
                return self.symbol(node.orelse if turn.index else node.body)
        raise Fork(Site(key, (self.conditions.both(guard))), (0, 1))


def joined(parts: Sequence[Any]) -> Any:
    """Text and references as a template in its normal form; a text where there is no reference."""
    out: list[Any] = []
    for part in parts:
        if not isinstance(part, str):
            out.append(part)
        elif out and isinstance(out[-1], list):
            out[-1].append(part)
        elif part:
            out.append([part])
    done = ["".join(p) if isinstance(p, list) else p for p in out]
    if not done:
        return ""
    return done[0] if len(done) == 1 and isinstance(done[0], str) else Template(tuple(done))


__all__ = ["Expressions", "joined"]
