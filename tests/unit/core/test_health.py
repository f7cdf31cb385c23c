"""Health: what is a complaint, and from when on."""

from __future__ import annotations

import pytest

from appconfig_operator.core.health import (
    LAPSED_SECONDS,
    SCHEDULER_STUCK_SECONDS,
    SHARDS_STUCK_SECONDS,
    stuck,
    unready,
)


def test_well() -> None:
    assert stuck(scheduler=SCHEDULER_STUCK_SECONDS, shards=SHARDS_STUCK_SECONDS) == []
    assert unready(listed=True, lapsed=LAPSED_SECONDS) == []


def test_workers_that_all_wait_for_aws_are_well() -> None:
    """3 s to connect, 10 s until an answer begins, 30 s and a read of 10 s for its body, with a call to STS before."""
    assert stuck(scheduler=13 + 53, shards=0) == []


@pytest.mark.parametrize(
    ("scheduler", "shards", "words"),
    [
        (120.6, 0, ["the scheduler has given no sign of life for 121 s"]),
        (0, 300, ["the loop of the shards has given no sign of life for 300 s"]),
    ],
)
def test_stuck(scheduler: float, shards: float, words: list[str]) -> None:
    assert stuck(scheduler=scheduler, shards=shards) == words


def test_both_are_told() -> None:
    assert len(stuck(scheduler=500, shards=130)) == 2


def test_unready() -> None:
    first, second = unready(listed=False, lapsed=31)
    assert first == "the Kubernetes API server has not told yet which sources there are"
    assert second == "the Lease of a shard could not be renewed and lapsed 31 s ago"
