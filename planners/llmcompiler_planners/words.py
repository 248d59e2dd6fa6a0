"""A question as words: what a copy grammar may copy, the numbers in it, and the names it holds.

Only reading happens here; what the wording means for tools is in `phrases`, GBNF is written in `grammar`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

MAX_WORDS = 160
"""Words of a question that are read; what stands beyond is not seen."""
MAX_WORD = 80
"""Characters of one word; a longer one is no word but data, and can not be copied."""

_OPEN = "([{<\"'`“”‘’„«‹¿¡"
_CLOSE = ")]}>\"'`“”‘’»›.,;:!?…。，、！？"
_STOPS = frozenset(".!?:。！？")
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_QUOTES = re.compile(r"\"([^\"\n]{1,120})\"|“([^”\n]{1,120})”|«([^»\n]{1,120})»")
_ABBREVIATION = re.compile(r"(?:[A-Z]|St|Mt|Ft|Mr|Mrs|Ms|Dr|Jr|Sr|Prof|No|vs|(?:[A-Za-z]\.)+[A-Za-z])\.")
_POSSESSIVE = re.compile(r"(?<=\w)(?:['’][sS]|(?<=[sS])['’])\Z")
# Scripts without spaces between words: a run may start or end at every character.
_UNSPACED = re.compile(f"[{_CJK}]")
_PIECES = re.compile(f"[{_CJK}]|[^{_CJK}]+")
NUMBER = re.compile(r"(?<![\w.])[-−]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,18})(?:\.\d{1,12})?(?![\d])")
NUMBER_WORDS = {
    word: number
    for number, words in {
        "2": "two twice double doubled doubles half halve halved",
        "3": "three thrice triple tripled third thirds",
        "4": "four quarter quarters quadruple",
        "5": "five fifth",
        "6": "six",
        "7": "seven",
        "8": "eight",
        "9": "nine",
        "10": "ten",
        "12": "twelve dozen",
        "15": "fifteen",
        "20": "twenty",
        "50": "fifty",
        "100": "percent",
    }.items()
    for word in words.split()
}


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, for lists of words that are read more easily as one text."""
    return frozenset(text.split())


_MAGNITUDES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9}
FUNCTION_WORDS = word_set(
    "a an and are as at be been between both but by can compare compute convert did do does each for from had has have "
    "how i if in into is it its many me more most much my no not of off on or our please show tell than that the their "
    "them then there these they this those to us versus vs was we were what what's when where where's which who who's "
    "whose why will with would you your far long big bigger biggest large larger largest small smaller smallest tall "
    "taller tallest high higher highest old older oldest young younger youngest fewer less least"
)
"""Words that carry a sentence rather than name a thing: no run ends with one, and only few may begin one."""
_LINKS = word_set(
    "a an and as at between but by for from in into it its me my no not of off on or our than that the their to us "
    "with you your"
)
_AFTER_VERBS = word_set("the a an me us my all how what which each these those both its their")
_MAY_BEGIN = word_set("a an the no my our your")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a question, without the punctuation round it."""

    text: str
    base: str
    """The word without a possessive ending; the same as `text` where it has none."""
    join: str | None
    """What stands between it and the next word of a run; None where a run can not go on."""
    first: bool = False
    """Whether a sentence begins here, so that its capital letter says nothing."""
    order: bool = False
    """Whether it begins a sentence and what follows makes it a verb: `Take the ...`, `Give me ...`."""

    @property
    def lower(self) -> str:
        """Its base in lower case."""
        return self.base.lower()

    @property
    def functional(self) -> bool:
        """Whether it only carries the sentence: `of`, and `Which` where a sentence begins."""
        return self.lower in FUNCTION_WORDS and (self.first or self.text.islower())

    @property
    def breaks(self) -> bool:
        """Whether no run goes across it: verbs and question words in small letters."""
        return self.text.islower() and self.lower in FUNCTION_WORDS - _LINKS

    @property
    def named(self) -> bool:
        """Whether it is written like a name."""
        return self.text[0].isupper() and not self.functional and not self.order

    @property
    def begins(self) -> bool:
        """Whether a run may begin here."""
        if self.order or not any(c.isalnum() for c in self.text):
            return False
        return not self.functional or self.lower in _MAY_BEGIN

    @property
    def ends(self) -> bool:
        """Whether a run may end here."""
        return any(c.isalnum() for c in self.text) and not self.functional


@dataclass(frozen=True)
class Question:
    """A question, read for copying."""

    text: str
    """What was read, in one line, control characters and repeated spaces gone."""
    words: tuple[Word, ...]
    cut: bool = False
    """Whether it was too long, so that only its beginning is here."""

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The numbers of the question as plan literals, each once: `1,500` is `1500`, `three` is `3`."""
        found = [number_literal(m, self.text) for m in NUMBER.finditer(self.text)]
        found += [NUMBER_WORDS[w.lower] for w in self.words if w.lower in NUMBER_WORDS]
        if "%" in self.text:
            found.append("100")
        return tuple(dict.fromkeys(found))[:40]

    @cached_property
    def digits(self) -> tuple[str, ...]:
        """The numbers that are written in digits, as in `numbers`."""
        return tuple(
            n for n in self.numbers if re.sub(r"\.?0*\Z", "", n) in self._plain_text or n in self._plain_text
        )

    @cached_property
    def _plain_text(self) -> str:
        return self.text.replace(",", "")

    @cached_property
    def quoted(self) -> tuple[str, ...]:
        """Texts in quotation marks, each once."""
        found = [next(g for g in m.groups() if g is not None).strip() for m in _QUOTES.finditer(self.text)]
        return tuple(dict.fromkeys(f for f in found if f))[:20]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Its words in lower case, each with what it may be in the singular."""
        return frozenset(v for w in self.words for v in variants(w.lower))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Runs of capitalised words, and quoted texts: what the question is likely to be about, each once."""
        runs: list[list[str]] = []
        going_on = False
        for w in self.words:
            if not w.named:
                going_on = False
                continue
            if going_on:
                runs[-1].append(w.base)
            else:
                runs.append([w.base])
            going_on = w.join is not None and w.base == w.text
        return tuple(dict.fromkeys([*self.quoted, *(" ".join(r) for r in runs)]))

    def run(self, start: int, count: int) -> str | None:
        """The run of `count` words from `start`, the last one without a possessive ending; None if there is none."""
        part = self.words[start : start + count]
        if len(part) < count or any(w.join is None for w in part[:-1]):
            return None
        return "".join(w.text + (w.join or "") for w in part[:-1]) + part[-1].base


