"""Plans that hold for a day only. Nothing here knows what day it is."""

from __future__ import annotations

import re

from ..plan import Plan
from .constants import DIGITS, WORD
from .finding import is_formula
from .places import leaves
from .words import TIMES

_MOMENT = re.compile(
    r"(?<![0-9])(?:(?:19|20)[0-9]{2}|[0-9]{1,2}[:/.][0-9]{1,2}(?:[:/.][0-9]{2,4})?)(?![0-9])"
)


def is_timely(question: str, plan: Plan) -> bool:
    """Whether the plan may be another one tomorrow.

    It names a date that its question does not, or a number where the question speaks of a time that goes on.
    """
    said = set(_MOMENT.findall(question)) | set(DIGITS.findall(question))
    goes_on = any(w.casefold() in TIMES for w in WORD.findall(question))
    for leaf in leaves(plan):
        if isinstance(leaf.value, bool) or not isinstance(leaf.value, (str, int, float)):
            continue
        text = str(leaf.value)
        moments = set(_MOMENT.findall(text)) - said
        if moments or (
            goes_on
            and not (isinstance(leaf.value, str) and is_formula(leaf))
            and set(DIGITS.findall(text)) - said
        ):
            return True
    return False
