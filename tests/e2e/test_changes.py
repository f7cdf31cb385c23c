"""What users change on a source."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sandbox import wait_until
from sandbox.aws.data_plane import Operation
from tests.e2e.support.scene import TIMEOUT, Scene, value, wait_for_silence

if TYPE_CHECKING:
    from sandbox.aws.data_plane import AppConfigProxy


@pytest.fixture
def scene(served_scene: Scene) -> Scene:
    """Two sources, synced: one to change, and one beside it that goes on."""
    scene = served_scene
    for profile in ("changed", "beside"):
        scene.deploy(f'"{value(profile)}"'.encode(), profile=profile)
        scene.apply(profile, configurationProfile=profile)
    for profile in ("changed", "beside"):
        scene.wait_for(profile, "Synced")
    return scene


@pytest.mark.proves("spec.configurationProfile")
def test_another_profile_is_read_in_a_new_session(scene: Scene, proxy: AppConfigProxy) -> None:
    scene.deploy(value("other").encode(), profile="other", content_type="text/plain", label="o1")
    scene.change("changed", configurationProfile="other")
    source = scene.wait_for("changed", "Synced", generation=2)
    config_map = scene.config_map("changed")
    assert config_map["data"] == {"config.txt": value("other")}
    assert config_map["metadata"]["annotations"]["appconfig-operator.io/configuration-profile"] == "other"
    assert source["status"]["source"]["versionLabel"] == "o1"
    assert proxy.sessions(place=scene.place("other")) == 1
    wait_for_silence(proxy, scene.place("changed"), beside=scene.place("beside"))


@pytest.mark.proves("spec.target.labels", "spec.target.annotations")
def test_labels_come_and_go_and_those_of_others_stay(scene: Scene) -> None:
    path = f"/api/v1/namespaces/{scene.namespace}/configmaps/changed"
    scene.change("changed", target={"labels": {"mine": "1", "mine-too": "1"}})
    scene.wait_for("changed", "Synced", generation=2)
    labelled = scene.config_map("changed")
    assert labelled["metadata"]["labels"].items() >= {"mine": "1", "mine-too": "1"}.items()
    labelled["metadata"]["labels"]["theirs"] = "1"
    scene.api.json("PUT", path, labelled)
    scene.change("changed", target={"labels": {"mine": "2"}, "annotations": {"note": "n"}})
    scene.wait_for("changed", "Synced", generation=3)
    metadata = scene.config_map("changed")["metadata"]
    ours = {"app.kubernetes.io/managed-by", "appconfig-operator.io/source-uid"}
    assert {name: value for name, value in metadata["labels"].items() if name not in ours} == {
        "mine": "2",
        "theirs": "1",
    }
    assert metadata["annotations"]["note"] == "n"


@pytest.mark.proves("spec.suspend")
def test_a_suspended_source_makes_no_call_and_goes_on_without_a_write(scene: Scene, proxy: AppConfigProxy) -> None:
    before = scene.config_map("changed")
    scene.change("changed", suspend=True)
    wait_for_silence(proxy, scene.place("changed"), beside=scene.place("beside"))
    assert scene.config_map("changed") == before

    resumed = time.monotonic()
    scene.change("changed", suspend=False)
    scene.wait_for("changed", "Synced", generation=3)
    wait_until(
        lambda: proxy.count(Operation.LATEST, place=scene.place("changed"), since=resumed) >= 2, TIMEOUT, "two polls"
    )
    assert scene.config_map("changed") == before
    assert scene.events("changed") == [("Normal", "Synced")]


def test_a_deleted_source_is_polled_no_more_and_its_config_map_is_collected(
    scene: Scene, proxy: AppConfigProxy
) -> None:
    scene.delete("changed")
    wait_for_silence(proxy, scene.place("changed"), beside=scene.place("beside"))
    wait_until(lambda: not scene.has_config_map("changed"), 2 * TIMEOUT, "the end of the ConfigMap")
    assert scene.has_config_map("beside")


def test_a_source_made_again_under_its_name_gets_a_config_map_of_its_own(scene: Scene) -> None:
    before = scene.source("changed")["metadata"]["uid"]
    scene.delete("changed")
    scene.apply("changed", configurationProfile="changed")
    source = scene.wait_for("changed", "Synced", timeout=2 * TIMEOUT)
    assert source["metadata"]["uid"] != before
    (owner,) = scene.config_map("changed")["metadata"]["ownerReferences"]
    assert owner["uid"] == source["metadata"]["uid"]
