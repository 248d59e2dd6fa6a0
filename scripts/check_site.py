"""Checks that no page of the built documentation loads anything from another host.

Run as `python scripts/check_site.py site`. Links that a reader may click are fine;
scripts, style sheets, pictures, fonts and frames are not.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path

LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
LOADING_LINKS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload"}


class _Page(HTMLParser):
    """Collects the addresses on other hosts that a page would load by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        address = given.get(LOADING.get(tag, ""), "")
        if tag == "link" and LOADING_LINKS & set(given.get("rel", "").split()):
            address = given.get("href", "")
        if address.startswith(("http:", "https:", "//")):
            self.found.append(f"<{tag}> {address}")


def check(site: Path) -> list[str]:
    """What is wrong, one text for each address; also when there is no site at all."""
    pages = sorted(site.rglob("*.html"))
    if not pages:
        return [f"{site}: no pages; run `make docs`"]
    wrong = []
    for path in pages:
        page = _Page()
        page.feed(path.read_text(encoding="utf-8"))
        wrong += [f"{path.relative_to(site)}: loads {what}" for what in page.found]
    return wrong


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "site")
    wrong = check(site)
    print("\n".join(wrong) or f"{site}: loads nothing from other hosts")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
