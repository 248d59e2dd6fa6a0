"""The tools of one group of examples, and how calls of them are asked for: wordings are filled in here.

What a family of questions looks like is in its own file; here is what they share: values for slots, nouns that name a
result, figures that can be reckoned with.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..bank import names
from ..specs import Slot, Spec, Split
from ..toolbox import build_tool
from .plans import Argument, Call, Formula, Literal, Many, Offered, Use
from .wording import listed, number_text, wordings

_SLOT = re.compile(r"\{(\w+)\}")
_LABELS = re.compile(
    r"\b(?:year|latitude|longitude|index|position|rank|ranking|rating|score|discount|founding|time zone"
    r"|date|in the table)\b"
)
"""Words for numbers that nobody adds up or divides."""
_NOUN = re.compile(r"^the (.+?) (of|in|for|at|on) \{(\w+)\}$")
PRECISE = ("number", "choice", "flag", "formula", "list")


class Unfit(Exception):
    """These tools do not permit what was wanted; another try may."""


@dataclass(frozen=True, slots=True)
class Said:
    """A value: how it is said in a question, and the argument that it becomes."""

    text: str
    arg: Argument


@dataclass(frozen=True, slots=True)
class Filled:
    """A wording with its values in place, and the call it asks for."""

    text: str
    call: Call


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a tool gives for one thing: all of a result, or one field of it."""

    offered: Offered
    path: str
    noun: str
    """The wording that names it."""

    @property
    def parts(self) -> tuple[str, str] | None:
        """`population`, `of` where the noun is "the population of {city}"."""
        found = _NOUN.match(self.noun)
        return None if found is None else (found[1], found[2])

    @property
    def kind(self) -> str:
        """What it is a figure of."""
        return self.offered.spec.slots[0].kind


