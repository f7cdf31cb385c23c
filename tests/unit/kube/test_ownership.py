"""The owner of the operator's own objects, read from its token."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.kube import connection as module
from appconfig_operator.kube.ownership import owned_by_service_account

if TYPE_CHECKING:
    from pathlib import Path

CLAIMS = {
    "aud": ["https://kubernetes.default.svc"],
    "kubernetes.io": {
        "namespace": "platform",
        "pod": {"name": "appconfig-operator-6d4f", "uid": "9a1e"},
        "serviceaccount": {"name": "appconfig-operator", "uid": "41cb22a3"},
    },
}
REFERENCE = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "appconfig-operator", "uid": "41cb22a3"}


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def token_of(claims: object) -> str:
    return f"{encoded({'alg': 'RS256'})}.{encoded(claims)}.c2lnbmF0dXJl"


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Pod with a ServiceAccount; returns its token file."""
    monkeypatch.setattr(module, "_SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    (tmp_path / "token").write_text(f"{token_of(CLAIMS)}\n", encoding="ascii")
    return tmp_path / "token"


@pytest.mark.usefixtures("pod")
def test_the_service_account_of_the_pod() -> None:
    assert owned_by_service_account("platform") == {"ownerReferences": [REFERENCE]}


def test_one_that_was_created_again(pod: Path) -> None:
    owned_by_service_account("platform")
    pod.write_text(changed(name="appconfig-operator", uid="another"), encoding="ascii")
    assert owned_by_service_account("platform") == {"ownerReferences": [{**REFERENCE, "uid": "another"}]}


@pytest.mark.usefixtures("pod")
def test_nobody_in_another_namespace() -> None:
    assert owned_by_service_account("team-a") == {}


@pytest.mark.usefixtures("pod")
def test_nobody_outside_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    assert owned_by_service_account("platform") == {}


def changed(**account: Any) -> str:
    return token_of({"kubernetes.io": {"namespace": "platform", "serviceaccount": account}})


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.!.c",
        "a.bm90IEpTT04.c",
        token_of([]),
        token_of({"iss": "kubernetes/serviceaccount"}),
        token_of({"kubernetes.io": []}),
        token_of({"kubernetes.io": {"namespace": "platform"}}),
        changed(name="appconfig-operator"),
        changed(name="", uid="41cb22a3"),
        changed(name="appconfig-operator", uid=7),
        "\N{SNOWMAN}.b.c",
    ],
    ids=[
        "empty",
        "no JWT",
        "two parts",
        "no base64",
        "no JSON",
        "no object",
        "no private claims",
        "private claims of another kind",
        "no ServiceAccount",
        "no uid",
        "empty name",
        "uid of another kind",
        "no ASCII",
    ],
)
def test_nobody_by_a_token_that_does_not_say(pod: Path, token: str) -> None:
    pod.write_text(token, encoding="utf-8")
    assert owned_by_service_account("platform") == {}


def test_nobody_by_a_token_that_is_gone(pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pod.unlink()
    monkeypatch.setattr("appconfig_operator.kube.ownership.in_cluster", lambda: True)
    assert owned_by_service_account("platform") == {}
