"""Reports as tables: titles, headings and cells as short texts, for Markdown, plain text, terminals and pages alike.

What stands in cells may come from data sets and models: it is made harmless here, and escaped by who shows it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._jsonable import to_text
from ..terminal._text import one_line
from ..terminal._text import seconds as duration
from .scorers import CONTAINED
from .statistics import Difference, Interval

if TYPE_CHECKING:
    from .compare import Comparison, Paired
    from .record import Record
    from .report import Metrics, Report

_NAME = 40
_WRONG = 20
"""Wrong answers that are shown."""
_CELL = 70


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, columns and rows of short texts. The first column is left-aligned, the others as `right` says."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: bool = True
    notes: tuple[str, ...] = ()
    total: bool = False
    """Whether the last row sums up the others."""


def report_tables(report: Report) -> list[Table]:
    """All tables of a report."""
    m = report.overall
    groups = [(name or "(no family)", f) for name, f in report.families.items()]
    tables = [_main(report, groups, m)]
    tables += [t for t in (_plans(groups, m), _failures(m), _wrong(report.wrong)) if t.rows]
    return tables


def _main(report: Report, groups: Sequence[tuple[str, Metrics]], m: Metrics) -> Table:
    columns = [
        "family",
        "n",
        "accuracy",
        "95 %",
        "failed",
        "p50",
        "p95",
        "tokens",
        "model calls",
        "calls",
        "cost",
    ]
    rows = [_main_row(name, f) for name, f in groups] + [_main_row("all", m)]
    if m.cost is None and not any(f.cost for _, f in groups):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    if not m.failed:
        columns, rows = columns[:4] + columns[5:], [row[:4] + row[5:] for row in rows]
    c = report.header.configuration
    about = ", ".join(one_line(to_text(c[k]), 80) for k in ("model", "planner") if c.get(k))
    notes = [f"scorer: {one_line(report.header.scorer, 120)}; tokens and calls are means, cost is in all"]
    if m.answers > m.questions:
        notes.append(
            f"{m.questions} questions, asked {m.answers / m.questions:g} times each; n counts answers"
        )
    if abs(m.score - m.accuracy.value) > 1e-9 and not m.unscored:
        notes.append(f"mean score {m.score:.3f}")
    if m.unscored:
        notes.append(
            f"{m.unscored} of {m.answers} answers have no score, because the scorer failed; they are left out"
        )
    if m.judge_calls:
        notes.append(
            f"judge: {m.judge_calls:,} calls, {m.judge_tokens:,} tokens, {money(m.judge_cost)}, not counted above"
        )
    title = one_line(report.header.dataset, 80) + (f": {about}" if about else "")
    return Table(title, tuple(columns), tuple(rows), notes=tuple(notes), total=bool(groups))


def _main_row(name: str, m: Metrics) -> tuple[str, ...]:
    scored = m.answers - m.unscored
    return (
        one_line(name, _NAME),
        str(m.answers),
        percent(m.accuracy.value) if scored else "",
        interval(m.accuracy) if scored else "",
        str(m.failed) if m.failed else "",
        "" if m.p50 is None else duration(m.p50),
        "" if m.p95 is None else duration(m.p95),
        f"{m.tokens:,.0f}",
        f"{m.model_calls:.1f}",
        f"{m.calls:.1f}",
        money(m.cost),
    )


def _plans(groups: Sequence[tuple[str, Metrics]], m: Metrics) -> Table:
    columns = ["family", "first plan valid", "95 %", "repairs", "replans", "tasks"]
    extra_plan, extra_calls = m.plan_right is not None, m.calls_right is not None
    columns += ["as expected"] * extra_plan + ["expected calls made"] * extra_calls
    rows = []
    for name, f in [*groups, ("all", m)]:
        if f.valid is None:
            continue
        row = [
            one_line(name, _NAME),
            percent(f.valid.value),
            interval(f.valid),
            str(f.repairs),
            str(f.replans),
        ]
        row.append(f"{f.tasks:.1f}")
        row += ["" if f.plan_right is None else percent(f.plan_right.value)] * extra_plan
        row += ["" if f.calls_right is None else percent(f.calls_right)] * extra_calls
        rows.append(tuple(row))
    codes = ", ".join(f"{one_line(k, 40)} {n}" for k, n in list(m.diagnostics.items())[:8])
    notes = (f"errors in plans: {codes}",) if codes else ()
    return Table("Plans", tuple(columns), tuple(rows), notes=notes, total=bool(groups))


def _failures(m: Metrics) -> Table:
    rows = [("run", one_line(k, 60), str(n)) for k, n in m.failures.items()]
    rows += [("task", one_line(k, 60), str(n)) for k, n in m.failed_tasks.items()]
    return Table("Failures", ("what failed", "error", "n"), tuple(rows), right=False)


def _wrong(records: Sequence[Record]) -> Table:
    rows = tuple(
        (one_line(r.id, 24), one_line(r.question, _CELL), one_line(r.reference, 40), said(r, _CELL))
        for r in records[:_WRONG]
    )
    notes = [f"and {len(records) - _WRONG:,} more"] if len(records) > _WRONG else []
    near = sum(r.note == CONTAINED for r in records)
    if near:
        notes.append(
            f"{near} of them hold the right answer among other words: the scorer contains takes them for right"
        )
    columns = ("id", "question", "right answer", "answer")
    return Table("Not right", columns, rows, right=False, notes=tuple(notes))


def said(record: Record, limit: int) -> str:
    """What was answered, or why there is no answer."""
    if record.error is not None:
        return one_line(f"{record.error['type']}: {record.error.get('message', '')}", limit)
    if not record.scored:
        return one_line(f"(no score: {record.score_error}) {to_text(record.output)}", limit)
    return one_line(to_text(record.output), limit)


def comparison_tables(c: Comparison) -> list[Table]:
    """All tables of a comparison."""
    a, b = (one_line(n, _NAME) for n in c.names)
    rows = [_pair_row(name or "(no family)", p) for name, p in c.families.items()] + [
        _pair_row("all", c.overall)
    ]
    columns = ("family", "questions", a, b, "difference", "95 %", "p", f"only {a}", f"only {b}")
    p = c.overall
    how = [f"difference: {b} less {a}; {p.accuracy.method}"]
    how[0] += f"; p: {p.accuracy.test}" if p.accuracy.test else ""
    if c.left_out:
        how.append(f"{c.left_out} questions that only one of them has a score of are left out")
    tables = [Table("Accuracy", columns, tuple(rows), notes=tuple(how), total=bool(c.families))]
    tables.append(
        Table(
            "Means for a question",
            ("measure", a, b, "difference", "95 %"),
            tuple(_measures(p)),
            notes=(f"{p.tokens.method}; times of questions that both answered",),
        )
    )
    settings = [
        (one_line(k, 40), one_line(to_text(x), 60), one_line(to_text(y), 60))
        for k, (x, y) in c.settings.items()
    ]
    if settings:
        tables.append(Table("Settings that differ", ("setting", a, b), tuple(settings), right=False))
    changed = [
        (one_line(x[0].id, 24), one_line(x[0].question, 50), said(x[0], 40), said(y[0], 40))
        for x, y in c.changed[:_WRONG]
    ]
    if changed:
        more = (f"and {len(c.changed) - _WRONG:,} more",) if len(c.changed) > _WRONG else ()
        tables.append(
            Table("Right in one only", ("id", "question", a, b), tuple(changed), right=False, notes=more)
        )
    return tables


def _pair_row(name: str, p: Paired) -> tuple[str, ...]:
    return (
        one_line(name, _NAME),
        str(p.a.questions),
        percent(p.a.accuracy.value),
        percent(p.b.accuracy.value),
        points(p.accuracy.value),
        f"{points(p.accuracy.low)} to {points(p.accuracy.high)}",
        "" if p.accuracy.p is None else probability(p.accuracy.p),
        str(p.only_a),
        str(p.only_b),
    )


def _measures(p: Paired) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    if p.seconds is not None and p.a.mean_seconds is not None and p.b.mean_seconds is not None:
        means = duration(p.a.mean_seconds), duration(p.b.mean_seconds)
        rows.append(("time", *means, *_signed(p.seconds, duration)))
    rows.append(
        ("tokens", f"{p.a.tokens:,.0f}", f"{p.b.tokens:,.0f}", *_signed(p.tokens, lambda x: f"{x:,.0f}"))
    )
    rows.append(("calls", f"{p.a.calls:.1f}", f"{p.b.calls:.1f}", *_signed(p.calls, lambda x: f"{x:,.1f}")))
    if p.cost is not None and p.a.cost is not None and p.b.cost is not None and (p.a.cost or p.b.cost):
        means = money(p.a.cost / p.a.answers), money(p.b.cost / p.b.answers)
        rows.append(("cost", *means, *_signed(p.cost, money)))
    return rows


def _signed(d: Difference, show: Callable[[float], str]) -> tuple[str, str]:
    def signed(x: float) -> str:
        text = show(abs(x))
        return text if text == show(0.0) else ("-" if x < 0 else "+") + text

    return signed(d.value), f"{signed(d.low)} to {signed(d.high)}"


def percent(value: float) -> str:
    """A share: `83.3 %`."""
    return f"{100 * value:.1f} %"


def interval(i: Interval) -> str:
    """An interval of a share: `71-92 %`, with an en dash."""
    return f"{100 * i.low:.0f}–{100 * i.high:.0f} %"


def points(value: float) -> str:
    """A difference of shares, in percentage points."""
    return f"{100 * value:+.1f}"


def probability(p: float) -> str:
    """A p-value: `0.031`, `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def money(cost: float | None) -> str:
    """US dollars; `?` where a price is not known."""
    if cost is None:
        return "?"
    return f"${cost:,.2f}" if cost == 0 or cost >= 1 else f"${cost:.4f}"


# -- as text -------------------------------------------------------------------------


def markdown(tables: Sequence[Table]) -> str:
    """Tables in Markdown, the first without a heading of its own level."""
    return "\n\n".join(_markdown(t, "##" if k == 0 else "###") for k, t in enumerate(tables))


def _markdown(table: Table, level: str) -> str:
    marks = ["---"] + ["---:" if table.right else "---"] * (len(table.columns) - 1)
    lines = [f"{level} {_cell(table.title)}", "", _row(table.columns), "| " + " | ".join(marks) + " |"]
    for k, row in enumerate(table.rows):
        bold = table.total and k == len(table.rows) - 1
        lines.append(_row((f"**{row[0]}**", *row[1:]), raw=1) if bold else _row(row))
    lines += [line for note in table.notes for line in ("", _cell(note))]
    return "\n".join(lines)


def _row(cells: Sequence[str], *, raw: int = 0) -> str:
    return "| " + " | ".join(c if k < raw else _cell(c) for k, c in enumerate(cells)) + " |"


def _cell(text: str) -> str:
    # What would be read as markup, or end the cell, is only text.
    out = text.replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
    for ch in "|*_`[]#~":
        out = out.replace(ch, "\\" + ch)
    return out


def plain_text(tables: Sequence[Table]) -> str:
    """Tables in aligned columns."""
    return "\n\n".join(_plain(t) for t in tables)


def _plain(table: Table) -> str:
    rows = [table.columns, *table.rows]
    widths = [max(_width(row[k]) for row in rows) for k in range(len(table.columns))]
    lines = [table.title]
    for row in rows:
        cells = []
        for k, cell in enumerate(row):
            pad = " " * (widths[k] - _width(cell))
            cells.append(pad + cell if k and table.right else cell + pad)
        lines.append("  " + "  ".join(cells).rstrip())
    lines += [f"  {note}" for note in table.notes]
    return "\n".join(lines)


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(ch) in "WF" for ch in text)
    return len(text) + wide - sum(unicodedata.combining(ch) != 0 for ch in text)
