"""A document as JSON: keys sorted, two spaces per level, so that a person and a diff can read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from appconfig_operator.core.formats.document import Number

if TYPE_CHECKING:
    from appconfig_operator.core.formats.document import Document, Scalar


def json_text(document: Document) -> str:
    """Write a document as JSON, with a final line break. Numbers keep their digits."""
    lines: list[str] = []
    _write(document, "", "", "", lines)
    return "\n".join(lines) + "\n"


def scalar(value: Scalar) -> str:
    """Write a scalar as JSON."""
    return value.text if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def _write(document: Document, indent: str, before: str, after: str, lines: list[str]) -> None:
    match document:
        case dict() if document:
            lines.append(f"{indent}{before}{{")
            last = len(document) - 1
            for number, key in enumerate(sorted(document)):
                _write(document[key], indent + "  ", scalar(key) + ": ", "," if number < last else "", lines)
            lines.append(f"{indent}}}{after}")
        case list() if document:
            lines.append(f"{indent}{before}[")
            last = len(document) - 1
            for number, value in enumerate(document):
                _write(value, indent + "  ", "", "," if number < last else "", lines)
            lines.append(f"{indent}]{after}")
        case dict():
            lines.append(f"{indent}{before}{{}}{after}")
        case list():
            lines.append(f"{indent}{before}[]{after}")
        case _:
            lines.append(f"{indent}{before}{scalar(document)}{after}")
