"""Statements of Python that no plan has, and names that statements assign. Nothing here makes tasks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from .source import Problem, unsupported

_HARMLESS = frozenset({"asyncio", "math", "typing", "__future__", "json", "statistics"})
EXITS = frozenset({"exit", "quit", "sys.exit", "os._exit", "os.abort"})
"""Functions of Python that end a program."""
_ENDING = re.compile(r"^\s*(?:return|raise|assert)\b|\b(?:exit|quit|abort)\(", re.MULTILINE)
_IMPORT = ("`import` has no place in a plan: nothing but tools can be called", "leave it out, and call tools")
_DEF = ("`def` makes a function, and only tools can be called", "write its statements at the margin")
_WITH = ("`with` has no place in a plan", "write the calls without it")

REFUSED: dict[type[ast.stmt], tuple[str, str]] = {
    ast.While: (
        "`while` repeats for a time nobody knows",
        "write a `for` over a list, or plan one step after another",
    ),
    ast.FunctionDef: _DEF,
    ast.AsyncFunctionDef: _DEF,
    ast.ClassDef: ("`class` has no place in a plan", "use plain values, lists and dicts"),
    ast.Try: (
        "`try` has no place in a plan: a call that fails stops only what needs it",
        "write the calls without it",
    ),
    ast.With: _WITH,
    ast.AsyncWith: _WITH,
    ast.AsyncFor: ("`async for` has no place in a plan", "write `for item in items:`"),
    ast.Delete: ("`del` has no place in a plan", "leave it out"),
    ast.Global: ("`global` has no place in a plan", "leave it out"),
    ast.Nonlocal: ("`nonlocal` has no place in a plan", "leave it out"),
    ast.Raise: ("`raise` has no place in a plan", "leave it out, or guard calls with `if`"),
    ast.Assert: ("`assert` has no place in a plan", "guard calls with `if`"),
    ast.Break: (
        "`break` has no place in a plan: every turn of a loop runs at once",
        "choose items with `if`",
    ),
    ast.Continue: ("`continue` has no place in a plan", "put the calls that are to be made into an `if`"),
    ast.Import: _IMPORT,
    ast.ImportFrom: _IMPORT,
    ast.Match: ("`match` has no place in a plan", "write `if` and `elif`"),
}
"""Why a statement is refused, and the way out."""


def refusal(node: ast.stmt) -> Problem:
    """The error for a statement that no plan has."""
    name = type(node).__name__
    message, hint = REFUSED.get(type(node), (f"`{name}` has no place in a plan", "write calls of tools"))
    return unsupported(node, message, hint)


def may_call(nodes: list[ast.stmt], text: str) -> bool:
    """Whether a statement that can not be run would have made a call, or assigned a value that others wait for."""
    refused = bool(nodes) and type(nodes[0]) in REFUSED
    return not refused and ("(" in text or "=" in text)


def may_end(nodes: Iterable[ast.AST], text: str) -> bool:
    """Whether a statement may end the program: what stands below it is not reached then."""
    if not nodes:
        return _ENDING.search(text) is not None
    return any(
        isinstance(n, (ast.Raise, ast.Assert, ast.Return))
        or (isinstance(n, ast.Call) and ast.unparse(n.func) in EXITS)
        for node in nodes
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        for n in ast.walk(node)
    )


def is_harmless(node: ast.AST) -> bool:
    """Whether it imports only what a plan does not need anyway."""
    if isinstance(node, ast.Import):
        return all(a.name in _HARMLESS for a in node.names)
    return isinstance(node, ast.ImportFrom) and node.module in _HARMLESS


def assigned(nodes: Iterable[ast.AST]) -> list[str]:
    """The names that statements assign or change, each once."""
    found: dict[str, None] = {}
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                found[inner.id] = None
            elif isinstance(inner, ast.Attribute) and inner.attr in ("append", "extend", "update"):
                if isinstance(inner.value, ast.Name):
                    found[inner.value.id] = None
            elif isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found[inner.name] = None
            elif isinstance(inner, ast.alias) and not isinstance(node, (ast.Import, ast.ImportFrom)):
                found[inner.asname or inner.name] = None
    return list(found)


def assigned_in(text: str) -> list[str]:
    """The name that the text of a statement assigns, as far as can be told without reading it."""
    name, sign, rest = text[:200].partition("=")
    name = name.partition(":")[0].strip()
    return [name] if sign and not rest.startswith("=") and name.isidentifier() else []


def stored(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that statements assign, without those of lists that they only add to."""
    return {
        n.id
        for node in nodes
        for n in ast.walk(node)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


__all__ = [
    "EXITS",
    "REFUSED",
    "assigned",
    "assigned_in",
    "is_harmless",
    "may_call",
    "may_end",
    "refusal",
    "stored",
]
