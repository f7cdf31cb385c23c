"""When a source is polled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.engine.lanes import QueuedPoll


@dataclass(slots=True)
class PollSchedule:
    """When a source is polled. All moments are by the monotonic clock, in seconds.

    Attributes
    ----------
    queued_poll
        Its poll in the queue. `None`: it has none there.
    due
        When its next poll is due.
    not_before
        When it may be polled at the earliest, whatever is asked for.
    last_polled_at
        When its last poll began.
    running
        Whether it is being polled.
    known_quick
        Whether its last poll was quick, and brought an answer.
    restart_requested
        Whether the spec changed, or a sync was requested, during a poll.
    restart_reserved
        Whether the next poll is the first one of a new session that a change has asked for.
    woken
        Whether what it waits for has changed during a poll.
    """

    queued_poll: QueuedPoll | None = None
    due: float = 0.0
    not_before: float = float("-inf")
    last_polled_at: float = float("-inf")
    running: bool = False
    known_quick: bool = False
    restart_requested: bool = False
    restart_reserved: bool = False
    woken: bool = False

    def cancel(self) -> None:
        """Take its poll out of the queue."""
        if self.queued_poll is not None:
            self.queued_poll.cancelled, self.queued_poll = True, None

    def begin(self, now: float) -> None:
        """Note that the poll begins that the queue has handed out."""
        self.running, self.queued_poll, self.restart_reserved, self.last_polled_at = True, None, False, now

    def postpone(self, until: float) -> None:
        """Begin no poll before a moment."""
        self.not_before = max(self.not_before, until)

    def reset(self) -> None:
        """Cancel its poll, and forget what is of use only to the replica that polls the source."""
        self.cancel()
        self.restart_requested, self.restart_reserved, self.woken = False, False, False
        self.not_before = float("-inf")
