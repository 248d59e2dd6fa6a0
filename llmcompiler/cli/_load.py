"""Things the user names: `module:attr` or `path/to/file.py:attr`, imported, and what tools are in them.

A mistake in the name or in the user's module is a `ConfigurationError` that shows their file and line, not ours.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import linecache
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

from ..errors import ConfigurationError, LLMCompilerError, ToolDefinitionError
from ..tools import Tool, tool_from_function

_ATTRIBUTE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z")
PYTHON = "python:"


def load(reference: str) -> Any:
    """The object that `module:attr`, `file.py:attr`, `module` or `file.py` names.

    Raises:
        ConfigurationError: There is no such module or attribute, or importing it fails.
    """
    head, colon, attribute = reference.rpartition(":")
    if not colon or not head or not _ATTRIBUTE.match(attribute):
        head, attribute = reference, ""
    if not head.strip():
        raise ConfigurationError(f"{reference!r} names nothing: give module:attr or path/to/file.py:attr")
    is_file = head.endswith(".py") or os.sep in head or "/" in head
    module = _import_file(Path(head)) if is_file else _import_module(head)
    return _attribute(module, attribute, head) if attribute else module


def _import_file(path: Path) -> ModuleType:
    path = path.expanduser()
    if not path.is_file():
        near = _near(path.name, [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else [])
        raise ConfigurationError(f"no such file: {path}{near}")
    path = path.resolve()
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == str(path):
            return module
    name = (
        path.stem
        if path.stem.isidentifier() and path.stem not in sys.modules
        else f"_file_{len(sys.modules)}"
    )
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path}: not a Python file")
    # As with `python file.py`: modules beside it can be imported.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        _guarded(str(path), lambda: spec.loader.exec_module(module))  # type: ignore[union-attr]
    except _Missing as e:
        sys.modules.pop(name, None)
        raise ConfigurationError(f"{e.place}needs the module `{e.name}`, which is not installed") from None
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _import_module(name: str) -> ModuleType:
    here = _current_folder()
    if "" not in sys.path and here and here not in sys.path:
        sys.path.insert(0, here)
    if not _ATTRIBUTE.match(name):
        raise ConfigurationError(
            f"{name!r} is not the name of a module: give module:attr or path/to/file.py:attr"
        )
    try:
        found = _guarded(name, lambda: importlib.import_module(name))
    except _Missing as e:
        if name != e.name and not name.startswith(f"{e.name}."):
            raise ConfigurationError(
                f"{name}: {e.place}needs the module `{e.name}`, which is not installed"
            ) from None
        parent, _, last = name.rpartition(".")
        if parent and e.name == name:
            names = [m.name for m in pkgutil.iter_modules(getattr(sys.modules.get(parent), "__path__", []))]
        else:
            names, last = (
                [m.name for m in pkgutil.iter_modules([here])] if here else [],
                name.partition(".")[0],
            )
        raise ConfigurationError(
            f"no module named `{e.name}`{_near(last, names)}; modules are looked for in the current folder and in "
            f"this Python ({sys.executable}), and a file can be named by its path: path/to/file.py:attr"
        ) from None
    assert isinstance(found, ModuleType)
    return found


def _current_folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # deleted meanwhile
        return ""


class _Missing(Exception):
    def __init__(self, name: str, place: str) -> None:
        self.name = name
        self.place = place


def _guarded(name: str, action: Callable[[], Any]) -> Any:
    """`action`, with what the user's code raises told as one error that shows their line."""
    try:
        return action()
    except SyntaxError as e:
        line = (e.text or "").rstrip()
        source = f"\n    {line.strip()}" if line else ""
        raise ConfigurationError(
            f"{e.filename or name}:{e.lineno or 0}: {type(e).__name__}: {e.msg}{source}"
        ) from None
    except ModuleNotFoundError as e:
        raise _Missing(e.name or "", _place(e)) from None
    except SystemExit:
        raise ConfigurationError(
            f'{name}: exits while being imported; guard it with if __name__ == "__main__":'
        ) from None
    except LLMCompilerError as e:
        raise ConfigurationError(f"{_place(e)}{e}") from None
    except Exception as e:  # importing runs the user's code, which may raise anything
        raise ConfigurationError(f"{_place(e) or name + ': '}{type(e).__name__}: {e}{_source(e)}") from None


def _frame(error: BaseException) -> traceback.FrameSummary | None:
    """The last line of the user's own code: neither ours nor the import machinery's."""
    ours = str(Path(__file__).resolve().parents[1])
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [f for f in frames if not f.filename.startswith(("<", ours)) and "importlib" not in f.filename]
    return theirs[-1] if theirs else None


