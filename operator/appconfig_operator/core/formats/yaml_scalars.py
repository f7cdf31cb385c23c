"""What a YAML scalar means.

YAML 1.1 and 1.2 disagree on many plain scalars, and so do the libraries: `no`, `010`, `0o17`, `1_000`, `1:30`,
`2026-01-01`. A scalar that both versions read as the same null, boolean or number is read as that; everything else is
text, exactly as written.
https://yaml.org/type/ (1.1) and https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appconfig_operator.core.formats.document import Number

if TYPE_CHECKING:
    from appconfig_operator.core.formats.document import Scalar

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_DECIMAL = re.compile(r"([-+]?)(?=\.?[0-9])(0|[1-9][0-9]*)?(?:\.([0-9]*))?([eE][-+]?[0-9]+)?")
_HEXADECIMAL = re.compile(r"([-+]?)0x([0-9a-fA-F]{1,1000})")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

TAG = "tag:yaml.org,2002:"


def resolve(text: str) -> Scalar:
    """Return what a plain scalar means.

    Raises
    ------
    ValueError
        If it is infinite or not a number, which JSON cannot represent.
    """
    if text in _WORDS:
        return _WORDS[text]
    if found := _DECIMAL.fullmatch(text):
        sign, whole, fraction, exponent = found.groups()
        # JSON has no plus sign, and requires digits on both sides of the point.
        point = "" if fraction is None else f".{fraction or '0'}"
        return Number(f"{sign.replace('+', '')}{whole or '0'}{point}{exponent or ''}")
    if found := _HEXADECIMAL.fullmatch(text):
        return Number(f"{found[1].replace('+', '')}{int(found[2], 16)}")
    if _NOT_FINITE.fullmatch(text):
        raise ValueError
    return text


def resolve_tagged(tag: str, text: str) -> Scalar:
    """Return what a scalar with a tag means. `!` alone means text.

    Raises
    ------
    ValueError
        If the tag is not one of YAML's own scalar tags, or the text does not match it.
    """
    if tag in {"!", TAG + "str"}:
        return text
    value = resolve(text)
    fits = {
        TAG + "null": value is None,
        TAG + "bool": isinstance(value, bool),
        TAG + "int": isinstance(value, Number) and not set(".eE") & set(value.text),
        TAG + "float": isinstance(value, Number),
    }
    if not fits.get(tag, False):
        raise ValueError
    return value
