"""A status that is refused, or that is asked to hold too much."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.core.backoff import CAP_SECONDS
from sandbox import wait_until
from sandbox.kube.operator_process import USER
from tests.e2e.support.policies import denying
from tests.e2e.support.scene import TIMEOUT, Scene, value

if TYPE_CHECKING:
    from sandbox import ControlPlane
    from tests.e2e.conftest import StartOperator

SOURCES = 20
SECONDS = 30.0


@pytest.fixture
def names() -> list[str]:
    """Many sources: what each of them does too often is seen in their sum."""
    return [f"source-{number:02}" for number in range(SOURCES)]


def test_a_refused_status_is_tried_at_a_slower_and_slower_pace_and_holds_nothing_up(
    scene: Scene, names: list[str], installed: ControlPlane, start_operator: StartOperator
) -> None:
    for name in names:
        scene.deploy(value("1").encode(), profile=name, content_type="text/plain")
        scene.apply(name, configurationProfile=name)
    group, resource = "appconfig-operator.io", "appconfigsources/status"
    path = f"/apis/{group}/v1alpha1/namespaces/{scene.namespace}/appconfigsources/{names[0]}/status"
    probe = ("PATCH", path, {"status": {"observedGeneration": 0}})
    with denying(scene, group=group, resource=resource, quote="object.metadata.name", probe=probe) as policy:
        began = time.time()
        operator = start_operator(scene.namespace)
        wait_until(lambda: len(scene.config_maps()) == SOURCES, TIMEOUT, "the ConfigMaps")
        scene.deploy(value("2").encode(), profile=names[0], content_type="text/plain")
        scene.wait_for_content(names[0], {"config.txt": value("2")})
        wait_until(lambda: time.time() - began > SECONDS, SECONDS, "a while of refusals")
        tries = [
            request
            for request in installed.requests_of(USER)
            if (request.namespace, request.subresource, request.verb) == (scene.namespace, "status", "patch")
        ]
        assert SOURCES <= len(tries) <= 10 * SOURCES
        assert {request.code for request in tries} == {422}
        assert all("conditions" not in source["status"] for source in scene.sources())
        reported = [line for line in operator.log.splitlines() if "Status not written" in line]
        assert len(reported) == SOURCES, "each once, and not at each try"
        assert all(f'the ValidatingAdmissionPolicy "{policy}" denied it' in line for line in reported)
    # Nobody has forgotten them: by now, up to a minute lies between two tries.
    for name in names:
        scene.wait_for(name, "Synced", timeout=CAP_SECONDS + TIMEOUT)
    assert scene.source(names[0])["status"]["source"]["sizeBytes"] == len(value("2"))


def test_a_request_of_any_length_is_carried_out_once(scene: Scene, start_operator: StartOperator) -> None:
    scene.deploy(value("1").encode(), content_type="text/plain")
    scene.apply("checkout")
    start_operator(scene.namespace)
    source = scene.wait_for("checkout", "Synced")
    source["metadata"]["annotations"] = {"appconfig-operator.io/requestedAt": "x" * 100_000}
    path = f"/apis/appconfig-operator.io/v1alpha1/namespaces/{scene.namespace}/appconfigsources/checkout"
    scene.api.json("PUT", path, source)
    wait_until(
        lambda: scene.source("checkout")["status"].get("lastHandledReconcileAt", "").startswith("sha256:"),
        TIMEOUT,
        "the request handled",
    )
    scene.deploy(value("2").encode(), content_type="text/plain", label="v2")
    scene.wait_for_content("checkout", {"config.txt": value("2")})
    wait_until(lambda: scene.source("checkout")["status"]["source"]["versionLabel"] == "v2", TIMEOUT, "the status")
