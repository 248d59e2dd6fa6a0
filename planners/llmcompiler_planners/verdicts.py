"""What follows from values copied out of texts: the same or not, yes or no, which one, or only the values.

The question says what is compared, the values are compared as dates, amounts or words. Where they do not settle it,
nothing is decided. No model is called here; how dates and amounts are read is in `measures`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .comparisons import LESS, MORE, POLAR, SAME, Verdict
from .measures import Amount, When, lasted, read_amount, read_when
from .words import FUNCTION_WORDS, Question, variants, word_set

_EARLY = word_set(
    "first earlier earliest before prior sooner soonest older oldest preceded precedes predates"
)
_LATE = word_set("last later latest after newer newest recent recently younger youngest")
_AGE = word_set("older oldest younger youngest")
_MOST = MORE | word_set("deeper deepest wider widest faster fastest bigger longer")
_LEAST = LESS | word_set("shallower shallowest narrower narrowest slower slowest")
_LIVED = re.compile(
    r"\b(?:lived?|lives) (?:the )?(?:longer|longest|shorter|shortest)\b|\b(?:longer|shorter) li(?:fe|ved)\b"
)
_UNLIKE = word_set("different separate differ differs distinct")
_NOT = word_set("not neither nor outside non except other unlike without")
_SHARING = word_set("share shares shared sharing common alike match matching")
_SHARED = re.compile(r"\b(?:in common|share[sd]?|both|same)\b")
_ASKS = word_set("who whom whose when where what which how")
_ORDERS = word_set("compare name give find list tell show say")
_TELLING = word_set(
    "history plot describe description summary summarise summarize summaries overview explain explanation biography "
    "story meaning mean happened happen similar recommend recommendation why details detail article text introduction"
)
_TOLD = re.compile(r"\b(?:tell|know|say|read|learn|write)\b(?: \w+){0,3} about\b")
_PLAIN = word_set("when where same old tall high long far")
_ARITHMETIC = word_set("difference total average mean sum ratio combined together altogether")
_BY_HOW_MUCH = re.compile(r"\bhow (?:many|much|far)\b(?: \w+){0,2} (?:more|less|\w+er)\b")
_NOWHERE = 1 << 30
_HOW = word_set("many much old tall high long far big large deep heavy fast wide young")
_LOOSE = word_set(
    "both either located based situated known famous considered primarily native people person thing kind type types "
    "one ones same common genre nationality country city state origin place town area region following professional "
    "released made born lies lie live lives lived work worked works there come comes came being two could during ever "
    "also any all used use film films movie movies book books song songs band bands magazine magazines"
)
"""Words of a question that no value has to hold for it to agree."""
_ARTICLES = word_set("the a an of in at from and or for")
_PEOPLES = """
american united_states usa u.s u.s.a america|british united_kingdom uk u.k britain great_britain|english england
scottish scotland|welsh wales|irish ireland|french france|german germany|italian italy|spanish spain
portuguese portugal|dutch netherlands holland|belgian belgium|swiss switzerland|austrian austria|danish denmark
swedish sweden|norwegian norway|finnish finland|icelandic iceland|polish poland|czech czech_republic czechia
slovak slovakia|hungarian hungary|romanian romania|bulgarian bulgaria|greek greece|turkish turkey|russian russia
ukrainian ukraine|estonian estonia|latvian latvia|lithuanian lithuania|serbian serbia|croatian croatia
slovenian slovenia|bosnian bosnia|canadian canada|mexican mexico|brazilian brazil|argentine argentinian argentina
chilean chile|colombian colombia|peruvian peru|venezuelan venezuela|cuban cuba|jamaican jamaica
australian australia|new_zealander new_zealand|indian india|pakistani pakistan|bangladeshi bangladesh
chinese china|japanese japan|south_korean south_korea|north_korean north_korea|vietnamese vietnam|thai thailand
indonesian indonesia|malaysian malaysia|filipino philippines|iranian persian iran|iraqi iraq|israeli israel
egyptian egypt|moroccan morocco|algerian algeria|tunisian tunisia|nigerian nigeria|ghanaian ghana|kenyan kenya
ethiopian ethiopia|south_african south_africa|european europe|african africa|asian asia
"""
_PEOPLE = {
    name.replace("_", " "): group.split()[0].replace("_", " ").replace(" ", "")
    for group in _PEOPLES.strip().replace("\n", "|").split("|")
    for name in group.split()
}
_PEOPLE_NAMED = re.compile(
    r"(?<![\w.])(?:" + "|".join(re.escape(n) for n in sorted(_PEOPLE, key=len, reverse=True)) + r")(?![\w])"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and whose it is."""

    label: str
    value: str

    @property
    def shown(self) -> str:
        """For people."""
        return f"{self.label} ({self.value})"


