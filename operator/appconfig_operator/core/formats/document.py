"""The document of a configuration: what its bytes say, whatever language they say it in.

Numbers keep the digits they were written with. Nothing is rounded, and no number is too large.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from appconfig_operator.core.errors import ContentError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_DEPTH = 100
"""Objects and lists inside each other. Deeper ones would run into Python's own limit, which moves with its version."""

MAX_NODES = 250_000
"""Values of a document, each use of a YAML alias counted. More would take minutes and hundreds of megabytes."""

MAX_EXPANDED = 16 * 1024 * 1024
"""Characters of a document, each use of a YAML alias counted: a multiple of what AppConfig delivers (4,000 KB)."""

SHOWN_POINTER = 200
"""Characters of a pointer that a message shows."""

_BOM = "\ufeff"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as JSON writes it.

    Attributes
    ----------
    text
        Its digits, as they were written.
    """

    text: str = field(repr=False)  # a configuration value


Scalar: TypeAlias = str | bool | Number | None
Document: TypeAlias = "dict[str, Document] | list[Document] | Scalar"
Path: TypeAlias = tuple[str | int, ...]


def invalid(message: str) -> ContentError:
    """Make the error for a document that cannot be read, or written as asked."""
    return ContentError(Reason.INVALID_CONTENT, message)


def unsupported(message: str) -> ContentError:
    """Make the error for content that the wanted format cannot be made of."""
    return ContentError(Reason.UNSUPPORTED_CONTENT, message)


def too_many_values() -> ContentError:
    """Make the error for a document with too many values."""
    return invalid(f"The document has more than {MAX_NODES:,} values. Split it into several configuration profiles.")


def too_deep(place: str) -> ContentError:
    """Make the error for a document that is nested too deep, at that place."""
    return invalid(f"The document is nested more than {MAX_DEPTH} levels deep, at {place}.")


def decode(body: bytes, *, what: str) -> str:
    """Decode a document. JSON and YAML are UTF-8 here; a byte order mark at the start is left out.

    Raises
    ------
    ContentError
        `InvalidContent`, when it is not UTF-8.
    """
    try:
        return body.decode().removeprefix(_BOM)
    except UnicodeDecodeError as error:
        offset = error.start
    raise invalid(f"The {what} document is not UTF-8, at byte {offset + 1:,}.")


def check_text(document: Document) -> None:
    r"""Refuse text that is not Unicode: half of a surrogate pair, as the escape `\ud800` makes it.

    Raises
    ------
    ContentError
        `InvalidContent`, with the pointer of the first such text.
    """
    for path, text in _texts(document, ()):
        if _SURROGATE.search(text):
            raise invalid(
                f"The text at {pointer(path)} is not Unicode: it contains half of a surrogate pair, "
                "which a ConfigMap cannot hold."
            )


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON Pointer (RFC 6901) of a path, in quotes, as messages show it."""
    return shown("".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path))


def shown(text: str) -> str:
    """Return a pointer or a key as messages show it: short, on one line, in quotes with those inside escaped."""
    cut = text if len(text) <= SHOWN_POINTER else text[:SHOWN_POINTER] + "…"
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in cut)
    return json.dumps(line, ensure_ascii=False)


def _texts(document: Document, path: Path) -> Iterator[tuple[Path, str]]:
    match document:
        case str():
            yield path, document
        case dict():
            for key, value in document.items():
                yield path, key
                yield from _texts(value, (*path, key))
        case list():
            for index, value in enumerate(document):
                yield from _texts(value, (*path, index))
