"""SIGTERM ends the operator soon and cleanly, whatever it is doing."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from sandbox import wait_until
from sandbox.aws.data_plane import Fault, Operation
from tests.e2e.support.scene import TIMEOUT, condition

if TYPE_CHECKING:
    from sandbox import MiniStack, Process
    from sandbox.aws.data_plane import AppConfigProxy
    from tests.e2e.conftest import StartOperator
    from tests.e2e.support.scene import Scene

GRACE_SECONDS = 3.0
"""What polls in hand may take. Where there is nothing to wait for, it takes a small part of that."""


def seconds_to_stop(operator: Process) -> float:
    reported = time.monotonic()
    operator.send(signal.SIGTERM)
    assert operator.wait(TIMEOUT) == 0
    return time.monotonic() - reported


def test_when_idle_it_ends_at_once(scene: Scene, start_operator: StartOperator, ministack: MiniStack) -> None:
    scene.deploy(b'{"a": "can4rybird"}')
    scene.apply("checkout")
    # Without the proxy, so that the next poll is 15 s away.
    operator = start_operator(scene.namespace, aws=ministack.environment())
    scene.wait_for_events("checkout", [("Normal", "Synced")])
    assert seconds_to_stop(operator) < GRACE_SECONDS
    assert operator.log.rstrip().endswith("Stopped")


def test_while_aws_does_not_answer_it_ends_within_five_seconds(
    scene: Scene, start_operator: StartOperator, proxy: AppConfigProxy
) -> None:
    faults = {"hang": Fault.hang(), "trickle": Fault.trickle(pause=1.0)}
    cases = [(operation, name) for operation in (Operation.START, Operation.LATEST) for name in faults]
    operator = start_operator(scene.namespace)
    for operation, name in cases:
        profile = f"{operation}-{name}".lower()
        proxy.fail(operation, faults[name], times=None, place=scene.place(profile))
        scene.deploy(b'{"long": "can4rybird enough to take a while"}', profile=profile)
        scene.apply(profile, configurationProfile=profile)
    wait_until(lambda: len([call for call in proxy.calls() if call.fault]) >= len(cases), TIMEOUT, "calls that hang")
    # 5 s on an idle machine. Whoever waited for AWS would wait for 10 s at least.
    assert seconds_to_stop(operator) < 8
    assert scene.config_maps() == []


def test_in_the_middle_of_a_first_sync_it_ends_what_it_has_begun(
    scene: Scene, start_operator: StartOperator, proxy: AppConfigProxy
) -> None:
    names = [f"source-{number:02}" for number in range(30)]
    proxy.fail(Operation.LATEST, Fault.trickle(pause=0.1), times=None, place=scene.place())  # so that it takes a while
    scene.deploy(b'{"a": "can4rybird"}')
    for name in names:
        scene.apply(name)
    operator = start_operator(scene.namespace, arguments=["--log-format=text", "--workers=2"])
    wait_until(lambda: len(scene.config_maps()) >= 3, TIMEOUT, "the first ConfigMaps")
    assert seconds_to_stop(operator) < GRACE_SECONDS
    assert operator.log.rstrip().endswith("Stopped")
    written = {config_map["metadata"]["name"] for config_map in scene.config_maps()}
    assert 3 <= len(written) < len(names), "it was not stopped in the middle"
    ready = {source["metadata"]["name"] for source in scene.sources() if condition(source, "Ready") is not None}
    assert ready == written
    assert {event["regarding"]["name"] for event in scene.raw_events()} == written
