"""A hook of mkdocs: the documentation for readers that are programs, as `llms.txt`, `llms-full.txt` and plain Markdown.

`llms.txt` lists every page of the navigation with its first sentence; the pages lie beside their HTML, as they were
written, and `llms-full.txt` is all of them in one file. The form is that of llmstxt.org. Nothing is fetched.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_LENGTH = 200


def first_sentence(markdown: str) -> str:
    """What a page says it is about: the first sentence under its title, without markup."""
    for block in re.split(r"\n\s*\n", re.sub(r"<!--.*?-->|```.*?```", "", markdown, flags=re.DOTALL)):
        text = " ".join(block.split())
        if text and not text.startswith(("#", "|", "-", "!", ">")):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
            sentence = re.match(r".*?[.!?:](?=\s|$)", text)
            return (sentence[0] if sentence else text).rstrip(":")[:_LENGTH]
    return ""


def index(site_name: str, about: str, sections: list[tuple[str, list[tuple[str, str, str]]]]) -> str:
    """The text of `llms.txt`.

    Args:
        site_name: Its title.
        about: One sentence.
        sections: Title, and title, path and Markdown of each page in it.
    """
    out = [
        f"# {site_name}",
        "",
        f"> {about}",
        "",
        "All pages in one file: [llms-full.txt](llms-full.txt)",
        "",
    ]
    for title, pages in sections:
        out += [f"## {title}", ""]
        out += [
            f"- [{name}]({path}){': ' if (said := first_sentence(text)) else ''}{said}"
            for name, path, text in pages
        ]
        out.append("")
    return "\n".join(out)


def on_post_build(config: Any, **_: Any) -> None:
    """Write the files; mkdocs calls this when the site is there."""
    docs, site = Path(config["docs_dir"]), Path(config["site_dir"])
    sections: list[tuple[str, list[tuple[str, str, str]]]] = []
    for entry in config["nav"]:
        ((title, value),) = entry.items()
        pages = [(title, value)] if isinstance(value, str) else [next(iter(p.items())) for p in value]
        found = [(name, path, (docs / path).read_text(encoding="utf-8")) for name, path in pages]
        sections.append((title, found))
        for _, path, text in found:
            (site / path).write_text(text, encoding="utf-8")
    about = str(config["site_description"])
    (site / "llms.txt").write_text(index(str(config["site_name"]), about, sections), encoding="utf-8")
    every = "\n\n".join(text for _, pages in sections for *_, text in pages)
    (site / "llms-full.txt").write_text(every + "\n", encoding="utf-8")
