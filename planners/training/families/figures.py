"""Questions that end in arithmetic: looked-up figures reckoned with, plain sums, and conversions of units."""

from __future__ import annotations

import random

from ..bank import names
from .plans import Call, Draft, Formula, Offered, Use
from .scene import Figure, Said, Scene, Unfit, is_number, is_plain_value, said
from .wording import listed, number_text, upper_first

Parts = tuple[str | Use, ...]

# -- two figures ---------------------------------------------------------------

# {a} and {b} name the two values ("the population of Oslo"), {that} is "that of Bergen".
_DIFFERENCE = (
    "What is the difference between {a} and {b}?", "How much higher is {a} than {b}?",
    "Subtract {b} from {a}.", "What is {a} minus {b}?",
    "By how much does {a} exceed {b}?", "How much greater is {a} than {b}?",
    "How far apart are {a} and {b}, as numbers?",
    "Take {a} and subtract {b}.", "{a} minus {b} is what?", "What do I get if I take {b} away from {a}?",
    "By what amount is {a} larger than {b}?", "Work out {a} less {b}.",
    "Calculate the gap between {a} and {b}.",
    "How big is the gap between {a} and {b}?", "Find the difference of {a} and {b}.",
)  # fmt: skip
_RATIO = (
    "What is the ratio of {a} to {b}?", "How many times larger is {a} than {b}?", "Divide {a} by {b}.",
    "What is {a} divided by {b}?",
    "How many times bigger is {a} compared to {b}?", "How many times does {b} go into {a}?",
    "{a} is how many times {b}?",
    "Work out the ratio between {a} and {b}.", "What do you get when you divide {a} by {b}?",
    "How many times as large as {b} is {a}?",
    "By what factor does {a} exceed {b}?", "What multiple of {b} is {a}?", "Compute {a} over {b}.",
    "How often does {b} fit into {a}?", "Find the quotient of {a} and {b}.",
)  # fmt: skip
_SHARE = (
    "What percentage of {b} is {a}?", "{a} is what percent of {b}?", "What share of {b} is {a}, in percent?",
    "As a percentage, how much of {b} is {a}?",
    "Express {a} as a percentage of {b}.", "How many percent of {b} does {a} make up?",
    "What percent is {a} of {b}?",
)  # fmt: skip
_SUM = (
    "What is the sum of {and}?", "Add {and}.", "How much is {and} combined?", "What do {and} add up to?",
    "Total up {and}.",
    "What is {and} altogether?", "Add up {and} for me.", "What is {plus}?",
    "Put together, how much are {and}?", "Calculate the total of {and}.",
    "Sum {and}.", "What is the total if you add {and}?",
)  # fmt: skip
_AVERAGE = (
    "What is the average of {and}?", "Find the mean of {and}.", "On average, how much are {and}?",
    "Average {and}.",
    "What is the mean of {and}?", "Take the average of {and}.", "How much is the average of {and}?",
    "Work out the average of {and}.",
)  # fmt: skip
_PRODUCT = (
    "What is {a} times {b}?", "Multiply {a} by {b}.", "What is the product of {a} and {b}?",
    "What do you get if you multiply {a} by {b}?",
)  # fmt: skip
# With the noun said once: {attr} "population", {of} its preposition.
_SUM_ONCE = (
    "What is the combined {attr} {of} {and}?", "What is the total {attr} {of} {and}?",
    "How much {attr} do {and} have combined?",
    "Add up the {attr} {of} {and}.", "What do you get when you add the {attr} {of} {and}?",
    "What is the sum of the {attr} {of} {and}?",
    "Taken together, what is the {attr} {of} {and}?", "If you add the {attr} {of} {and}, what is the total?",
    "{and}: what is their combined {attr}?", "Give me the total {attr} for {and} together.",
)  # fmt: skip
_AVERAGE_ONCE = (
    "What is the average {attr} {of} {and}?", "What is the mean {attr} {of} {and}?",
    "On average, what is the {attr} {of} {and}?",
    "Average the {attr} {of} {and}.", "Find the average {attr} for {and}.",
    "Of {and}, what is the average {attr}?",
    "{and}: what is their average {attr}?", "Work out the mean {attr} across {and}.",
)  # fmt: skip
_DIFFERENCE_ONCE = (
    "What is the difference in {attr} between {x} and {y}?",
    "By how much does the {attr} {of} {x} exceed that {of} {y}?",
    "How much more {attr} does {x} have than {y}?", "What is the {attr} {of} {x} minus that {of} {y}?",
    "How much higher is the {attr} {of} {x} than that {of} {y}?",
    "How does the {attr} {of} {x} differ from that {of} {y}, in numbers?",
    "Subtract the {attr} {of} {y} from the {attr} {of} {x}.",
    "Compared with {y}, how much greater is the {attr} {of} {x}?*",
    "What is the gap in {attr} between {x} and {y}?",
)  # fmt: skip
_RATIO_ONCE = (
    "What is the ratio of the {attr} {of} {x} to that {of} {y}?",
    "How many times the {attr} {of} {y} is the {attr} {of} {x}?*",
    "What is the {attr} {of} {x} divided by that {of} {y}?",
    "How many times larger is the {attr} {of} {x} than that {of} {y}?",
    "In terms of {attr}, how many times bigger is {x} than {y}?",
    "Divide the {attr} {of} {x} by the {attr} {of} {y}.",
    "By what factor is the {attr} {of} {x} greater than that {of} {y}?",
    "Compute the {attr} ratio of {x} to {y}.",
    "{x} has how many times the {attr} {of} {y}?",
)  # fmt: skip
_SHARE_ONCE = (
    "What percentage of the {attr} {of} {y} is the {attr} {of} {x}?*",
    "The {attr} {of} {x} is what percent of that {of} {y}?",
    "As a percentage of the {attr} {of} {y}, how large is that {of} {x}?*",
    "What percent of {y}'s {attr} is {x}'s {attr}?*",
)  # fmt: skip

