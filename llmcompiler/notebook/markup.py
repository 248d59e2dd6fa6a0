"""Pieces of HTML for notebooks: escaped text, badges, tables, pictures. Nothing here knows of plans or runs.

Front ends clean what they show: GitHub drops `<style>` and classes, a notebook that is not trusted loses inline SVG,
and scripts never run. So whatever matters is words, plain tables, inline styles, or a picture in an `<img>`; the style
sheet only fits colours of pictures to the theme. Every text that comes from outside goes through `text` or `line`.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..terminal._text import harmless, one_line, preview

LINE = 300
"""Characters of a value in one cell of a table."""
BLOCK = 6_000
"""Characters of a text that stands by itself."""

_STATES = {
    "succeeded": ("✓", "done", "#1a7f37"),
    "answered": ("✓", "answered", "#1a7f37"),
    "failed": ("✗", "failed", "#c5221f"),
    "running": ("▶", "running", "#0b62c4"),
    "queued": ("◔", "queued", "#7a4bc2"),
    "waiting": ("○", "waiting", "#5f6770"),
    "approval": ("?", "needs approval", "#8a5a00"),
    "skipped": ("↷", "skipped", "#5f6770"),
    "cancelled": ("⊘", "cancelled", "#964200"),
}

STYLE = (
    "<style>"
    # A picture in an <img> goes by the colour scheme of the element: it is told which theme the page has.
    ".llmc img{color-scheme:light dark}"
    "[data-jp-theme-light=true] .llmc img,.vscode-light .llmc img,html[theme=light] .llmc img{color-scheme:light}"
    "[data-jp-theme-light=false] .llmc img,.vscode-dark .llmc img,.vscode-high-contrast .llmc img,"
    "html[theme=dark] .llmc img{color-scheme:dark}"
    ".llmc table tr,.llmc table td,.llmc table th{background:none!important;color:inherit!important}"
    "</style>"
)

_SIZE = re.compile(r"<svg\b[^>]*>", re.S)


def text(value: Any, limit: int = LINE) -> str:
    """A value in a line: cut, control characters made visible, escaped for HTML text and attributes."""
    return html.escape(preview(value, limit))


def line(value: str, limit: int = LINE) -> str:
    """A text in a line, escaped; unlike `text`, spaces at its ends stay."""
    return html.escape(one_line(value, limit))


def block(value: str, limit: int = BLOCK, *, prose: bool = False, wrap: bool = True) -> str:
    """A text with its lines, cut and escaped.

    Args:
        value: The text.
        limit: Characters that are shown.
        prose: In the font of the page.
        wrap: Long lines are wrapped; else the box scrolls.
    """
    shown = value if len(value) <= limit else f"{value[:limit]}\n... {len(value) - limit:,} characters more"
    lines = "white-space:pre-wrap;overflow-wrap:anywhere" if wrap else "white-space:pre;overflow-x:auto"
    font = ";font:inherit" if prose else ""
    return f'<pre style="{lines};margin:4px 0;line-height:1.4{font}">{html.escape(harmless(shown))}</pre>'


def badge(state: str) -> str:
    """A state as a mark, a word and a colour; the first two are enough."""
    mark, word, colour = _STATES.get(state, ("", state, "#5f6770"))
    return (
        f'<b style="background:{colour};color:#fff;border-radius:4px;padding:1px 7px;font-size:.85em;'
        f'white-space:nowrap">{mark} {html.escape(word)}</b>'
    )


def word(state: str) -> str:
    """A state as plain text: its mark and word."""
    mark, said, _ = _STATES.get(state, ("", state, ""))
    return f"{mark} {said}".strip()


def muted(content: str) -> str:
    """HTML that stands back."""
    return f'<span style="opacity:.75">{content}</span>'


def code(content: str) -> str:
    """Escaped text as code that may be wrapped."""
    return (
        '<code style="background:none;padding:0;white-space:pre-wrap;overflow-wrap:anywhere;color:inherit">'
        f"{content}</code>"
    )


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = (), wide: Sequence[int] = ()
) -> str:
    """A table of HTML cells.

    Args:
        head: Column titles, already escaped.
        rows: Cells, already escaped.
        right: Positions of columns of numbers.
        wide: Positions of columns that must not be squeezed.
    """
    rule = "border-bottom:1px solid rgba(128,128,128,.35)"

    def cell(tag: str, k: int, content: str) -> str:
        side = "right" if k in right else "left"
        numbers = ";white-space:nowrap;font-variant-numeric:tabular-nums" if k in right else ""
        numbers += ";min-width:240px" if k in wide else ""
        return (
            f'<{tag} align="{side}" style="text-align:{side};vertical-align:top;padding:3px 10px 3px 0;{rule}'
            f'{numbers}">{content}</{tag}>'
        )

    out = ['<table style="border-collapse:collapse;margin:6px 0;border:none">']
    if head:
        out.append("<thead><tr>" + "".join(cell("th", k, h) for k, h in enumerate(head)) + "</tr></thead>")
    out.append("<tbody>")
    out += ["<tr>" + "".join(cell("td", k, c) for k, c in enumerate(r)) + "</tr>" for r in rows]
    out.append("</tbody></table>")
    return "".join(out)


def details(summary: str, content: str, *, opened: bool = False) -> str:
    """A part that readers open by themselves. It works without a script."""
    return (
        f'<details{" open" if opened else ""} style="margin:4px 0">'
        f'<summary style="cursor:pointer">{summary}</summary>{content}</details>'
    )


def progress(done: int, total: int, label: str) -> str:
    """A bar of how much is done; the label, escaped text, says it in words."""
    total = max(1, total)
    return (
        f'<progress value="{min(done, total)}" max="{total}" aria-label="{label}" '
        f'style="width:110px;vertical-align:middle"></progress>'
    )


def picture(svg: str, alt: str) -> str:
    """An SVG as an `<img>`: nothing in it can run or reach the page, and cleaners that drop `<svg>` let it stand."""
    data = base64.b64encode(svg.encode("utf-8", "replace")).decode("ascii")
    size = "".join(f' {name}="{value}"' for name, value in _size(svg))
    return (
        f'<img alt="{html.escape(alt)}"{size} decoding="sync" style="max-width:100%;height:auto;display:block;'
        f'margin:6px 0" src="data:image/svg+xml;base64,{data}">'
    )


def _size(svg: str) -> list[tuple[str, str]]:
    head = _SIZE.search(svg)
    found = []
    for name in ("width", "height"):
        match = re.search(rf'\s{name}="(\d+(?:\.\d+)?)(?:px)?"', head.group()) if head else None
        if match:
            found.append((name, f"{float(match.group(1)):.0f}"))
    return found


def page(*parts: str) -> str:
    """The whole display."""
    return f'<div class="llmc" style="font-size:13px;line-height:1.45">{STYLE}{"".join(p for p in parts if p)}</div>'


__all__ = [
    "badge",
    "block",
    "code",
    "details",
    "line",
    "muted",
    "page",
    "picture",
    "progress",
    "table",
    "text",
    "word",
]
