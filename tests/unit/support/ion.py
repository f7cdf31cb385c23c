"""Binary Ion in the shape in which AWS AppConfig sends rules of flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FIRST = 45
"""The first number of a document's own symbols, after the tables `ops` and `anns`."""


def number(value: int) -> bytes:
    """Write a VarUInt."""
    digits = [value & 0x7F | 0x80]
    while value := value >> 7:
        digits.insert(0, value & 0x7F)
    return bytes(digits)


def value(kind: int, content: bytes) -> bytes:
    """Write a value of a type."""
    if len(content) < 14:
        return bytes([kind << 4 | len(content)]) + content
    return bytes([kind << 4 | 14]) + number(len(content)) + content


def text(content: str) -> bytes:
    return value(8, content.encode())


def integer(content: int) -> bytes:
    return value(2, content.to_bytes(max(1, (content.bit_length() + 7) // 8), "big"))


def symbol(content: int) -> bytes:
    return value(7, bytes([content]))


def annotated(name: int, inner: bytes) -> bytes:
    names = number(name)
    return value(14, number(len(names)) + names + inner)


def expression(operator: int, *operands: bytes) -> bytes:
    return value(12, symbol(operator) + b"".join(operands))


def struct(fields: Sequence[tuple[int, bytes]]) -> bytes:
    content = b"".join(number(name) + inner for name, inner in fields)
    return bytes([13 << 4 | 14]) + number(len(content)) + content


def document(rules: Mapping[str, bytes]) -> bytes:
    """Write a document: a flag for each rule, with a variant for it and a default."""
    imports = [
        struct([(4, text(name)), (5, integer(1)), (8, integer(size))]) for name, size in (("ops", 23), ("anns", 12))
    ]
    table = struct([(6, value(11, b"".join(imports))), (7, value(11, b"".join(map(text, rules))))])
    flags = [
        annotated(FIRST + place, value(11, value(11, rule + text('{"enabled":true}')) + text('{"enabled":false}')))
        for place, rule in enumerate(rules.values())
    ]
    return b"\xe0\x01\x00\xea" + annotated(3, table) + b"".join(flags)