# -- one figure and a number ------------------------------------------------------

# {a} is the value, {n} a number; the formula has `@` for the value.
_WITH_NUMBER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("@ * {n}", ("What is {a} times {n}?", "Multiply {a} by {n}.", "What is {n} times {a}?",
    "How much would {n} times {a} be?",
                 "If you multiply {a} by {n}, what do you get?", "Take {a} and multiply it by {n}.")),
    ("@ / {n}", ("What is {a} divided by {n}?", "Divide {a} by {n}.",
    "Split {a} into {n} equal parts: how big is each?",
                 "If you divide {a} by {n}, what do you get?", "How much is {a} when split {n} ways?",
                 "Share {a} evenly among {n}. How much is that each?")),
    ("@ + {n}", ("What is {a} plus {n}?", "Add {n} to {a}.", "What do you get if you add {n} to {a}?",
    "How much is {a} and another {n}?",
                 "If {a} grew by {n}, what would it be?", "Increase {a} by {n}.")),
    ("@ - {n}", ("What is {a} minus {n}?", "Subtract {n} from {a}.", "Take {n} away from {a}.",
    "How much is {a} less {n}?",
                 "If {a} dropped by {n}, what would be left?", "Reduce {a} by {n}.")),
    ("{n} - @", ("What is {n} minus {a}?", "Subtract {a} from {n}.", "How far is {a} short of {n}?",
    "What is left of {n} after taking away {a}?")),
    ("@ * {p} / 100", ("What is {p}% of {a}?", "How much is {p} percent of {a}?", "Calculate {p}% of {a}.",
    "Find {p}% of {a}.",
                       "{p}% of {a} is how much?", "If I take {p}% of {a}, how much is it?")),
    ("@ * (1 + {p} / 100)", ("What is {a} plus {p}%?", "What would {a} be if it rose by {p}%?",
    "Increase {a} by {p}%.",
                             "If {a} went up {p}%, what would it be?", "What is {p}% more than {a}?",
                             "How much is {a} after a {p}% increase?",
                             "Add {p}% to {a}.", "Suppose {a} grows by {p} percent. What is it then?")),
    ("@ * (1 - {p} / 100)", ("What is {a} minus {p}%?", "What would {a} be if it fell by {p}%?",
    "Reduce {a} by {p}%.",
                             "If {a} went down {p}%, what would it be?", "What is {p}% less than {a}?",
                             "How much is {a} after a {p}% decrease?",
                             "Take {p}% off {a}.", "Suppose {a} shrinks by {p} percent. What is it then?")),
    ("@ / 2", ("What is half of {a}?", "How much is half of {a}?", "Halve {a}.", "What is {a} halved?",
    "Cut {a} in half. How much is that?")),
    ("@ * 2", ("What is double {a}?", "What is twice {a}?", "Double {a}.",
    "If {a} doubled, what would it be?", "How much is {a} doubled?")),
    ("@ ** 2", ("What is {a} squared?", "Square {a}.", "Compute the square of {a}.")),
    ("sqrt(@)", ("What is the square root of {a}?", "Take the square root of {a}.",
    "Find the square root of {a}.")),
)  # fmt: skip

