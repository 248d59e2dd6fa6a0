"""Traces: a run as it can be drawn, kept and opened elsewhere: SVG, a page in one file, Perfetto."""

from __future__ import annotations

from .breakdown import Breakdown
from .building import TraceBuilder, TraceReporter
from .page import trace_page
from .perfetto import perfetto_json
from .saving import save, save_trace
from .text import timeline_text
from .timeline import timeline_svg
from .trace import Attempt, Items, Phase, Trace, TraceTask

__all__ = [
    "Attempt",
    "Breakdown",
    "Items",
    "Phase",
    "Trace",
    "TraceBuilder",
    "TraceReporter",
    "TraceTask",
    "perfetto_json",
    "save",
    "save_trace",
    "timeline_svg",
    "timeline_text",
    "trace_page",
]
