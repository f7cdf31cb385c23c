"""Kept versions on a real API server, with the rights of the manifests: forged ones, refused ones, many of them."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.labels import SOURCE_UID
from appconfig_operator.api.status import KeptVersion
from appconfig_operator.api.v1alpha1 import API_VERSION, KIND, PLURAL
from appconfig_operator.core.errors import ForbiddenError
from appconfig_operator.core.formats.render import LIMIT_BYTES, Data
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.core.target.revision import revision_names
from appconfig_operator.kube.errors import ApiError
from appconfig_operator.kube.history import PAGE, History
from sandbox.processes.waiting import wait_until
from tests.integration.support.kube_access import api_of
from tests.integration.support.mortal import NAME, REVISIONS, Deployment, MortalApi, MortalOperator, content, make

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from appconfig_operator.api.v1alpha1 import Source
    from appconfig_operator.kube.api import Api
    from sandbox import ControlPlane
    from sandbox.kube.kubectl import Kubectl
    from tests.integration.support.kube_access import Administrator

NOW = "2026-01-01T00:00:00Z"
ONE, TWO, THREE = (content(text) for text in ("one", "two", "three"))


def version(text: str = "a=1&b=<2>\u2028") -> RenderedVersion:
    return RenderedVersion(Data(text={"a": text}, binary={}), "v1", "text/plain")


def entry(kept: RenderedVersion, number: int) -> KeptVersion:
    return KeptVersion(kept.data.data_digest, kept.label, number, NOW)


def revisions(admin: Administrator) -> list[dict[str, Any]]:
    items = admin.api.call("GET", REVISIONS.format(admin.namespace))["items"]
    return [{"apiVersion": "apps/v1", "kind": "ControllerRevision"} | item for item in items]


def forge(admin: Administrator, source: Source, *, name: str, owned: bool = True, **changes: Any) -> dict[str, Any]:
    """Make a revision as anybody with the right to can."""
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": source.name, "uid": source.uid}
    body = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name,
            "labels": {SOURCE_UID: source.uid},
            "annotations": {"appconfig-operator.io/digest": version().data.data_digest},
            "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": False}] if owned else [],
        },
        "revision": 1,
        "data": {"data": {"a": "forged"}},
    }
    return admin.api.call("POST", REVISIONS.format(admin.namespace), body=body | changes)


@pytest.mark.parametrize("size", [1, 600_000, LIMIT_BYTES], ids=["small", "large", "at the limit"])
def test_a_version_is_kept_renumbered_read_back_and_dropped(api: Api, admin: Administrator, size: int) -> None:
    history, source = History(api), admin.source()
    kept = version("ü<" * (size // 3 + 1))
    for number in (1, 5, 5):
        history.keep(source, kept, entry(kept, number))
    assert sorted(one.revision for one in history.kept(source, ())) == [1, 5]
    history.drop(source, entry(kept, 1))
    assert list(history.kept(source, ())) == [entry(kept, 5)]
    assert history.get(source, kept.data.data_digest, None) == kept
    for _ in range(2):
        history.drop(source, entry(kept, 5))
    assert history.get(source, kept.data.data_digest, entry(kept, 5)) is None


def test_what_a_release_before_kept_is_found_under_its_name(api: Api, admin: Administrator) -> None:
    history, source = History(api), admin.source()
    kept = version("plain")
    (name,) = revision_names(source, kept.data.data_digest, None)
    made = forge(admin, source, name=name, data={"data": {"a": "plain"}}, revision=4)
    made["metadata"]["annotations"] = {
        "appconfig-operator.io/digest": kept.data.data_digest,
        "appconfig-operator.io/version-label": "v1",
        "appconfig-operator.io/content-type": "text/plain",
    }
    admin.api.call("PUT", f"{REVISIONS.format(admin.namespace)}/{name}", body=made)
    known = KeptVersion(kept.data.data_digest, "v1", 4, NOW)
    assert list(history.kept(source, [known])) == [known]
    assert list(history.kept(source, [])) == [replace(known, replaced_time=made["metadata"]["creationTimestamp"])]
    assert history.get(source, kept.data.data_digest, known) == kept
    history.drop(source, known)
    assert revisions(admin) == []


def test_what_is_known_is_not_read_again(api: Api, admin: Administrator) -> None:
    source, mortal = admin.source(), MortalApi(api)
    history = History(mortal)
    known = []
    for number in range(1, PAGE + 3):
        kept = version(str(number))
        known.append(entry(kept, number))
        history.keep(source, kept, known[-1])
    reads = mortal.reads
    assert sorted(history.kept(source, known), key=lambda kept: kept.revision) == known
    assert mortal.reads - reads == 2, "two pages"


FORGED: dict[str, dict[str, Any]] = {
    "another content": {},
    "a bomb": {"data": {"gzip": base64.b64encode(gzip.compress(b"0" * 100_000_000)).decode()}},
    "broken deflate": {"data": {"gzip": "H4sIAAAAAAACA////w=="}},
    "deep": {"data": {"data": json.loads("[" * 900 + "]" * 900)}},
    "a list": {"data": {"data": [1]}},
    "a number": {"data": {"data": {"a": 1}}},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("owned", [True, False], ids=["with its owner", "with its label"])
def test_a_name_taken_beforehand_loses_no_version_and_no_forgery_is_touched(
    api: Api, admin: Administrator, *, forged: dict[str, Any], owned: bool
) -> None:
    history, source = History(api), admin.source()
    kept = version()
    names = revision_names(source, kept.data.data_digest, 1)
    before = [forge(admin, source, name=name, owned=owned, **forged) for name in names]
    for _ in range(2):
        history.keep(source, kept, entry(kept, 1))
    assert len(revisions(admin)) == 3
    assert list(history.kept(source, ())) == [entry(kept, 1)]
    assert history.get(source, kept.data.data_digest, entry(kept, 1)) == kept
    history.drop(source, entry(kept, 1))
    assert history.get(source, kept.data.data_digest, None) is None
    assert revisions(admin) == sorted(before, key=lambda made: str(made["metadata"]["name"]))


def test_json_that_is_too_deep_for_python_is_not_a_version(api: Api, admin: Administrator, kubectl: Kubectl) -> None:
    history, source = History(api), admin.source()
    (name,) = revision_names(source, version().data.data_digest, None)
    made = json.dumps(forge(admin, source, name="template"))
    body = made.replace('{"data": {"a": "forged"}}', '{"data":' * 5_000 + "1" + "}" * 5_000).replace("template", name)
    body = body.replace('"resourceVersion"', '"ignored"').replace(f'"uid": "{json.loads(made)["metadata"]["uid"]}"', "")
    path = REVISIONS.format(admin.namespace)
    kubectl("create", "--validate=false", "--raw", path, "-f", "-", stdin=body.replace(", , ", ", "))
    assert name in kubectl("-n", admin.namespace, "get", "controllerrevisions", "-o", "name")
    assert history.get(source, version().data.data_digest, None) is None
    history.keep(source, version(), entry(version(), 1))
    assert history.get(source, version().data.data_digest, None) == version()


def test_a_start_beside_many_large_forgeries_stays_small(api: Api, admin: Administrator) -> None:
    history, source = History(api), admin.source()
    history.keep(source, version(), entry(version(), 1))
    finalizers = [f"example.com/{'x' * 40}{number}" for number in range(20_000)]
    for number in range(30):
        made = forge(admin, source, name=f"forged-{number}", owned=number % 2 == 0, data={"a": "x" * 100_000})
        made["metadata"]["finalizers"] = finalizers
        admin.api.call("PUT", f"{REVISIONS.format(admin.namespace)}/forged-{number}", body=made)
    tracemalloc.start()
    assert list(history.kept(source, ())) == [entry(version(), 1)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for number in range(30):
        path = f"{REVISIONS.format(admin.namespace)}/forged-{number}"
        admin.api.call(
            "PATCH", path, body={"metadata": {"finalizers": None}}, content_type="application/merge-patch+json"
        )
    assert peak < 48 * 1024 * 1024


class RefusingApi(MortalApi):
    """Refuses some calls, as an API server or a webhook before it would."""

    def __init__(self, api: Api, refuse: Callable[[str, str], ApiError | None]) -> None:
        super().__init__(api)
        self.refuse = refuse

    def sized(self, method: str, path: str, **more: Any) -> tuple[dict[str, Any], int]:
        error = self.refuse(method, path)
        if error is not None:
            raise error
        return super().sized(method, path, **more)


def status(code: int, reason: str = "", causes: Sequence[Mapping[str, str]] = ()) -> ApiError:
    details = {"causes": list(causes)}
    words = 'Invalid value: {"data": "geheim"}'
    return ApiError(code, {"kind": "Status", "reason": reason, "message": words, "details": details})


def running(api: MortalApi, admin: Administrator, deployment: Deployment) -> MortalOperator:
    make(admin, NAME)
    process = MortalOperator(api, admin, NAME, deployment)
    process.go_on()
    assert held(admin) == deployment.content.body.decode()
    return process


def held(admin: Administrator) -> str:
    text: str = admin.get("configmaps", f"{NAME}-a")["data"]["checkout.json"]
    return text


def history_events(process: MortalOperator) -> list[str]:
    return [reason for reason, _ in process.reported.notes if reason.startswith("History")]


@pytest.mark.parametrize(
    ("error", "polls"),
    [
        (status(422, "Invalid"), 1),
        (status(413, "RequestEntityTooLarge"), 1),
        (status(403, "Forbidden"), 3),
        (status(500, "InternalError"), 3),
        (status(409, "Conflict"), 3),
    ],
    ids=lambda value: str(getattr(value, "status", value)),
)
def test_what_cannot_be_kept_blocks_no_version(api: Api, admin: Administrator, error: ApiError, polls: int) -> None:
    def refuse(method: str, path: str) -> ApiError | None:
        return error if method == "POST" and path.endswith("controllerrevisions") else None

    deployment = Deployment(ONE)
    process = running(RefusingApi(api, refuse), admin, deployment)
    deployment.content = TWO
    process.go_on(polls - 1)
    assert held(admin) == ONE.body.decode(), "it may pass"
    process.go_on()
    assert held(admin) == TWO.body.decode()
    process.go_on(2)
    assert history_events(process) == ["HistoryNotKept"], "once"
    deployment.content = THREE
    process.go_on(2)
    assert held(admin) == THREE.body.decode(), "at once now"
    assert history_events(process) == ["HistoryNotKept"] * 2
    note = next(note for reason, note in process.reported.notes if reason == "HistoryNotKept")
    assert note.startswith("Version one (sha256:")
    assert f"HTTP {error.status}" in note
    assert "geheim" not in note
    state = admin.get(PLURAL, NAME)["status"]
    assert state["history"] == []
    assert [condition["reason"] for condition in state["conditions"]] == ["Synced"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("code", [403, 422, 500])
def test_what_cannot_be_listed_or_deleted_blocks_no_version(
    api: Api, admin: Administrator, method: str, code: int
) -> None:
    def refuse(called: str, path: str) -> ApiError | None:
        return status(code) if called == method and "/controllerrevisions" in path else None

    deployment = Deployment(ONE)
    refusing = RefusingApi(api, refuse)
    process = running(refusing, admin, deployment)
    admin.patch(PLURAL, NAME, {"spec": {"historyLimit": 1}})
    for wanted in (TWO, THREE, ONE, TWO):
        deployment.content = wanted
        process.go_on(3)
        assert held(admin) == wanted.body.decode()
    assert set(history_events(process)) <= {"HistoryNotListed", "HistoryNotDeleted"}
    assert len(history_events(process)) <= 2, "each once"
    assert len(revisions(admin)) > 1
    refusing.refuse = lambda _method, _path: None
    process.go_on(2)
    process = MortalOperator(MortalApi(api), admin, NAME, deployment)
    deployment.content = THREE
    process.go_on()
    assert [kept["revision"] for kept in revisions(admin)] == [
        kept["revision"] for kept in admin.get(PLURAL, NAME)["status"]["history"]
    ]
    assert len(revisions(admin)) == 1


@pytest.mark.parametrize("code", [500, 409])
def test_a_write_of_the_config_map_that_fails_once_gives_out_one_number(
    api: Api, admin: Administrator, code: int
) -> None:
    failing = [status(code)]

    def refuse(method: str, path: str) -> ApiError | None:
        return failing.pop() if method == "PUT" and "/configmaps/" in path and failing else None

    deployment = Deployment(ONE)
    process = running(RefusingApi(api, refuse), admin, deployment)
    for number, wanted in enumerate((TWO, ONE, TWO)):
        deployment.content = wanted
        failing[:] = [status(code)] if number == 2 else []
        process.go_on(2)
        assert held(admin) == wanted.body.decode()
    kept = [(one["versionLabel"], one["revision"]) for one in admin.get(PLURAL, NAME)["status"]["history"]]
    assert kept == [("one", 3), ("two", 2)]
    assert sorted(one["revision"] for one in revisions(admin)) == [2, 3]


def test_a_quota_that_is_used_up_blocks_no_version(api: Api, admin: Administrator) -> None:
    hard = {"count/controllerrevisions.apps": "1"}
    admin.create("resourcequotas", {"metadata": {"name": "small"}, "spec": {"hard": hard}})
    wait_until(lambda: admin.get("resourcequotas", "small")["status"].get("used"), 20.0, "the quota in force")
    deployment = Deployment(ONE)
    process = running(MortalApi(api), admin, deployment)
    for wanted in (TWO, THREE):
        deployment.content = wanted
        process.go_on(3)
        assert held(admin) == wanted.body.decode()
    assert history_events(process) == ["HistoryNotKept"]
    assert [kept["versionLabel"] for kept in admin.get(PLURAL, NAME)["status"]["history"]] == ["one"]


def test_without_rights_a_version_is_not_kept_and_not_found(
    installed: ControlPlane, admin: Administrator, kubectl: Kubectl
) -> None:
    kubectl("create", "serviceaccount", "nobody", "-n", admin.namespace)
    history = History(api_of(installed.service_account_kubeconfig(admin.namespace, "nobody")))
    source, kept = admin.source(), version()
    calls: list[Callable[[], object]] = [
        lambda: history.kept(source, ()),
        lambda: history.keep(source, kept, entry(kept, 1)),
        lambda: history.get(source, kept.data.data_digest, None),
        lambda: history.drop(source, entry(kept, 1)),
    ]
    for call in calls:
        with pytest.raises(ForbiddenError) as caught:
            call()
        assert "HTTP 403 Forbidden" in caught.value.message