_PER = (
    "What is {a} divided by {b}?", "What is {a} per unit of its {battr}?", "Divide {a} by its {battr}.",
    "How much is {a} relative to its {battr}?",
    "What is the ratio of {aattr} to {battr} of {x}?", "For {x}, divide the {aattr} by the {battr}.",
    "Work out the {aattr} of {x} over its {battr}.",
    "What is the {aattr} per {battr} of {x}?",
)  # fmt: skip


def fact_and_calculation(scene: Scene) -> Draft:
    """Looked-up figures, and arithmetic with them."""
    rng = scene.rng
    calculator = scene.pick(scene.calculators())
    figures = scene.figures()
    if not figures:
        raise Unfit
    figure = rng.choice(figures)
    x = rng.random()
    if x < 0.32:
        return _with_number(scene, figure, calculator)
    if x < 0.42 and (found := _ratio_of_fields(scene, figures, calculator)) is not None:
        return found
    if x < 0.62:
        return _many(scene, figure, calculator)
    if x < 0.69:
        return _bracketed(scene, figure, calculator)
    return _two(scene, figure, calculator)


def _two(scene: Scene, figure: Figure, calculator: Offered) -> Draft:
    """A difference, ratio, share, sum or product of two."""
    rng = scene.rng
    x, y = scene.things(figure.kind, 2)
    a, use_a = scene.ask_figure(figure, x)
    b, use_b = scene.ask_figure(figure, y)
    shape = rng.choice(("-", "-", "/", "/", "%", "+", "avg", "*"))
    once = figure.parts is not None and rng.random() < 0.6
    table = {
        "-": (_DIFFERENCE, _DIFFERENCE_ONCE), "/": (_RATIO, _RATIO_ONCE), "%": (_SHARE, _SHARE_ONCE),
        "+": (_SUM, _SUM_ONCE), "avg": (_AVERAGE, _AVERAGE_ONCE), "*": (_PRODUCT, ()),
    }  # fmt: skip
    long, short = table[shape]
    once = once and bool(short)
    wording = scene.own(short if once else long)
    attr, of = figure.parts or ("", "")
    if not once and figure.parts and rng.random() < 0.35 and wording.find("{a}") < wording.find("{b}"):
        b = f"that {of} {y}"
    question = wording.rstrip("*")
    for key, text in (
        ("{and}", listed([x, y] if once else [a, b], rng)), ("{plus}", f"{a} plus {b}"), ("{attr}", attr),
        ("{of}", of),
        ("{a}", a), ("{b}", b), ("{x}", x), ("{y}", y),
    ):  # fmt: skip
        question = question.replace(key, text)
    formula: dict[str, Parts] = {
        "-": (use_a, " - ", use_b), "/": (use_a, " / ", use_b), "%": (use_a, " / ", use_b, " * 100"),
        "+": (use_a, " + ", use_b), "avg": ("(", use_a, " + ", use_b, ") / 2"), "*": (use_a, " * ", use_b),
    }  # fmt: skip
    calls = [use_a.call, use_b.call]
    # A question can name the second figure first; look-ups go as it names them.
    if question.find(y) < question.find(x):
        calls.reverse()
    total = scene.calculation(*formula[shape], by=calculator)
    return Draft(upper_first(question), [*calls, total], total, "nested")


