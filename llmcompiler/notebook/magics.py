"""`%%llmcompile` and `%llmcompiler`: a question in a cell, with tools from the notebook. No display is made here."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import FunctionType
from typing import Any, NoReturn

from ..compiler import LLMCompiler
from ..errors import LLMCompilerError, UsageError
from ..result import RunResult
from ..settings import checked_planner_name
from ..terminal._text import harmless
from ..tools import Tool, ToolRegistry
from .cells import SETTINGS, live
from .displays import error_text

CELL_HELP = """Answer the question in the cell: plan it, run the plan with tools of this notebook, show the answer.

    %%llmcompile [--tools NAME ...] [--model MODEL] [--planner NAME] [--name VARIABLE] [--plan] [--quiet]
    How many people live in the two largest cities of Norway together?

Options:
    --tools NAME ...   variables that hold tools: a function, a @tool, a list, dict or registry of them, or an
                       LLMCompiler, which then answers; by default every @tool of the notebook
    --model MODEL      as in LLMCompiler(model=...): "provider:name", or a variable that holds a model
    --planner NAME     as in LLMCompiler(planner=...): a name, or a variable that holds a planner
    --name VARIABLE    variable that gets the result (default: result); of a run that fails, what it has done
    --plan             plan only; the variable gets the plan
    --quiet            no live view

A cell stands in the way of `await`: the run has an event loop of its own, in a thread. Tools that belong to the event
loop of the notebook are used with `await compiler.run(...)`.
"""

LINE_HELP = """Settings of %%llmcompile and of live views.

    %llmcompiler                     what is set
    %llmcompiler live on|off         live views of runs
    %llmcompiler model MODEL|default
    %llmcompiler planner NAME|default
    %llmcompiler tools NAME ...|default
    %llmcompiler help
