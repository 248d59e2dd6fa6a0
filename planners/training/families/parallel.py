"""Questions in the shape of the ParallelQA benchmark: many look-ups, arithmetic with each, and a last step over all."""

from __future__ import annotations

from dataclasses import dataclass

from ..bank import names
from .figures import Parts, plus
from .plans import Call, Draft, Offered, Use
from .scene import Figure, Scene, Unfit, is_plain_value, number_path, said
from .wording import listed, number_text, upper_first


@dataclass(frozen=True, slots=True)
class _Matter:
    """What is compared: things of a kind, and how their measure is spoken of."""

    kind: str
    """A maker of `bank.names`, or a pattern with `{}` for a made-up word."""
    word: str
    attr: str
    unit: str
    most: tuple[str, str]
    more: tuple[str, str]
    up: tuple[str, ...]
    down: tuple[str, ...]
    article: bool = False


_GROW = (
    "increased by {p}%",
    "grew by {p}%",
    "rose by {p}%",
    "expanded by {p}%",
    "went up by {p}%",
    "gained {p}%",
)
_FALL = (
    "decreased by {p}%",
    "shrank by {p}%",
    "was reduced by {p}%",
    "fell by {p}%",
    "dropped by {p}%",
    "lost {p}%",
)
_TALL = (*_GROW[:4], "became {p}% taller", "were {p}% taller", "was raised by {p}%", "was extended by {p}%")
_SHORT = (*_FALL[:4], "became {p}% shorter", "were {p}% shorter", "was lowered by {p}%", "was cut by {p}%")
_MATTERS = (
    _Matter("mountain", "mountain", "height", "meters", ("tallest", "shortest"), ("taller", "shorter"), _TALL,
    _SHORT),
    _Matter("mountain", "peak", "elevation", "feet", ("highest", "lowest"), ("higher", "lower"), _TALL, _SHORT),
    _Matter("building", "building", "height", "meters", ("tallest", "shortest"), ("taller", "shorter"), _TALL,
    _SHORT, True),
    _Matter("{} Tower", "tower", "height", "meters", ("tallest", "shortest"), ("taller", "shorter"), _TALL,
    _SHORT, True),
    _Matter("Statue of {}", "statue", "height", "feet", ("tallest", "shortest"), ("taller", "shorter"), _TALL,
    _SHORT, True),
    _Matter("{} River", "river", "length", "kilometers", ("longest", "shortest"), ("longer", "shorter"),
            (*_GROW[:4], "was lengthened by {p}%", "became {p}% longer", "was extended by {p}%",
            "lengthened by {p}%"),
            (*_FALL[:4], "was shortened by {p}%", "became {p}% shorter", "shortened by {p}%",
            "was cut by {p}%"), True),
    _Matter("river", "river", "length", "miles", ("longest", "shortest"), ("longer", "shorter"),
            (*_GROW[:4], "got {p}% longer", "was extended by {p}%"), (*_FALL[:4], "got {p}% shorter",
            "was cut by {p}%"), True),
    _Matter("{} Bridge", "bridge", "length", "meters", ("longest", "shortest"), ("longer", "shorter"),
            (*_GROW[:4], "was lengthened by {p}%", "became {p}% longer"), (*_FALL[:4],
            "was shortened by {p}%", "became {p}% shorter"), True),
    _Matter("{} Trench", "trench", "depth", "meters", ("deepest", "shallowest"), ("deeper", "shallower"),
            (*_GROW[:4], "was {p}% deeper", "deepened by {p}%", "became {p}% deeper"), (*_FALL[:4],
            "was {p}% shallower", "became {p}% shallower"), True),
    _Matter("{} Canyon", "canyon", "depth", "feet", ("deepest", "shallowest"), ("deeper", "shallower"),
            (*_GROW[:4], "was {p}% deeper", "got {p}% deeper"), (*_FALL[:4], "was {p}% shallower",
            "got {p}% shallower"), True),
    _Matter("lake", "lake", "area", "square kilometers", ("largest", "smallest"), ("larger", "smaller"),
            (*_GROW, "became {p}% larger", "swelled by {p}%"), (*_FALL, "became {p}% smaller",
            "dried up by {p}%")),
    _Matter("{} Desert", "desert", "area", "square miles", ("largest", "smallest"), ("larger", "smaller"),
            (*_GROW, "was {p}% larger", "enlarged by {p}%"), (*_FALL, "was {p}% smaller",
            "diminished by {p}%"), True),
    _Matter("{} Forest", "forest", "size", "km^2", ("largest", "smallest"), ("larger", "smaller"),
            (*_GROW, "spread by {p}%", "enlarged by {p}%"), (*_FALL, "was cleared by {p}%",
            "contracted by {p}%"), True),
    _Matter("{} Ocean", "ocean", "area", "square kilometers", ("largest", "smallest"), ("larger", "smaller"),
            (*_GROW, "swelled by {p}%", "was magnified by {p}%"), (*_FALL, "diminished by {p}%",
            "contracted by {p}%"), True),
    _Matter("island", "island", "area", "hectares", ("largest", "smallest"), ("larger", "smaller"), _GROW,
    _FALL),
    _Matter("country", "country", "population", "millions", ("most populous", "least populous"),
    ("more populous", "less populous"), _GROW, _FALL),
    _Matter("city", "city", "population", "thousands", ("largest", "smallest"), ("larger", "smaller"), _GROW,
    _FALL),
    _Matter("country", "country", "area", "square kilometers", ("largest", "smallest"), ("larger", "smaller"),
    _GROW, _FALL),
    _Matter("company", "company", "revenue", "billions", ("largest", "smallest"), ("larger", "smaller"),
    _GROW, _FALL),
    _Matter("planet", "planet", "diameter", "kilometers", ("largest", "smallest"), ("larger", "smaller"),
    _GROW, _FALL),
    _Matter("animal", "animal", "weight", "kilograms", ("heaviest", "lightest"), ("heavier", "lighter"),
            (*_GROW[:3], "became {p}% heavier"), (*_FALL[:3], "became {p}% lighter"), True),
    _Matter("vehicle", "car", "top speed", "km/h", ("fastest", "slowest"), ("faster", "slower"),
            (*_GROW[:3], "was {p}% faster"), (*_FALL[:3], "was {p}% slower"), True),
)  # fmt: skip
_OTHER_CHANGES: tuple[tuple[str, tuple[str, str]], ...] = (
    ("doubled", ("", " * 2")), ("tripled", ("", " * 3")), ("was halved", ("", " / 2")), ("was doubled", ("",
    " * 2")),
    ("were {x} times larger", ("", " * {x}")), ("became {x} times as large", ("", " * {x}")),
    ("shrank by {x} times", ("", " / {x}")),
    ("expanded by {x} times", ("", " * {x}")), ("was cut in half", ("", " / 2")), ("grew by {n}", ("",
    " + {n}")), ("fell by {n}", ("", " - {n}")),
    ("was multiplied by {x}", ("", " * {x}")), ("was divided by {x}", ("", " / {x}")), ("increased {x} times",
    ("", " * {x}")),
    ("gained another {n}", ("", " + {n}")),
)  # fmt: skip

