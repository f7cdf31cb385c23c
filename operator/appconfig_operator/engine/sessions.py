"""How polls of a source start: with a new session, or with one that another replica handed over; and the handover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from appconfig_operator.core.sharding import handover
from appconfig_operator.core.sharding.handover import HandedOver
from appconfig_operator.core.status.state import State, state_of
from appconfig_operator.engine.state.poll_state import PollState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.engine.ports import ConfigurationService


SPREAD_SECONDS = 300.0
"""The longest time over which sources are spread: with an interval of hours, no version must come that much later."""


@dataclass(frozen=True, slots=True)
class Start:
    """How polls of a source start.

    Attributes
    ----------
    poll_state
        What they continue from.
    delay
        Seconds until the first one.
    first
        Whether it goes before the others of its lane.
    known_quick
        Whether the source was in order, so that its polls count as quick until one is not.
    """

    poll_state: PollState
    delay: float
    first: bool = False
    known_quick: bool = False


class SessionFactory(Protocol):
    """Starts polls of sources, and exports their sessions."""

    def start(self, source: Source, handed_over: HandedOver | None) -> Start:
        """Start to poll a source."""

    def restart(self, source: Source, before: PollState) -> PollState:
        """Start a new session after a change of the spec, or because a sync was requested."""

    def export(self, source: Source, poll_state: PollState, due: float) -> HandedOver | None:
        """Return what another replica can continue with, or `None`."""


class Sessions:
    """Starts sessions, and exports them.

    Parameters
    ----------
    service
        Where sessions come from.
    monotonic
        Seconds, for intervals.
    utc_now
        Wall clock, which replicas share.
    random
        From 0 (included) to 1 (excluded), to spread polls.
    """

    def __init__(
        self,
        service: ConfigurationService,
        *,
        monotonic: Callable[[], float],
        utc_now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._service = service
        self._monotonic = monotonic
        self._utc_now = utc_now
        self._random = random

    def start(self, source: Source, handed_over: HandedOver | None) -> Start:
        """Start to poll a source: at once, or at a random moment if its ConfigMap is in order."""
        now = self._unix()
        if handed_over is None or not _fits(handed_over, source) or not handover.usable(handed_over, source, now):
            poll_state = PollState.of(self._service.session(source), source.status, self._monotonic())
            poll_state.delivery.spec_applied = _spec_applied(source)
            if _settled(source):
                spread = min(source.spec.poll_interval_seconds, SPREAD_SECONDS)
                return Start(poll_state, self._random() * spread, known_quick=True)
            return Start(poll_state, 0.0, first=source.status.target is None)
        session = self._service.session(source, handed_over.session)
        poll_state = PollState.of(session, source.status, self._monotonic())
        delay = handover.delay(handed_over, now)
        poll_state.fetch.last_answered_at -= now - handed_over.issued
        poll_state.fetch.next_call_at = self._monotonic() + delay
        poll_state.delivery.latest_data_digest = handed_over.latest_data_digest
        poll_state.fetch.confirmed = handed_over.session.delivered
        # What was delivered is written, or the session would not have been handed over.
        poll_state.delivery.spec_applied = handed_over.session.delivered or _spec_applied(source)
        return Start(poll_state, delay, known_quick=True)

    def restart(self, source: Source, before: PollState) -> PollState:
        """Start a new session after a change of the spec, or because a sync was requested."""
        poll_state = before.restarted(self._service.session(source), self._monotonic())
        poll_state.delivery.spec_applied = before.delivery.spec_applied and before.status.is_about(source)
        return poll_state

    def export(self, source: Source, poll_state: PollState, due: float) -> HandedOver | None:
        """Return what another replica can continue with, or `None` if it has to start a new session.

        Content is not handed over, so a version that is not written yet has to come again, in a new session.
        """
        unfinished = poll_state.delivery.unfinished(source.spec.target.name) or poll_state.drift.found is not None
        if unfinished or poll_state.fetch.must_refetch or source.spec.suspend:
            return None
        session = poll_state.fetch.session.save()
        if session is None or not poll_state.status.is_about(source):
            return None
        offset = self._unix() - self._monotonic()
        return HandedOver(
            uid=source.uid,
            generation=source.generation,
            issued=poll_state.fetch.last_answered_at + offset,
            due=due + offset,
            latest_data_digest=poll_state.delivery.latest_data_digest,
            session=session,
        )

    def _unix(self) -> float:
        return self._utc_now().timestamp()


def _sync_requested(source: Source) -> bool:
    return bool(source.requested_at) and source.requested_at != source.status.last_handled_reconcile_at


def _fits(handed_over: HandedOver, source: Source) -> bool:
    """Return whether the ConfigMap holds what the session delivered last: the session does not deliver it again."""
    target, pinned = source.status.target, source.spec.pinned_digest is not None
    in_place = (
        pinned
        or not handed_over.session.delivered
        or (target is not None and target.data_digest == handed_over.latest_data_digest)
    )
    return in_place and not _sync_requested(source)


def _settled(source: Source) -> bool:
    """Return whether a source is in order, so that nothing is lost if it is polled later.

    One that is not ready is not in order: the operator may have been restarted to fix what it lacked.
    """
    return source.status.target is not None and _spec_applied(source) and not _sync_requested(source)


def _spec_applied(source: Source) -> bool:
    """Return whether the status says that the ConfigMap was written for this spec."""
    status = source.status
    ready = state_of(status.conditions, suspended=False) is State.READY
    return ready and status.observed_generation == source.generation