"""


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext llmcompiler`: add `%%llmcompile` and `%llmcompiler` to an IPython shell."""
    magics = Magics(shell)

    def llmcompile(line: str, cell: str) -> Any:
        return magics.cell(line, cell)

    def llmcompiler(line: str) -> Any:
        return magics.line(line)

    llmcompile.__doc__, llmcompiler.__doc__ = CELL_HELP, LINE_HELP
    shell.register_magic_function(llmcompile, "cell", "llmcompile")
    shell.register_magic_function(llmcompiler, "line", "llmcompiler")


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext llmcompiler`: take the magics away again."""
    for kind, name in (("cell", "llmcompile"), ("line", "llmcompiler")):
        shell.magics_manager.magics[kind].pop(name, None)


class Magics:
    """The magics of one shell, and what was set for them."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.model: str | None = None
        self.planner: str | None = None
        self.tools: list[str] = []

    # -- %%llmcompile --------------------------------------------------------------------

    def cell(self, line: str, cell: str) -> Any:
        """Run the question in a cell; its result is what the cell shows."""
        options = _options(line)
        if options is None:
            print(CELL_HELP)  # noqa: T201 - it was asked for
            return None
        question = cell.strip()
        try:
            if not question:
                raise UsageError("there is no question: write it below the line with %%llmcompile")
            compiler = self._compiler(options)
            if options.plan:
                made: Any = compiler.plan_sync(question)
            else:
                made = compiler.run_sync(question)
        except Exception as e:  # also of a model of the user's: what was done is not lost
            done = getattr(e, "result", None)
            if isinstance(done, RunResult):
                self.shell.push({options.name: done})
            if isinstance(e, LLMCompilerError):
                _short(e)
            raise
        self.shell.push({options.name: made})
        return made

    def _compiler(self, options: argparse.Namespace) -> LLMCompiler:
        names = options.tools if options.tools is not None else self.tools
        model = self._value(options.model or self.model, ":")
        planner = self._value(options.planner or self.planner, "")
        if isinstance(planner, str):
            checked_planner_name(planner)
        found = [(n, self._lookup(n)) for n in names]
        compilers = [v for _, v in found if isinstance(v, LLMCompiler)]
        shown = False if options.quiet else None
        if compilers:
            if len(found) > 1 or model is not None or planner is not None:
                raise UsageError(
                    "an LLMCompiler has tools, model and planner of its own: give it alone with --tools"
                )
            if not options.quiet:
                return compilers[0]
            return _quiet(compilers[0])
        tools: Any = _tools(found) if found else self._every_tool()
        return LLMCompiler(tools=tools, model=model, planner=planner, live=shown)

    def _value(self, given: str | None, mark: str) -> Any:
        """A variable of that name, else the text itself."""
        if given is None or (mark and mark in given):
            return given
        held = self.shell.user_ns.get(given)
        return given if held is None or isinstance(held, FunctionType) else held

    def _lookup(self, name: str) -> Any:
        space = self.shell.user_ns
        first, *rest = name.split(".")
        if first not in space:
            near = get_close_matches(first, [n for n in space if not n.startswith("_")], 1)
            raise UsageError(
                f"--tools: there is no variable {first!r} in this notebook"
                + (f"; did you mean {near[0]!r}?" if near else "; run the cell that defines it first")
            )
        value = space[first]
        for part in rest:
            if not hasattr(value, part):
                raise UsageError(f"--tools: {first!r} has no attribute {part!r}")
            value = getattr(value, part)
        return value

    def _every_tool(self) -> list[Tool]:
        found = {
            id(v): v for n, v in self.shell.user_ns.items() if isinstance(v, Tool) and not n.startswith("_")
        }
        if not found:
            raise UsageError(
                "there are no tools in this notebook: define one with @tool, or name one with --tools"
            )
        by_name: dict[str, Tool] = {}
        for tool in found.values():
            by_name[tool.name] = (
                tool  # a tool that was defined again under another variable: the last one counts
            )
        return list(by_name.values())

    # -- %llmcompiler --------------------------------------------------------------------

    def line(self, line: str) -> None:
        """Show or change a setting."""
        try:
            words = shlex.split(line)
        except ValueError as e:
            raise _usage(f"%llmcompiler {line}: {e}") from None
        name, values = (words[0], words[1:]) if words else ("", [])
        change = {"live": self._live, "model": self._model, "planner": self._planner, "tools": self._named}
        if name in change:
            change[name](values)
        elif name == "help":
            print(LINE_HELP)  # noqa: T201 - it was asked for
            return
        elif name:
            raise _usage(f"%llmcompiler has no setting {name!r}; there are live, model, planner and tools")
        print(self.settings())  # noqa: T201 - it was asked for

    def settings(self) -> str:
        """What is set, one a line."""
        return "\n".join(
            [
                f"live     {'on' if SETTINGS.live else 'off'}",
                f"model    {self.model or 'default'}",
                f"planner  {self.planner or 'default'}",
                f"tools    {' '.join(self.tools) or 'every @tool of the notebook'}",
            ]
        )

    def _live(self, values: list[str]) -> None:
        if values not in (["on"], ["off"]):
            raise _usage("%llmcompiler live: say on or off")
        live(values == ["on"])

    def _model(self, values: list[str]) -> None:
        self.model = _one("model", values)

    def _planner(self, values: list[str]) -> None:
        name = _one("planner", values)
        if name is not None and name not in self.shell.user_ns:
            try:
                checked_planner_name(name)
            except LLMCompilerError as e:
                raise _usage(str(e)) from None
        self.planner = name

    def _named(self, values: list[str]) -> None:
        if not values:
            raise _usage("%llmcompiler tools: name them, or say default")
        self.tools = [] if values == ["default"] else values


def _one(name: str, values: list[str]) -> str | None:
    if len(values) != 1:
        raise _usage(f"%llmcompiler {name}: give one, or say default")
    return None if values[0] == "default" else values[0]


def _tools(found: Iterable[tuple[str, Any]]) -> list[Any]:
    out: list[Any] = []
    for name, value in found:
        if isinstance(value, (ToolRegistry, Mapping)):
            out += value.values()
        elif isinstance(value, (list, tuple, set)):
            out += value
        elif isinstance(value, Tool) or callable(value):
            out.append(value)
        else:
            raise UsageError(
                f"--tools: {name!r} is {type(value).__name__}; it has to be a tool, a function, or several of them"
            )
    return out


def _quiet(compiler: LLMCompiler) -> LLMCompiler:
    import copy

    other = copy.copy(compiler)
    other.live = False
    return other


class _Parser(argparse.ArgumentParser):
    """Raises instead of ending the kernel."""

    def error(self, message: str) -> NoReturn:
        raise _usage(f"%%llmcompile: {message}; %%llmcompile --help says more")


def _options(line: str) -> argparse.Namespace | None:
    """What stands behind `%%llmcompile`; None where help is asked for."""
    parser = _Parser(prog="%%llmcompile", add_help=False, allow_abbrev=False)
    parser.add_argument("--tools", nargs="+", action="extend", default=None)
    parser.add_argument("--model")
    parser.add_argument("--planner")
    parser.add_argument("--name", default="result", type=_variable)
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--help", "-h", action="store_true")
    try:
        words = shlex.split(line)
    except ValueError as e:
        raise _usage(f"%%llmcompile: {e}") from None
    options = parser.parse_args(words)
    if options.tools is not None:
        options.tools = [n for word in options.tools for n in word.split(",") if n]
    return None if options.help else options


def _variable(name: str) -> str:
    import keyword

    if not name.isidentifier() or keyword.iskeyword(name):
        raise argparse.ArgumentTypeError(f"{name!r} is no name of a variable")
    return name


def _usage(message: str) -> Exception:
    """An error that IPython shows as one line."""
    error = UsageError(message)
    _short(error)
    return error


def _short(error: Exception) -> None:
    """Let IPython show what is wrong and not where in the runtime it was found out."""
    shown = harmless(error_text(error))
    render: Callable[[], list[str]] = lambda: shown.splitlines()  # noqa: E731 - IPython asks the instance for it
    error._render_traceback_ = render  # type: ignore[attr-defined]


__all__ = ["CELL_HELP", "LINE_HELP", "Magics", "load_ipython_extension", "unload_ipython_extension"]
