"""The chart without values, and `kubectl apply -k manifests/base`, install the same but for what is named here."""

from __future__ import annotations

import copy
import subprocess
from typing import Any

import pytest
import yaml

from sandbox.kube.kubectl import PROGRAM
from tests.chart.support.rendering import Object, objects_of, of_kind, one
from tools.chart import ROOT

LABELS = {
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/version",
    "helm.sh/chart",
}
"""Of Helm's own conventions, on all objects. The first is part of the selector, too."""


@pytest.fixture(scope="module")
def base() -> list[Object]:
    command = [str(PROGRAM), "kustomize", str(ROOT / "manifests" / "base")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return list(yaml.load_all(done.stdout, yaml.CSafeLoader))


def without_labels(part: Any) -> Any:
    if isinstance(part, list):
        return [without_labels(item) for item in part]
    if isinstance(part, dict):
        return {name: without_labels(child) for name, child in part.items() if name not in LABELS}
    return part


def test_kinds_and_names(base: list[Object]) -> None:
    """Helm makes the namespace itself."""

    def named(objects: list[Object]) -> set[tuple[str, str]]:
        return {(item["kind"], item["metadata"]["name"]) for item in objects}

    assert named(base) == named(objects_of("default")) | {("Namespace", "appconfig-operator")}


@pytest.mark.parametrize("kind", ["ClusterRole", "Role"])
def test_rules(base: list[Object], kind: str) -> None:
    assert one(objects_of("default"), kind)["rules"] == one(base, kind)["rules"]


def test_crd(base: list[Object]) -> None:
    ours, theirs = (one(objects, "CustomResourceDefinition") for objects in (objects_of("default"), base))
    assert ours["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert without_labels(ours) == theirs


def test_deployment(base: list[Object]) -> None:
    ours = copy.deepcopy(without_labels(one(objects_of("default"), "Deployment")))
    theirs = copy.deepcopy(one(base, "Deployment"))
    (our_container,), (their_container,) = (item["spec"]["template"]["spec"]["containers"] for item in (ours, theirs))
    # The chart says all settings, with their defaults: see test_values.py. The policy is Kubernetes' own default.
    assert set(their_container.pop("args")) <= set(our_container.pop("args"))
    assert our_container.pop("imagePullPolicy") == "IfNotPresent"
    assert ours == theirs


@pytest.mark.parametrize(
    ("case", "kind", "namespaces"),
    [
        ("identities", "ClusterRole", {None}),
        ("namespaced-identities", "Role", {"appconfig-operator"}),
    ],
)
def test_rights_of_identities(case: str, kind: str, namespaces: set[str | None]) -> None:
    """They are those of the kustomize components, and where the sources are."""
    roles = {item["metadata"]["name"]: item for item in of_kind(objects_of(case), kind)}
    for component in ("service-accounts", "secrets"):
        path = ROOT / "manifests" / "components" / "identities" / component / "rbac.yaml"
        theirs, _ = yaml.safe_load_all(path.read_text(encoding="utf-8"))
        ours = roles[f"appconfig-operator-{component}"]
        assert ours["rules"] == theirs["rules"]
        assert {ours["metadata"].get("namespace")} == namespaces


def test_rights_of_namespaces(base: list[Object]) -> None:
    """Each namespace has the rules of the ClusterRole but one, and that of the release those of its Role.

    Other operators are looked for in the whole cluster or not at all.
    """
    roles = {
        (item["metadata"]["namespace"], item["metadata"]["name"]): item["rules"] for item in roles_of("namespaced")
    }
    rules = [rule for rule in one(base, "ClusterRole")["rules"] if rule["resources"] != ["leases"]]
    assert roles == {
        ("shop", "appconfig-operator"): rules,
        ("billing", "appconfig-operator"): rules,
        ("appconfig-operator", "appconfig-operator-leases"): one(base, "Role")["rules"],
    }


def roles_of(case: str) -> list[Object]:
    return of_kind(objects_of(case), "Role")