def _many(scene: Scene, figure: Figure, calculator: Offered) -> Draft:
    """A sum or an average of two to five."""
    rng = scene.rng
    things = scene.things(figure.kind, rng.choice((2, 3, 3, 3, 4, 4, 5)))
    asked = [scene.ask_figure(figure, t) for t in things]
    average = rng.random() < 0.45
    once = figure.parts is not None and rng.random() < 0.75
    attr, of = figure.parts or ("", "")
    wording = scene.own(
        (_AVERAGE_ONCE if average else _SUM_ONCE) if once else (_AVERAGE if average else _SUM)
    )
    question = wording.replace("{and}", listed(things if once else [a for a, _ in asked], rng))
    question = (
        question.replace("{plus}", " plus ".join(a for a, _ in asked))
        .replace("{attr}", attr)
        .replace("{of}", of)
    )
    inner = plus([u for _, u in asked])
    formula: Parts = ("(", *inner, f") / {len(things)}") if average else inner
    total = scene.calculation(*formula, by=calculator)
    return Draft(upper_first(question), [*(u.call for _, u in asked), total], total, "nested")


def plus(uses: list[Use]) -> Parts:
    """The sum of these as a formula."""
    out: list[str | Use] = []
    for use in uses:
        out += [" + ", use] if out else [use]
    return tuple(out)


def _with_number(scene: Scene, figure: Figure, calculator: Offered) -> Draft:
    a, use = scene.ask_figure(figure, scene.thing(figure.kind))
    return with_number(scene, a, use, calculator)


def with_number(
    scene: Scene, a: str, use: Use, calculator: Offered | None = None, skill: str = "nested"
) -> Draft:
    """Arithmetic with one value, said as `a`, and a number."""
    rng = scene.rng
    formula, ways = rng.choice(_WITH_NUMBER[:8] if rng.random() < 0.75 else _WITH_NUMBER[8:])
    n = rng.choice(
        (rng.randint(3, 30), rng.randint(3, 400), rng.randint(2, 12) * 100, round(rng.uniform(1.1, 9.9), 1))
    )
    if "/ {n}" in formula:
        n = rng.randint(3, 60)
    p = rng.choice(
        (rng.randint(3, 60), rng.choice((5, 10, 15, 20, 25, 30, 40, 75, 80)), round(rng.uniform(1, 20), 1))
    )
    n, p = whole(n), whole(p)
    question = scene.own(ways).replace("{a}", a).replace("{n}", number_text(n, rng)).replace("{p}", str(p))
    before, _, after = formula.replace("{n}", str(n)).replace("{p}", str(p)).partition("@")
    total = scene.calculation(*(part for part in (before, use, after) if part != ""), by=calculator)
    return Draft(upper_first(question), [use.call, total], total, skill)


def whole(value: float) -> float:
    """`5` for `5.0`, which nobody writes."""
    return int(value) if value == int(value) else value


_BRACKETED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("(@ + &) * {n}", ("Add {a} and {b}, then multiply the result by {n}.",
    "What is {n} times the sum of {a} and {b}?",
                       "What is the sum of {a} and {b}, times {n}?")),
    ("(@ + &) / {n}", ("Add {a} and {b}, then divide the result by {n}.",
    "What is the sum of {a} and {b}, divided by {n}?",
                       "Split the total of {a} and {b} into {n} equal parts.")),
    ("(@ - &) / {n}", ("What is the difference between {a} and {b}, divided by {n}?",
    "Divide the difference between {a} and {b} by {n}.",
                       "Subtract {b} from {a} and divide that by {n}.")),
    ("(@ + &) / 2", ("What is half of the sum of {a} and {b}?", "What is half of {a} and {b} combined?",
    "Add {a} and {b} and halve the result.")),
    ("@ + & / 2", ("What is {a} plus half of {b}?", "Add half of {b} to {a}.*",
    "How much is {a} together with half of {b}?")),
    ("@ - & * {n}", ("What is {a} minus {n} times {b}?", "From {a}, subtract {n} times {b}.",
    "What is left of {a} after taking away {n} times {b}?")),
    ("(@ + &) * {p} / 100", ("What is {p}% of the sum of {a} and {b}?",
    "How much is {p}% of {a} and {b} combined?",
                             "Take {p}% of the total of {a} and {b}.")),
    ("@ - & - {n}", ("What is {a} minus {b} minus {n}?", "Subtract {b} and then {n} from {a}.*",
    "From {a}, take away {b} and another {n}.")),
)  # fmt: skip