@dataclass(frozen=True)
class Asked:
    """A question with the names of what it is about, in the order in which it says them."""

    question: Question
    labels: tuple[str, ...]

    @cached_property
    def text(self) -> str:
        """In small letters."""
        return _lower(self.question.text)

    @cached_property
    def said(self) -> frozenset[str]:
        """Its words in small letters, those of the names left out."""
        return frozenset(re.findall(r"[\w'’/+#.-]*\w", self._without_labels))

    @cached_property
    def either(self) -> bool:
        """Whether it lets one choose: `A or B`, `which of A and B`."""
        return self._chooses or bool(re.match(r"\W*(?:which|who|whose)\b", self.text))

    @cached_property
    def polar(self) -> bool:
        """Whether yes or no is the answer."""
        words = self.question.words
        begins = bool(words) and words[0].lower in POLAR
        ends = re.search(r", both [^,]*\?", self.text) is not None
        return (begins or (ends and not self.said & _ASKS)) and not self._chooses

    @cached_property
    def topic(self) -> tuple[str, ...]:
        """What it says of the names, in the forms in which words are compared."""
        kept = (_stem(w) for w in _words(self._without_labels) if w not in FUNCTION_WORDS | _LOOSE)
        return tuple(dict.fromkeys(kept))

    @cached_property
    def directed(self) -> bool:
        """Whether it asks for one end of an order: the first, the larger, the more recent."""
        ends = any(self.first_of(w) < _NOWHERE for w in (_EARLY, _LATE, _MOST, _LEAST))
        return ends and not self.said & _ARITHMETIC and not _BY_HOW_MUCH.search(self._without_labels)

    @cached_property
    def _without_labels(self) -> str:
        text = re.sub(r"\b(?:more|most) (?=recent)", "", self.text)
        for label in sorted(self.labels, key=len, reverse=True):
            text = text.replace(label.casefold(), " _ ")
        return text

    @cached_property
    def _chooses(self) -> bool:
        return re.search(r"_[\W]*\s+(?:or|versus|vs\.?)\s", self._without_labels) is not None

    def first_of(self, words: frozenset[str]) -> int:
        """Where the first of these words stands; a large number where none does."""
        places = (m.start() for m in re.finditer(r"\w+", self._without_labels) if m.group() in words)
        return next(places, _NOWHERE)


def asks_for_value(asked: Asked) -> bool:
    """Whether a question asks for one fact of each of its names, rather than for their texts."""
    words = asked.question.words
    if not words or asked.said & _TELLING or _TOLD.search(asked.text):
        return False
    first = words[0].lower
    if "how" in asked.said and not asked.said & _HOW:
        return False
    about = [w for w in _words(asked._without_labels) if w not in FUNCTION_WORDS | _ASKS | _ORDERS]
    asking = first in POLAR or bool(asked.said & _ASKS) or first in _ORDERS
    return asking and bool(about or asked.said & _PLAIN or asked.directed)


def decide(asked: Asked, found: Sequence[Found]) -> Verdict:
    """What the values say to the question; only told where they do not settle it."""
    two = len(found) > 1
    verdict: Verdict | None = None
    if two and asked.polar and asked.said & (SAME | _UNLIKE | _SHARING):
        verdict = _same(asked, found)
    elif asked.directed:
        verdict = _ranked(asked, found)
    elif asked.polar:
        verdict = _agreeing(asked, found)
    elif two and _SHARED.search(asked.text) and all(_alike(found[0], f) for f in found):
        least = min(found, key=lambda f: len(f.value))
        verdict = Verdict(f"{least.value}: {_listed(found)}.", (least.value, *_typed(least.value)))
    elif two and asked.either:
        verdict = _chosen(asked, found)
    return verdict or told(found)


def told(found: Sequence[Found], *, named: bool = False) -> Verdict:
    """The values, nothing compared; a single one alone, unless it is `named`."""
    if len(found) == 1 and not named:
        return Verdict(found[0].value, (found[0].value, *_typed(found[0].value)))
    text = "\n".join(f"{f.label}: {f.value}" for f in found)
    return Verdict(text, ([f.value for f in found],))


def _typed(value: str) -> tuple[object, ...]:
    """The value as a number or a date, where it is one, for answers of such a type."""
    when, amount = read_when(value), read_amount(value)
    if when is not None and when.day is not None:
        return (when.day, when.year)
    number = [] if amount is None else [int(amount.number) if amount.number.is_integer() else amount.number]
    return (when.year,) if when is not None and when.last - when.first < 400 else tuple(number)


# -- the same ------------------------------------------------------------------


def _same(asked: Asked, found: Sequence[Found]) -> Verdict:
    same = all(_alike(found[0], f) for f in found[1:])
    holds = same is not bool(asked.said & _UNLIKE)
    word = "the same" if same else "not the same"
    return _yes_or_no(holds, f"{word}: {_listed(found)}.")


def _alike(one: Found, other: Found) -> bool:
    return any(_within(a, b) or _within(b, a) for a in _items(one.value) for b in _items(other.value))


def _items(value: str) -> list[frozenset[str]]:
    """The things that a value lists: `actor and director` are two, `Leeds, England` is one."""
    listed = re.search(r"\s(?:and|&)\s", value) is not None
    parts = re.split(r",\s*(?:and\s+)?|\s+(?:and|&)\s+" if listed else r"\s+/\s+", value)
    return [s for p in parts if (s := frozenset(map(_stem, _words(p))))]


