"""What there is to measure, what each needs to be run, and which figures come of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import bounds, goals
from benchmarks.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.figures import Figure
    from benchmarks.goals import Seen

SIZES = (100, 1000, 10_000)

WINDOW_SECONDS = {100: 63.0, 1000: 63.0, 10_000: 300.0}
"""How long unchanged polls are watched: a round of all sources, and five minutes where lateness is told."""


@dataclass(frozen=True)
class Benchmark:
    """One name that `make bench ONLY=` takes."""

    figures: Callable[[Seen], list[Figure]]
    """Works them out."""
    steps: Mapping[int, frozenset[Step]] = field(default_factory=dict)
    """What is to be run with how many sources."""
    first_sync: bool = False
    """Whether the first sync is run beside the bare loop."""
    take_over: bool = False
    """Whether replicas are run and killed."""
    neighbours: bool = False
    """Whether storms are let rage."""
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
        # With 100 sources the fixed costs are all there is to see, and minutes are saved.
        _at(100, steps=[Step.WINDOW]) | _at(1000, 10_000, steps=[Step.WINDOW, Step.DEPLOY, Step.RESTART]),
    ),
}


def steps(names: Iterable[str]) -> dict[int, frozenset[Step]]:
    """Put together what is to be run with how many sources, the fewest first."""
    wanted = [CATALOGUE[name].steps for name in names]
    sizes = sorted({size for each in wanted for size in each})
    return {size: frozenset().union(*(each.get(size, frozenset()) for each in wanted)) for size in sizes}
