"""Names of tools and parameters as Python can spell them, and back. Nothing here knows statements."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Mapping

from llmcompiler.tools import Tool

BUILTINS = frozenset(n for n in dir(builtins) if n[0].islower() or n == "__import__")
"""What Python itself calls so; a tool of such a name comes first."""
JOINS = frozenset({"join", "finish"})
_SPECIAL = BUILTINS | JOINS | {"tools", "asyncio", "math", "gather"}
_OTHER = re.compile(r"[.\-]")


def python_name(name: str) -> str:
    """An identifier for the name of a tool or a parameter."""
    plain = _OTHER.sub("_", name)
    return plain + "_" if keyword.iskeyword(plain) else plain


class ToolNames:
    """How the tools of a registry are called in Python: `get-weather` is `get_weather`, where nothing else is.

    Args:
        tools: The registry; None where tools are not known, and any name may be one.
    """

    def __init__(self, tools: Mapping[str, Tool] | None) -> None:
        self.tools = tools
        self._names: dict[str, str] = {}
        spelled: dict[str, list[str]] = {}
        for name in tools or ():
            self._names[name] = name
            spelled.setdefault(python_name(name), []).append(name)
        for plain, names in spelled.items():
            if len(names) == 1:
                self._names.setdefault(plain, names[0])

    def find(self, spelled: str) -> str | None:
        """The tool that a name, or names joined by dots, stands for; None where it is none."""
        if self.tools is None:
            return None if spelled in _SPECIAL else spelled
        return self._names.get(spelled) or self._names.get(python_name(spelled))

    def spell(self, tool: str) -> str:
        """How the tool is called in Python: its name where that is an identifier, else `tools["its-name"]`."""
        from llmcompiler.values import quote

        if self.tools is None:
            parts = tool.split(".")
            usual = all(p.isidentifier() and p.isascii() and not keyword.iskeyword(p) for p in parts)
            return tool if usual and parts[0] not in _SPECIAL else f"tools[{quote(tool)}]"
        plain = python_name(tool)
        return plain if self._names.get(plain) == tool and plain.isidentifier() else f"tools[{quote(tool)}]"

    def parameter(self, tool: str, spelled: str) -> str:
        """The parameter that a keyword of a call stands for."""
        known = self.tools.get(tool) if self.tools is not None else None
        if known is None:
            bare = spelled.removesuffix("_")
            return bare if bare != spelled and keyword.iskeyword(bare) else spelled
        if spelled in known.params:
            return spelled
        found = [p for p in known.params if python_name(p) == spelled]
        return found[0] if len(found) == 1 else spelled

    def spell_parameter(self, tool: str, parameter: str) -> str | None:
        """The keyword for a parameter; None where only `**{"name": value}` says it."""
        for spelled in (parameter, python_name(parameter)):
            usual = spelled.isidentifier() and spelled.isascii() and not keyword.iskeyword(spelled)
            if usual and self.parameter(tool, spelled) == parameter:
                return spelled
        return None

    def near(self) -> Iterable[str]:
        """Names to suggest."""
        return [python_name(n) for n in list(self.tools or ())[:200]]


__all__ = ["BUILTINS", "JOINS", "ToolNames", "python_name"]
