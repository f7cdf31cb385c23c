"""The operator may be killed, or be away, at any time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sandbox import wait_until
from sandbox.kube.operator_process import USER
from tests.e2e.support.scene import TIMEOUT, condition

if TYPE_CHECKING:
    from sandbox import ControlPlane
    from tests.e2e.conftest import StartOperator
    from tests.e2e.support.scene import Scene

SOURCES = 50


def test_killed_in_the_middle_of_a_first_sync_it_goes_on_and_writes_nothing_twice(
    scene: Scene, installed: ControlPlane, start_operator: StartOperator
) -> None:
    contents = {f"source-{number:02}": f'{{"number": "can4rybird {number}"}}' for number in range(SOURCES)}
    for name, content in contents.items():
        scene.deploy(content.encode(), profile=name, label=name)
        scene.apply(name, configurationProfile=name)
    before = scene.resource_version()

    # One worker, so that it takes a while.
    first = start_operator(scene.namespace, arguments=["--workers=1", "--lease-duration=5"])
    wait_until(lambda: len(scene.config_maps()) >= 10, TIMEOUT, "10 ConfigMaps")
    first.kill()
    written = {config_map["metadata"]["name"] for config_map in scene.config_maps()}
    assert 10 <= len(written) <= SOURCES - 10, "it was not killed in the middle"

    start_operator(scene.namespace)  # it waits for the Lease of the first to run out
    for name in contents:
        scene.wait_for(name, "Synced")
    config_maps = {config_map["metadata"]["name"]: config_map for config_map in scene.config_maps()}
    assert {name: config_map["data"] for name, config_map in config_maps.items()} == {
        name: {"config.json": content} for name, content in contents.items()
    }
    states = [state["metadata"]["name"] for state in scene.config_map_writes(since=before)]
    assert sorted(states) == sorted(contents)
    for source in scene.sources():
        name, status = source["metadata"]["name"], source["status"]
        assert [item["type"] for item in status["conditions"]] == ["Ready"]
        assert status["observedGeneration"] == source["metadata"]["generation"]
        assert status["source"]["versionLabel"] == name
        assert status["source"]["digest"] == "sha256:" + hashlib.sha256(contents[name].encode()).hexdigest()
        assert status["target"]["resourceVersion"] == config_maps[name]["metadata"]["resourceVersion"]
        annotations = config_maps[name]["metadata"]["annotations"]
        assert status["target"]["digest"] == annotations["appconfig-operator.io/digest"]
    updates = [
        request
        for request in installed.requests_of(USER)
        if (request.namespace, request.resource, request.verb) == (scene.namespace, "configmaps", "update")
    ]
    assert updates == []


def test_a_namespace_with_sources_can_be_deleted_while_the_operator_is_down(
    scene: Scene, start_operator: StartOperator
) -> None:
    scene.deploy(b'{"a": "can4rybird"}')
    operator = start_operator(scene.namespace)
    for name in ("good", "wrong"):
        scene.apply(name, application=scene.namespace if name == "good" else "nowhere")
    scene.wait_for("good", "Synced")
    stalled = scene.wait_for("wrong", "NotFound")
    assert condition(stalled, "Stalled") is not None
    operator.kill()
    namespace = f"/api/v1/namespaces/{scene.namespace}"
    scene.api.request("DELETE", namespace)
    wait_until(lambda: not scene.api.exists(namespace), 60, f"the end of namespace {scene.namespace}")


def test_killed_while_it_waits_for_a_config_map_it_leaves_no_trace_of_that(
    scene: Scene, start_operator: StartOperator
) -> None:
    scene.deploy(b'{"a": "can4rybird"}')
    first = start_operator(scene.namespace, arguments=["--lease-duration=5"])
    scene.apply("old", target={"name": "shared"})
    scene.wait_for("old", "Synced")
    scene.apply("new", target={"name": "shared"})
    scene.wait_for("new", "TargetNotOwned")
    assert len(scene.config_map("shared")["metadata"]["ownerReferences"]) == 2
    first.kill()
    scene.change("new", target={"name": "elsewhere"})

    start_operator(scene.namespace)
    scene.wait_for("new", "Synced", generation=2)
    owners = scene.config_map("shared")["metadata"]["ownerReferences"]
    assert [owner["name"] for owner in owners] == ["old"]
