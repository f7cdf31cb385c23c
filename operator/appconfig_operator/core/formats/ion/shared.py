"""The known part of the shared symbol tables of AWS AppConfig.

Binary Ion refers to symbols by number. AppConfig imports two tables that AWS does not publish: `ops`, the operators of
rules, and `anns`, the annotations of their arguments. The symbols here come from AWS's answers to its own agent, with
known rules. The names of all others are unknown, and are not guessed: with a wrong guess, a flag would be mistaken for
another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROVEN = {
    ("ops", 1): {1: "and", 3: "not", 4: "eq", 13: "in", 14: "split", 15: "exists"},
    ("anns", 1): {6: "by", 7: "pct", 8: "seed", 11: "key"},
}
"""By the name and version of the table, and the position in it, counted from 1."""


def shared_symbols(table: str, version: int, most: int) -> Iterator[tuple[int, str]]:
    """Yield the known symbols of a table.

    Parameters
    ----------
    table, version
        The table.
    most
        The number of its symbols that are imported.

    Yields
    ------
    tuple of int and str
        The position, counted from 0, and the symbol.
    """
    for place, symbol in _PROVEN.get((table, version), {}).items():
        if place <= most:
            yield place - 1, symbol
