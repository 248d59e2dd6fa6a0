"""Which tools are one and the same tool, also in another process: for results that outlive a compiler. Runs no tool."""

from __future__ import annotations

import hashlib
import itertools
import types
import uuid
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from ..tools import Tool
from .canonical import NotCanonical, canonical, is_named

_known: WeakKeyDictionary[Tool, str] = WeakKeyDictionary()
_process = uuid.uuid4().hex
_numbers = itertools.count()


class _HasState(Exception):
    """The function depends on an object that can not be named."""


def identity(tool: Tool) -> str:
    """A text that two tools share only if they are the same function: also of two processes, also after a restart.

    Name, version, signature and code count, and the constants that a function defined inside another one refers to.
    A tool that carries state of its own (a bound method, a function inside another one that refers to an object) is
    like no other tool, and like none in another process.
    """
    found = _known.get(tool)
    if found is None:
        parts = [tool.name, tool.options.version, tool.signature]
        try:
            parts.append(repr(_name(tool.func, 0)))
        except (_HasState, NotCanonical, AttributeError, ValueError):  # ValueError: an empty cell
            parts.append(f"{_process}:{next(_numbers)}")
        found = _known[tool] = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return found


def _name(what: Any, depth: int) -> Any:
    if depth > 20:  # functions that refer to one another
        raise _HasState
    if isinstance(what, types.FunctionType):
        defaults = [*(what.__defaults__ or ()), *sorted((what.__kwdefaults__ or {}).items())]
        cells = [c.cell_contents for c in what.__closure__ or ()]
        inner = [_name(v, depth + 1) for v in (*defaults, *cells) if v is not what]
        if what.__module__ == "__main__" and what.__code__.co_filename.startswith("<"):
            raise _HasState  # typed at a prompt: what its globals are is not known
        # Scripts are all called `__main__`.
        module = what.__module__ if what.__module__ != "__main__" else what.__code__.co_filename
        return "function", module, what.__qualname__, _code(what.__code__), inner
    if isinstance(what, partial):
        inner = [_name(v, depth + 1) for v in (what.func, *what.args, *sorted(what.keywords.items()))]
        return "partial", inner
    if isinstance(what, types.ModuleType):
        return "module", what.__name__
    if isinstance(what, types.MethodType) and isinstance(what.__self__, type):
        return "method", _name(what.__self__, depth + 1), _name(what.__func__, depth + 1)
    if isinstance(what, (type, types.BuiltinFunctionType)):
        if not is_named(what):
            raise _HasState
        return "named", what.__module__, what.__qualname__
    if type(what) is tuple:
        return "tuple", [_name(v, depth + 1) for v in what]
    if type(what) in (str, bytes, int, float, bool, type(None)):
        return type(what).__name__, canonical(what).digest
    raise _HasState


def _code(code: types.CodeType) -> Any:
    constants = [_code(c) if isinstance(c, types.CodeType) else _constant(c) for c in code.co_consts]
    return code.co_name, code.co_code.hex(), constants, code.co_names, code.co_freevars


def _constant(constant: Any) -> Any:
    return repr(constant) if constant is Ellipsis else canonical(constant).digest
