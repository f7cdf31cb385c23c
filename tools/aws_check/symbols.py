"""The symbols from AWS's shared Ion tables in the rule of each flag.

AWS does not publish the tables, so their symbols appear as numbers:
https://amazon-ion.github.io/ion-docs/docs/binary.html and https://amazon-ion.github.io/ion-docs/docs/symbols.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK = b"\xe0\x01\x00\xea"
_SYSTEM = 10
"""The first number available for imported tables."""

_TABLE = 3  # $ion_symbol_table, and its fields
_NAME, _IMPORTS, _SYMBOLS, _MAX_ID = 4, 6, 7, 8
_BOOLEAN, _INTEGER, _SYMBOL, _STRING, _LIST, _SEXP, _STRUCT, _ANNOTATED = 1, 2, 7, 8, 11, 12, 13, 14
_LONG, _NULL = 14, 15
_DEEPEST = 32


class NotIonError(Exception):
    """The bytes are not binary Ion of the kind that AppConfig sends."""


@dataclass(frozen=True, slots=True)
class Import:
    """A shared table, and its range of numbers."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class FlagSymbols:
    """The shared symbols in the rules of a flag, in order.

    Attributes
    ----------
    flag
        Name of the flag, or its number if the name is itself a shared symbol.
    operators
        The first symbol of each expression, outer expressions first.
    annotations
        Numbers of annotations on operands.
    """

    flag: str
    operators: tuple[int, ...]
    annotations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Symbols:
    """The symbols of a document."""

    imports: tuple[Import, ...]
    flags: tuple[FlagSymbols, ...]


def symbols_of(body: bytes) -> Symbols:
    """Read the symbols of a document.

    Raises
    ------
    NotIonError
        If it is not binary Ion.
    """
    if not body.startswith(_MARK):
        raise NotIonError
    reader = _Reader(body)
    try:
        flags = tuple(reader.flags())
    except (IndexError, UnicodeDecodeError, RecursionError):
        raise NotIonError from None
    return Symbols(tuple(reader.imports), flags)


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._local: list[str] = []
        self._first = _SYSTEM
        self.imports: list[Import] = []

    def flags(self) -> Iterator[FlagSymbols]:
        at = len(_MARK)
        while at < len(self._body):
            kind, start, end = self._head(at)
            if kind != _ANNOTATED:
                at = end
                continue
            (name, *_), inner = self._annotations(start)
            if name == _TABLE:
                self._table(inner)
            else:
                operators: list[int] = []
                annotations: list[int] = []
                self._walk(inner, operators, annotations, 0)
                yield FlagSymbols(self._named(name), tuple(operators), tuple(annotations))
            at = end

    def _walk(self, at: int, operators: list[int], annotations: list[int], depth: int) -> None:
        if depth > _DEEPEST:
            raise NotIonError
        kind, start, end = self._head(at)
        if kind == _ANNOTATED:
            names, inner = self._annotations(start)
            annotations += [name for name in names if name < self._first]
            self._walk(inner, operators, annotations, depth + 1)
        elif kind in {_LIST, _SEXP}:
            for number, value in enumerate(self._values(start, end)):
                inner, digits, digits_end = self._head(value)
                if kind == _SEXP and number == 0 and inner == _SYMBOL:
                    operators.append(int.from_bytes(self._body[digits:digits_end], "big"))
                else:
                    self._walk(value, operators, annotations, depth + 1)

    def _named(self, symbol: int) -> str:
        place = symbol - self._first
        return self._local[place] if 0 <= place < len(self._local) else str(symbol)

    def _table(self, at: int) -> None:
        """Read a local symbol table: the shared tables that it imports, and its own names."""
        kind, at, end = self._head(at)
        if kind != _STRUCT:
            raise NotIonError
        local: list[str] = []
        imports: list[Import] = []
        first = _SYSTEM
        for field, kind, start, stop in self._fields(at, end):
            if field == _IMPORTS and kind == _LIST:
                for value in self._values(start, stop):
                    name, size = self._imported(value)
                    imports.append(Import(name, first, first + size - 1))
                    first += size
            elif field == _SYMBOLS and kind == _LIST:
                local = [self._text(value) for value in self._values(start, stop)]
        self._local, self._first, self.imports = local, first, imports

    def _imported(self, at: int) -> tuple[str, int]:
        _, start, end = self._head(at)
        name, size = "", 0
        for field, kind, inner, stop in self._fields(start, end):
            if field == _NAME and kind == _STRING:
                name = self._body[inner:stop].decode()
            elif field == _MAX_ID and kind == _INTEGER:
                size = int.from_bytes(self._body[inner:stop], "big")
        return name, size

    def _text(self, at: int) -> str:
        kind, start, end = self._head(at)
        return self._body[start:end].decode() if kind == _STRING else ""

    def _values(self, at: int, end: int) -> Iterator[int]:
        while at < end:
            yield at
            at = self._head(at)[2]

    def _fields(self, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        while at < end:
            field, at = self._number(at)
            kind, start, stop = self._head(at)
            yield field, kind, start, stop
            at = stop

    def _annotations(self, at: int) -> tuple[list[int], int]:
        length, at = self._number(at)
        inner, names = at + length, []
        while at < inner:
            name, at = self._number(at)
            names.append(name)
        if not names:
            raise NotIonError
        return names, inner

    def _head(self, at: int) -> tuple[int, int, int]:
        """Return the type of the value at the current position, and where its content starts and ends."""
        kind, length = self._body[at] >> 4, self._body[at] & 0xF
        start = at + 1
        if length == _NULL or kind == _BOOLEAN:
            length = 0
        elif length == _LONG or (kind == _STRUCT and length == 1):
            length, start = self._number(start)
        if start + length > len(self._body):
            raise NotIonError
        return kind, start, start + length

    def _number(self, at: int) -> tuple[int, int]:
        """Read a VarUInt."""
        value = 0
        for place in range(at, at + 8):
            value = value << 7 | self._body[place] & 0x7F
            if self._body[place] & 0x80:
                return value, place + 1
        raise NotIonError