_HEADS = (
    "If {changes}, {end}?", "Given that {changes}, {end}?", "Suppose {changes}. {End}?",
    "In a scenario where {changes}, {end}?",
    "Assuming {changes}, {end}?", "Imagine that {changes}; {end}?", "{Changes}. {End}?",
    "{End} if {changes}?", "After {changes}, {end}?",
    "Let's say {changes}. {End}?", "Considering that {changes}, {end}?",
    "Given the following changes: {changes}, {end}?",
    "Say that {changes}: {end}?", "{End} when {changes}?", "What if {changes}: {end}?",
)  # fmt: skip
_WHICH = (
    "which {word} would be the {most}", "which of them would be the {most}", "which one would be {more}",
    "which {word} has the {high} {attr}",
    "which {word} would have the {high} {attr}", "which one comes out as the {most}",
    "which {word} is the {most}",
    "which would then be the {most}", "which {word} would end up with the {high} {attr}",
    "which of these {plural} would be the {most}",
)  # fmt: skip
_TOTAL = (
    "what would be their combined {attr} in {unit}", "what is the total {attr} of all of them",
    "what is the sum of their {attr} values",
    "what would the total {attr} be in {unit}", "what would be the combined {attr} of the {count}",
    "how much {attr} do they have in total",
    "what is the combined {attr} after the changes", "what do the new values add up to",
)  # fmt: skip
_MEAN = (
    "what would be their average {attr} in {unit}", "what is the average {attr} of the {count}",
    "what is the mean {attr}",
    "what would the average {attr} be", "what is the average of the new values",
    "what would be the mean {attr} in {unit}",
    "what is their average {attr} after the changes",
)  # fmt: skip
_GAP = (
    "what is the difference between {x} and {y} in {attr}", "by how much does {x} exceed {y}",
    "what is the difference in {attr} between {x} and {y}",
    "how much {more} would {x} be than {y}", "what is the {attr} of {x} minus that of {y}",
)  # fmt: skip
_TIMES = (
    "what would be the ratio of the {attr} of {x} to that of {y}", "how many times {more} is {x} than {y}",
    "what is the ratio of {x} to {y}",
    "how many times would {y} fit into {x}", "what is the {attr} of {x} divided by that of {y}",
    "how many times as large would {x} be as {y}",
)  # fmt: skip
_SPREAD = (
    "what is the difference between the {most} and the {least}",
    "what is the ratio of the {most} to the {least}",
    "how many times {more} is the {most} than the {least}",
    "what is the difference in {unit} between the {most} and the {least}",
    "how much {more} is the {most} than the {least}",
)  # fmt: skip
_PAIRS = (
    "What is the {high} {attr} {sort} between {pairs}?", "Which {attr} {sort} is the {high}: {pairs}?",
    "Compute the {high} {sort} when comparing the {attr} of {pairs}.",
    "Determine the {high} {attr} {sort} among these pairs: {pairs}.",
    "Among the {attr} {sort}s of {pairs}, which is the {high}?",
    "Looking at the {attr} {sort}s of {pairs}, which one is the {high}?",
    "What is the {high} {sort} in {attr}: {pairs}?",
    "Find the {high} {attr} {sort} from the following comparisons: {pairs}.",
    "Identify the {high} {sort} of {attr} between {pairs}.",
    "Which pair has the {high} {attr} {sort}, {pairs}?",
    "Consider the {attr} {sort}s between {pairs}. What is the {high}?",
)  # fmt: skip
_MEANS = (
    "What is {more}: the average {attr} of {one} or the average {attr} of {two}?",
    "Which is {more}, the combined {attr} of {one} or that of {two}?+",
    "Is the average {attr} of {one} {more} than that of {two}?",
    "Which pair has the {more} total {attr}: {one}, or {two}?+",
    "Compare the average {attr} of {one} with the average {attr} of {two}.",
    "Compare the combined {attr} of {one} with that of {two}.+",
)  # fmt: skip
_ALL = (
    "What is the total {attr} of {and} in {unit}?+", "What is the average {attr} of {and} in {unit}?",
    "What is the combined {attr} of {and}?+",
    "Find the average {attr} of {and}.", "Add up the {attr} of {and}.+",
    "Calculate the mean {attr} of {and} in {unit}.",
    "What is the sum of the {attr} of {and}?+", "How much is the {attr} of {and} put together, in {unit}?+",
)  # fmt: skip
_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def parallel_shaped(scene: Scene) -> Draft:
    """Changes, pairs, groups or totals of things that are looked up."""
    rng = scene.rng
    scene.pick(scene.calculators())
    matter, source, path = _source(scene)
    x = rng.random()
    if x < 0.66:
        return _changed(scene, matter, source, path)
    if x < 0.86:
        return _pairs(scene, matter, source, path)
    if x < 0.93:
        return _group_means(scene, matter, source, path)
    return _totals(scene, matter, source, path)


