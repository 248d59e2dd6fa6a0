"""Comparing names as people type them: case, accents, punctuation, near misses. Not what they mean."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from llmcompiler.errors import ToolError

_LETTERS = str.maketrans(
    {
        # letters that Unicode does not take apart into base and accent
        "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "þ": "th", "æ": "ae", "œ": "oe",
        "-": " ", "–": " ", "_": " ", "/": " ",
        ".": None, "'": None, "`": None, "’": None, "‘": None, "ʻ": None, "ʼ": None, "´": None,
    }
)  # fmt: skip


_TRANSLATED = re.compile(f"[{re.escape(''.join(map(chr, _LETTERS)))}]")
_ACCENTS = re.compile("[\u0300-\u036f]+")


def fold(text: str) -> str:
    """`text` for comparison: no case, accents, dots, apostrophes; hyphens and runs of space are one space."""
    # Run a third of a million times when the gazetteer is indexed: the tests for nothing to do are what makes it quick.
    if text.isascii():
        if text.isalpha():
            return text.lower()
        text = text.lower()
    else:
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    if _TRANSLATED.search(text):
        text = text.translate(_LETTERS)
    text = " ".join(text.split())
    return "saint " + text[3:] if text.startswith("st ") else text


def near_misses(wanted: str, names: Iterable[str], n: int = 3) -> list[str]:
    """Up to `n` of the folded `names` that look like the folded `wanted`, best first."""
    # difflib is slow on tens of thousands of names; a typo rarely hits the first letter or changes the length much.
    close = [x for x in names if x[:1] == wanted[:1] and abs(len(x) - len(wanted)) <= 3]
    return difflib.get_close_matches(wanted, close, n=n, cutoff=0.8)


def did_you_mean(names: Iterable[str]) -> str:
    """`; did you mean "a" or "b"?`, or nothing."""
    shown = [f'"{n}"' for n in names]
    return f"; did you mean {' or '.join(shown)}?" if shown else ""


def checked(text: str, what: str, limit: int = 200) -> str:
    """`text` stripped.

    Raises:
        ToolError: It is empty or longer than `limit` characters.
    """
    text = text.strip()
    if not text:
        raise ToolError(f"{what} is empty")
    if len(text) > limit:
        raise ToolError(f"{what} has {len(text)} characters; {limit} are allowed")
    return text
