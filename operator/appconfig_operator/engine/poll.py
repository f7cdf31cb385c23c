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
class Polled:
    """The outcome of a poll.

    Attributes
    ----------
    delay
        Seconds until the next one, or `None` if there is none.
    result
        How it ended, for the metrics.
    answered
        Whether every server that was called answered, even with a refusal. `None`: nothing new is known.
    waits_for
        Name of the ConfigMap that the source waits for, until it is created, changed or deleted. If nothing new is
        known, that stays as it was.
    """

    delay: float | None
    result: PollResult
    answered: bool | None = True
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

    def poll(self, source: Source, state: PollState) -> Polled:
        """Poll a source, and carry out what follows.

        Raises
        ------
        SourceGoneError
            When the source does not exist any more.
        """
        try:
            polled = self._turn(source, state)
        finally:
            self._enforce_reserve(state)  # whatever has ended it
        state.woken = False
        assert polled.delay is not None, "only a source that is gone has no next poll"  # noqa: S101 (that is raised)
        return replace(polled, delay=self._status_retrier.delay_to_next(state, polled.delay))

    def _turn(self, source: Source, state: PollState) -> Polled:
        """Poll, or retry the status alone, and say when to come again where nothing new is known."""
        outdated, state.outdated_polls = state.outdated_polls, 0
        try:
            if state.status.unreported is not None and self._status_retrier.is_due(state):
                return self._retry_status(source, state, state.status.unreported.poll_due)
            return self._poll(source, state)
        except TooEarlyError:
            state.fetch.wait_interval(self._monotonic())
            return Polled(self._poll_delay(state), PollResult.TOO_EARLY, answered=None)
        except RateLimitedError as limited:
            result = PollResult.BUSY if isinstance(limited, BusyError) else PollResult.RATE_LIMITED
            return Polled(limited.seconds, result, answered=None)
        except OutdatedError:
            state.outdated_polls = outdated + 1
            wait = min(OUTDATED_SECONDS * 2.0 ** min(outdated, 16), backoff.CAP_SECONDS)
            return Polled(wait, PollResult.OUTDATED, answered=None)

    def _retry_status(self, source: Source, state: PollState, poll_due: float) -> Polled:
        """Write the status alone: the next poll keeps its time."""
        refused = self._status_retrier.retry(source, state)
        result = PollResult(refused.reason) if refused is not None else PollResult.STATUS_WRITTEN
        return Polled(max(0.0, poll_due - self._monotonic()), result, answered=None)

    def _poll(self, source: Source, state: PollState) -> Polled:
        """Gather, decide, write; then report."""
        self._check_refetch(source, state)
        before = state.status.received
        error, changed = self._carry_out(source, state)
        if state.delivery.blocked is not None and source.spec.pinned_digest is None:
            state.drift.found = None  # there is nothing to revert to until another configuration comes
        state.failures = state.failures + 1 if error is not None and error.transient else 0
        refused = self._status_retrier.report(source, state, error, changed=changed)
        reported = refused or error
        unchanged = PollResult.UNCHANGED if state.status.received is before else PollResult.RECEIVED
        return Polled(
            self._poll_delay(state) if error is None else self._delay_after(state, error),
            unchanged if reported is None else PollResult(reported.reason),
            answered=error is None or not error.transient,
            waits_for=source.spec.target.name if _waits(error) else None,
        )

    def _carry_out(self, source: Source, state: PollState) -> tuple[SourceError | None, bool]:
        """Receive and deliver. Return what went wrong, if anything, and whether the ConfigMap has another version."""
        changed = False
        try:
            self._check_fight(source, state)
            try:
                self._receive(source, state)
            except SourceError:
                # Whatever AWS answers, what is here is written, above all a rollback by a pin, and strays are released.
                delivery = state.delivery
                if source.spec.pinned_digest is not None or delivery.pending is not None or delivery.strays:
                    changed = self._deliver(source, state)
                raise
            changed = self._deliver(source, state)
        except SourceError as raised:
            # A copy: with its traceback, the error and this frame would keep each other, and the content, alive.
            return raised.copy(), changed
        return None, changed

    def _enforce_reserve(self, state: PollState) -> None:
        """Drop what could not be written, if too much waits already."""
        pending = state.delivery.pending
        if pending is not None and not self._reserve.keep(pending):
            state.delivery.pending, state.fetch.must_refetch = None, True

    def _check_refetch(self, source: Source, state: PollState) -> None:
        """If a configuration was dropped, wait until AppConfig may be called: without it, nothing can be decided."""
        wait = state.fetch.seconds_until_call(self._monotonic())
        unpinned = source.spec.pinned_digest is None
        if state.fetch.must_refetch and state.drift.found is None and wait > 0 and unpinned:
            raise RateLimitedError(wait)

    def _check_fight(self, source: Source, state: PollState) -> None:
        """Revert changes to a ConfigMap slowly when somebody keeps making them."""
        drift = state.drift.found
        if drift is not None and state.drift.is_fight(self._monotonic()):
            raise StallingError(
                Reason.TARGET_CONFLICT,
                f"ConfigMap {source.namespace}/{source.spec.target.name} {described(drift)}. This keeps "
                "happening, so the operator now reverts it only every 5 minutes. Stop whatever changes it, or set a "
                "different spec.target.name; the annotation appconfig-operator.io/requestedAt reverts it now.",
            )

    def _receive(self, source: Source, state: PollState) -> None:
        """Ask AppConfig, unless it is too early and only a write has to be retried."""
        self._prepare_session(source, state)
        if self._monotonic() < state.fetch.next_call_at:
            return
        try:
            content = state.fetch.session.poll()
        except RateLimitedError as limited:
            if state.delivery.pending is None and source.spec.pinned_digest is None:
                raise
            # What is at hand is written meanwhile.
            state.fetch.next_call_at = self._monotonic() + limited.seconds
            return
        except (WaitingError, BlockedError):
            state.fetch.answered(self._monotonic())
            raise
        state.fetch.answered(self._monotonic())
        if content is None:
            return
        self._meter.received(len(content.body))
        state.delivery.receive(content)
        state.drift.session_renewed = False
        state.status.receive(content, self._now())

    def _prepare_session(self, source: Source, state: PollState) -> None:
        """Begin a new session where content is needed that AppConfig does not send again in this one."""
        drift, fetch = state.drift, state.fetch
        if drift.found is not None and state.delivery.pending is None:
            if self._intact(source, state):
                drift.dismiss()  # a false alarm must not cost a session
            elif not drift.session_renewed:
                fetch.use(self._service.session(source))
                fetch.next_call_at, drift.session_renewed = 0.0, True
        if fetch.must_refetch and self._monotonic() >= fetch.next_call_at:
            fetch.use(self._service.session(source))

    def _intact(self, source: Source, state: PollState) -> bool:
        # Always: the source may have been deleted, and its ConfigMap with it. Two watches report that in any order.
        state.refresh(self._sources.status(source))
        return self._deliverer.intact(source, state)

    def _deliver(self, source: Source, state: PollState) -> bool:
        before = state.status.written
        changed = self._deliverer.deliver(source, state)
        if changed:
            self._meter.wrote(source.spec.target.creation_policy)
        drift = state.drift.settle(reverted=changed, now=self._monotonic())
        if drift is None:
            return changed
        if changed:
            self._reporter.drifted(source, drift)
        # The same version written back is reported as that, and not as a new version.
        written = state.status.written
        return changed and (before is None or written is None or before.data_digest != written.data_digest)

    def _delay_after(self, state: PollState, error: SourceError) -> float:
        return backoff.delay_after(
            error,
            failures=state.failures,
            interval=state.fetch.session.interval,
            remaining=self._remaining(state),
            random=self._random(),
        )

    def _poll_delay(self, state: PollState) -> float:
        return backoff.poll_delay(state.fetch.session.interval, self._remaining(state), self._random())

    def _remaining(self, state: PollState) -> float:
        return state.fetch.seconds_until_call(self._monotonic())

    def _now(self) -> str:
        return self._utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _waits(error: SourceError | None) -> bool:
    return isinstance(error, BlockedError) and error.reason in _WAITING_REASONS
