"""From JSON (RFC 8259) to a document. What only some parsers accept is refused: duplicate keys, `NaN`, `Infinity`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from appconfig_operator.core.formats.document import (
    MAX_DEPTH,
    MAX_NODES,
    Number,
    check_text,
    decode,
    invalid,
    shown,
    too_deep,
    too_many_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from appconfig_operator.core.formats.document import Document

# Possessive, and a string without an end matches as well, so that the scan is linear for any bytes.
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(body: bytes) -> Document:
    """Parse a JSON document.

    Raises
    ------
    ContentError
        `InvalidContent`, with line and column if known, never with the text itself.
    """
    text = decode(body, what="JSON")
    _check_size(text, MAX_NODES)
    document = _loaded(text, _object, Number)
    if _SURROGATE_ESCAPE.search(text):
        check_text(document)
    return document


def scan_json(body: bytes, kept: Callable[[dict[str, Document]], Document]) -> Document:
    """Parse a JSON document of any number of values, and keep little of it.

    Numbers are dropped, and each object is replaced by what `kept` returns for its members, from the innermost to the
    outermost.

    Raises
    ------
    ContentError
        `InvalidContent`, as `parse_json`.
    """
    text = decode(body, what="JSON")
    _check_size(text, len(text))
    return _loaded(text, lambda pairs: kept(_object(pairs)), lambda _: None)


def _loaded(
    text: str, make: Callable[[list[tuple[str, Document]]], Document], number: Callable[[str], Document]
) -> Document:
    try:
        document: Document = json.loads(
            text, object_pairs_hook=make, parse_int=number, parse_float=number, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        # The message of the error may contain a character of the document.
        where = f"line {error.lineno}, column {error.colno}"
    else:
        return document
    raise invalid(f"The document is not JSON, at {where}.")


def _check_size(text: str, most: int) -> None:
    """Check the depth and the number of values before parsing: the parser recurses, and creates objects."""
    depth = 0
    nodes = 1
    for found in _TOKENS.finditer(text):
        match found[0]:
            case "[" | "{":
                depth += 1
                nodes += 1
                if depth > MAX_DEPTH:
                    start = found.start()
                    line = text.count("\n", 0, start) + 1
                    column = start - text.rfind("\n", 0, start)
                    raise too_deep(f"line {line}, column {column}")
            case "]" | "}":
                depth -= 1
            case ",":
                nodes += 1
    if nodes > most:
        raise too_many_values()


def _object(pairs: list[tuple[str, Document]]) -> dict[str, Document]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        # set.add returns None: the first key that is already in the set is the duplicate.
        duplicate = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise invalid(f"The key {shown(duplicate)} appears twice in one object of the JSON document.")
    return members


def _constant(name: str) -> NoReturn:
    raise invalid(f"The document contains {name}, which is not JSON.")
