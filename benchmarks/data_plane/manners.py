"""Who is answered late, or never: the application that a session asks for says it, and the name of a role. Pure."""

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
"""What is in the ARN of a role that STS never answers about."""


class Manner(NamedTuple):
    """How long answers take, in seconds: `NEVER` for those that do not come."""

    start: float = 0.0
    latest: float = 0.0


class Reply(NamedTuple):
    """An answer, as the bytes that go over the wire, and how many seconds it is held back."""

    answer: bytes
    after: float = 0.0


_MANNERS = {
    HANGS: Manner(start=NEVER),
    HANGS_LATER: Manner(latest=NEVER),
    SLOW: Manner(start=SLOW_SECONDS, latest=SLOW_SECONDS),
}
_GOOD = Manner()


def manner(application: str) -> Manner:
    """Tell how an application is answered."""
    return _MANNERS.get(application, _GOOD)
