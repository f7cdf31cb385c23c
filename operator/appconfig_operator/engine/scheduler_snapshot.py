"""What the scheduler knows at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appconfig_operator.core.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from appconfig_operator.core.status.state import State
    from appconfig_operator.engine.state.source_state import SourceState


@dataclass(frozen=True, slots=True)
class SchedulerSnapshot:
    """What the scheduler knows at one moment.

    Attributes
    ----------
    sources
        How many sources this replica polls, by their state: those of the shards whose Lease lasts.
    sources_known
        How many it knows of, whichever replica polls them.
    queue_depth
        Polls that are due but have not started.
    oldest_due
        Seconds since the first of these was due, by pace.
    polls_under_way
        Polls under way, by pace.
    """

    sources: Mapping[State, int]
    sources_known: int
    queue_depth: int
    oldest_due: Mapping[Pace, float]
    polls_under_way: Mapping[Pace, int]


def lateness(states: Iterable[SourceState], now: float) -> dict[Pace, list[float]]:
    """Return for how many seconds each poll that is due has waited, by pace."""
    seconds: dict[Pace, list[float]] = {pace: [] for pace in Pace}
    for state in states:
        if state.schedule.queued_poll is not None and state.schedule.due <= now:
            seconds[Pace.of(slow=state.schedule.queued_poll.lane.slow)].append(now - state.schedule.due)
    return seconds
