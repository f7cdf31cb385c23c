"""What others do to the ConfigMap of a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appconfig_operator.core import backoff
from appconfig_operator.core.target.drift import FIGHT_WINDOW_SECONDS, fighting

if TYPE_CHECKING:
    from appconfig_operator.core.target.drift import Drift


@dataclass(slots=True)
class DriftState:
    """Whether the ConfigMap is as the operator wrote it. All moments are by the monotonic clock, in seconds.

    Attributes
    ----------
    untouched
        Whether the watch has seen that no one has written the ConfigMap since the operator did.
    found
        What someone else did to it, until that is reverted.
    session_renewed
        Whether there is a new session already, to fetch the content for that.
    repairs
        When it was reverted lately.
    """

    untouched: bool = False
    found: Drift | None = None
    session_renewed: bool = False
    repairs: tuple[float, ...] = ()

    def is_fight(self, now: float) -> bool:
        """Return whether someone keeps changing the ConfigMap, and it was reverted a short time ago."""
        if self.found is None or not fighting(self.repairs, now):
            return False
        self.repairs = tuple(when for when in self.repairs if now - when < FIGHT_WINDOW_SECONDS)
        return now - self.repairs[-1] < backoff.STALLED_SECONDS

    def dismiss(self) -> None:
        """Discard a false alarm: the ConfigMap is as it was written."""
        self.found, self.session_renewed = None, False

    def settle(self, *, reverted: bool, now: float) -> Drift | None:
        """Clear the drift and return it; count it as a repair if it was reverted."""
        found, self.found = self.found, None
        if found is not None and reverted:
            self.repairs = (*self.repairs, now)
        return found

    def for_new_session(self) -> DriftState:
        """Return what stays true in a new session."""
        return DriftState(untouched=self.untouched)
