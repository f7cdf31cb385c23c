"""A figure and its goal."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """What was measured, and the goal."""

    figure: str
    """What the figure says, in words."""
    unit: str
    """Empty for a ratio."""
    reached: float
    goal: float
    """The maximum allowed value."""
    how: str = ""
    """How it was measured, in a sentence or two."""
    only: str = ""
    """The name for `make bench ONLY=`."""
    n: int = 0
    """The number of samples, or sources."""
    raw: dict[str, Any] = field(default_factory=dict)
    """What it was computed from."""

    @property
    def ok(self) -> bool:
        """Whether the goal was reached."""
        return self.reached <= self.goal


def to_json(figures: Iterable[Figure]) -> str:
    """Write figures."""
    found = []
    for figure in figures:
        values = asdict(figure)
        head = {name: values.pop(name) for name in ("figure", "unit", "reached", "goal")}
        found.append({**head, "ok": figure.ok, **values})
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> list[Figure]:
    """Read figures."""
    return [Figure(**{name: value for name, value in item.items() if name != "ok"}) for item in json.loads(text)]


def merged(before: Iterable[Figure], now: Iterable[Figure]) -> list[Figure]:
    """Replace figures by new ones with the same name, and keep the others."""
    fresh = {figure.figure: figure for figure in now}
    kept = [fresh.pop(figure.figure, figure) for figure in before]
    return [*kept, *fresh.values()]


def read(path: Path) -> list[Figure]:
    """Read a file of figures; none if there is no such file."""
    return from_json(path.read_text(encoding="utf-8")) if path.exists() else []
