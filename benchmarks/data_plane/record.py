"""What the data plane records about each call."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Operation(StrEnum):
    """The two calls of the data plane."""

    START = "start"
    LATEST = "latest"


class Outcome(StrEnum):
    """How a call was answered."""

    STARTED = "started"
    CONTENT = "content"
    UNCHANGED = "unchanged"
    EARLY = "early"
    HELD = "held"
    """Never answered."""
    BAD_TOKEN = "bad token"  # noqa: S105 - what is wrong with one


class Call(NamedTuple):
    """One call, when it arrived."""

    time: float
    """Unix time in seconds."""
    caller: str
    """The access key that signed it: each replica has its own."""
    operation: str
    profile: str
    session: int
    """The number of the session, from 1, in the order of their starts; 0 if the token names none."""
    outcome: str
