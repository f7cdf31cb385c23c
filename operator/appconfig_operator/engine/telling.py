"""A status that could not be written is tried again at a pace of its own.

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
    from appconfig_operator.engine.memory import Memory
    from appconfig_operator.engine.report import Reporter

logger = logging.getLogger(__name__)

_ROUNDING_SECONDS = 0.001  # a turn comes after a delay, and a sum of floats may fall short of the moment that was meant


@dataclass(slots=True)
class Untold:
    """What became of the last poll, while the status does not show it.

    Attributes
    ----------
    error
        What went wrong, or `None`.
    changed
        Whether the ConfigMap was written since the status was.
    failures
        Tries in a row that failed.
    again
        When to try again, by the monotonic clock.
    poll_due
        When the source is to be polled again, by the monotonic clock.
    complaint
        What was logged of it last.
    """

    error: SourceError | None
    changed: bool
    failures: int
    again: float
    complaint: str
    poll_due: float = 0.0


@dataclass(frozen=True, slots=True)
class Teller:
    """Reports what became of polls, not faster than the API server takes it.

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

    def turn(self, memory: Memory) -> bool:
        """Return whether this turn came for the status alone. Whoever wakes the source earlier wants a poll."""
        untold = memory.untold
        if untold is None or memory.drift is not None or memory.woken:
            return False
        return self._due(untold) and self.monotonic() < untold.poll_due

    def _due(self, untold: Untold) -> bool:
        return self.monotonic() >= untold.again - _ROUNDING_SECONDS

    def retell(self, source: Source, memory: Memory) -> TransientError | None:
        """Try again to report what became of the last poll. Returns and raises as `tell`."""
        assert memory.untold is not None, "nothing is untold"  # noqa: S101 (`turn` has looked)
        return self.tell(source, memory, memory.untold.error, changed=False)

    def tell(
        self, source: Source, memory: Memory, error: SourceError | None, *, changed: bool
    ) -> TransientError | None:
        """Return what became of a poll, unless the status was refused a moment ago.

        Returns
        -------
        TransientError or None
            Why the status could not be written, where that was tried.

        Raises
        ------
        SourceGoneError
            When there is nobody to report to.
        """
        untold = memory.untold
        if untold is not None:
            untold.error, untold.changed = error and error.copy(), untold.changed or changed
            changed = untold.changed
            if not self._due(untold):
                return None
        try:
            self.reporter.report(source, memory, error, changed=changed)
        except TransientError as refused:
            self._put_off(source, memory, Untold(error and error.copy(), changed, 0, 0.0, ""), refused)
            return refused.copy()
        if untold is not None:
            logger.info("Status written", extra=about(source))
        memory.untold = None
        return None

    def _put_off(self, source: Source, memory: Memory, untold: Untold, refused: TransientError) -> None:
        before = memory.untold
        untold.failures = 1 if before is None else before.failures + 1
        wait = refused.retry_after + backoff.retry_delay(untold.failures, self.random())
        untold.again, untold.complaint = self.monotonic() + wait, refused.message
        if before is None or before.complaint != refused.message:
            logger.warning("Status not written: %s", refused.message, extra=about(source))
        memory.untold = untold

    def sooner(self, memory: Memory, delay: float) -> float:
        """Return the seconds until the next turn: that of the poll, or an earlier one for the status alone."""
        if memory.untold is None:
            return delay
        now = self.monotonic()
        memory.untold.poll_due = now + delay
        return min(delay, max(0.0, memory.untold.again - now))