def _source(scene: Scene) -> tuple[_Matter, Offered, str]:
    """What is asked about, and the tool (and field) that knows."""
    rng = scene.rng
    figures = [f for f in scene.figures() if f.parts and f.parts[1] == "of"]
    searches = [
        o
        for o in scene.searches()
        if scene.single(o) and (o.tool.returns is None or is_plain_value(o.tool.returns))
    ]
    if searches and (not figures or rng.random() < 0.6):
        able = [m for m in _MATTERS if not _known(scene, m)]
        if able:
            return rng.choice(able), rng.choice(searches), ""
    if not figures:
        raise Unfit
    figure: Figure = rng.choice(figures)
    assert figure.parts
    matter = _Matter(
        figure.kind, "one", figure.parts[0], "", ("largest", "smallest"), ("larger", "smaller"), _GROW, _FALL
    )
    return matter, figure.offered, figure.path


def _known(scene: Scene, matter: _Matter) -> bool:
    """Whether another tool offered is about such things."""
    kinds = {s.kind for o in scene.plain() for s in o.spec.slots}
    words = {w for o in scene.plain() for n in (*o.spec.names, *o.spec.fields) for w in n.lower().split("_")}
    return matter.attr in words or (
        matter.kind in names.KINDS and any(names.fits(matter.kind, k) for k in kinds)
    )


