"""A document as YAML that every parser, of YAML 1.1 or 1.2, reads as the same values.

Strings are in double quotes, as in JSON, so that none turns into a number, a boolean or a date. Keys are unquoted if no
parser can mistake them for anything else, and come after a question mark if they are too long for `key: value`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appconfig_operator.core.formats import write_json
from appconfig_operator.core.formats.document import Number

if TYPE_CHECKING:
    from appconfig_operator.core.formats.document import Document, Scalar

_BARE_KEY = re.compile(r"[a-zA-Z_][-_a-zA-Z0-9]{0,127}")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_EXPONENT = re.compile(r"([-.0-9]+)[eE]([-+]?[0-9]+)")
# JSON leaves these unchanged; YAML does not count them as printable, or treats them as line breaks.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


MAX_SIMPLE_KEY = 1024
"""Characters of a key before the colon, including quotes. Most parsers, such as libyaml, refuse longer ones, and one of
them counts in UTF-16. https://yaml.org/spec/1.2.2/#742-flow-mappings
"""


def yaml_text(document: Document) -> str:
    """Write a document as YAML in block style, with sorted keys and a final line break."""
    lines: list[str] = []
    if isinstance(document, dict | list) and document:
        _block(document, "", lines)
    else:
        lines.append(_inline(document))
    return "\n".join(lines) + "\n"


def _block(document: Document, indent: str, lines: list[str]) -> None:
    if isinstance(document, dict):
        for key in sorted(document):
            _member(_head(key, indent, lines), document[key], indent + "  ", lines)
    elif isinstance(document, list):  # pragma: no branch (scalars are written inline)
        for value in document:
            _member(f"{indent}-", value, indent + "  ", lines)


def _head(key: str, indent: str, lines: list[str]) -> str:
    """Write a key, up to its colon."""
    text = _key(key)
    if len(text.encode("utf-16-le")) <= 2 * MAX_SIMPLE_KEY:
        return f"{indent}{text}:"
    lines.append(f"{indent}? {text}")
    return f"{indent}:"


def _member(head: str, value: Document, indent: str, lines: list[str]) -> None:
    if isinstance(value, dict | list) and value:
        lines.append(head)
        _block(value, indent, lines)
    else:
        lines.append(f"{head} {_inline(value)}")


def _inline(value: Document) -> str:
    match value:
        case dict():
            return "{}"
        case list():
            return "[]"
    return _scalar(value)


def _scalar(value: Scalar) -> str:
    if isinstance(value, Number) and (found := _EXPONENT.fullmatch(value.text)):
        # In YAML 1.1, it is text if it has no point, or no sign in the exponent.
        digits, exponent = found.groups()
        return f"{digits if '.' in digits else digits + '.0'}e{exponent if exponent[0] in '+-' else '+' + exponent}"
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", write_json.scalar(value))


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) and key.lower() not in _WORDS else _scalar(key)
