"""Calls in a Python plan: of tools, which become tasks, and of methods of what is written in the plan."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmcompiler.values import Ref, Var

from .functions import Functions
from .names import BUILTINS, JOINS
from .source import Problem, unsupported

if TYPE_CHECKING:
    from .expressions import Expressions


class Calls:
    """Reads calls.

    Args:
        expressions: Reads the arguments.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._builder = expressions.builder
        self.functions = Functions(expressions)

    # -- what is called ----------------------------------------------------------

    def is_builtin(self, name: str) -> bool:
        """Whether a call of `name` is one of Python's own functions."""
        return name in BUILTINS and not self._is_tool(name) and name not in self._builder.scope

    def _is_tool(self, name: str) -> bool:
        return self._builder.names.tools is not None and self._builder.names.find(name) is not None

    def tool_of(self, func: ast.AST) -> str | None:
        """The tool that is called; None for a function of Python, a method, or something that is neither."""
        if isinstance(func, ast.Subscript) and isinstance(func.value, ast.Name) and func.value.id == "tools":
            key = func.slice
            return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
        spelled = dotted(func)
        if spelled is None:
            return None
        found = self._builder.names.find(spelled)
        root = spelled.partition(".")[0]
        if found is not None and (found == root or root not in self._builder.scope):
            return found
        if (
            root in self._builder.scope
            or root in BUILTINS
            or root in JOINS
            or root in ("asyncio", "math", "gather")
        ):
            return None
        return spelled  # whoever checks the plan says that there is none

    def call(self, node: ast.Call) -> Any:
        """The value of a call.

        Raises:
            Problem: It is outside of the subset.
            Fork: It depends on a branch.
        """
        func = node.func
        tool = self.tool_of(func)
        if tool is not None:
            return self._tool(tool, node)
        spelled = dotted(func)
        if spelled in ("asyncio.gather", "gather"):
            return self._gather(node)
        if spelled == "asyncio.run":
            return self._expressions.symbol(self.functions.one(node))
        if isinstance(func, ast.Name):
            if func.id in self._builder.scope:
                raise unsupported(
                    node, f"`{func.id}` is a value, and only tools can be called", "call a tool by its name"
                )
            return self.functions.call(func.id, node)
        if spelled is not None and spelled.startswith("math.") and "math" not in self._builder.scope:
            return self.functions.call(spelled.removeprefix("math."), node)
        if isinstance(func, ast.Attribute):
            return self._method(func, node)
        raise unsupported(func, "only tools can be called, by their names", "write `tool(argument)`")

    def _tool(self, tool: str, node: ast.Call) -> Any:
        hint, self._builder.hint = self._builder.hint, ""
        args: dict[str, Any] = {}
        nodes: dict[str, ast.AST] = {}

        def add(key: str, value: Any, where: ast.AST) -> None:
            if key in args:
                raise Problem("duplicate-argument", f"`{key}` is given twice", where, "give it once")
            args[key], nodes[key] = value, where

        for position, arg in enumerate(node.args):
            if isinstance(arg, ast.Starred):
                raise unsupported(arg, "`*` in the arguments of a tool", "write the arguments one by one")
            add(str(position), self._expressions.value(arg), arg)
        for keyword in node.keywords:
            value = self._expressions.value(keyword.value)
            if keyword.arg is not None:
                add(self._builder.names.parameter(tool, keyword.arg), value, keyword.value)
            elif isinstance(value, dict):
                for key, held in value.items():
                    add(key, held, keyword.value)
            else:
                raise unsupported(
                    keyword.value, "`**` can unfold a dict of the plan only", "name the arguments one by one"
                )
        self._builder.hint = hint
        return self._builder.emit(tool, args, node, head=node.func, nodes=nodes, nested=True)

    def _gather(self, node: ast.Call) -> Any:
        """`asyncio.gather(...)`: everything runs in parallel anyway."""
        if len(node.args) == 1 and isinstance(node.args[0], ast.Starred):
            return self._expressions.value(node.args[0].value)
        values: list[Any] = []
        for arg in node.args:
            value = self._expressions.value(arg.value if isinstance(arg, ast.Starred) else arg)
            if not isinstance(arg, ast.Starred):
                values.append(value)
            elif isinstance(value, list):
                values += value
            else:
                raise unsupported(arg, "a list known only later beside other values", "gather it by itself")
        return values

    # -- methods -------------------------------------------------------------------

    def _method(self, func: ast.Attribute, node: ast.Call) -> Any:
        base = self._expressions.value(func.value)
        name = func.attr
        if (
            isinstance(base, dict)
            and name in ("keys", "values", "items")
            and not node.args
            and not node.keywords
        ):
            return {
                "keys": list(base),
                "values": list(base.values()),
                "items": [[k, v] for k, v in base.items()],
            }[name]
        if isinstance(base, str) and name == "join":
            return self._joined(base, self.functions.known(self.functions.one(node), "join"))
        if isinstance(base, str) and name == "format":
            return self._formatted(base, node)
        if (
            isinstance(base, str)
            and name in ("lower", "upper", "strip", "title", "capitalize")
            and not node.args
        ):
            return getattr(base, name)()
        if isinstance(base, (Ref, Var)):
            owner = self._expressions.shown(func.value)
            hint = f'take a field of it, as `{owner}.{name}` or `{owner}["{name}"]`'
            if name == "get" and node.args and isinstance(node.args[0], ast.Constant):
                hint = f"write `{owner}[{node.args[0].value!r}]`"
            elif name in ("append", "extend"):
                hint = "collect in a list that is empty at first: `found = []`"
            raise unsupported(func, f"`.{name}(...)` is a method, and results are only data", hint)
        raise unsupported(
            func, f"the method `{name}` has no place in a plan", "write the value out, or call a tool"
        )

    def _joined(self, separator: str, items: Sequence[Any]) -> Any:
        from .expressions import joined

        parts: list[Any] = []
        for position, item in enumerate(items):
            parts += [separator] if position else []
            parts += self._expressions.text_parts(item)
        return joined(parts)

    def _formatted(self, text: str, node: ast.Call) -> Any:
        """`"{} and {name}".format(a, name=b)`, without formats and parts."""
        import string

        from .expressions import joined

        values: dict[str, Any] = {str(i): self._expressions.value(a) for i, a in enumerate(node.args)}
        values |= {k.arg: self._expressions.value(k.value) for k in node.keywords if k.arg is not None}
        parts: list[Any] = []
        position = 0
        hint = 'write an f-string, f"{name}"'
        try:
            pieces = list(string.Formatter().parse(text))
        except ValueError as e:
            raise unsupported(node, f"the text can not be formatted: {e}", hint) from None
        for before, name, spec, conversion in pieces:
            parts.append(before)
            if name is None:
                continue
            if name == "":
                name, position = str(position), position + 1
            if name not in values or spec or conversion:
                raise unsupported(node, f"`{{{name[:20]}}}` in `.format`", hint)
            parts += self._expressions.text_parts(values[name])
        return joined(parts)


def dotted(node: ast.AST) -> str | None:
    """`a.b.c` as text; None for anything but names joined by dots."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


__all__ = ["Calls", "dotted"]