@dataclass(frozen=True, slots=True)
class Scene:
    """The tools offered in one group of examples."""

    rng: random.Random
    split: Split
    offered: tuple[Offered, ...]
    barred: frozenset[str] = frozenset()
    """Wordings (as `skeleton`s) that are trained on, left out where scoring."""

    # -- which tools there are ------------------------------------------------

    def calculators(self) -> list[Offered]:
        """Tools that take a formula."""
        return [o for o in self.offered if is_calculator(o.spec)]

    def converters(self) -> list[Offered]:
        """Tools that convert units."""
        return [o for o in self.offered if is_converter(o.spec)]

    def searches(self) -> list[Offered]:
        """Tools that look up anything."""
        return [o for o in self.offered if is_search(o.spec)]

    def plain(self) -> list[Offered]:
        """The tools that are about one thing of their own."""
        return [o for o in self.offered if is_plain(o.spec)]

    def pick(self, offered: Sequence[Offered]) -> Offered:
        """One of these.

        Raises:
            Unfit: There is none.
        """
        if not offered:
            raise Unfit
        return self.rng.choice(offered)

    # -- wordings -------------------------------------------------------------

    def ways(self, spec: Spec, every: Sequence[str]) -> list[str]:
        """Those wordings of a spec that this split may use."""
        from .wording import skeleton

        if self.split == "held" and spec.split == "held":
            return [w for w in every if skeleton(w) not in self.barred]
        return list(wordings(every, self.split))

    def own(self, every: Sequence[str]) -> str:
        """One wording of a list of the generator's own."""
        return self.rng.choice(wordings(every, self.split))

    def usable(self, offered: Offered, every: Sequence[str]) -> list[str]:
        """Wordings that say every required slot and no other."""
        need = {s.name for s in offered.spec.slots if not s.optional}
        return [w for w in self.ways(offered.spec, every) if slots_in(w, offered.spec) == need]

    def fill(
        self,
        offered: Offered,
        every: Sequence[str],
        given: Mapping[str, Said] | None = None,
        *,
        avoid: Iterable[str] = (),
    ) -> Filled:
        """One of these wordings with values in place.

        Raises:
            Unfit: No wording says all that the call needs.
        """
        ways = self.usable(offered, every)
        if not ways:
            raise Unfit
        return self.put(offered, self.rng.choice(ways), given, avoid=avoid)

    def put(
        self,
        offered: Offered,
        wording: str,
        given: Mapping[str, Said] | None = None,
        *,
        avoid: Iterable[str] = (),
    ) -> Filled:
        """This wording with values in place, those of `given` and made ones."""
        spec = offered.spec
        said = dict(given or {})
        said = {**self.values(spec, avoid, said), **said}

        def one(found: re.Match[str]) -> str:
            return said[slot_name(found[1], spec)].text

        text = _SLOT.sub(one, wording)
        return Filled(text, self.call(offered, said))

    def call(self, offered: Offered, said: Mapping[str, Said]) -> Call:
        """The call with these values, by slot."""
        return Call(offered, tuple(said[s.name].arg for s in offered.spec.slots if not s.optional))

    def values(
        self, spec: Spec, avoid: Iterable[str] = (), given: Mapping[str, Said] | None = None
    ) -> dict[str, Said]:
        """A value for every required slot that has none."""
        out: dict[str, Said] = {}
        taken = list(avoid)
        units = [s for s in spec.slots if s.kind == "unit" and not s.optional]
        if len(units) == 2:
            pair = names.make_units(self.rng)
            out |= {s.name: Said(u, Literal(u)) for s, u in zip(units, pair, strict=True)}
        for slot in spec.slots:
            if slot.optional or slot.name in out or (given and slot.name in given):
                continue
            out[slot.name] = self.value(slot, taken)
            taken.append(out[slot.name].text)
        return out

    def value(self, slot: Slot, avoid: Iterable[str] = ()) -> Said:
        """A value of the slot's kind, other than those to avoid."""
        rng = self.rng
        if slot.kind == "number":
            return number(slot, rng)
        if slot.kind == "choice":
            choice = rng.choice(slot.choices)
            return Said(rng.choice(slot.said.get(choice, (choice,))), Literal(choice, copied=False))
        if slot.kind == "flag":
            return Said("", Literal(True))
        if slot.kind == "list":
            items = self.things(slot.items or "topic", rng.choice((2, 2, 3, 3, 4)))
            return Said(listed(items, rng), Many(tuple(map(Literal, items))))
        if slot.kind == "formula":
            raise Unfit
        return said(self.thing(slot.kind, avoid))

    def thing(self, kind: str, avoid: Iterable[str] = ()) -> str:
        """A name that is no part of another and holds none."""
        others = [a.lower() for a in avoid]
        for _ in range(20):
            name = names.make(kind, self.rng)
            low = name.lower()
            if not any(low in o or o in low for o in others) and len(name.split()) <= 9:
                return name
        raise Unfit

    def things(self, kind: str, count: int, avoid: Iterable[str] = ()) -> list[str]:
        """Several names, none part of another."""
        out: list[str] = []
        for _ in range(count):
            out.append(self.thing(kind, [*out, *avoid]))
        return out

    # -- what results are -----------------------------------------------------

    def single(self, offered: Offered) -> bool:
        """Whether a call of it takes one thing, by name."""
        need = [s for s in offered.spec.slots if not s.optional]
        return len(need) == 1 and need[0] is offered.spec.slots[0] and need[0].kind not in PRECISE

    def figures(self) -> list[Figure]:
        """Numbers that these tools give for one thing, such as one would reckon with."""
        every = [f for o in self.plain() if self.single(o) for f in self.figures_of(o)]
        return [f for f in every if f.noun.startswith(("the ", "{")) and not _LABELS.search(f.noun)]

    def figures_of(self, offered: Offered) -> Iterator[Figure]:
        """The numbers that one tool gives."""
        spec = offered.spec
        if is_number(spec.returns) and offered.tool.params:
            yield from (Figure(offered, "", n) for n in self.usable(offered, spec.nouns))
        if offered.tool.returns is not None:
            for path, nouns in spec.field_nouns.items():
                if spec.fields.get(path) == "number" or is_number(at_path(spec.returns, path)):
                    yield from (Figure(offered, path, n) for n in self.usable(offered, nouns))

    def ask_figure(self, figure: Figure, name: str) -> tuple[str, Use]:
        """The noun for this thing, and the operand that its value is."""
        filled = self.put(figure.offered, figure.noun, {figure.offered.spec.slots[0].name: said(name)})
        return filled.text, Use(filled.call, figure.path)

    def calculation(self, *parts: str | Use, by: Offered | None = None) -> Call:
        """A call of a calculator."""
        offered = by or self.pick(self.calculators())
        return Call(offered, (Formula(parts),))


