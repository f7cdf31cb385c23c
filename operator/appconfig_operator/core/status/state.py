"""The state of a source in one word, for counting."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from appconfig_operator.core.status.conditions import READY, STALLED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appconfig_operator.api.status import Condition


class State(StrEnum):
    """States of a source. Each source is in one of them, so that the numbers add up to all sources."""

    READY = "Ready"
    NOT_READY = "NotReady"
    STALLED = "Stalled"
    UNKNOWN = "Unknown"
    SUSPENDED = "Suspended"


def state_of(conditions: Iterable[Condition], *, suspended: bool) -> State:
    """Return the state of a source.

    Parameters
    ----------
    conditions
        The conditions in its status.
    suspended
        Whether its spec says so. This takes precedence, because the conditions are then out of date.
    """
    if suspended:
        return State.SUSPENDED
    status = {condition.type: condition.status for condition in conditions}
    match status.get(READY):
        case "True":
            return State.READY
        case "False":
            return State.STALLED if status.get(STALLED) == "True" else State.NOT_READY
        case _:
            return State.UNKNOWN
