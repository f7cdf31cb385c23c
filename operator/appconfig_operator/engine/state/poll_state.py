"""What a replica keeps of a source that it polls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.engine.state.delivery import DeliveryState
from appconfig_operator.engine.state.drift import DriftState
from appconfig_operator.engine.state.fetch import FetchState
from appconfig_operator.engine.state.history import HistoryState
from appconfig_operator.engine.state.status import StatusState

if TYPE_CHECKING:
    from appconfig_operator.api.status import Status
    from appconfig_operator.engine.ports import ConfigurationSession


@dataclass(slots=True)
class PollState:
    """What is kept of a source between two polls.

    The replica creates it when it takes the source, creates another one from it for a restart (a new spec, or a
    requested sync), and drops it with the shard. During a poll, the thread that polls owns it; between polls, the
    scheduler's lock guards it.

    Attributes
    ----------
    fetch
        The AppConfig session, and when it may be called again.
    delivery
        What was received and is not written yet, and which ConfigMaps are to be released.
    history
        The kept versions.
    drift
        What others do to the ConfigMap.
    status
        The status, as it is and as it is to be.
    failures
        Transient failures of polls in a row.
    outdated_polls
        Polls in a row that found a newer spec than the watch has reported.
    woken
        Whether what the source waits for has changed since its last poll.
    """

    fetch: FetchState
    status: StatusState
    delivery: DeliveryState = field(default_factory=DeliveryState)
    history: HistoryState = field(default_factory=HistoryState)
    drift: DriftState = field(default_factory=DriftState)
    failures: int = 0
    outdated_polls: int = 0
    woken: bool = False

    @classmethod
    def of(cls, session: ConfigurationSession, status: Status, now: float) -> PollState:
        """Begin from what the status of a source says.

        Parameters
        ----------
        session
            The AppConfig session.
        status
            The status as the watch reported it.
        now
            By the monotonic clock.
        """
        return cls(
            fetch=FetchState(session, last_answered_at=now),
            status=StatusState(stored=status, received=status.source, written=status.target),
            history=HistoryState(kept=status.history),
        )

    def restarted(self, session: ConfigurationSession, now: float) -> PollState:
        """Return what continues with a new session, after a change of the spec or a request to sync."""
        return PollState(
            fetch=FetchState(session, last_answered_at=now),
            status=self.status.for_new_session(),
            delivery=self.delivery.for_new_session(),
            history=self.history.for_new_session(),
            drift=self.drift.for_new_session(),
        )

    def written_to(self, name: str) -> bool:
        """Return whether the last write was to the ConfigMap of that name."""
        return self.status.written is not None and self.status.written.name == name

    def refresh(self, status: Status) -> None:
        """Continue from the newest status, as it was just read."""
        self._take(status)
        self.status.is_current = True

    def observe(self, status: Status) -> None:
        """Take in the status that the watch reports. It may lag behind: see `StatusState`."""
        if not self.status.is_current:
            self._take(status)

    def _take(self, status: Status) -> None:
        if status != self.status.stored:
            self.status.take(status)
            self.history.reset(status.history)
