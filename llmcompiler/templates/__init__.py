"""Plans compiled once and run many times: templates of plans, with holes for what comes from the question."""

from __future__ import annotations

from .generalize import generalize
from .holes import Hole
from .places import Use
from .template import PlanTemplate, ToolMark

__all__ = ["Hole", "PlanTemplate", "ToolMark", "Use", "generalize"]