def _bracketed(scene: Scene, figure: Figure, calculator: Offered) -> Draft:
    rng = scene.rng
    x, y = scene.things(figure.kind, 2)
    (a, use_a), (b, use_b) = scene.ask_figure(figure, x), scene.ask_figure(figure, y)
    formula, ways = rng.choice(_BRACKETED)
    n, p = rng.randint(2, 25), rng.choice((5, 10, 12, 15, 20, 25, 30, 35, 40, 60))
    wording = scene.own(ways).rstrip("*")
    question = (
        wording.replace("{a}", a).replace("{b}", b).replace("{n}", number_text(n, rng)).replace("{p}", str(p))
    )
    parts: list[str | Use] = []
    text = formula.replace("{n}", str(n)).replace("{p}", str(p))
    before, _, rest = text.partition("@")
    middle, _, after = rest.partition("&")
    parts = [q for q in (before, use_a, middle, use_b, after) if q != ""]
    calls = [use_a.call, use_b.call]
    if question.find(y) < question.find(x):
        calls.reverse()
    total = scene.calculation(*parts, by=calculator)
    return Draft(upper_first(question), [*calls, total], total, "nested")


def _ratio_of_fields(scene: Scene, figures: list[Figure], calculator: Offered) -> Draft | None:
    """Two figures of one thing: of one record, or by two tools."""
    rng = scene.rng
    pairs = [
        (f, g) for f in figures for g in figures
        if f.parts and g.parts and f.kind == g.kind and (f.offered, f.path) != (g.offered, g.path)
        and f.parts[0] != g.parts[0] and f.parts[1] == g.parts[1] == "of"
    ]  # fmt: skip
    if not pairs:
        return None
    f, g = rng.choice(pairs)
    name = scene.thing(f.kind)
    (a, use_a), (_, use_b) = scene.ask_figure(f, name), scene.ask_figure(g, name)
    wording = scene.own(_PER)
    question = wording
    assert f.parts
    assert g.parts
    for key, text in (
        ("{a}", a),
        ("{b}", f"its {g.parts[0]}"),
        ("{aattr}", f.parts[0]),
        ("{battr}", g.parts[0]),
        ("{x}", name),
    ):
        question = question.replace(key, text)
    calls = [use_a.call]
    if f.offered is g.offered:
        use_b = Use(use_a.call, g.path)
    else:
        calls.append(use_b.call)
    total = scene.calculation(use_a, " / ", use_b, by=calculator)
    return Draft(upper_first(question), [*calls, total], total, "nested")


# -- plain sums -------------------------------------------------------------------

_SUMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("{a} + {b}", ("What is {a} + {b}?", "What is {a} plus {b}?", "Add {a} and {b}.", "Compute {a} + {b}.",
    "How much is {a} and {b} together?")),
    ("{a} - {c}", ("What is {a} - {c}?", "What is {a} minus {c}?", "Subtract {c} from {a}.",
    "Compute {a} - {c}.", "Take {c} away from {a}.")),
    ("{a} * {c}", ("What is {a} * {c}?", "What is {a} times {c}?", "Multiply {a} by {c}.",
    "What is the product of {a} and {c}?", "Calculate {a} x {c}.")),
    ("{a} / {c}", ("What is {a} / {c}?", "What is {a} divided by {c}?", "Divide {a} by {c}.",
    "How many times does {c} go into {a}?", "Compute {a} / {c}.")),
    ("{a} * {p} / 100", ("What is {p}% of {a}?", "How much is {p} percent of {a}?", "Calculate {p}% of {a}.",
    "{p}% of {a}, please.")),
    ("{a} * (1 + {p} / 100)", ("What is {a} plus {p}%?", "Increase {a} by {p}%.",
    "What is {p}% more than {a}?", "A price of {a} goes up by {p}%. What is it now?")),
    ("{a} * (1 - {p} / 100)", ("What is {a} minus {p}%?", "Decrease {a} by {p}%.",
    "What is {p}% less than {a}?", "What does a {a} euro bike cost at {p}% off?")),
    ("{a} * {c} + {b}", ("What is {a} times {c} plus {b}?", "Multiply {a} by {c} and add {b}.",
    "What is {a} * {c} + {b}?", "Work out {a} times {c}, plus {b}.")),
    ("{a} * {c} - {b}", ("What is {a} times {c} minus {b}?", "Multiply {a} by {c} and subtract {b}.",
    "Compute {a} * {c} - {b}.")),
    ("{c} * ({a} + {b})", ("What is {c} times the sum of {a} and {b}?", "What is {c} * ({a} + {b})?",
    "Multiply {c} by the sum of {a} and {b}.")),
    ("({a} + {b}) / {c}", ("What is the sum of {a} and {b} divided by {c}?",
    "Add {a} and {b}, then divide by {c}.", "What is ({a} + {b}) / {c}?")),
    ("({a} + {b} + {c}) / 3", ("What is the average of {a}, {b} and {c}?",
    "Find the mean of {a}, {b} and {c}.", "Average {a}, {b} and {c}.")),
    ("({a} + {b}) / 2", ("What is the average of {a} and {b}?", "What number is halfway between {a} and {b}?",
    "Find the mean of {a} and {b}.")),
    ("{a} + {b} + {c}", ("What is {a} + {b} + {c}?", "What is the sum of {a}, {b} and {c}?",
    "Add up {a}, {b} and {c}.", "Total {a}, {b} and {c}.")),
    ("sqrt({a})", ("What is the square root of {a}?", "Compute the square root of {a}.",
    "Find the square root of {a}.", "What is sqrt({a})?")),
    ("{c} ** 2", ("What is {c} squared?", "Square {c}.", "Compute {c} to the power of 2.",
    "What is the square of {c}?")),
    ("{a} / 2", ("What is half of {a}?", "Halve {a}.", "How much is half of {a}?")),
    ("{a} * 2", ("What is double {a}?", "What is twice {a}?", "Double {a}.")),
    ("{c} / {a} * 100", ("What percentage of {a} is {c}?", "{c} is what percent of {a}?",
    "As a percentage, what is {c} out of {a}?")),
    ("{a} / {c}", ("Split {a} evenly between {c} people.",
    "If {c} friends share {a} euros, how much does each get?",
    "{c} people pay {a} together. What is each one's share?")),
    ("{a} * {c}", ("How much do {c} tickets at {a} each cost?",
    "I walk {a} steps a day. How many in {c} days?", "How much is {c} boxes of {a} in total?")),
)  # fmt: skip


def plain_sum(scene: Scene) -> Draft:
    """Arithmetic with the numbers of the question alone."""
    rng = scene.rng
    calculator = scene.pick(scene.calculators())
    if rng.random() < 0.2:
        return _two_sums(scene, calculator)
    formula, question = _sum(rng, scene)
    total = Call(calculator, (Formula((formula,)),))
    return Draft(question, [total], total, "values")


def _sum(rng: random.Random, scene: Scene) -> tuple[str, str]:
    formula, ways = rng.choice(_SUMS)
    a = rng.choice(
        (
            rng.randint(13, 999),
            rng.randint(1000, 90_000),
            round(rng.uniform(10, 500), 1),
            rng.randint(20, 200),
        )
    )
    b, c = rng.randint(13, 950), rng.randint(3, 60)
    if "sqrt" in formula:
        a = rng.randint(20, 20_000)
    p = rng.choice((5, 8, 10, 12, 15, 18, 20, 25, 30, 35, 40, 60, 75, 2.5, 7.5, rng.randint(3, 90)))
    a = whole(a)
    if a in (b, c) or b == c:
        raise Unfit
    question = scene.own(ways)
    symbols = any(s in question for s in "*+/(")
    for key, value in (("{a}", a), ("{b}", b), ("{c}", c), ("{p}", p)):
        formula = formula.replace(key, str(value))
        question = question.replace(key, str(value) if symbols or key == "{p}" else number_text(value, rng))
    return formula, upper_first(question)


def _two_sums(scene: Scene, calculator: Offered) -> Draft:
    (one, first), (two, second) = _sum(scene.rng, scene), _sum(scene.rng, scene)
    if one == two or not (first.startswith("What is") and second.startswith("What is")):
        raise Unfit
    glue = scene.own((", and what is", " and what is", "? And what is", "? What is"))
    question = first.rstrip("?") + glue + second[len("What is") :]
    calls = [Call(calculator, (Formula((f,)),)) for f in (one, two)]
    return Draft(question, calls, None, "parallel")


