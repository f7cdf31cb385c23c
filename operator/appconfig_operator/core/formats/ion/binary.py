"""The binary form of Amazon Ion, in which AppConfig sends multi-variant feature flags.

https://amazon-ion.github.io/ion-docs/docs/binary.html
Rules use symbols from tables that AWS does not publish. They are skipped. A flag can have such a symbol as its name;
the known part of the tables is in `shared`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.formats.document import MAX_DEPTH
from appconfig_operator.core.formats.ion.shared import shared_symbols
from appconfig_operator.core.formats.ion.values import SYMBOL_TABLE, IonError, IonOther, IonValue

if TYPE_CHECKING:
    from collections.abc import Iterator

_SYSTEM = (
    None, "$ion", "$ion_1_0", SYMBOL_TABLE, "name", "version", "imports", "symbols", "max_id",
    "$ion_shared_symbol_table",
)  # fmt: skip
_NAME, _VERSION, _IMPORTS, _SYMBOLS, _MAX_ID = 4, 5, 6, 7, 8
_INTEGER, _BOOLEAN, _SYMBOL, _STRING, _LIST, _STRUCT, _ANNOTATED = 0x2, 0x1, 0x7, 0x8, 0xB, 0xD, 0xE
_LONG, _NULL = 14, 15
_MARK = 0xE0

BINARY_MARK = b"\xe0\x01\x00\xea"
"""The first bytes of binary Ion 1.0."""

_MOST_DIGITS = 8


def read_binary(body: bytes) -> list[IonValue]:
    """Read the values at the top.

    Raises
    ------
    IonError
        If it is not Ion.
    """
    if not body.startswith(BINARY_MARK):
        raise IonError(0)  # almost any bytes are values of some kind
    return list(_Reader(body).top())


class _Reader:
    """Reads one stream. Symbols come from the last symbol table: first those it imports, by number, then its own."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._forget()

    def _forget(self) -> None:
        self._shared: dict[int, str] = {}
        self._symbols: list[str | None] = []
        self._first = len(_SYSTEM)

    def top(self) -> Iterator[IonValue]:
        at = 0
        while at < len(self._body):
            if self._body[at] == _MARK:
                if self._body[at : at + 4] != BINARY_MARK:
                    raise IonError(at)
                self._forget()
                at += 4
                continue
            kind, start, end = self._head(at, len(self._body))
            if kind == _ANNOTATED:
                annotations, inner = self._annotations(start, end)
                if annotations[:1] == (SYMBOL_TABLE,):
                    self._table(inner, end)
                else:
                    yield IonValue(annotations, self._content(inner, end, 1))
            elif kind != 0:
                yield IonValue((), self._content(at, end, 1))
            at = end

    def _content(self, at: int, limit: int, depth: int) -> str | list[IonValue] | IonOther:
        kind, start, end = self._head(at, limit)
        if depth > MAX_DEPTH:
            raise IonError(at)
        if kind == _STRING and not self._is_null(at):
            return self._text(start, end)
        if kind == _LIST:
            return [value for value in self._values(start, end, depth + 1)]  # noqa: C416 (reads as what it makes)
        return IonOther()

    def _values(self, at: int, limit: int, depth: int) -> Iterator[IonValue]:
        while at < limit:
            kind, start, end = self._head(at, limit)
            if kind == _ANNOTATED:
                annotations, inner = self._annotations(start, end)
                yield IonValue(annotations, self._content(inner, end, depth))
            else:
                yield IonValue((), self._content(at, end, depth))
            at = end

    def _head(self, at: int, limit: int) -> tuple[int, int, int]:
        """Return the type of the value at the current position, and where its content starts and ends."""
        if at >= limit:
            raise IonError(at)
        kind, length = self._body[at] >> 4, self._body[at] & 0xF
        start = at + 1
        if length == _NULL or kind == _BOOLEAN:
            length = 0
        elif length == _LONG or (kind == _STRUCT and length == 1):
            length, start = self._number(start, limit)
        if start + length > limit:
            raise IonError(at)
        return kind, start, start + length

    def _is_null(self, at: int) -> bool:
        return self._body[at] & 0xF == _NULL

    def _number(self, at: int, limit: int) -> tuple[int, int]:
        """Read a VarUInt, of at most 56 bits."""
        value = 0
        for place in range(at, min(limit, at + _MOST_DIGITS)):
            value = value << 7 | self._body[place] & 0x7F
            if self._body[place] & 0x80:
                return value, place + 1
        raise IonError(at)

    def _text(self, start: int, end: int) -> str:
        try:
            return self._body[start:end].decode()
        except UnicodeDecodeError as error:
            raise IonError(start + error.start) from None

    def _annotations(self, start: int, end: int) -> tuple[tuple[str | int, ...], int]:
        """Read the names in an annotation wrapper, and where the value in it starts."""
        length, at = self._number(start, end)
        inner = at + length
        if not length or inner >= end:
            raise IonError(start)
        names = []
        while at < inner:
            symbol, at = self._number(at, inner)
            names.append(self._name(symbol))
        if self._body[inner] >> 4 == _ANNOTATED:
            raise IonError(inner)
        return tuple(names), inner

    def _name(self, symbol: int) -> str | int:
        """Return the text of a symbol, or its number if the text is unknown."""
        name = self._shared.get(symbol)
        if symbol < len(_SYSTEM):
            name = _SYSTEM[symbol]
        elif self._first <= symbol < self._first + len(self._symbols):
            name = self._symbols[symbol - self._first]
        return symbol if name is None else name

    def _table(self, at: int, limit: int) -> None:
        """Read a local symbol table. Imported symbols are counted, and looked up if they are known."""
        kind, start, end = self._head(at, limit)
        if kind != _STRUCT:
            raise IonError(at)
        symbols: list[str | None] = []
        shared: dict[int, str] = {}
        first = len(_SYSTEM)
        before: list[str | None] = []
        for name, value, value_end in self._fields(start, end):
            inner, inner_start, inner_end = self._head(value, value_end)
            if name == _SYMBOLS and inner == _LIST:
                symbols = [
                    one.content if isinstance(one.content, str) else None
                    for one in self._values(inner_start, inner_end, 1)
                ]
            elif name == _IMPORTS and inner == _LIST:
                for table, version, most in self._imported(inner_start, inner_end):
                    shared |= {first + place: symbol for place, symbol in shared_symbols(table, version, most)}
                    first += most
            elif name == _IMPORTS and inner == _SYMBOL:  # continues the previous table
                first, before, shared = self._first, self._symbols, self._shared
        self._symbols, self._first, self._shared = before + symbols, first, shared

    def _fields(self, at: int, limit: int) -> Iterator[tuple[int, int, int]]:
        while at < limit:
            name, at = self._number(at, limit)
            end = self._head(at, limit)[2]
            yield name, at, end
            at = end

    def _imported(self, at: int, limit: int) -> Iterator[tuple[str, int, int]]:
        """Yield the name and version of each imported table, and its number of symbols."""
        while at < limit:
            kind, start, end = self._head(at, limit)
            if kind == _STRUCT:
                table, version, most = "", 1, 0
                for name, value, value_end in self._fields(start, end):
                    inner, inner_start, inner_end = self._head(value, value_end)
                    if name == _NAME and inner == _STRING:
                        table = self._text(inner_start, inner_end)
                    elif name == _VERSION and inner == _INTEGER:
                        version = self._integer(inner_start, inner_end)
                    elif name == _MAX_ID and inner == _INTEGER:
                        most = self._integer(inner_start, inner_end)
                yield table, version, most
            at = end

    def _integer(self, start: int, end: int) -> int:
        return int.from_bytes(self._body[start : min(end, start + _MOST_DIGITS)], "big")
