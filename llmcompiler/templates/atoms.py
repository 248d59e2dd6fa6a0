"""A question cut into atoms: words, symbols, and the pieces that can be values, such as names and numbers.

Two questions are of one form if their atoms are, one by one: a value is always one whole atom, so there is nothing to
guess about where it ends. What is not surely a value is a word. Nothing here knows plans.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .words import CONNECTORS, CURRENCIES, MONTHS, PLACES, STOP, WEEKDAYS

Kind = Literal[
    "word",
    "symbol",
    "odd",
    "acronym",
    "name",
    "integer",
    "number",
    "quoted",
    "email",
    "url",
    "code",
    "currency",
    "month",
    "weekday",
]
VALUES = frozenset(
    {"name", "integer", "number", "quoted", "email", "url", "code", "currency", "month", "weekday"}
)
"""Kinds of atoms that can be values. A word, an acronym or an odd number is part of the form of a question."""

MOST_ATOMS = 400
"""Atoms that a question with a template may have."""
LONGEST = 8_000
"""Characters that it may have."""
LONGEST_NAME = 8
"""Words that a name may have."""
_LONGEST_NUMBER = 15  # digits; what a float keeps


@dataclass(frozen=True, slots=True)
class Atom:
    """A piece of a question."""

    kind: Kind
    text: str
    """As it stands there; what is in quotes, without them."""
    start: int
    end: int
    first: bool = False
    """Whether a sentence begins with it, so that a capital letter says nothing."""
    grouped: bool = False
    """Whether it is a number written with commas."""

    @property
    def value(self) -> str | int | float:
        """The number that it is, else its text."""
        if self.kind == "integer":
            return int(self.text.replace(",", ""))
        return float(self.text) if self.kind == "number" else self.text


_TOKEN = re.compile(
    r"""(?P<url>https?://[^\s<>"“”«»]++)
      | (?P<email>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w@-]))
      | (?<!\w)"(?P<straight>[^"\n]{1,300})"(?!\w) | “(?P<curly>[^“”\n]{1,300})” | «(?P<angle>[^«»\n]{1,300})»
      | (?P<signed>(?<![\w.,)\]%°])[-−+]\d[\w.,]*+)
      | (?P<lexeme>\w++(?:[-'’./:&@]\w++|(?<=\d),\d\w*+)*+)
      | (?P<symbol>\S)""",
    re.VERBOSE,
)
_INTEGER = re.compile(r"(?:0|[1-9][0-9]{0,14})\Z")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}\Z")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]*)\.[0-9]+\Z")
_CODE = re.compile(r"(?=.*[0-9])\w*[-_/:.#@&]")
_POSSESSIVE = re.compile(r"(.+)(['’][sS])\Z", re.DOTALL)
_ENDS = frozenset(".?!")
_LAST = frozenset(".?!…")


def atoms(question: str) -> list[Atom] | None:
    """The atoms of a question, without the full stop at its end; None where it is too long to have a template."""
    if len(question) > LONGEST:
        return None
    found: list[Atom] = []
    first = True
    for match in _TOKEN.finditer(question):
        for atom in _read(match, question, first):
            first = atom.kind == "symbol" and atom.text in _ENDS
            found.append(atom)
        if len(found) > 4 * MOST_ATOMS:
            return None
    while found and found[-1].kind == "symbol" and found[-1].text in _LAST:
        found.pop()
    joined = _with_names(found, question)
    return joined if len(joined) <= MOST_ATOMS else None


def _read(match: re.Match[str], question: str, first: bool) -> list[Atom]:
    group = match.lastgroup or "symbol"
    start, end, text = match.start(), match.end(), match[0]
    if group in ("straight", "curly", "angle"):
        inner = match[group]
        return [Atom("quoted" if inner.strip() == inner and inner else "odd", inner, start, end, first)]
    if group == "url":
        bare = text.rstrip(".,;:!?)]}'")
        return [Atom("url", bare, start, start + len(bare), first), *_symbols(text, len(bare), start)]
    if group == "email":
        return [Atom("email", text, start, end, first)]
    if group == "signed":  # where it stands before a bracket or a power, its sign matters: it is no hole
        bare = text.rstrip(".,")
        return [Atom("odd", bare, start, start + len(bare), first), *_symbols(text, len(bare), start)]
    if group == "symbol":
        return [Atom("symbol", {"’": "'", "‘": "'"}.get(text, text), start, end, first)]
    owner = _POSSESSIVE.match(text)
    if owner is not None:
        cut = start + len(owner[1])
        return [Atom(_kind(owner[1]), owner[1], start, cut, first), Atom("word", "'s", cut, end)]
    return [Atom(_kind(text), text, start, end, first, "," in text)]


def _symbols(text: str, cut: int, start: int) -> list[Atom]:
    return [Atom("symbol", c, start + i, start + i + 1) for i, c in enumerate(text[cut:], cut)]


def _kind(text: str) -> Kind:
    if text[0].isdecimal():
        if _INTEGER.match(text) or _GROUPED.match(text):
            return "integer"
        if _DECIMAL.match(text):
            # `3.50` is as good as 3.5, but which of them a planner would write is not known.
            return "number" if len(text) <= _LONGEST_NUMBER and repr(float(text)) == text else "odd"
    if _CODE.match(text) and text.isascii():
        return "code"
    if not text[0].isupper():
        return "odd" if text[0].isdecimal() else "word"
    if text in MONTHS:
        return "month"
    if text in WEEKDAYS:
        return "weekday"
    if text.casefold() in STOP:
        return "word"
    if text.isupper() and text.isalpha() and len(text) > 1:
        return "currency" if text in CURRENCIES else "name" if text in PLACES else "acronym"
    return "name"


def _with_names(found: Sequence[Atom], question: str) -> list[Atom]:
    """Names of several words as one atom: they are as long as they can be, so they can not be cut in two ways."""
    out: list[Atom] = []
    i = 0
    while i < len(found):
        end = _name_end(found, i, question)
        if end == i + 1:
            out.append(found[i])
        else:
            start, stop = found[i].start, found[end - 1].end
            kind: Kind = "name" if end - i <= LONGEST_NAME else "odd"
            out.append(Atom(kind, question[start:stop], start, stop))
        i = end
    return out


def _name_end(found: Sequence[Atom], i: int, question: str) -> int:
    """Where the name that begins with atom `i` ends; `i + 1` where it is no name, or one of a single word."""
    if found[i].kind not in ("name", "acronym") or found[i].first:
        return i + 1
    end = j = i + 1
    while j < len(found) and question[found[j - 1].end : found[j].start] == " ":
        atom = found[j]
        j += 1
        if atom.kind in ("name", "acronym") and not atom.first:
            end = j
            continue
        # The GDP of Norway is no name.
        joins = atom.kind == "word" and found[end - 1].kind == "name" and j - end <= 2
        if not joins or not (atom.text in CONNECTORS or (atom.text == "the" and j - end == 2)):
            break
    return end


def same_word(a: Atom, b: Atom) -> bool:
    """Whether two atoms that are no values say the same. Case counts, but for the first word of a sentence."""
    if a.first != b.first:
        return False
    if a.text == b.text:
        return (a.kind == "quoted") == (b.kind == "quoted")
    return a.first and _is_plain(a) and _is_plain(b) and a.text.casefold() == b.text.casefold()


def _is_plain(atom: Atom) -> bool:
    return atom.kind in ("word", "name", "month", "weekday") and (atom.text.islower() or atom.text.istitle())


def form(found: Sequence[Atom]) -> str:
    """What questions of one form have in common: the same text for all that one template may fit."""
    parts = []
    for atom in found:
        if atom.first:
            parts.append("^")
        elif atom.kind in ("integer", "number"):
            parts.append("#")
        elif atom.kind == "code":
            parts.append(skeleton(atom.text))
        elif atom.kind in VALUES:
            parts.append(f"<{atom.kind}>")
        else:
            parts.append(atom.text)
    return "\x1f".join(parts)


def skeleton(code: str) -> str:
    """A code with a zero for each run of digits: `INV-1234` and `INV-7` are codes of one kind."""
    return re.sub(r"[0-9]+", "0", code)


__all__ = [
    "LONGEST",
    "LONGEST_NAME",
    "MOST_ATOMS",
    "VALUES",
    "Atom",
    "Kind",
    "atoms",
    "form",
    "same_word",
    "skeleton",
]
