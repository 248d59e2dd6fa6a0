"""Examples from the bank: groups that share their tools, with questions of many families, each checked.

Run `python -m training.generate --show` to read some. What questions look like is in `families`.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from llmcompiler import Plan, PlanError
from llmcompiler_planners import briefing
from llmcompiler_planners.words import Question, read_question

from . import bank
from .families import chains, figures, following, lookups, parallel, refusals, staples
from .families.plans import Draft
from .families.pool import Pool, clash
from .families.scene import Scene, Unfit, offer
from .families.values import value_example
from .families.wording import noisy
from .specs import Example, Spec, Split

_MAX_QUESTION = 900
_MAX_WORDS = 9
_TRIES = 12

SHARES = {
    "compare two": 0.085,
    "compare several": 0.07,
    "fact + calculation": 0.15,
    "plain sums": 0.02,
    "conversions": 0.055,
    "chains": 0.12,
    "mixed": 0.115,
    "ParallelQA-shaped": 0.13,
    "one look-up": 0.07,
    "options and values": 0.065,
    "loops": 0.03,
    "no tool fits": 0.055,
    "next calls": 0.04,
}
"""About how much of all plans each family is."""
VALUES = 0.10
"""How much of all examples takes a value out of a text, where both are learnt."""

_Make = Callable[[Scene], Draft]
_MAKERS: dict[str, _Make] = {
    "compare two": lookups.compare_two,
    "compare several": lookups.compare_several,
    "fact + calculation": figures.fact_and_calculation,
    "plain sums": figures.plain_sum,
    "conversions": figures.conversion,
    "chains": chains.chain,
    "mixed": lookups.mixed,
    "ParallelQA-shaped": parallel.parallel_shaped,
    "one look-up": lookups.one_lookup,
    "options and values": lookups.options,
    "loops": chains.loop,
}
_REPLANNED = (
    "chains",
    "fact + calculation",
    "ParallelQA-shaped",
    "mixed",
    "compare two",
    "one look-up",
    "compare several",
    "loops",
)


@cache
def specs() -> tuple[Spec, ...]:
    """Every tool that is drawn from."""
    return (*bank.SPECS, *staples.SPECS)


@cache
def pool(split: Split) -> Pool:
    """The tools of one split."""
    return Pool(split, specs())


def groups(seed: int, count: int, split: Split, *, values: float = VALUES) -> Iterator[list[Example]]:
    """Groups of examples: those of a group share their beginning, and differ in what is asked.

    The same seed, count and split give the same examples.

    Args:
        seed: Decides everything.
        count: How many examples in all.
        split: `train`, or `held`: tools and wordings that are never trained on.
        values: The part of them that takes a value out of a text, 0 to 1; the others are plans.
    """
    rng = random.Random(f"{split} {seed}")
    made: Counter[str] = Counter()
    left, read = count, 0
    while left > 0:
        size = min(left, rng.randint(4, 8))
        if rng.random() < (values * (count - left + 8) - read) / 6:
            group = _values(rng, split, size)
            read += len(group)
        else:
            group = _planned(rng, pool(split), made, size)
        left -= len(group)
        if group:
            yield group


def _wanted(made: Counter[str], able: Sequence[str], rng: random.Random) -> str:
    """The family to make next: most likely the one that is furthest behind."""
    total = sum(made.values()) + 20
    weights = [max(0.02, SHARES[f] * total - made[f]) * rng.uniform(0.4, 1) for f in able]
    return able[weights.index(max(weights))]


# -- planning prompts ------------------------------------------------------------


def _planned(rng: random.Random, tools: Pool, made: Counter[str], size: int) -> list[Example]:
    """A group over one set of tools; what it makes is added to `made`."""
    leading = _wanted(made, [f for f in SHARES if f not in ("no tool fits", "next calls")], rng)
    chosen = _chosen(leading, tools, rng)
    count = max(rng.choice((1, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 10, 12)), len(chosen))
    every = tools.fill(chosen, count, rng)
    scene = Scene(rng, tools.split, offer(every, rng), tools.barred)
    shared = briefing.tools_block(o.tool for o in scene.offered)
    out: list[Example] = []
    asked: set[str] = set()
    families = list(SHARES)
    failures = 0
    while len(out) < size and failures < 40:
        family = leading if len(out) < 2 and not failures % 3 else _wanted(made, families, rng)
        example = _example(scene, family, tools, shared)
        if example is None or example.question in asked:
            failures += 1
            if failures % 4 == 0 and family in families and family != leading and len(families) > 2:
                families.remove(family)
            continue
        asked.add(example.question)
        made[family] += 1
        out.append(example)
    return out


def _chosen(family: str, tools: Pool, rng: random.Random) -> list[Spec]:
    """Tools that permit a family of questions."""

    def some(specs: Sequence[Spec], most: int = 1) -> list[Spec]:
        return rng.sample(list(specs), min(most, len(specs)))

    match family:
        case "compare two" | "compare several":
            return some(tools.searches) if rng.random() < 0.35 else some(tools.comparable, rng.choice((1, 2)))
        case "fact + calculation":
            return some(tools.measuring, rng.choice((1, 2, 2))) + some(tools.calculators)
        case "plain sums":
            return some(tools.calculators) + some(tools.plain)
        case "conversions":
            return some(tools.converters) + some(tools.calculators) + some(tools.measuring)
        case "chains":
            first, second = rng.choice(tools.pairs)
            more = [p for p in tools.pairs if p[1] is first] if rng.random() < 0.5 else []
            third = [rng.choice(more)[0]] if more else []
            return [first, second, *third, *(some(tools.calculators) if rng.random() < 0.5 else [])]
        case "mixed":
            return some(tools.plain, rng.choice((3, 4, 5)))
        case "ParallelQA-shaped":
            knows = some(tools.searches) if rng.random() < 0.7 else some(tools.measuring)
            return knows + some(tools.calculators)
        case "one look-up":
            return some([*tools.plain, *tools.searches], 2)
        case "options and values":
            return some(tools.optioned, 2)
        case _:
            return [*rng.choice(tools.looped)]


def _example(scene: Scene, family: str, tools: Pool, shared: str) -> Example | None:
    for _ in range(_TRIES):
        try:
            example = _tried(scene, family, tools, shared)
        except Unfit:
            continue
        if example is not None:
            return example
    return None


def _tried(scene: Scene, family: str, tools: Pool, shared: str) -> Example | None:
    rng = scene.rng
    done, results, skill = 0, "", ""
    if family == "no tool fits":
        others = [s for s in tools.plain if not any(_like(s, o.spec) for o in scene.offered)]
        draft = refusals.no_tool(scene, others)
    elif family == "next calls":
        draft = _MAKERS[rng.choice(_REPLANNED)](scene)
    else:
        draft = _MAKERS[family](scene)
    draft.question = noisy(draft.question, rng, scene.split)
    if rng.random() < 0.04:
        draft = draft.lowered()
    if family == "next calls":
        draft, done, results = following.following(scene, draft)
        skill = "next"
    lines = draft.lines()
    if not well_made(draft, lines, scene):
        return None
    prompt = briefing.question_block(draft.question) + "".join(lines[:done]) + results
    return Example(
        shared=shared,
        prompt=prompt,
        target="".join(lines[done:]),
        family="fact + calculation" if family == "plain sums" else family,
        skill=skill or draft.skill,
        split=scene.split,
        tools=tuple(o.tool for o in scene.offered),
        question=draft.question,
    )


def _like(one: Spec, other: Spec) -> bool:
    """Whether the tool `other` could be taken to answer what `one` is asked."""
    return clash(one, other)


def well_made(draft: Draft, lines: Sequence[str], scene: Scene) -> bool:
    """Whether the plan holds against the tools, and all that it copies stands in the question."""
    question = briefing.question_block(draft.question)
    if len(question) > _MAX_QUESTION or "{" in draft.question:
        return False
    read = read_question(draft.question)
    for literal in draft.literals():
        text = str(literal.value)
        if (
            not text
            or len(text.split()) > _MAX_WORDS
            or not stands_in(text, question)
            or not copied(text, read)
        ):
            return False
    try:
        Plan.parse("".join(lines), tools=[o.tool for o in scene.offered])
    except PlanError:
        return False
    return True


def stands_in(text: str, question: str) -> bool:
    """Whether whole words of the question are this text."""
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", question) is not None


def copied(text: str, question: Question) -> bool:
    """Whether a copy grammar, which begins and ends runs at words that name things, can write this text."""
    words = question.words
    lengths = {len(text.split()), len(text.split()) + 1}
    return any(
        question.run(start, n) == text
        for start, word in enumerate(words)
        if word.begins
        for n in lengths
        if start + n <= len(words) and words[start + n - 1].ends
    )


# -- values out of results ----------------------------------------------------------


def _values(rng: random.Random, split: Split, size: int) -> list[Example]:
    out = []
    for _ in range(size):
        call, text, question, answer = value_example(rng, split)
        prompt = briefing.value_prompt(call, text, question)
        target = f" {answer or briefing.NOTHING}\n"
        out.append(Example("", prompt, target, "values", "response", split, question=question))
    return out


# -- to read ------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Print examples and counts."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--split", choices=("train", "held"), default="train")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print the examples, not only the counts")
    parser.add_argument("--family", default="", help="print only these")
    args = parser.parse_args(arguments)
    families: Counter[str] = Counter()
    skills: Counter[str] = Counter()
    for group in groups(args.seed, args.count, args.split):
        wanted = [e for e in group if not args.family or e.family == args.family]
        if args.show and wanted:
            sys.stdout.write(f"{'=' * 100}\n{group[0].shared}")
        for example in wanted if args.show else ():
            sys.stdout.write(f"--- {example.family} / {example.skill}\n{example.prompt}{example.target}")
        families.update(e.family for e in group)
        skills.update(e.skill for e in group)
    for counts in (families, skills):
        for name, n in counts.most_common():
            sys.stdout.write(f"{n:6} {n / counts.total():5.1%} {name}\n")
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
