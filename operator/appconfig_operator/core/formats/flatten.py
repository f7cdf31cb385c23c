"""The leaves of a document, each under its own key: for the formats without nesting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.api.v1alpha1 import Format
from appconfig_operator.core.formats.document import Number, invalid, pointer, shown, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appconfig_operator.core.formats.document import Document, Path, Scalar
    from appconfig_operator.core.formats.names import Naming

MAX_VARIABLE_BYTES = 131_071
"""Bytes of `NAME=value` in UTF-8. With one more, plus the final NUL, Linux starts no process (`E2BIG`):
`MAX_ARG_STRLEN`, 32 pages of 4,096 bytes. Pages are larger on some machines, but never smaller."""


def entries(document: Document, naming: Naming) -> dict[str, str]:
    """Flatten a document to keys of a ConfigMap: `database.host`, `servers.0.name`.

    Raises
    ------
    ContentError
        `InvalidContent`, if two leaves get the same key, or a key is not allowed in a ConfigMap.
    """
    return _flatten(document, Format.ENTRIES, naming.entry)


def variables(document: Document, naming: Naming, wanted: Format = Format.ENV_VARS) -> dict[str, str]:
    """Flatten a document to environment variables: `DATABASE_HOST`, `SERVERS_0_NAME`.

    Raises
    ------
    ContentError
        `InvalidContent`, if the names of two leaves are the same or differ only in case, a name is invalid or belongs
        to the process itself, or no process can start with a value.
    """
    # .NET and Windows keep only one of two names that differ only in case. All letters of a name are ASCII.
    flat = _flatten(document, wanted, naming.variable, same=str.upper)
    for name, value in flat.items():
        if "\0" in value:
            raise invalid(
                f"The value of {shown(name)} contains a NUL character, which an environment variable cannot hold."
            )
        size = len(name) + 1 + len(value.encode())
        if size > MAX_VARIABLE_BYTES:
            raise invalid(
                f"The environment variable {shown(name)} has {size:,} bytes including its name, and with more than "
                f"{MAX_VARIABLE_BYTES:,} no process can start. Use a format that writes a file, such as JSON, or "
                "spec.select for a part of the document."
            )
    return flat


def properties(document: Document, naming: Naming) -> dict[str, str]:
    """Flatten a document to the names of properties, lists as Spring reads them: `servers[0].name`.

    Raises
    ------
    ContentError
        `InvalidContent`, if two leaves get the same name, or a name has more than 253 characters.
    """
    return _flatten(document, Format.PROPERTIES, naming.property)


def _flatten(
    document: Document, wanted: Format, name_of: Callable[[Path], str], *, same: Callable[[str], str] = str
) -> dict[str, str]:
    if not isinstance(document, dict | list):
        raise unsupported(
            f"The format {wanted} needs an object or a list, and the document is a single value, which has no key. "
            "Use the format Raw, JSON or YAML."
        )
    flat: dict[str, str] = {}
    origins: dict[str, tuple[Path, str]] = {}
    for path, value in _leaves(document, ()):
        key = name_of(path)
        other, name = origins.setdefault(same(key), (path, key))
        if other != path:
            raise invalid(_clash(other, name, path, key))
        flat[key] = scalar_text(value)
    return flat


def _clash(one: Path, name: str, other: Path, key: str) -> str:
    if name == key:
        return f"{pointer(one)} and {pointer(other)} both map to the key {shown(key)}."
    return (
        f"{pointer(one)} and {pointer(other)} would become the environment variables {shown(name)} and {shown(key)}, "
        "which differ only in case: .NET and Windows read only one of them. Rename one of the members."
    )


def scalar_text(value: Scalar) -> str:
    """Return a scalar as in JSON, but strings without quotes and null as the empty string."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Number():
            return value.text
    return value


def _leaves(document: Document, path: Path) -> Iterator[tuple[Path, Scalar]]:
    """Walk in a fixed order. An empty list is a leaf, like null. An empty object is not.

    Spring binds the empty string to a list, but not to an object before Spring Boot 4.1: an application would not
    start.
    """
    match document:
        case dict():
            for key in sorted(document):
                yield from _leaves(document[key], (*path, key))
        case list() if document:
            yield from _elements(document, path)
        case list():
            if path:
                yield path, None
        case _:
            yield path, document


def _elements(elements: list[Document], path: Path) -> Iterator[tuple[Path, Scalar]]:
    """Walk through a list. An element without leaves counts as null if others follow: Spring accepts no gaps."""
    gaps: list[Path] = []
    for index, value in enumerate(elements):
        place = (*path, index)
        leaves = _leaves(value, place)
        first = next(leaves, None)
        if first is None:
            gaps.append(place)
            continue
        for gap in gaps:
            yield gap, None
        gaps.clear()
        yield first
        yield from leaves
