"""Prompts in which calls were made already: what is still missing, another tool for a call that failed, or the join."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from llmcompiler.outcomes import Failed, Succeeded
from llmcompiler_planners.briefing import results_block

from ..bank import names
from .plans import Call, Draft, Literal
from .scene import Scene, Unfit

_TEXTS = (
    "clear",
    "light rain",
    "low",
    "high",
    "medium",
    "good",
    "mild and dry",
    "no change",
    "open",
    "ok",
    "normal",
    "in stock",
    "cloudy",
)
_FAILURES = ("no such place", "not found", "timed out", "the service is down", "no entry")


def following(scene: Scene, draft: Draft) -> tuple[Draft, int, str]:
    """A plan that stops after some of its calls.

    Returns:
        The whole plan, how many of its lines were written, and the results of the calls made, each in a line.
    """
    rng = scene.rng
    calls = draft.numbered()
    if not calls:
        raise Unfit
    if len(calls) == 1 and rng.random() < 0.6:
        return _tried_again(scene, draft)
    # Lines end where what follows needs them, now and then in the middle of the look-ups.
    count = len(calls)
    stages = [n for n, call in calls.items() if n < count and _needs(calls[n + 1])] + [count]
    done = rng.choice(stages) if rng.random() < 0.75 else rng.randint(1, count)
    outcomes = [(n, Succeeded(result(call, rng))) for n, call in calls.items() if n <= done]
    return draft, done, results_block(outcomes)


def _needs(call: Call) -> bool:
    return any(True for _ in call.uses())


def _tried_again(scene: Scene, draft: Draft) -> tuple[Draft, int, str]:
    """A look-up that failed is made once more with a search."""
    call = draft.numbered()[1]
    searches = [o for o in scene.searches() if scene.single(o) and o is not call.offered]
    if not searches or call.offered.spec.effect == "write" or len(call.args) != 1:
        raise Unfit
    arg = call.args[0]
    if not isinstance(arg, Literal) or not isinstance(arg.value, str) or call.options:
        raise Unfit
    other = scene.pick(searches)
    again = Call(other, (arg,))
    outcome = Failed(RuntimeError(scene.rng.choice(_FAILURES)))
    return Draft(draft.question, [call, again], None, "next"), 1, results_block([(1, outcome)])


def result(call: Call, rng: random.Random) -> Any:
    """What a call of the tool might give."""
    spec = call.offered.spec
    return made(spec.returns, spec.result, spec.fields, rng)


def made(schema: Any, kind: str, fields: Mapping[str, str], rng: random.Random) -> Any:
    """A made-up value of this schema."""
    if not isinstance(schema, Mapping):
        return _text(kind, rng)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    match schema.get("type"):
        case "integer":
            return rng.choice((rng.randint(0, 100), rng.randint(100, 20_000)))
        case "number":
            return rng.choice(
                (rng.randint(1, 9000), round(rng.uniform(0, 900), 1), rng.randint(10_000, 9_000_000))
            )
        case "boolean":
            return rng.random() < 0.5
        case "array":
            return [made(schema.get("items"), kind, fields, rng) for _ in range(rng.choice((2, 3)))]
        case "object":
            return {
                k: made(v, fields.get(k, k), fields, rng) for k, v in schema.get("properties", {}).items()
            }
    return _text(kind, rng)


def _text(kind: str, rng: random.Random) -> str:
    if kind in names.KINDS:
        return names.make(kind, rng)
    if kind in ("name", "title"):
        return names.make(rng.choice(("person", "city", "company")), rng)
    return rng.choice(_TEXTS) if rng.random() < 0.6 else names.make("topic", rng)
