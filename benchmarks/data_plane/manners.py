"""Which calls are answered late, or never, based on the application of a session or the name of a role. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

NEVER = math.inf
SLOW_SECONDS = 6.0

HANGS = "hangs"
"""An application: StartConfigurationSession is never answered."""
HANGS_LATER = "hangs-later"
"""An application: sessions start, and GetLatestConfiguration is never answered."""
SLOW = "slow"
"""An application: each call is answered after `SLOW_SECONDS`."""
HANGING_ROLE = "role/hangs"
"""Part of the ARN of a role for which STS never answers."""


class Manner(NamedTuple):
    """How long answers take, in seconds; `NEVER`: there is no answer."""

    start: float = 0.0
    latest: float = 0.0


class Reply(NamedTuple):
    """An answer, as the bytes to send, and its delay in seconds."""

    answer: bytes
    after: float = 0.0


_MANNERS = {
    HANGS: Manner(start=NEVER),
    HANGS_LATER: Manner(latest=NEVER),
    SLOW: Manner(start=SLOW_SECONDS, latest=SLOW_SECONDS),
}
_GOOD = Manner()


def manner(application: str) -> Manner:
    """Return how calls about an application are answered."""
    return _MANNERS.get(application, _GOOD)
