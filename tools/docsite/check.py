"""Checks the built site: links and anchors lead somewhere, and opening a page asks no other host for anything."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tools.docsite.places import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ATTRIBUTES = ("href", "src", "srcset", "poster", "data", "action")
_FOLLOWED_BY_CLICK = {"a", "area", "form"}
_SAYS_WHERE_IT_IS = {"canonical", "prev", "next", "alternate"}
_STYLE_URL = re.compile(r"""(?:@import\s+|url\()\s*["']?((?:https?:)?//[^"')\s]+)""")
_DIAGRAM = 'class="mermaid"'
_DIAGRAM_SCRIPT = "assets/mermaid.js"


@dataclass
class _Page(HTMLParser):
    """What a page links to, what it loads, and its anchors."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {
            given[name] for name in ("id", "name") if name in given and not (name == "name" and tag != "a")
        }
        if tag == "link" and set(given.get("rel", "").split()) & _SAYS_WHERE_IT_IS:
            return
        addresses = [given[name] for name in _ATTRIBUTES if given.get(name)]
        (self.links if tag in _FOLLOWED_BY_CLICK else self.loads).extend(addresses)


def _parse(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    return page


def _is_foreign(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in {"http", "https"}


def _malformed(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme in {"http", "https"}:
        return parts.scheme == "http" or "." not in (parts.hostname or "") or " " in address
    return parts.scheme != "mailto"


class _Site:
    """The files of a site, each page parsed once."""

    def __init__(self, root: Path) -> None:
        self.files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
        self.texts = {
            name: path.read_text(encoding="utf-8") for name, path in self.files.items() if name.endswith(".html")
        }
        self.pages = {name: _parse(text) for name, text in self.texts.items()}

    def complaint(self, page: str, address: str) -> str | None:
        """Say what is wrong with an address on a page, if anything."""
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            return "is no address to link to" if _malformed(address) else None
        if parts.path.startswith("/"):
            # Only right where the site is at the root of a host: nobody knows that here.
            return "begins with a slash"
        target = resolve(page, unquote(parts.path)) if parts.path else page
        if target not in self.files:
            target = resolve(f"{target}/", "index.html")
        if target not in self.files:
            return "leads nowhere"
        anchor = unquote(parts.fragment)
        if anchor and target in self.pages and anchor not in self.pages[target].anchors:
            return "has an anchor that is not there"
        return None

    def links(self, name: str) -> Iterator[str]:
        """Complain of the links of a page, and of what it loads from this site."""
        page = self.pages[name]
        own = [address for address in page.loads if not _is_foreign(address) and not address.startswith("data:")]
        for address in [*page.links, *own]:
            complaint = self.complaint(name, address)
            if complaint:
                yield f"{name}: {address} {complaint}"

    def foreign(self, name: str) -> Iterator[str]:
        """Complain of what a page loads from elsewhere, or would."""
        page, text = self.pages[name], self.texts[name]
        loads = [address for address in page.loads if _is_foreign(address)]
        yield from (f"{name}: loads {address}" for address in [*loads, *_STYLE_URL.findall(text)])
        if _DIAGRAM in text and not any(address.endswith(_DIAGRAM_SCRIPT) for address in page.loads):
            yield f"{name}: has a diagram, and does not load {_DIAGRAM_SCRIPT}"


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
    site = _Site(root)
    if not site.pages:
        yield "there is no page"
    for name in sorted(site.pages):
        # The page for what is not found is served at any path: its links are absolute.
        if name != "404.html":
            yield from site.links(name)
        yield from site.foreign(name)
    for name, path in sorted(site.files.items()):
        if name.endswith(".css"):
            yield from (f"{name}: loads {found}" for found in _STYLE_URL.findall(path.read_text(encoding="utf-8")))
