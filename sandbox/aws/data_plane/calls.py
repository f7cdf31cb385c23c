"""The record of calls."""

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
    """When it arrived, by ``time.monotonic()``."""
    operation: Operation
    """Its operation."""
    status: int | None
    """The HTTP status; None if there was no answer."""
    place: Place | None
    """What it was about, as named when the session started; None if unknown."""
    session: int | None
    """The number of its session, from 1; None if there is none."""
    fault: str = ""
    """The name of the fault that affected it, or empty."""
    caller: str = ""
    """The access key that signed it."""
    size: int = 0
    """Bytes of the configuration that was delivered. 0: nothing new."""
    replay: bool = False
    """Whether its token had been used before. AWS accepts the newest used one once more; a good client sends none."""
