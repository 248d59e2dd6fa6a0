"""Strings and numbers of the plan language: their escapes and their limits. Nothing here knows statements."""

from __future__ import annotations

import math
import re

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([^uUx])|)", re.DOTALL)
_SIMPLE = {
    "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "0": "\0",
    "\\": "\\", '"': '"', "'": "'", "/": "/", "\n": "",
    "“": "“", "”": "”", "‘": "‘", "’": "’",
}  # fmt: skip
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*+(?:_[0-9]++)*+)\Z")
_FLOAT = re.compile(
    r"[+-]?(?:(?:0|[1-9][0-9]*+(?:_[0-9]++)*+)(?:\.(?:[0-9]++(?:_[0-9]++)*+)?)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?\Z"
)
_MAX_DIGITS = 4300  # what Python itself reads; longer ones would take quadratic time

NOT_FINITE = frozenset({"NaN", "nan", "Infinity", "inf", "-Infinity", "-inf", "+Infinity", "+inf"})
"""Words that other languages take for numbers and JSON can not hold."""


class BadNumber(ValueError):
    """A number that can not be represented."""


def _expand(match: re.Match[str]) -> str:
    short, long, byte, simple = match.groups()
    if simple is not None:
        return _SIMPLE.get(simple, match[0])
    digits = short or long or byte
    if digits is None:
        return match[0]
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF else match[0]


def decode(body: str) -> str:
    """The text that the inside of a string literal stands for; unknown escapes are kept as they are."""
    if "\\" not in body:
        return body
    text = _ESCAPE.sub(_expand, body)
    # JSON spells a character beyond the first plane as two escapes.
    return _PAIR.sub(lambda m: m[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


def source_offsets(body: str, offsets: list[int], raw: bool) -> list[int]:
    r"""For ascending offsets into the decoded text, the offsets into `body`. One pass over `body`.

    A pair of `\u` escapes may make it one off per pair; it is used for carets only.
    """
    if raw or "\\" not in body:
        return offsets
    out = []
    shift = 0
    todo = iter(offsets)
    want = next(todo, None)
    for match in _ESCAPE.finditer(body):
        while want is not None and want + shift < match.end() and want + shift <= match.start():
            out.append(want + shift)
            want = next(todo, None)
        if want is None:
            break
        shift += len(match[0]) - len(_expand(match))
    while want is not None:
        out.append(want + shift)
        want = next(todo, None)
    return out


def read_number(word: str) -> int | float | None:
    """The number `word` spells; None if it spells none (`007` and `2nd` do not).

    Raises:
        BadNumber: It is too long, or not finite.
    """
    if word in NOT_FINITE:
        raise BadNumber(f"`{word}` is not a number that a plan can hold")
    if _INTEGER.match(word):
        if len(word) > _MAX_DIGITS:
            raise BadNumber(f"a number of {len(word)} digits is too long")
        return int(word)
    if _FLOAT.match(word):
        value = float(word) if len(word) <= _MAX_DIGITS else math.inf
        if math.isinf(value):
            raise BadNumber("a number that is too large")
        return value
    return None
