"""Short ways to write specs down: a tool of a domain file is one call. No tool is described here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..specs import Slot, Spec, Split


def domain(name: str, split: Split, *specs: Spec) -> tuple[Spec, ...]:
    """The specs of one domain, all trained on or all held out."""
    return tuple(replace(s, domain=name, split=split) for s in specs)


def spec(
    names: str,
    slots: tuple[Slot, ...] | Slot,
    abouts: str,
    asks: str,
    *,
    returns: str = "",
    clauses: str = "",
    nouns: str = "",
    compares: str = "",
    extras: Mapping[str, str] | None = None,
    result: str = "",
    gives: Mapping[str, str] | None = None,
    effect: str | None = None,
) -> Spec:
    """A spec from texts.

    Args:
        names: Separated by spaces.
        slots: Parameters in order, required ones first.
        abouts: One a line, as are `asks`, `clauses`, `nouns` and `compares`.
        asks: Whole questions.
        returns: The result as `schema` reads it; empty where the tool does not say.
        clauses: Indirect questions for the middle of a sentence.
        nouns: Names of the result.
        compares: Whole questions over a `{list}`.
        extras: Words that set an optional slot, separated by `|`.
        result: The kind of thing that a plain result names.
        gives: For fields of a record: `kind: noun|noun`, where the kind may be empty.
        effect: `write` for tools that change something.
    """
    fields, field_nouns = {}, {}
    for key, text in (gives or {}).items():
        kind, _, said = text.partition(":")
        if kind.strip():
            fields[key] = kind.strip()
        field_nouns[key] = _bars(said)
    return Spec(
        names=tuple(names.split()),
        slots=slots if isinstance(slots, tuple) else (slots,),
        abouts=_lines(abouts),
        asks=_lines(asks),
        returns=schema(returns) if returns else None,
        clauses=_lines(clauses),
        nouns=_lines(nouns),
        compares=_lines(compares),
        extras={k: _bars(v) for k, v in (extras or {}).items()},
        result=result,
        fields=fields,
        field_nouns=field_nouns,
        effect=effect,
    )


def text(name: str, kind: str = "", also: str = "", *, optional: bool = False, about: str = "") -> Slot:
    """A text parameter whose values `names.make(kind)` gives; the kind is the name where none is said."""
    return Slot(name, kind or name, about, optional=optional, aliases=tuple(also.split()))


def number(
    name: str,
    low: float = 1,
    high: float = 100,
    also: str = "",
    *,
    whole: bool = True,
    optional: bool = False,
    about: str = "",
) -> Slot:
    """A number from `low` to `high`."""
    return Slot(
        name, "number", about, low=low, high=high, whole=whole, optional=optional, aliases=tuple(also.split())
    )


def choice(name: str, also: str = "", *, optional: bool = False, about: str = "", **said: str) -> Slot:
    """One of some values: `celsius="in Celsius|in degrees Celsius"`; `_` at the end of a key is dropped."""
    words = {k.rstrip("_").replace("__", "-"): _bars(v) for k, v in said.items()}
    return Slot(
        name,
        "choice",
        about,
        choices=tuple(words),
        said=words,
        optional=optional,
        aliases=tuple(also.split()),
    )


def flag(name: str, said: str, also: str = "", *, about: str = "") -> Slot:
    """An optional truth value, and the words that set it to true."""
    return Slot(name, "flag", about, said={"true": _bars(said)}, optional=True, aliases=tuple(also.split()))


def several(name: str, items: str, also: str = "", *, about: str = "") -> Slot:
    """A list of texts of a kind, or of numbers."""
    return Slot(name, "list", about, items=items, aliases=tuple(also.split()))


def formula(name: str = "expression", also: str = "formula equation calculation", *, about: str = "") -> Slot:
    """An arithmetic formula."""
    return Slot(name, "formula", about, aliases=tuple(also.split()))


_PLAIN = {"number": "number", "int": "integer", "text": "string", "bool": "boolean"}
_TOKEN = re.compile(r"\s*([\[\]{},:|]|[\w\-.]+)")


def schema(short: str) -> dict[str, Any]:
    """The JSON schema of a short text.

    ```
    type := "number" | "int" | "text" | "bool" | "[" type "]" | "{" name [":" type] ("," name [":" type])* "}"
          | word ("|" word)+
    ```

    Raises:
        ValueError: It is none of these.
    """
    tokens = _TOKEN.findall(short)
    made, rest = _type(tokens)
    if rest:
        raise ValueError(f"{short!r} goes on with {rest[0]!r} after its end")
    return made


def _type(tokens: list[str]) -> tuple[dict[str, Any], list[str]]:
    match tokens:
        case ["[", *rest]:
            items, rest = _type(rest)
            if rest[:1] != ["]"]:
                raise ValueError("a list has no end")
            return {"type": "array", "items": items}, rest[1:]
        case ["{", *rest]:
            return _record(rest)
        case [word, "|", *_]:
            words = [word]
            rest = tokens[1:]
            while rest[:1] == ["|"]:
                words.append(rest[1])
                rest = rest[2:]
            return {"type": "string", "enum": words}, rest
        case [word, *rest] if word in _PLAIN:
            return {"type": _PLAIN[word]}, rest
    raise ValueError(f"no type: {' '.join(tokens)!r}")


def _record(tokens: list[str]) -> tuple[dict[str, Any], list[str]]:
    properties: dict[str, Any] = {}
    while True:
        name, *tokens = tokens
        properties[name] = {"type": "string"}
        if tokens[:1] == [":"]:
            properties[name], tokens = _type(tokens[1:])
        sep, *tokens = tokens
        if sep == "}":
            return {"type": "object", "properties": properties, "required": list(properties)}, tokens
        if sep != ",":
            raise ValueError(f"{sep!r} after the field {name!r}")


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _bars(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())
