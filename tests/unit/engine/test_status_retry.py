"""A status that is refused backs off by itself: neither polls nor ConfigMaps wait for it, nor it for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core import backoff
from appconfig_operator.core.errors import OutdatedError, RateLimitedError, Reason, SourceGoneError, TransientError
from appconfig_operator.core.target.drift import Drift, DriftKind
from tests.support.builders import content, spec
from tests.unit.support.engine_bench import AWAY, DENIED, NOT_FOUND, THROTTLED, Bench, bench
from tests.unit.support.engine_fakes import World

if TYPE_CHECKING:
    from appconfig_operator.api.status import Status
    from appconfig_operator.api.v1alpha1 import Source

BUSY = TransientError(Reason.TARGET_UNAVAILABLE, "busy", retry_after=30)
HALF_AN_HOUR = 1800.0


@dataclass
class Refusing(World):
    """A world whose API server refuses each status until it is reported otherwise."""

    tried: list[float] = field(default_factory=list)
    refuse: TransientError | None = AWAY

    def update_status(self, source: Source, status: Status) -> str:
        self.tried.append(self.now)
        if self.refuse is not None:
            raise self.refuse
        return super().update_status(source, status)


def refusing(*answers: object, interval: int = 60) -> tuple[Bench, Refusing]:
    world = Refusing(answers=list(answers), random=0.999)  # type: ignore[arg-type]
    it = Bench(world)
    if interval != 60:
        it = Bench(world, replace(it.source, spec=spec(poll_interval_seconds=interval)))
    return it, world


def run(it: Bench, seconds: float) -> int:
    """Return the source its turns, and return how many there were."""
    until, turns = it.world.now + seconds, 0
    while it.world.now < until:
        it.world.now += it.poll(after=0)
        turns += 1
    return turns


def test_a_refused_status_backs_off_while_polls_keep_their_pace(caplog: pytest.LogCaptureFixture) -> None:
    it, world = refusing(content(), interval=15)
    run(it, HALF_AN_HOUR)
    gaps = [after - before for before, after in zip(world.tried, world.tried[1:], strict=False)]
    assert len(world.tried) < HALF_AN_HOUR / 50
    assert gaps[:4] == pytest.approx([2, 4, 8, 16], rel=0.01)
    assert gaps[-1] == pytest.approx(backoff.CAP_SECONDS, rel=0.01)
    assert HALF_AN_HOUR / 16 - 2 <= world.polls <= HALF_AN_HOUR / 15
    assert world.writes == 1
    assert caplog.messages == ["Status not written: away"]


def test_a_version_is_written_while_the_status_waits() -> None:
    it, world = refusing(content(b"1"), content(b"2", label="v2"), interval=15)
    run(it, 40)
    assert world.writes == 2
    assert world.config_map is not None
    assert world.config_map.data.text == {"checkout.json": "2"}


def test_a_status_does_not_wait_for_a_poll_that_is_far_away() -> None:
    it, world = refusing(content(), interval=86_400)
    run(it, 3)
    world.refuse = None
    run(it, 10)
    assert it.ready == ("True", "Synced")
    assert (world.polls, len(world.tried)) == (1, 3)
    assert it.events == ["Synced"]
    assert it.result == "StatusWritten"
    assert world.now > 86_000, "the poll keeps its time"


@pytest.mark.parametrize(("error", "calls"), [(DENIED, 1), (THROTTLED, 8)], ids=["stalled", "backing off"])
def test_a_refused_status_does_not_hurry_what_backs_off(error: Exception, calls: int) -> None:
    it, world = refusing(*[error] * 50)
    run(it, 240)
    assert world.polls <= calls
    assert len(world.tried) >= 6


def test_a_change_of_the_config_map_is_told_late_but_told() -> None:
    it, world = refusing(content(b"1"), content(b"2", label="v2"))
    world.refuse = None
    it.poll()
    world.refuse = AWAY
    it.poll()
    world.refuse = None
    it.poll(after=it.state.status.unreported.retry_at - world.now if it.state.status.unreported else 0)
    assert it.events == ["Synced", "Synced"]


def test_what_is_told_late_is_what_is_true_by_then(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    it, world = refusing(content(), NOT_FOUND)
    it.poll(after=0)
    world.refuse = TransientError(Reason.TARGET_UNAVAILABLE, "refused otherwise")
    it.poll(after=60)
    world.refuse = None
    it.poll(after=10)
    assert it.ready == ("False", "NotFound")
    assert [line for line in caplog.messages if line.startswith("Status")] == [
        "Status not written: away",
        "Status not written: refused otherwise",
        "Status written",
    ]


def test_the_api_server_says_when_to_try_again() -> None:
    it, world = refusing(content(), interval=86_400)
    world.refuse = BUSY
    assert 30 <= it.poll(after=0) <= 32


def test_drift_is_seen_to_while_the_status_waits() -> None:
    it, world = refusing(content(), content())
    it.poll(after=0)
    world.config_maps.clear()
    it.state.drift.found = Drift(DriftKind.DELETED)
    it.poll(after=5)
    assert world.config_map is not None


def test_a_turn_that_is_put_off_does_not_put_off_the_status() -> None:
    it, world = refusing(content(), RateLimitedError(500), interval=15)
    it.poll(after=0)
    it.poll(after=1)  # before its turn: somebody woke it
    assert it.state.status.unreported is not None
    world.now = it.state.status.unreported.poll_due
    assert it.poll(after=0) < 10
    assert it.result == "RateLimited"
    world.refuse = None
    it.poll(after=it.delay)
    assert it.ready == ("True", "Synced")


def test_a_source_that_is_gone_is_noticed_by_the_status_alone() -> None:
    it, world = refusing(content(), interval=86_400)
    delay = it.poll(after=0)
    world.refuse = SourceGoneError("u")  # type: ignore[assignment]
    with pytest.raises(SourceGoneError):
        it.poll(after=delay)


def test_what_is_outdated_is_looked_at_more_and_more_slowly() -> None:
    """The watch may be away for long: then each source would be read once a second."""
    it = bench(*[OutdatedError("u")] * 8, content())
    assert [it.poll(after=0) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    it.poll(after=0)
    assert it.state.outdated_polls == 0
