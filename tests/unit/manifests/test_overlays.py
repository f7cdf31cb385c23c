"""Overlays and components, alone and combined: the rights are those of the base, and nothing else is changed."""

from __future__ import annotations

from functools import cache

import pytest

from tests.unit.support.rendered import Object, container_of, objects_of, rights_of
from tools.manifests import COMBINATIONS, MANIFESTS, render, render_overlay

NAME = "appconfig-operator"
DEPLOYMENT, LEASES = f"Deployment/{NAME}", f"Role/{NAME}-leases"
IDENTITIES = ("secrets", "service-accounts")
NAMESPACED = ("ConfigMap", "Deployment", "PodDisruptionBudget", "Role", "RoleBinding", "ServiceAccount")

IN_TEAM_A = ("in-team-a", "ha-in-team-a", "identities-in-team-a", "all-in-team-a")
IN_TEAM_B = ("also-in-team-b", "identities-also-in-team-b")
WITH_IDENTITIES = ("identities-in-team-a", "all-in-team-a", "identities-also-in-team-b")
ALL_REPLICAS = ("high-availability", "ha-identities", "ha-in-team-a", "all-in-team-a")


@cache
def objects(name: str) -> dict[str, Object]:
    """Render the base, an overlay or a combination."""
    if name in COMBINATIONS:
        return objects_of(render_overlay(COMBINATIONS[name]))
    return objects_of(render(MANIFESTS / ("base" if name == "base" else f"overlays/{name}")))


def of_kind(name: str, *kinds: str) -> list[Object]:
    return [item for item in objects(name).values() if item["kind"] in kinds]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("service-accounts", {"core/serviceaccounts": ["get"], "core/serviceaccounts/token": ["create"]}),
        ("secrets", {"core/secrets": ["get"]}),
        (
            "identities",
            {"core/secrets": ["get"], "core/serviceaccounts": ["get"], "core/serviceaccounts/token": ["create"]},
        ),
    ],
)
def test_a_component_of_identities_adds_these_rights_for_the_operator_alone(
    name: str, more: dict[str, list[str]]
) -> None:
    added = {key: item for key, item in objects(name).items() if key not in objects("base")}
    roles = [item for item in added.values() if item["kind"] == "ClusterRole"]
    bindings = [item for item in added.values() if item["kind"] == "ClusterRoleBinding"]
    assert len(added) == len(roles) + len(bindings)
    rights: dict[str, list[str]] = {}
    for role in roles:
        rights |= rights_of(role)
    assert rights == more
    assert {binding["roleRef"]["name"] for binding in bindings} == {role["metadata"]["name"] for role in roles}
    for binding in bindings:
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": NAME}]
    assert {key: item for key, item in objects(name).items() if key not in added} == objects("base")


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        ("namespaced", NAME),
        ("watch-namespace", NAME),
        *((name, "team-a") for name in IN_TEAM_A),
        *((name, "team-b") for name in IN_TEAM_B),
    ],
)
def test_namespaced_renders_hold_nothing_outside_of_their_namespace(name: str, namespace: str) -> None:
    assert {item["kind"] for item in objects(name).values()} <= set(NAMESPACED)
    assert {item["metadata"].get("namespace") for item in objects(name).values()} == {namespace}
    for binding in of_kind(name, "RoleBinding"):
        assert f"Role/{binding['roleRef']['name']}" in objects(name)
        assert binding["roleRef"]["kind"] == "Role"


@pytest.mark.parametrize("name", ["namespaced", "watch-namespace", *IN_TEAM_A, *IN_TEAM_B])
def test_each_role_has_the_rules_of_the_base_and_of_the_components(name: str) -> None:
    origin = {**objects("identities")}
    expected = {NAME, *(f"{NAME}-{which}" for which in IDENTITIES if name in WITH_IDENTITIES)}
    rules = {f"Role/{role}": origin[f"ClusterRole/{role}"]["rules"] for role in expected}
    # Other operators are looked for in the whole cluster or not at all.
    rules[f"Role/{NAME}"] = [rule for rule in rules[f"Role/{NAME}"] if rule["resources"] != ["leases"]]
    if DEPLOYMENT in objects(name):
        rules[LEASES] = origin[LEASES]["rules"]
    assert {key: item["rules"] for key, item in objects(name).items() if item["kind"] == "Role"} == rules


@pytest.mark.parametrize(
    ("name", "home"),
    [("base", NAME), ("namespaced", NAME), *((name, "team-a") for name in (*IN_TEAM_A, *IN_TEAM_B))],
)
def test_all_roles_are_bound_to_the_operator_where_it_runs(name: str, home: str) -> None:
    bindings = of_kind(name, "RoleBinding", "ClusterRoleBinding")
    for binding in bindings:
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": home}]
    roles = {(item["kind"], item["metadata"]["name"]) for item in of_kind(name, "Role", "ClusterRole")}
    assert {(item["roleRef"]["kind"], item["roleRef"]["name"]) for item in bindings} == roles
    assert len(bindings) == len(roles)


@pytest.mark.parametrize("name", IN_TEAM_B)
def test_a_further_namespace_gets_rights_and_no_operator(name: str) -> None:
    assert {item["kind"] for item in objects(name).values()} == {"Role", "RoleBinding"}


