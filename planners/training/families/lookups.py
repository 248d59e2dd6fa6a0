"""Questions that are answered by look-ups alone: one, the same for several things, several tools, and options."""

from __future__ import annotations

import re

from ..bank import names
from ..specs import Slot
from .plans import Call, Draft, Literal, Offered, Use
from .scene import Filled, Said, Scene, Unfit, is_plain_value, is_search, number, said, slots_in
from .wording import end_of, is_yes_no, listed, lower_first, strip_end, upper_first

# -- one ----------------------------------------------------------------------

_ABOUT_NOUN = (
    "What is {}?", "Tell me {}.", "Can you find {}?", "I'd like to know {}.", "Give me {}.", "Do you know {}?",
    "Please look up {}.", "I need {}.", "{}, please.", "What's {}?", "Could you tell me {}?",
    "Find out {} for me.",
    "Show me {}.", "Let me have {}.", "What would {} be?",
)  # fmt: skip
_ABOUT_CLAUSE = (
    "Can you tell me {}?", "Tell me {}.", "I want to know {}.", "Do you know {}?", "Please find out {}.",
    "I'd like to hear {}.", "Could you check {}?", "Let me know {}.",
)  # fmt: skip
_BY_SEARCH = (
    "Search for {}.", "Look up {}.", "Find information about {}.", "What do you find on {}?",
    "Tell me about {}.", "Read up on {}.",
    "Look {} up for me.", "Please search for {}.",
)  # fmt: skip
_TOLD = frozenset(
    [
        "what",
        "what's",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "how",
        "whether",
        "if",
        "the",
        "some",
        "something",
        "at",
        "in",
        "on",
        "from",
        "to",
        "by",
        "a",
        "an",
        "about",
        "details",
        "facts",
    ]
)


def answer_of(call: Call, question: str) -> Call | None:
    """The call, where its value is the answer."""
    plain = is_plain_value(call.offered.tool.returns)
    boolean = plain and (call.offered.tool.returns or {}).get("type") == "boolean"
    return call if plain and (boolean or not is_yes_no(question)) else None


def one_lookup(scene: Scene) -> Draft:
    """A question that one call answers."""
    offered = scene.pick(scene.plain() + scene.searches())
    filled = asked(scene, offered)
    return Draft(filled.text, [filled.call], answer_of(filled.call, filled.text), "name")


def asked(scene: Scene, offered: Offered) -> Filled:
    """A whole question for one call."""
    rng, spec = scene.rng, offered.spec
    x = rng.random()
    if x < 0.15 and (nouns := scene.usable(offered, spec.nouns)):
        filled = scene.put(offered, rng.choice(nouns))
        return Filled(upper_first(scene.own(_ABOUT_NOUN).format(filled.text)), filled.call)
    if x < 0.25 and (clauses := _told(scene, offered)):
        filled = scene.put(offered, rng.choice(clauses))
        return Filled(scene.own(_ABOUT_CLAUSE).format(filled.text), filled.call)
    if x < 0.35 and spec.field_nouns and offered.tool.returns is not None:
        nouns = scene.usable(offered, rng.choice(sorted(spec.field_nouns.items()))[1])
        if nouns:
            filled = scene.put(offered, rng.choice(nouns))
            return Filled(upper_first(scene.own(_ABOUT_NOUN).format(filled.text)), filled.call)
    if x < 0.6 and is_search(spec):
        name = scene.thing(
            rng.choice(("person", "city", "company", "film", "animal", "mountain", "band", "topic", "topic"))
        )
        return Filled(
            scene.own(_BY_SEARCH).format(name), scene.call(offered, {spec.slots[0].name: said(name)})
        )
    return scene.fill(offered, spec.asks)


def _told(scene: Scene, offered: Offered) -> list[str]:
    """Clauses that can stand after "tell me": not orders."""
    return [c for c in scene.usable(offered, offered.spec.clauses) if c.split(" ", 1)[0] in _TOLD]


# -- options and values ---------------------------------------------------------


