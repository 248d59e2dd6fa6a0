"""What every picture of a trace shares: signs of states, lengths of time as text, rows chosen of many, safe text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from .trace import Phase, Trace, TraceTask

SIGNS = {
    "waiting": "·",
    "queued": "…",
    "running": "▶",
    "approval": "?",
    "succeeded": "✓",
    "failed": "✗",
    "skipped": "↷",
    "cancelled": "■",
}
"""A sign for each state, so that colour is not the only mark."""
_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def safe(text: str, limit: int = 0) -> str:
    """Text for HTML and XML: escaped, cut, without characters that XML forbids or that reorder what stands around."""
    cut = text if not limit or len(text) <= limit else text[: limit - 1] + "…"
    return escape(_BIDI.sub("", _NOT_XML.sub("\ufffd", cut)), quote=True)


def took(seconds: float) -> str:
    """A length of time for people: `1.24 s`, `35 ms`, `2 m 05 s`."""
    if seconds < 0.0005:
        return "0 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
    if seconds < 100:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02d} s"


def used(phases: Sequence[Phase]) -> str:
    """`, 1,204 tokens`, for behind the name of who used them; empty where nothing is known."""
    tokens = sum(p.tokens for p in phases)
    return f", {tokens:,} token{'' if tokens == 1 else 's'}" if tokens else ""


def ticks(total: float, most: int = 8) -> list[float]:
    """Round times from 0 to `total`, at most about so many."""
    if total <= 0:
        return [0.0]
    power = 10.0 ** (len(f"{int(total / most)}") - 1) if total / most >= 1 else 1.0
    while power > total / most:
        power /= 10
    step = next((m * power for m in (1, 2, 5, 10) if m * power >= total / most), power * 10)
    return [i * step for i in range(int(total / step) + 1)]


def chosen(trace: Trace, most: int) -> list[TraceTask]:
    """At most so many tasks, in their order: the critical path, what failed, then what took longest."""
    if len(trace.tasks) <= most:
        return list(trace.tasks)

    def weight(t: TraceTask) -> tuple[bool, bool, float]:
        return (not t.critical, t.status != "failed", -t.seconds)

    keep = {t.id for t in sorted(trace.tasks, key=weight)[:most]}
    return [t for t in trace.tasks if t.id in keep]


def summary(trace: Trace) -> list[tuple[str, str]]:
    """What a run took, as names and values."""
    out = [("status", trace.status), ("total", took(trace.total))]
    timing = trace.timing
    if timing is not None and timing.makespan:
        out += [
            ("calls", took(timing.makespan)),
            ("critical path", took(timing.critical_path)),
            ("one after another", took(timing.sequential)),
            ("speed-up", f"{timing.speedup:.1f} x"),
        ]
    if trace.predicted:
        out.append(("predicted", took(max(end for _, end in trace.predicted.values()))))
    if trace.usage.model_calls:
        out += [("model calls", str(trace.usage.model_calls)), ("tokens", f"{trace.usage.tokens:,}")]
        if trace.usage.cost:
            out.append(("cost", f"${trace.usage.cost:.4f}"))
    return out


def shares(trace: Trace) -> Sequence[tuple[str, float]]:
    """Where the time went, as words and seconds; what took none is left out."""
    b = trace.breakdown
    if b is None:
        return []
    every = (
        ("calls running", b.running),
        ("waiting for room or a person", b.queued),
        ("joining", b.joining),
        ("planning", b.planning),
        ("other", b.other),
    )
    return [(name, seconds) for name, seconds in every if seconds > 0]


def waits(trace: Trace) -> str:
    """What tasks waited for, all together, as a sentence; empty where none waited."""
    calls, room = took(trace.waited_for_calls), took(trace.waited_for_room)
    if calls == room == "0 ms":
        return ""
    return f"all tasks together waited {calls} for other calls, {room} for room or a person"


__all__ = ["SIGNS", "chosen", "safe", "shares", "summary", "ticks", "took", "waits"]
