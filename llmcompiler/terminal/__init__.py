"""Reporters for people: a live view for terminals, a log of lines for everything else.

They only look: what they show never changes what a run does, and an output that goes away (a closed pipe) ends the
display, not the run.
"""

from __future__ import annotations

from ._live import LiveReporter
from ._log import EventReporter, LogReporter

__all__ = ["EventReporter", "LiveReporter", "LogReporter"]