def options(scene: Scene) -> Draft:
    """A call whose optional arguments the question may set."""
    rng = scene.rng
    able = [o for o in scene.offered if _optional(o) or len(o.spec.slots) > 1 or _precise(o)]
    offered = scene.pick([o for o in able if o not in scene.calculators() and o not in scene.converters()])
    filled = scene.fill(offered, offered.spec.asks)
    wanted = [s for s in _optional(offered) if rng.random() < (0.75 if len(_optional(offered)) == 1 else 0.5)]
    question, given = filled.text, dict(filled.call.options)
    end = end_of(question)
    for slot in wanted:
        phrase = _extra(scene, offered, slot)
        if phrase is None:
            continue
        question = f"{strip_end(question)} {phrase.text}{end}"
        given[offered.params[slot.name]] = phrase.arg
    # Options are written in the tool's order, however they are said.
    order = [offered.params[s.name] for s in offered.spec.slots]
    call = Call(offered, filled.call.args, {name: given[name] for name in order if name in given})
    return Draft(question, [call], answer_of(call, question), "values")


def _optional(offered: Offered) -> list[Slot]:
    spec = offered.spec
    return [s for s in spec.slots if s.optional and (s.name in spec.extras or s.said)]


def _precise(offered: Offered) -> bool:
    return any(s.kind in ("number", "choice", "flag", "date", "time", "list") for s in offered.spec.slots)


def _extra(scene: Scene, offered: Offered, slot: Slot) -> Said | None:
    """The words that set an optional slot, with its value."""
    rng = scene.rng
    extras = scene.ways(offered.spec, offered.spec.extras.get(slot.name, ()))
    if slot.kind == "flag":
        ways = slot.said.get("true", ()) or extras
        return Said(rng.choice(scene.ways(offered.spec, ways)), Literal(True)) if ways else None
    if slot.kind == "choice":
        choice = rng.choice([c for c in slot.choices if c in slot.said] or slot.choices)
        words = scene.ways(offered.spec, slot.said.get(choice, ()))
        if words:
            text = rng.choice(words)
            return Said(text, Literal(choice, copied=False))
        value = Said(choice, Literal(choice, copied=False))
    elif slot.kind == "number":
        value = number(slot, rng)
    else:
        value = scene.value(slot)
    ways = [w for w in extras if slots_in(w, offered.spec) == {slot.name}]
    return Said(rng.choice(ways).replace("{" + slot.name + "}", value.text), value.arg) if ways else None


# -- the same of several things -----------------------------------------------------

_HIGHER = (
    "Which has the {more} {attr}, {or}?", "Which one has a {more} {attr}: {or}?",
    "Compare the {attr} of {and}.",
    "Of {and}, which has the {more} {attr}?", "Out of {and}, which one has the {more} {attr}?",
    "{or}: which has the {more} {attr}?",
    "How do {and} compare in {attr}?", "Rank {and} by {attr}.", "Who or what has the {more} {attr}, {or}?",
    "How does the {attr} of {vs} compare?",
    "Between {and}, which has the {more} {attr}?", "Sort these by {attr}: {and}.",
    "Looking at {attr}, which one wins: {or}?",
    "Order {and} from lowest to highest {attr}.", "I want to compare {and} by {attr}.",
)  # fmt: skip
_SAME = (
    "Do {and} have the same {attr}?", "Is the {attr} of {and} the same?", "Compare the {attr} of {and}.",
    "What is the {attr} of {and}?",
    "Tell me the {attr} of {and}.", "I need the {attr} of each of these: {and}.",
    "Give me the {attr} of {and}.", "{and}: what is the {attr} of each?",
    "List the {attr} for {and}.", "For {and}, find the {attr}.", "Do {and} share the same {attr}?",
    "Look up the {attr} of {and}.",
)  # fmt: skip
_MORE = ("higher", "lower", "larger", "smaller", "greater", "highest", "lowest", "largest", "smallest")
_ASK_EACH = ("{ask}", "{ask}", "{ask}", "{ask} And in which order?", "{ask} Please compare them.")


def compare_two(scene: Scene) -> Draft:
    """One tool, two things."""
    return _compare(scene, 2)


