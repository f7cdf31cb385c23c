"""The files that a run writes: results, the table in the documentation, and plots. Their content is pure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import goals, plot, report
from benchmarks.figures import Figure, merged, read, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ROOT = Path(__file__).parents[1]
RESULTS = _ROOT / "benchmarks" / "results" / "latest.json"
DOCUMENT = _ROOT / "docs" / "performance.md"
PLOTS = _ROOT / "docs" / "plots"

TITLES = {
    "first-sync.svg": "First sync",
    "polls.svg": "All unchanged polls in a minute",
    "memory.svg": "Resident memory",
    "level.svg": "What does not grow",
}
"""The titles of the plots."""

Curves = dict[str, dict[float, float]]


def curves(figures: Iterable[Figure]) -> Curves:
    """Extract the curves from the figures of growth."""
    found: Curves = {}
    for figure in figures:
        if "curve" in figure.raw:
            found[figure.figure.partition(":")[0]] = _numbered(figure.raw["curve"])
            found |= {name: _numbered(curve) for name, curve in figure.raw["level"].items()}
    return found


def _numbered(curve: Mapping[str, float]) -> dict[float, float]:
    return {float(size): value for size, value in curve.items()}


def plots(figures: Sequence[Figure]) -> dict[str, str]:
    """Draw the plots, by the names of their files; none if growth was not measured."""
    seen = curves(figures)
    if not seen:
        return {}
    sync, sync_cpu, minute, fresh, restarted = goals.GROWING
    sizes = sorted(seen[sync])
    allowed = plot.Curve("goal", {size: goals.BASE_MB + goals.SOURCE_MB * size for size in sizes}, guide=True)
    drawn = {
        "first-sync.svg": ("s", [_curve(seen, sync), _curve(seen, sync_cpu), _linear(seen[sync])]),
        "polls.svg": ("s", [_curve(seen, minute), _linear(seen[minute])]),
        "memory.svg": ("MB", [_curve(seen, fresh), _curve(seen, restarted), allowed]),
        "level.svg": ("ms", [_curve(seen, name) for name in goals.LEVEL if name in seen]),
    }
    return {name: plot.svg(TITLES[name], unit, curves) for name, (unit, curves) in drawn.items()}


def _curve(seen: Curves, name: str) -> plot.Curve:
    return plot.Curve(name, seen[name])


def _linear(points: Mapping[float, float]) -> plot.Curve:
    """Draw linear growth, through the value for the largest number of sources."""
    most = max(points)
    return plot.Curve("linear", {size: points[most] * size / most for size in points}, guide=True)


def generated(figures: Sequence[Figure]) -> str:
    """Write what goes between the markers of the document: the table, and the available plots."""
    images = [f"![{title}]({PLOTS.name}/{name})" for name, title in TITLES.items() if name in plots(figures)]
    return "\n\n".join([report.markdown(figures), *images])


def update(figures: Sequence[Figure], results: Path = RESULTS) -> None:
    """Add new figures to the results, and update the table and the plots from all results."""
    everything = merged(read(results), figures)
    results.parent.mkdir(exist_ok=True)
    results.write_text(to_json(everything), encoding="utf-8")
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(report.put(document, generated(everything)), encoding="utf-8")
    PLOTS.mkdir(exist_ok=True)
    for name, text in plots(everything).items():
        (PLOTS / name).write_text(text, encoding="utf-8")
