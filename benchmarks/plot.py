"""Curves over the number of sources as SVG, both axes logarithmic. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_WIDTH = 640
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 600, 40, 340
_LEGEND, _LINE = 395, 18
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Colors that color-blind readers can distinguish, too (Okabe and Ito)."""
_STYLE = "text{font:13px sans-serif;fill:#222}.grid{stroke:#ddd}.guide{stroke:#888;stroke-dasharray:6 4}"


@dataclass(frozen=True)
class Curve:
    """A named line through points."""

    name: str
    points: Mapping[float, float]
    guide: bool = False
    """Whether it is a reference line, and not a measurement."""


@dataclass(frozen=True)
class _Axis:
    """A logarithmic axis with a tick at 1, 2 and 5 of each decade."""

    ticks: Sequence[float]
    start: float
    end: float

    @classmethod
    def over(cls, values: Collection[float], start: float, end: float) -> _Axis:
        low, high = min(values), max(values)
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [float(f"{step}e{decade}") for decade in decades for step in (1, 2, 5)]
        first = max(number for number, tick in enumerate(ticks) if tick <= low)
        last = min(number for number, tick in enumerate(ticks) if tick >= high)
        return cls(ticks[first : max(last, first + 1) + 1], start, end)

    def place(self, value: float) -> float:
        share = math.log(value / self.ticks[0]) / math.log(self.ticks[-1] / self.ticks[0])
        return round(self.start + share * (self.end - self.start), 1)


def svg(title: str, unit: str, curves: Sequence[Curve]) -> str:
    """Draw curves; a value of 0 or less is left out.

    Parameters
    ----------
    title
        The title above the plot.
    unit
        The unit of the values, for the axis.
    curves
        At least one, with at least one point.
    """
    shown = [Curve(curve.name, _positive(curve.points), curve.guide) for curve in curves]
    across = _Axis.over([size for curve in shown for size in curve.points], _LEFT, _RIGHT)
    up = _Axis.over([value for curve in shown for value in curve.points.values()], _BOTTOM, _TOP)
    height = _LEGEND + _LINE * len(shown)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="24">{escape(title)}</text>',
        *_grid(across, up, unit),
        *(line for number, curve in enumerate(shown) for line in _drawn(number, curve, across, up)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _positive(points: Mapping[float, float]) -> dict[float, float]:
    return {size: value for size, value in sorted(points.items()) if value > 0}


def _grid(across: _Axis, up: _Axis, unit: str) -> list[str]:
    lines = []
    for size in across.ticks:
        x = across.place(size)
        lines.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{_BOTTOM}"/>')
        lines.append(f'<text x="{x}" y="{_BOTTOM + 18}" text-anchor="middle">{size:,.0f}</text>')
    for value in up.ticks:
        y = up.place(value)
        lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y}" y2="{y}"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{value:g} {escape(unit)}</text>')
    lines.append(f'<text x="{(_LEFT + _RIGHT) / 2}" y="{_BOTTOM + 36}" text-anchor="middle">sources</text>')
    return lines


def _drawn(number: int, curve: Curve, across: _Axis, up: _Axis) -> list[str]:
    colour = "#888" if curve.guide else _COLOURS[number % len(_COLOURS)]
    places = [(across.place(size), up.place(value)) for size, value in curve.points.items()]
    path = " ".join(f"{x},{y}" for x, y in places)
    look = 'class="guide"' if curve.guide else f'stroke="{colour}" stroke-width="2"'
    y = _LEGEND + _LINE * number
    lines = [
        f'<polyline fill="none" {look} points="{path}"/>',
        f'<line {look} x1="{_LEFT + 12}" x2="{_LEFT + 36}" y1="{y - 4}" y2="{y - 4}"/>',
        f'<text x="{_LEFT + 42}" y="{y}">{escape(curve.name)}</text>',
    ]
    if not curve.guide:
        lines += [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in places]
    return lines