def _things(scene: Scene, matter: _Matter, count: int) -> tuple[list[str], list[str]]:
    """Names, and how they are said, with an article where they have one."""
    rng = scene.rng
    if matter.kind in names.KINDS:
        things = scene.things(matter.kind, count)
    else:
        things = []
        while len(things) < count:
            first = (
                names.syllables(rng)
                if rng.random() < 0.8
                else f"{names.syllables(rng)} {names.syllables(rng)}"
            )
            name = matter.kind.format(first)
            if name not in things:
                things.append(name)
    article = matter.article and rng.random() < 0.8
    shown = [f"the {t}" if article and not t.lower().startswith(("the ", "mount ")) else t for t in things]
    return things, shown


def _looked_up(scene: Scene, source: Offered, path: str, things: list[str]) -> list[Use]:
    slot = source.spec.slots[0].name
    return [Use(scene.call(source, {slot: said(t)}), path) for t in things]


def _changed(scene: Scene, matter: _Matter, source: Offered, path: str) -> Draft:
    """Each changes by some percent; then which is largest, or a figure over all."""
    rng = scene.rng
    count = rng.choice((2, 2, 3, 3, 3, 4, 4, 5, 6))
    things, shown = _things(scene, matter, count)
    uses = _looked_up(scene, source, path, things)
    calculator = scene.pick(scene.calculators())
    form = rng.choice(("of", "'s", "bare") if matter.unit else ("of", "of", "'s"))
    clauses, values, changed = [], [], []
    for i, (name, use) in enumerate(zip(shown, uses, strict=True)):
        if count > 2 and rng.random() < 0.05 and i:
            clause, parts = rng.choice(("remained unchanged", "stayed the same", "did not change")), None
        else:
            clause, parts = _change(scene, matter, use, by_value=form != "bare")
        first = i == 0 or rng.random() < 0.7
        whose = name.removesuffix("s") + "s'" if name.endswith("s") else f"{name}'s"
        subject = {
            "of": f"the {matter.attr} of {name}" if first else f"that of {name}",
            "'s": f"{whose} {matter.attr}",
            "bare": name,
        }[form]
        tail = (
            f" in {matter.attr}"
            if form == "bare" and i == 0 and rng.random() < 0.4 and not clause.startswith("were")
            else ""
        )
        clauses.append(f"{subject} {clause}{tail}")
        if parts is None:
            values.append(use)
        else:
            call = scene.calculation(*parts, by=calculator)
            values.append(Use(call, number_path(calculator.tool.returns)))
            changed.append(call)
    if not changed:
        raise Unfit
    end, final = _ending(scene, matter, shown, values, calculator)
    listed_ = listed(clauses, rng)
    head = scene.own(_HEADS)
    question = head
    for key, text in (
        ("{changes}", listed_),
        ("{Changes}", upper_first(listed_)),
        ("{end}", end),
        ("{End}", upper_first(end)),
    ):
        question = question.replace(key, text)
    calls = [*(u.call for u in uses), *changed]
    # A question that asks first and tells the changes after names the same things in another order.
    if head.startswith("{End}") and final is not None and not _in_order(question, things):
        raise Unfit
    return Draft(upper_first(question), [*calls, final] if final else calls, final, "nested")


