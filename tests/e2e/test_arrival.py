"""A version that is deployed in AppConfig arrives in a ConfigMap."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from sandbox import wait_until
from tests.e2e.support.scene import ENVIRONMENT, PROFILE, TIMEOUT, Scene

if TYPE_CHECKING:
    from sandbox.kube.kubectl import Kubectl

PREFIX = "appconfig-operator.io"


@pytest.fixture
def scene(served_scene: Scene) -> Scene:
    return served_scene


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@pytest.mark.proves(
    "spec.target.key",
    "status.observedGeneration",
    "status.conditions",
    "status.source",
    "status.source.versionLabel",
    "status.source.contentType",
    "status.source.digest",
    "status.source.sizeBytes",
    "status.source.receivedTime",
    "status.target",
    "status.target.name",
    "status.target.digest",
    "status.target.keys",
    "status.target.syncedTime",
    "status.target.resourceVersion",
    "Synced",
)
def test_a_version_arrives_and_then_the_next(scene: Scene, kubectl: Kubectl) -> None:
    first, second = '{"größe": "can4rybird 1"}\r\n\n', '{"größe": "can4rybird 2"}'
    scene.deploy(first.encode(), label="v1")
    applied = scene.apply(
        "checkout",
        target={
            "name": "checkout-config",
            "key": "checkout.json",
            "labels": {"team": "a"},
            "annotations": {"e.g/b": "c"},
        },
    )
    source = scene.wait_for("checkout", "Synced")

    config_map = scene.config_map("checkout-config")
    metadata = config_map["metadata"]
    uid = applied["metadata"]["uid"]
    assert config_map["data"] == {"checkout.json": first}
    assert "binaryData" not in config_map
    assert metadata["labels"] == {
        "team": "a",
        "app.kubernetes.io/managed-by": "appconfig-operator",
        f"{PREFIX}/source-uid": uid,
    }
    written = digest(f'{{"binaryData":{{}},"data":{{"checkout.json":"{escaped(first)}"}}}}'.encode())
    assert metadata["annotations"] == {
        "e.g/b": "c",
        f"{PREFIX}/digest": written,
        f"{PREFIX}/source": "checkout",
        f"{PREFIX}/application": scene.namespace,
        f"{PREFIX}/environment": ENVIRONMENT,
        f"{PREFIX}/configuration-profile": PROFILE,
        f"{PREFIX}/version-label": "v1",
        f"{PREFIX}/content-type": "application/json",
    }
    assert metadata["ownerReferences"] == [
        {
            "apiVersion": f"{PREFIX}/v1alpha1",
            "kind": "AppConfigSource",
            "name": "checkout",
            "uid": uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }
    ]
    assert "finalizers" not in source["metadata"]

    status = source["status"]
    assert status["observedGeneration"] == 1
    (ready,) = status["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "True", "Synced")
    assert ready["message"] == "ConfigMap checkout-config holds version v1."
    received = status["source"].pop("receivedTime")
    assert status["source"] == {
        "versionLabel": "v1",
        "contentType": "application/json",
        "digest": digest(first.encode()),
        "sizeBytes": len(first.encode()),
        "multiVariantFlags": 0,
    }
    synced = status["target"].pop("syncedTime")
    assert status["target"] == {
        "name": "checkout-config",
        "versionLabel": "v1",
        "digest": written,
        "keys": 1,
        "resourceVersion": metadata["resourceVersion"],
    }
    assert applied["metadata"]["creationTimestamp"] <= received <= synced

    scene.deploy(second.encode(), label="v2")
    scene.wait_for_content("checkout-config", {"checkout.json": second})
    wait_until(
        lambda: scene.source("checkout")["status"]["source"]["versionLabel"] == "v2", TIMEOUT, "v2 in the status"
    )
    after = scene.config_map("checkout-config")["metadata"]
    assert after["uid"] == metadata["uid"]
    assert after["annotations"][f"{PREFIX}/version-label"] == "v2"
    scene.wait_for_events("checkout", [("Normal", "Synced"), ("Normal", "Synced")])

    header, row = kubectl("get", "acs", "-n", scene.namespace).splitlines()
    assert header.split() == [
        "NAME",
        "APPLICATION",
        "ENVIRONMENT",
        "PROFILE",
        "READY",
        "REASON",
        "VERSION",
        "SYNCED",
        "AGE",
    ]
    assert row.split()[:7] == ["checkout", scene.namespace, ENVIRONMENT, PROFILE, "True", "Synced", "v2"]
    assert all(age.endswith("s") for age in row.split()[7:])
    wide = kubectl("get", "acs", "-n", scene.namespace, "-o", "wide").splitlines()[1]
    assert "checkout-config" in wide
    assert "ConfigMap checkout-config holds version v2." in wide


def escaped(text: str) -> str:
    return text.replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")


@pytest.mark.parametrize(
    ("content", "content_type", "key"),
    [
        pytest.param(b"\xff\x00\xfecan4rybird", "application/octet-stream", "config", id="binary"),
        pytest.param(b"a: can4rybird\n", "application/x-yaml", "config.yaml", id="yaml"),
    ],
)
def test_content_arrives_byte_for_byte(scene: Scene, content: bytes, content_type: str, key: str) -> None:
    scene.deploy(content, content_type=content_type)
    scene.apply("checkout")
    scene.wait_for("checkout", "Synced")
    config_map = scene.config_map("checkout")
    values = {name: value.encode() for name, value in config_map.get("data", {}).items()} | {
        name: base64.b64decode(value) for name, value in config_map.get("binaryData", {}).items()
    }
    assert values == {key: content}