def compare_several(scene: Scene) -> Draft:
    """One tool, three to ten things."""
    many = scene.rng.random() < 0.09
    return _compare(scene, scene.rng.randint(7, 10) if many else scene.rng.choice((3, 3, 3, 4, 4, 5, 5, 6)))


def _compare(scene: Scene, count: int) -> Draft:
    rng = scene.rng
    able = [o for o in scene.plain() if scene.single(o)]
    searched = [o for o in scene.searches() if scene.single(o)]
    if searched and (not able or rng.random() < 0.5):
        return _searched(scene, rng.choice(searched), count)
    offered = scene.pick(able)
    spec = offered.spec
    things = scene.things(spec.slots[0].kind, count)
    compares = [w for w in scene.ways(spec, spec.compares) if slots_in(w, spec) == {"list"}]
    nouns = _attributes(scene, offered)
    if nouns and (not compares or rng.random() < 0.3):
        attr, numeric = rng.choice(nouns)
        ways = _HIGHER if numeric and rng.random() < 0.7 else _SAME
        more = rng.choice(_MORE[:5] if count == 2 else _MORE[5:])
        wording = scene.own(ways).replace("{attr}", attr).replace("{more}", more)
        question = _with_list(scene, wording, things)
    elif compares:
        wording = rng.choice(compares)
        question = _with_list(scene, wording, things)
        if rng.random() < 0.08:
            question = _given_first(wording, things, scene) or question
    else:
        raise Unfit
    calls = [scene.call(offered, {spec.slots[0].name: said(t)}) for t in things]
    return Draft(upper_first(question), calls, None, "parallel")


def _attributes(scene: Scene, offered: Offered) -> list[tuple[str, bool]]:
    """What a tool tells of one thing, by noun ("population"), and whether it is a number."""
    out = [(f.parts[0], True) for f in scene.figures_of(offered) if f.parts]
    known = {attr for attr, _ in out}
    for noun in scene.usable(offered, offered.spec.nouns):
        head, of, tail = noun.partition(" of {")
        if of and head.startswith("the ") and tail.endswith("}") and head[4:] not in known:
            out.append((head[4:], False))
    return out


def _with_list(scene: Scene, wording: str, things: list[str]) -> str:
    rng = scene.rng
    question = wording
    if "{list}" in wording:
        question = wording.replace("{list}", listed(things, rng, _list_word(wording, rng)))
    question = question.replace("{or}", listed(things, rng, "or")).replace(
        "{and}", listed(things, rng, "and")
    )
    return question.replace(
        "{vs}", f"{things[0]} and that of {things[1]}" if len(things) == 2 else listed(things, rng)
    )


def _list_word(wording: str, rng: object) -> str:
    low = wording.lower()
    either = low.startswith(("which", "who", "what", "where", "is ", "would", "will", "when")) and (
        ", {list}" in low or ": {list}" in low
    )
    return "or" if either else "and"


def _given_first(wording: str, things: list[str], scene: Scene) -> str | None:
    """`Which is bigger, A or B?` turned round: `A or B: which is bigger?`."""
    head, comma, tail = wording.partition(", {list}")
    if not comma or tail not in ("?", "") or not wording.startswith(("Which", "Who", "Where")):
        return None
    first = listed(things, scene.rng, "or")
    return scene.own(("{}: {}?", "{} - {}?", "Given {}, {}?")).format(first, lower_first(head))


# -- comparisons that a search answers -----------------------------------------------

