"""Binary Ion in the shape in which AWS AppConfig sends flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.formats.ion.binary import BINARY_MARK

if TYPE_CHECKING:
    from collections.abc import Mapping

ION = "application/ion;type=AWS.AppConfig.FeatureFlags"
FIRST = 10 + 23 + 12
"""The first number of a document's own symbols: after those of Ion, and those of the tables `ops` and `anns`."""


def binary(symbols: list[str], values: bytes) -> bytes:
    """Make binary Ion with a table that imports 23 and 12 symbols of tables that AWS keeps to itself, as AWS does."""
    imports = b"".join(
        struct(field(4, string(name)) + field(5, b"\x21\x01") + field(8, bytes([0x21, most])))
        for name, most in (("ops", 23), ("anns", 12))
    )
    table = struct(field(6, sequence(imports)) + field(7, sequence(b"".join(map(string, symbols)))))
    return BINARY_MARK + annotated(3, table) + values


def head(kind: int, body: bytes) -> bytes:
    return bytes([kind << 4 | min(len(body), 14)]) + (varuint(len(body)) if len(body) >= 14 else b"") + body


def varuint(number: int) -> bytes:
    groups = [number & 0x7F | 0x80]
    while number := number >> 7:
        groups.insert(0, number & 0x7F)
    return bytes(groups)


def string(text: str) -> bytes:
    return head(8, text.encode())


def sequence(body: bytes) -> bytes:
    return head(11, body)


def struct(body: bytes) -> bytes:
    return bytes([0xDE]) + varuint(len(body)) + body


def field(symbol: int, value: bytes) -> bytes:
    return varuint(symbol) + value


def annotated(symbol: int, value: bytes) -> bytes:
    names = varuint(symbol)
    return head(14, varuint(len(names)) + names + value)


def integer(number: int) -> bytes:
    return head(2, number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big"))


def symbol(number: int) -> bytes:
    return head(7, bytes([number]))


def expression(operator: int, *operands: bytes) -> bytes:
    return head(12, symbol(operator) + b"".join(operands))


def document(rules: Mapping[str, bytes]) -> bytes:
    """Write a document: a flag for each rule, with a variant for it and a default."""
    flags = [
        annotated(FIRST + place, sequence(sequence(rule + string('{"enabled":true}')) + string('{"enabled":false}')))
        for place, rule in enumerate(rules.values())
    ]
    return binary(list(rules), b"".join(flags))
