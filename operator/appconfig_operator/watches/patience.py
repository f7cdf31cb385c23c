"""How long a watch waits before it is tried again."""

from __future__ import annotations

WATCH_AGAIN_SECONDS = 5.0
"""Between two tries."""

LONGEST_WAIT_SECONDS = 60.0
"""The longest `Retry-After` that is obeyed: no one sees changes meanwhile."""


def patience(error: Exception) -> float:
    """Return the seconds until the next try after an error: as many as the API server asks for, within bounds."""
    return max(WATCH_AGAIN_SECONDS, min(getattr(error, "retry_after", 0.0), LONGEST_WAIT_SECONDS))
