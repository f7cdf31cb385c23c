"""ConfigMaps that must not or cannot be written, on a real API server: left as they are, with the right error."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.core.errors import (
    BlockedError,
    ForbiddenError,
    OvertakenError,
    Reason,
    SourceError,
    SourceGoneError,
    StallingError,
    TransientError,
)
from appconfig_operator.core.formats.render import LIMIT_BYTES, Data, render
from appconfig_operator.engine.sync import ATTEMPTS
from appconfig_operator.kube.configmaps import ConfigMaps
from sandbox.kube.kubeconfig import write_kubeconfig
from sandbox.processes.ports import LOOPBACK, free_ports
from sandbox.processes.waiting import wait_until
from tests.integration.support.kube_access import Administrator, Meddling, api_of, sync, wanted
from tests.support.builders import content

if TYPE_CHECKING:
    from pathlib import Path

    from appconfig_operator.core.target.plan import WantedConfigMap
    from appconfig_operator.kube.api import Api
    from sandbox.kube.control_plane import ControlPlane
    from sandbox.kube.kubectl import Kubectl

NAME = "checkout"
KIND = "configmaps"


def refusal(api: Api, want: WantedConfigMap, *, known: bool = True) -> SourceError:
    with pytest.raises(SourceError) as error:
        sync(ConfigMaps(api), want, known=known)
    return error.value


@pytest.mark.parametrize("known", [True, False], ids=["after a read", "by the create"])
@pytest.mark.parametrize("owned", [True, False], ids=["owned by something else", "owned by nothing"])
def test_foreign(api: Api, admin: Administrator, *, known: bool, owned: bool) -> None:
    metadata: dict[str, Any] = {"labels": {"app.kubernetes.io/managed-by": "appconfig-operator"}}
    if owned:
        owner = admin.config_map("owner")["metadata"]["uid"]
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner, "controller": True}
        metadata["ownerReferences"] = [reference]
    foreign = admin.config_map(**metadata)
    error = refusal(api, wanted(admin.source()), known=known)
    assert type(error) is BlockedError
    assert error.reason is Reason.TARGET_NOT_OWNED
    assert ("belongs to ConfigMap owner" in error.message) is owned
    assert admin.get(KIND, NAME) == foreign


def test_of_another_source(api: Api, admin: Administrator) -> None:
    """Two sources with one target: the first has it."""
    first, second = admin.source(), admin.source("second")
    sync(ConfigMaps(api), wanted(first), known=False)
    before = admin.get(KIND, NAME)
    theirs = replace(second, spec=replace(second.spec, target=replace(second.spec.target, name=NAME)))
    error = refusal(api, wanted(theirs, b"mine"), known=False)
    assert error.reason is Reason.TARGET_NOT_OWNED
    assert "belongs to AppConfigSource checkout" in error.message
    now = admin.get(KIND, NAME)
    assert now["data"] == before["data"]
    assert [owner["uid"] for owner in now["metadata"]["ownerReferences"]] == [first.uid, second.uid], "it waits"


def test_of_a_source_of_the_same_name_that_came_since(api: Api, admin: Administrator) -> None:
    """A replica that has not heard of the deletion must not take back what is the next one's."""
    owner = admin.source()
    sync(ConfigMaps(api), wanted(owner), known=False)
    before = admin.get(KIND, NAME)
    with pytest.raises(SourceGoneError):
        sync(ConfigMaps(api), wanted(replace(owner, uid=str(uuid.uuid4())), b"new"), known=False)
    assert admin.get(KIND, NAME) == before


def test_being_deleted(api: Api, admin: Administrator) -> None:
    source = admin.source()
    sync(ConfigMaps(api), wanted(source), known=False)
    admin.patch(KIND, NAME, {"metadata": {"finalizers": ["example.com/hold"]}})
    admin.delete(KIND, NAME)
    error = refusal(api, wanted(source, b"new"))
    assert type(error) is TransientError
    assert "is being deleted" in error.message
    admin.patch(KIND, NAME, {"metadata": {"finalizers": None}})
    assert sync(ConfigMaps(api), wanted(source, b"new"), known=True).changed


def test_others_write_faster(api: Api, admin: Administrator) -> None:
    source = admin.source()
    sync(ConfigMaps(api), wanted(source), known=False)
    numbers = iter(range(100))
    meddling = Meddling(
        api,
        before="PUT",
        meddle=lambda: admin.patch(KIND, NAME, {"metadata": {"labels": {"n": str(next(numbers))}}}),
    )
    error = refusal(meddling, wanted(source, b"new"))
    assert type(error) is OvertakenError
    assert isinstance(error, TransientError)
    assert error.reason is Reason.TARGET_UNAVAILABLE
    assert "faster" in error.message
    assert meddling.calls["PUT"] == ATTEMPTS == 5
    assert admin.get(KIND, NAME)["data"] == wanted(source).data.text


def test_immutable(api: Api, admin: Administrator) -> None:
    source = admin.source()
    sync(ConfigMaps(api), wanted(source), known=False)
    admin.patch(KIND, NAME, {"immutable": True})
    error = refusal(api, wanted(source, b"new"))
    assert type(error) is StallingError
    assert error.reason is Reason.TARGET_REJECTED
    assert "field is immutable when `immutable` is set" in error.message
    assert not sync(ConfigMaps(api), wanted(source), known=True).changed, "what it holds is fine"


