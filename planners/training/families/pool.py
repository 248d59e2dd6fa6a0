"""Which tools are offered together: sets that permit a family, in which it is clear which tool is meant."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..bank import names
from ..specs import Spec, Split
from .chains import list_items
from .scene import (
    PRECISE,
    at_path,
    is_calculator,
    is_converter,
    is_number,
    is_plain,
    is_plain_value,
    is_search,
)
from .wording import skeleton, wordings

_GENERIC = frozenset(
    [
        "get",
        "find",
        "list",
        "search",
        "lookup",
        "look",
        "fetch",
        "of",
        "for",
        "in",
        "the",
        "a",
        "an",
        "at",
        "on",
        "by",
        "and",
        "to",
        "info",
        "information",
        "details",
        "data",
        "name",
        "names",
        "current",
        "check",
        "show",
        "make",
        "create",
        "add",
        "set",
        "new",
        "all",
        "one",
        "number",
        "count",
        "rate",
        "time",
        "date",
        "city",
        "country",
        "place",
        "person",
        "company",
        "title",
        "value",
        "what",
        "who",
        "which",
        "when",
        "how",
        "is",
        "api",
        "service",
        "tool",
        "query",
        "near",
        "nearby",
        "book",
        "order",
        "best",
        "top",
    ]
)
Choice = Callable[["Pool", random.Random], list[Spec]]


@dataclass
class Pool:
    """The specs that one split may use."""

    split: Split
    every: Sequence[Spec]
    specs: list[Spec] = field(init=False)

    def __post_init__(self) -> None:
        self.specs = [s for s in self.every if s.split == self.split]

    @cached_property
    def plain(self) -> list[Spec]:
        """Tools that are about something of their own."""
        return [s for s in self.specs if is_plain(s)]

    @cached_property
    def calculators(self) -> list[Spec]:
        """Tools that take a formula."""
        return [s for s in self.specs if is_calculator(s)]

    @cached_property
    def converters(self) -> list[Spec]:
        """Tools that convert units."""
        return [s for s in self.specs if is_converter(s)]

    @cached_property
    def searches(self) -> list[Spec]:
        """Tools that look up anything."""
        return [s for s in self.specs if is_search(s)]

    @cached_property
    def comparable(self) -> list[Spec]:
        """Tools that can be asked of several things."""
        return [s for s in self.plain if single(s) and (s.compares or s.nouns)]

    @cached_property
    def measuring(self) -> list[Spec]:
        """Those that give figures."""
        return [s for s in self.plain if single(s) and has_figures(s)]

    @cached_property
    def optioned(self) -> list[Spec]:
        """Tools with arguments to choose."""
        return [
            s
            for s in self.plain
            if len(s.slots) > 1 or any(x.kind in ("number", "choice", "flag") for x in s.slots)
        ]

    @cached_property
    def pairs(self) -> list[tuple[Spec, Spec]]:
        """A tool, and one that takes what it gives."""
        return [
            (a, b)
            for a in self.plain
            if single(a)
            for b in [*self.plain, *self.searches]
            if a is not b and b.slots and not clash(a, b) and _feeds(a, b)
        ]

    @cached_property
    def looped(self) -> list[tuple[Spec, Spec]]:
        """A tool that gives a list, and one that takes its items."""
        return [
            (a, b)
            for a in self.plain
            if a.asks or a.nouns
            for _, _, kind in list_items(a, a.returns)
            for b in self.plain
            if a is not b and single(b) and b.nouns and names.fits(kind, b.slots[0].kind) and not clash(a, b)
        ]

    @cached_property
    def barred(self) -> frozenset[str]:
        """Wordings that are trained on."""
        if self.split == "train":
            return frozenset()
        return frozenset(skeleton(w) for s in self.every if s.split == "train" for w in said_by(s, "train"))

    def fill(self, chosen: Sequence[Spec], count: int, rng: random.Random) -> list[Spec]:
        """The chosen and others that can not be taken for them, this many in all where there are as many."""
        out: list[Spec] = []
        for spec in chosen:
            if not any(clash(spec, o) for o in out):
                out.append(spec)
        utilities = [*self.calculators, *self.converters, *self.searches]
        for _ in range(count * 3):
            if len(out) >= count:
                break
            if rng.random() < 0.3:
                spec = rng.choice(utilities)
            elif out and rng.random() < 0.35:
                spec = rng.choice([s for s in self.plain if s.domain == out[0].domain] or self.plain)
            else:
                spec = rng.choice(self.plain)
            if not any(clash(spec, o) for o in out):
                out.append(spec)
        return out


def single(spec: Spec) -> bool:
    """Whether a call takes one thing, by name."""
    need = [s for s in spec.slots if not s.optional]
    return len(need) == 1 and need[0] is spec.slots[0] and need[0].kind not in PRECISE


def has_figures(spec: Spec) -> bool:
    """Whether it gives numbers of a thing."""
    if is_number(spec.returns) and spec.nouns:
        return True
    return any(is_number(at_path(spec.returns, path)) for path in spec.field_nouns)


def _feeds(a: Spec, b: Spec) -> bool:
    kind = b.slots[0].kind
    if kind in PRECISE:
        return False
    if a.nouns and is_plain_value(a.returns) and names.fits(a.result, kind):
        return True
    return any(
        names.fits(a.fields.get(f, ""), kind) and is_plain_value(at_path(a.returns, f)) for f in a.field_nouns
    )


def said_by(spec: Spec, split: Split | None = None) -> list[str]:
    """Its wordings, all or those of one split."""
    lists = [spec.asks, spec.clauses, spec.nouns, spec.compares, *spec.field_nouns.values()]
    return [w for every in lists for w in (every if split is None else wordings(every, split))]


def words_of(spec: Spec) -> frozenset[str]:
    """What a tool is about, by the words of its names, fields and nouns."""
    nouns = [*spec.nouns, *(n for every in spec.field_nouns.values() for n in every)]
    texts = [*spec.names, *spec.fields, *(re.sub(r"\{\w+\}.*", "", n) for n in nouns)]
    words = {w.lower() for t in texts for w in re.findall(r"[A-Za-z][a-z]+", t)}
    slots = {w for s in spec.slots for n in (s.name, *s.aliases) for w in n.split("_")}
    return frozenset(w.removesuffix("s") for w in words - _GENERIC - slots) - _GENERIC


# By identity, as specs hold mappings and so have no hash; the specs are kept so that no identity comes twice.
_CLASHES: dict[tuple[int, int], tuple[Spec, Spec, bool]] = {}
_ABOUT: dict[int, tuple[Spec, frozenset[str], frozenset[str]]] = {}


def clash(a: Spec, b: Spec) -> bool:
    """Whether a question for one could be meant for the other."""
    key = (id(a), id(b))
    if key not in _CLASHES:
        _CLASHES[key] = (a, b, _clash(a, b))
    return _CLASHES[key][2]


def _clash(a: Spec, b: Spec) -> bool:
    if a is b or (is_calculator(a) and is_calculator(b)) or (is_converter(a) and is_converter(b)):
        return True
    if is_search(a) and is_search(b):
        return True
    if not set(a.names).isdisjoint(b.names):
        return True
    if not is_plain(a) or not is_plain(b):
        return False
    (words, said), (others, others_said) = _told(a), _told(b)
    return not words.isdisjoint(others) or not said.isdisjoint(others_said)


def _told(spec: Spec) -> tuple[frozenset[str], frozenset[str]]:
    if id(spec) not in _ABOUT:
        _ABOUT[id(spec)] = (spec, words_of(spec), frozenset(skeleton(w) for w in said_by(spec)))
    return _ABOUT[id(spec)][1:]
