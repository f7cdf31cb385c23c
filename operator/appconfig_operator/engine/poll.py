"""One source, once: gather, decide, write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appconfig_operator.core import backoff
from appconfig_operator.core.errors import (
    BlockedError,
    BusyError,
    OutdatedError,
    RateLimitedError,
    Reason,
    SourceError,
    StallingError,
    TooEarlyError,
    WaitingError,
)
from appconfig_operator.core.poll_result import PollResult
from appconfig_operator.core.target.drift import described
from appconfig_operator.engine.deliver import Deliverer
from appconfig_operator.engine.history_keeper import HistoryKeeper
from appconfig_operator.engine.report import Reporter
from appconfig_operator.engine.reserve import Reserve
from appconfig_operator.engine.status_retry import StatusRetrier

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.engine.ports import (
        ConfigMapStore,
        ConfigurationService,
        EventSink,
        HistoryStore,
        Meter,
        SourceStore,
    )
    from appconfig_operator.engine.state.poll_state import PollState

OUTDATED_SECONDS = 1.0
"""Delay after a poll that found a newer spec than the watch has reported; it doubles with each further one, because the
watch may be down. Once the watch reports the spec, the source is polled at once."""


@dataclass(frozen=True, slots=True)
class PollOutcome:
    """The outcome of a poll.

    Attributes
    ----------
    delay
        Seconds until the next one, or `None` if there is none.
    result
        How it ended, for the metrics.
    healthy
        Whether the poll ended without a transient error. `None`: nothing new is known.
    waits_for
        Name of the ConfigMap that the source waits for, until it is created, changed or deleted. If nothing new is
        known, that stays as it was.
    """

    delay: float | None
    result: PollResult
    healthy: bool | None = True
    waits_for: str | None = None


_WAITING_REASONS = {Reason.TARGET_NOT_OWNED, Reason.TARGET_MISSING, Reason.TARGET_CONFLICT}


class Poller:
    """Polls sources. Safe to share between threads, as long as no source is polled twice at once.

    Parameters
    ----------
    service, config_maps, history, sources, events, meter
        AWS AppConfig and Kubernetes.
    monotonic
        Seconds, for intervals.
    utc_now
        Wall clock, for what users read.
    random
        From 0 (included) to 1 (excluded), for jitter.
    reserve
        Limits what waits to be written.
    """

    def __init__(  # noqa: PLR0913 (the seams of the world, all by name)
        self,
        *,
        service: ConfigurationService,
        config_maps: ConfigMapStore,
        history: HistoryStore,
        sources: SourceStore,
        events: EventSink,
        meter: Meter,
        monotonic: Callable[[], float],
        utc_now: Callable[[], datetime],
        random: Callable[[], float],
        reserve: Reserve | None = None,
    ) -> None:
        self._service = service
        self._monotonic = monotonic
        self._utc_now = utc_now
        self._random = random
        self._sources = sources
        self._meter = meter
        self._deliverer = Deliverer(config_maps, sources, HistoryKeeper(history, sources, events, self._now), self._now)
        self._reporter = Reporter(sources, events, self._now)
        self._reserve = reserve or Reserve()
        self._status_retrier = StatusRetrier(self._reporter, monotonic, random)

    def poll(self, source: Source, poll_state: PollState) -> PollOutcome:
        """Poll a source, and carry out what follows.

        Raises
        ------
        SourceGoneError
            When the source does not exist anymore.
        """
        try:
            polled = self._turn(source, poll_state)
        finally:
            self._enforce_reserve(poll_state)  # whatever has ended it
        poll_state.woken = False
        assert polled.delay is not None, "only a source that is gone has no next poll"  # noqa: S101 (that is raised)
        return replace(polled, delay=self._status_retrier.delay_to_next(poll_state, polled.delay))

    def _turn(self, source: Source, poll_state: PollState) -> PollOutcome:
        """Poll, or retry the status alone, and say when to come again where nothing new is known."""
        outdated, poll_state.outdated_polls = poll_state.outdated_polls, 0
        try:
            if poll_state.status.unreported is not None and self._status_retrier.is_due(poll_state):
                return self._retry_status(source, poll_state, poll_state.status.unreported.poll_due)
            return self._poll(source, poll_state)
        except TooEarlyError:
            poll_state.fetch.wait_interval(self._monotonic())
            return PollOutcome(self._poll_delay(poll_state), PollResult.TOO_EARLY, healthy=None)
        except RateLimitedError as limited:
            result = PollResult.BUSY if isinstance(limited, BusyError) else PollResult.RATE_LIMITED
            return PollOutcome(limited.seconds, result, healthy=None)
        except OutdatedError:
            poll_state.outdated_polls = outdated + 1
            wait = min(OUTDATED_SECONDS * 2.0 ** min(outdated, 16), backoff.CAP_SECONDS)
            return PollOutcome(wait, PollResult.OUTDATED, healthy=None)

    def _retry_status(self, source: Source, poll_state: PollState, poll_due: float) -> PollOutcome:
        """Write the status alone: the next poll keeps its time."""
        refused = self._status_retrier.retry(source, poll_state)
        result = PollResult(refused.reason) if refused is not None else PollResult.STATUS_WRITTEN
        return PollOutcome(max(0.0, poll_due - self._monotonic()), result, healthy=None)

    def _poll(self, source: Source, poll_state: PollState) -> PollOutcome:
        """Gather, decide, write; then report."""
        wait = self._seconds_until_refetch(source, poll_state)
        if wait > 0:
            return PollOutcome(wait, PollResult.TOO_EARLY, healthy=None)
        before = poll_state.status.received
        error, changed = self._receive_and_deliver(source, poll_state)
        if poll_state.delivery.unwritable is not None and source.spec.pinned_digest is None:
            poll_state.drift.found = None  # there is nothing to revert to until another configuration comes
        poll_state.failures = poll_state.failures + 1 if error is not None and error.transient else 0
        refused = self._status_retrier.report(source, poll_state, error, changed=changed)
        reported = refused or error
        unchanged = PollResult.UNCHANGED if poll_state.status.received is before else PollResult.RECEIVED
        return PollOutcome(
            self._poll_delay(poll_state) if error is None else self._delay_after(poll_state, error),
            unchanged if reported is None else PollResult(reported.reason),
            healthy=error is None or not error.transient,
            waits_for=source.spec.target.name if _waits(error) else None,
        )

    def _receive_and_deliver(self, source: Source, poll_state: PollState) -> tuple[SourceError | None, bool]:
        """Receive and deliver. Return what went wrong, if anything, and whether the ConfigMap has another version."""
        changed = False
        try:
            self._check_fight(source, poll_state)
            try:
                self._receive(source, poll_state)
            except SourceError:
                # Whatever AWS answers, what is here is written, above all a rollback by a pin, and strays are released.
                delivery = poll_state.delivery
                if source.spec.pinned_digest is not None or delivery.pending is not None or delivery.strays:
                    changed = self._deliver(source, poll_state)
                raise
            changed = self._deliver(source, poll_state)
        except SourceError as raised:
            # A copy: with its traceback, the error and this frame would keep each other, and the content, alive.
            return raised.copy(), changed
        return None, changed

    def _enforce_reserve(self, poll_state: PollState) -> None:
        """Drop what could not be written, if too much waits already."""
        pending = poll_state.delivery.pending
        if pending is not None and not self._reserve.keep(pending):
            poll_state.delivery.pending, poll_state.fetch.must_refetch = None, True

    def _seconds_until_refetch(self, source: Source, poll_state: PollState) -> float:
        """Return how long to wait for a configuration that was dropped: without it, nothing can be decided."""
        waits = poll_state.fetch.must_refetch and poll_state.drift.found is None and source.spec.pinned_digest is None
        return poll_state.fetch.seconds_until_call(self._monotonic()) if waits else 0.0

    def _check_fight(self, source: Source, poll_state: PollState) -> None:
        """Revert changes to a ConfigMap slowly when someone keeps making them."""
        drift = poll_state.drift.found
        if drift is not None and poll_state.drift.is_fight(self._monotonic()):
            raise StallingError(
                Reason.TARGET_CONFLICT,
                f"ConfigMap {source.namespace}/{source.spec.target.name} {described(drift)}. This keeps "
                "happening, so the operator now reverts it only every 5 minutes. Stop whatever changes it, or set a "
                "different spec.target.name; the annotation appconfig-operator.io/requestedAt reverts it now.",
            )

    def _receive(self, source: Source, poll_state: PollState) -> None:
        """Ask AppConfig, unless it is too early and only a write has to be retried."""
        self._prepare_session(source, poll_state)
        if self._monotonic() < poll_state.fetch.next_call_at:
            return
        try:
            content = poll_state.fetch.session.poll()
        except RateLimitedError as limited:
            if poll_state.delivery.pending is None and source.spec.pinned_digest is None:
                raise
            # What is at hand is written meanwhile.
            poll_state.fetch.next_call_at = self._monotonic() + limited.seconds
            return
        except (WaitingError, BlockedError):
            poll_state.fetch.answered(self._monotonic(), confirmed=False)
            raise
        poll_state.fetch.answered(self._monotonic(), confirmed=True)
        if content is None:
            return
        self._meter.received(len(content.body))
        poll_state.delivery.receive(content)
        poll_state.drift.session_renewed = False
        poll_state.status.receive(content, self._now())

    def _prepare_session(self, source: Source, poll_state: PollState) -> None:
        """Begin a new session where content is needed that AppConfig does not send again in this one."""
        drift, fetch = poll_state.drift, poll_state.fetch
        if drift.found is not None and poll_state.delivery.pending is None:
            if self._intact(source, poll_state):
                drift.dismiss()  # a false alarm must not cost a session
            elif not drift.session_renewed:
                fetch.use(self._service.session(source))
                fetch.next_call_at, drift.session_renewed = 0.0, True
        if fetch.must_refetch and self._monotonic() >= fetch.next_call_at:
            fetch.use(self._service.session(source))

    def _intact(self, source: Source, poll_state: PollState) -> bool:
        # Always: the source may have been deleted, and its ConfigMap with it. Two watches report that in any order.
        poll_state.refresh(self._sources.status(source))
        return self._deliverer.intact(source, poll_state)

    def _deliver(self, source: Source, poll_state: PollState) -> bool:
        before = poll_state.status.written
        changed = self._deliverer.deliver(source, poll_state)
        if changed:
            self._meter.wrote(source.spec.target.creation_policy)
        drift = poll_state.drift.settle(reverted=changed, now=self._monotonic())
        if drift is None:
            return changed
        if changed:
            self._reporter.drifted(source, drift)
        # The same version written back is reported as that, and not as a new version.
        written = poll_state.status.written
        return changed and (before is None or written is None or before.data_digest != written.data_digest)

    def _delay_after(self, poll_state: PollState, error: SourceError) -> float:
        return backoff.delay_after(
            error,
            failures=poll_state.failures,
            interval=poll_state.fetch.session.interval,
            remaining=self._remaining(poll_state),
            random=self._random(),
        )

    def _poll_delay(self, poll_state: PollState) -> float:
        return backoff.poll_delay(poll_state.fetch.session.interval, self._remaining(poll_state), self._random())

    def _remaining(self, poll_state: PollState) -> float:
        return poll_state.fetch.seconds_until_call(self._monotonic())

    def _now(self) -> str:
        return self._utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _waits(error: SourceError | None) -> bool:
    return isinstance(error, BlockedError) and error.reason in _WAITING_REASONS