_PEOPLE = (
    "Were {and} of the same nationality?", "Who was born first, {or}?", "Which person lived longer, {or}?",
    "Who is older, {or}?",
    "Did {and} both write novels?", "Are {and} both film directors?", "What occupation do {and} share?",
    "Were {and} born in the same country?", "Which writer was born earlier, {or}?",
    "Do {and} have the same profession?",
    "Was {A} born before {B}?", "Who died first, {or}?", "{A} and {B} are both known for what?",
    "Which of the two was a painter, {or}?", "Have {and} won the same prize?", "{and} worked in which field?",
    "Who is younger, {or}?",
    "Which actor has been in more films, {or}?", "{A} and {B} both played which instrument?",
    "Whose career began earlier, that of {A} or {B}?",
    "Did {A} and {B} study at the same university?", "Are {A} and {B} both from Canada?",
    "Which politician held office longer, {or}?",
)  # fmt: skip
_WORKS = (
    "Which {kind} came out first, {or}?", "Were {and} directed by the same person?",
    "Which {kind} was released earlier, {or}?",
    "Are {and} from the same year?", "Is {A} longer than {B}?", "Which won more awards, {or}?",
    "Are {and} both comedies?",
    "Was {A} made before {B}?", "Do {and} have the same author?", "Which {kind} is older, {or}?",
    "Are both {and} based on true stories?",
    "What genre do {and} share?", "Which was a bigger success, {or}?", "Are the {kind}s {and} both American?",
)  # fmt: skip
_BODIES = (
    "Which {kind} was founded first, {or}?", "Are {and} based in the same city?",
    "Are {and} from the same country?",
    "Which {kind} was started first, {or}?", "Do {and} belong to the same industry?",
    "Which {kind} has more members, {or}?",
    "Is {A} older than {B}?", "Are {and} both American {kind}s?", "Was {A} started before {B}?",
    "What do {and} have in common?",
    "Which {kind} is still active, {or}?", "Which one was established earlier, {or}?",
)  # fmt: skip
_PLACES = (
    "Are {and} located in the same country?", "Which {kind} is larger, {or}?", "Are {and} in the same state?",
    "Is {A} further north than {B}?",
    "Which one is taller, {or}?", "Are {and} both {kind}s?", "Which {kind} is older, {or}?",
    "On which continent are {and}?",
    "Which {kind} attracts more visitors, {or}?", "Do {and} lie on the same river?",
    "Which is closer to the sea, {or}?",
)  # fmt: skip
_NATURE = (
    "Are {and} both types of {kind}?", "Are {and} both native to Asia?",
    "Do {and} belong to the same family?", "Which grows taller, {or}?",
    "Which lives longer, {or}?", "Are {and} both edible?", "What kind of {kind} are {and}?",
    "Are both {and} found in Africa?",
    "Which genus has more species, {or}?", "Is {A} bigger than {B}?", "Are {and} both found in gardens?",
)  # fmt: skip
_SEARCHED = (
    ("person", "", _PEOPLE), ("person", "", _PEOPLE), ("film", "film", _WORKS), ("film", "movie", _WORKS),
    ("book", "book", _WORKS),
    ("song", "song", _WORKS), ("band", "band", _BODIES), ("company", "company", _BODIES), ("book", "magazine",
    _BODIES),
    ("school", "university", _BODIES), ("building", "building", _PLACES), ("mountain", "mountain", _PLACES),
    ("river", "river", _PLACES),
    ("city", "city", _PLACES), ("museum", "museum", _PLACES), ("plant", "plant", _NATURE), ("animal",
    "animal", _NATURE), ("game", "game", _WORKS),
    ("team", "club", _BODIES), ("lake", "lake", _PLACES), ("product", "product",
    _BODIES),
)  # fmt: skip
_OPTION_HEADS = (
    "Find a {kind} similar to {list}", "Which of these {kind}s is most like {list}?",
    "Recommend a {kind} like {list}",
    "Pick the {kind} that goes best with {list}", "I liked {list}. Which of these {kind}s should I try next?",
    "Suggest one {kind} for someone who enjoyed {list}", "Choose a {kind} close to {list}",
    "Which {kind} would fans of {list} enjoy?",
    "Find something that resembles {list}", "Select the best match for {list}",
)  # fmt: skip
_OPTION_MARKS = (
    "Options:\n",
    "Choices:\n",
    "Options: ",
    "Candidates:\n",
    "Choose from:\n",
    "Possible answers:\n",
    "From these:\n",
)
_BULLETS = ("", "", "", "- ", "* ", "{n}. ", "{a}) ")


