"""Multi-variant feature flags as the binary Amazon Ion in which AWS AppConfig sends them.

The form is that of two recorded answers, which `tests/data/appconfig/exchanges.json` names. Symbols of rules are in two
shared tables that AWS does not publish; this has only the IDs that the recordings prove. The others are unknown.
https://amazon-ion.github.io/ion-docs/docs/binary.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.aws.data_plane.expressions import Labelled, Node, Operation, Symbol, parse
from sandbox.aws.data_plane.flags import Variant, served_json, variants_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.aws.data_plane.flags import Flag

CONTENT_TYPE = "application/ion; type=AWS.AppConfig.FeatureFlags"
"""As AWS answers it; in a request, there is no space."""

PROVEN = {
    "and": 10,
    "not": 12,
    "eq": 13,
    "in": 22,
    "split": 23,
    "exists": 24,
    "by": 38,
    "pct": 39,
    "seed": 40,
    "key": 43,
}
"""The IDs in the shared tables `ops` (10 to 32) and `anns` (33 to 44) that a recording proves."""

UNPROVEN = frozenset({"or", "gt", "gte", "lt", "lte", "begins_with", "ends_with", "contains", "matches"})
"""Words of the grammar that must be in the tables too, at unknown positions."""

_TABLES = (("ops", 1, 23), ("anns", 1, 12))
_FIRST = 45
_MARK = b"\xe0\x01\x00\xea"
_SYMBOL_TABLE, _NAME, _VERSION, _IMPORTS, _SYMBOLS, _MAX_ID = 3, 4, 5, 6, 7, 8
_POSITIVE, _NEGATIVE, _SYMBOL, _STRING, _LIST, _EXPRESSION, _STRUCT, _ANNOTATED = 2, 3, 7, 8, 11, 12, 13, 14
_LONG = 14


class UnknownSymbolError(ValueError):
    """A rule or a name needs the unknown ID of a symbol."""


def encode(flags: Mapping[str, Flag]) -> bytes:
    """Write flags.

    Parameters
    ----------
    flags
        The flags by name, as AppConfig stores them.

    Returns
    -------
    bytes
        One value for each, by name: ``flag::[variant::[rule, "{json}"], …, "{default json}"]``, and ``flag::"{json}"``
        for one without variants.

    Raises
    ------
    ValueError
        If a rule cannot be written.
    """
    writer = _Writer()
    values = b"".join(writer.flag(name, flag) for name, flag in sorted(flags.items()))
    imports = b"".join(
        _value(_STRUCT, _field(_NAME, _text(name)) + _field(_VERSION, _int(version)) + _field(_MAX_ID, _int(most)))
        for name, version, most in _TABLES
    )
    symbols = b"".join(map(_text, writer.symbols))
    table = _field(_IMPORTS, _value(_LIST, imports)) + _field(_SYMBOLS, _value(_LIST, symbols))
    return _MARK + _annotated([_SYMBOL_TABLE], _value(_STRUCT, table)) + values


class _Writer:
    """Writes values, and counts symbols in the order in which they appear."""

    def __init__(self) -> None:
        self.symbols: dict[str, int] = {}

    def flag(self, name: str, flag: Flag) -> bytes:
        symbol = self._symbol(name)
        variants = variants_of(flag)
        if variants is None:
            return _annotated([symbol], _text(served_json(flag)))
        return _annotated([symbol], _value(_LIST, b"".join(map(self._variant, variants))))

    def _variant(self, variant: Variant) -> bytes:
        if not variant.rule:
            return _text(variant.json)
        symbol = self._symbol(variant.name)
        return _annotated([symbol], _value(_LIST, self._node(parse(variant.rule)) + _text(variant.json)))

    def _node(self, node: Node) -> bytes:
        match node:
            case Labelled(label, inner):
                if label not in PROVEN:
                    raise UnknownSymbolError(f"the ID of {label}:: in AWS's Ion is unknown")
                return _annotated([PROVEN[label]], self._node(inner))
            case Operation(parts):
                return _value(_EXPRESSION, b"".join(map(self._node, parts)))
            case Symbol(text):
                return _value(_SYMBOL, _uint(self._symbol(text)))
            case int():
                return _int(node)
            case str():
                return _text(node)
        return _value(_LIST, b"".join(map(self._node, node)))

    def _symbol(self, text: str) -> int:
        if text in UNPROVEN:
            raise UnknownSymbolError(f"the ID of {text} in AWS's Ion is unknown")
        # A name in a shared table has its ID from there, as the Ion libraries write it. Not recorded.
        return PROVEN.get(text) or self.symbols.setdefault(text, _FIRST + len(self.symbols))


def _value(kind: int, content: bytes) -> bytes:
    if len(content) < _LONG:
        # A struct of length 1 would mean something else; none of ours is that short.
        return bytes([kind << 4 | len(content)]) + content
    return bytes([kind << 4 | _LONG]) + _var_uint(len(content)) + content


def _annotated(symbols: list[int], value: bytes) -> bytes:
    names = b"".join(map(_var_uint, symbols))
    return _value(_ANNOTATED, _var_uint(len(names)) + names + value)


def _field(name: int, value: bytes) -> bytes:
    return _var_uint(name) + value


def _text(text: str) -> bytes:
    return _value(_STRING, text.encode())


def _int(number: int) -> bytes:
    return _value(_POSITIVE if number >= 0 else _NEGATIVE, _uint(abs(number)))


def _uint(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _var_uint(number: int) -> bytes:
    digits = [number & 0x7F | 0x80]
    while number := number >> 7:
        digits.insert(0, number & 0x7F)
    return bytes(digits)
