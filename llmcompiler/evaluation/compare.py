"""Two evaluations held against each other, question by question. Numbers only; how they look is in `tables`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .._jsonable import dumps
from ..errors import UsageError
from .record import Record
from .report import Metrics, Report, measure
from .statistics import Difference, paired_means, paired_shares

Pair = tuple[Sequence[Record], Sequence[Record]]
"""What A and B answered to one question, once for each time it was asked."""


@dataclass(frozen=True)
class Paired:
    """Two configurations on the same questions: each one's measures, and B less A. Worked out when first asked for."""

    pairs: tuple[Pair, ...] = field(repr=False)

    @cached_property
    def a(self) -> Metrics:
        """The measures of A."""
        return measure([r for a, _ in self.pairs for r in a])

    @cached_property
    def b(self) -> Metrics:
        """The measures of B."""
        return measure([r for _, b in self.pairs for r in b])

    @cached_property
    def _marks(self) -> list[tuple[float, float]]:
        return [(_right(a), _right(b)) for a, b in self.pairs]

    @property
    def only_a(self) -> int:
        """Questions that only A got right; with repeats, those that it got right more often."""
        return sum(x > y for x, y in self._marks)

    @property
    def only_b(self) -> int:
        """The same of B."""
        return sum(y > x for x, y in self._marks)

    @cached_property
    def accuracy(self) -> Difference:
        """Of the share of right answers."""
        if any(len(a) != 1 or len(b) != 1 for a, b in self.pairs):
            return paired_means([y - x for x, y in self._marks])
        both = sum(x == y == 1 for x, y in self._marks)
        neither = len(self.pairs) - both - self.only_a - self.only_b
        return paired_shares(both, self.only_a, self.only_b, neither)

    @cached_property
    def seconds(self) -> Difference | None:
        """Of the time to an answer, where both gave one; None where they never did."""
        answered = [
            ([r for r in a if r.error is None], [r for r in b if r.error is None]) for a, b in self.pairs
        ]
        answered = [(a, b) for a, b in answered if a and b]
        return _less(answered, lambda r: r.seconds) if answered else None

    @cached_property
    def tokens(self) -> Difference:
        """Of tokens in and out."""
        return _less(self.pairs, lambda r: float(r.tokens))

    @cached_property
    def cost(self) -> Difference | None:
        """Of US dollars; None where a price is not known."""
        if any(r.cost is None for a, b in self.pairs for r in (*a, *b)):
            return None
        return _less(self.pairs, lambda r: r.cost or 0.0)

    @cached_property
    def calls(self) -> Difference:
        """Of calls made."""
        return _less(self.pairs, lambda r: float(r.calls))

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "a": self.a.to_dict(),
            "b": self.b.to_dict(),
            "accuracy": self.accuracy.to_dict(),
            "only_a": self.only_a,
            "only_b": self.only_b,
            "seconds": None if self.seconds is None else self.seconds.to_dict(),
            "tokens": self.tokens.to_dict(),
            "cost": None if self.cost is None else self.cost.to_dict(),
            "calls": self.calls.to_dict(),
        }


