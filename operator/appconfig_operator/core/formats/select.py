"""A part of a document, by JSON Pointer (RFC 6901)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appconfig_operator.core.formats.document import invalid, pointer

if TYPE_CHECKING:
    from appconfig_operator.core.formats.document import Document

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def select(document: Document, wanted: str) -> Document:
    """Return the part of a document that a pointer names. The empty pointer is the whole document.

    Raises
    ------
    ContentError
        `InvalidContent`, if there is nothing at that place.
    """
    part = document
    path: list[str] = []
    for token in wanted.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(part, dict) and key in part:
            part = part[key]
        elif isinstance(part, list) and _INDEX.fullmatch(key) and int(key) < len(part):
            part = part[int(key)]
        else:
            there = f"It ends at {pointer(path)}." if path else "Its top level has no such member."
            raise invalid(f"The document has nothing at {pointer([*path, key])}, which spec.select names. {there}")
        path.append(key)
    return part