# -- conversions --------------------------------------------------------------------

_CONVERT_SEVERAL = (
    "Convert {and} to {to}.", "How much are {and} in {to}?", "What are {and} in {to}?",
    "Express {and} in {to}.",
    "I need {and} in {to}.",
)  # fmt: skip
_FACT_CONVERT = (
    "What is {a} in {to}?", "Convert {a} to {to}.", "Give me {a} in {to}.", "How much is {a} in {to}?",
    "Tell me {a}, expressed in {to}.",
    "I need {a} in {to}.", "How many {to} is {a}?", "Express {a} in {to}.",
)  # fmt: skip
_FACT_BOTH = (
    "What is {a} in {to}, given that it is listed in {from}?", "Convert {a} from {from} to {to}.",
    "Look up {a} in {from} and convert it to {to}.",
    "{a} is given in {from}. What is it in {to}?", "Take {a} and convert it from {from} to {to}.",
    "Find {a}, which is in {from}, and express it in {to}.",
)  # fmt: skip
_THEN_SUM = (
    "Convert {q} to {to} and multiply the result by {n}.", "How much is {n} times {q}, in {to}?*",
    "Convert {q} to {to}, then divide by {n}./",
    "Turn {q} into {to} and add {n}.+", "Express {q} in {to} and subtract {n}.-",
    "Change {q} to {to} and double it.2",
)  # fmt: skip


def conversion(scene: Scene) -> Draft:
    """Quantities, said or looked up, in other units."""
    rng = scene.rng
    converter = scene.pick(scene.converters())
    x = rng.random()
    if x < 0.25 and (found := _fact_converted(scene, converter)) is not None:
        return found
    if x < 0.45:
        return _two_conversions(scene, converter)
    if x < 0.58 and scene.calculators():
        return _converted_then(scene, converter)
    filled = scene.fill(converter, converter.spec.asks)
    plain = is_plain_value(converter.tool.returns)
    return Draft(filled.text, [filled.call], filled.call if plain else None, "values")


def _amount(scene: Scene, converter: Offered) -> tuple[str, dict[str, Said]]:
    """`5 miles`, and the values of the call but for the unit to convert to."""
    values = scene.values(converter.spec)
    amount, source, _ = _slots(converter)
    text = f"{values[amount].text} {values[source].text}"
    return text, values


def _slots(converter: Offered) -> tuple[str, str, str]:
    """The slots for the amount, the unit it is in and the unit wanted."""
    spec = converter.spec
    amount = next((s.name for s in spec.slots if s.kind == "number"), None)
    units = [s.name for s in spec.slots if s.kind == "unit"]
    if amount is None or len(units) != 2:
        raise Unfit
    # A parameter that is called after the target comes first in some converters.
    if units[0].startswith(("to", "target", "into")):
        units.reverse()
    return amount, units[0], units[1]


def _plain_result(call: Call) -> Call | None:
    return call if is_plain_value(call.offered.tool.returns) else None


def _two_conversions(scene: Scene, converter: Offered) -> Draft:
    rng = scene.rng
    if rng.random() < 0.5:
        first, second = (scene.fill(converter, converter.spec.asks) for _ in range(2))
        lowered = second.text[:1].lower() + second.text[1:]
        glue = scene.own((" and ", ", and ", ", and also ", "; also, "))
        joined = first.text.rstrip("?.") + glue + lowered
        question = f"{first.text} {second.text}" if rng.random() < 0.4 else joined
        return Draft(question, [first.call, second.call], None, "parallel")
    amount, source, target = _slots(converter)
    text, values = _amount(scene, converter)
    slot = next(s for s in converter.spec.slots if s.name == amount)
    shown, calls = [text], [scene.call(converter, values)]
    for _ in range(rng.choice((1, 1, 2))):
        other = dict(values)
        other[amount] = scene.value(slot)
        shown.append(f"{other[amount].text} {values[source].text}")
        calls.append(scene.call(converter, other))
    if len(set(shown)) < len(shown):
        raise Unfit
    question = (
        scene.own(_CONVERT_SEVERAL).replace("{and}", listed(shown, rng)).replace("{to}", values[target].text)
    )
    return Draft(question, calls, None, "parallel")


