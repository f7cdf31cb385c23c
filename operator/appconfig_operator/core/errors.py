"""What can go wrong with a source, and what follows: which reason shows, whether to retry, and how soon.

An error of a library is turned into one of these where it enters. The messages are shown to users in conditions and
Events, so they hold no configuration value, token or credential.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

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


class SourceError(Exception):
    """Something is wrong with one source.

    Parameters
    ----------
    reason
        The reason that `Ready` shows.
    message
        What is wrong and the way out, for users.
    retry_after
        Seconds before which another attempt is pointless, 0 where nobody knows.
    """

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


class WaitingError(SourceError):
    """Nothing is broken, something is still to come: polled at the ordinary pace."""


class ContentError(SourceError):
    """The received configuration cannot be written: stalled until AppConfig delivers another one."""


class StallingError(SourceError):
    """A person has to mend something: stalled, and looked at again at a slow pace."""


class BlockedError(StallingError):
    """Stalled, but a look costs no more than an ordinary poll, in the cluster or at AWS: tried at the ordinary pace."""


class TransientError(SourceError):
    """It is likely to pass: retried with back-off, and shown after the third failure in a row."""


class ForbiddenError(TransientError):
    """The API server refuses (403): retried as transient; stalled, and tried each minute, from the third failure on."""


class SourceGoneError(Exception):
    """The `AppConfigSource` does not exist any more, so there is nobody to tell."""


class TooEarlyError(Exception):
    """AppConfig wants the poll interval kept: nothing is wrong, and nothing is known."""


class OutdatedError(Exception):
    """The spec has changed, and the watch has not told of it yet: by the old one nothing is to be written."""


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