def test_quota(api: Api, admin: Administrator) -> None:
    hard = {"count/configmaps": "0"}
    admin.create("resourcequotas", {"metadata": {"name": "small"}, "spec": {"hard": hard}})
    wait_until(lambda: admin.get("resourcequotas", "small")["status"].get("used"), 20.0, "the quota in force")
    error = refusal(api, wanted(admin.source()), known=False)
    assert type(error) is ForbiddenError
    assert error.reason is Reason.TARGET_REJECTED
    assert "exceeded quota: small" in error.message


def test_terminating_namespace(api: Api, admin: Administrator) -> None:
    want = wanted(admin.source())
    admin.config_map("hold", finalizers=["example.com/hold"])
    admin.api.call("DELETE", f"/api/v1/namespaces/{admin.namespace}")
    error = refusal(api, want, known=False)
    assert type(error) is TransientError
    assert error.reason is Reason.TARGET_UNAVAILABLE
    assert error.message.endswith("its namespace is being deleted.")
    admin.patch(KIND, "hold", {"metadata": {"finalizers": None}})


def test_no_namespace(api: Api, admin: Administrator) -> None:
    want = replace(wanted(admin.source()), namespace=f"{admin.namespace}-gone")
    error = refusal(api, want)
    assert type(error) is StallingError
    assert error.reason is Reason.TARGET_REJECTED
    assert "not found" in error.message


@pytest.mark.parametrize("known", [True, False], ids=["get", "create"])
def test_no_rights(installed: ControlPlane, admin: Administrator, kubectl: Kubectl, *, known: bool) -> None:
    kubectl("create", "serviceaccount", "nobody", "-n", admin.namespace)
    nobody = api_of(installed.service_account_kubeconfig(admin.namespace, "nobody"))
    error = refusal(nobody, wanted(admin.source()), known=known)
    assert type(error) is ForbiddenError
    assert error.reason is Reason.TARGET_REJECTED
    assert f'cannot {"get" if known else "create"} resource "configmaps"' in error.message


def test_no_api_server(admin: Administrator, installed: ControlPlane, tmp_path: Path) -> None:
    url = f"https://{LOOPBACK}:{free_ports(1)[0]}"
    away = api_of(write_kubeconfig(tmp_path / "away", url, installed.ca_file, "token"))
    error = refusal(away, wanted(admin.source()))
    assert type(error) is TransientError
    assert error.reason is Reason.TARGET_UNAVAILABLE
    assert error.message.endswith("the Kubernetes API server could not be reached (NewConnectionError).")


def test_wrong_token(admin: Administrator, installed: ControlPlane) -> None:
    wrong = api_of(installed.kubeconfig_for("wrong", "no-such-token"))
    error = refusal(wrong, wanted(admin.source()))
    assert type(error) is TransientError
    assert "HTTP 401 Unauthorized" in error.message
    assert "no-such-token" not in error.message


LARGEST = {
    "ascii": b"x" * LIMIT_BYTES,
    "quotes": b'"' * LIMIT_BYTES,
    "cyrillic": "ж".encode() * (LIMIT_BYTES // 2),
    "emoji": "😀".encode() * (LIMIT_BYTES // 4),
    "binary": b"\xff" * LIMIT_BYTES,
}


@pytest.mark.parametrize("body", LARGEST.values(), ids=LARGEST)
def test_largest(api: Api, admin: Administrator, body: bytes) -> None:
    """What `core` lets through is accepted: as JSON on the way and in the store of the API server, too."""
    assert len(body) == LIMIT_BYTES
    source = admin.source()
    want = wanted(source, body, content_type="text/plain")
    assert sync(ConfigMaps(api), want, known=False).changed
    now = admin.get(KIND, NAME)
    assert (now.get("data", {}), now.get("binaryData", {})) == (want.data.text, want.data.binary)
    assert not sync(ConfigMaps(api), want, known=True).changed
    assert sync(ConfigMaps(api), wanted(source, body, labels={"a": "b"}, content_type="text/plain"), known=True).changed


@pytest.mark.parametrize("byte", [b"x", b"\xff"], ids=["text", "binary"])
def test_one_byte_more(api: Api, admin: Administrator, byte: bytes) -> None:
    """The limit of `core` is the API server's own."""
    source = admin.source()
    parts = [render(content(byte * size), source.spec) for size in (LIMIT_BYTES // 2, LIMIT_BYTES // 2 + 1)]
    data = Data(
        text={f"k{n}": value for n, part in enumerate(parts) for value in part.text.values()},
        binary={f"k{n}": value for n, part in enumerate(parts) for value in part.binary.values()},
    )
    error = refusal(api, wanted(source, data=data), known=False)
    assert type(error) is StallingError
    assert error.reason is Reason.TARGET_REJECTED
    assert f"{LIMIT_BYTES}" in error.message
    assert len(error.message) < 1000, "values do not belong into a message"
