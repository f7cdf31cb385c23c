"""A status that could not be written is retried at its own interval.

Neither waits for the other: while it is refused, AppConfig is polled and the ConfigMap written as ever, and a source
that is polled once a day does not wait a day for another try.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appconfig_operator.core import backoff
from appconfig_operator.core.errors import TransientError
from appconfig_operator.logs import about

if TYPE_CHECKING:
    from collections.abc import Callable

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.core.errors import SourceError
    from appconfig_operator.engine.report import Reporter
    from appconfig_operator.engine.state.poll_state import PollState

logger = logging.getLogger(__name__)

_ROUNDING_SECONDS = 0.001  # a turn comes after a delay, and a sum of floats may fall short of the moment that was meant


@dataclass(slots=True)
class UnreportedStatus:
    """The outcome of the last poll, while the status does not show it.

    Attributes
    ----------
    error
        What went wrong, or `None`.
    changed
        Whether the ConfigMap got another version since the status was written.
    failures
        Tries in a row that failed.
    retry_at
        When to try again, by the monotonic clock.
    poll_due
        When the source is to be polled again, by the monotonic clock.
    complaint
        What was logged of it last.
    """

    error: SourceError | None
    changed: bool
    failures: int
    retry_at: float
    complaint: str
    poll_due: float = 0.0


@dataclass(frozen=True, slots=True)
class StatusRetrier:
    """Reports the outcome of polls, not faster than the API server accepts it.

    Parameters
    ----------
    reporter
        Who writes.
    monotonic
        Seconds.
    random
        From 0 (included) to 1 (excluded), for jitter.
    """

    reporter: Reporter
    monotonic: Callable[[], float]
    random: Callable[[], float]

    def is_due(self, poll_state: PollState) -> bool:
        """Return whether a source has its turn for the status alone. An earlier wake-up means a poll."""
        unreported = poll_state.status.unreported
        if unreported is None or poll_state.drift.found is not None or poll_state.woken:
            return False
        return self._may_retry(unreported) and self.monotonic() < unreported.poll_due

    def _may_retry(self, unreported: UnreportedStatus) -> bool:
        return self.monotonic() >= unreported.retry_at - _ROUNDING_SECONDS

    def retry(self, source: Source, poll_state: PollState) -> TransientError | None:
        """Try again to report the outcome of the last poll. Returns and raises like `report`."""
        assert poll_state.status.unreported is not None, "nothing is unreported"  # noqa: S101 (`is_due` has looked)
        return self.report(source, poll_state, poll_state.status.unreported.error, changed=False)

    def report(
        self, source: Source, poll_state: PollState, error: SourceError | None, *, changed: bool
    ) -> TransientError | None:
        """Report the outcome of a poll, unless the status was refused a moment ago.

        Returns
        -------
        TransientError or None
            Why the status could not be written, where that was tried.

        Raises
        ------
        SourceGoneError
            When there is no source to report to.
        """
        before = poll_state.status.unreported
        if before is not None:
            before.error, before.changed = error and error.copy(), before.changed or changed
            changed = before.changed
            if not self._may_retry(before):
                return None
        try:
            self.reporter.report(source, poll_state, error, changed=changed)
        except TransientError as refused:
            self._log_once(source, before, refused)
            failures = 1 if before is None else before.failures + 1
            wait = refused.retry_after + backoff.retry_delay(failures, self.random())
            poll_state.status.unreported = UnreportedStatus(
                error and error.copy(), changed, failures, self.monotonic() + wait, refused.message
            )
            return refused.copy()
        if before is not None:
            logger.info("Status written", extra=about(source))
        poll_state.status.unreported = None
        return None

    def _log_once(self, source: Source, before: UnreportedStatus | None, refused: TransientError) -> None:
        if before is None or before.complaint != refused.message:
            logger.warning("Status not written: %s", refused.message, extra=about(source))

    def delay_to_next(self, poll_state: PollState, delay: float) -> float:
        """Return the seconds until the next turn: that of the poll, or an earlier one for the status alone."""
        unreported = poll_state.status.unreported
        if unreported is None:
            return delay
        now = self.monotonic()
        unreported.poll_due = now + delay
        return min(delay, max(0.0, unreported.retry_at - now))
