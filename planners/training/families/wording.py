"""English that belongs to no tool: lists, wordings by split, and the noise that questions come with."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import cache
from typing import TypeVar

from ..specs import Split

T = TypeVar("T")
_SLOT = re.compile(r"\{(\w+)\}")
_NUMBER_WORDS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
# First words of a question that carry it, and so take a small letter after "please".
_OPENERS = frozenset(
    [
        "what",
        "what's",
        "which",
        "who",
        "whose",
        "who's",
        "where",
        "where's",
        "when",
        "how",
        "how's",
        "is",
        "are",
        "was",
        "were",
        "do",
        "does",
        "did",
        "can",
        "could",
        "will",
        "would",
        "should",
        "has",
        "have",
        "tell",
        "give",
        "show",
        "compare",
        "find",
        "look",
        "get",
        "check",
        "list",
        "rank",
        "by",
        "i",
        "i'm",
        "i'd",
        "we",
        "my",
        "the",
        "if",
        "for",
        "suppose",
        "say",
        "given",
        "assume",
        "after",
        "among",
        "take",
        "compute",
        "calculate",
        "work",
        "add",
        "subtract",
        "multiply",
        "divide",
        "convert",
        "name",
        "please",
        "at",
        "in",
        "on",
        "imagine",
        "considering",
        "between",
        "set",
        "book",
        "send",
        "create",
        "make",
        "play",
        "turn",
        "start",
        "open",
        "translate",
        "remind",
        "schedule",
        "order",
        "search",
        "write",
    ]
)
_YES_NO = re.compile(
    r"(?:is|are|was|were|do|does|did|has|have|had|will|would|should|may|isn't|aren't|doesn't)\b(?! you\b)",
    re.IGNORECASE,
)


def wordings(every: Sequence[T], split: Split) -> Sequence[T]:
    """Those of a list that may be used: the last fifth, at least one of three, is for scoring only.

    Of lists of one or two, all are used on both sides.
    """
    held = max(1, len(every) // 5) if len(every) >= 3 else 0
    if not held:
        return every
    return every[-held:] if split == "held" else every[:-held]


@cache
def skeleton(wording: str) -> str:
    """A wording without what its slots are called, to tell whether two are the same."""
    return " ".join(_SLOT.sub("{}", wording).lower().strip(" ?.!").split())


def listed(items: Sequence[str], rng: random.Random, word: str = "and") -> str:
    """`A, B and C`, with a comma before the last or without."""
    if len(items) == 1:
        return items[0]
    last = f" {word} "
    if len(items) > 2 and rng.random() < 0.45:
        last = f", {word} "
    return ", ".join(items[:-1]) + last + items[-1]


def number_text(value: float, rng: random.Random) -> str:
    """A number as people write it: `1,500`, `three`, `2.5`; read back as `number_literal` does."""
    if isinstance(value, int):
        if 2 <= value <= 12 and rng.random() < 0.12:
            return _NUMBER_WORDS[value - 2]
        if value >= 1000 and rng.random() < 0.4:
            return f"{value:,}"
    return str(value)


def is_yes_no(question: str) -> bool:
    """Whether it is answered with yes or no, so that a plain value does not answer it."""
    return _YES_NO.match(question) is not None


def upper_first(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """With a small first letter, where the first word carries the sentence and is no name."""
    first = text.split(" ", 1)[0].strip(",")
    return (
        text[:1].lower() + text[1:]
        if first.lower() in _OPENERS and first not in ("I", "I'm", "I'd")
        else text
    )


def strip_end(text: str) -> str:
    """Without what ends a sentence."""
    return text.rstrip(" ?.!")


def end_of(text: str) -> str:
    """What ends a sentence."""
    return text[len(strip_end(text)) :]


_BEFORE = (
    "hey, {}", "please {}", "hi, {}", "quick question: {}", "hello! {}", "ok, {}", "so {}", "hey there, {}",
    "hi! {}", "just wondering, {}",
    "one more thing: {}", "could you help me out: {}", "good morning, {}",
    "excuse me, {}", "right, {}", "for my homework: {}",
)  # fmt: skip
_CONTEXT_BEFORE = (
    "I am putting together some notes.", "We are having an argument about this.", "My boss wants to know.",
    "I need this for a quiz.",
    "This is for a presentation.", "I was wondering about something.", "I want to settle a bet.",
    "It is for a report.",
    "My daughter asked me this.", "We talked about it at lunch.",
)  # fmt: skip
_CONTEXT_AFTER = (
    "Thanks!", "Thank you.", "It is for a school project.", "I need it soon.", "Please be brief.", "No rush.",
    "Thanks in advance!",
    "I can't work it out myself.", "Just the answer, please.", "That would help a lot.",
)  # fmt: skip


def noisy(question: str, rng: random.Random, split: Split) -> str:
    """The question as people type it: with a greeting, a sentence round it, or without its question mark."""
    x = rng.random()
    if x < 0.06:
        question = question.rstrip("?.")
    elif x < 0.12:
        ways = [
            w for w in wordings(_BEFORE, split) if not (w.startswith("please") and question.endswith("?"))
        ]
        question = rng.choice(ways).format(lower_first(question))
        question = upper_first(question) if rng.random() < 0.5 else question
    elif x < 0.16 and "\n" not in question:
        question = f"{rng.choice(wordings(_CONTEXT_BEFORE, split))} {question}"
    elif x < 0.20 and "\n" not in question:
        question = (
            f"{question} {rng.choice(wordings(_CONTEXT_AFTER, split))}" if end_of(question) else question
        )
    return question
