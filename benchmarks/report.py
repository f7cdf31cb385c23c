"""Figures as a table, for the terminal and the documentation. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.figures import Figure

BEGIN = "<!-- made by make bench: begin -->"
END = "<!-- made by make bench: end -->"

_HEAD = "| figure | reached | goal | | `ONLY=` |\n|---|---|---|---|---|"


def value(number: float, unit: str) -> str:
    """Write a number with its unit."""
    text = f"{number:,.0f}" if number == int(number) else f"{number:,.4g}"
    return f"{text} {unit}".rstrip()


def markdown(figures: Iterable[Figure]) -> str:
    """Write the table for the documentation."""
    rows = [
        f"| {figure.figure} | {value(figure.reached, figure.unit)} | {_goal(figure)} | {_verdict(figure)} "
        f"| `{figure.only}` |"
        for figure in figures
    ]
    return "\n".join([_HEAD, *rows])


def plain(figures: Iterable[Figure]) -> str:
    """Write the table for a terminal."""
    rows = [(figure.figure, value(figure.reached, figure.unit), _goal(figure), _verdict(figure)) for figure in figures]
    rows.insert(0, ("figure", "reached", "goal", ""))
    wide = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{name:<{wide[0]}}  {reached:>{wide[1]}}  {goal:>{wide[2]}}  {verdict}".rstrip()
        for name, reached, goal, verdict in rows
    )


def put(document: str, table: str) -> str:
    """Put a table between the markers of a document.

    Raises
    ------
    ValueError
        If the markers are missing.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the document has no markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _goal(figure: Figure) -> str:
    return value(figure.goal, figure.unit) if figure.goal == 0 else f"≤ {value(figure.goal, figure.unit)}"


def _verdict(figure: Figure) -> str:
    return "ok" if figure.ok else "MISSED"
