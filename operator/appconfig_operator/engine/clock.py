"""The clock that Leases are judged by."""

from __future__ import annotations

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Return seconds that no one sets, also those that the machine was suspended, where the platform counts them.

    The monotonic clock of Linux stands still meanwhile. A replica that wakes up would take its Leases for its own yet.
    """
    return time.clock_gettime(_CLOCK)
