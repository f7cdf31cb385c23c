"""From AppConfig: the session of a source, and when it may be called again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appconfig_operator.engine.ports import ConfigurationSession


@dataclass(slots=True)
class FetchState:
    """The AppConfig session of a source. All moments are by the monotonic clock, in seconds.

    Attributes
    ----------
    session
        The session.
    last_answered_at
        When AppConfig last answered, initially when this was created. The token is no older.
    next_call_at
        When AppConfig may be called again.
    must_refetch
        Whether a configuration was received and given up, as too many wait to be written. AppConfig sends it again in
        a new session only.
    confirmed
        Whether AppConfig's last answer was a configuration, or that nothing is new: until then, what the ConfigMap
        holds may be of another spec.
    """

    session: ConfigurationSession
    last_answered_at: float
    next_call_at: float = 0.0
    must_refetch: bool = False
    confirmed: bool = False

    def seconds_until_call(self, now: float) -> float:
        """Return in how many seconds AppConfig may be called."""
        return max(0.0, self.next_call_at - now)

    def answered(self, now: float, *, confirmed: bool) -> None:
        """Note that AppConfig answered."""
        self.last_answered_at, self.confirmed = now, confirmed
        self.wait_interval(now)

    def wait_interval(self, now: float) -> None:
        """Call AppConfig again after the interval of the session."""
        self.next_call_at = now + self.session.interval

    def use(self, session: ConfigurationSession) -> None:
        """Continue with a new session, which sends the current configuration whatever was sent before."""
        self.session, self.must_refetch = session, False
