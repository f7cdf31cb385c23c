"""`Retry-After`: the API server sends it where it has too much to do, or is about to stop."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_SECONDS = 300.0
"""The longest that is obeyed: a header must not delay a source for a day."""

_LONGEST_HEADER = 64


def bounded(seconds: float) -> float:
    """Return seconds within bounds."""
    return float(min(max(seconds, 0.0), LONGEST_SECONDS))


def from_header(text: str | None, now: float) -> float:
    """Return the seconds in a `Retry-After` header, or 0.

    Parameters
    ----------
    text
        The header: seconds, or a date (RFC 9110, section 10.2.3).
    now
        Unix time.
    """
    if not text or len(text) > _LONGEST_HEADER:
        return 0.0
    try:
        seconds = int(text) if text.strip().isdecimal() else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return 0.0
    return bounded(seconds)


def from_status(answer: Mapping[str, Any]) -> float:
    """Return the seconds in a Status, or 0: that of a watch comes without a header."""
    details = answer.get("details")
    seconds = details.get("retryAfterSeconds") if isinstance(details, dict) else None
    return bounded(seconds) if isinstance(seconds, int) else 0.0
