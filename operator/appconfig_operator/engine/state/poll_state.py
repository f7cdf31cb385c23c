"""What a replica keeps of a source that it polls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appconfig_operator.engine.state.delivery import Delivery
from appconfig_operator.engine.state.drift import DriftState
from appconfig_operator.engine.state.fetch import Fetch
from appconfig_operator.engine.state.history import History
from appconfig_operator.engine.state.status import StatusState

if TYPE_CHECKING:
    from appconfig_operator.api.status import Status
    from appconfig_operator.engine.ports import ConfigurationSession


@dataclass(slots=True)
class PollState:
    """What is kept of a source between two polls. Used by one thread at a time.

    It is made when the replica takes the source, and again with each new session, and dropped with the shard.

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

    fetch: Fetch
    status: StatusState
    delivery: Delivery = field(default_factory=Delivery)
    history: History = field(default_factory=History)
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
            fetch=Fetch(session, last_answered_at=now),
            status=StatusState(stored=status, received=status.source, written=status.target),
            history=History(kept=status.history),
        )

    def restarted(self, session: ConfigurationSession, now: float) -> PollState:
        """Return what goes on with a new session, after a change of the spec or a request to sync."""
        return PollState(
            fetch=Fetch(session, last_answered_at=now),
            status=self.status.for_new_session(),
            delivery=self.delivery.for_new_session(),
            history=self.history.for_new_session(),
            drift=self.drift.for_new_session(),
        )

    def written_to(self, name: str) -> bool:
        """Return whether the last write was to the ConfigMap of that name."""
        return self.status.written is not None and self.status.written.name == name

    def refresh(self, status: Status) -> None:
        """Go on from the newest status, as it was just read."""
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
