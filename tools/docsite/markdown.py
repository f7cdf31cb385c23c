"""From the Markdown that GitHub reads to the one that the site's generator reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FENCE = re.compile(r"\s*(```+|~~~+)")
# A code span is taken first, so what looks like a link in it is none.
_LINK = re.compile(r"(?P<code>(?P<ticks>`+).*?(?P=ticks))|(?<=\]\()(?P<target>[^)\s]+)(?=[)\s])")
_DEFINITION = re.compile(r"(?<=\]: )(?P<target>\S+)(?=\s*$)")
_ITEM = re.compile(r" *(?:[-*+]|\d+\.) ")
_DIAGRAM = re.compile(r"^```mermaid\n(?P<first>.*)\n(?:.*\n)*?```$", re.MULTILINE)
_WIDE = re.compile(r"sequenceDiagram|(?:flowchart|graph) (?:LR|RL)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")
_ITEM_INDENT = 4


def is_foreign(link: str) -> bool:
    """Say whether a link leads out of the repository, or nowhere but to its own page.

    Parameters
    ----------
    link
        The link.

    Returns
    -------
    bool
        True for an address with a scheme, and for a fragment alone.
    """
    return bool(_SCHEME.match(link)) or link.startswith("#")


def lines_with_code(text: str) -> Iterator[tuple[str, bool]]:
    """Give the lines of a Markdown text, and tell those that are code.

    Parameters
    ----------
    text
        The text.

    Yields
    ------
    tuple of str and bool
        A line, and whether it is in a fenced block, or opens or ends one.
    """
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if fence:
            yield line, True
            if found and found[1].startswith(fence):
                fence = ""
        else:
            fence = found[1] if found else ""
            yield line, bool(fence)


def replace_links(text: str, replace: Callable[[str], str]) -> str:
    """Replace the targets of all links and images that are no code.

    Parameters
    ----------
    text
        The Markdown.
    replace
        Gives the new target for each that is neither an address nor a fragment alone.

    Returns
    -------
    str
        The text with the new targets.
    """

    def changed(found: re.Match[str]) -> str:
        target = found.groupdict().get("target")
        return found[0] if target is None or is_foreign(target) else replace(target)

    lines = (
        line if code else _DEFINITION.sub(changed, _LINK.sub(changed, line)) for line, code in lines_with_code(text)
    )
    return "\n".join(lines) + "\n"


def spell_out(text: str) -> str:
    """Write lists and tables as Python-Markdown wants them.

    GitHub needs no blank line before a list or a table, and two spaces before what belongs to an item. Python-Markdown
    takes the one for more of the text before, and the other for the end of the list.

    Parameters
    ----------
    text
        The Markdown.

    Returns
    -------
    str
        The same for Python-Markdown.
    """
    out: list[str] = []
    before, listed, shift = "", False, 0
    for line, code in lines_with_code(text):
        indent = len(line) - len(line.lstrip())
        item = None if code else _ITEM.match(line)
        opens = _FENCE.match(line) if code else None
        row = not code and line.startswith("|")
        if not code or opens:
            shift = (
                _ITEM_INDENT - indent if listed and 0 < indent < _ITEM_INDENT and (item or opens or not before) else 0
            )
        if before and ((item and not listed) or (row and not before.startswith("|"))):
            out.append("")
        if not indent and line and (item or not before):
            listed = bool(item)
        out.append(" " * shift + line if line else line)
        before = line
    return "\n".join(out) + "\n"


def frame_diagrams(text: str) -> str:
    """Put each diagram into a frame that the style sheet can let scroll on a small screen.

    Parameters
    ----------
    text
        The Markdown.

    Returns
    -------
    str
        The same with a ``div`` around each Mermaid block that is not part of a list; ``wide`` when it grows sideways.
    """

    def framed(found: re.Match[str]) -> str:
        kind = "diagram wide" if _WIDE.match(found["first"]) else "diagram"
        return f'<div class="{kind}" markdown>\n\n{found[0]}\n\n</div>'

    return _DIAGRAM.sub(framed, text)
