"""Plans as pictures: Mermaid, DOT and SVG, and the levels and critical path of their graphs.

Names only; `shapes` measures, `grouping` says what is drawn, `layout` where, `mermaid`, `dot` and `svg` draw it.
"""

from __future__ import annotations

from .dot import to_dot
from .mermaid import to_mermaid
from .shapes import Shape, call_line, direct_order, order_edges, shape
from .svg import graph_svg

__all__ = [
    "Shape",
    "call_line",
    "direct_order",
    "graph_svg",
    "order_edges",
    "shape",
    "to_dot",
    "to_mermaid",
]
