"""What the data plane delivers: the ordinary configuration, and large ones. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT_BYTES = 1024
REFUSED_BYTES = 900_000
LARGE_BYTES = 600_000


class Kind(StrEnum):
    """A kind of configuration."""

    ORDINARY = "ordinary"
    """JSON of `CONTENT_BYTES`."""
    REFUSED = "refused"
    """JSON of `REFUSED_BYTES` with a duplicate key that is found only at the end."""
    LARGE = "large"
    """Valid YAML of `LARGE_BYTES` with many values."""


@dataclass(frozen=True)
class Document:
    """The configuration of a version of a profile, and its content type."""

    body: Callable[[str, int], bytes]
    content_type: str


def ordinary(profile: str, version: int) -> bytes:
    """Return JSON of `CONTENT_BYTES`."""
    document = {"profile": profile, "version": version, "currency": "EUR", "filling": ""}
    document["filling"] = "x" * (CONTENT_BYTES - len(json.dumps(document)))
    return json.dumps(document).encode()


def refused(profile: str, version: int) -> bytes:
    """Return JSON that is refused at its end: a name and a number per line."""
    line = '"limit-%08d": %d'
    head, end = f'{{"profile": "{profile}", "version": {version}, "limits": {{\n', '},\n"twice": 1, "twice": 2}\n'
    count = (REFUSED_BYTES - len(head) - len(end)) // len(line % (0, 1_000_000) + ",\n")
    return (head + ",\n".join(line % (number, 1_000_000 + number) for number in range(count)) + end).encode()


def large(profile: str, version: int) -> bytes:
    """Return YAML with a short value per line."""
    lines = [f"profile: {profile}", f"version: {version}"]
    line = "key-%06d: {limit: %d, on: true}"
    count = LARGE_BYTES // len(line % (0, 1000) + "\n")
    return "\n".join([*lines, *(line % (number, 1000 + number % 1000) for number in range(count)), ""]).encode()


DOCUMENTS = {
    Kind.ORDINARY: Document(ordinary, "application/json"),
    Kind.REFUSED: Document(refused, "application/json"),
    Kind.LARGE: Document(large, "application/x-yaml"),
}