def _place(error: BaseException) -> str:
    frame = _frame(error)
    return f"{frame.filename}:{frame.lineno}: " if frame else ""


def _source(error: BaseException) -> str:
    frame = _frame(error)
    line = linecache.getline(frame.filename, frame.lineno or 0).strip() if frame else ""
    return f"\n    {line}" if line else ""


def _near(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=3, cutoff=0.6)
    return f" (did you mean {' or '.join(f'`{c}`' for c in close)}?)" if close else ""


def _attribute(module: ModuleType, path: str, head: str) -> Any:
    found: Any = module
    for step in path.split("."):
        try:
            found = getattr(found, step)
        except AttributeError:
            names = [n for n in dir(found) if not n.startswith("_")]
            near = _near(step, names)
            tools = [n for n, v in vars(module).items() if isinstance(v, Tool)]
            has = f"; its tools: {', '.join(tools[:12])}" if tools and not near else ""
            raise ConfigurationError(f"`{head}` has no `{path}`{near}{has}") from None
    return found


# -- tools -------------------------------------------------------------------------


def load_tools(references: Sequence[str]) -> list[Tool]:
    """The tools of every reference, each once, in order.

    Raises:
        ConfigurationError: A reference names nothing, or nothing that is a tool.
    """
    out: dict[int, Tool] = {}
    for reference in references:
        for tool in tools_of(load(reference), reference):
            out.setdefault(id(tool), tool)
    names: dict[str, Tool] = {}
    for tool in out.values():
        if tool.name in names:
            raise ConfigurationError(
                f"--tools: two tools are named `{tool.name}`; give one of them another name="
            )
        names[tool.name] = tool
    return list(out.values())


def tools_of(found: Any, reference: str) -> list[Tool]:
    """The tools that an object is or holds: a tool, a function, a list, a dict or a module of these.

    Raises:
        ConfigurationError: None, or something that is no tool.
    """
    if isinstance(found, ModuleType):
        return _tools_of_module(found, reference)
    if isinstance(found, Mapping):
        items: list[Any] = list(found.values())
    elif isinstance(found, (Tool, FunctionType, MethodType)):
        return [_as_tool(found, reference)]
    elif isinstance(found, Iterable) and not isinstance(found, (str, bytes, type)):
        items = list(found)
    else:
        raise ConfigurationError(
            f"--tools {reference}: a `{type(found).__name__}` is not a tool; name a function, a Tool, or a list of them"
        )
    if not items:
        raise ConfigurationError(f"--tools {reference}: holds no tools")
    return [_as_tool(item, reference) for item in items]


def _tools_of_module(module: ModuleType, reference: str) -> list[Tool]:
    listed = vars(module).get("tools")
    if listed is not None and not isinstance(listed, ModuleType):
        return tools_of(listed, f"{reference}:tools")
    # `__all__` too: a package may load what it exports only when asked.
    exported = [
        n for n in dict.fromkeys([*vars(module), *vars(module).get("__all__", ())]) if isinstance(n, str)
    ]
    found = _guarded(reference, lambda: [getattr(module, n, None) for n in exported])
    tools = list({id(v): v for v in found if isinstance(v, Tool)}.values())
    if not tools:
        own = [
            n for n, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__
        ]
        functions = [n for n in own if not n.startswith("_")][:5]
        way = f"name one, as in {reference}:{functions[0]}, or d" if functions else "d"
        raise ConfigurationError(f"--tools {reference}: no tools in it; {way}ecorate functions with @tool")
    return tools


def _as_tool(item: Any, reference: str) -> Tool:
    if isinstance(item, Tool):
        return item
    if not callable(item):
        raise ConfigurationError(f"--tools {reference}: {item!r:.80} is neither a tool nor a function")
    try:
        return tool_from_function(item)
    except ToolDefinitionError as e:
        raise ConfigurationError(f"--tools {reference}: {e}") from None


def load_part(text: str, option: str, method: str) -> Any:
    """The object that `python:module:attr` names; a function or class is called to get it.

    Raises:
        ConfigurationError: There is none, or it has no `method`.
    """
    reference = text.removeprefix(PYTHON)
    found = load(reference)
    if isinstance(found, (type, FunctionType)):
        found = _guarded(reference, found)
    if not callable(getattr(found, method, None)):
        raise ConfigurationError(f"{option} {text}: a `{type(found).__name__}` has no method `{method}`")
    return found
