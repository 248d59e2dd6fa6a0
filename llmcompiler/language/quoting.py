"""Where a quote opens a string and where `#` starts a comment: only where a value can start, so `What's` opens none."""

from __future__ import annotations

import re

_SMART = {"“": "”“", "”": "”", "„": "“”", "‟": "”", "‘": "’", "’": "’", "‚": "‘’", "‛": "’", "«": "»"}

BODIES = {quote: re.compile(rf"[^{ends}\\\n]*+") for quote, ends in {'"': '"', "'": "'", **_SMART}.items()}
"""For each opening quote, the characters of its string that need no second look."""

_QUOTES = "\"'" + "".join(_SMART)
RUN = re.compile(rf"[^\n()\[\]{{}}#{_QUOTES}]*+")
"""Characters outside strings that mean nothing to the splitter."""
CLAUSE_RUN = re.compile(rf"[^\n()\[\]{{}}#:{_QUOTES}]*+")
"""The same before the colon of a clause."""

_SPACES = re.compile(r"\s+")
_OPENS = re.compile(r"(?:[(\[{,:=<>!+%*|&] ?|\" )([rRbBfFuU]{1,2})?\Z")
# `#` starts a comment only after a blank, where a value can start or after a value that is plainly complete.
_COMMENTS = re.compile(r"(?:[(\[{,:=)\]}\"0-9]|(?:\b(?i:true|false|null|none))|\$[\w.\[\]{}]*) \Z")
_MEMORY = 40  # characters; what the patterns look at


class Context:
    """The last characters outside strings, with blanks run together."""

    __slots__ = ("_free", "_quote", "_text")

    def __init__(self, *, clause: bool) -> None:
        self._text = " " if clause else "("
        self._free = clause
        self._quote = ""

    def see(self, run: str) -> None:
        """Take what stands next."""
        if len(run) == 1:
            if not run.isspace():
                self._text = (self._text + run)[-_MEMORY:]
            elif not self._text.endswith(" "):
                self._text += " "
        else:
            self._text = _SPACES.sub(" ", self._text + run)[-_MEMORY:]

    def see_string(self, quote: str) -> None:
        """Take a string that was closed."""
        self._text = '"'
        self._quote = quote

    def opens(self, quote: str) -> str | None:
        """The prefix of the string that `quote` opens here ("" for none); None where it opens none."""
        if self._text[-1:] == '"':
            return "" if self._quote == quote else None
        match = _OPENS.search(self._text)
        if match is not None:
            return match[1] or ""
        # In a condition every word is a part of the language: there is no text for a quote to stand in.
        return "" if self._free and self._text[-1:] == " " else None

    def comments(self) -> bool:
        """Whether `#` starts a comment here."""
        return _COMMENTS.search(self._text) is not None

    @property
    def last(self) -> str:
        """The last character that is no blank."""
        return self._text.rstrip(" ")[-1:]
