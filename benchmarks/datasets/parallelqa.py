"""ParallelQA: figures looked up for several things, one calculation with each or each pair, and one over all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from llmcompiler.tools import Tool

from .names import Mention, mentions, plain
from .plans import Expected, Step

FILE = "parallelqa_dataset.json"
TOOLS = (
    Tool.from_schema(
        "search",
        {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        lambda **_: None,
        description="Look up one figure about one thing.",
        returns={"type": "number"},
        effect="pure",
    ),
    Tool.from_schema(
        "calculate",
        {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]},
        lambda **_: None,
        description="Evaluate an arithmetic expression.",
        returns={"type": "number"},
        effect="pure",
    ),
)
_NUMBER = re.compile(r"(?<![\w.^])(\d+(?:\.\d+)?)(?![\w]*\d)(\s*(?:%|percent))?")
_UP = re.compile(
    r"deep(?:er|en)|fast|increas|grow|grew|rise|rose|raise|expan|tall|high|magnif|exten|enlarg|swell|add\b|boost|elevat|"
    r"stretch|length|longer|augment|enhanc|improv|accelerat|doubl|tripl|quadrupl|multipl|larger|more\b|speed(?:i|y)",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"shallow|slow|reduc|shr[aiu]nk|decreas|short|fell|falls?\b|drop|contract|diminish|los(?:e|es|t|ing)\b|subtract|lower|"
    r"cut\b|half|halv|one-fifth|smaller|declin",
    re.IGNORECASE,
)
_WORDS = {
    2.0: r"doubl\w+|twice|half|halv\w+|two times",
    3.0: r"tripl\w+|three times",
    4.0: r"quadrupl\w+|four times",
    5.0: r"quintupl\w+|by five|five times|one-fifth",
}
_CHANGED = re.compile(
    r"%|percent|\btimes (?:higher|taller|larger|slower|faster|its)|doubl|halv|by half|tripl|\bby \d|factor of",
    re.IGNORECASE,
)
_PAIRED = re.compile(r"\b(?:ratios?|differences?|average sizes?|pairs|compar\w+)\b", re.IGNORECASE)
_WHICH = re.compile(r"\bwhich\b", re.IGNORECASE)
_ALL = re.compile(r"\b(?:average|mean|combined|total|sum)\b", re.IGNORECASE)
_TWO = re.compile(r"\b(?:difference|ratio|how much|how many times)\b", re.IGNORECASE)
_ASKING = (" what", " how ", " compute", " What", " How ", " which", " Which")
_END = re.compile(
    r"\b(?:tall|short|long|larg|small|deep|shallow|high|low|great|heav|light|fast|slow)(?:l?est)\b",
    re.IGNORECASE,
)
_LOWER = re.compile(
    r"\b(?:a|an) ((?:[a-z-]+ ){0,2}?[a-z-]+)"
    r"(?= (?:that|with|whose|which|runs|flying|running|enhanc\w+|improv\w+|decreas\w+|increas\w+|boost\w+)\b|'s )"
)
_SAME = re.compile(
    r"\bthe same (?:fraction|percentage|amount|factor)|respectively|following percentages|every\b",
    re.IGNORECASE,
)
_UNCHANGED = re.compile(r"unchanged|the same\b(?! fraction)|not change", re.IGNORECASE)


def expected(question: str) -> Expected | None:
    """The look-ups and calculations; None for questions of another shape, such as those that merge two places."""
    question = " ".join(question.split())
    if re.search(r"\bmerge\b|densit", question):
        return None
    found = [m for m in mentions(question, ("of", "the")) if not _is_unit(m.text)]
    names = _distinct(found)
    if len(names) < 2:
        found = _lower_case(question)
        names = _distinct(found)
    if len(names) < 2:
        return None
    if _CHANGED.search(question):
        return _changed(question, found, names)
    if _PAIRED.search(question):
        return _pairs(question, found, names)
    return None


def _distinct(found: Iterable[Mention]) -> tuple[str, ...]:
    """Each name once, as it is first written."""
    first: dict[str, str] = {}
    for m in found:
        first.setdefault(plain(m.text), m.text)
    return tuple(first.values())


def _changed(question: str, found: list[Mention], names: tuple[str, ...]) -> Expected:
    """One calculation with each name, by the change told beside it; then one over all where the question wants it."""
    first = [next(m for m in found if plain(m.text) == plain(n)) for n in names]
    edges = [0, *(m.start for m in first), len(question)]
    ends = [0, *(m.end for m in first)]
    between = [question[a:b] for a, b in zip(ends, edges[1:], strict=True)]
    counts = [len(_changes(text)) for text in between]
    factors = [_factors(text) for text in between]
    if _SAME.search(question):
        beside = [set[float]() for _ in first]
    elif all(n == 1 for n in counts[1:]) and not counts[0]:
        beside = factors[1:]  # `A grew by 5%, B by 6%`
    elif all(n == 1 for n in counts[:-1]) and not counts[-1]:
        beside = factors[:-1]  # `5% more of A, 6% more of B`
    else:
        beside = [a | b for a, b in pairwise(factors)]
    steps = [
        Step(frozenset([i]), frozenset(round(f, 6) for f in beside[i]))
        for i in range(len(first))
        if not _UNCHANGED.search(between[i + 1].split(",")[0])
    ]
    return Expected(names, tuple(steps), _last(question, len(names)), len(names))


def _last(question: str, count: int) -> tuple[int, int]:
    """The least and the most calculations over all: one for a total; for the ends of an order perhaps one."""
    # What is asked stands after the changes.
    asked = question[max(0, *(question.rfind(w) for w in _ASKING)) :]
    if _ALL.search(asked) and not _END.search(asked):
        return (1, 1)
    if _TWO.search(asked):
        return (1, 1) if count == 2 and not _END.search(asked) else (0, 1)
    if _END.search(asked) and _ALL.search(asked):
        return (0, 1)
    return (0, 0) if _WHICH.search(asked) else (0, 1)


def _pairs(question: str, found: list[Mention], names: tuple[str, ...]) -> Expected | None:
    """One calculation with each two names that stand together; a last one may choose among them."""
    if len(found) % 2:
        return None
    at = {plain(n): i for i, n in enumerate(names)}
    pairs = [
        frozenset([at[plain(a.text)], at[plain(b.text)]])
        for a, b in zip(found[::2], found[1::2], strict=True)
    ]
    if any(len(p) != 2 for p in pairs) or len(set(pairs)) < 2:
        return None
    return Expected(names, tuple(Step(p) for p in dict.fromkeys(pairs)), (0, 1), len(names))


def _changes(text: str) -> list[tuple[float, bool, str]]:
    """The changes that a stretch of text tells: the number, whether it is a percentage, and the clause it stands in."""
    found = [
        (float(m[1]), m[2] is not None, m.start(), m.end())
        for m in _NUMBER.finditer(text)
        if m[2] or not re.match(r"\.\s", text[m.end() :])  # `1. If ...`
    ]
    for n, words in _WORDS.items():
        found += [
            (n, False, m.start(), m.end()) for m in re.finditer(rf"\b(?:{words})\b", text, re.IGNORECASE)
        ]
    clauses = [(text.rfind(", ", 0, start) + 1, text.find(",", end)) for _, _, start, end in found]
    return [
        (n, percent, text[low : high if high >= 0 else len(text)])
        for (n, percent, _, _), (low, high) in zip(found, clauses, strict=True)
    ]


def _factors(text: str) -> set[float]:
    """What the changes that `text` tells may multiply a value with; both ways where it does not say which."""
    out: set[float] = set()
    for n, percent, clause in _changes(text):
        up, down = _UP.search(clause) is not None, _DOWN.search(clause) is not None
        # To grow by 2.5 times may mean either; to be doubled does not.
        more = {1 + n / 100} if percent else {n} if n in _WORDS else {n, 1 + n}
        less = {1 - n / 100} if percent else {1 / n if n else 0.0}
        out |= (more if up or not down else set()) | (less if down or not up else set())
    return out


def _lower_case(question: str) -> list[Mention]:
    """Names without capitals: `a greyhound that ...`."""
    return [Mention(m[1], m.start(1), m.end(1)) for m in _LOWER.finditer(question)]


def _is_unit(text: str) -> bool:
    return re.fullmatch(r"(?:km|KM|Answer)\S*", text) is not None
