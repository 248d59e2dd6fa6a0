"""The timeline of a run as SVG: a row for planners, one a task, one for joiners, on one axis of seconds.

One file that needs nothing else: fonts of the system, no script, no links, no HTML inside. Every text is escaped, cut.
"""

from __future__ import annotations

from collections.abc import Sequence

from .marking import SIGNS, chosen, safe, shares, summary, ticks, took, used
from .trace import Attempt, Phase, Trace, TraceTask

_NOTCHES = 1_000
_WIDE = 6
"""Pixels of a bar that is not all notches."""
_LABEL, _RIGHT, _MARGIN, _ROW, _BAR, _HEAD = 260, 84, 16, 22, 12, 62
_LIGHT = (
    "--bg:#ffffff;--ink:#1f2328;--soft:#59636e;--line:#d8dee4;--run:#6e7781;--crit:#0550ae;--bad:#cf222e;"
    "--plan:#8250df;--join:#1a7f37;--wait:#afb8c1;--ask:#9a6700"
)
_DARK = (
    "--bg:#0d1117;--ink:#e6edf3;--soft:#9198a1;--line:#30363d;--run:#8b949e;--crit:#58a6ff;--bad:#ff7b72;"
    "--plan:#bc8cff;--join:#3fb950;--wait:#484f58;--ask:#d29922"
)
_STYLE = """
.S{background:var(--bg)}
.S text{font:12px ui-sans-serif,system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;fill:var(--ink)}
.S .m{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.S .soft{fill:var(--soft)}.S .bold{font-weight:600}.S .page{fill:var(--bg)}
.S .grid{stroke:var(--line);stroke-width:1}
.S .wait{stroke:var(--wait);stroke-width:2;stroke-dasharray:1 3}
.S .queued{fill:none;stroke:var(--wait);stroke-width:1.2}
.S .approval{fill:none;stroke:var(--ask);stroke-width:1.5;stroke-dasharray:4 2}
.S .running{fill:var(--run)}.S .critical .running{fill:var(--crit)}
.S .failed{fill:var(--bad)}.S .hedge{fill:none;stroke:var(--run);stroke-width:1.5}
.S .planning{fill:var(--plan)}.S .joining{fill:var(--join)}
.S .mark,.S .notch,.S .first{stroke:var(--bg);stroke-width:1.5}.S .first{stroke-dasharray:2 1.5}
.S .instant{fill:var(--run)}.S .foreseen{stroke:var(--soft);stroke-width:1.2}
"""


def timeline_svg(trace: Trace, *, width: int = 960, dark: bool | None = None, max_rows: int = 200) -> str:
    """The timeline of a run, over or not, as SVG text.

    Bars are calls, try by try where the trace has them; a failed try is crossed, a hedge hollow. Dots lead up to a call
    that waited for others, a hollow bar to one that waited for room or for a person. Notches in a planner's bar are
    where tasks were written out, a dashed one where its first word was there. `*` marks the critical path.

    Args:
        trace: The run.
        width: Pixels, at least 480.
        dark: Dark or light; by default what the viewer's system prefers.
        max_rows: Tasks drawn; of more, the critical path, what failed and what took longest.
    """
    return _Drawing(trace, max(480, width), dark, max(1, max_rows)).svg()


