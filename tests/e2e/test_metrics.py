"""Metrics and probes of the real process."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

import pytest

from sandbox import wait_until
from tests.e2e.support.scene import TIMEOUT
from tests.e2e.support.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sandbox import ControlPlane, MiniStack
    from tests.e2e.support.scene import Scene


@pytest.fixture
def stage(installed: ControlPlane, ministack: MiniStack, scene: Scene, tmp_path: Path) -> Iterator[Stage]:
    with Stage(installed, ministack, scene, tmp_path) as stage:
        yield stage


def sources(metrics: Mapping[str, float]) -> dict[str, float]:
    """Give how many sources there are, by state, and how many in all."""
    states = ("Ready", "NotReady", "Stalled", "Unknown", "Suspended")
    by_state = {state: metrics[f'sources{{state="{state}"}}'] for state in states}
    return {"known": metrics["sources_known"]} | {state: number for state, number in by_state.items() if number}


def test_what_is_told_of_sources_polls_and_shards(stage: Stage) -> None:
    replica = stage.start("one", "--lease-duration=6", shards=3)
    stage.deploy(["good", "idle"])
    stage.apply(["good", "idle"])
    stage.scene.change("idle", suspend=True)
    stage.scene.apply("wrong", application="nowhere")
    stage.scene.wait_for("good", "Synced")
    stage.scene.wait_for("wrong", "NotFound")
    stage.wait_for_polls(["good"], since=time.monotonic(), polls=2)
    wait_until(
        lambda: sources(replica.metrics()) == {"known": 3, "Ready": 1, "Stalled": 1, "Suspended": 1}, TIMEOUT, "states"
    )
    assert replica.probe("/healthz") == http.client.OK
    assert replica.ready()
    metrics = replica.metrics()
    assert metrics['polls_total{result="Unchanged"}'] >= 1
    assert metrics['polls_total{result="Received"}'] >= 1
    assert metrics['polls_total{result="NotFound"}'] == 1
    assert metrics['config_map_writes_total{policy="Owner"}'] == len(stage.scene.config_maps())
    assert (metrics["shards"], metrics["shards_held"], metrics["replicas"]) == (3, 3, 1)
    assert 0 < metrics["lease_remaining_seconds"] < 6

    # What is gone leaves no trace.
    for name in ("wrong", "idle"):
        stage.scene.delete(name)
    wait_until(lambda: sources(replica.metrics()) == {"known": 1, "Ready": 1}, TIMEOUT, "the end of two sources")
    stage.scene.delete("good")
    wait_until(lambda: sources(replica.metrics()) == {"known": 0}, TIMEOUT, "the end of all sources")
    assert replica.metrics()["queue_depth"] == 0


def test_of_several_replicas_each_tells_of_its_own(stage: Stage) -> None:
    names = [f"source-{number:02}" for number in range(24)]
    pair = [stage.start(name, shards=4) for name in ("one", "two")]
    stage.deploy(names[:1])
    for name in names:
        stage.scene.apply(name, configurationProfile=names[0])
    stage.scene.wait_for_all(names, "Synced")
    stage.wait_for_shares(pair, [2, 2])

    def reported() -> list[tuple[float, float, float, float]]:
        metrics = [replica.metrics() for replica in pair]
        return [
            (each["sources_known"], each["shards_held"], each["replicas"], each["lease_remaining_seconds"] > 0)
            for each in metrics
        ]

    def ready() -> list[float]:
        return [sources(replica.metrics()).get("Ready", 0) for replica in pair]

    wait_until(lambda: reported() == [(24, 2, 2, True)] * 2, TIMEOUT, "the same from both")
    wait_until(lambda: sum(ready()) == 24, TIMEOUT, "each source ready with one of them")
    assert all(number > 0 for number in ready())
