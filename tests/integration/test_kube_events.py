"""Events on a real API server, with the rights that the manifests give: as users see them."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.kube.events import NOTE_LIMIT, Events
from tests.integration.support.kube_access import Administrator, Meddling, api_of

if TYPE_CHECKING:
    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.kube.api import Api
    from sandbox.kube.control_plane import ControlPlane
    from sandbox.kube.kubectl import Kubectl


def events_of(kubectl: Kubectl, source: Source) -> list[dict[str, Any]]:
    text = kubectl("get", "events.events.k8s.io", "-n", source.namespace, "-o", "json")
    found: list[dict[str, Any]] = json.loads(text)["items"]
    return [event for event in found if event["regarding"]["uid"] == source.uid]


def test_seen_by_users(api: Api, admin: Administrator, kubectl: Kubectl) -> None:
    source = admin.source()
    Events(api, instance="pod-1").emit(source, kind="Normal", reason="Synced", note="ConfigMap checkout holds v1.")
    Events(api, instance="pod-1").emit(source, kind="Warning", reason="NotFound", note="There is no such application.")
    described = kubectl("describe", "acs", source.name, "-n", source.namespace)
    listed = kubectl("events", "-n", source.namespace, "--for=appconfigsource/checkout")
    for words in (("Normal", "Synced", "holds v1."), ("Warning", "NotFound", "no such application.")):
        for text in (described, listed):
            assert [line for line in text.splitlines() if all(word in line for word in words)], text


def test_fields(api: Api, admin: Administrator, kubectl: Kubectl) -> None:
    source = admin.source()
    counting = Meddling(api)
    Events(counting, instance="p" * 300).emit(source, kind="Normal", reason="Synced", note="done")
    (event,) = events_of(kubectl, source)
    assert counting.calls == {"POST": 1}
    assert event["regarding"] == {
        "apiVersion": "appconfig-operator.io/v1alpha1",
        "kind": "AppConfigSource",
        "namespace": source.namespace,
        "name": source.name,
        "uid": source.uid,
        "resourceVersion": source.resource_version,
    }
    assert event["reportingController"] == "appconfig-operator.io/appconfig-operator"
    assert event["reportingInstance"] == "p" * 128
    assert (event["type"], event["reason"], event["action"], event["note"]) == ("Normal", "Synced", "Sync", "done")


@pytest.mark.parametrize(
    ("note", "written"),
    [
        pytest.param("x" * 1025, "x" * 1024, id="one byte more"),
        pytest.param("x" * 1024, "x" * 1024, id="just the limit"),
        pytest.param("x" + "ж" * 600, "x" + "ж" * 511, id="two bytes a character"),
        pytest.param("😀" * 600, "😀" * 256, id="four bytes a character"),
        pytest.param("xxx" + "😀" * 600, "xxx" + "😀" * 255, id="cut within a character"),
        pytest.param("", None, id="empty"),
    ],
)
def test_note(api: Api, admin: Administrator, kubectl: Kubectl, note: str, written: str | None) -> None:
    source = admin.source()
    Events(api, instance="pod-1").emit(source, kind="Normal", reason="Synced", note=note)
    (event,) = events_of(kubectl, source)
    assert event.get("note") == written
    assert len((written or "").encode()) <= NOTE_LIMIT


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(".".join(["a" * 49] * 5), id="dot at the cut"),
        pytest.param("a" * 199 + ".b" + "c" * 52, id="dot as the last"),
        pytest.param("a" * 198 + "--b", id="dashes at the cut"),
        pytest.param(("a" * 57 + ".") * 4 + "b" * 21, id="dot where the API server cuts"),
        pytest.param("a" * 253, id="longest"),
        pytest.param("a", id="shortest"),
    ],
)
def test_names(api: Api, admin: Administrator, kubectl: Kubectl, name: str) -> None:
    source = admin.source(name)
    Events(api, instance="pod-1").emit(source, kind="Normal", reason="Synced", note="done")
    assert len(events_of(kubectl, source)) == 1


def test_lost(
    installed: ControlPlane, admin: Administrator, kubectl: Kubectl, caplog: pytest.LogCaptureFixture
) -> None:
    source = admin.source()
    kubectl("create", "serviceaccount", "nobody", "-n", source.namespace)
    nobody = api_of(installed.service_account_kubeconfig(source.namespace, "nobody"))
    with caplog.at_level(logging.WARNING, "appconfig_operator"):
        Events(nobody, instance="pod-1").emit(source, kind="Normal", reason="Synced", note="done")
    (record,) = caplog.records
    assert "Event Synced not written" in record.getMessage()
    assert 'cannot create resource "events"' in record.getMessage()
    assert record.__dict__["uid"] == source.uid
    assert events_of(kubectl, source) == []