def _searched(scene: Scene, offered: Offered, count: int) -> Draft:
    """Comparisons of things that only a search knows."""
    rng = scene.rng
    able = [row for row in _SEARCHED if not _other_knows(scene, row[0])]
    if not able:
        raise Unfit
    kind, word, ways = rng.choice(able)
    things = scene.things(kind, count)
    if count > 3 and word and rng.random() < 0.65:
        question = _options(scene, word, things)
    else:
        wording = scene.own([w for w in ways if count == 2 or "{A}" not in w]).replace("{kind}", word)
        named = things
        if (
            word
            and not any(word in t.lower() for t in things)
            and rng.random() < 0.25
            and "{kind}" not in wording
            and len(word) > 2
        ):
            one = f"the {word} "
            named = (
                [one + t for t in things]
                if count == 2 and rng.random() < 0.5
                else [one + things[0], *things[1:]]
            )
        question = wording.replace("{A}", named[0]).replace("{B}", named[-1])
        question = _with_list(scene, question, named)
    calls = [scene.call(offered, {offered.spec.slots[0].name: said(t)}) for t in things]
    return Draft(upper_first(question), calls, None, "parallel")


def _other_knows(scene: Scene, kind: str) -> bool:
    """Whether another tool offered is about such things, so that it is not clear which is meant."""
    return any(names.fits(kind, s.kind) or s.kind == kind for o in scene.plain() for s in o.spec.slots)


def _options(scene: Scene, word: str, things: list[str]) -> str:
    rng = scene.rng
    first = rng.randint(1, len(things) - 2)
    head = scene.own(_OPTION_HEADS).replace("{kind}", word)
    shown = ", ".join(things[:first]) if rng.random() < 0.5 else listed(things[:first], rng)
    mark, bullet = scene.own(_OPTION_MARKS), rng.choice(_BULLETS)
    if mark.endswith("\n"):
        rest = "\n".join(bullet.format(n=i + 1, a="ABCDEFGHIJ"[i]) + t for i, t in enumerate(things[first:]))
    else:
        rest = ", ".join(things[first:])
    return f"{head.replace('{list}', shown)}\n{mark}{rest}"


# -- several tools ------------------------------------------------------------------

_CLAUSES = (
    "Tell me {}.", "Can you tell me {}?", "I need to know {}.", "Please find out {}.", "Let me know {}.",
    "Could you check {}?",
    "I want to know {}.", "I was wondering {}.", "Help me find out {}.", "I'd like to know {}.",
)  # fmt: skip
_ORDERS = (
    "Please {}.", "Can you {}?", "Could you {}?", "I want you to {}.", "Would you {}?", "You need to {}.",
    "Can you please {}?",
    "I'd like you to {}.",
)  # fmt: skip
_NOUNS = (
    "What are {}?", "I need {}.", "Give me {}.", "Find {}.", "Look up {}.", "Show me {}.", "Can you get {}?",
    "Please tell me {}.",
    "Let me know {}.", "I am looking for {}.", "Could I have {}?",
)  # fmt: skip
_BOTH = (
    "What are the {a} and the {b} of {x}?", "What is the {a} and {b} of {x}?",
    "Tell me the {a} and the {b} of {x}.",
    "Give me the {a} of {x} and its {b}.", "What is the {a} of {x}, and what is its {b}?",
    "For {x}, find the {a} and the {b}.",
    "I need the {a} as well as the {b} of {x}.", "{x}: {a} and {b}, please.",
    "Look up both the {a} and the {b} of {x}.",
)  # fmt: skip


