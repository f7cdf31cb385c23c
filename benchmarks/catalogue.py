"""The benchmarks: what each needs to run, and the figures that it yields. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import bounds, goals
from benchmarks.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.figures import Figure
    from benchmarks.goals import Observations

SIZES = (100, 1000, 10_000)

WINDOW_SECONDS = {100: 63.0, 1000: 63.0, 10_000: 300.0}
"""How long unchanged polls are observed: a round of all sources, or five minutes to measure lateness."""


@dataclass(frozen=True)
class Benchmark:
    """A name for `make bench ONLY=`."""

    figures: Callable[[Observations], list[Figure]]
    """Computes the figures."""
    steps: Mapping[int, frozenset[Step]] = field(default_factory=dict)
    """The steps to run, by the number of sources."""
    first_sync: bool = False
    """Whether to compare the first sync with the bare loop."""
    take_over: bool = False
    """Whether to run and kill replicas."""
    neighbours: bool = False
    """Whether to run storms."""
    held: bool = False
    """Whether there is a scenario of this name in `scenarios/held.py`."""


def _at(*sizes: int, steps: Iterable[Step]) -> dict[int, frozenset[Step]]:
    return {size: frozenset(steps) for size in sizes}


CATALOGUE = {
    "first-sync": Benchmark(goals.first_sync, first_sync=True),
    "unchanged-poll": Benchmark(goals.unchanged_poll, _at(1000, steps=[Step.WINDOW, Step.REPLAY])),
    "requests": Benchmark(goals.requests, _at(1000, steps=[Step.WINDOW, Step.RESTART])),
    "rolling-update": Benchmark(goals.rolling_update, _at(1000, steps=[Step.RESTART])),
    "memory": Benchmark(
        goals.memory,
        _at(100, steps=[Step.IDLE]) | _at(1000, 10_000, steps=[Step.WINDOW, Step.RESTART]),
    ),
    "lateness": Benchmark(goals.lateness, _at(10_000, steps=[Step.WINDOW])),
    "deployment": Benchmark(goals.deployment, _at(1000, steps=[Step.DEPLOY])),
    "take-over": Benchmark(goals.take_over, take_over=True),
    "neighbours": Benchmark(goals.neighbours, neighbours=True),
    "refused-content": Benchmark(bounds.refused, held=True),
    "hostile-configmaps": Benchmark(bounds.hostile, held=True),
    "large-documents": Benchmark(bounds.large, held=True),
    "identities": Benchmark(bounds.identities, held=True),
    "growth": Benchmark(
        goals.growth,
        # 100 sources are enough to show the fixed costs, and save minutes.
        _at(100, steps=[Step.WINDOW]) | _at(1000, 10_000, steps=[Step.WINDOW, Step.DEPLOY, Step.RESTART]),
    ),
}


def steps(names: Iterable[str]) -> dict[int, frozenset[Step]]:
    """Collect the steps to run by the number of sources, the smallest number first."""
    wanted = [CATALOGUE[name].steps for name in names]
    sizes = sorted({size for each in wanted for size in each})
    return {size: frozenset().union(*(each.get(size, frozenset()) for each in wanted)) for size in sizes}
