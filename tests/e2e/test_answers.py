"""What AWS AppConfig answers when something is gone, is not there yet, or is part of an experiment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sandbox import wait_until
from sandbox.aws.data_plane import Experiment, Operation
from tests.e2e.support.checks import GOOD, check_failed, synced
from tests.e2e.support.scene import ENVIRONMENT, PROFILE, TIMEOUT, Scene, condition

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws.data_plane import AppConfigProxy, Call
    from tests.e2e.conftest import StartOperator

NEWER = {"config.json": '{"good": "can4rybird newer"}'}
FLAGS = {"checkout": {"enabled": True, "text": "can4rybird"}, "banner": {"enabled": False}}
EXPERIMENT = Experiment("checkout", treatment={"enabled": True, "text": "can4rybird treated"})


@pytest.fixture
def scene(served_scene: Scene) -> Scene:
    return served_scene


def test_a_profile_deleted_and_made_again_under_its_name_is_found_within_a_poll(
    scene: Scene, proxy: AppConfigProxy
) -> None:
    before = synced(scene)
    scene.appconfig.delete_profile(scene.namespace, PROFILE)
    scene.deploy(NEWER["config.json"].encode(), label="newer")
    again = time.monotonic()
    scene.wait_for_content("checkout", NEWER)
    assert scene.config_map("checkout")["metadata"]["uid"] == before["metadata"]["uid"]
    scene.wait_for("checkout", "Synced")
    assert proxy.sessions(place=scene.place()) == 2
    # Whether the last poll of the old session came before or after.
    assert proxy.count(Operation.LATEST, place=scene.place(), since=again) <= 4


def test_a_profile_that_is_deleted_is_named_and_the_config_map_stays(scene: Scene) -> None:
    before = synced(scene)
    scene.appconfig.delete_profile(scene.namespace, PROFILE)
    words = (f"configuration profile {PROFILE} does not exist", "spec.configurationProfile")
    check_failed(scene, "checkout", "NotFound", stalled=True, words=words)
    assert scene.config_map("checkout") == before
    scene.deploy(GOOD["config.json"].encode(), label="good")
    back = scene.wait_for("checkout", "Synced")
    assert condition(back, "Stalled") is None
    assert scene.config_map("checkout") == before, "the same content: nothing is written"
    scene.wait_for_events("checkout", [("Normal", "Synced"), ("Warning", "NotFound"), ("Normal", "Synced")])


def test_the_only_deployment_is_undone_and_then_another_comes(scene: Scene, proxy: AppConfigProxy) -> None:
    before = synced(scene)
    scene.appconfig.revert(scene.namespace, ENVIRONMENT)
    words = (f"profile {PROFILE}", f"environment {ENVIRONMENT}", "deployment")
    check_failed(scene, "checkout", "NotDeployed", stalled=False, words=words)
    assert scene.config_map("checkout") == before
    scene.deploy(NEWER["config.json"].encode(), label="newer")
    scene.wait_for_content("checkout", NEWER)
    scene.wait_for("checkout", "Synced")
    assert proxy.sessions(place=scene.place()) == 2
    scene.wait_for_events("checkout", [("Normal", "Synced"), ("Warning", "NotDeployed"), ("Normal", "Synced")])


def test_what_is_undone_gives_way_to_what_was_there_before(scene: Scene, proxy: AppConfigProxy) -> None:
    synced(scene)
    scene.deploy(NEWER["config.json"].encode(), label="newer")
    scene.wait_for_content("checkout", NEWER)
    scene.appconfig.revert(scene.namespace, ENVIRONMENT)
    scene.wait_for_content("checkout", GOOD)
    assert proxy.sessions(place=scene.place()) == 1


def test_a_restart_after_a_revert_does_not_bring_back_what_was_reverted(
    new_scene: Callable[[], Scene],
    start_operator: StartOperator,
    proxy: AppConfigProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new session would get the reverted version first. The session is handed over, so none is started."""
    scene = new_scene()
    running = start_operator(scene.namespace)
    synced(scene)
    scene.deploy(NEWER["config.json"].encode(), label="newer")
    scene.wait_for_content("checkout", NEWER)
    monkeypatch.setattr(proxy.rules, "lag_since", time.time())
    scene.appconfig.revert(scene.namespace, ENVIRONMENT)
    scene.wait_for_content("checkout", GOOD)
    scene.wait_for("checkout", "Synced")
    running.stop()
    version, restarted = scene.resource_version(), time.monotonic()
    running.start()
    wait_until(lambda: len(polls(proxy, scene, restarted)) >= 3, TIMEOUT, "polls after the restart")
    assert scene.config_map_writes(version) == []
    assert proxy.sessions(place=scene.place()) == 1


def test_identifiers_that_are_mistyped_look_as_if_nothing_was_deployed(scene: Scene) -> None:
    before = synced(scene)
    scene.change("checkout", application="abc1234", environment="def5678", configurationProfile="ghi9012")
    words = ("Nothing is deployed", "abc1234", "def5678", "ghi9012", "ID")
    check_failed(scene, "checkout", "NotDeployed", stalled=False, words=words)
    assert scene.config_map("checkout") == before


def test_an_identifier_that_is_mistyped_beside_names_is_named(scene: Scene) -> None:
    synced(scene)
    scene.change("checkout", configurationProfile="ghi9012")
    check_failed(scene, "checkout", "NotFound", stalled=True, words=("ghi9012 does not exist",))


@pytest.mark.parametrize("shown", [True, False], ids=["default-shown", "default-hidden"])
def test_an_experiment_begins_and_ends_and_nothing_is_written(
    scene: Scene, proxy: AppConfigProxy, monkeypatch: pytest.MonkeyPatch, *, shown: bool
) -> None:
    """Whether AWS reports this to those who does not ask for Ion of an experiment, nobody knows."""
    monkeypatch.setattr(proxy.rules, "default_in_experiments", shown)
    scene.deploy_flags(FLAGS)
    targets = {
        "raw": {"target": {"format": "Raw"}},
        "entries": {"target": {"format": "Entries"}},
        "flagd": {"featureFlags": {"multiVariant": "DefaultVariant", "output": "Flagd"}},
    }
    for name, spec in targets.items():
        scene.apply(name, **({"featureFlags": {"multiVariant": "DefaultVariant"}} | spec))
    scene.wait_for_all(targets, "Synced")
    before, version = scene.config_maps(), scene.resource_version()

    proxy.begin_experiment(scene.place(), EXPERIMENT)
    received = wait_for_polls(proxy, scene, len(targets))
    assert (received > 0) is shown, "the experiment is to be seen"
    proxy.end_experiment(scene.place(), EXPERIMENT.flag)
    wait_for_polls(proxy, scene, len(targets))
    assert scene.config_maps() == before
    assert scene.config_map_writes(version) == []
    scene.wait_for_all(targets, "Synced")


def wait_for_polls(proxy: AppConfigProxy, scene: Scene, sources: int) -> int:
    """Wait for three polls of each source, and return how many bytes they brought."""
    since = time.monotonic()
    wait_until(lambda: len(polls(proxy, scene, since)) >= 3 * sources, TIMEOUT, "polls")
    return sum(call.size for call in polls(proxy, scene, since))


def polls(proxy: AppConfigProxy, scene: Scene, since: float) -> list[Call]:
    return proxy.calls(Operation.LATEST, place=scene.place(), since=since)
