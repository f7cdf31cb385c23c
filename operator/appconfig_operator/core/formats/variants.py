"""Multi-variant feature flags: recognized by their `_variant`, and written without it.

A caller that does not request rules gets the default variant of each flag from AWS AppConfig, the one that no rule
belongs to, in plain JSON: `{"checkout": {"_variant": "default", "enabled": false}}`. A basic flag has no `_variant`,
so without it, a flag looks the same before, during and after an experiment.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from appconfig_operator.core.errors import ContentError
from appconfig_operator.core.formats.document import shown
from appconfig_operator.core.formats.parse_json import scan_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from appconfig_operator.core.formats.document import Document

VARIANT = "_variant"
"""The key of the variant's name in a flag. No attribute has this key: in AppConfig, attributes start with a letter."""

NAMED = 5
"""Number of flags that a message names. There may be thousands."""

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
_IN_A_FLAG = 2
"""The depth of a flag's members: in its object, which is in the object of all flags."""

_BLANKS = " \t\r\n"

_NO_FLAG: Document = {}
_BASIC: Document = {"enabled": True}
_MULTI_VARIANT: Document = {"enabled": True, VARIANT: ""}


def variants(document: Document) -> tuple[str, ...]:
    """Return the names of the multi-variant flags, sorted: none if the document contains anything but flags."""
    if not isinstance(document, dict) or not all(map(_is_flag, document.values())):
        return ()
    return tuple(sorted(name for name, flag in document.items() if isinstance(flag, dict) and VARIANT in flag))


def without_variants(document: Document) -> Document:
    """Return flags without the names of their variants. Any other document is returned unchanged."""
    if not isinstance(document, dict) or not variants(document):
        return document
    return {
        name: {key: value for key, value in flag.items() if key != VARIANT} if isinstance(flag, dict) else flag
        for name, flag in document.items()
    }


def variants_in_json(body: bytes) -> tuple[str, ...]:
    """Return the names of the multi-variant flags in JSON, sorted: none if it contains anything else, or is not JSON.

    Flags may have any number of values: in the format `Raw`, only the number of bytes is limited.
    """
    # Most documents do not contain this key in any form, and so do not need to be parsed.
    if VARIANT.encode() not in body and b"\\u" not in body:
        return ()
    flags: dict[str, Document] = {}

    def shape(members: dict[str, Document]) -> Document:
        """Keep only the members of an object that make it a flag. The object of all flags comes last."""
        nonlocal flags
        flags = members
        if not _is_flag(members):
            return _NO_FLAG
        return _MULTI_VARIANT if VARIANT in members else _BASIC

    try:
        whole = scan_json(body, shape)
    except ContentError:  # written unchanged, if that is possible at all
        return ()
    return variants(flags) if isinstance(whole, dict) else ()


def json_without_variants(body: bytes) -> bytes:
    """Cut the names of the variants out of the JSON of multi-variant flags. All other bytes stay unchanged."""
    text = body.decode()
    pieces: list[str] = []
    at = 0
    for start, end in _variant_members(text):
        pieces.append(text[at:start])
        at = end
    return "".join([*pieces, text[at:]]).encode()


def named(flags: Sequence[str]) -> str:
    """Name the first few flags for a message. The names come from outside."""
    more = len(flags) - NAMED
    listed = ", ".join(map(shown, flags[:NAMED]))
    return f"{listed} and {more:,} more" if more > 0 else listed


def _is_flag(member: Document) -> bool:
    return isinstance(member, dict) and isinstance(member.get("enabled"), bool)


def _variant_members(text: str) -> Iterator[tuple[int, int]]:
    """Find each `_variant` of a flag, with its comma."""
    depth = 0
    start = 0  # of a member: after the brace or comma that precedes it
    key: str | None = None
    for found in _TOKEN.finditer(text):
        token = found[0]
        depth += token in {"{", "["}
        if depth == _IN_A_FLAG:
            if token in {",", "}"} and key == VARIANT:
                yield _member(text, start, found.start())
            if token in {",", "{"}:
                start, key = found.end(), None
            elif key is None:
                key = json.loads(token) if token.startswith('"') else ""
        depth -= token in {"}", "]"}


def _member(text: str, start: int, end: int) -> tuple[int, int]:
    """Return what to cut with a member that ends at a comma or a brace: its comma, after it or before the last."""
    if text[end] == ",":
        return start, end + 1
    return start - 1, start + len(text[start:end].rstrip(_BLANKS))
