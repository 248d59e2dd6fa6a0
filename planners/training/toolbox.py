"""Tools made of specs, with names, parameter names and descriptions that vary. No question is worded here."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from llmcompiler.parameters import Parameter, from_json_schema
from llmcompiler.tools import Tool
from llmcompiler_planners.phrases import is_formula

from .specs import Slot, Spec

_OPAQUE = (
    "tool_{a}",
    "api_v{n}_lookup",
    "fn{n}",
    "service_{a}",
    "op_{n}",
    "call_{a}{n}",
    "endpoint{n}",
    "x{n}_{a}",
)
_ADDED = (
    ", updated every day", " from a public database", " as of today", " (cached for an hour)",
    ", free of charge",
    " from our own records", ", one at a time", ", with no login needed",
)  # fmt: skip


def build_tool(spec: Spec, rng: random.Random, *, vary: bool = True) -> tuple[Tool, dict[str, str]]:
    """A tool as a user might declare it.

    Args:
        spec: What it is made of.
        rng: Decides between names, aliases and descriptions.
        vary: Whether to; otherwise it gets the usual name, parameters, description and result.

    Returns:
        The tool, and the names of its parameters by the spec's slot names.
    """
    opaque = vary and rng.random() < 0.05 and not any(s.kind == "formula" for s in spec.slots)
    name = _name(spec, rng, opaque) if vary else spec.names[0]
    about = rng.choice(spec.abouts) if vary else spec.abouts[0]
    usual = name in spec.names
    params = {s.name: s.name for s in spec.slots}
    returns = spec.returns
    if vary:
        params = _params(spec, rng)
        if usual and rng.random() < 0.05:
            about = ""
        elif rng.random() < 0.08:
            about = about.rstrip(".") + rng.choice(_ADDED)
        if returns is not None and rng.random() < 0.1:
            returns = None
    options: dict[str, Any] = {"effect": spec.effect} if spec.effect else {}
    parameters, defs = _parameters(spec, tuple(params.values()))
    tool = Tool(
        _never, name=name, parameters=parameters, defs=defs, returns=returns, description=about, **options
    )
    return tool, params


# Checking a schema is what making a tool takes longest for, and names of parameters come again and again.
_MADE: dict[tuple[int, tuple[str, ...]], tuple[Spec, tuple[Parameter, ...], dict[str, Any]]] = {}


def _parameters(spec: Spec, names: tuple[str, ...]) -> tuple[tuple[Parameter, ...], dict[str, Any]]:
    key = (id(spec), names)
    if key not in _MADE:
        schema = {
            "type": "object",
            "properties": {n: _schema(s) for n, s in zip(names, spec.slots, strict=True)},
            "required": [n for n, s in zip(names, spec.slots, strict=True) if not s.optional],
        }
        parameters, defs, _ = from_json_schema(spec.names[0], schema)
        _MADE[key] = (spec, parameters, dict(defs))
    return _MADE[key][1:]


def _never(**_: Any) -> None:
    raise RuntimeError("a tool of the bank is described, never called")


def _name(spec: Spec, rng: random.Random, opaque: bool) -> str:
    if opaque:
        return rng.choice(_OPAQUE).format(a=rng.choice("abcdefghkmnpqrstuvw"), n=rng.randint(1, 9))
    name = rng.choice(spec.names) if rng.random() < 0.7 else spec.names[0]
    style = rng.random()
    if style < 0.06 and "_" in name:
        first, *rest = name.split("_")
        return first + "".join(part.capitalize() for part in rest)
    if style < 0.10 and "_" not in name and not any(s.kind in ("formula", "unit") for s in spec.slots):
        return f"{rng.choice(('get', 'find', 'fetch', 'lookup'))}_{name}" if spec.effect != "write" else name
    if style < 0.13 and spec.domain.isidentifier():
        return f"{spec.domain}.{name}"
    return name


def _params(spec: Spec, rng: random.Random) -> dict[str, str]:
    out: dict[str, str] = {}
    for slot in spec.slots:
        names = [slot.name]
        if rng.random() < 0.4:
            names = [a for a in slot.aliases if slot.kind != "formula" or is_formula(a)] or names
        name = rng.choice(names)
        out[slot.name] = slot.name if name in out.values() or name in {s.name for s in spec.slots} else name
    return out


def _schema(slot: Slot) -> Mapping[str, Any]:
    about = {"description": slot.about} if slot.about else {}
    if slot.kind == "number":
        return {"type": "integer" if slot.whole else "number", **about}
    if slot.kind == "flag":
        return {"type": "boolean", **about}
    if slot.kind == "choice":
        return {"type": "string", "enum": list(slot.choices), **about}
    if slot.kind == "list":
        return {"type": "array", "items": {"type": "string"}, **about}
    return {"type": "string", **about}
