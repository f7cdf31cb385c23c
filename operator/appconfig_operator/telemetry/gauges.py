"""The current state, at the moment of a scrape. It is not stored, so that no stale values remain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from appconfig_operator.core.status.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client.metrics_core import Metric

    from appconfig_operator.core.pace import Pace

_PLAIN = {
    "sources_known": "Sources that this replica knows about, whichever replica polls them.",
    "queue_depth": "Polls that are due but have not started.",
    "shards": "Shards that the sources are split into.",
    "shards_held": "Shards that this replica holds.",
    "replicas": "Replicas that are alive.",
    "endpoints_paused": "AWS endpoints to which calls are paused, counted once per namespace and identity.",
}
"""Help texts of the metrics that correspond to one attribute of `Gauges` each, by its name."""


@dataclass(frozen=True, slots=True)
class Gauges:
    """The current state of this replica.

    Attributes
    ----------
    sources
        Number of sources that this replica polls, by state. At most one replica counts each, so the sum over all
        replicas is correct.
    sources_known
        Number of sources that it knows of, whoever polls them: about the same in each replica.
    queue_depth
        Polls that are due but have not started.
    oldest_due
        Seconds since the first of these was due, by pace.
    polls_under_way
        Polls under way, by pace.
    shards
        Number of parts that the sources are split into.
    shards_held
        Number of parts that this replica holds.
    replicas
        Number of replicas that are alive, as this one sees it.
    endpoints_paused
        AWS endpoints that do not answer, so that calls to them are paused; for each namespace and identity.
    heartbeats
        Seconds since the last heartbeat of each loop, by its name.
    lease_remaining
        Seconds until the first of the held Leases lapses, negative once it has. `None`: none is held.
    refused
        Number of namespaces in which a verb on a resource is denied, by both.
    """

    sources: Mapping[State, int] = field(default_factory=dict)
    sources_known: int = 0
    queue_depth: int = 0
    oldest_due: Mapping[Pace, float] = field(default_factory=dict)
    polls_under_way: Mapping[Pace, int] = field(default_factory=dict)
    shards: int = 1
    shards_held: int = 0
    replicas: int = 1
    endpoints_paused: int = 0
    heartbeats: Mapping[str, float] = field(default_factory=dict)
    lease_remaining: float | None = None
    refused: Mapping[tuple[str, str], int] = field(default_factory=dict)


class GaugeCollector(Collector):
    """Turns `Gauges` into metrics.

    Parameters
    ----------
    prefix
        The prefix of each name.
    gauges
        Returns the current state.
    """

    def __init__(self, prefix: str, gauges: Callable[[], Gauges]) -> None:
        self._prefix = prefix
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they are now."""
        now = self._gauges()
        sources = self._family("sources", "Sources that this replica polls.", "state")
        for state in State:
            sources.add_metric([state], now.sources.get(state, 0))
        yield sources
        beats = self._family("heartbeat_age_seconds", "Time since the last heartbeat of a loop.", "loop")
        for loop, age in now.heartbeats.items():
            beats.add_metric([loop], age)
        yield beats
        oldest = self._family(
            "oldest_due_seconds",
            "Time since the oldest poll that has not started became due.",
            "pace",
        )
        for pace, seconds in now.oldest_due.items():
            oldest.add_metric([pace], seconds)
        yield oldest
        under_way = self._family("polls_under_way", "Polls in progress.", "pace")
        for pace, count in now.polls_under_way.items():
            under_way.add_metric([pace], count)
        yield under_way
        lease = self._family("lease_remaining_seconds", "Time until the first held Lease lapses.")
        if now.lease_remaining is not None:
            lease.add_metric([], now.lease_remaining)
        yield lease
        refused = self._family(
            "refused",
            "Namespaces in which the operator lacks a permission; 1 if it lacks it in all namespaces.",
            "verb",
            "resource",
        )
        for labels, number in now.refused.items():
            refused.add_metric(labels, number)
        yield refused
        for name, text in _PLAIN.items():
            family = self._family(name, text)
            family.add_metric([], getattr(now, name))
            yield family

    def _family(self, name: str, text: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"{self._prefix}_{name}", text, labels=labels)
