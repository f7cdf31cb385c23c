"""The state that a source is counted under."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.errors import (
    ForbiddenError,
    Reason,
    SourceError,
    StallingError,
    TransientError,
    WaitingError,
)
from appconfig_operator.core.status.conditions import conditions, failed, synced
from appconfig_operator.core.status.state import State, state_of

if TYPE_CHECKING:
    from appconfig_operator.api.status import Condition

NOW = "2026-01-01T00:00:00Z"


def after(error: SourceError | None) -> tuple[Condition, ...]:
    verdict = (
        synced(target="checkout", version_label="v1", data_digest="sha256:1")
        if error is None
        else failed(error, failures=3, ready=None)
    )
    assert verdict is not None
    return conditions(verdict, previous=(), generation=1, now=NOW)


def unknown() -> tuple[Condition, ...]:
    verdict = failed(TransientError(Reason.THROTTLED, "…"), failures=1, ready=None)
    assert verdict is not None
    return conditions(verdict, previous=(), generation=1, now=NOW)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ((), State.UNKNOWN),
        (unknown(), State.UNKNOWN),
        (after(None), State.READY),
        (after(WaitingError(Reason.NOT_DEPLOYED, "…")), State.NOT_READY),
        (after(TransientError(Reason.SERVICE_UNAVAILABLE, "…")), State.NOT_READY),
        (after(StallingError(Reason.NOT_FOUND, "…")), State.STALLED),
        (after(ForbiddenError(Reason.TARGET_REJECTED, "…")), State.STALLED),
    ],
)
def test_state(found: tuple[Condition, ...], state: State) -> None:
    assert state_of(found, suspended=False) is state
    assert state_of(found, suspended=True) is State.SUSPENDED
