"""What can be watched of an operator."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """A step. All but the idle operator come after a first sync."""

    IDLE = "idle"
    WINDOW = "window"
    REPLAY = "replay"
    DEPLOY = "deploy"
    RESTART = "restart"