class _Drawing:
    def __init__(self, trace: Trace, width: int, dark: bool | None, max_rows: int) -> None:
        self.trace, self.width, self.dark = trace, width, dark
        self.total = max(trace.total, 1e-6)
        self.left, self.right = _MARGIN + _LABEL, width - _MARGIN - _RIGHT
        self.tasks = chosen(trace, max_rows)
        self.out: list[str] = []
        self.y = _MARGIN + _HEAD
        self.kinds: set[str] = set()

    def x(self, seconds: float) -> float:
        return self.left + (self.right - self.left) * min(1.0, max(0.0, seconds / self.total))

    def svg(self) -> str:
        rounds = sorted({p.round for p in self.trace.phases} | {t.round for t in self.tasks})
        several = len(rounds) > 1
        for number in rounds:
            part = f" {number}" if several else ""
            self._phases("planning", f"planner{part}", number)
            for t in self.tasks:
                if t.round == number:
                    self._task(t)
            self._phases("joining", f"joiner{part}", number)
        left_out = len(self.trace.tasks) - len(self.tasks)
        if left_out:
            self._text(_MARGIN, self.y + 15, f"… and {left_out:,} more tasks", "soft")
            self.y += _ROW
        if not self.trace.tasks:
            self._text(_MARGIN, self.y + 15, "No calls were made.", "soft")
            self.y += _ROW
        bottom = self.y + 6
        grid = self._grid(bottom)
        legend, under = self._legend(bottom + 20)
        height = under + 14
        went = ", ".join(f"{name} {took(seconds)}" for name, seconds in shares(self.trace))
        if went:
            went = f"where the time went: {went}"
            self._text(_MARGIN, under + 22, went, "soft", int((self.width - 2 * _MARGIN) / 6.3))
            height += 22
        shown = " ".join(f"{name} {value}," for name, value in summary(self.trace)).rstrip(",")
        shown += f"; {went}" if went else ""
        look = {None: "llmc-time", True: "llmc-time-dark", False: "llmc-time-light"}[self.dark]
        style = f".{look}{{{_DARK if self.dark else _LIGHT}}}" + _STYLE.replace(".S", f".{look}")
        if self.dark is None:
            style += f"@media (prefers-color-scheme:dark){{.{look}{{{_DARK}}}}}"
        title = safe(
            f"Timeline of a run: {self.trace.question}" if self.trace.question else "Timeline of a run", 160
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{look}" width="{self.width}" height="{height}"'
            f' viewBox="0 0 {self.width} {height}" role="img">'
            f"<title>{title}</title><desc>{safe(shown)}</desc><style>{style}</style>"
            f'<rect class="page" width="{self.width}" height="{height}" rx="6"/>'
            f"{self._head()}{grid}{''.join(self.out)}{legend}</svg>"
        )

    # -- parts -------------------------------------------------------------------------

    def _head(self) -> str:
        facts = summary(self.trace)
        parts, x = [], float(_MARGIN)
        for name, value in facts:
            wide = 7.0 * max(len(name), len(value)) + 18
            if x + wide > self.width - _MARGIN:
                break
            parts.append(f'<text class="soft" x="{x:.0f}" y="{_MARGIN + 10}">{safe(name)}</text>')
            parts.append(f'<text class="bold" x="{x:.0f}" y="{_MARGIN + 27}">{safe(value)}</text>')
            x += wide
        return "".join(parts)

    def _grid(self, bottom: int) -> str:
        parts, last = [], -100.0
        for at in ticks(self.total, max(2, int((self.right - self.left) / 90))):
            x = self.x(at)
            parts.append(f'<path class="grid" d="M{x:.1f} {_MARGIN + _HEAD - 4}V{bottom}"/>')
            if x - last > 40:
                parts.append(
                    f'<text class="soft" x="{x + 3:.1f}" y="{_MARGIN + _HEAD - 8}">{took(at) if at else "0"}</text>'
                )
                last = x
        return "".join(parts)

    def _legend(self, y: int) -> tuple[str, int]:
        """The marks that were drawn, and where the last of their lines stands."""
        words = [
            ("planning", '<rect class="planning" width="16" height="9" y="-8"/>', "planning"),
            ("wait", '<path class="wait" d="M0 -4H16"/>', "waiting for others"),
            ("queued", '<rect class="queued" width="16" height="8" y="-8"/>', "waiting for room or a person"),
            ("approval", '<rect class="approval" width="16" height="8" y="-8"/>', "waiting for a person"),
            ("running", '<rect class="running" width="16" height="9" y="-8"/>', "call"),
            (
                "critical",
                '<g class="critical"><rect class="running" width="16" height="9" y="-8"/></g>',
                "critical path *",
            ),
            ("failed", '<rect class="failed" width="16" height="9" y="-8"/>', "failed try ✗"),
            ("hedge", '<rect class="hedge" width="16" height="8" y="-8"/>', "hedge"),
            ("instant", '<path class="instant" d="M8 -9l5 5l-5 5l-5 -5z"/>', "no call needed"),
            ("foreseen", '<path class="foreseen" d="M8 -9v9"/>', "predicted end"),
            ("joining", '<rect class="joining" width="16" height="9" y="-8"/>', "joining"),
        ]
        parts: list[str] = []
        x = float(_MARGIN)
        for kind, picture, said in words:
            if kind not in self.kinds:
                continue
            wide = 21 + 6.6 * len(said)
            if x + wide > self.width - _MARGIN and parts:
                x, y = float(_MARGIN), y + 20
            parts.append(
                f'<g class="key" transform="translate({x:.0f} {y})">{picture}'
                f'<text class="soft" x="21">{said}</text></g>'
            )
            x += wide + 18
        return "".join(parts), y

    def _text(self, x: float, y: float, text: str, kind: str = "", limit: int = 0) -> None:
        self.out.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{safe(text, limit)}</text>')

    def _bar(self, kind: str, start: float, end: float, *, thin: bool = False) -> None:
        self.kinds.add(kind)
        x = self.x(start)
        wide = max(1.5, self.x(end) - x)
        y, high = (self.y + 9, 6) if thin else (self.y + 5, _BAR)
        self.out.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{high}" rx="1.5"/>'
        )

    def _phases(self, kind: str, name: str, number: int) -> None:
        phases = [p for p in self.trace.phases if p.kind == kind and p.round == number]
        if not phases:
            return
        spent = sum(self._end(p) - p.started for p in phases)
        said = used(phases)
        self.out.append(f'<g class="phase" data-kind="{kind}"><title>{kind} {took(spent)}{said}</title>')
        self._text(_MARGIN, self.y + 15, name + said, "soft")
        for p in phases:
            self._bar(kind, p.started, self._end(p))
            if p.first is not None and self.x(p.first) - self.x(p.started) >= _WIDE:
                self._mark(p.first, "first")
        if kind == "planning" and self.x(self._end(phases[-1])) - self.x(phases[0].started) >= _WIDE:
            self._words([t.planned for t in self.trace.tasks if t.round == number])
        self._text(self.right + 8, self.y + 15, took(spent), "soft")
        self.out.append("</g>")
        self.y += _ROW

    def _words(self, times: Sequence[float]) -> None:
        """A notch where each task was written out."""
        last = -1.0
        for at in sorted(times)[:_NOTCHES]:
            x = self.x(at)
            if x - last >= 2:  # closer ones could not be told apart
                self._mark(at, "notch")
                last = x

    def _mark(self, at: float, kind: str) -> None:
        self.out.append(f'<path class="{kind}" d="M{self.x(at):.1f} {self.y + 5}v{_BAR}"/>')

    def _end(self, p: Phase | Attempt) -> float:
        return self.trace.at if p.finished is None else p.finished

    def _task(self, t: TraceTask) -> None:
        critical = " critical" if t.critical else ""
        said = f"{t.line} - {t.status}" + (f": {t.error}" if t.error else "")
        self.out.append(
            f'<g class="task{critical}" data-task="{t.id}" data-status="{t.status}"><title>{safe(said, 400)}</title>'
        )
        if t.critical:
            self.kinds.add("critical")
        sign = SIGNS[t.status]
        self._text(_MARGIN, self.y + 15, sign, "soft")
        name = ("*" if t.critical else "") + t.line
        self._text(_MARGIN + 18, self.y + 15, name, "m bold" if t.critical else "m", int((_LABEL - 24) / 7.3))
        end = self.trace.at if t.finished is None else t.finished
        ready = end if t.ready is None else min(t.ready, end)
        if ready > t.planned:
            self.kinds.add("wait")
            self.out.append(
                f'<path class="wait" d="M{self.x(t.planned):.1f} {self.y + 11}H{self.x(ready):.1f}"/>'
            )
        begun = t.started if t.started is not None else end
        if begun > ready and self.x(begun) - self.x(ready) >= 1:
            self._bar("approval" if t.status == "approval" else "queued", ready, begun)
        if t.started is not None:
            self._tries(t, end)
        elif t.status == "succeeded":
            self.kinds.add("instant")
            self.out.append(f'<path class="instant" d="M{self.x(end):.1f} {self.y + 6}l5 5l-5 5l-5 -5z"/>')
        if (span := self.trace.predicted.get(t.id)) is not None and t.started is not None:
            self.kinds.add("foreseen")
            self.out.append(f'<path class="foreseen" d="M{self.x(span[1]):.1f} {self.y + 3}v16"/>')
        how = "" if t.via == "call" else f" {t.via}"
        self._text(
            self.right + 8, self.y + 15, took(t.seconds if t.finished else end - begun) + how, "soft", 14
        )
        self.out.append("</g>")
        self.y += _ROW

    def _tries(self, t: TraceTask, end: float) -> None:
        assert t.started is not None
        tries = t.attempts or (Attempt(t.started, t.finished, t.error if t.status == "failed" else None),)
        for a in tries:
            if a.hedge:
                self._bar("hedge", a.started, self._end(a), thin=True)
                continue
            self._bar("failed" if a.failed else "running", a.started, self._end(a))
            if a.failed:
                x, y = self.x(self._end(a)), self.y + 11
                self.out.append(f'<path class="mark" d="M{x - 7:.1f} {y - 4}l5 8m0 -8l-5 8"/>')


__all__ = ["timeline_svg"]
