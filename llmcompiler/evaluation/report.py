"""What an evaluation found: the measures over all answers and by family. Numbers only; how they look is in `tables`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .._jsonable import dumps
from .record import Record
from .statistics import Interval, percentile, share
from .store import Header, read_results


@dataclass(frozen=True, slots=True)
class Metrics:
    """The measures of some answers. Times in seconds, money in US dollars; a mean is over answers."""

    questions: int
    answers: int
    """Times that a question was asked."""
    right: int
    accuracy: Interval
    """The share of right answers, of those that have a score, with an interval of 95 % (Wilson)."""
    score: float
    """The mean score; other than `accuracy` where scores lie between 0 and 1."""
    failed: int
    """Runs that gave no answer; they count as wrong."""
    failures: dict[str, int]
    """The same, by type of error."""
    unscored: int
    """Answers without a score, because the scorer failed."""
    p50: float | None
    """Median time to an answer, of runs that gave one; None where none did."""
    p95: float | None
    mean_seconds: float | None
    first_call: float | None
    """Median time to the first call."""
    prompt_tokens: int
    completion_tokens: int
    tokens: float
    """Mean tokens in and out."""
    model_calls: float
    """Mean requests to models."""
    cost: float | None
    """In all; None where a price is not known."""
    valid: Interval | None
    """The share of first plans without an error, where there was one."""
    repairs: int
    """Times that broken tasks went back to the planner."""
    replans: int
    """Times that another round was asked for."""
    tasks: float
    """Mean tasks."""
    calls: float
    """Mean calls."""
    failed_tasks: dict[str, int]
    """Tasks that failed, by type of error."""
    diagnostics: dict[str, int]
    """Errors in plans, by code."""
    plan_right: Interval | None
    """The share of first plans that are as expected, where one is expected."""
    calls_right: float | None
    """The mean part of the expected calls that was made."""
    judge_calls: int = 0
    judge_tokens: int = 0
    judge_cost: float | None = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        found: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            found[name] = value.to_dict() if isinstance(value, Interval) else value
        return found


def measure(records: Sequence[Record]) -> Metrics:
    """The measures of some answers."""
    scored = [r for r in records if r.scored]
    answered = [r for r in records if r.error is None]
    times = sorted(r.seconds for r in answered)
    firsts = sorted(r.first_call for r in records if r.first_call is not None)
    n = len(records)
    return Metrics(
        questions=len({r.id for r in records}),
        answers=n,
        right=sum(r.right for r in records),
        accuracy=_share(scored, lambda r: float(r.right)),
        score=_mean(r.score for r in scored if r.score is not None),
        failed=n - len(answered),
        failures=_count(r.error["type"] for r in records if r.error is not None),
        unscored=n - len(scored),
        p50=percentile(times, 50) if times else None,
        p95=percentile(times, 95) if times else None,
        mean_seconds=_mean(times) if times else None,
        first_call=percentile(firsts, 50) if firsts else None,
        prompt_tokens=sum(r.prompt_tokens for r in records),
        completion_tokens=sum(r.completion_tokens for r in records),
        tokens=_mean(float(r.tokens) for r in records),
        model_calls=_mean(float(r.model_calls) for r in records),
        cost=_sum(r.cost for r in records),
        valid=_known([r for r in records if r.valid is not None], lambda r: float(bool(r.valid))),
        repairs=sum(r.repairs for r in records),
        replans=sum(r.replans for r in records),
        tasks=_mean(float(r.tasks) for r in records),
        calls=_mean(float(r.calls) for r in records),
        failed_tasks=_total(r.failed_tasks for r in records),
        diagnostics=_total(r.diagnostics for r in records),
        plan_right=_known(
            [r for r in records if r.plan_right is not None], lambda r: float(bool(r.plan_right))
        ),
        calls_right=_mean_or_none([r.calls_right for r in records if r.calls_right is not None]),
        judge_calls=sum(r.judge_calls for r in records),
        judge_tokens=sum(r.judge_tokens for r in records),
        judge_cost=_sum(r.judge_cost for r in records),
    )


def _share(records: Iterable[Record], mark: Callable[[Record], float]) -> Interval:
    groups: dict[str, list[float]] = {}
    for r in records:
        groups.setdefault(r.id, []).append(mark(r))
    return share(list(groups.values()))


def _known(records: Sequence[Record], mark: Callable[[Record], float]) -> Interval | None:
    return _share(records, mark) if records else None


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found) if found else 0.0


def _mean_or_none(values: Sequence[float]) -> float | None:
    return _mean(values) if values else None


def _sum(values: Iterable[float | None]) -> float | None:
    found = list(values)
    known = [v for v in found if v is not None]
    return math.fsum(known) if len(known) == len(found) else None


def _count(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _total(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total.most_common())


@dataclass(frozen=True)
class Report:
    """What an evaluation found."""

    header: Header
    """What was evaluated."""
    records: tuple[Record, ...] = field(repr=False)
    """Every answer, in the order of the questions."""

    @classmethod
    def load(cls, path: str | Path) -> Report:
        """The report of a results file.

        Raises:
            ResultsError: There is no such file, or it is none.
        """
        header, records = read_results(path)
        return cls(header, tuple(records))

    @cached_property
    def overall(self) -> Metrics:
        """Over all answers."""
        return measure(self.records)

    @cached_property
    def families(self) -> dict[str, Metrics]:
        """By family, in the order in which families first come up; empty where no question has one."""
        groups: dict[str, list[Record]] = {}
        for r in self.records:
            groups.setdefault(r.family, []).append(r)
        return {} if set(groups) <= {""} else {name: measure(group) for name, group in groups.items()}

    @property
    def wrong(self) -> list[Record]:
        """Answers that are not right, failures included."""
        return [r for r in self.records if not r.right]

    def to_dict(self, *, records: bool = False) -> dict[str, Any]:
        """JSON form, with every record if so told."""
        found: dict[str, Any] = {
            "dataset": self.header.dataset,
            "scorer": self.header.scorer,
            "configuration": self.header.settings,
            "overall": self.overall.to_dict(),
            "families": {name: m.to_dict() for name, m in self.families.items()},
        }
        if records:
            found["records"] = [r.to_dict() for r in self.records]
        return found

    def to_json(self, *, indent: int | None = None, records: bool = False) -> str:
        """`to_dict` as JSON text."""
        return dumps(self.to_dict(records=records), indent)

    def to_markdown(self) -> str:
        """Tables in Markdown: all answers and each family, then what failed. No line end at the end."""
        from .tables import markdown, report_tables

        return markdown(report_tables(self))

    def __str__(self) -> str:
        from .tables import plain_text, report_tables

        return plain_text(report_tables(self))

    def to_svg(self, *, dark: bool | None = None) -> str:
        """Accuracy by family as a bar chart with intervals; `dark=None` follows the reader's settings."""
        from .charts import report_chart

        return report_chart(self, dark=dark)

    def to_html(self) -> str:
        """One HTML page without scripts and without anything from other places: tables, charts, every answer."""
        from .page import report_page

        return report_page(self)

    def _repr_html_(self) -> str:
        from .page import fragment

        return fragment(self)

    def save_html(self, path: str | Path) -> None:
        """Write `to_html` to a file."""
        Path(path).write_text(self.to_html(), encoding="utf-8", errors="replace")
