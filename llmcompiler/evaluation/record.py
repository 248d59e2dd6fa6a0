"""One answered question: what is kept of a run, as a line of a results file and as an object."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .._jsonable import describe_error, error_to_dict, to_jsonable, to_text
from ..errors import (
    ModelAuthenticationError,
    ModelConnectionError,
    ModelNotFound,
    ModelRateLimited,
    ModelServerError,
    UsageError,
)
from ..events import DiagnosticEmitted, Event, PlanStarted, Replanned, TaskPlanned, TaskStarted
from ..models.base import Usage
from ..outcomes import Failed
from ..plan import Plan, Task
from ..protocols import Reporter
from ..result import RunResult
from .dataset import Example
from .plans import calls_made, same_plan
from .scorers import HALF

LONGEST_OUTPUT = 100_000
"""Characters of an answer that are kept."""
ENVIRONMENT = (
    ModelAuthenticationError,
    ModelConnectionError,
    ModelNotFound,
    ModelRateLimited,
    ModelServerError,
    UsageError,
)
"""Errors that say nothing about the question or the configuration: mended outside, and asked again."""
_LONGEST_ERROR = 2_000
_LONGEST_PLAN = 20_000


@dataclass(frozen=True, slots=True)
class Record:
    """One question, asked once. Times are in seconds, money in US dollars."""

    id: str
    repeat: int = 1
    """Which time it was asked, from 1."""
    family: str = ""
    question: str = ""
    """The beginning of the question."""
    reference: str = ""
    """The beginning of the right answer."""
    output: Any = None
    """The answer, as JSON has it; a long one only in part."""
    cut: bool = False
    """Whether only the beginning of the answer is kept."""
    error: dict[str, str] | None = None
    """Type and text of what the run failed with, if it did."""
    again: bool = False
    """Whether that was for the model's server or the settings: then the question is asked again next time."""
    score: float | None = None
    """From 0 (wrong) to 1 (right); 0 where the run failed, None where there is no score."""
    note: str = ""
    """What the scorer said."""
    score_error: str = ""
    """Why there is no score, where the scorer failed."""
    seconds: float = 0.0
    """From question to answer."""
    planning: float = 0.0
    joining: float = 0.0
    makespan: float = 0.0
    sequential: float = 0.0
    first_call: float | None = None
    model_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    """None where a price is not known."""
    judge_calls: int = 0
    judge_tokens: int = 0
    judge_cost: float | None = 0.0
    valid: bool | None = None
    """Whether the planner's first plan had no error in it; None where it gave none."""
    repairs: int = 0
    """Times that broken tasks went back to the planner."""
    replans: int = 0
    """Times that the joiner asked for another round."""
    diagnostics: dict[str, int] = field(default_factory=dict)
    """Errors found in plans, by code."""
    tasks: int = 0
    calls: int = 0
    """Calls that were made, every try and item counted."""
    failed_tasks: dict[str, int] = field(default_factory=dict)
    """Tasks that failed, by type of error."""
    plan_right: bool | None = None
    """Whether the first plan is one of the expected ones; None where none is expected."""
    calls_right: float | None = None
    """The part of the expected calls that was made; None where none is expected."""
    plan: str = ""
    """The plans, as text."""
    run_id: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What tells it apart."""
        return self.id, self.repeat

    @property
    def right(self) -> bool:
        """Whether the answer counts as right."""
        return self.score is not None and self.score >= HALF

    @property
    def tokens(self) -> int:
        """Tokens in and out, the judge's apart."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def scored(self) -> bool:
        """Whether there is a score: a question whose run failed has one, 0."""
        return self.score is not None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Record:
        """From its JSON form; names that are not known are passed over.

        Raises:
            ValueError: Something in it has the wrong type.
        """
        known = {f.name: data[f.name] for f in dataclasses.fields(cls) if f.name in data}
        made = cls(**known)
        _check(made)
        return made


_TEXTS = ("id", "family", "question", "reference", "note", "score_error", "plan", "run_id")
_NUMBERS = (
    "repeat", "seconds", "planning", "joining", "makespan", "sequential", "model_calls", "prompt_tokens",
    "completion_tokens", "judge_calls", "judge_tokens", "repairs", "replans", "tasks", "calls",
)  # fmt: skip
_PERHAPS = ("score", "first_call", "cost", "judge_cost", "calls_right")