def _in_order(question: str, things: list[str]) -> bool:
    places = [question.find(t) for t in things]
    return places == sorted(places)


def _change(scene: Scene, matter: _Matter, use: Use, *, by_value: bool) -> tuple[str, Parts]:
    rng = scene.rng
    if rng.random() < 0.2:
        clause = scene.own([c for c, _ in _OTHER_CHANGES])
        before, after = next(f for c, f in _OTHER_CHANGES if c == clause)
        x = rng.choice((1.2, 1.4, 1.5, 2, 2.5, 3, 4, 5, 1.25))
        n = rng.choice((rng.randint(5, 95), rng.randint(1, 40) * 50))
        unit = f" {matter.unit}" if matter.unit and rng.random() < 0.8 else ""
        clause = clause.replace("{x}", str(x)).replace("{n}", number_text(n, rng) + unit)
        after = after.replace("{x}", str(x)).replace("{n}", str(n))
        return clause, tuple(p for p in (before, use, after) if p != "")
    up = rng.random() < 0.55
    p: float = rng.choice(
        (
            rng.choice((5, 10, 15, 20, 25, 30, 40, 50)),
            rng.choice((5, 10, 15, 20)),
            rng.randint(2, 60),
            rng.randint(2, 45),
        )
    )
    if rng.random() < 0.05:
        p = rng.choice((2.5, 7.5, 1.5, 12.5))
    ways = [
        w
        for w in (matter.up if up else matter.down)
        if not (by_value and ("became" in w or "was {p}" in w or "were" in w or "got" in w))
    ]
    clause = scene.own(ways).replace("{p}", str(p))
    if rng.random() < 0.12:
        clause = clause.replace("%", " percent")
    return clause, (use, f" * (1 {'+' if up else '-'} {p} / 100)")


def _ending(
    scene: Scene, matter: _Matter, shown: list[str], values: list[Use], calculator: Offered
) -> tuple[str, Call | None]:
    """What is asked after the changes, and the call that answers it where one can."""
    rng = scene.rng
    count = len(shown)
    x = rng.random()
    parts: Parts | None = None
    i, j = 0, 1
    if x < 0.45:
        end = scene.own(_WHICH)
    elif x < 0.55:
        end = scene.own(_SPREAD)
    elif x < 0.7:
        end, parts = scene.own(_TOTAL), plus(values)
    elif x < 0.84:
        end, parts = scene.own(_MEAN), ("(", *plus(values), f") / {count}")
    else:
        i, j = rng.sample(range(count), 2)
        times = rng.random() < 0.5
        end = scene.own(_TIMES if times else _GAP)
        parts = (values[i], " / " if times else " - ", values[j])
    low = rng.random() < 0.4
    unit = matter.unit or "total"
    if not matter.unit:
        end = end.replace(" in {unit}", "")
    spread = "{least}" in end
    for key, text in (
        ("{word}", matter.word), ("{plural}", _plural(matter.word)), ("{most}", matter.most[low]), ("{least}",
        matter.most[not low]),
        ("{more}", matter.more[low]), ("{high}", "lowest" if low else "highest"), ("{attr}", matter.attr),
        ("{unit}", unit),
        ("{count}", _COUNTS[count]), ("{x}", shown[i]), ("{y}", shown[j]),
    ):  # fmt: skip
        if key == "{more}" and (spread or parts is not None):
            text = matter.more[0]
        if key in ("{most}", "{least}") and spread:
            text = matter.most[0] if key == "{most}" else matter.most[1]
        elif key == "{more}" and count > 2:
            text = f"the {matter.most[low]}" if "would be {more}" in end else text
        end = end.replace(key, text)
    return end, scene.calculation(*parts, by=calculator) if parts is not None else None