def mixed(scene: Scene) -> Draft:
    """Several tools, or one several times, in a question of parts."""
    rng = scene.rng
    able = [o for o in scene.offered if o not in scene.calculators()]
    if len(able) < 2:
        raise Unfit
    if rng.random() < 0.2:
        return _both(scene)
    writers = [o for o in able if o.spec.effect == "write"]
    count = min(rng.choice((2, 2, 2, 3, 3, 4)), len(able))
    chosen = rng.sample(able, count)
    if writers and rng.random() < 0.3:
        chosen = [*[o for o in chosen if o not in writers][: count - 1], rng.choice(writers)]
    if len(chosen) < 2:
        raise Unfit
    if rng.random() < 0.25:
        chosen[rng.randrange(len(chosen))] = rng.choice(chosen)
    form = rng.choice(("asks", "asks", "clauses", "clauses", "joined", "nouns"))
    said_: list[Filled] = []
    for offered in chosen:
        spec = offered.spec
        own = {"asks": spec.asks, "joined": spec.asks, "clauses": spec.clauses, "nouns": spec.nouns}[form]
        usable = scene.usable(offered, own)
        if not usable:
            raise Unfit
        handed = _handed(scene, offered, usable, said_)
        said_.append(handed or scene.put(offered, rng.choice(usable), avoid=[_first_text(f) for f in said_]))
    if form == "clauses":
        said_.sort(key=lambda f: f.text.split(" ", 1)[0] not in _TOLD)
    texts = [f.text for f in said_]
    if len(set(texts)) < len(texts):
        raise Unfit
    if form == "asks":
        question = " ".join(t if end_of(t) else t + "." for t in texts)
    elif form == "joined":
        question = _joined(texts, scene)
    elif form == "clauses":
        told = texts[0].split(" ", 1)[0] in _TOLD
        question = scene.own(_CLAUSES if told else _ORDERS).format(listed(texts, rng))
    else:
        question = scene.own(_NOUNS).format(listed(texts, rng))
    return Draft(question, [f.call for f in said_], None, "parallel")


_HANDED = re.compile(
    r"^(?:send|email|text|post|save|write|forward|note|print|publish|store|message|mail|share|translate)"
    r" \{(\w+)\}(?= (?:to|in|on|for|into|as|at|by)|$)"
)


def _handed(scene: Scene, offered: Offered, usable: list[str], before: list[Filled]) -> Filled | None:
    """An order that takes what the call before gives: `and send it to Bob`."""
    slots = {s.name: s for s in offered.spec.slots if s.kind == "phrase" and not s.optional}
    ways = [w for w in usable if (found := _HANDED.match(w)) and found[1] in slots]
    if not ways or len(before) != 1 or scene.rng.random() < 0.3:
        return None
    wording = scene.rng.choice(ways)
    found = _HANDED.match(wording)
    assert found
    value = Said(scene.rng.choice(("it", "that", "the result", "the answer")), Use(before[0].call))
    return scene.put(offered, wording, {found[1]: value})


def _first_text(filled: Filled) -> str:
    first = filled.call.args[0] if filled.call.args else None
    return str(first.value) if isinstance(first, Literal) else "?"


def _joined(texts: list[str], scene: Scene) -> str:
    """Whole questions made one: `What is ..., and when does ...?`."""
    first, rest = texts[0], texts[1:]
    glue = scene.own((" and ", ", and ", ", and also ", " and also ", ", and then ", "; also, "))
    return (
        strip_end(first)
        + "".join(glue + strip_end(lower_first(t)) for t in rest)
        + (end_of(texts[-1]) or ".")
    )


def _both(scene: Scene) -> Draft:
    """Two things asked of one: `the population and the capital of Peru`."""
    rng = scene.rng
    by_kind: dict[str, list[tuple[Offered, str]]] = {}
    for offered in scene.plain():
        if scene.single(offered):
            for attr, _ in _attributes(scene, offered):
                by_kind.setdefault(offered.spec.slots[0].kind, []).append((offered, attr))
    pairs = [
        (a, b) for rows in by_kind.values() for a in rows for b in rows if a[0] is not b[0] and a[1] != b[1]
    ]
    if not pairs:
        raise Unfit
    (one, a), (two, b) = rng.choice(pairs)
    name = scene.thing(one.spec.slots[0].kind)
    question = scene.own(_BOTH).replace("{a}", a).replace("{b}", b).replace("{x}", name)
    calls = [scene.call(o, {o.spec.slots[0].name: said(name)}) for o in (one, two)]
    return Draft(upper_first(question), calls, None, "parallel")


__all__ = ["answer_of", "asked", "compare_several", "compare_two", "mixed", "one_lookup", "options"]
