"""The leaves of a document, each under one key: for the formats that know no nesting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appconfig_operator.core.document import Number, invalid, pointer, shown, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from appconfig_operator.core.document import Document, Path, Scalar

MAX_KEY = 253
"""Characters of a key of a ConfigMap."""

_ENTRY_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_NOT_IN_VARIABLES = re.compile(r"[^A-Z0-9_]")
_LOWER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def entries(document: Document, separator: str) -> dict[str, str]:
    """Flatten a document to keys of a ConfigMap: `database.host`, `servers.0.name`.

    Raises
    ------
    ContentError
        `InvalidContent`, when two leaves fall on one key, or a key cannot be one of a ConfigMap.
    """
    return _flatten(document, "Entries", lambda path: _entry_key(path, separator))


def variables(document: Document, separator: str) -> dict[str, str]:
    """Flatten a document to environment variables: `DATABASE_HOST`, `SERVERS_0_NAME`.

    Only ASCII letters have an upper case here: what the variable is called must not hang on a version of Unicode.

    Raises
    ------
    ContentError
        `InvalidContent`, when two leaves fall on one name, a name starts with a digit, or a value holds NUL.
    """
    flat = _flatten(document, "EnvVars and Dotenv", lambda path: _variable(path, separator))
    for name, value in flat.items():
        if "\0" in value:
            raise invalid(f"The value of {shown(name)} holds a NUL character, which no environment variable can.")
    return flat


def properties(document: Document, separator: str) -> dict[str, str]:
    """Flatten a document to the names of properties, lists as Spring reads them: `servers[0].name`.

    Raises
    ------
    ContentError
        `InvalidContent`, when two leaves fall on one name, or a name has more than 253 characters.
    """
    return _flatten(document, "Properties", lambda path: _property(path, separator))


def _flatten(document: Document, name: str, key_of: Callable[[Path], str]) -> dict[str, str]:
    if not isinstance(document, dict | list):
        raise unsupported(
            f"The format {name} needs an object or a list, and the document is a single value, which has no key. "
            "Use the format Raw, JSON or YAML."
        )
    flat: dict[str, str] = {}
    origins: dict[str, Path] = {}
    for path, value in _leaves(document, ()):
        key = key_of(path)
        if key in origins:
            raise invalid(f"{pointer(origins[key])} and {pointer(path)} both fall on the key {shown(key)}.")
        origins[key] = path
        flat[key] = bare(value)
    return flat


def bare(value: Scalar) -> str:
    """Return a scalar as JSON writes it, strings without their quotes, null as the empty string."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Number():
            return value.text
    return value


def _leaves(document: Document, path: Path) -> Iterator[tuple[Path, Scalar]]:
    """Walk in a fixed order. An empty object or list is a leaf like null: Spring's YAML reader does the same."""
    match document:
        case dict() if document:
            for key in sorted(document):
                yield from _leaves(document[key], (*path, key))
        case list() if document:
            for index, value in enumerate(document):
                yield from _leaves(value, (*path, index))
        case dict() | list():
            if path:
                yield path, None
        case _:
            yield path, document


def _entry_key(path: Path, separator: str) -> str:
    key = separator.join(map(str, path))
    if len(key) > MAX_KEY or not _ENTRY_KEY.fullmatch(key) or key == "." or key.startswith(".."):
        raise invalid(
            f"{pointer(path)} cannot be a key of a ConfigMap: a key has 1 to {MAX_KEY} letters, digits, "
            '"-", "_" and ".", and does not start with "..".'
        )
    return key


def _variable(path: Path, separator: str) -> str:
    name = _NOT_IN_VARIABLES.sub("_", separator.join(map(str, path)).translate(_LOWER))
    if len(name) > MAX_KEY or not _VARIABLE.fullmatch(name):
        raise invalid(
            f"{pointer(path)} cannot be an environment variable: a name has 1 to {MAX_KEY} characters "
            "and does not start with a digit."
        )
    return name


def _property(path: Path, separator: str) -> str:
    name = "".join(
        f"[{part}]" if isinstance(part, int) else (separator if position else "") + part
        for position, part in enumerate(path)
    )
    if not 1 <= len(name) <= MAX_KEY:
        raise invalid(f"{pointer(path)} cannot be the name of a property: a name has 1 to {MAX_KEY} characters.")
    return name
