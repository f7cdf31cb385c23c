"""How soon a source is polled again, in seconds.

Randomness is passed in: each function takes a number from 0 (included) to 1 (excluded).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appconfig_operator.core.errors import SHOWN_AFTER, Retry

if TYPE_CHECKING:
    from appconfig_operator.core.errors import SourceError

STALLED_SECONDS = 300.0
"""A stalled source: a person has to act, so polling often only costs."""

BASE_SECONDS = 1.0
CAP_SECONDS = 60.0

JITTER_CAP_SECONDS = 5.0
"""What is added to an interval at most."""

_JITTER_SHARE = 0.05


def poll_delay(interval: float, remaining: float, random: float) -> float:
    """Return what remains of the interval and a little more: sources spread out, and none is polled too soon."""
    return remaining + random * min(_JITTER_SHARE * interval, JITTER_CAP_SECONDS)


def stalled_delay(interval: float, random: float) -> float:
    """Return the pace of a stalled source, which is never faster than its ordinary one."""
    pace = max(interval, STALLED_SECONDS)
    return poll_delay(pace, pace, random)


def forbidden_delay(random: float) -> float:
    """Return the pace of a source that lacks a right in the cluster.

    Nothing reports when the right is granted, and an attempt costs one call to the API server.
    """
    return poll_delay(CAP_SECONDS, CAP_SECONDS, random)


def retry_delay(failures: int, random: float) -> float:
    """Return a full-jitter backoff.

    Full jitter keeps retries of many clients apart:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Parameters
    ----------
    failures
        Transient failures in a row, from 1.
    random
        From 0 to 1.
    """
    # The exponent is bounded because a float overflows after some thousand failures.
    return random * min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(failures, 16))


def delay_after(error: SourceError, *, failures: int, interval: float, remaining: float, random: float) -> float:
    """Return the seconds until a source is polled again after an error.

    Parameters
    ----------
    error
        What went wrong.
    failures
        Transient failures in a row, this one included.
    interval
        Seconds between two polls.
    remaining
        Seconds until AppConfig may be asked again.
    random
        From 0 to 1.
    """
    match error.retry:
        case Retry.INTERVAL:
            return poll_delay(interval, remaining, random)
        case Retry.SLOW if error.retry_after > 0:
            # One source tries on behalf of all that share its credentials, so trying often costs next to nothing.
            return poll_delay(interval, error.retry_after, random)
        case Retry.SLOW:
            return stalled_delay(interval, random)
        case Retry.BACKOFF_THEN_MINUTE if failures >= SHOWN_AFTER:
            return error.retry_after + forbidden_delay(random)
    # Never sooner than whoever refused asked for. The jitter spreads out those who got the same answer.
    return error.retry_after + retry_delay(failures, random)