def _converted_then(scene: Scene, converter: Offered) -> Draft:
    rng = scene.rng
    returns = converter.tool.returns
    path = _amount_path(converter)
    if path is None:
        raise Unfit
    _, _, target = _slots(converter)
    text, values = _amount(scene, converter)
    n = rng.randint(3, 40)
    wording = scene.own(_THEN_SUM)
    sign = wording[-1] if wording[-1] in "*/+-2" else ""
    call = scene.call(converter, values)
    use = Use(call, path)
    formula: Parts = {
        "": (use, f" * {n}"), "*": (use, f" * {n}"), "/": (use, f" / {n}"), "+": (use, f" + {n}"), "-": (use,
        f" - {n}"), "2": (use, " * 2"),
    }[sign]  # fmt: skip
    question = (
        wording.rstrip("*/+-2")
        .replace("{q}", text)
        .replace("{to}", values[target].text)
        .replace("{n}", str(n))
    )
    total = scene.calculation(*formula)
    assert returns is None or returns
    return Draft(question, [call, total], total, "chained")


def _amount_path(converter: Offered) -> str | None:
    """Where the converted number stands in a result; None where the tool does not say."""
    returns = converter.tool.returns
    if returns is None or is_number(returns):
        return "" if converter.spec.returns is None or is_number(converter.spec.returns) else None
    for name, schema in returns.get("properties", {}).items():
        if is_number(schema):
            return str(name)
    return None


def _fact_converted(scene: Scene, converter: Offered) -> Draft | None:
    """A looked-up figure in another unit: by the fields of its record, or by the unit that the question says."""
    rng = scene.rng
    amount, source, target = _slots(converter)
    measured = [(f, u) for f in scene.figures() if f.path and (u := _unit_field(f)) is not None]
    low, high = names.make_units(rng)
    if measured:
        figure, unit = rng.choice(measured)
        a, use = scene.ask_figure(figure, scene.thing(figure.kind))
        question = scene.own(_FACT_CONVERT).replace("{a}", a).replace("{to}", high)
        values = {amount: Said("", use), source: Said("", Use(use.call, unit)), target: said(high)}
    else:
        figures = [f for f in scene.figures() if any(w in _MEASURED for w in f.noun.lower().split())]
        if not figures:
            return None
        figure = rng.choice(figures)
        units = _MEASURED[next(w for w in figure.noun.lower().split() if w in _MEASURED)]
        low, high = rng.sample(units, 2)
        a, use = scene.ask_figure(figure, scene.thing(figure.kind))
        question = scene.own(_FACT_BOTH).replace("{a}", a).replace("{from}", low).replace("{to}", high)
        values = {amount: Said("", use), source: said(low), target: said(high)}
    for slot in converter.spec.slots:
        if not slot.optional and slot.name not in values:
            return None
    call = scene.call(converter, values)
    return Draft(upper_first(question), [use.call, call], _plain_result(call), "chained")


def _unit_field(figure: Figure) -> str | None:
    fields = figure.offered.spec.fields
    return next((name for name, kind in fields.items() if kind == "unit"), None)


_LENGTHS = ["metres", "meters", "feet", "kilometres", "miles", "yards", "km"]
_AREAS = ["square kilometres", "square miles", "hectares", "acres"]
_WEIGHTS = ["kilograms", "pounds", "tonnes", "grams", "ounces", "kg"]
_TIMES = ["minutes", "hours", "seconds", "days"]
_SPEEDS = ["km/h", "mph", "knots", "metres per second"]
_MEASURED = {
    "height": _LENGTHS, "elevation": _LENGTHS, "depth": _LENGTHS, "length": _LENGTHS, "distance": _LENGTHS,
    "altitude": _LENGTHS,
    "area": _AREAS, "weight": _WEIGHTS, "mass": _WEIGHTS, "duration": _TIMES, "runtime": _TIMES,
    "speed": _SPEEDS,
}  # fmt: skip


__all__ = ["conversion", "fact_and_calculation", "plain_sum", "plus"]
