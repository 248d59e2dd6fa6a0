"""The readable text of an HTML page. Nothing is fetched here.

A scanner of its own, because `html.parser` takes time quadratic in the length of a page made to hurt it (many `<!--`
that are never closed): every search here either moves on or is the last one, so any page is read in linear time.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"/?([A-Za-z][A-Za-z0-9-]{0,30})")
_SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "object", "select"})
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "fieldset",
     "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
     "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul"}
)  # fmt: skip
_CLOSERS = {name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in (*_SKIPPED, "title")}


def html_to_text(page: str) -> tuple[str, str]:
    """Title and text of a page: scripts and styles left out, blocks on lines of their own, entities decoded."""
    title = ""
    out: list[str] = []
    pos = 0
    while (start := page.find("<", pos)) >= 0:
        out.append(page[pos:start])
        if page.startswith("<!--", start):
            end = page.find("-->", start + 4)
            if end < 0:
                return title, _tidy(out)
            pos = end + 3
            continue
        name_match = _TAG.match(page, start + 1)
        if name_match is None and page[start + 1 : start + 2] not in ("!", "?"):
            out.append("<")
            pos = start + 1
            continue
        end = page.find(">", start + 1)
        if end < 0:
            return title, _tidy(out)
        pos = end + 1
        if name_match is None:
            continue
        name = name_match[1].lower()
        if name in _CLOSERS and page[start + 1] != "/" and page[end - 1] != "/":
            closer = _CLOSERS[name].search(page, pos)
            if closer is None:
                return title, _tidy(out)
            if name == "title" and not title:
                title = _line(html.unescape(page[pos : closer.start()]))
            pos = closer.start()
        elif name in _BLOCKS:
            out.append("\n")
    out.append(page[pos:])
    return title, _tidy(out)


def _line(text: str) -> str:
    return " ".join(text.split())


def _tidy(parts: list[str]) -> str:
    lines = (_line(line) for line in html.unescape("".join(parts)).splitlines())
    return "\n".join(line for line in lines if line)
