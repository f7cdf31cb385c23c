"""ConfigMaps on a real API server, with the rights that the manifests give: what is written, and what is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.labels import MANAGED_BY
from appconfig_operator.kube.configmaps import ConfigMaps
from sandbox.kube.operator_process import USER
from sandbox.processes.waiting import wait_until
from tests.integration.support.kube_access import Administrator, Meddling, sync, wanted

if TYPE_CHECKING:
    from appconfig_operator.kube.api import Api
    from sandbox.kube.control_plane import ControlPlane

NAME = "checkout"
KIND = "configmaps"


@pytest.fixture
def config_maps(api: Api) -> ConfigMaps:
    return ConfigMaps(api)


def test_create(config_maps: ConfigMaps, admin: Administrator) -> None:
    source = admin.source()
    written = sync(config_maps, wanted(source, labels={"team": "shop"}, annotations={"note": "n"}), known=False)
    made = admin.get(KIND, NAME)
    assert written.changed
    assert written.resource_version == made["metadata"]["resourceVersion"]
    assert made["data"] == {"config.json": '{"a":1}'}
    assert "binaryData" not in made
    assert made["metadata"]["labels"] == {
        "team": "shop",
        MANAGED_BY: "appconfig-operator",
        "appconfig-operator.io/source-uid": source.uid,
    }
    assert made["metadata"]["annotations"]["note"] == "n"
    assert made["metadata"]["annotations"]["appconfig-operator.io/version-label"] == "v1"
    assert made["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "appconfig-operator.io/v1alpha1",
            "kind": "AppConfigSource",
            "name": NAME,
            "uid": source.uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }
    ]
    assert "finalizers" not in made["metadata"]
    assert {entry["manager"] for entry in made["metadata"]["managedFields"]} == {"appconfig-operator"}


@pytest.mark.parametrize("known", [True, False], ids=["known", "after a lost answer"])
def test_unchanged_is_not_written(
    config_maps: ConfigMaps, admin: Administrator, installed: ControlPlane, *, known: bool
) -> None:
    source = admin.source()
    first = sync(config_maps, wanted(source), known=False)
    second = sync(config_maps, wanted(source), known=known)
    assert not second.changed
    assert second.resource_version == first.resource_version == admin.get(KIND, NAME)["metadata"]["resourceVersion"]

    def verbs() -> list[tuple[str, int]]:
        mine = [request for request in installed.requests_of(USER) if request.namespace == admin.namespace]
        return [(request.verb, request.code) for request in mine]

    wait_until(lambda: ("get", 200) in verbs(), 10.0, "the read in the audit log")
    assert verbs() == [("create", 201), *([] if known else [("create", 409)]), ("get", 200)]


CHANGES: dict[str, dict[str, Any]] = {
    "data": {"body": b'{"a":2}'},
    "label added": {"labels": {"team": "shop"}},
    "annotation added": {"annotations": {"note": "n"}},
    "binary": {"body": b"\xff\x00"},
    "other key": {"content_type": "text/plain"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_is_replaced(config_maps: ConfigMaps, admin: Administrator, change: dict[str, Any]) -> None:
    source = admin.source()
    first = sync(config_maps, wanted(source), known=False)
    want = wanted(source, **change)
    second = sync(config_maps, want, known=True)
    now = admin.get(KIND, NAME)
    assert second.changed
    assert first.resource_version != second.resource_version == now["metadata"]["resourceVersion"]
    assert (now.get("data", {}), now.get("binaryData", {})) == (want.data.text, want.data.binary)
    assert now["metadata"]["labels"] == want.labels
    assert now["metadata"]["annotations"] == want.annotations
    assert not sync(config_maps, want, known=True).changed


def test_binary_and_back(config_maps: ConfigMaps, admin: Administrator) -> None:
    source = admin.source()
    sync(config_maps, wanted(source, b"\xff"), known=False)
    assert admin.get(KIND, NAME)["binaryData"] == {"config.json": "/w=="}
    sync(config_maps, wanted(source), known=True)
    now = admin.get(KIND, NAME)
    assert now["data"] == {"config.json": '{"a":1}'}
    assert "binaryData" not in now


def test_what_others_put_on_it_is_kept(config_maps: ConfigMaps, admin: Administrator) -> None:
    source = admin.source()
    sync(config_maps, wanted(source, labels={"old": "1"}, annotations={"old": "1"}), known=False)
    other = admin.config_map("other")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": other["metadata"]["uid"]}
    before = admin.get(KIND, NAME)["metadata"]
    theirs: dict[str, Any] = {
        "labels": {"theirs": "1"},
        "annotations": {"theirs": "1"},
        "finalizers": ["example.com/theirs"],
        "ownerReferences": [*before["ownerReferences"], owner],
    }
    admin.patch(KIND, NAME, {"metadata": theirs})
    want = wanted(source, b'{"a":2}')
    assert sync(config_maps, want, known=True).changed
    now = admin.get(KIND, NAME)["metadata"]
    assert now["labels"] == {**want.labels, "theirs": "1"}, "ours of before gone, theirs kept"
    assert now["annotations"] == {**want.annotations, "theirs": "1"}
    assert now["finalizers"] == ["example.com/theirs"]
    assert now["ownerReferences"] == theirs["ownerReferences"]
    assert not sync(config_maps, want, known=True).changed
    admin.patch(KIND, NAME, {"metadata": {"finalizers": None}})


def test_foreign_changes_are_reverted(config_maps: ConfigMaps, admin: Administrator) -> None:
    source = admin.source()
    want = wanted(source, labels={"team": "shop"})
    sync(config_maps, want, known=False)
    admin.patch(
        KIND, NAME, {"data": {"config.json": "x", "more": "y"}, "metadata": {"labels": {"team": "b", MANAGED_BY: None}}}
    )
    assert sync(config_maps, want, known=True).changed
    now = admin.get(KIND, NAME)
    assert now["data"] == want.data.text
    assert now["metadata"]["labels"] == want.labels


def test_two_sources_of_two_namespaces(config_maps: ConfigMaps, admin: Administrator, admin_api: Api) -> None:
    source = admin.source()
    sync(config_maps, wanted(source), known=False)
    admin_api.call("POST", "/api/v1/namespaces", body={"metadata": {"name": f"{admin.namespace}-b"}})
    elsewhere = Administrator(admin_api, f"{admin.namespace}-b")
    sync(config_maps, wanted(elsewhere.source(), b'{"b":1}'), known=False)
    assert admin.get(KIND, NAME)["data"] != elsewhere.get(KIND, NAME)["data"]


def test_created_again_when_deleted(config_maps: ConfigMaps, admin: Administrator) -> None:
    want = wanted(admin.source())
    sync(config_maps, want, known=False)
    admin.delete(KIND, NAME)
    assert sync(config_maps, want, known=True).changed
    assert admin.get(KIND, NAME)["data"] == want.data.text


def test_a_conflict_reads_again(api: Api, admin: Administrator) -> None:
    source = admin.source()
    sync(ConfigMaps(api), wanted(source), known=False)
    once = iter([{"metadata": {"labels": {"theirs": "1"}}}])

    def meddle() -> None:
        for change in once:
            admin.patch(KIND, NAME, change)

    meddling = Meddling(api, before="PUT", meddle=meddle)
    want = wanted(source, b'{"a":2}')
    assert sync(ConfigMaps(meddling), want, known=True).changed
    now = admin.get(KIND, NAME)
    assert now["data"] == want.data.text
    assert now["metadata"]["labels"] == {**want.labels, "theirs": "1"}
    assert meddling.calls == {"GET": 2, "PUT": 2}


def test_deleted_between_read_and_write(api: Api, admin: Administrator) -> None:
    source = admin.source()
    sync(ConfigMaps(api), wanted(source), known=False)
    meddling = Meddling(api, before="PUT", meddle=lambda: admin.delete(KIND, NAME))
    want = wanted(source, b'{"a":2}')
    assert sync(ConfigMaps(meddling), want, known=True).changed
    assert admin.get(KIND, NAME)["data"] == want.data.text
    assert meddling.calls == {"GET": 4, "PUT": 1, "POST": 1}, "two ask who makes it again"


def test_created_by_others_before_the_first_write(api: Api, admin: Administrator) -> None:
    """The read has found nothing, and a ConfigMap of somebody else comes before the create."""
    source = admin.source()
    made: list[dict[str, Any]] = []
    meddling = Meddling(api, before="POST", meddle=lambda: made.append(admin.config_map()))
    with pytest.raises(Exception, match="already exists and was not created by this AppConfigSource"):
        sync(ConfigMaps(meddling), wanted(source), known=True)
    assert admin.get(KIND, NAME) == made[0]
    assert meddling.calls == {"GET": 4, "POST": 1}, "two ask who makes it again"
