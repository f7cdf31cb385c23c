"""Checks what the generator of the site does not: that files exist, and that no page loads from another host."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STYLE_URL = re.compile(r"""(?:@import\s+|url\()\s*["']?((?:https?:)?//[^"')\s]+)""")
_SAYS_WHERE_IT_IS = {"canonical", "prev", "next", "alternate"}


class _Page(HTMLParser):
    """What a page links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads = _STYLE_URL.findall(text)
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and given.get("rel") in _SAYS_WHERE_IT_IS:
            return
        addresses = [given[name] for name in ("href", "src") if name in given]
        (self.links if tag == "a" else self.loads).extend(addresses)


def complaints(root: Path) -> Iterator[str]:
    """Check a built site.

    Parameters
    ----------
    root
        The folder that it was built into.

    Yields
    ------
    str
        A line for each thing that is wrong.
    """
    for file in sorted(root.rglob("*.html")):
        name, text = file.relative_to(root), file.read_text(encoding="utf-8")
        page = _Page(text)
        yield from (f"{name}: loads {address}" for address in page.loads if _is_foreign(address))
        if 'class="mermaid"' in text and not any(address.endswith("assets/mermaid.js") for address in page.loads):
            yield f"{name}: has a diagram, and does not load assets/mermaid.js"
        # The page for missing paths is served at any path, so its links are absolute.
        local = [] if file.name == "404.html" else [*page.links, *page.loads]
        for address in (address for address in local if not urlsplit(address).scheme and not _is_foreign(address)):
            if not (file.parent / unquote(urlsplit(address).path)).exists():
                yield f"{name}: {address} leads nowhere"
    for file in sorted(root.rglob("*.css")):
        for address in _STYLE_URL.findall(file.read_text(encoding="utf-8")):
            yield f"{file.relative_to(root)}: loads {address}"


def _is_foreign(address: str) -> bool:
    return address.startswith(("http://", "https://", "//"))