@pytest.mark.parametrize("name", ["namespaced", *IN_TEAM_A])
def test_a_namespaced_operator_serves_the_namespace_that_its_pod_is_in(name: str) -> None:
    container = container_of(objects(name)[DEPLOYMENT])
    assert [argument for argument in container["args"] if "namespace" in argument] == ["--namespace=$(POD_NAMESPACE)"]
    field = {"fieldRef": {"fieldPath": "metadata.namespace"}}
    assert container["env"] == [{"name": "POD_NAMESPACE", "valueFrom": field}]


@pytest.mark.parametrize("name", ["namespaced", "high-availability", *IN_TEAM_A, "ha-identities", "identities"])
def test_a_deployment_is_that_of_the_base_but_for_what_the_overlay_is_for(name: str) -> None:
    """Selectors cannot be changed in a cluster, and the rest is one decision, made in the base."""
    base, deployment = objects("base")[DEPLOYMENT], objects(name)[DEPLOYMENT]
    assert deployment["spec"]["selector"] == base["spec"]["selector"]
    assert deployment["spec"]["template"]["metadata"] == base["spec"]["template"]["metadata"]
    container, theirs = dict(container_of(deployment)), dict(container_of(base))
    container.pop("env", None)
    arguments = container.pop("args")
    assert arguments[: len(theirs["args"])] == theirs.pop("args")
    assert container == theirs
    changed = {"replicas", "template"}
    assert {key: value for key, value in deployment["spec"].items() if key not in changed} == {
        key: value for key, value in base["spec"].items() if key not in changed
    }
    pod, its = deployment["spec"]["template"]["spec"], base["spec"]["template"]["spec"]
    assert {key: value for key, value in pod.items() if key not in {"containers", "topologySpreadConstraints"}} == {
        key: value for key, value in its.items() if key != "containers"
    }


@pytest.mark.parametrize("name", ALL_REPLICAS)
def test_replicas_share_shards_evenly_and_a_disruption_leaves_one(name: str) -> None:
    deployment = objects(name)[DEPLOYMENT]
    (budget,) = of_kind(name, "PodDisruptionBudget")
    replicas = deployment["spec"]["replicas"]
    (shards,) = (
        int(argument.removeprefix("--shards="))
        for argument in container_of(deployment)["args"]
        if argument.startswith("--shards=")
    )
    assert replicas > 1
    for number in (replicas, replicas + 1):
        assert shards % number == 0
        assert 2 * number <= shards <= 4 * number
    assert budget["spec"]["maxUnavailable"] < replicas
    assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]
    assert budget["metadata"]["namespace"] == deployment["metadata"]["namespace"]


@pytest.mark.parametrize("name", ALL_REPLICAS)
def test_replicas_are_spread_over_nodes_and_zones_where_there_are_some(name: str) -> None:
    spec = objects(name)[DEPLOYMENT]["spec"]
    constraints = spec["template"]["spec"]["topologySpreadConstraints"]
    assert {item["topologyKey"] for item in constraints} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    for item in constraints:
        assert item["whenUnsatisfiable"] == "ScheduleAnyway"
        assert item["labelSelector"] == spec["selector"]
        # Those of before the update, which are about to go, do not count.
        assert item["matchLabelKeys"] == ["pod-template-hash"]


def test_the_namespace_takes_only_pods_of_the_restricted_standard() -> None:
    (namespace,) = of_kind("base", "Namespace")
    levels = {key: value for key, value in namespace["metadata"]["labels"].items() if "pod-security" in key}
    assert levels == {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}


@pytest.mark.parametrize("name", ["base", "namespaced"])
def test_the_pod_has_a_token_whatever_its_service_account_says(name: str) -> None:
    assert objects(name)[DEPLOYMENT]["spec"]["template"]["spec"]["automountServiceAccountToken"] is True


def test_high_availability_adds_a_disruption_budget_and_changes_only_the_deployment() -> None:
    base, more = objects("base"), objects("high-availability")
    assert set(more) - set(base) == {f"PodDisruptionBudget/{NAME}"}
    assert {key for key in base if more[key] != base[key]} == {DEPLOYMENT}


def test_an_administrator_with_the_user_roles_holds_what_the_operator_gets() -> None:
    """Beside what `admin` of Kubernetes holds, which e2e shows, nothing is missing and nothing is too much."""
    roles = objects_of(render(MANIFESTS / "user-roles"))
    levels = {
        label.rpartition("-")[2]: rights_of(item)
        for item in roles.values()
        for label in item["metadata"]["labels"]
        if label.startswith("rbac.authorization.k8s.io/aggregate-to-")
    }
    sources = "appconfig-operator.io/appconfigsources"
    assert levels == {
        "view": {sources: ["get", "list", "watch"]},
        "edit": {sources: ["create", "delete", "deletecollection", "patch", "update"]},
        "admin": {f"{sources}/status": ["patch"], "apps/controllerrevisions": ["create", "delete"]},
    }
    operators = rights_of(objects("base")[f"ClusterRole/{NAME}"])
    for resource, verbs in levels["admin"].items():
        assert set(verbs) <= set(operators[resource])
