"""Reports as one HTML page: tables, charts, every answer. Without scripts, and without anything from other places.

Everything that comes from data sets, tools and models is text here, whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from .._jsonable import to_text
from ..terminal._text import harmless, one_line
from ..terminal._text import seconds as duration
from .charts import comparison_chart, report_chart
from .tables import Table, comparison_tables, report_tables, said

if TYPE_CHECKING:
    from .compare import Comparison
    from .record import Record
    from .report import Report

MOST = 2_000
"""Answers that a page shows: wrong ones first, if there are more."""
_ANSWER = 2_000
_PLAN = 4_000

_STYLE = """
:root{color-scheme:light dark;--fg:#1b1f24;--soft:#59636e;--line:#d1d9e0;--bg:#fff;--raised:#f6f8fa;--bad:#a40e26;\
--good:#116329}
@media (prefers-color-scheme:dark){:root{--fg:#e6edf3;--soft:#9198a1;--line:#3d444d;--bg:#0d1117;--raised:#151b23;\
--bad:#ff9492;--good:#6bc46d}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:70rem;margin:2rem auto;\
padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
.num td+td,.num th+th{text-align:right;white-space:nowrap}tr.total{font-weight:600}
p.note,.soft{color:var(--soft);font-size:.9rem}
svg{max-width:100%;height:auto}
details{border-bottom:1px solid var(--line);padding:.3rem 0}summary{cursor:pointer;overflow-wrap:anywhere}
pre{background:var(--raised);padding:.6rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
.good{color:var(--good)}.bad{color:var(--bad)}
"""


def report_page(report: Report) -> str:
    """The page of one evaluation."""
    tables = [t for t in report_tables(report) if t.title != "Not right"]
    settings = report.header.settings
    rows = tuple(
        (one_line(str(k), 60), one_line(to_text(v), 400)) for k, v in settings.items() if v is not None
    )
    body = [
        _table(tables[0]),
        report_chart(report),
        *map(_table, tables[1:]),
        _answers(report.records),
        _table(Table("Settings", ("setting", "value"), rows, right=False)),
    ]
    return _page(f"Evaluation: {report.header.dataset}", body, report.header.made)


def comparison_page(comparison: Comparison) -> str:
    """The page of two evaluations side by side."""
    tables = comparison_tables(comparison)
    body = [_table(tables[0]), comparison_chart(comparison), *map(_table, tables[1:])]
    a, b = comparison.names
    return _page(f"{comparison.a.header.dataset}: {a} and {b}", body, comparison.b.header.made)


def fragment(found: Report | Comparison) -> str:
    """The tables and the chart alone, for notebooks."""
    from .report import Report

    if isinstance(found, Report):
        tables, chart = report_tables(found), report_chart(found)
    else:
        tables, chart = comparison_tables(found), comparison_chart(found)
    return "".join([_table(tables[0]), chart, *map(_table, tables[1:])])


def _page(title: str, body: Sequence[str], made: str) -> str:
    name = _text(title, 200)
    when = f'<p class="soft">{_text(made, 40)}</p>' if made else ""
    # A page that may load nothing and run nothing can not be made to, whatever stands in it.
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{name}</h1>{when}\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_text(c, 80)}</th>' for c in table.columns)
    rows = []
    for k, row in enumerate(table.rows):
        mark = ' class="total"' if table.total and k == len(table.rows) - 1 else ""
        rows.append(f"<tr{mark}>" + "".join(f"<td>{_text(c, 500)}</td>" for c in row) + "</tr>")
    notes = "".join(f'<p class="note">{_text(n, 500)}</p>' for n in table.notes)
    kind = ' class="num"' if table.right else ""
    return (
        f'<section><h2>{_text(table.title, 200)}</h2><div class="wide" tabindex="0" role="region" '
        f'aria-label="{_text(table.title, 200)}"><table{kind}><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{notes}</section>"
    )


def _answers(records: Sequence[Record]) -> str:
    shown = sorted(records, key=lambda r: r.right)[:MOST] if len(records) > MOST else records
    more = (
        f'<p class="note">{len(shown):,} of {len(records):,} answers, wrong ones first.</p>'
        if shown != records
        else ""
    )
    return f"<section><h2>Answers</h2>{more}{''.join(map(_answer, shown))}</section>"


def _answer(record: Record) -> str:
    mark, word = ("good", "✓ right") if record.right else ("bad", "✗ wrong")
    if not record.scored:
        mark, word = "soft", "? no score"
    elif record.error is not None:
        word = "✗ failed"
    facts = [
        f"{record.tasks} tasks",
        f"{record.calls} calls",
        f"{record.tokens:,} tokens",
        duration(record.seconds),
    ]
    note = record.note or record.score_error
    plan = f"<pre>{_text_block(record.plan, _PLAN)}</pre>" if record.plan else ""
    right = f"<p>Right: {_text(record.reference, 500)}</p>" if record.reference and not record.right else ""
    text = said(record, _ANSWER) if record.error is not None else to_text(record.output)
    return (
        f'<details><summary><span class="{mark}">{word}</span> {_text(record.id, 40)}'
        f"{f' ({record.repeat})' if record.repeat > 1 else ''}: {_text(record.question, 160)}</summary>"
        f'<p class="soft">{_text(", ".join(facts), 200)}{": " if note else ""}{_text(note, 500)}</p>'
        f"<pre>{_text_block(text, _ANSWER)}</pre>{right}{plan}</details>"
    )


def _text_block(text: str, limit: int) -> str:
    more = f"\n... ({len(text):,} characters in all)" if len(text) > limit else ""
    return escape(harmless(text[:limit]) + more, quote=True)


def _text(text: str, limit: int) -> str:
    return escape(one_line(text, limit), quote=True)
