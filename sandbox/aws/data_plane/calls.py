"""What was called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.aws.appconfig import Place
    from sandbox.aws.data_plane.messages import Operation


@dataclass(frozen=True)
class Call:
    """One request."""

    time: float
    """When it came, by ``time.monotonic()``."""
    operation: Operation
    """Which call."""
    status: int | None
    """The HTTP status; None where there was no answer."""
    place: Place | None
    """What it was about, as the session's start named it; None where that is not known."""
    session: int | None
    """The number of its session, from 1; None where there is none."""
    fault: str = ""
    """The name of the fault that it met, or nothing."""
    caller: str = ""
    """Whose access key signed it."""
    size: int = 0
    """Bytes of the configuration that was delivered. 0: nothing new."""
    replay: bool = False
    """Whether its token had been used before. AWS takes the newest used one once more; a good client sends none."""
