"""A second operator on a cluster that has one, installed there or started by hand: its log says so."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox import wait_until
from sandbox.kube.operator_process import operator
from tests.e2e.support.limited import Limited
from tests.e2e.support.scene import TIMEOUT, check_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sandbox import ControlPlane, Process
    from tests.e2e.conftest import StartOperator
    from tests.e2e.support.scene import Scene

LEASE = "--lease-duration=5"
WORDS = "Another appconfig-operator is running in this cluster"
LATE_SECONDS = 10.0
"""After which all looks are over."""


@contextmanager
def by_hand(
    control_plane: ControlPlane, folder: Path, aws: Mapping[str, str], leases: str, namespaces: Sequence[str]
) -> Iterator[Process]:
    """Run an operator as an administrator does, who may see all Leases."""
    arguments = ["--log-format=text", "--log-level=debug", LEASE, *(f"--namespace={name}" for name in namespaces)]
    process = operator(
        control_plane,
        folder,
        aws=aws,
        arguments=arguments,
        lease_namespace=leases,
        kubeconfig=control_plane.kubeconfig,
    )
    with process:
        yield process
    check_log(process)


def test_who_polls_the_same_is_named_and_nobody_else(
    installed: ControlPlane,
    new_scene: Callable[[], Scene],
    start_operator: StartOperator,
    aws: Mapping[str, str],
    tmp_path: Path,
) -> None:
    first, second, killed = new_scene(), new_scene(), new_scene()
    start_operator(killed.namespace, arguments=["--log-format=text", LEASE]).kill()
    start_operator(first.namespace, arguments=["--log-format=text", LEASE])
    served = [first.namespace, second.namespace, killed.namespace]
    with by_hand(installed, tmp_path, aws, second.namespace, served) as process:
        wait_until(lambda: WORDS in process.log, TIMEOUT, "a line about the other operator")
        (line,) = (line for line in process.log.splitlines() if WORDS in line)
        assert " WARNING " in line
        assert f"in namespace {first.namespace}, and also serves namespace {first.namespace}" in line
        assert "--lease-namespace" not in line


def test_an_operator_with_the_rights_of_the_manifests_sees_it(
    new_scene: Callable[[], Scene], start_operator: StartOperator
) -> None:
    first, second = new_scene(), new_scene()
    start_operator(first.namespace, arguments=["--log-format=text", LEASE])
    arguments = ["--log-format=text", LEASE, f"--namespace={first.namespace}"]
    process = start_operator(second.namespace, arguments=arguments)
    wait_until(lambda: WORDS in process.log, TIMEOUT, "a line about the other operator")
    (line,) = (line for line in process.log.splitlines() if WORDS in line)
    assert f"in namespace {first.namespace}, and also serves namespace {first.namespace}" in line


def test_no_alarm_for_other_namespaces_and_for_replicas(
    installed: ControlPlane,
    new_scene: Callable[[], Scene],
    start_operator: StartOperator,
    aws: Mapping[str, str],
    tmp_path: Path,
) -> None:
    first, second = new_scene(), new_scene()
    one = start_operator(first.namespace, arguments=["--log-format=text", LEASE])
    with by_hand(installed, tmp_path, aws, second.namespace, [second.namespace]) as other:
        replica = start_operator(first.namespace, arguments=["--log-format=text", LEASE])
        time.sleep(LATE_SECONDS)
        assert all(WORDS not in process.log for process in (one, other, replica))


def test_without_the_right_nothing_is_said(
    installed: ControlPlane, scene: Scene, aws: Mapping[str, str], tmp_path: Path
) -> None:
    """In namespaced mode there is none."""
    process = Limited(installed, scene, tmp_path, aws, ("--log-level=debug",)).start()
    try:
        seen = "not allowed to list Leases in all namespaces"
        wait_until(lambda: seen in process.log, TIMEOUT, "a look")
        assert " DEBUG " in next(line for line in process.log.splitlines() if seen in line)
    finally:
        process.stop()
    check_log(process)