# -- specs --------------------------------------------------------------------


def is_calculator(spec: Spec) -> bool:
    """Whether it takes a formula."""
    return any(s.kind == "formula" for s in spec.slots)


def is_converter(spec: Spec) -> bool:
    """Whether it converts units."""
    return sum(s.kind == "unit" and not s.optional for s in spec.slots) == 2


def is_search(spec: Spec) -> bool:
    """Whether it looks up anything, in an encyclopedia or on the web."""
    need = [s for s in spec.slots if not s.optional]
    return (
        len(need) == 1
        and need[0].kind == "topic"
        and spec.domain in ("search", "reference")
        and not lists(spec.returns)
    )


def lists(schema: object) -> bool:
    """Whether a result is a list."""
    return isinstance(schema, Mapping) and schema.get("type") == "array"


def is_plain(spec: Spec) -> bool:
    """Whether it is about something of its own, and is no calculator, converter or search."""
    return not (is_calculator(spec) or is_converter(spec) or is_search(spec))


def slot_name(placeholder: str, spec: Spec) -> str:
    """The slot that a placeholder of a wording stands for."""
    return spec.slots[int(placeholder)].name if placeholder.isdigit() else placeholder


def slots_in(wording: str, spec: Spec) -> set[str]:
    """The slots that a wording says."""
    return {slot_name(f[1], spec) for f in _SLOT.finditer(wording)}


def said(name: str) -> Said:
    """A name, said and copied as it is."""
    return Said(name, Literal(name))


def number(slot: Slot, rng: random.Random) -> Said:
    """A number that the slot takes."""
    value = (
        rng.randint(int(slot.low), int(slot.high))
        if slot.whole
        else round(rng.uniform(slot.low, slot.high), 1)
    )
    if not slot.whole and (rng.random() < 0.6 or value == int(value)):
        value = int(value) or 1
    if slot.name in ("year", "code", "port") or (slot.low > 1500 and slot.high < 2200):
        return Said(str(value), Literal(value))
    return Said(number_text(value, rng), Literal(value))


def is_number(schema: object) -> bool:
    """Whether a result is a number."""
    return isinstance(schema, Mapping) and schema.get("type") in ("number", "integer")


def number_path(schema: object) -> str:
    """Where the number stands in a result that is a record with one; nothing where it is the result."""
    found = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
    return next((str(name) for name, kind in found.items() if is_number(kind)), "")


def is_plain_value(schema: object) -> bool:
    """Whether a result is one value, so that it can be the answer."""
    return isinstance(schema, Mapping) and schema.get("type") in ("number", "integer", "string", "boolean")


def at_path(schema: object, path: str) -> object:
    """The schema of a field."""
    for step in path.split("."):
        if not isinstance(schema, Mapping):
            return None
        schema = schema.get("properties", {}).get(step)
    return schema


def offer(specs: Iterable[Spec], rng: random.Random) -> tuple[Offered, ...]:
    """Tools made of specs, in any order, no name twice."""
    out: list[Offered] = []
    for spec in specs:
        for _ in range(4):
            tool, params = build_tool(spec, rng)
            if all(tool.name != o.tool.name for o in out):
                out.append(Offered(spec, tool, params))
                break
    rng.shuffle(out)
    return tuple(out)
