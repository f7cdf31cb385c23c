"""The text form of Amazon Ion, as AWS documents multi-variant feature flags.

https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-agent-how-to-use-local-development-samples.html
Rules (s-expressions) and structs are passed over: only their brackets are looked at.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from appconfig_operator.core.document import MAX_DEPTH
from appconfig_operator.core.ion_values import SYMBOL_TABLE, IonError, IonOther, IonValue

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
    (?P<blank> [ \t\r\n\v\f]++ | //[^\r\n]*+ | /\*(?:[^*]|\*(?!/))*+\*/ )
    | '''(?P<long> (?:[^'\\]|\\.|'(?!''))*+ )'''
    | '(?P<symbol> (?:[^'\\\r\n]|\\.)*+ )'
    | "(?P<short> (?:[^"\\\r\n]|\\.)*+ )"
    | (?P<mark> :: | [\[\](){},:] )
    | (?P<word> /(?![/*]) | [^\s'"\[\](){},:/]++ )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(\r\n|.))", re.DOTALL)
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "v": "\v",
    "?": "?", "'": "'", '"': '"', "/": "/", "\\": "\\", "\n": "", "\r": "", "\r\n": "",
}  # fmt: skip
_SYMBOL_ID = re.compile(r"\$[0-9]+")
_LONGEST_ID = 18
_CLOSES = {"[": "]", "(": ")", "{": "}"}


class _Token(NamedTuple):
    kind: str
    text: str
    place: int


def read_text(body: bytes) -> list[IonValue]:
    """Read the values at the top.

    Raises
    ------
    IonError
        When it is not Ion.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise IonError(error.start) from None
    builder = _Builder()
    previous: _Token | None = None
    for token in _tokens(text):
        if previous is not None:
            builder.take(previous, named=token.kind == "mark" and token.text == "::")
        previous = token
    if previous is not None:
        builder.take(previous, named=False)
    return builder.values(len(text))


class _Builder:
    """Takes tokens, and keeps what they have made so far."""

    def __init__(self) -> None:
        self._top: list[IonValue] = []
        self._open: list[tuple[str, list[IonValue]]] = [("", self._top)]
        self._annotations: list[str | int] = []
        self._colons = False

    def take(self, token: _Token, *, named: bool) -> None:
        """Take the next token. `named` tells that `::` follows, so that a symbol is an annotation."""
        if named and token.kind in {"symbol", "word"}:
            self._annotations.append(_name(token))
            self._colons = True
        elif token.kind == "mark":
            self._mark(token)
        else:
            self._add(token.text if token.kind in {"long", "short"} else IonOther())

    def values(self, end: int) -> list[IonValue]:
        """Return the values at the top."""
        if len(self._open) > 1 or self._annotations:
            raise IonError(end)
        return [value for value in self._top if not _is_system(value)]

    def _add(self, content: str | list[IonValue] | IonOther) -> None:
        self._open[-1][1].append(IonValue(tuple(self._annotations), content))
        self._annotations = []

    def _mark(self, token: _Token) -> None:
        mark, bracket = token.text, self._open[-1][0]
        if mark == "::" and self._colons:
            self._colons = False
        elif mark in _CLOSES and len(self._open) < MAX_DEPTH:
            inside: list[IonValue] = []
            self._add(inside if mark == "[" else IonOther())
            self._open.append((mark, inside))
        elif self._annotations or not bracket or mark not in {",", ":", _CLOSES[bracket]}:
            raise IonError(token.place)
        elif mark == _CLOSES[bracket]:
            self._open.pop()


def _tokens(text: str) -> Iterator[_Token]:
    """Cut the text. Long strings that follow each other are one string."""
    pending: _Token | None = None
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise IonError(at)
        kind = found.lastgroup or ""
        token = _Token(kind, found[kind], at)
        at = found.end()
        if kind == "blank":
            continue
        if kind in {"long", "short", "symbol"}:
            token = token._replace(text=_unescape(token))
        if pending and kind == "long":
            pending = pending._replace(text=pending.text + token.text)
            continue
        if pending:
            yield pending
        pending = token if kind == "long" else None
        if not pending:
            yield token
    if pending:
        yield pending


def _unescape(token: _Token) -> str:
    def one(found: re.Match[str]) -> str:
        digits = found[1] or found[2] or found[3]
        if digits is None:
            if found[4] not in _ESCAPES:
                raise IonError(token.place)
            return _ESCAPES[found[4]]
        code = int(digits, 16)
        if code > sys.maxunicode:
            raise IonError(token.place)
        return chr(code)

    text = token.text
    if token.kind == "long":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _ESCAPE.sub(one, text)
    # An escape may have made a surrogate: of a pair, which is one character, or half of one, which is none.
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise IonError(token.place) from None


def _name(token: _Token) -> str | int:
    if token.kind != "word" or not _SYMBOL_ID.fullmatch(token.text):
        return token.text
    if len(token.text) > _LONGEST_ID:
        raise IonError(token.place)
    return int(token.text[1:])


def _is_system(value: IonValue) -> bool:
    """Tell whether a value at the top is a symbol table or a version mark, which say nothing themselves."""
    return value.annotations[:1] == (SYMBOL_TABLE,) or (not value.annotations and isinstance(value.content, IonOther))
