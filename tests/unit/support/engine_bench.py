"""A source on a bench: its state, its world, and the errors that the world may answer with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from appconfig_operator.api.status import Status
from appconfig_operator.core.errors import (
    BlockedError,
    ForbiddenError,
    Reason,
    StallingError,
    TransientError,
    WaitingError,
)
from tests.support.builders import source
from tests.unit.support.engine_fakes import World

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.engine.poll import Poller
    from appconfig_operator.engine.sessions import Sessions
    from appconfig_operator.engine.state.poll_state import PollState

NOT_DEPLOYED = WaitingError(Reason.NOT_DEPLOYED, "nothing yet")
NOT_FOUND = BlockedError(Reason.NOT_FOUND, "no such thing")
DENIED = StallingError(Reason.ACCESS_DENIED, "may not")
THROTTLED = TransientError(Reason.THROTTLED, "slow down")
AWAY = TransientError(Reason.TARGET_UNAVAILABLE, "away")
FOREIGN = StallingError(Reason.TARGET_NOT_OWNED, "foreign")
FORBIDDEN = ForbiddenError(Reason.TARGET_REJECTED, "forbidden")


@dataclass
class Bench:
    """One source, its state and its world."""

    world: World
    source: Source = field(default_factory=source)
    state: PollState = field(init=False)
    poller: Poller = field(init=False)
    sessions: Sessions = field(init=False)
    result: str = ""
    delay: float = 0.0

    def __post_init__(self) -> None:
        self.poller = self.world.poller()
        self.sessions = self.world.starting()
        self.state = self.sessions.start(self.source, None).poll_state

    def poll(self, *, after: float | None = None) -> float:
        """Poll, `after` seconds later (default: when AppConfig may be called again)."""
        self.world.now = max(self.world.now, self.state.fetch.next_call_at) if after is None else self.world.now + after
        polled = self.poller.poll(self.source, self.state)
        assert polled.delay is not None
        self.result = polled.result
        return polled.delay

    def restart(self) -> Bench:
        """Start again, with what the API server kept of the source."""
        status = self.world.statuses[-1] if self.world.statuses else Status()
        return Bench(self.world, replace(self.source, status=status))

    @property
    def ready(self) -> tuple[str, str]:
        condition = self.state.status.stored.condition("Ready")
        assert condition is not None
        return condition.status, condition.reason

    @property
    def events(self) -> list[str]:
        return [reason for _, _, reason in self.world.events]


def bench(*answers: object) -> Bench:
    return Bench(World(answers=list(answers)))  # type: ignore[arg-type]
