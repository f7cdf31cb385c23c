"""The steps in the life of an operator that can be measured."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """A step. All except the idle operator follow a first sync."""

    IDLE = "idle"
    WINDOW = "window"
    REPLAY = "replay"
    DEPLOY = "deploy"
    RESTART = "restart"
