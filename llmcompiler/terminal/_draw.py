"""Rows, notes and sums of a run as lines of styled text, fitted to a width. Nothing here prints or keeps time.

Text from plans and tools is only ever put into `Text` objects, so that no markup in it is interpreted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from rich.cells import cell_len
from rich.text import Text

from ..models.base import Usage
from ..result import Timing
from ._text import plural, seconds
from ._view import OVER, Note, Row, View

_WORDS = {
    "waiting": "waiting",
    "running": "running",
    "retrying": "trying again",
    "approval": "needs approval",
    "succeeded": "done",
    "failed": "failed",
    "skipped": "skipped",
    "cancelled": "cancelled",
}
_STYLES = {
    "waiting": "dim",
    "running": "cyan",
    "retrying": "yellow",
    "approval": "bold yellow",
    "succeeded": "green",
    "failed": "bold red",
    "skipped": "yellow",
    "cancelled": "yellow",
}
_NOTE_STYLES = {"round": "bold", "thought": "dim italic", "weak": "bold yellow", "feedback": "magenta"}
_TIME = 6


@dataclass(frozen=True)
class Glyphs:
    """The few signs used beyond letters."""

    states: dict[str, str]
    spinner: str
    bar: str
    rule: str
    dot: str
    arrow: str
    answer: str
    ellipsis: str


UNICODE = Glyphs(
    {
        "waiting": "·",
        "retrying": "↻",
        "approval": "?",
        "succeeded": "✓",
        "failed": "✗",
        "skipped": "–",
        "cancelled": "■",
    },
    "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
    "━",
    "─",
    " · ",
    "→",
    "│ ",
    "…",
)
ASCII = Glyphs(
    {
        "waiting": ".",
        "retrying": "~",
        "approval": "?",
        "succeeded": "+",
        "failed": "x",
        "skipped": "-",
        "cancelled": "!",
    },
    "|/-\\",
    "=",
    "-",
    ", ",
    "->",
    "| ",
    "...",
)


def glyphs_for(encoding: str) -> Glyphs:
    """The signs that an output of this encoding can show."""
    return UNICODE if encoding.lower().replace("_", "-").startswith("utf") else ASCII


def clock(value: float) -> str:
    """A duration in at most six cells: `4ms`, `1.23s`, `12.3s`, `2m05s`."""
    if value < 0.01:
        return f"{value * 1000:.0f}ms"
    if value < 99.95:
        return f"{value:.2f}s" if value < 9.995 else f"{value:.1f}s"
    if value < 6000:
        return f"{int(value // 60)}m{int(value % 60):02d}s"
    return f"{int(value // 3600)}h{int(value % 3600) // 60:02d}m"


class Painter:
    """Draws a `View` at one width."""

    def __init__(self, view: View, width: int, glyphs: Glyphs) -> None:
        self.view = view
        self.width = max(20, width)
        self.glyphs = glyphs

    def fit(self, text: Text, width: int) -> Text:
        """`text` cut and padded to exactly `width` cells."""
        plain = text.plain
        if cell_len(plain) > width:
            mark = self.glyphs.ellipsis
            text.truncate(max(0, width - len(mark)), overflow="crop")
            text.append(mark)
        text.truncate(width, overflow="crop", pad=True)
        return text

    # -- live ----------------------------------------------------------------

    def live(self, height: int, now: float, frame: int) -> list[Text]:
        """The run as at most `height` lines, the last one saying what is going on."""
        foot = [self.status(now, frame)]
        head: list[Text] = []
        answer = self.answer(3 if height >= 12 else 1) if self.view.answer_tail else []
        items, hidden = self.view.pick(max(1, height - len(foot) - len(answer) - 2))
        if hidden or (self.view.weak is not None and self.view.weak not in items):
            if self.view.weak is not None and height > 8:
                head.append(self.note(self.view.weak))
            if hidden:
                foot.insert(0, self.left_out(hidden))
        body = self.table(items, now, frame)
        return [*head, *body, *answer, *foot][-height:]

    def table(self, items: list[Row | Note], now: float, frame: int) -> list[Text]:
        """Rows and notes, live."""
        rows = [i for i in items if isinstance(i, Row)]
        id_width = max((len(str(r.task.id)) for r in rows), default=1)
        left = self.width - id_width - _TIME - 5
        call_width = left
        if left >= 46:
            # Never narrower than before, so that columns do not jump about as rows come and go.
            self.view.widest = max(self.view.widest, *(cell_len(r.call) for r in rows), 0)
            call_width = min(self.view.widest, left * 11 // 20)
        detail_width = left - call_width - 1
        out = []
        for item in items:
            if isinstance(item, Note):
                out.append(self.note(item))
                continue
            line = self.lead(item, id_width, frame)
            detail = self.detail(item)
            if detail_width < 12 and item.state == "failed":
                # On a narrow screen a failure tells why in place of its arguments.
                line.append_text(self.fit(Text(f"{item.task.tool}: ").append_text(detail), call_width))
            else:
                line.append_text(
                    self.fit(Text(item.call, style="dim" if item.state == "waiting" else ""), call_width)
                )
            line.append(f" {self.time(item, now):>{_TIME}}", style="" if item.state in OVER else "cyan")
            if detail_width >= 12:
                line.append("  ")
                line.append_text(self.fit(detail, detail_width - 1))
            line.rstrip()
            out.append(line)
        return out

    def lead(self, row: Row, id_width: int, frame: int) -> Text:
        """Sign and id of a task."""
        if row.state == "running":
            sign = self.glyphs.spinner[frame % len(self.glyphs.spinner)]
        else:
            sign = self.glyphs.states[row.state]
        return Text(f"{sign} ", style=_STYLES[row.state]).append(f"{row.task.id:>{id_width}} ", style="bold")

    def time(self, row: Row, now: float) -> str:
        """How long the call took or has been running."""
        if row.started is None:
            return ""
        return clock(max(0.0, (now if row.finished is None else row.finished) - row.started))

    def detail(self, row: Row) -> Text:
        """What there is to say of a task beside its call."""
        if row.state == "waiting":
            open_ = [d for d in islice(row.task.depends_on, 50) if d in self.view.rows and not self._over(d)]
            more = ", ..." if len(open_) > 4 else ""
            text = f"waits for {', '.join(map(str, open_[:4]))}{more}" if open_ else "ready"
            return Text(text, style="dim")
        if row.state in ("skipped", "cancelled", "approval"):
            text = _WORDS[row.state] + (f": {row.detail}" if row.detail else "")
            return Text(text, style=_STYLES[row.state])
        if row.state == "failed":
            return Text(row.detail, style="red")
        style = "dim" if row.state == "running" else "yellow" if row.state == "retrying" else ""
        return Text(row.detail, style=style)

    def _over(self, task_id: int) -> bool:
        return self.view.rows[task_id].state in OVER

    def note(self, note: Note, *, whole: bool = False) -> Text:
        """A note between tasks, on one line unless it is to be shown whole."""
        if note.kind == "round":
            side = self.glyphs.rule * 2
            text = Text(f"{side} {note.text} {side}", style="bold")
        elif note.kind == "weak":
            text = Text(f"! weak plan: {note.text}", style=_NOTE_STYLES["weak"])
        elif note.kind == "diagnostic":
            text = Text(f"! {note.text}", style="red" if note.severity == "error" else "yellow")
        elif note.kind == "feedback":
            text = Text(f"another round: {note.text}", style=_NOTE_STYLES["feedback"])
        else:
            text = Text(f"  {note.text}", style=_NOTE_STYLES[note.kind])
        if whole:
            return text
        text = self.fit(text, self.width - 1)
        text.rstrip()
        return text

    def left_out(self, tasks: int) -> Text:
        """How many tasks there was no room for."""
        text = Text(f"  {self.glyphs.ellipsis} {plural(tasks, 'task')} not shown", style="dim")
        return self.fit(text, min(self.width - 1, text.cell_len))

    def answer(self, most: int) -> list[Text]:
        """The end of the answer as it is written, at most `most` lines."""
        from ._text import harmless

        room = self.width - len(self.glyphs.answer) - 1
        text = harmless(self.view.answer_tail).expandtabs(4)
        lines: list[str] = []
        for line in text.splitlines()[-most:]:
            lines += [line[k : k + room] for k in range(0, len(line), room)] or [""]
        return [
            Text(self.glyphs.answer, style="green").append_text(self.fit_text(t, room)) for t in lines[-most:]
        ]

    def fit_text(self, text: str, width: int) -> Text:
        """`fit` of plain text, without padding."""
        out = self.fit(Text(text), width)
        out.rstrip()
        return out

    def status(self, now: float, frame: int) -> Text:
        """What is going on, in one line."""
        v = self.view
        sign = self.glyphs.spinner[frame % len(self.glyphs.spinner)]
        doing = {
            "starting": "starting",
            "planning": {
                "repair": "repairing the plan",
                "resume": "planning, resumed",
                "replan": "planning again",
                "given": "reading the plan",
            }.get(v.purpose, "planning"),
            "running": "running",
            "joining": "writing the answer",
            "over": "over",
        }[v.phase]
        parts = [doing]
        if v.approvals:
            parts.append(f"{len(v.approvals)} waiting for approval")
        if v.rows:
            parts.append(f"{v.done}/{len(v.rows)} done")
            if v.running:
                parts.append(f"{len(v.running)} running")
            if v.counts["failed"]:
                parts.append(f"{v.counts['failed']} failed")
        parts.append(clock(now))
        line = Text(f"{sign} ", style="cyan").append(self.glyphs.dot.join(parts), style="bold")
        line = self.fit(line, self.width - 1)
        line.rstrip()
        return line

    # -- after the run -------------------------------------------------------

    def final(self, most: int = 60) -> list[Text]:
        """The whole graph once the run is over: each call with its time, place in time and result."""
        items, hidden = self.view.pick(most)
        rows = [i for i in items if isinstance(i, Row)]
        id_width = max((len(str(r.task.id)) for r in rows), default=1)
        bar_width = min(24, 12 + (self.width - 72) // 6) if self.width >= 72 else 0
        started = [r.started for r in rows if r.started is not None]
        begin = min(started, default=0.0)
        span = max((r.finished or 0.0 for r in rows), default=0.0) - begin
        left = self.width - id_width - _TIME - 5 - (bar_width + 2 if bar_width else 0)
        narrow = left < 46
        longest = max((cell_len(r.call) for r in rows), default=0)
        call_width = left if narrow else min(longest, left * 11 // 20)
        out: list[Text] = []
        for item in items:
            if isinstance(item, Note):
                out.append(self.note(item, whole=item.kind != "thought"))
                continue
            line = self.lead(item, id_width, 0)
            line.append_text(self.fit(Text(item.call), call_width))
            line.append(f" {self.time(item, self.view.now):>{_TIME}}")
            if bar_width:
                line.append("  ")
                line.append_text(self.bar(item, begin, span, bar_width))
            detail = self.detail(item)
            # Why a call failed is worth a line of its own; a value is only a glance.
            under = narrow or (item.state == "failed" and cell_len(detail.plain) > left - call_width - 2)
            if not under:
                line.append("  ")
                line.append_text(self.fit(detail, left - call_width - 2))
            line.rstrip()
            out.append(line)
            if under and detail.plain:
                text = Text(" " * (id_width + 3) + self.glyphs.arrow + " ", style="dim").append_text(detail)
                if item.state != "failed":
                    text = self.fit(text, self.width - 1)
                    text.rstrip()
                out.append(text)
        if hidden:
            out.append(self.left_out(hidden))
        return out

    def remarks(self) -> list[Text]:
        """What is odd about the plan, in full."""
        notes = [i for i in self.view.items if isinstance(i, Note) and i.kind in ("diagnostic", "weak")]
        return [self.note(n, whole=True) for n in notes]

    def bar(self, row: Row, begin: float, span: float, width: int) -> Text:
        """When a call ran, as a bar in the time of the run."""
        if row.started is None or span <= 0:
            return Text(" " * width)
        end = self.view.now if row.finished is None else row.finished
        first = min(width - 1, int((row.started - begin) / span * width))
        last = min(width, max(first + 1, round((end - begin) / span * width)))
        return Text(
            " " * first + self.glyphs.bar * (last - first) + " " * (width - last), style=_STYLES[row.state]
        )

    def counts(self) -> str:
        """How the calls ended, in words: `8 calls: 6 done, 1 failed, 1 skipped`."""
        v = self.view
        parts = [f"{n} {_WORDS[k]}" for k, n in v.counts.items() if n]
        open_ = len(v.rows) - v.done
        if open_:
            parts.append(f"{open_} not finished")
        return f"{plural(len(v.rows), 'call')}: {', '.join(parts)}" if v.rows else "no calls"


def footer(timing: Timing, usage: Usage, separator: str, width: int) -> list[str]:
    """What the run took, in words and numbers, on lines of at most `width` characters where they fit."""
    parts = [
        f"makespan {seconds(timing.makespan)}",
        f"critical path {seconds(timing.critical_path)}",
        f"time if sequential {seconds(timing.sequential)}",
        f"speed-up {timing.speedup:.1f}x",
        f"model calls {usage.model_calls}",
        f"tokens {usage.tokens:,}"
        + (f" ({usage.prompt_tokens:,} in, {usage.completion_tokens:,} out)" if usage.tokens else ""),
        *([f"cost {dollars(usage.cost)}"] if usage.cost else []),
        f"total {seconds(timing.total)}",
    ]
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(separator) + len(part) < width:
            lines[-1] += separator + part
        else:
            lines.append(part)
    return lines


def dollars(amount: float) -> str:
    """US dollars, with so many places that something is to be seen: `$0.0021`."""
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.2g}" if amount >= 1e-4 else "under $0.0001"
