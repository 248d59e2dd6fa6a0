"""What is known of a tool, as text and as words: what tool selection searches through.

Texts and words only; nothing here scores or chooses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from llmcompiler.signatures import resolve

from .excerpts import one_line

if TYPE_CHECKING:
    from llmcompiler.tools import Tool

MAX_QUESTION = 200_000
"""Characters of a question that are read."""
_TEXT = 4_000
"""Characters of one description that are read."""
_ENUM = 50
_NODES = 400
"""Parts of one schema that are looked at: a schema may be endless."""
_NAME_WEIGHT = 3
"""How often the words of a tool's name count."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+|\d+")
# Scripts without spaces between words; Hangul has them, but glues endings to words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
_ENDINGS = ("ing", "ies", "ied", "es", "ed", "s", "e")


def words_of(text: str) -> list[str]:
    """The words of `text`, in their order, reduced so that forms of one word are alike.

    Identifiers fall into their words, case and accents do not count, English endings go, and scripts that write no
    spaces give pairs of characters.
    """
    plain = unicodedata.normalize("NFKD", _CAMEL.sub(" ", text)).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c)) if not plain.isascii() else plain
    plain = unicodedata.normalize("NFC", plain)
    return [piece for match in _WORD.finditer(plain) for piece in _pieces(match[0])]


def _pieces(word: str) -> list[str]:
    if word.isascii() or _UNSPACED.search(word) is None:
        return [_stem(word)]
    return [word[i : i + 2] for i in range(len(word) - 1)] or [word]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            kept = word[: -len(ending)]
            if ending in ("ies", "ied"):
                return kept + "y"
            if ending in ("ing", "ed") and kept[-1] == kept[-2]:
                return kept[:-1]
            return kept
    return word


def tool_words(tool: Tool) -> list[str]:
    """The words a tool is found by: of its name, descriptions, parameters, enum values and fields of its result."""
    # The name as a whole is a word, too: it keeps a tool without any other word, and finds one that is named outright.
    words = [tool.name.casefold(), *words_of(tool.name) * _NAME_WEIGHT]
    for text in (tool.description[:_TEXT], *_details(tool)):
        words += words_of(text)
    return words


def tool_text(tool: Tool) -> str:
    """A tool as one text of a few lines, for embeddings."""
    lines = [f"{' '.join(words_of_name(tool.name))}: {one_line(tool.description[:_TEXT])}".rstrip(": ")]
    lines += [f"{n}: {one_line(tool.parameter_text(n)[:_TEXT])}".rstrip(": ") for n in tool.params]
    if fields := list(_schema_texts(tool.returns or {}, (tool.returns or {}).get("$defs", {}))):
        lines.append("gives " + one_line(", ".join(fields))[:_TEXT])
    return "\n".join(lines)


def words_of_name(name: str) -> list[str]:
    """The words of an identifier as they are written, in small letters."""
    return [w.casefold() for w in _WORD.findall(_CAMEL.sub(" ", name))] or [name]


def _details(tool: Tool) -> Iterator[str]:
    for name, parameter in tool.params.items():
        yield name
        yield tool.parameter_text(name)[:_TEXT]
        yield from _schema_texts(parameter.schema, tool.defs)
    if tool.returns is not None:
        yield from _schema_texts(tool.returns, tool.returns.get("$defs", {}))


def _schema_texts(schema: Mapping[str, Any], defs: Any) -> Iterator[str]:
    """Names and descriptions of fields, and texts of enums, of a schema and those inside it."""
    defs = defs if isinstance(defs, Mapping) else {}
    waiting: list[Any] = [schema]
    seen: set[int] = set()
    while waiting and len(seen) < _NODES:
        part = waiting.pop(0)
        if not isinstance(part, Mapping):
            continue
        part = resolve(part, defs)
        if id(part) in seen:
            continue
        seen.add(id(part))
        if part is not schema and isinstance(part.get("description"), str):
            yield part["description"][:_TEXT]
        if isinstance(values := part.get("enum"), (list, tuple)):
            yield from (v[:_TEXT] for v in values[:_ENUM] if isinstance(v, str))
        if isinstance(fields := part.get("properties"), Mapping):
            yield from map(str, fields)
            waiting += fields.values()
        for key in ("anyOf", "oneOf", "allOf"):
            if isinstance(options := part.get(key), (list, tuple)):
                waiting += options
        waiting += [part.get("items"), part.get("additionalProperties")]


__all__ = ["MAX_QUESTION", "tool_text", "tool_words", "words_of"]
