"""A trace in the Trace Event Format, which Perfetto and chrome://tracing open. Nothing is drawn here."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

from .._jsonable import dumps
from .trace import Trace, TraceTask

_PLANNER, _JOINER, _FIRST = 1, 2, 10


def perfetto_json(trace: Trace) -> str:
    """The run as JSON text: a track for planners and one for joiners, as many for calls as ran at once, and arrows.

    Times are microseconds; an arrow leads from each call to those that used its value or were ordered after it.
    """
    events: list[dict[str, Any]] = [
        _name("process_name", 0, trace.question[:100] or trace.run_id),
        _name("thread_name", _PLANNER, "planner"),
        _name("thread_name", _JOINER, "joiner"),
    ]
    for p in trace.phases:
        track = _PLANNER if p.kind == "planning" else _JOINER
        end = trace.at if p.finished is None else p.finished
        events.append(
            _slice(track, f"{p.kind} {p.round}", p.started, end, {"purpose": p.purpose, "tokens": p.tokens})
        )
    tracks = _tracks(trace)
    events += [_name("thread_name", n, f"calls {n - _FIRST + 1}") for n in sorted(set(tracks.values()))]
    by_id = {t.id: t for t in trace.tasks}
    for t in trace.tasks:
        if t.started is None:
            continue
        end = trace.at if t.finished is None else t.finished
        events.append(_slice(tracks[t.id], t.line, t.started, end, _told(t)))
        for a in t.attempts[1:]:
            name = "hedge" if a.hedge else "another try"
            events.append(
                {"ph": "i", "s": "t", "pid": 1, "tid": tracks[t.id], "ts": _us(a.started), "name": name}
            )
        for kind, needs in (("value", t.depends_on), ("order", t.after)):
            for d in needs:
                source = by_id.get(d)
                if source is None or source.started is None or source.finished is None:
                    continue
                flow = {"cat": kind, "name": kind, "id": f"{d}>{t.id}", "pid": 1}
                events.append({**flow, "ph": "s", "tid": tracks[d], "ts": _us(source.finished)})
                events.append({**flow, "ph": "f", "bp": "e", "tid": tracks[t.id], "ts": _us(t.started)})
    other = {"run_id": trace.run_id, "status": trace.status, "total_seconds": trace.total}
    return dumps({"traceEvents": events, "displayTimeUnit": "ms", "otherData": other})


def _told(t: TraceTask) -> dict[str, Any]:
    return {
        "id": t.id,
        "tool": t.tool,
        "status": t.status,
        "planned": t.planned,
        "ready": t.ready,
        "via": t.via,
        "critical": t.critical,
        "attempts": len(t.attempts),
        **({"error": t.error} if t.error else {}),
        **({"value": t.value} if t.value else {}),
    }


def _us(seconds: float) -> float:
    return round(seconds * 1e6, 1)


def _slice(track: int, name: str, start: float, end: float, args: dict[str, Any]) -> dict[str, Any]:
    span = {"ts": _us(start), "dur": max(0.0, _us(end) - _us(start))}
    return {"ph": "X", "pid": 1, "tid": track, "name": name, "cat": "llmcompiler", **span, "args": args}


def _name(kind: str, track: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "pid": 1, "tid": track, "name": kind, "args": {"name": name}}


def _tracks(trace: Trace) -> dict[int, int]:
    """A track for each call, such that no two calls on one overlap, and as few tracks as can be."""
    calls = [
        (t.started, trace.at if t.finished is None else t.finished, t.id)
        for t in trace.tasks
        if t.started is not None
    ]
    out: dict[int, int] = {}
    busy: list[tuple[float, int]] = []
    free: list[int] = []
    made = 0
    for start, end, i in sorted(calls):
        while busy and busy[0][0] <= start:
            heappush(free, heappop(busy)[1])
        if free:
            track = heappop(free)
        else:
            track, made = _FIRST + made, made + 1
        out[i] = track
        heappush(busy, (end, track))
    return out


__all__ = ["perfetto_json"]