@dataclass(frozen=True)
class Comparison:
    """Two evaluations of the same questions. Differences are B less A, with intervals of 95 %.

    Questions that only one of them answered are left out and counted. For accuracy, where each question was asked
    once, the interval is Newcombe's for paired shares and the test McNemar's exact one; all else, and accuracy where
    questions were asked several times, has a bootstrap over questions from a fixed seed.

    Raises:
        UsageError: They are not of the same data set and scorer, or have no question in common.
    """

    a: Report
    b: Report
    names: tuple[str, str] = ("A", "B")
    left_out: int = field(default=0, init=False)
    """Questions that only one of the two has an answer to, or a score of."""

    def __post_init__(self) -> None:
        if self.a.header.digest != self.b.header.digest:
            raise UsageError(
                f"not the same questions: {self.a.header.dataset!r} and {self.b.header.dataset!r} differ: there "
                "are no pairs to compare; evaluate both on one data set"
            )
        if self.a.header.scorer != self.b.header.scorer:
            raise UsageError(
                f"not the same scorer: {self.a.header.scorer!r} and {self.b.header.scorer!r}; score both alike"
            )
        ids = {r.id for r in (*self.a.records, *self.b.records)}
        object.__setattr__(self, "left_out", len(ids) - len(self._pairs))
        if not self._pairs:
            raise UsageError("they have no question in common that both have a score of")

    @classmethod
    def load(cls, a: str | Path, b: str | Path, names: tuple[str, str] | None = None) -> Comparison:
        """The comparison of two results files.

        Raises:
            UsageError: One of them is none, or they do not go together.
        """
        return cls(Report.load(a), Report.load(b), names or _names(Path(a), Path(b)))

    @cached_property
    def _pairs(self) -> dict[str, Pair]:
        ours, theirs = _by_id(self.a), _by_id(self.b)
        return {i: (ours[i], theirs[i]) for i in ours if i in theirs}

    @cached_property
    def overall(self) -> Paired:
        """Over all questions that both answered."""
        return Paired(tuple(self._pairs.values()))

    @cached_property
    def families(self) -> dict[str, Paired]:
        """By family; empty where no question has one."""
        groups: dict[str, list[Pair]] = {}
        for pair in self._pairs.values():
            groups.setdefault(pair[0][0].family, []).append(pair)
        return {} if set(groups) <= {""} else {name: Paired(tuple(pairs)) for name, pairs in groups.items()}

    @property
    def changed(self) -> list[Pair]:
        """The questions that one of them got right more often than the other."""
        return [p for p in self._pairs.values() if not math.isclose(_right(p[0]), _right(p[1]))]

    @property
    def settings(self) -> dict[str, tuple[Any, Any]]:
        """What is not the same in the two configurations."""
        one, other = self.a.header.settings, self.b.header.settings
        keys = dict.fromkeys([*one, *other])
        return {k: (one.get(k), other.get(k)) for k in keys if one.get(k) != other.get(k)}

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "dataset": self.a.header.dataset,
            "scorer": self.a.header.scorer,
            "names": list(self.names),
            "settings": {k: list(v) for k, v in self.settings.items()},
            "left_out": self.left_out,
            "overall": self.overall.to_dict(),
            "families": {name: p.to_dict() for name, p in self.families.items()},
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """`to_dict` as JSON text."""
        return dumps(self.to_dict(), indent)

    def to_markdown(self) -> str:
        """Tables in Markdown. No line end at the end."""
        from .tables import comparison_tables, markdown

        return markdown(comparison_tables(self))

    def __str__(self) -> str:
        from .tables import comparison_tables, plain_text

        return plain_text(comparison_tables(self))

    def to_svg(self, *, dark: bool | None = None) -> str:
        """Accuracy of both by family as a bar chart; `dark=None` follows the reader's settings."""
        from .charts import comparison_chart

        return comparison_chart(self, dark=dark)

    def to_html(self) -> str:
        """One HTML page without scripts and without anything from other places."""
        from .page import comparison_page

        return comparison_page(self)

    def _repr_html_(self) -> str:
        from .page import fragment

        return fragment(self)

    def save_html(self, path: str | Path) -> None:
        """Write `to_html` to a file."""
        Path(path).write_text(self.to_html(), encoding="utf-8", errors="replace")


def _names(a: Path, b: Path) -> tuple[str, str]:
    """Short names of two results files."""
    one, other = (p.name.removesuffix(".jsonl").removesuffix(".results") for p in (a, b))
    return (one, other) if one != other else (str(a), str(b))


def _by_id(report: Report) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for r in report.records:
        if r.scored:
            groups.setdefault(r.id, []).append(r)
    return groups


def _right(records: Sequence[Record]) -> float:
    return sum(r.right for r in records) / len(records)


def _less(pairs: Sequence[Pair], value: Callable[[Record], float]) -> Difference:
    def mean(records: Sequence[Record]) -> float:
        return math.fsum(map(value, records)) / len(records)

    return paired_means([mean(b) - mean(a) for a, b in pairs])