def _plural(word: str) -> str:
    return word[:-1] + "ies" if word.endswith("y") else word + ("es" if word.endswith("ch") else "s")


def _pairs(scene: Scene, matter: _Matter, source: Offered, path: str) -> Draft:
    """Differences or ratios of pairs; a thing that is in two pairs is looked up once."""
    rng = scene.rng
    count = rng.choice((3, 3, 4, 4, 4, 5))
    things, shown = _things(scene, matter, count)
    apart = count == 4 and rng.random() < 0.5
    pairs = [(0, 1), (2, 3)] if apart else [(i, i + 1) for i in range(count - 1)]
    ratio = rng.random() < 0.45
    link = " to " if ratio and rng.random() < 0.7 else " and "
    texts = [f"{shown[a]}{link}{shown[b]}" for a, b in pairs]
    wording = scene.own(_PAIRS)
    if " between {pairs}" in wording or " of {pairs}" in wording:
        word = wording.split("{pairs}")[0].split()[-1]
        texts = [texts[0], *((f"{word} {t}" if rng.random() < 0.35 else t) for t in texts[1:])]
    joined = ", ".join(texts[:-1]) + rng.choice((", and ", " and ", ", and ")) + texts[-1]
    if wording.startswith("Which") and ("pairs}?" in wording):
        joined = ", ".join(texts[:-1]) + " or " + texts[-1]
    high = rng.choice(("largest", "smallest", "highest", "lowest", "greatest", "maximum", "minimum"))
    question = wording.replace("{pairs}", joined).replace("{high}", high).replace("{attr}", matter.attr)
    question = question.replace("{sort}", "ratio" if ratio else "difference")
    uses = _looked_up(scene, source, path, things)
    calculator = scene.pick(scene.calculators())
    sign = " / " if ratio else " - "
    calls = [scene.calculation(uses[a], sign, uses[b], by=calculator) for a, b in pairs]
    return Draft(upper_first(question), [*(u.call for u in uses), *calls], None, "nested")


def _group_means(scene: Scene, matter: _Matter, source: Offered, path: str) -> Draft:
    rng = scene.rng
    things, shown = _things(scene, matter, rng.choice((4, 4, 5, 6)))
    cut = 2 if len(things) < 6 else 3
    wording = scene.own(_MEANS)
    more = rng.choice(("larger", "smaller", "greater", "higher", "lower"))
    question = wording.rstrip("+").replace("{attr}", matter.attr).replace("{more}", more)
    question = question.replace("{one}", listed(shown[:cut], rng)).replace("{two}", listed(shown[cut:], rng))
    uses = _looked_up(scene, source, path, things)
    calculator = scene.pick(scene.calculators())
    calls = []
    for group in (uses[:cut], uses[cut:]):
        parts: Parts = plus(group) if wording.endswith("+") else ("(", *plus(group), f") / {len(group)}")
        calls.append(scene.calculation(*parts, by=calculator))
    return Draft(upper_first(question), [*(u.call for u in uses), *calls], None, "nested")


def _totals(scene: Scene, matter: _Matter, source: Offered, path: str) -> Draft:
    rng = scene.rng
    things, shown = _things(scene, matter, rng.choice((2, 3, 4, 5, 6)))
    wording = scene.own(_ALL)
    question = wording.rstrip("+").replace("{attr}", matter.attr).replace("{and}", listed(shown, rng))
    question = (
        question.replace("{unit}", matter.unit)
        if matter.unit
        else question.replace(" in {unit}", "").replace(", in {unit}", "")
    )
    uses = _looked_up(scene, source, path, things)
    inner = plus(uses)
    parts: Parts = inner if wording.endswith("+") else ("(", *inner, f") / {len(uses)}")
    total = scene.calculation(*parts)
    return Draft(upper_first(question), [*(u.call for u in uses), total], total, "nested")
