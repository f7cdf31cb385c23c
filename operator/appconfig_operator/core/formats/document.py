"""The document of a configuration: the content of its bytes, independent of their language.

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
"""Levels of nested objects and lists. More could exceed Python's own limit, which depends on its version."""

MAX_NODES = 250_000
"""Values in a document, counting each use of a YAML alias. More would take minutes and hundreds of megabytes."""

MAX_EXPANDED = 16 * 1024 * 1024
"""Characters in a document, counting each use of a YAML alias: a multiple of what AppConfig delivers (4,000 KB)."""

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
    """Make the error for a document that cannot be read, or cannot be written as requested."""
    return ContentError(Reason.INVALID_CONTENT, message)


def unsupported(message: str) -> ContentError:
    """Make the error for content that cannot be converted to the requested format."""
    return ContentError(Reason.UNSUPPORTED_CONTENT, message)


def too_many_values() -> ContentError:
    """Make the error for a document with too many values."""
    return invalid(f"The document has more than {MAX_NODES:,} values. Split it into several configuration profiles.")


def too_deep(place: str) -> ContentError:
    """Make the error for a document that is nested too deeply at that place."""
    return invalid(f"The document is nested more than {MAX_DEPTH} levels deep, at {place}.")


def decode(body: bytes, *, what: str) -> str:
    """Decode a document. JSON and YAML must be UTF-8; a byte order mark at the start is dropped.

    Raises
    ------
    ContentError
        `InvalidContent`, if it is not UTF-8.
    """
    try:
        return body.decode().removeprefix(_BOM)
    except UnicodeDecodeError as error:
        offset = error.start
    raise invalid(f"The {what} document is not UTF-8, at byte {offset + 1:,}.")


def check_text(document: Document) -> None:
    r"""Refuse text that is not valid Unicode: half of a surrogate pair, from an escape such as `\ud800`.

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
    """Return the JSON Pointer (RFC 6901) of a path for a message, in quotes."""
    return shown("".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path))


def shown(text: str) -> str:
    """Return a pointer or a key for a message: short, on one line, in quotes with inner quotes escaped."""
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
