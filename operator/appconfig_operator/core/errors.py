"""What can go wrong with a source, and what follows: which reason shows, whether to retry, and how soon.

An error of a library is turned into one of these where it enters. The messages are shown to users in conditions and
Events, so they hold no configuration value, token or credential.
"""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from typing import Self


class Reason(StrEnum):
    """Reasons of the `Ready` condition, documented in docs/reasons.md."""

    SYNCED = "Synced"
    PINNED = "Pinned"
    PROGRESSING = "Progressing"
    NOT_DEPLOYED = "NotDeployed"
    NOT_FOUND = "NotFound"
    ACCESS_DENIED = "AccessDenied"
    CREDENTIALS_UNAVAILABLE = "CredentialsUnavailable"
    FORBIDDEN_BY_POLICY = "ForbiddenByPolicy"
    INVALID_SOURCE = "InvalidSource"
    INVALID_CONTENT = "InvalidContent"
    UNSUPPORTED_CONTENT = "UnsupportedContent"
    TOO_LARGE = "TooLarge"
    TARGET_NOT_OWNED = "TargetNotOwned"
    TARGET_MISSING = "TargetMissing"
    TARGET_CONFLICT = "TargetConflict"
    TARGET_REJECTED = "TargetRejected"
    PINNED_VERSION_MISSING = "PinnedVersionMissing"
    THROTTLED = "Throttled"
    SERVICE_UNAVAILABLE = "ServiceUnavailable"
    TARGET_UNAVAILABLE = "TargetUnavailable"


SHOWN_AFTER = 3
"""Transient failures in a row before `Ready` shows them: until then the last good version is served."""


class Retry(Enum):
    """When a source is polled again after an error; `backoff.delay_after` has the seconds."""

    INTERVAL = auto()
    """When AppConfig may be asked next."""

    SLOW = auto()
    """Every 5 minutes, or every poll interval when that is longer; after `retry_after` where the error has one."""

    BACKOFF = auto()
    """With backoff: it is likely to pass. Shown from the third failure in a row on."""

    BACKOFF_THEN_MINUTE = auto()
    """With backoff twice, and then each minute."""


class SourceError(Exception):
    """Something is wrong with one source. Its class says what follows.

    | class | `retry` | `stalled` |
    |---|---|---|
    | `WaitingError` | `INTERVAL` | no |
    | `ContentError` | `INTERVAL` | yes |
    | `StallingError` | `SLOW` | yes |
    | `BlockedError` | `INTERVAL` | yes |
    | `TransientError` | `BACKOFF` | no |
    | `ForbiddenError` | `BACKOFF_THEN_MINUTE` | yes, once it is shown |

    Attributes
    ----------
    retry
        When the source is polled again.
    stalled
        Whether a person has to fix something, as the condition `Stalled` says while the error shows.

    Parameters
    ----------
    reason
        The reason that `Ready` shows.
    message
        What is wrong and the way out, for users.
    retry_after
        Seconds before which another attempt is pointless, 0 where no one knows.
    """

    retry: ClassVar[Retry] = Retry.INTERVAL
    stalled: ClassVar[bool] = False

    def __init__(self, reason: Reason, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    def copy(self) -> Self:
        """Return an equal error to keep or to raise again.

        An exception that was raised holds its traceback, and with it every local variable on the way: a parsed document
        of megabytes. So what is kept between two polls is a copy, and each raise is one of a copy.
        """
        return type(self)(self.reason, self.message, retry_after=self.retry_after)

    @property
    def transient(self) -> bool:
        """Whether it is likely to pass, so that it shows only once it came `SHOWN_AFTER` times in a row."""
        return self.retry in {Retry.BACKOFF, Retry.BACKOFF_THEN_MINUTE}


class WaitingError(SourceError):
    """Nothing is broken, something is still to come: polled at the ordinary pace."""


class ContentError(SourceError):
    """The received configuration cannot be written: stalled until AppConfig delivers another one."""

    stalled = True


class StallingError(SourceError):
    """A person has to fix something: stalled, and retried at a slow pace."""

    retry = Retry.SLOW
    stalled = True


class BlockedError(StallingError):
    """Stalled, but a retry costs no more than an ordinary poll, in the cluster or at AWS: retried at that pace."""

    retry = Retry.INTERVAL


class TransientError(SourceError):
    """It is likely to pass: retried with backoff, and shown after the third failure in a row."""

    retry = Retry.BACKOFF


class OvertakenError(TransientError):
    """Someone else changed the ConfigMap between its read and the write: what was planned has to be planned again."""


class ForbiddenError(TransientError):
    """The API server refuses (403): retried as transient; stalled, and tried each minute, from the third failure on."""

    retry = Retry.BACKOFF_THEN_MINUTE
    stalled = True


class SourceGoneError(Exception):
    """The `AppConfigSource` does not exist anymore, so there is no status to report to."""


class TooEarlyError(Exception):
    """AppConfig wants the poll interval kept: nothing is wrong, and nothing is known."""


class OutdatedError(Exception):
    """The spec has changed, and the watch has not reported it yet: nothing may be written by the old one."""


class RateLimitedError(Exception):
    """A call to AWS has to wait for its turn: nothing is wrong, and nothing was sent.

    Parameters
    ----------
    seconds
        Until its turn.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.3f} s until the next call")
        self.seconds = seconds


class BusyError(RateLimitedError):
    """Another poll makes just the call that this one needs: nothing is wrong, and nothing was sent."""
