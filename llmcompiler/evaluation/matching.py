"""When two answers are the same: texts made alike, numbers found in texts. Pure; no scorer's policy lives here."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST = 200_000
"""Characters of an answer that are looked at: the end counts where numbers are sought, the beginning elsewhere."""
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_WORDS = {"true": "yes", "false": "no"}
_NUMBER = re.compile(
    r"""(?<![\w.,])                                     # not inside a word or another number
    (?P<sign>(?<!\w)[-+\u2212])?\s?[$\u20ac\u00a3\u00a5]?
    (?P<digits>\d{1,3}(?:[,'\u2019\u00a0\u202f]\d{3})+(?:\.\d+)?(?![\d])|\d+(?:[.,]\d+)?|\.\d+)
    (?P<exponent>[eE][-+]?\d{1,9}(?!\w)|\s?[\u00d7x*]\s?10\^[-\u2212]?\d{1,4})?
    (?:\s?(?P<scale>thousand|million|billion|trillion)\b)?""",
    re.VERBOSE | re.IGNORECASE,
)
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}


def plain(text: str) -> str:
    """A text in the form in which texts are compared, as usual for question answering.

    Capitals, articles, punctuation, currency signs and spacing do not count; decimal points and signs of numbers do.
    `true` is `yes`, `false` is `no`.
    """
    folded = unicodedata.normalize("NFKC", text[:LONGEST]).casefold().replace("\u2212", "-")
    folded = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", folded)
    kept = []
    for i, ch in enumerate(folded):
        category = unicodedata.category(ch)
        if category == "Sc" or (category[0] == "P" and not _in_number(folded, i)):
            # A hyphen parts two words; an apostrophe is inside one.
            kept.append(" " if category == "Pd" else "")
        else:
            kept.append(ch)
    words = " ".join(_ARTICLES.sub(" ", "".join(kept)).split())
    # All punctuation: then it is what there is to compare.
    return _WORDS.get(words, words) or " ".join(folded.split())


def _in_number(text: str, i: int) -> bool:
    after = text[i + 1 : i + 2].isdigit()
    before = text[i - 1 : i] if i else ""
    return after and ((text[i] == "." and before.isdigit()) or (text[i] == "-" and not before.isalnum()))


def numbers_in(text: str) -> list[float]:
    """The numbers written in a text, in order: `1,234.5`, `-3`, `3,14`, `1.2e5`, `2 x 10^6`, `14 million`."""
    found = []
    for m in _NUMBER.finditer(text[-LONGEST:]):
        digits = re.sub(r"['\u2019\u00a0\u202f]", "", m["digits"])
        # One comma before other than three digits is a decimal one.
        grouped = re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits) is not None
        digits = digits.replace(",", "" if grouped else ".")
        value = _float(digits, m["exponent"])
        value *= _SCALES[m["scale"].lower()] if m["scale"] else 1.0
        if math.isfinite(value):
            found.append(-value if m["sign"] in ("-", "\u2212") else value)
    return found


def _float(digits: str, exponent: str | None) -> float:
    if exponent is None:
        return float(digits)
    power = exponent.replace("\u2212", "-").partition("10^")[2] or exponent.strip()[1:]
    return float(f"{digits}e{power}")


def as_number(value: Any) -> float | None:
    """The number that a value is, or that a text is about: its last one. None where there is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    if isinstance(value, str):
        found = numbers_in(value)
        return found[-1] if found else None
    if isinstance(value, Mapping) and len(value) == 1:
        return as_number(next(iter(value.values())))
    return None


def is_number(text: str) -> bool:
    """Whether a text is a number and nothing else but a unit sign: `5931.80`, `12 %`, `$3`."""
    found = _NUMBER.fullmatch(text.strip().rstrip("%").strip())
    return found is not None


def close(value: float, wanted: float, rel: float, abs_: float) -> bool:
    """Whether two numbers differ by no more than `rel` of the wanted one, or by `abs_`."""
    # A hair more, so that 1.1 is within 0.1 of 1 though no float says so.
    return abs(value - wanted) <= max(rel * abs(wanted), abs_) * (1 + 1e-9) + 1e-12 * abs(wanted)


def alike(value: Any, wanted: Any, rel: float = 0.0, abs_: float = 0.0) -> bool:
    """Whether two JSON values are the same: texts as `plain` has them, numbers as `close` has them, lists in order."""
    if isinstance(wanted, bool) or isinstance(value, bool):
        return plain(str(value)) == plain(str(wanted))
    if isinstance(wanted, (int, float)) and isinstance(value, (int, float)):
        one, other = as_number(value), as_number(wanted)
        return value == wanted if one is None or other is None else close(one, other, rel, abs_)
    if isinstance(wanted, Mapping):
        return (
            isinstance(value, Mapping)
            and value.keys() == wanted.keys()
            and all(alike(value[k], w, rel, abs_) for k, w in wanted.items())
        )
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and len(value) == len(wanted)
            and all(alike(v, w, rel, abs_) for v, w in zip(value, wanted, strict=True))
        )
    if isinstance(value, (Mapping, list, tuple)):
        return False
    return plain(str(value)) == plain(str(wanted))
