"""Whether polls are quick."""

from __future__ import annotations

from enum import StrEnum


class Pace(StrEnum):
    """How fast the polls of a lane are, as metrics name it."""

    QUICK = "quick"
    SLOW = "slow"
    """They take long, or hang."""

    @classmethod
    def of(cls, *, slow: bool) -> Pace:
        """Return the pace of polls that are slow, or not."""
        return cls.SLOW if slow else cls.QUICK
