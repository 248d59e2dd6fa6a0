"""How sure a small planner was of its plan: what its tokens say, and what of the question the plan leaves out.

Thresholds come from measured plans (docs/embedded-model.md). Nothing here changes a plan.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from llmcompiler.plan import Task
from llmcompiler.values import Template, is_literal

from .words import Question

MIN_CONFIDENCE = 0.4
"""Mean token probability of a line below which it is held back until the plan is complete."""


@dataclass(slots=True)
class LineScore:
    """The mean probability of a line's tokens, as the model gave them before the grammar ruled any out.

    The arithmetic mean: a name that has to be spelled in unlikely pieces does not outweigh sure choices.
    """

    _probabilities: list[float] = field(default_factory=list)

    def note(self, logprob: float | None) -> None:
        """Take note of a token's natural-log probability; None where the model does not tell."""
        if logprob is not None and logprob <= 0:
            self._probabilities.append(math.exp(logprob))

    @property
    def value(self) -> float:
        """From 0 to 1; 1 where the model tells nothing."""
        return sum(self._probabilities) / len(self._probabilities) if self._probabilities else 1.0


def left_out(question: Question, tasks: Iterable[Task]) -> list[str]:
    """Names and numbers of the question that no argument holds, as they stand there."""
    texts = " ".join(_argument_texts(tasks)).casefold()
    said = set(re.findall(r"\w+", texts))
    names = [n for n in question.names if not set(re.findall(r"\w+", n.casefold())) <= said]
    # `Kepler-823b` and `2019-01-04` are texts, but to the question's reader they hold numbers.
    given = {n.lstrip("0") for n in re.findall(r"\d+(?:\.\d+)?", texts)}
    return names + [n for n in question.digits if n.lstrip("-0") not in given]


def _argument_texts(tasks: Iterable[Task]) -> list[str]:
    out: list[str] = []
    for task in tasks:
        stack = list(task.args.values())
        while stack:
            value = stack.pop()
            if isinstance(value, Template):
                stack.extend(p for p in value.parts if isinstance(p, str))
            elif isinstance(value, dict):
                stack.extend(value.values())
            elif isinstance(value, (list, tuple)):
                stack.extend(value)
            elif is_literal(value):
                out.append(str(value))
    return out
