"""What holds whatever the values are: each values file of `ci/` is one case."""

from __future__ import annotations

import json

import pytest
import yaml

from sandbox.kube.helm import Helm
from tests.chart.support.rendering import (
    CASES,
    NAMESPACE,
    RELEASE,
    Object,
    leaves,
    objects_of,
    of_kind,
    one,
    pod,
)
from tests.support.restricted import OPERATOR_USER, check_restricted
from tools.chart import CHART

CLUSTER_KINDS = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
SELECTOR = {"app.kubernetes.io/name": "appconfig-operator", "app.kubernetes.io/instance": RELEASE}


def ours(case: str) -> list[Object]:
    """Return what the chart makes, without the objects that are values."""
    return [item for item in objects_of(case) if item["metadata"]["name"] not in {"ca-bundle", "aws-keys"}]


@pytest.mark.parametrize("case", CASES)
def test_no_value_is_null(case: str) -> None:
    """The API server takes null for a field that is not there: most often it is a value that a template has lost."""
    assert ": null" not in json.dumps(ours(case))


@pytest.mark.parametrize("case", CASES)
def test_lint_has_no_warning(case: str) -> None:
    said = Helm()("lint", "--strict", CHART, f"--values={CHART}/ci/{case}-values.yaml")
    assert "1 chart(s) linted, 0 chart(s) failed" in said
    assert "[WARNING]" not in said


def test_each_value_is_changed_by_a_case() -> None:
    """What no case changes, no test has seen."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    changed: set[str] = set()
    for case in CASES:
        text = (CHART / "ci" / f"{case}-values.yaml").read_text(encoding="utf-8")
        changed |= leaves(yaml.safe_load(text))
    untouched = {path for path in leaves(values) if not any(f"{other}.".startswith(f"{path}.") for other in changed)}
    # Free maps are changed as a whole, by names that they do not have by default.
    whole = ("podSecurityContext.", "securityContext.")
    assert {path for path in untouched if not path.startswith(whole)} == set()


@pytest.mark.parametrize("case", CASES)
def test_every_object_has_a_namespace_or_needs_none(case: str) -> None:
    for item in objects_of(case):
        if item["kind"] in CLUSTER_KINDS:
            assert "namespace" not in item["metadata"]
        else:
            assert item["metadata"]["namespace"], item


@pytest.mark.parametrize("case", CASES)
def test_no_two_objects_are_the_same(case: str) -> None:
    keys = [(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in objects_of(case)]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("case", CASES)
def test_every_object_has_the_recommended_labels(case: str) -> None:
    for item in ours(case):
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/part-of"] == "appconfig-operator"
        assert labels["app.kubernetes.io/version"] == "0.1.0"
        assert labels["helm.sh/chart"] == "appconfig-operator-0.1.0"
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert {type(value) for value in labels.values()} == {str}


@pytest.mark.parametrize("case", CASES)
def test_all_that_selects_pods_selects_the_operators(case: str) -> None:
    """Services, budgets and policies must not miss them, nor take those of another release."""
    objects = ours(case)
    expected = {**SELECTOR, "app.kubernetes.io/name": "config"} if case == "names" else SELECTOR
    assert one(objects, "Deployment")["spec"]["selector"]["matchLabels"] == expected
    labels = pod(objects)["metadata"]["labels"]
    assert expected.items() <= labels.items()
    for kind, key in (
        ("PodDisruptionBudget", "selector"),
        ("NetworkPolicy", "podSelector"),
        ("PodMonitor", "selector"),
    ):
        for item in of_kind(objects, kind):
            assert item["spec"][key]["matchLabels"] == expected
    for item in of_kind(objects, "Service"):
        assert item["spec"]["selector"] == expected


@pytest.mark.parametrize("case", CASES)
def test_a_new_version_of_the_chart_alone_replaces_no_pods(case: str) -> None:
    template = pod(ours(case))["metadata"]
    known = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/part-of"}
    assert set(template["labels"]) - known <= {"team", "example.com/zone"}


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("namespaced")])
def test_namespaced_takes_no_right_for_the_cluster(case: str) -> None:
    objects = objects_of(case)
    assert not CLUSTER_KINDS & {item["kind"] for item in objects}
    for binding in of_kind(objects, "RoleBinding"):
        assert binding["roleRef"]["kind"] == "Role"


@pytest.mark.parametrize("case", CASES)
def test_each_binding_binds_a_role_of_the_chart_to_the_operator_alone(case: str) -> None:
    objects = ours(case)
    account = pod(objects)["spec"]["serviceAccountName"]
    roles = [item for item in objects if item["kind"] in {"Role", "ClusterRole"}]
    bound = []
    for binding in (item for item in objects if item["kind"].endswith("Binding")):
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}]
        namespace = binding["metadata"].get("namespace")
        bound.append((binding["roleRef"]["kind"], namespace, binding["roleRef"]["name"]))
        assert binding["kind"] == f"{binding['roleRef']['kind']}Binding"
    there = [
        (role["kind"], role["metadata"].get("namespace"), role["metadata"]["name"])
        for role in roles
        if not any(label.startswith("rbac.authorization.k8s.io/aggregate") for label in role["metadata"]["labels"])
    ]
    assert sorted(bound, key=str) == sorted(there, key=str)


@pytest.mark.parametrize("case", [case for case in CASES if case != "pods"])
def test_the_pod_satisfies_the_restricted_standard(case: str) -> None:
    spec = pod(objects_of(case))["spec"]
    check_restricted(spec)
    assert spec["securityContext"] == OPERATOR_USER
    assert {name for volume in spec.get("volumes", ()) for name in volume} <= {"name", "configMap"}