def _within(part: frozenset[str], whole: frozenset[str]) -> bool:
    return bool(part) and part <= whole


# -- first, larger -------------------------------------------------------------


def _ranked(asked: Asked, found: Sequence[Found]) -> Verdict | None:
    """The end of an order that is asked for, or whether two are in that order; None where nothing orders them."""
    items = list(found)
    if len(items) == 1 and asked.polar:
        items.append(Found("", asked._without_labels))  # `Is A higher than 8,000 m?`
    if len(items) < 2 or (order := _order(asked, items)) is None:
        return None
    if asked.polar and len(items) == 2:
        holds = order[0][1]
        return None if holds is None else _yes_or_no(holds, f"{_listed(found)}.")
    for i, row in enumerate(order):
        if all(row[j] for j in range(len(items)) if j != i):
            rest = "; ".join(f.shown for j, f in enumerate(items) if j != i)
            winner = items[i]
            return Verdict(f"{winner.shown}; {rest}.", (winner.label, winner.value, *_typed(winner.value)))
    return None


def _order(asked: Asked, found: Sequence[Found]) -> _Order | None:
    """For every two values, whether the one comes before the other in the direction that is asked for."""
    early, late, most, least = (asked.first_of(w) for w in (_EARLY, _LATE, _MOST, _LEAST))
    if _LIVED.search(asked.text):
        days = [Amount(d, d) for f in found if (d := lasted(f.value)) is not None]
        return (
            _lesser(days, asked.first_of(word_set("shorter shortest")) < most)
            if len(days) == len(found)
            else None
        )
    by_time = min(early, late) <= min(most, least)
    amounts = [a for f in found if (a := read_amount(f.value)) is not None]
    aged = asked.said & _AGE and all(a.dimension == "time" for a in amounts)
    if by_time and not aged:
        whens = [w for f in found if (w := read_when(f.value, last=_asks_for_end(asked))) is not None]
        if len(whens) == len(found):
            return _earlier(whens, early < late)
    if len(amounts) < len(found):
        return None
    if by_time and asked.said & _AGE:
        # Who is 80 years old is older than who is 70.
        return _lesser(amounts, late < early)
    return _lesser(amounts, early < late if by_time else least < most)


_Order = list[list[bool | None]]
"""For every two, whether the one is less than the other; None where that is not known."""


def _earlier(whens: Sequence[When], earlier: bool) -> _Order:
    return [[a.before(b) if earlier else b.before(a) for b in whens] for a in whens]


def _lesser(amounts: Sequence[Amount], less: bool) -> _Order:
    return [[a.less(b) if less else b.less(a) for b in amounts] for a in amounts]


def _asks_for_end(asked: Asked) -> bool:
    """Whether the question is about the end of a span of time: `1900 – 1980`, who died first?"""
    return bool(asked.said & word_set("died die dies ended end closed disbanded dissolved"))


# -- agreeing with what the question says --------------------------------------


def _agreeing(asked: Asked, found: Sequence[Found]) -> Verdict | None:
    if not asked.topic or asked.said & _NOT:
        return None
    agree = [_agrees(asked, f) for f in found]
    holds = any(agree) if "either" in asked.said else all(agree)
    return _yes_or_no(holds, f"{_listed(found)}.")


def _chosen(asked: Asked, found: Sequence[Found]) -> Verdict | None:
    if not asked.topic or asked.said & _NOT:
        return None
    agree = [f for f in found if _agrees(asked, f)]
    if len(agree) != 1:
        return None
    rest = "; ".join(f.shown for f in found if f is not agree[0])
    return Verdict(f"{agree[0].shown}; {rest}.", (agree[0].label, agree[0].value))


def _agrees(asked: Asked, found: Found) -> bool:
    topic = frozenset(asked.topic)
    return any(
        _within(item, topic) or _within(topic, item)
        for item in [*_items(found.value), frozenset(map(_stem, _words(found.value)))]
    )


def _words(text: str) -> list[str]:
    """The words of a text in small letters, a country and its people as one word."""
    lower = _PEOPLE_NAMED.sub(lambda m: _PEOPLE[m.group()], _lower(text))
    words = (re.sub(r"['’]s\Z", "", w) for w in re.findall(r"\w[\w'’.+#-]*\w|\w", lower))
    return [w for w in words if w != "_" and w not in _ARTICLES]


def _lower(text: str) -> str:
    return re.sub(r"\bUS\b", "USA", text).casefold()


def _stem(word: str) -> str:
    return min(variants(word), key=len)


def _listed(found: Sequence[Found]) -> str:
    return ", ".join(f.shown for f in found)


def _yes_or_no(holds: bool, text: str) -> Verdict:
    word = "Yes" if holds else "No"
    return Verdict(f"{word}: {text}", (holds, word.lower(), word))


__all__ = ["Asked", "Found", "asks_for_value", "decide", "told"]
