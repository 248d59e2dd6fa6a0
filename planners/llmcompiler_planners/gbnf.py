"""Texts as they stand in a GBNF grammar and in a plan's strings. Only escaping; what may be written is in `grammar`."""

from __future__ import annotations

import json
from typing import Any

from llmcompiler.values import quote


def terminal(text: str) -> str:
    """`text` as a GBNF terminal."""
    out = []
    for ch in text:
        code = ord(ch)
        if ch in '"\\':
            out.append("\\" + ch)
        elif ch.isprintable():
            out.append(ch)
        elif code < 0x100:
            out.append(f"\\x{code:02x}")
        else:
            out.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return '"' + "".join(out) + '"'


def choice(options: list[str]) -> str:
    """Terminals for any one of these texts, in brackets."""
    return f"({' | '.join(map(terminal, options))})"


def inside(text: str) -> str:
    """`text` as it stands between the quotes of a plan's string: escaped, a dollar sign doubled."""
    return quote(text.replace("$", "$$"))[1:-1]


def plan_literal(value: Any) -> str:
    """A JSON value as a plan's literal."""
    return f'"{inside(value)}"' if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
