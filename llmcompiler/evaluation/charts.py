"""Bar charts as self-contained SVG: shares by family, with their intervals. No other kind of picture is made here.

Bars differ in pattern as well as in colour, every bar has its number beside it, and every text is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from ..terminal._text import one_line
from .tables import interval, percent

if TYPE_CHECKING:
    from .compare import Comparison
    from .report import Report
    from .statistics import Interval

WIDTH = 760
_LABEL, _VALUES, _BAR, _GAP, _TOP = 190, 150, 16, 14, 46
_MOST = 60
"""Groups that are drawn."""

_LIGHT = "--fg:#1b1f24;--soft:#59636e;--line:#d1d9e0;--bg:#ffffff;--a:#0550ae;--b:#9a4f00"
_DARK = "--fg:#e6edf3;--soft:#9198a1;--line:#3d444d;--bg:#0d1117;--a:#6cb6ff;--b:#f0a050"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a share with its interval."""

    share: Interval
    counted: int
    """What it is a share of."""


Group = tuple[str, Sequence[Bar]]
"""A label, and a bar for each series."""


def report_chart(report: Report, *, dark: bool | None = None) -> str:
    """Accuracy by family."""
    groups: list[Group] = [
        (name or "(no family)", [Bar(m.accuracy, m.answers - m.unscored)])
        for name, m in report.families.items()
    ]
    m = report.overall
    groups.append(("all", [Bar(m.accuracy, m.answers - m.unscored)]))
    return bar_chart(f"Accuracy: {report.header.dataset}", groups, (), dark=dark)


def comparison_chart(comparison: Comparison, *, dark: bool | None = None) -> str:
    """Accuracy of two configurations by family."""
    pairs = [*((n or "(no family)", p) for n, p in comparison.families.items()), ("all", comparison.overall)]
    groups: list[Group] = [
        (name, [Bar(p.a.accuracy, p.a.answers), Bar(p.b.accuracy, p.b.answers)]) for name, p in pairs
    ]
    return bar_chart(f"Accuracy: {comparison.a.header.dataset}", groups, comparison.names, dark=dark)


def bar_chart(title: str, groups: Sequence[Group], series: Sequence[str], *, dark: bool | None = None) -> str:
    """A chart of horizontal bars from 0 to 100 %, each with its interval of 95 %.

    Args:
        title: Above it, and its name for those who do not see it.
        groups: From top to bottom; a last one called `all` is kept where there are too many to draw.
        series: Names for the bars of a group, where there are several.
        dark: Colours for a dark or a light ground; None follows the reader's settings.
    """
    left_out = max(0, len(groups) - _MOST)
    if left_out:
        groups = [*groups[: _MOST - 1], groups[-1]]
    plot = WIDTH - _LABEL - _VALUES
    parts: list[str] = []
    y = _TOP + (20 if series else 0)
    top = y
    for label, bars in groups:
        middle = y + len(bars) * _BAR / 2 + 4
        parts.append(f'<text x="{_LABEL - 10}" y="{middle:g}" text-anchor="end">{_text(label, 26)}</text>')
        for k, bar in enumerate(bars):
            parts.append(_bar(bar, k, y, plot))
            y += _BAR
        y += _GAP
    height = y + 24
    axis = _axis(plot, top, y)
    legend = _legend(series)
    note = f", {left_out} families are not drawn" if left_out else ""
    summary = "; ".join(
        f"{one_line(label, 40)}: " + ", ".join(percent(bar.share.value) for bar in bars)
        for label, bars in groups
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
        f'height="{height:g}" role="img" class="llmc-chart"><title>{_text(title, 120)}</title>'
        f"<desc>{_text(summary, 4_000)}</desc>{_style(dark)}"
        f'<rect width="{WIDTH}" height="{height:g}" class="ground"/>'
        f'<text x="12" y="24" class="head">{_text(title, 80)}</text>{legend}{axis}{"".join(parts)}'
        f'<text x="{_LABEL}" y="{height - 6:g}" class="soft">whiskers: intervals of 95 %{note}</text></svg>'
    )


def _bar(bar: Bar, k: int, y: float, plot: int) -> str:
    s = bar.share
    if not bar.counted:
        return f'<text x="{_LABEL + 6}" y="{y + 12:g}" class="soft">nothing scored</text>'
    middle = y + _BAR / 2 - 1
    low, high = _LABEL + s.low * plot, _LABEL + s.high * plot
    value = f"{percent(s.value)} ({interval(s)})"
    return (
        f'<rect x="{_LABEL}" y="{y:g}" width="{s.value * plot:.1f}" height="{_BAR - 2}" class="bar s{k}"/>'
        f'<path d="M{low:.1f} {middle:g}H{high:.1f}M{low:.1f} {middle - 4:g}v8M{high:.1f} {middle - 4:g}v8" '
        f'class="whisker"/>'
        f'<text x="{_LABEL + plot + 12}" y="{y + 12:g}">{value}</text>'
    )


def _axis(plot: int, top: float, bottom: float) -> str:
    lines = []
    for tick in range(0, 101, 25):
        x = _LABEL + plot * tick / 100
        lines.append(f'<path d="M{x:g} {top - 6:g}V{bottom - _GAP + 6:g}" class="grid"/>')
        lines.append(f'<text x="{x:g}" y="{bottom + 4:g}" text-anchor="middle" class="soft">{tick} %</text>')
    return "".join(lines)


def _legend(series: Sequence[str]) -> str:
    parts = []
    for k, name in enumerate(series):
        x = _LABEL + k * 240
        parts.append(f'<rect x="{x}" y="34" width="14" height="14" class="bar s{k}"/>')
        parts.append(f'<text x="{x + 20}" y="46">{_text(name, 30)}</text>')
    return "".join(parts)


def _style(dark: bool | None) -> str:
    first = _DARK if dark else _LIGHT
    follow = f"@media (prefers-color-scheme:dark){{.llmc-chart{{{_DARK}}}}}" if dark is None else ""
    return (
        f"<style>.llmc-chart{{{first}}}{follow}"
        ".llmc-chart text{font:13px system-ui,sans-serif;fill:var(--fg)}"
        ".llmc-chart .head{font-weight:600;font-size:15px}.llmc-chart .soft{fill:var(--soft);font-size:12px}"
        ".llmc-chart .ground{fill:var(--bg)}.llmc-chart .grid{stroke:var(--line);fill:none}"
        ".llmc-chart .bar{stroke:var(--a);fill:var(--a);fill-opacity:.55}"
        # The second series is hollow: colour is not the only difference.
        ".llmc-chart .s1{stroke:var(--b);fill:var(--b);fill-opacity:.12;stroke-width:2}"
        ".llmc-chart .whisker{stroke:var(--fg);fill:none;stroke-width:1.5}</style>"
    )


def _text(text: str, limit: int) -> str:
    return escape(one_line(text, limit), quote=True)
