"""Creation policies and the watch for drift on a real API server, with the rights of the manifests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.labels import FIELD_MANAGER, SOURCE_UID
from appconfig_operator.api.status import WrittenTarget
from appconfig_operator.api.v1alpha1 import CreationPolicy, Source
from appconfig_operator.core.errors import BlockedError, Reason, StallingError
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target.drift import Drift, DriftKind, drift, snapshot, source_uid
from appconfig_operator.core.target.managed_fields import merge_manager, owned, owned_references
from appconfig_operator.core.target.plan import WantedConfigMap, wanted_config_map
from appconfig_operator.core.target.references import waiting
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.kube.config_map_metadata import ConfigMapMetadata
from appconfig_operator.kube.configmaps import ConfigMaps
from tests.integration.support.kube_access import Meddling, sync

if TYPE_CHECKING:
    from appconfig_operator.kube.api import Api
    from sandbox.kube.kubectl import Kubectl
    from tests.integration.support.kube_access import Administrator

KIND = "configmaps"


def version(**text: str) -> RenderedVersion:
    return RenderedVersion(Data(text=text, binary={}), "v1", "text/plain")


def want(source: Source, policy: CreationPolicy, name: str = "shared", **text: str) -> WantedConfigMap:
    target = replace(source.spec.target, name=name, creation_policy=policy)
    return wanted_config_map(replace(source, spec=replace(source.spec, target=target)), version(**text))


def shared(admin: Administrator, **data: str) -> dict[str, Any]:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shared"}, "data": data}
    return admin.create(KIND, body)


def test_two_sources_merge_into_one_config_map(api: Api, admin: Administrator) -> None:
    maps, one, two = ConfigMaps(api), admin.source("one"), admin.source("two")
    shared(admin, theirs="x")
    assert sync(maps, want(one, CreationPolicy.MERGE, a="1"), known=False).changed
    assert sync(maps, want(two, CreationPolicy.MERGE, b="2"), known=False).changed
    assert admin.get(KIND, "shared")["data"] == {"theirs": "x", "a": "1", "b": "2"}
    assert not sync(maps, want(one, CreationPolicy.MERGE, a="1"), known=True).changed
    sync(maps, want(one, CreationPolicy.MERGE, c="3"), known=True)
    now = admin.get(KIND, "shared")
    assert now["data"] == {"theirs": "x", "c": "3", "b": "2"}
    assert "ownerReferences" not in now["metadata"]


def test_merge_waits_for_its_config_map_and_never_creates_one(api: Api, admin: Administrator) -> None:
    source = admin.source()
    with pytest.raises(BlockedError) as caught:
        sync(ConfigMaps(api), want(source, CreationPolicy.MERGE, a="1"), known=False)
    assert caught.value.reason is Reason.TARGET_MISSING
    shared(admin)
    assert sync(ConfigMaps(api), want(source, CreationPolicy.MERGE, a="1"), known=False).changed


def test_a_key_that_another_manager_holds_is_a_conflict_by_name(api: Api, admin: Administrator) -> None:
    maps, source = ConfigMaps(api), admin.source()
    shared(admin, a="1")
    with pytest.raises(StallingError) as caught:
        sync(maps, want(source, CreationPolicy.MERGE, a="geheim"), known=False)
    assert caught.value.reason is Reason.TARGET_CONFLICT
    assert "the key a is held by the field manager" in caught.value.message
    assert "geheim" not in caught.value.message
    assert admin.get(KIND, "shared")["data"] == {"a": "1"}


@pytest.mark.parametrize("policy", [CreationPolicy.OWNER, CreationPolicy.ORPHAN])
def test_a_policy_that_becomes_merge_keeps_the_data_and_gives_up_the_rest(
    api: Api, admin: Administrator, policy: CreationPolicy
) -> None:
    maps, source = ConfigMaps(api), admin.source()
    sync(maps, want(source, policy, a="1", b="2"), known=False)
    sync(maps, want(source, CreationPolicy.MERGE, a="1"), known=True)
    now = admin.get(KIND, "shared")
    assert now["data"] == {"a": "1"}
    assert "ownerReferences" not in now["metadata"]
    assert "labels" not in now["metadata"]
    assert owned(now["metadata"], merge_manager(source.name), "data") == {"a"}
    assert not sync(maps, want(source, CreationPolicy.MERGE, a="1"), known=True).changed


def test_an_orphan_has_no_owner_and_is_taken_over_by_a_source_created_again(api: Api, admin: Administrator) -> None:
    maps, source = ConfigMaps(api), admin.source()
    sync(maps, want(source, CreationPolicy.ORPHAN, a="1"), known=False)
    assert "ownerReferences" not in admin.get(KIND, "shared")["metadata"]
    admin.delete("appconfigsources", source.name)
    spec = {"target": {"name": "shared", "creationPolicy": "Orphan"}}
    admin.source()
    again = Source.from_dict(admin.patch("appconfigsources", source.name, {"spec": spec}))
    assert again.uid != source.uid
    assert sync(maps, want(again, CreationPolicy.ORPHAN, a="2"), known=False).changed
    now = admin.get(KIND, "shared")
    assert now["data"] == {"a": "2"}
    assert source_uid(now["metadata"]) == again.uid


def test_a_change_of_policy_follows_in_the_owner_reference(api: Api, admin: Administrator) -> None:
    maps, source = ConfigMaps(api), admin.source()
    sync(maps, want(source, CreationPolicy.OWNER, a="1"), known=False)
    sync(maps, want(source, CreationPolicy.ORPHAN, a="1"), known=True)
    assert "ownerReferences" not in admin.get(KIND, "shared")["metadata"]
    sync(maps, want(source, CreationPolicy.OWNER, a="1"), known=True)
    (owner,) = admin.get(KIND, "shared")["metadata"]["ownerReferences"]
    assert owner["uid"] == source.uid


@pytest.mark.parametrize(
    ("policy", "left"),
    [(CreationPolicy.OWNER, None), (CreationPolicy.ORPHAN, {"a": "1"})],
)
def test_an_old_target_goes_or_stays_by_its_policy(
    api: Api, admin: Administrator, policy: CreationPolicy, left: dict[str, str] | None
) -> None:
    maps, source = ConfigMaps(api), admin.source()
    sync(maps, want(source, policy, a="1"), known=False)
    maps.release(source, "shared")
    maps.release(source, "never there")
    found = {item["metadata"]["name"]: item["data"] for item in admin.api.call("GET", admin._path(KIND))["items"]}
    assert found.get("shared") == left


def test_a_source_that_merges_elsewhere_takes_its_keys_with_it(api: Api, admin: Administrator) -> None:
    maps, source = ConfigMaps(api), admin.source()
    shared(admin, theirs="x")
    sync(maps, want(source, CreationPolicy.MERGE, a="1"), known=False)
    maps.release(source, "shared")
    assert admin.get(KIND, "shared")["data"] == {"theirs": "x"}


def test_a_foreign_config_map_is_not_deleted(api: Api, admin: Administrator) -> None:
    shared(admin, theirs="x")
    ConfigMaps(api).release(admin.source(), "shared")
    assert admin.get(KIND, "shared")["data"] == {"theirs": "x"}


def test_what_is_replaced_is_kept_before(api: Api, admin: Administrator) -> None:
    maps, source = ConfigMaps(api), admin.source()
    sync(maps, want(source, CreationPolicy.OWNER, a="1"), known=False)
    kept: list[RenderedVersion] = []

    def keep(replaced: RenderedVersion) -> None:
        assert admin.get(KIND, "shared")["data"] == {"a": "1"}
        kept.append(replaced)

    sync(maps, want(source, CreationPolicy.OWNER, a="2"), known=True, keep=keep)
    assert kept == [version(a="1")]
    held = replace(source, spec=replace(source.spec, target=replace(source.spec.target, name="shared")))
    assert maps.current(held, "shared") == version(a="2")


def test_what_came_before_the_first_write_is_kept_too(api: Api, admin: Administrator) -> None:
    source = admin.source()
    kept: list[RenderedVersion] = []
    sync(ConfigMaps(api), want(source, CreationPolicy.OWNER, a="1"), known=False)
    meddling = Meddling(api)
    wanted = want(source, CreationPolicy.OWNER, a="2")
    assert sync(ConfigMaps(meddling), wanted, known=False, keep=kept.append).changed
    assert kept == [version(a="1")]
    assert meddling.calls == {"POST": 1, "GET": 1, "PUT": 1}


def test_drift_shows_in_the_metadata_alone(api: Api, admin: Administrator, kubectl: Kubectl) -> None:
    source, marked = admin.source(), ConfigMapMetadata(api, admin.namespace)
    wanted = want(source, CreationPolicy.OWNER, a="1")
    done = sync(ConfigMaps(api), wanted, known=False)
    shared_by_others = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "foreign"}, "data": {"x": "y"}}
    admin.create(KIND, shared_by_others)
    ((version, listed),) = marked.list()
    assert [metadata["name"] for metadata in listed] == ["shared"]
    written = WrittenTarget("shared", wanted.data.data_digest, 1, "2026-01-01T00:00:00Z", done.resource_version)
    events = marked.watch(version)

    def change(*command: str) -> Drift | None:
        kubectl("-n", admin.namespace, *command)
        metadata, there = next(events)
        assert "data" not in metadata
        assert source_uid(metadata) == source.uid
        return drift(snapshot(metadata, there=there), written)

    assert change("label", "configmap", "shared", "team=a") is None
    assert change("annotate", "configmap", "shared", "note=b") is None
    patched = change("patch", "configmap", "shared", "--type=merge", '--patch={"data":{"a":"changed"}}')
    assert patched == Drift(DriftKind.DATA, "kubectl-patch")
    assert change("delete", "configmap", "shared", "--wait=false") == Drift(DriftKind.DELETED)
    events.close()  # type: ignore[attr-defined]


def test_managed_fields_may_be_made_up(api: Api, admin: Administrator) -> None:
    """The API server takes them from clients, and keeps what they name: the watch goes on all the same."""
    keys = ("k:{}", 'k:{"x":1}', 'k:{"uid":{}}', 'k:{"uid":"w"}')
    entry = {
        "manager": FIELD_MANAGER,
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsV1": {"f:metadata": {"f:ownerReferences": {key: {} for key in keys}}},
    }
    admin.config_map("made-up", labels={SOURCE_UID: "u"}, managedFields=[entry])
    ((_, (metadata,)),) = ConfigMapMetadata(api, admin.namespace).list()
    kept = next(one["fieldsV1"] for one in metadata["managedFields"] if one["manager"] == FIELD_MANAGER)
    assert "k:{}" in kept["f:metadata"]["f:ownerReferences"], "else there is nothing to test"
    assert owned_references(metadata, FIELD_MANAGER) == {"w"}
    assert waiting(metadata) == frozenset()


def test_a_key_that_is_taken_away_is_drift(api: Api, admin: Administrator, kubectl: Kubectl) -> None:
    source, marked = admin.source(), ConfigMapMetadata(api, admin.namespace)
    wanted = want(source, CreationPolicy.OWNER, a="1", b="2")
    done = sync(ConfigMaps(api), wanted, known=False)
    written = WrittenTarget("shared", wanted.data.data_digest, 2, "2026-01-01T00:00:00Z", done.resource_version)
    kubectl("-n", admin.namespace, "patch", "configmap", "shared", "--type=merge", '--patch={"data":{"b":null}}')
    ((_, (metadata,)),) = marked.list()
    assert drift(snapshot(metadata), written) == Drift(DriftKind.DATA)
    sync(ConfigMaps(api), wanted, known=True)
    ((_, (metadata,)),) = marked.list()
    assert drift(snapshot(metadata), replace(written, resource_version="0")) is None


@pytest.mark.parametrize(("keys", "size"), [(20_000, 50), (45_600, 20), (100_000, 9)], ids=["etcd", "grpc", "request"])
def test_more_than_etcd_takes_is_too_large(api: Api, admin: Administrator, keys: int, size: int) -> None:
    """Keys count where it is stored, twice, and some refusals come as HTTP 500."""
    many = {f"servers.{number}.name-of-it": "x" * size for number in range(keys)}
    with pytest.raises(StallingError) as caught:
        sync(ConfigMaps(api), want(admin.source(), CreationPolicy.OWNER, **many), known=False)
    assert caught.value.reason is Reason.TOO_LARGE


def test_one_read_shows_whether_a_config_map_is_as_it_was_written(
    api: Api, admin: Administrator, kubectl: Kubectl
) -> None:
    maps, source = ConfigMaps(api), admin.source()
    wanted = want(source, CreationPolicy.OWNER, a="1")
    data_digest = wanted.data.data_digest
    assert not maps.holds(source, "shared", data_digest)
    sync(maps, wanted, known=False)
    assert maps.holds(source, "shared", data_digest)
    assert not maps.holds(source, "shared", version(a="2").data.data_digest)
    kubectl("-n", admin.namespace, "annotate", "configmap", "shared", "note=b")
    assert maps.holds(source, "shared", data_digest)
    assert not maps.holds(admin.source("another"), "shared", data_digest)
    kubectl("-n", admin.namespace, "patch", "configmap", "shared", "--type=merge", '--patch={"data":{"a":"changed"}}')
    assert not maps.holds(source, "shared", data_digest)
