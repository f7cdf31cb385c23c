"""Sources of some namespaces beside a namespace whose sources hold workers: the short form of a benchmark.

`make bench ONLY=neighbours` has a thousand of each kind. Here are sixty of all kinds at once, in a fixed order, and
four of them are replaced each second.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from benchmarks import routes
from benchmarks.api import Api
from benchmarks.blackhole import Blackhole
from benchmarks.data_plane import DataPlane
from benchmarks.scenarios.neighbours import Neighbourhood, rage, replacing
from benchmarks.sources import THREADS
from benchmarks.storms import NOWHERE, mixed
from sandbox.kube.operator_process import allow_leases, operator
from tests.e2e.support.scene import check_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import ControlPlane

HEALTHY = 40
INTERVAL = 2.0
"""The data plane answers a shorter interval than the CRD takes."""
STORM = 60
REPLACED = 4
SETTLE_SECONDS = 4.0
WATCH_SECONDS = 14.0
GUEST_EVERY = 2.0

LATENESS_SECONDS = 1.0
GUEST_SECONDS = 3.0
"""2 s, and what calls and writes may take on a machine where other tests run beside."""


@pytest.fixture(scope="module")
def observed(installed: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, float]]:
    """What was seen of those that are well during the storm."""
    folder = tmp_path_factory.mktemp("neighbours")
    with Blackhole() as hole, DataPlane(folder, interval=INTERVAL) as data_plane:
        well = Neighbourhood(Api(installed, THREADS), data_plane, prefix="beside-", healthy=HEALTHY, interval=INTERVAL)
        leases = well.namespaces[0]
        allow_leases(installed, leases)
        aws = {**data_plane.environment("operator"), **routes.environment(folder, {NOWHERE: hole.url})}
        arguments = ["--log-format=text", *(f"--namespace={name}" for name in well.namespaces)]
        with operator(installed, folder, aws=aws, arguments=arguments, lease_namespace=leases) as running:
            well.settle()
            rage(well.storm, mixed, STORM)
            with replacing(well.storm, mixed, STORM, REPLACED):
                time.sleep(SETTLE_SECONDS)
                seen = well.watch(WATCH_SECONDS, GUEST_EVERY)
    yield seen
    check_log(running)


def test_polls_of_others_are_not_late(observed: dict[str, float]) -> None:
    assert observed["held_calls"] > 0
    assert observed["polled"] == HEALTHY
    assert observed["lateness_p99"] <= LATENESS_SECONDS, observed


def test_a_new_source_of_another_namespace_is_ready_soon(observed: dict[str, float]) -> None:
    assert observed["new_waiting"] == 0, observed
    assert observed["new_longest"] <= GUEST_SECONDS, observed


def test_a_change_of_another_source_is_carried_out_soon(observed: dict[str, float]) -> None:
    assert observed["change_waiting"] == 0, observed
    assert observed["change_longest"] <= GUEST_SECONDS, observed