def _check(record: Record) -> None:
    for name in _TEXTS:
        if not isinstance(getattr(record, name), str):
            raise ValueError(f"`{name}` is not a text")
    for name in (*_NUMBERS, *_PERHAPS):
        value = getattr(record, name)
        if value is None and name in _PERHAPS:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"`{name}` is not a number")
    error = record.error
    if error is not None and not (isinstance(error, dict) and isinstance(error.get("type"), str)):
        raise ValueError("`error` is not an object with a type")
    for name in ("diagnostics", "failed_tasks"):
        value = getattr(record, name)
        if not isinstance(value, dict) or not all(isinstance(n, int) for n in value.values()):
            raise ValueError(f"`{name}` is not an object of numbers")


class Watch(Reporter):
    """Sees the planning of one run: whether the first plan was good, what was mended, how many calls were made."""

    def __init__(self) -> None:
        self.first: bool | None = None
        self.repairs = 0
        self.replans = 0
        self.calls = 0
        self.errors: Counter[str] = Counter()
        self.planned: list[Task] = []
        """Tasks of the first plan, before anything was mended."""
        self._in_first = False

    def report(self, event: Event) -> None:
        """Take note of `event`."""
        if isinstance(event, TaskStarted):
            self.calls += 1
        elif isinstance(event, TaskPlanned):
            if self._in_first:
                self.planned.append(event.task)
        elif isinstance(event, PlanStarted):
            # A stream that broke and went on is still the first plan; a mended one is not.
            self._in_first = event.purpose in ("plan", "resume") and event.round == 1 and not self.repairs
            if event.purpose == "plan":
                self.first = True
            self.repairs += event.purpose == "repair"
        elif isinstance(event, DiagnosticEmitted):
            if event.diagnostic.severity == "error":
                self.errors[event.diagnostic.code] += 1
                if self._in_first:
                    self.first = False
        elif isinstance(event, Replanned):
            self.replans += 1


def make_record(
    example: Example,
    repeat: int,
    result: RunResult | None,
    error: Exception | None,
    watch: Watch,
    seconds: float,
    expected: Sequence[Plan] = (),
) -> Record:
    """What is kept of a run. `score` is not known yet, unless the run failed.

    Args:
        example: The question.
        repeat: Which time it was asked.
        result: What the run did, as far as it got.
        error: Why there is no answer, if there is none.
        watch: What was seen of its planning.
        seconds: How long it took, where the result does not tell.
        expected: Right plans, where they are known.
    """
    result = result or RunResult("", example.question)
    usage, timing = result.usage, result.timing
    output, cut = _kept(None if error is not None else result.output)
    # A model that was not there wrote no plan, good or bad.
    planned = error is None or bool(watch.planned or watch.errors)
    failed = Counter(
        type(t.outcome.error).__name__ for t in result.tasks.values() if isinstance(t.outcome, Failed)
    )
    return Record(
        id=example.id,
        repeat=repeat,
        family=example.family,
        question=example.question[:500],
        reference=example.reference[:500],
        output=output,
        cut=cut,
        error=None if error is None else _error(error),
        again=isinstance(error, ENVIRONMENT),
        score=None if error is None else 0.0,
        seconds=timing.total or seconds,
        planning=timing.planning,
        joining=timing.joining,
        makespan=timing.makespan,
        sequential=timing.sequential,
        first_call=timing.first_call,
        **_spent(usage),
        valid=watch.first if planned else None,
        repairs=watch.repairs,
        replans=watch.replans,
        diagnostics=dict(watch.errors),
        tasks=len(result.tasks),
        calls=watch.calls,
        failed_tasks=dict(failed),
        plan_right=same_plan(watch.planned, expected) if expected else None,
        calls_right=calls_made(result, example.calls) if example.calls else None,
        plan=_plans(result.plans),
        run_id=result.run_id,
    )


def _spent(usage: Usage) -> dict[str, Any]:
    return {
        "model_calls": usage.model_calls,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cost": usage.cost,
    }


def _kept(output: Any) -> tuple[Any, bool]:
    value = to_jsonable(output)
    if isinstance(value, (bool, int, float, type(None))):
        return (to_text(value), False) if _odd(value) else (value, False)
    text = to_text(value)
    if len(text) <= LONGEST_OUTPUT:
        return value, False
    return text[:LONGEST_OUTPUT], True


def _odd(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and value.bit_length() > 4_000


def _error(error: Exception) -> dict[str, str]:
    told = error_to_dict(error)
    return {"type": told["type"], "message": told["message"][:_LONGEST_ERROR]}


def _plans(plans: list[Plan]) -> str:
    texts = []
    for plan in plans:
        try:
            texts.append(str(plan))
        except Exception as e:  # what a planner of the user's put into a plan may not be printable
            texts.append(f"<{describe_error(e)}>")
    return "\n\n".join(texts)[:_LONGEST_PLAN]
