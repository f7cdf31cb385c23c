"""Shared symbol tables of AWS AppConfig, as far as anybody knows them.

Binary Ion names symbols by numbers. AppConfig imports two tables that it does not publish: `ops`, of what rules call,
and `anns`, of what annotates their arguments. The symbols here were read out of answers of AWS to its own agent, whose
rules are known. Of all others nobody knows the name, and none is guessed: by a wrong one, a flag would be read as
another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROVEN = {
    ("ops", 1): {1: "and", 3: "not", 4: "eq", 13: "in", 14: "split", 15: "exists"},
    ("anns", 1): {6: "by", 7: "pct", 8: "seed", 11: "key"},
}
"""By name and version of the table, and by the place in it, which counts from 1."""


def shared_symbols(table: str, version: int, most: int) -> Iterator[tuple[int, str]]:
    """Give the symbols of a table that are known.

    Parameters
    ----------
    table, version
        The table.
    most
        How many symbols of it are imported.

    Yields
    ------
    tuple of int and str
        The place, from 0 on, and the symbol.
    """
    for place, symbol in _PROVEN.get((table, version), {}).items():
        if place <= most:
            yield place - 1, symbol
