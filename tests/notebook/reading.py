"""Reads what notebooks are shown, as strictly as a cleaner of HTML would."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from xml.etree import ElementTree

# What cleaners of notebooks (JupyterLab's, GitHub's) let through, but for `style`, which they drop.
ALLOWED = {"b", "br", "code", "details", "div", "img", "pre", "progress", "span", "style", "summary"}
ALLOWED |= {"table", "tbody", "td", "th", "thead", "tr"}
VOID = {"img", "br"}
ATTRIBUTES = {"align", "alt", "aria-label", "class", "decoding", "height", "max", "open", "src", "style"}
ATTRIBUTES |= {"title", "value", "width"}
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SVG = "data:image/svg+xml;base64,"

ATTACKS = [
    "<script>alert(1)</script>",
    "</pre></div><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    '<a href="javascript:alert(1)">x</a>',
    "</style><style>body{display:none}</style>",
    "<iframe src=//evil.example></iframe>",
    "]]><script>alert(1)</script><![CDATA[",
    "<!--<script>alert(1)//-->",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "\x1b[31mred\x1b[0m\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "\x00\x07\x08\r\x9b2J",
    "\u202egnp.exe\u2066 \u2028line",
    "lone \ud800 surrogate",
    "</textarea></title></svg><script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "<math><mtext></mtext><script>alert(1)</script></math>",
    "x" * 1_000_000,
    "<" * 1_000_000,
]


@dataclass
class Seen(HTMLParser):
    """What is in a page: its text, its tags and its pictures."""

    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        self.tags.append(tag)
        if tag not in VOID:
            self._open.append(tag)
        for name, value in attrs:
            assert name in ATTRIBUTES, (tag, name)
            if name == "style":
                assert "url" not in (value or "")
                assert "expression" not in (value or "")
            if name == "src":
                assert tag == "img"
                assert (value or "").startswith(SVG)
                self.pictures.append(base64.b64decode((value or "")[len(SVG) :]).decode())
            if name == "alt":
                self.alts.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data[:80]}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl[:80]}")

    @property
    def text(self) -> str:
        """All the words, without CSS and tags."""
        return " ".join(" ".join(self.words).split())


def read(html: str) -> Seen:
    """The page, if it is whole and harmless."""
    assert not CONTROL.search(html), CONTROL.search(html)
    seen = Seen()
    seen.feed(html)
    seen.close()
    assert not seen._open, seen._open
    for svg in seen.pictures:
        check_svg(svg)
    return seen


def check_svg(svg: str) -> str:
    """All text of a picture, if nothing in it can run or load."""
    words = []
    assert "<!DOCTYPE" not in svg
    assert "<?xml-stylesheet" not in svg
    for element in ElementTree.fromstring(svg).iter():
        tag = str(element.tag).rpartition("}")[2].lower()
        assert tag not in {"script", "foreignobject", "iframe", "image", "a", "animate", "set"}, tag
        for name, value in element.attrib.items():
            name = name.rpartition("}")[2].lower()
            assert not name.startswith("on"), name
            if name == "href":
                assert value.startswith("#"), value
        if tag == "style":
            assert "@import" not in (element.text or "")
            assert "http" not in (element.text or "")
        else:
            words.append(element.text or "")
        words.append(element.tail or "")
    found = " ".join(words)
    assert not CONTROL.search(found)
    return found