_BREAK = re.compile(r"(?P<before>[^\s]?)[^\S\n]*[\r\n][\s]*(?:[-*•][ \t]+)?")


def one_line(text: str) -> str:
    """`text` in one line: line breaks become semicolons where nothing else ends the line, so that lists stay lists."""

    def mark(m: re.Match[str]) -> str:
        before = m["before"]
        return before + (" " if not before or before in _CLOSE else "; ")

    return " ".join(_BREAK.sub(mark, text.strip()).split())


def read_question(text: str, *, max_words: int = MAX_WORDS) -> Question:
    """`text` as words; never raises.

    ```python
    from llmcompiler_planners.words import read_question

    assert [w.base for w in read_question("Is Tokyo's area 5 km²?").words] == ["Is", "Tokyo", "area", "5", "km²"]
    ```
    """
    head = text[: max_words * (MAX_WORD // 4)].encode("utf-8", "replace").decode()
    clean = "".join(c if c.isprintable() else " " for c in one_line(head))
    words: list[Word] = []
    cut = len(head) < len(text)
    seen, first = 0, True
    for m in re.finditer(r"\S+", clean):
        if len(words) >= max_words:
            cut = True
            break
        words.extend(_words(m.group(), first))
        seen, first = m.end(), m.group()[-1] in _STOPS
    for i, (word, after) in enumerate(pairwise(tuple(words))):
        if word.first and word.join == " " and after.lower in _AFTER_VERBS:
            words[i] = replace(word, order=True)
    return Question(" ".join(clean[:seen].split()), tuple(words[:max_words]), cut)


def _words(raw: str, first: bool) -> Iterator[Word]:
    core = raw.lstrip(_OPEN).rstrip(_CLOSE)
    tail = raw[raw.find(core) + len(core) :] if core else ""
    if tail.startswith(".") and _ABBREVIATION.fullmatch(core + "."):
        core, tail = core + ".", tail[1:]
    if not core:
        return
    if len(core) > MAX_WORD:
        yield Word("-", "-", None)
        return
    end = None if tail else " "
    if _UNSPACED.search(core):
        *pieces, last = _PIECES.findall(core)
        for i, piece in enumerate(pieces):
            yield Word(piece, piece, "", first and i == 0)
        yield Word(last, last, end, first and not pieces)
    else:
        yield Word(core, _POSSESSIVE.sub("", core), end, first)


def number_literal(found: re.Match[str], text: str) -> str:
    """A number found in `text` as a plan literal, a magnitude after it included: `2.5 million` is `2500000`."""
    number = re.sub(r"\A(-?)0+(?=\d)", r"\1", found.group().replace(",", "").replace("−", "-"))
    after = re.match(r"\s+([a-z]+)", text[found.end() : found.end() + 12].lower())
    zeros = _MAGNITUDES.get(after.group(1), 0) if after else 0
    whole, _, part = number.partition(".")
    if not zeros or len(part) > zeros:
        return number
    return re.sub(r"\A(-?)0+(?=\d)", r"\1", whole + part.ljust(zeros, "0"))


def variants(word: str) -> tuple[str, ...]:
    """`word` and other forms that may mean the same: without a plural ending, and with `-meter` for `-metre`."""
    out = [word]
    if len(word) > 3 and word.endswith("s"):
        out.append(word[:-1])
    if len(word) > 4 and word.endswith("ies"):
        out.append(word[:-3] + "y")
    if len(word) > 4 and word.endswith("es"):
        out.append(word[:-2])
    return tuple(out + [w.replace("metre", "meter") for w in out if "metre" in w])
