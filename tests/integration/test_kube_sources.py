"""The status and the lists of AppConfigSources on a real API server, with the rights that the manifests give."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.status import Condition, KeptVersion, ReceivedVersion, Status, WrittenTarget
from appconfig_operator.api.text import label
from appconfig_operator.api.v1alpha1 import PLURAL, REQUESTED_AT, Source
from appconfig_operator.core.errors import OutdatedError, Reason, SourceGoneError, TransientError
from appconfig_operator.kube import sources as module
from appconfig_operator.kube.api import Api
from appconfig_operator.kube.errors import ApiError, UnreachableError
from appconfig_operator.kube.sources import Sources
from sandbox.kube.kubeconfig import write_kubeconfig
from sandbox.processes.ports import LOOPBACK, free_ports
from sandbox.processes.waiting import wait_until
from tests.integration.support.kube_access import Administrator, Meddling, api_of

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.kube.control_plane import ControlPlane
    from sandbox.kube.kubectl import Kubectl

DIGEST = "sha256:" + "0123456789abcdef" * 4
TIME = "2026-01-02T03:04:05Z"


@pytest.fixture
def away(installed: ControlPlane, tmp_path: Path) -> Api:
    """An API server that is not there."""
    url = f"https://{LOOPBACK}:{free_ports(1)[0]}"
    return api_of(write_kubeconfig(tmp_path / "away", url, installed.ca_file, "token"))


@pytest.fixture
def nobody(installed: ControlPlane, kubectl: Kubectl, namespace: str) -> Api:
    """A ServiceAccount without rights."""
    kubectl("create", "serviceaccount", "nobody", "-n", namespace)
    return api_of(installed.service_account_kubeconfig(namespace, "nobody"))


def condition(kind: str = "Ready", status: str = "True") -> Condition:
    return Condition(
        type=kind, status=status, reason="Synced", message="m", observed_generation=1, last_transition_time=TIME
    )


FULL = Status(
    observed_generation=1,
    conditions=(condition("Ready", "False"), condition("Stalled")),
    source=ReceivedVersion(
        version_label="v1", content_type="text/plain", content_digest=DIGEST, size_bytes=3, received_time=TIME
    ),
    target=WrittenTarget(
        name="checkout", data_digest=DIGEST, keys=1, synced_time=TIME, resource_version="7", version_label="v1"
    ),
)


def test_status_comes_back_as_written(api: Api, admin: Administrator) -> None:
    source = admin.source()
    before = admin.get(PLURAL, "checkout")
    version = Sources(api).update_status(source, FULL)
    now = admin.get(PLURAL, "checkout")
    seen = Source.from_dict(now)
    assert seen.status == FULL
    assert seen.resource_version == version
    assert now["spec"] == before["spec"]
    assert seen.generation == source.generation
    assert set(now["metadata"]) == set(before["metadata"]), "no finalizer, no annotation"
    assert [entry["manager"] for entry in now["metadata"]["managedFields"] if entry.get("subresource")] == [
        "appconfig-operator"
    ]


def test_conditions_are_replaced_as_a_whole(api: Api, admin: Administrator) -> None:
    source = admin.source()
    Sources(api).update_status(source, FULL)
    ready = replace(FULL, conditions=(condition(),))
    Sources(api).update_status(source, ready)
    assert Source.from_dict(admin.get(PLURAL, "checkout")).status == ready


def test_what_is_not_written_stays(api: Api, admin: Administrator) -> None:
    """A source that fails after a restart still shows what is in its ConfigMap."""
    source = admin.source()
    Sources(api).update_status(source, FULL)
    Sources(api).update_status(source, Status(observed_generation=2, conditions=()))
    assert Source.from_dict(admin.get(PLURAL, "checkout")).status == replace(FULL, observed_generation=2, conditions=())


@pytest.mark.proves("status.source.modifiedTime")
def test_the_time_of_a_deployment_comes_and_goes_with_its_version(api: Api, admin: Administrator) -> None:
    source = admin.source()
    received = FULL.source
    assert received is not None
    deployed = replace(FULL, source=replace(received, modified_time=TIME))
    for status in (deployed, FULL, deployed):
        Sources(api).update_status(source, status)
        assert Source.from_dict(admin.get(PLURAL, "checkout")).status == status
    assert admin.get(PLURAL, "checkout")["status"]["source"]["modifiedTime"] == TIME


def test_same_status_is_no_write(api: Api, admin: Administrator) -> None:
    source = admin.source()
    assert Sources(api).update_status(source, FULL) == Sources(api).update_status(source, FULL)


def test_spec_changed_in_between(api: Api, admin: Administrator) -> None:
    """The status is about the generation that it names, so a newer spec is no reason to lose it."""
    source = admin.source()
    admin.patch(PLURAL, "checkout", {"spec": {"application": "other"}})
    Sources(api).update_status(source, FULL)
    assert Source.from_dict(admin.get(PLURAL, "checkout")).status == FULL


def test_status_of_a_newer_spec_is_not_for_the_older_one(api: Api, admin: Administrator) -> None:
    source = admin.source()
    Sources(api).update_status(source, FULL)
    assert Sources(api).status(source) == FULL
    admin.patch(PLURAL, "checkout", {"spec": {"application": "other"}})
    with pytest.raises(OutdatedError):
        Sources(api).status(source)


def test_deleted(api: Api, admin: Administrator) -> None:
    source = admin.source()
    admin.delete(PLURAL, "checkout")
    with pytest.raises(SourceGoneError, match=source.uid):
        Sources(api).update_status(source, FULL)


def test_being_deleted(api: Api, admin: Administrator) -> None:
    """A finalizer of somebody else holds it, or its ConfigMap goes first."""
    source = admin.source()
    admin.patch(PLURAL, "checkout", {"metadata": {"finalizers": ["example.com/theirs"]}})
    assert Sources(api).status(source) == source.status
    admin.delete(PLURAL, "checkout")
    with pytest.raises(SourceGoneError, match=source.uid):
        Sources(api).status(source)
    admin.patch(PLURAL, "checkout", {"metadata": {"finalizers": []}})


def test_created_again_under_the_same_name(api: Api, admin: Administrator) -> None:
    old = admin.source()
    admin.delete(PLURAL, "checkout")
    new = admin.source()
    with pytest.raises(SourceGoneError, match=old.uid):
        Sources(api).update_status(old, FULL)
    assert admin.get(PLURAL, "checkout")["metadata"]["resourceVersion"] == new.resource_version
    assert Source.from_dict(admin.get(PLURAL, "checkout")).status == new.status


def test_status_that_the_crd_refuses(api: Api, admin: Administrator) -> None:
    """It would be a bug of ours, and no sign that the source is gone."""
    source = admin.source()
    with pytest.raises(TransientError) as error:
        Sources(api).update_status(source, replace(FULL, conditions=(condition(status="Maybe"),)))
    assert error.value.reason is Reason.TARGET_UNAVAILABLE
    assert "HTTP 422 Invalid" in error.value.message


def policy_of_the_status(admin: Administrator, rule: str) -> dict[str, Any]:
    """Describe a policy for updates of the status in the namespace, with words that quote what they are about."""
    kind, group = "ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1"
    name = f"{admin.namespace}.example.com"
    resources = {"apiGroups": ["appconfig-operator.io"], "apiVersions": ["*"], "operations": ["UPDATE"]}
    return {
        "apiVersion": group,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{**resources, "resources": ["appconfigsources/status"]}]},
            "validations": [{"expression": rule, "messageExpression": "'geheim ' + object.metadata.name"}],
        },
    }


def test_a_status_that_a_policy_refuses_is_no_sign_that_the_source_is_gone(api: Api, admin: Administrator) -> None:
    policy = policy_of_the_status(admin, "object.status.observedGeneration != 77")
    base = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
    name = policy["metadata"]["name"]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": admin.namespace}}
    binding = {
        "apiVersion": policy["apiVersion"],
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector},
        },
    }
    source = admin.source()
    admin.api.call("POST", f"{base}ies", body=policy)
    admin.api.call("POST", f"{base}ybindings", body=binding)
    refused: list[str] = []

    def denied() -> bool:
        try:
            Sources(api).update_status(source, replace(FULL, observed_generation=77))
        except TransientError as error:
            refused.append(error.message)
        return bool(refused)

    try:
        wait_until(denied, 30.0, "the policy in force")
    finally:
        admin.api.call("DELETE", f"{base}ybindings/{name}")
        admin.api.call("DELETE", f"{base}ies/{name}")
    assert f'the ValidatingAdmissionPolicy "{name}" denied it.' in refused[0]
    assert "geheim" not in refused[0]


def test_a_request_longer_than_the_status_takes_is_noted(api: Api, admin: Administrator) -> None:
    source = admin.source()
    admin.patch(PLURAL, "checkout", {"metadata": {"annotations": {REQUESTED_AT: "x" * 100_000}}})
    asked = Source.from_dict(admin.get(PLURAL, "checkout"))
    Sources(api).update_status(source, replace(FULL, last_handled_reconcile_at=asked.requested_at))
    assert Source.from_dict(admin.get(PLURAL, "checkout")).status.last_handled_reconcile_at == asked.requested_at


def test_the_longest_texts_of_others_fit_into_the_status(api: Api, admin: Administrator) -> None:
    source = admin.source()
    received, written = FULL.source, FULL.target
    assert received is not None
    assert written is not None
    hostile = label("\x1b\u202e" * 5000)
    kept = KeptVersion(data_digest=DIGEST, version_label=hostile, revision=1, replaced_time=TIME)
    status = replace(FULL, source=replace(received, version_label=hostile, content_type=hostile), history=(kept,) * 64)
    Sources(api).update_status(source, status)
    assert Source.from_dict(admin.get(PLURAL, "checkout")).status == status


def test_status_without_rights(nobody: Api, admin: Administrator) -> None:
    with pytest.raises(TransientError) as error:
        Sources(nobody).update_status(admin.source(), FULL)
    what = f"AppConfigSource {admin.namespace}/checkout: the Kubernetes API server answered HTTP 403 Forbidden: "
    assert error.value.message.startswith(f"{what}ServiceAccount {admin.namespace}/nobody cannot patch resource")


def test_status_without_an_api_server(away: Api, admin: Administrator) -> None:
    with pytest.raises(TransientError) as error:
        Sources(away).update_status(admin.source(), FULL)
    assert error.value.message.endswith("could not be reached (NewConnectionError).")


@pytest.mark.parametrize(("page", "calls"), [(2, 3), (5, 1), (500, 1)], ids=["pages", "just full", "one page"])
def test_uids(api: Api, admin: Administrator, monkeypatch: pytest.MonkeyPatch, page: int, calls: int) -> None:
    monkeypatch.setattr(module, "PAGE", page)
    uids = {admin.source(f"s{number}").uid for number in range(5)}
    counting = Meddling(api)
    assert Sources(counting).uids([admin.namespace]) == uids
    assert counting.calls == {"GET": calls}


def test_uids_by_namespace(api: Api, admin: Administrator, admin_api: Api) -> None:
    admin_api.call("POST", "/api/v1/namespaces", body={"metadata": {"name": f"{admin.namespace}-b"}})
    here, there = admin.source().uid, Administrator(admin_api, f"{admin.namespace}-b").source().uid
    sources = Sources(api)
    assert sources.uids([admin.namespace]) == {here}
    assert sources.uids([admin.namespace, f"{admin.namespace}-b"]) == {here, there}
    assert sources.uids([f"{admin.namespace}-none"]) == set()
    assert sources.uids([]) >= {here, there}


@pytest.fixture
def patcher(nobody: Api, kubectl: Kubectl, namespace: str) -> Api:
    """A ServiceAccount that may patch the status of sources, and not get them."""
    resource = "--resource=appconfigsources.appconfig-operator.io/status"
    kubectl("create", "role", "patcher", "--verb=patch", resource, "-n", namespace)
    subject = f"--serviceaccount={namespace}:nobody"
    kubectl("create", "rolebinding", "patcher", "--role=patcher", subject, "-n", namespace)
    return nobody


def test_without_the_right_to_get_the_status_is_read_by_a_patch_that_changes_nothing(
    api: Api, patcher: Api, admin: Administrator
) -> None:
    source = admin.source()
    Sources(api).update_status(source, FULL)
    before = admin.get(PLURAL, "checkout")
    calls = Meddling(patcher)
    assert Sources(calls).status(source) == FULL
    assert admin.get(PLURAL, "checkout") == before, "its resourceVersion and its managed fields, too"
    assert calls.calls == {"GET": 1, "PATCH": 1}


def test_such_a_read_finds_out_that_the_source_is_another_or_newer(patcher: Api, admin: Administrator) -> None:
    source = admin.source()
    with pytest.raises(SourceGoneError):
        Sources(patcher).status(replace(source, uid=str(uuid.uuid4())))
    admin.patch(PLURAL, "checkout", {"spec": {"pollIntervalSeconds": 90}})
    with pytest.raises(OutdatedError):
        Sources(patcher).status(source)
    admin.delete(PLURAL, "checkout")
    with pytest.raises(SourceGoneError):
        Sources(patcher).status(source)


def test_without_a_permission_the_message_names_it_and_quotes_nothing(nobody: Api, admin: Administrator) -> None:
    source = admin.source()
    words = 'cannot patch resource "appconfigsources/status"'
    for call in (lambda: Sources(nobody).status(source), lambda: Sources(nobody).update_status(source, FULL)):
        with pytest.raises(TransientError) as error:
            call()
        assert error.value.reason == Reason.TARGET_UNAVAILABLE
        assert words in error.value.message
        assert admin.namespace in error.value.message


def test_a_missing_permission_is_reported_with_its_verb_resource_and_namespace(
    nobody: Api, admin: Administrator
) -> None:
    reported: list[tuple[str, str, str, bool]] = []

    def on_right(verb: str, resource: str, namespace: str, *, allowed: bool) -> None:
        reported.append((verb, resource, namespace, allowed))

    api = Api(nobody._client, on_right=on_right)
    with pytest.raises(ApiError):
        Sources(api).uids([admin.namespace])
    with pytest.raises(ApiError):
        Sources(api).uids([])
    assert Sources(api).served()
    assert reported == [
        ("list", PLURAL, admin.namespace, False),
        ("list", PLURAL, "", False),
        ("list", "other", "", True),
    ]


def test_uids_are_listed_without_content(api: Api, admin: Administrator, monkeypatch: pytest.MonkeyPatch) -> None:
    admin.source()
    answers = []
    sized = api.sized

    def listening(*args: Any, **kwargs: Any) -> tuple[dict[str, Any], int]:
        answer, size = sized(*args, **kwargs)
        answers.append(answer)
        return answer, size

    monkeypatch.setattr(api, "sized", listening)
    Sources(api).uids([admin.namespace])
    assert [answer["kind"] for answer in answers] == ["PartialObjectMetadataList"]
    assert [set(item) for item in answers[0]["items"]] == [{"apiVersion", "kind", "metadata"}]


def test_uids_without_rights(nobody: Api) -> None:
    with pytest.raises(ApiError, match="HTTP 403 Forbidden") as error:
        Sources(nobody).uids([])
    assert 'cannot list resource "appconfigsources"' in error.value.message


def test_uids_without_an_api_server(away: Api) -> None:
    with pytest.raises(UnreachableError):
        Sources(away).uids([])


def test_served(api: Api) -> None:
    assert Sources(api).served()


@pytest.mark.parametrize(
    ("name", "value"),
    [("API_VERSION", "appconfig-operator.io/v9"), ("API_VERSION", f"x{uuid.uuid4().hex}.io/v1"), ("PLURAL", "others")],
    ids=["other version", "no such group", "other resource of the group"],
)
def test_not_served(api: Api, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setattr(module, name, value)
    assert not Sources(api).served()
    assert Sources(api).gone()


def test_served_is_not_known(away: Api, installed: ControlPlane) -> None:
    with pytest.raises(UnreachableError):
        Sources(away).served()
    assert not Sources(away).gone()
    with pytest.raises(ApiError, match="HTTP 401"):
        Sources(api_of(installed.kubeconfig_for("wrong", "no-such-token"))).served()
