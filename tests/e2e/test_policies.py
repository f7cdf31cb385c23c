"""Creation policies, history and pins, and what others do to the ConfigMap."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import wait_until
from sandbox.aws.data_plane import Operation
from tests.e2e.support.scene import TIMEOUT, Scene, condition, value, wait_for_silence

if TYPE_CHECKING:
    from sandbox.aws.data_plane import AppConfigProxy
    from sandbox.kube.kubectl import Kubectl

REPAIR_SECONDS = 5.0

ONE, TWO, NEWER, FOUR = map(value, ("one", "two", "newer", "four"))


@pytest.fixture
def scene(served_scene: Scene) -> Scene:
    """One version, deployed."""
    served_scene.deploy(ONE.encode(), content_type="text/plain", label="v1")
    return served_scene


def patch(scene: Scene, name: str, body: dict[str, Any], manager: str = "somebody") -> None:
    """Change a ConfigMap as somebody else would."""
    config_map = scene.config_map(name)
    for field, values in body.items():
        config_map[field] = {**config_map.get(field, {}), **values}
    path = f"/api/v1/namespaces/{scene.namespace}/configmaps/{name}?fieldManager={manager}"
    scene.api.json("PUT", path, config_map)


def versions(scene: Scene, name: str) -> list[str]:
    return [kept["versionLabel"] for kept in scene.source(name)["status"].get("history", ())]


@pytest.mark.proves("spec.target.creationPolicy", "TargetMissing")
def test_two_sources_share_a_config_map_and_leave_their_keys(scene: Scene) -> None:
    scene.deploy(TWO.encode(), profile="other", content_type="text/plain")
    scene.apply("one", target={"name": "shared", "key": "one.txt", "creationPolicy": "Merge"})
    scene.wait_for("one", "TargetMissing")
    scene.write_config_map("shared", {"theirs": "x"})
    scene.apply(
        "two", configurationProfile="other", target={"name": "shared", "key": "two.txt", "creationPolicy": "Merge"}
    )
    scene.wait_for_content("shared", {"theirs": "x", "one.txt": ONE, "two.txt": TWO})
    scene.wait_for_all(["one", "two"], "Synced")
    scene.delete("two")
    scene.deploy(NEWER.encode(), content_type="text/plain", label="v2")
    scene.wait_for_content("shared", {"theirs": "x", "one.txt": NEWER, "two.txt": TWO})


def test_of_two_sources_with_one_key_the_first_goes_on_and_the_other_follows(scene: Scene) -> None:
    """With the same content, too."""
    target = {"name": "shared", "key": "one.txt", "creationPolicy": "Merge"}
    scene.write_config_map("shared", {"theirs": "x"})
    first, other = "one", "two"
    scene.apply(first, target=target)
    scene.wait_for(first, "Synced")
    scene.apply(other, target=target)
    for label in ("v2", "v3"):
        scene.deploy(value(label).encode(), content_type="text/plain", label=label)
        scene.wait_for_content("shared", {"theirs": "x", "one.txt": value(label)})
    ready = condition(scene.wait_for(other, "TargetConflict"), "Ready")
    assert ready is not None
    assert f"AppConfigSource {first}, which keeps it" in ready["message"]
    scene.wait_for(first, "Synced")
    scene.delete(first)
    scene.wait_for(other, "Synced")
    scene.deploy(value("v4").encode(), content_type="text/plain", label="v4")
    scene.wait_for_content("shared", {"theirs": "x", "one.txt": value("v4")})


def test_an_older_source_that_moves_to_the_key_of_a_younger_one_takes_nothing(scene: Scene) -> None:
    scene.deploy(TWO.encode(), profile="other", content_type="text/plain")
    scene.write_config_map("shared", {})
    merge = {"name": "shared", "creationPolicy": "Merge"}
    scene.apply("older", target={**merge, "key": "one.txt"})
    scene.wait_for("older", "Synced")
    scene.apply("younger", configurationProfile="other", target={**merge, "key": "two.txt"})
    scene.wait_for("younger", "Synced")
    both = {"one.txt": ONE, "two.txt": TWO}
    scene.change("older", target={**merge, "key": "two.txt"})
    scene.wait_for("older", "TargetConflict", generation=2)
    scene.wait_for_content("shared", both)
    scene.change("older", target={**merge, "key": "one.txt"})
    scene.wait_for("older", "Synced", generation=3)
    scene.wait_for_content("shared", both)


def test_a_source_that_merges_is_applied_again_and_goes_on(scene: Scene) -> None:
    target = {"name": "shared", "key": "one.txt", "creationPolicy": "Merge"}
    scene.write_config_map("shared", {"theirs": "x"})
    scene.apply("one", target=target)
    scene.wait_for_content("shared", {"theirs": "x", "one.txt": ONE})
    scene.delete("one")
    scene.apply("one", target=target)
    scene.wait_for("one", "Synced")
    scene.deploy(TWO.encode(), content_type="text/plain", label="v2")
    scene.wait_for_content("shared", {"theirs": "x", "one.txt": TWO})


def test_two_sources_swap_their_names(scene: Scene) -> None:
    scene.deploy(TWO.encode(), profile="other", content_type="text/plain")
    scene.apply("one", target={"name": "x", "key": "k"})
    scene.apply("two", configurationProfile="other", target={"name": "y", "key": "k"})
    scene.wait_for_all(["one", "two"], "Synced")
    scene.change("one", target={"name": "y", "key": "k"})
    scene.change("two", target={"name": "x", "key": "k"})
    for name in ("one", "two"):
        scene.wait_for(name, "Synced", generation=2)
    assert {item["metadata"]["name"]: item["data"]["k"] for item in scene.config_maps()} == {"x": TWO, "y": ONE}
    scene.deploy(NEWER.encode(), content_type="text/plain", label="v2")
    scene.wait_for_content("y", {"k": NEWER})
    scene.wait_for_content("x", {"k": TWO})


def test_a_config_map_is_handed_over_without_a_gap(scene: Scene) -> None:
    """As Argo CD and Flux rename a source: the new one is applied, then the old one is pruned."""
    scene.apply("old", target={"name": "shared", "key": "k"})
    scene.wait_for("old", "Synced")
    scene.apply("new", target={"name": "shared", "key": "k"})
    scene.wait_for("new", "TargetNotOwned")
    before, since = scene.config_map("shared"), scene.resource_version()
    assert [owner["name"] for owner in before["metadata"]["ownerReferences"]] == ["old", "new"]
    scene.delete("old")
    scene.wait_for("new", "Synced")
    scene.deploy(TWO.encode(), content_type="text/plain", label="v2")
    now = scene.wait_for_content("shared", {"k": TWO})
    assert now["metadata"]["uid"] == before["metadata"]["uid"]
    assert all("deletionTimestamp" not in item["metadata"] for item in scene.config_map_writes(since))
    (owner,) = now["metadata"]["ownerReferences"]
    assert (owner["name"], owner["controller"]) == ("new", True)


def test_a_removed_owner_reference_comes_back(scene: Scene) -> None:
    scene.apply("one", target={"key": "one.txt"})
    scene.wait_for("one", "Synced")
    config_map = scene.config_map("one")
    owners = config_map["metadata"].pop("ownerReferences")
    path = f"/api/v1/namespaces/{scene.namespace}/configmaps/one?fieldManager=somebody"
    scene.api.json("PUT", path, config_map)
    wait_until(
        lambda: scene.config_map("one")["metadata"].get("ownerReferences") == owners, REPAIR_SECONDS, "the owner"
    )
    scene.wait_for_events("one", [("Normal", "Synced"), ("Normal", "Drifted")])
    assert scene.config_map("one")["data"] == {"one.txt": ONE}


def test_an_orphan_stays_and_is_taken_up_again(scene: Scene) -> None:
    scene.apply("one", target={"creationPolicy": "Orphan", "key": "one.txt"})
    scene.wait_for("one", "Synced")
    scene.delete("one")
    wait_until(lambda: not scene.sources(), TIMEOUT, "the end of the source")
    assert scene.config_map("one")["data"] == {"one.txt": ONE}
    scene.apply("one", target={"creationPolicy": "Orphan", "key": "one.txt"})
    source = scene.wait_for("one", "Synced")
    assert (
        scene.config_map("one")["metadata"]["labels"]["appconfig-operator.io/source-uid"] == source["metadata"]["uid"]
    )


def test_the_policy_of_a_live_source_can_be_changed_there_and_back(scene: Scene) -> None:
    scene.apply("one", target={"key": "one.txt"})
    scene.wait_for("one", "Synced")
    uid = scene.config_map("one")["metadata"]["uid"]
    for generation, policy in enumerate(("Merge", "Owner", "Orphan", "Merge", "Owner"), start=2):
        scene.change("one", target={"key": "one.txt", "creationPolicy": policy})
        scene.wait_for("one", "Synced", generation=generation)
        config_map = scene.config_map("one")
        assert (config_map["metadata"]["uid"], config_map["data"]) == (uid, {"one.txt": ONE})
        assert ("ownerReferences" in config_map["metadata"]) is (policy == "Owner")
    patch(scene, "one", {"data": {"one.txt": "theirs"}})
    scene.wait_for_content("one", {"one.txt": ONE}, timeout=REPAIR_SECONDS)
    scene.deploy(TWO.encode(), content_type="text/plain", label="v2")
    scene.wait_for_content("one", {"one.txt": TWO})


@pytest.mark.proves("spec.target.name")
def test_a_renamed_target_leaves_no_orphan_and_no_gap(scene: Scene) -> None:
    scene.apply("one", target={"name": "before", "key": "one.txt"})
    scene.wait_for("one", "Synced")
    since = scene.resource_version()
    scene.change("one", target={"name": "after", "key": "one.txt"})
    scene.wait_for("one", "Synced", generation=2)
    assert [item["metadata"]["name"] for item in scene.config_maps()] == ["after"]
    assert [item["metadata"]["name"] for item in scene.config_map_writes(since)] == ["after"]


@pytest.mark.proves("spec.pinnedDigest", "status.history", "status.target.versionLabel", "Pinned")
def test_a_replaced_version_can_be_pinned_and_let_go(scene: Scene, kubectl: Kubectl) -> None:
    scene.apply("one", target={"key": "one.txt"})
    scene.wait_for("one", "Synced")
    for number in ("two", "three"):
        scene.deploy(value(number).encode(), content_type="text/plain", label=f"v-{number}")
        scene.wait_for_content("one", {"one.txt": value(number)})
    wait_until(lambda: versions(scene, "one") == ["v-two", "v1"], TIMEOUT, "history")
    pinned = scene.source("one")["status"]["history"][1]["digest"]
    scene.change("one", pinnedDigest=pinned)
    source = scene.wait_for("one", "Pinned", generation=2)
    assert scene.config_map("one")["data"] == {"one.txt": ONE}
    ready = condition(source, "Ready")
    assert ready is not None
    assert "v-three is waiting" in ready["message"]

    scene.deploy(FOUR.encode(), content_type="text/plain", label="v-four")
    wait_until(lambda: "v-four is waiting" in str(scene.source("one")["status"]), TIMEOUT, "the newer version")
    assert scene.config_map("one")["data"] == {"one.txt": ONE}

    status = scene.source("one")["status"]
    assert (status["source"]["versionLabel"], status["target"]["versionLabel"]) == ("v-four", "v1")
    header, row = (line.split() for line in kubectl("get", "acs", "-n", scene.namespace).splitlines())
    assert row[header.index("REASON")] == "Pinned"
    assert row[header.index("VERSION")] == "v1"

    scene.change("one", pinnedDigest=None)
    scene.wait_for_content("one", {"one.txt": FOUR})
    scene.wait_for("one", "Synced", generation=3)
    assert ("Normal", "Pinned") in scene.events("one")


def test_the_digest_in_the_message_of_a_version_without_a_label_can_be_pinned(scene: Scene) -> None:
    def shown(reason: str, generation: int) -> list[str]:
        ready = condition(scene.wait_for("one", reason, generation=generation), "Ready")
        assert ready is not None
        return re.findall(r"sha256:[0-9a-f]+", ready["message"])

    scene.deploy(TWO.encode(), content_type="text/plain")
    scene.apply("one", target={"key": "one.txt"})
    (two,) = shown("Synced", 1)
    scene.deploy(NEWER.encode(), content_type="text/plain")
    scene.wait_for_content("one", {"one.txt": NEWER})
    scene.change("one", pinnedDigest=two)
    held, newer = shown("Pinned", 2)
    assert held == two
    assert scene.config_map("one")["data"] == {"one.txt": TWO}
    scene.change("one", pinnedDigest=newer)
    assert shown("Pinned", 3) == [newer]
    assert scene.config_map("one")["data"] == {"one.txt": NEWER}


@pytest.mark.proves("PinnedVersionMissing")
def test_a_pin_on_what_is_not_kept_is_told_and_touches_nothing(scene: Scene) -> None:
    scene.apply("one", target={"key": "one.txt"})
    scene.wait_for("one", "Synced")
    before = scene.config_map("one")
    scene.change("one", pinnedDigest="sha256:" + "0" * 64)
    source = scene.wait_for("one", "PinnedVersionMissing", generation=2)
    assert condition(source, "Stalled") is not None
    assert scene.config_map("one") == before


@pytest.mark.proves("spec.historyLimit")
def test_history_beyond_its_limit_is_deleted_and_the_rest_is_collected(scene: Scene) -> None:
    revisions = f"/apis/apps/v1/namespaces/{scene.namespace}/controllerrevisions"
    scene.apply("one", historyLimit=1, target={"key": "one.txt"})
    scene.wait_for("one", "Synced")
    for number in ("two", "three", "four"):
        scene.deploy(value(number).encode(), content_type="text/plain", label=f"v-{number}")
        scene.wait_for_content("one", {"one.txt": value(number)})
    wait_until(lambda: versions(scene, "one") == ["v-three"], TIMEOUT, "history")
    assert len(scene.api.json("GET", revisions)["items"]) == 1
    scene.delete("one")
    wait_until(lambda: not scene.api.json("GET", revisions)["items"], TIMEOUT, "the end of the history")


@pytest.mark.parametrize("how", ["changed", "key added", "deleted"])
def test_what_others_do_is_put_right_within_seconds(scene: Scene, how: str) -> None:
    scene.apply("one", target={"key": "one.txt"})
    scene.wait_for("one", "Synced")
    path = f"/api/v1/namespaces/{scene.namespace}/configmaps/one"
    uid = scene.config_map("one")["metadata"]["uid"]
    started = time.monotonic()
    if how == "deleted":
        scene.api.request("DELETE", path)
        wait_until(lambda: scene.has_config_map("one"), REPAIR_SECONDS, "the ConfigMap")
        assert scene.config_map("one")["metadata"]["uid"] != uid
    else:
        patch(scene, "one", {"data": {"one.txt" if how == "changed" else "two.txt": "theirs"}})
    scene.wait_for_content("one", {"one.txt": ONE}, timeout=REPAIR_SECONDS)
    assert time.monotonic() - started < REPAIR_SECONDS
    scene.wait_for_events("one", [("Normal", "Synced"), ("Normal", "Drifted")])


def test_what_is_none_of_our_business_is_left_alone(scene: Scene, proxy: AppConfigProxy) -> None:
    scene.apply("one", target={"key": "one.txt"})
    scene.wait_for("one", "Synced")
    patch(scene, "one", {"metadata": {}})
    labels = scene.config_map("one")["metadata"]["labels"]
    patch(scene, "one", {"metadata": {"labels": {**labels, "team": "a"}}})
    since = time.monotonic()
    wait_until(lambda: proxy.count(Operation.LATEST, place=scene.place(), since=since) >= 2, TIMEOUT, "two polls")
    assert scene.config_map("one")["metadata"]["labels"]["team"] == "a"
    assert proxy.sessions(place=scene.place()) == 1
    assert scene.events("one") == [("Normal", "Synced")]


@pytest.mark.proves("TargetConflict")
def test_a_writer_that_does_not_give_in_is_told_and_slowed_down(scene: Scene) -> None:
    scene.apply("one", target={"key": "one.txt"})
    scene.wait_for("one", "Synced")
    for _ in range(3):
        patch(scene, "one", {"data": {"one.txt": "theirs"}}, manager="stubborn")
        scene.wait_for_content("one", {"one.txt": ONE})
    patch(scene, "one", {"data": {"one.txt": "theirs"}}, manager="stubborn")
    ready = condition(scene.wait_for("one", "TargetConflict"), "Ready")
    assert ready is not None
    assert "stubborn" in ready["message"]
    assert scene.config_map("one")["data"] == {"one.txt": "theirs"}


@pytest.mark.proves("status.lastHandledReconcileAt")
def test_a_request_fetches_now_in_a_new_session(scene: Scene, proxy: AppConfigProxy) -> None:
    scene.apply("one", target={"key": "one.txt"})
    scene.wait_for("one", "Synced")
    before = scene.config_map("one")
    source = scene.source("one")
    source["metadata"].setdefault("annotations", {})["appconfig-operator.io/requestedAt"] = "now"
    path = f"/apis/appconfig-operator.io/v1alpha1/namespaces/{scene.namespace}/appconfigsources/one"
    scene.api.json("PUT", path, source)
    wait_until(
        lambda: scene.source("one")["status"].get("lastHandledReconcileAt") == "now", TIMEOUT, "the request handled"
    )
    assert proxy.sessions(place=scene.place()) == 2
    assert scene.config_map("one") == before


def test_what_is_being_deleted_is_not_made_again(scene: Scene) -> None:
    """Neither with its source, in the foreground or in the background, nor with its namespace."""
    for name in ("foreground", "background", "stays"):
        scene.apply(name, target={"key": "one.txt"})
    scene.wait_for_all(["foreground", "background", "stays"], "Synced")
    since = scene.resource_version()
    for name in ("foreground", "background"):
        path = f"/apis/appconfig-operator.io/v1alpha1/namespaces/{scene.namespace}/appconfigsources/{name}"
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": name.capitalize()}
        scene.api.json("DELETE", path, options)
    wait_until(lambda: len(scene.config_maps()) == 1, TIMEOUT, "the end of the ConfigMaps")
    wait_until(lambda: len(scene.sources()) == 1, TIMEOUT, "the end of the sources")
    scene.api.request("DELETE", f"/api/v1/namespaces/{scene.namespace}")
    wait_until(lambda: not scene.api.exists(f"/api/v1/namespaces/{scene.namespace}"), 30, "the end of the namespace")
    # Marks of a deletion under way are writes, too; those of the operator are not among them.
    assert all("deletionTimestamp" in item["metadata"] for item in scene.config_map_writes(since))


def test_while_suspended_nothing_is_put_right(scene: Scene, proxy: AppConfigProxy) -> None:
    scene.deploy(ONE.encode(), profile="paused", content_type="text/plain")
    scene.apply("paused", target={"key": "one.txt"}, configurationProfile="paused")
    scene.apply("clock", target={"key": "one.txt"})
    scene.wait_for_all(["paused", "clock"], "Synced")
    scene.change("paused", suspend=True)
    # The watch on ConfigMaps may be faster than the one that reports the suspension.
    wait_for_silence(proxy, scene.place("paused"), beside=scene.place())
    for name in ("paused", "clock"):
        patch(scene, name, {"data": {"one.txt": "theirs"}})
    scene.wait_for_content("clock", {"one.txt": ONE}, timeout=REPAIR_SECONDS)
    assert scene.config_map("paused")["data"] == {"one.txt": "theirs"}
    scene.change("paused", suspend=False)
    scene.wait_for_content("paused", {"one.txt": ONE})


def test_a_config_map_with_an_overwritten_mark_is_looked_after_all_the_same(scene: Scene) -> None:
    scene.apply("one", target={"key": "one.txt"})
    scene.wait_for("one", "Synced")
    config_map = scene.config_map("one")
    config_map["metadata"]["labels"]["appconfig-operator.io/source-uid"] = "bogus"
    path = f"/api/v1/namespaces/{scene.namespace}/configmaps/one"
    scene.api.json("PUT", path, {**config_map, "data": {"one.txt": "theirs"}})
    scene.wait_for_content("one", {"one.txt": ONE}, timeout=REPAIR_SECONDS)
    uid = scene.source("one")["metadata"]["uid"]
    assert scene.config_map("one")["metadata"]["labels"]["appconfig-operator.io/source-uid"] == uid
