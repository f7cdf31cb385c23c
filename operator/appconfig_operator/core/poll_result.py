"""How a poll ended, as the metrics count it: the values of the label `result` of `polls_total`."""

from __future__ import annotations

from enum import StrEnum


class PollResult(StrEnum):
    """How a poll ended, documented in docs/metrics.md. Errors have the name of their `Reason`."""

    UNCHANGED = "Unchanged"
    RECEIVED = "Received"
    TOO_EARLY = "TooEarly"
    RATE_LIMITED = "RateLimited"
    BUSY = "Busy"
    OUTDATED = "Outdated"
    STATUS_WRITTEN = "StatusWritten"
    GONE = "Gone"
    ERROR = "Error"

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
