"""Questions in which one result is looked up further: chains, chains that end in arithmetic, and loops over lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..bank import names
from ..specs import Spec
from .figures import with_number
from .lookups import answer_of
from .plans import Call, Draft, Offered, Raw, Use
from .scene import PRECISE, Said, Scene, Unfit, at_path, is_plain_value, said, slots_in
from .wording import listed, upper_first


def links(producer: Offered, kind: str) -> list[tuple[str, tuple[str, ...]]]:
    """What of its result can be handed to a slot of this kind: the field (or "") and the nouns that name it."""
    spec = producer.spec
    out: list[tuple[str, tuple[str, ...]]] = []
    if spec.nouns and names.fits(spec.result, kind) and is_plain_value(spec.returns):
        out.append(("", spec.nouns))
    if producer.tool.returns is not None:
        for path, nouns in spec.field_nouns.items():
            if names.fits(spec.fields.get(path, ""), kind) and is_plain_value(at_path(spec.returns, path)):
                out.append((path, nouns))
    return out


def named(scene: Scene, kind: str, depth: int, used: tuple[Offered, ...] = ()) -> Said:
    """Something of a kind, said by what it is: `the capital of the country of ...`, this many look-ups deep."""
    if depth == 0:
        return said(scene.thing(kind))
    able = [
        (o, path, nouns)
        for o in scene.plain()
        if o not in used and scene.single(o)
        for path, every in links(o, kind)
        if (nouns := _open(scene.usable(o, every), o))
    ]
    if not able:
        raise Unfit
    offered, path, nouns = scene.rng.choice(able)
    slot = offered.spec.slots[0]
    inner = named(scene, slot.kind, depth - 1, (*used, offered))
    filled = scene.put(offered, scene.rng.choice(nouns), {slot.name: inner})
    return Said(tidy(filled.text), Use(filled.call, path))


def _open(ways: list[str], offered: Offered) -> list[str]:
    """Wordings whose first slot can be a whole noun phrase."""
    slot = offered.spec.slots[0].name
    before = re.compile(rf"(\w+) \{{{slot}\}}(?!')")
    return [w for w in ways if (found := before.search(w)) and found[1].lower() in _BEFORE_PHRASE]


_BEFORE_PHRASE = frozenset(
    [
        "of",
        "in",
        "at",
        "from",
        "to",
        "for",
        "about",
        "on",
        "is",
        "are",
        "was",
        "were",
        "does",
        "did",
        "do",
        "has",
        "have",
        "by",
        "the",
        "with",
        "than",
        "near",
        "into",
        "around",
        "will",
        "can",
        "know",
        "what's",
        "how's",
        "that's",
        "on",
        "between",
        "through",
        "over",
        "after",
        "convert",
        "find",
        "check",
        "translate",
        "search",
        "up",
        "and",
        "who's",
        "where's",
        "outside",
        "against",
        "like",
    ]
)


def tidy(text: str) -> str:
    """The text with one article where two met."""
    for word in ("the", "The", "a"):
        text = text.replace(f"{word} the ", f"{word if word != 'a' else 'the'} ")
    return text


def chain(scene: Scene) -> Draft:
    """One look-up that needs what another gives, up to three deep."""
    rng = scene.rng
    x = rng.random()
    if x < 0.2 and scene.calculators():
        return _reckoned(scene)
    if x < 0.42:
        return _two_chains(scene)
    able = [o for o in scene.plain() + scene.searches() if o.spec.slots]
    rng.shuffle(able)
    depth = rng.choice((1, 1, 1, 1, 2, 2, 3))
    for offered in able:
        slot = offered.spec.slots[0]
        if slot.kind in PRECISE:
            continue
        ways = _open(scene.usable(offered, offered.spec.asks), offered)
        if not ways:
            continue
        try:
            inner = named(scene, slot.kind, depth, (offered,))
        except Unfit:
            continue
        filled = scene.put(offered, rng.choice(ways), {slot.name: inner})
        question = upper_first(tidy(filled.text))
        write = offered.spec.effect == "write"
        return Draft(question, [filled.call], None if write else answer_of(filled.call, question), "chained")
    raise Unfit


def _two_chains(scene: Scene) -> Draft:
    """The same hops from two or three starts, side by side."""
    rng = scene.rng
    able = [o for o in scene.plain() if scene.single(o) and o.spec.compares]
    consumer = scene.pick(able)
    slot = consumer.spec.slots[0]
    producers = [
        (o, path, nouns)
        for o in scene.plain()
        if o is not consumer and scene.single(o)
        for path, every in links(o, slot.kind)
        if (nouns := _open(scene.usable(o, every), o))
    ]
    if not producers:
        raise Unfit
    offered, path, nouns = rng.choice(producers)
    first = offered.spec.slots[0]
    things = scene.things(first.kind, rng.choice((2, 2, 2, 3)))
    noun = rng.choice(nouns)
    found = [scene.put(offered, noun, {first.name: said(t)}) for t in things]
    ways = [
        w for w in scene.ways(consumer.spec, consumer.spec.compares) if slots_in(w, consumer.spec) == {"list"}
    ]
    ways = [w for w in ways if "{list}'" not in w]
    if not ways:
        raise Unfit
    wording = rng.choice(ways)
    word = "or" if ", {list}" in wording or ": {list}" in wording else "and"
    if rng.random() < 0.35 and (shared := noun.partition(" of {")) and shared[1]:
        texts = [found[0].text, *(f"that of {t}" for t in things[1:])]
    else:
        texts = [f.text for f in found]
    question = upper_first(tidy(wording.replace("{list}", listed(texts, rng, word))))
    calls = [f.call for f in found]
    calls += [scene.call(consumer, {slot.name: Said("", Use(c, path))}) for c in tuple(calls)]
    return Draft(question, calls, None, "chained")


def _reckoned(scene: Scene) -> Draft:
    """A figure of something that is looked up first, and arithmetic with it."""
    rng = scene.rng
    figures = [f for f in scene.figures() if _open([f.noun], f.offered)]
    rng.shuffle(figures)
    for figure in figures:
        try:
            inner = named(scene, figure.kind, 1, (figure.offered,))
        except Unfit:
            continue
        slot = figure.offered.spec.slots[0].name
        filled = scene.put(figure.offered, figure.noun, {slot: inner})
        return with_number(scene, tidy(filled.text), Use(filled.call, figure.path), skill="chained")
    raise Unfit


# -- loops ---------------------------------------------------------------------

_EACH = (
    "What is the {attr} of each of {list}?", "Find {list} and tell me the {attr} of each.",
    "For each of {list}, what is the {attr}?",
    "Get {list}, then the {attr} of every one of them.",
    "Look up {list} and give me the {attr} of all of them.",
    "I want the {attr} for every one of {list}.", "List {list} with the {attr} of each.",
    "Go through {list} and find the {attr} of each one.",
    "Take {list}; what is the {attr} for each?", "For all of {list}, look up the {attr}.",
)  # fmt: skip
_EACH_ORDER = (
    "{order} and tell me the {attr} of each.", "{order}, then find the {attr} of every one.",
    "{order}, and for each one look up the {attr}.",
    "{order} and give me the {attr} for all of them.", "{order}, with the {attr} of each.",
    "{order} and check the {attr} of each of them.",
)  # fmt: skip


_ITEMS = {
    "city": "cities towns", "country": "countries neighbours borders nations",
    "film": "films movies filmography", "book": "books novels titles",
    "song": "songs tracks hits", "museum": "museums galleries", "hotel": "hotels",
    "restaurant": "restaurants", "company": "companies subsidiaries",
    "person": "actors cast members players authors writers directors employees winners "
    "children astronauts crew drivers leaders scientists speakers",
    "username": "players users", "river": "rivers tributaries", "mountain": "mountains peaks summits",
    "lake": "lakes", "island": "islands",
    "planet": "moons satellites planets", "title": "exhibitions shows films books", "team": "teams clubs",
    "animal": "animals species breeds",
    "product": "products", "ingredient": "ingredients", "station": "stations stops", "airport": "airports",
    "region": "districts regions provinces",
    "ticker": "tickers symbols holdings", "repo": "repositories repos", "package": "packages dependencies",
    "language": "languages",
    "landmark": "landmarks sights attractions", "building": "buildings", "dish": "dishes recipes",
    "event": "events concerts", "flight": "flights",
    "school": "universities schools", "game": "games", "plant": "plants", "drug": "drugs medicines",
    "band": "bands artists", "address": "street",
    "element": "elements", "wine": "wines",
}  # fmt: skip
_WHOLE = frozenset(
    {
        "name",
        "title",
        "number",
        "symbol",
        "city",
        "country",
        "street",
        "company",
        "film",
        "book",
        "song",
        "player",
    }
)


def list_items(spec: Spec, schema: Any) -> list[tuple[str, str, str]]:
    """The lists in a result of the tool: where, the field of an item that names it (or ""), and the kind it names."""
    if not isinstance(schema, Mapping):
        return []
    lists = [("", schema)] if schema.get("type") == "array" else []
    lists += [(str(k), v) for k, v in schema.get("properties", {}).items() if v.get("type") == "array"]
    out: list[tuple[str, str, str]] = []
    for path, found in lists:
        items = found.get("items", {})
        texts = [path] if path else [*spec.names, *spec.nouns]
        words = {w for t in texts for w in t.replace("_", " ").replace(".", " ").lower().split()}
        kinds = (
            [spec.fields[path]] if path in spec.fields else [spec.result] if spec.result and not path else []
        )
        kinds += [k for k, said in _ITEMS.items() if not words.isdisjoint(said.split())]
        fields = (
            [""]
            if items.get("type") == "string"
            else [f for f in items.get("properties", {}) if f in _WHOLE][:1]
        )
        out += [(path, str(f), k) for f in fields for k in kinds]
    return out


def loop(scene: Scene) -> Draft:
    """A list, and a call for every item of it."""
    rng = scene.rng
    makers = [
        (o, path, name, kind)
        for o in scene.plain()
        for path, name, kind in list_items(o.spec, o.tool.returns)
    ]
    rng.shuffle(makers)
    for offered, path, name, kind in makers:
        consumers = [
            (o, attr)
            for o in scene.plain()
            if o is not offered and scene.single(o) and names.fits(kind, o.spec.slots[0].kind)
            for attr in _attr(scene, o)
        ]
        if not consumers:
            continue
        consumer, attr = rng.choice(consumers)
        nouns = scene.usable(
            offered, (offered.spec.field_nouns.get(path, ()) if path else ()) or offered.spec.nouns
        )
        orders = [
            w for w in scene.usable(offered, offered.spec.asks)
            if not path and w.lower().startswith(("find ", "list ", "show ", "get ", "give me ", "name "))
        ]  # fmt: skip
        if nouns and (not orders or rng.random() < 0.6):
            filled = scene.put(offered, rng.choice(nouns))
            question = scene.own(_EACH).replace("{list}", filled.text)
        elif orders:
            filled = scene.put(offered, rng.choice(orders))
            question = scene.own(_EACH_ORDER).replace("{order}", filled.text.rstrip(".?"))
        else:
            continue
        item = Raw(f"x.{name}" if name else "x")
        each = Call(consumer, (item,), over=Use(filled.call, path))
        return Draft(upper_first(question.replace("{attr}", attr)), [filled.call, each], None, "chained")
    raise Unfit


def _attr(scene: Scene, offered: Offered) -> list[str]:
    slot = offered.spec.slots[0].name
    out = []
    for noun in scene.usable(offered, offered.spec.nouns):
        for of in ("of", "in", "at", "for"):
            head, found, tail = noun.partition(f" {of} {{{slot}}}")
            if found and not tail and head.startswith("the "):
                out.append(head[4:])
    return out


__all__ = ["chain", "links", "list_items", "loop", "named"]
