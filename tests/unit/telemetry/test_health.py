"""Health: what is a complaint, and from when on."""

from __future__ import annotations

import pytest

from appconfig_operator.telemetry.health import (
    LAPSED_SECONDS,
    SCHEDULER_STUCK_SECONDS,
    SHARDS_STUCK_SECONDS,
    stuck,
    unready,
)


def test_well() -> None:
    assert stuck(scheduler=SCHEDULER_STUCK_SECONDS, shards=SHARDS_STUCK_SECONDS) == []
    assert unready(listed=True, joined=True, failing=LAPSED_SECONDS, lapsed=LAPSED_SECONDS, trouble="timeout") == []


def test_workers_that_all_wait_for_aws_are_well() -> None:
    """3 s to connect, 10 s until an answer begins, 30 s and a read of 10 s for its body, with a call to STS before."""
    assert stuck(scheduler=13 + 53, shards=0) == []


@pytest.mark.parametrize(
    ("scheduler", "shards", "words"),
    [
        (120.6, 0, ["the scheduler has had no heartbeat for 121 s"]),
        (0, 300, ["the loop of the shards has had no heartbeat for 300 s"]),
    ],
)
def test_stuck(scheduler: float, shards: float, words: list[str]) -> None:
    assert stuck(scheduler=scheduler, shards=shards) == words


def test_both_are_told() -> None:
    assert len(stuck(scheduler=500, shards=130)) == 2


REFUSED = "Leases in namespace ops: the Kubernetes API server answered HTTP 403 Forbidden: cannot list leases"


def test_unready() -> None:
    first, second, third = unready(listed=False, joined=True, failing=45, lapsed=31, trouble=REFUSED)
    assert first == "the Kubernetes API server has not listed the sources yet"
    assert second == f"Leases could not be listed or written for 45 s: {REFUSED}"
    assert third == "the Lease of a shard could not be renewed and lapsed 31 s ago"


def test_a_missing_right_is_told() -> None:
    words = "the operator is not allowed to watch appconfigsources in all namespaces"
    reported = unready(listed=True, joined=True, failing=0, lapsed=0, trouble="", missing=[words])
    assert reported == [words]


@pytest.mark.parametrize(("trouble", "end"), [(REFUSED, f": {REFUSED}"), ("", "")])
def test_a_replica_without_a_place_among_the_others_is_not_ready(trouble: str, end: str) -> None:
    """Else a rolling update would delete the last one that works."""
    words = f"this replica has not written its Lease and seen it in the list of Leases yet{end}"
    assert unready(listed=True, joined=False, failing=100, lapsed=0, trouble=trouble) == [words]
