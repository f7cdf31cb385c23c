"""What waits to be written is kept up to a bound for all sources, and fetched again beyond it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from appconfig_operator.engine.reserve import Reserve
from tests.support.builders import content, source, spec
from tests.unit.support.engine_bench import AWAY, FOREIGN, Bench
from tests.unit.support.engine_fakes import World

BODY = b'{"a": "' + 991 * b"x" + b'"}'


def test_what_is_gone_counts_no_more() -> None:
    reserve = Reserve(2500)
    first, second, third = (content(BODY, label=f"v{number}") for number in range(3))
    assert reserve.keep(first)
    assert reserve.keep(second)
    assert reserve.keep(first), "counted once"
    assert not reserve.keep(third)
    del first
    assert reserve.keep(third)
    del second, third
    assert reserve._bytes == 0
    assert not reserve._kept


@dataclass
class Small(Bench):
    """A poller that may keep nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.poller._reserve = Reserve(10)


@pytest.mark.parametrize("error", [AWAY, FOREIGN])
def test_beyond_the_bound_it_is_fetched_again(error: Exception) -> None:
    world = World(answers=[content(BODY), content(BODY)], write_errors=[error.copy()])  # type: ignore[attr-defined]
    it = Small(world)
    it.poll()
    assert it.state.delivery.pending is None
    assert world.config_map is None
    assert (world.sessions, world.polls) == (1, 1)
    it.poll()
    assert (world.sessions, world.polls) == (2, 2)
    assert world.config_map is not None
    assert it.ready == ("True", "Synced")


def test_until_appconfig_may_be_called_nothing_is_said() -> None:
    world = World(answers=[content(BODY), content(BODY)], write_errors=[AWAY.copy()])
    it = Small(world)
    it.poll()
    statuses = list(world.statuses)
    delay = it.poll(after=1)
    assert it.result == "TooEarly"
    assert delay == pytest.approx(59)
    assert (world.sessions, world.polls, world.statuses) == (1, 1, statuses)


def test_a_pinned_version_does_not_wait_for_it() -> None:
    world = World(answers=[content(BODY)], write_errors=[AWAY.copy()])
    it = Small(world)
    it.poll()
    it.source = replace(it.source, spec=spec(pinned_digest="sha256:" + 64 * "0"))
    it.poll(after=1)
    assert it.ready == ("False", "PinnedVersionMissing")


def test_another_replica_begins_anew() -> None:
    it = Small(World(answers=[content(BODY)], write_errors=[AWAY.copy()]))
    it.poll()
    it.state.status.stored = replace(it.state.status.stored, observed_generation=it.source.generation)
    assert it.sessions.export(source(), it.state, 0.0) is None
    it.state.fetch.must_refetch = False
    assert it.sessions.export(source(), it.state, 0.0) is not None


def test_within_the_bound_nothing_is_fetched_again() -> None:
    world = World(answers=[content(BODY)], write_errors=[AWAY.copy()])
    it = Bench(world)
    it.poll()
    it.poll()
    assert (world.sessions, world.config_map is not None) == (1, True)
