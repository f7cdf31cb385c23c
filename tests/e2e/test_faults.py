"""What passes by itself: throttling, errors of the service, calls that get lost, tokens that expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import wait_until
from sandbox.aws.data_plane import Fault, Operation
from tests.e2e.support.scene import TIMEOUT, condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.aws.data_plane import AppConfigProxy
    from tests.e2e.support.scene import Object, Scene

CONTENT = '{"good": "can4rybird"}'
FAULTS = {
    "twice": [Fault.throttled()] * 2,
    "throttled": [Fault.throttled()] * 3,
    "failed": [Fault.internal_error()] * 3,
    "cut": [Fault.cut()],
    "truncated": [Fault.truncated()],
    "expired": [Fault.invalid("ConfigurationToken", "Expired")],
}


class Case:
    """A source that was well when its faults began."""

    def __init__(self, scene: Scene, proxy: AppConfigProxy, name: str) -> None:
        self.scene, self.proxy, self.name = scene, proxy, name
        self.place = scene.place(name)
        scene.wait_for(name, "Synced")
        scene.wait_for_events(name, [("Normal", "Synced")])
        self.source, self.config_map = scene.source(name), scene.config_map(name)
        for fault in FAULTS[name]:
            proxy.fail(Operation.LATEST, fault, place=self.place)

    def wait_until_over(self) -> None:
        """Wait until two answers after the last fault were good: what follows from the first is done then."""

        def over() -> bool:
            faults = [bool(call.fault) for call in self.proxy.calls(Operation.LATEST, place=self.place)]
            return faults.count(True) == len(FAULTS[self.name]) and faults[-2:] == [False, False]

        wait_until(over, 2 * TIMEOUT, f"the end of the faults of {self.name}")

    def check_config_map(self) -> None:
        assert self.scene.config_map(self.name) == self.config_map
        assert self.config_map["data"] == {"config.json": CONTENT}

    def check_new_session(self) -> float:
        """Check that the call after the fault starts a session, and return how many seconds after it."""
        calls = self.proxy.calls(place=self.place)
        (fault,) = (number for number, call in enumerate(calls) if call.fault)
        assert calls[fault + 1].operation is Operation.START
        return calls[fault + 1].time - calls[fault].time

    def check_unchanged(self, *, sessions: int) -> None:
        self.check_config_map()
        assert self.scene.source(self.name) == self.source
        assert self.scene.events(self.name) == [("Normal", "Synced")]
        assert self.proxy.sessions(place=self.place) == sessions


@pytest.fixture(scope="module")
def cases(served: Iterator[Scene], proxy: AppConfigProxy) -> dict[str, Case]:
    """All of them, at once: most of their time is back-off."""
    scene = next(served)
    for name in FAULTS:
        scene.deploy(CONTENT.encode(), profile=name)
        scene.apply(name, configurationProfile=name)
    return {name: Case(scene, proxy, name) for name in FAULTS}


@pytest.mark.proves("Throttled")
@pytest.mark.parametrize(("name", "reason"), [("throttled", "Throttled"), ("failed", "ServiceUnavailable")])
def test_three_failures_in_a_row_are_shown_until_it_is_well_again(
    cases: dict[str, Case], name: str, reason: str
) -> None:
    case = cases[name]
    case.wait_until_over()
    case.scene.wait_for(name, "Synced")
    case.scene.wait_for_events(name, [("Normal", "Synced"), ("Warning", reason), ("Normal", "Synced")])
    case.check_config_map()
    assert case.scene.source(name)["status"]["target"] == case.source["status"]["target"]
    assert condition(case.scene.source(name), "Reconciling") is None
    # The token was not used up.
    assert case.proxy.sessions(place=case.place) == 1


def test_two_failures_in_a_row_change_nothing(cases: dict[str, Case]) -> None:
    cases["twice"].wait_until_over()
    cases["twice"].check_unchanged(sessions=1)


@pytest.mark.parametrize("name", ["cut", "truncated"])
def test_a_call_lost_half_way_is_made_again_in_a_new_session(cases: dict[str, Case], name: str) -> None:
    cases[name].wait_until_over()
    cases[name].check_unchanged(sessions=2)
    cases[name].check_new_session()


def test_an_expired_token_is_replaced_at_once(cases: dict[str, Case]) -> None:
    case = cases["expired"]
    case.wait_until_over()
    case.check_unchanged(sessions=2)
    assert case.check_new_session() < 1  # the interval: a poll in its turn comes no sooner


def test_half_of_a_body_is_never_written(served_scene: Scene, proxy: AppConfigProxy) -> None:
    scene = served_scene
    began = scene.resource_version()
    proxy.fail(Operation.LATEST, Fault.truncated(), place=scene.place())
    scene.deploy(CONTENT.encode())
    scene.apply("checkout")
    source = scene.wait_for("checkout", "Synced")
    states = [
        state["data"] for state in scene.config_map_writes(since=began) if state["metadata"]["name"] == "checkout"
    ]
    assert states == [{"config.json": CONTENT}]
    assert source["status"]["source"]["sizeBytes"] == len(CONTENT)
    assert proxy.sessions(place=scene.place()) == 2


@pytest.mark.proves("ServiceUnavailable")
def test_while_three_or_more_fail_ready_is_false_and_what_was_synced_stays(
    served_scene: Scene, proxy: AppConfigProxy
) -> None:
    scene = served_scene
    scene.deploy(CONTENT.encode())
    scene.apply("checkout")
    before: Object = scene.wait_for("checkout", "Synced")
    config_map = scene.config_map("checkout")
    proxy.fail(Operation.LATEST, Fault.throttled(), times=None, place=scene.place())
    source = scene.wait_for("checkout", "Throttled")
    ready = condition(source, "Ready")
    assert ready is not None
    assert ready["status"] == "False"
    assert "throttled appconfig:GetLatestConfiguration" in ready["message"]
    assert condition(source, "Reconciling") is not None
    assert condition(source, "Stalled") is None
    assert (source["status"]["source"], source["status"]["target"]) == (
        before["status"]["source"],
        before["status"]["target"],
    )
    assert scene.config_map("checkout") == config_map
