"""The names in a question, read by rules: runs of capitalised words, quoted titles, what stands beside "and" and "or".

No model and no list of known things is used, so that the rules hold for questions nobody has seen.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from llmcompiler_planners.words import word_set

INNER = word_set(
    "of the in for to a an de la le les von van der den del di da du dos y e i und et ul al el bin ibn og on "
    "with at from by upon & v. vs. 'n' n'"
)
"""Words in small letters that a name may hold inside."""
LEADING = word_set(
    "are is was were do does did has have had which who whom whose what when where why how between both if "
    "given after considering suppose with take among out of in determine compute calculate identify the upon "
    "assuming factoring either of did can could would worker for following these that one to and or answer "
    "while many on at from by each following a an than then imagine say find it its"
)
"""Words that are no part of a name where they stand before one, capital letter or not."""
_PEOPLES = word_set(
    "american british english scottish welsh irish french german italian spanish portuguese dutch belgian "
    "swiss austrian danish swedish norwegian finnish polish czech hungarian romanian bulgarian greek turkish "
    "russian ukrainian canadian mexican brazilian argentine australian indian pakistani chinese japanese "
    "korean israeli egyptian african asian european"
)
_OPEN, _CLOSE = "([{\"“‘'«", ")]}\"”’'»?!;"
_POSSESSIVE = re.compile(r"(?<=\w)(?:['’]s?)\Z")
_QUOTED = re.compile(r"[\"“]([^\"“”]{2,80})[\"”]|(?<!\w)'((?!s )[^']{2,80})'(?!\w)")
_SHORT = re.compile(r"(?:\b\w{1,2}|Inc|Ltd|Bros|Jr|Sr)\.\Z")
_ARTICLE = re.compile(r"\A(?:the|a|an)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name where it stands in a text."""

    text: str
    start: int
    end: int


def quoted(text: str) -> list[str]:
    """Texts in quotation marks."""
    return [(m[1] or m[2]).strip(" ,.?") for m in _QUOTED.finditer(text)]


def mentions(text: str, inner: Collection[str] = INNER) -> list[Mention]:
    """Every run of capitalised words, in order. Commas and colons end one, and a possessive before a small word.

    Args:
        text: A question.
        inner: Words in small letters that a name may hold inside.
    """
    found: list[Mention] = []
    run: list[re.Match[str]] = []
    first = True
    for m in re.finditer(r"\S+", text):
        word = m.group()
        core = word.strip(_OPEN + _CLOSE + ",.:")
        starts = word[:1] in _OPEN and bool(run)
        if starts:
            _close(run, text, found)
        capital = bool(core) and (
            core[0].isupper() or (core[0].isdigit() and bool(re.search(r"[A-Z]", core)))
        )
        leads = _POSSESSIVE.sub("", core).lower() in LEADING and (first or not run) and core.lower() != "the"
        if (
            (capital and not (leads and (first or core[0].islower())))
            or (run and _goes_inside(word, run, inner))
            or _part_number(m, run, text)
        ):
            run.append(m)
        else:
            _close(run, text, found)
        ended = word.rstrip(")")[-1:] in ",;:?!" or (
            word.endswith(".") and not re.fullmatch(r"(?:[A-Z]\.)+|\w{1,4}\.", word)
        )
        owns = _POSSESSIVE.search(word.rstrip(",;:?!.")) and not re.match(r"\s+[A-Z]", text[m.end() :])
        if run and (ended or owns):
            _close(run, text, found)
        first = word[-1] in ".?!:" and not re.fullmatch(r"(?:[A-Z]\.)+", word)
    _close(run, text, found)
    return found


def _goes_inside(word: str, run: list[re.Match[str]], inner: Collection[str]) -> bool:
    # `The Shame of a City`, but `Walter a General`.
    return word.lower() in inner and (word not in ("a", "an") or run[-1].group().lower() in inner)


def _part_number(m: re.Match[str], run: list[re.Match[str]], text: str) -> bool:
    """Whether a number belongs to a name: `Commodore 16`, `277 Park Avenue`, `750 7th Avenue`."""
    if not re.fullmatch(r"[(\"]?\d+(?:st|nd|rd|th)?\??", m.group()):
        return False
    after = re.match(r"\s+(?:\d+(?:st|nd|rd|th)? )?([A-Z]\w*)", text[m.end() :])
    return bool(run) or (
        after is not None and not m.group().endswith("?") and after[1].lower() not in LEADING
    )


def _close(run: list[re.Match[str]], text: str, found: list[Mention]) -> None:
    while run and (run[-1].group().lower() in INNER or run[-1].group().lower() in ("the", "and")):
        run.pop()
    if run and not (len(run) == 1 and run[0].group().strip(",.?").lower() in LEADING | _PEOPLES):
        start, end = run[0].start(), run[-1].end()
        name = _POSSESSIVE.sub("", text[start:end].strip(_OPEN + _CLOSE + ",:")).rstrip(",?")
        if name.endswith(".") and not _SHORT.search(name):
            name = name[:-1]
        found.append(Mention(name, start, end))
    run.clear()


def without_people(name: str) -> str:
    """`name` without a nationality at its end: in `Are A and B American?` that is no part of `B`."""
    words = name.split()
    while len(words) > 1 and words[-1].lower().rstrip("s") in _PEOPLES:
        words.pop()
    return " ".join(words)


def plain(name: str) -> str:
    """A name in the form in which names are compared."""
    text = _ARTICLE.sub("", " ".join(re.findall(r"[^\s]+", name)).strip(" .,?!:;\"'“”‘’()"))
    return " ".join(re.sub(r"[\"“”‘’'.,:;()!?]", "", text).casefold().split())


def names_same(query: str, name: str) -> bool:
    """Whether a query is about this very thing: the same words, but for descriptions in small letters round them.

    `the film Rope`, `Rope` and `height of Rope` are about `Rope`; `Rope 2` and `Golden Rope` are not.
    """
    if plain(query) == plain(name):
        return True
    one, other = plain(query).split(), plain(name).split()
    short, long, text = (one, other, name) if len(one) < len(other) else (other, one, query)
    for i in range(len(long) - len(short) + 1):
        if short and long[i : i + len(short)] == short:
            small = {plain(w) for w in re.findall(r"\S+", text) if w[:1].islower()}
            return all(w in small for w in long[:i] + long[i + len(short) :])
    return False
