"""The manifests and the CRD as files: what kustomize makes of them, and what must not creep in."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml

from appconfig_operator.api import v1alpha1
from appconfig_operator.app import EVENTS_SECONDS, GRACE_SECONDS, HANDOVER_SECONDS
from appconfig_operator.settings import Settings
from appconfig_operator.telemetry.probes import LIVE, READY
from tests.support.restricted import OPERATOR_USER, check_restricted
from tests.unit.support.rendered import objects_of, rights_of
from tools.manifests import MANIFESTS, render

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
NAME = "appconfig-operator"


@pytest.fixture(scope="module")
def base() -> dict[str, dict[str, Any]]:
    """Render the base: its objects by kind."""
    objects = objects_of(render(MANIFESTS / "base"))
    by_kind = {item["kind"]: item for item in objects.values()}
    assert len(by_kind) == len(objects)
    return by_kind


@pytest.fixture(scope="module")
def crd(base: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Find the CRD in the base, where users get it from."""
    return base["CustomResourceDefinition"]


def test_kinds_of_the_base(base: dict[str, dict[str, Any]]) -> None:
    """The base holds all that the operator needs, and no more."""
    assert set(base) == {
        "Namespace",
        "CustomResourceDefinition",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "Deployment",
    }


def test_rights(base: dict[str, dict[str, Any]]) -> None:
    """The rights are these and no others: each more is a decision."""
    assert rights_of(base["ClusterRole"]) == {
        "appconfig-operator.io/appconfigsources": ["get", "list", "watch"],
        "appconfig-operator.io/appconfigsources/status": ["patch"],
        "core/configmaps": ["create", "delete", "get", "list", "patch", "update", "watch"],
        "apps/controllerrevisions": ["create", "delete", "get", "list"],
        "events.k8s.io/events": ["create"],
        "coordination.k8s.io/leases": ["list"],
    }
    assert rights_of(base["Role"]) == {
        "coordination.k8s.io/leases": ["create", "delete", "list", "update"],
        "core/secrets": ["create", "delete", "list"],
    }
    rules = [*base["ClusterRole"]["rules"], *base["Role"]["rules"]]
    assert all(set(rule) == {"apiGroups", "resources", "verbs"} for rule in rules)


def test_the_role_of_the_documentation_has_the_rules_of_the_component() -> None:
    """What docs/identities.md gives in one namespace is what the component gives everywhere, for one name."""
    page = (ROOT / "docs" / "identities.md").read_text(encoding="utf-8")
    blocks = [textwrap.dedent(block.partition("```")[0]) for block in page.split("```yaml\n")[1:]]
    role = next(item for block in blocks for item in yaml.safe_load_all(block) if item.get("kind") == "Role")
    names = [rule.pop("resourceNames") for rule in role["rules"]]
    component = ROOT / "manifests" / "components" / "identities" / "service-accounts" / "rbac.yaml"
    rules = next(yaml.safe_load_all(component.read_text(encoding="utf-8")))["rules"]
    assert role["rules"] == rules
    assert names == [["shop"], ["shop"]]


def test_who_has_the_rights(base: dict[str, dict[str, Any]]) -> None:
    """The role is bound to the ServiceAccount that the Deployment runs as, in its namespace, and to nobody else."""
    binding, pod = base["ClusterRoleBinding"], base["Deployment"]["spec"]["template"]["spec"]
    assert binding["roleRef"]["name"] == base["ClusterRole"]["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": NAME}]
    assert pod["serviceAccountName"] == base["ServiceAccount"]["metadata"]["name"] == NAME
    assert base["RoleBinding"]["roleRef"]["name"] == base["Role"]["metadata"]["name"]
    assert base["RoleBinding"]["subjects"] == binding["subjects"]
    kinds = ("ServiceAccount", "Deployment", "Role", "RoleBinding")
    namespaces = {base[kind]["metadata"]["namespace"] for kind in kinds}
    assert namespaces == {base["Namespace"]["metadata"]["name"]} == {NAME}


def test_restricted_pod(base: dict[str, dict[str, Any]]) -> None:
    """The Pod satisfies the restricted Pod Security Standard, which its namespace enforces, and writes no file."""
    assert base["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = base["Deployment"]["spec"]["template"]["spec"]
    check_restricted(pod)
    assert pod["securityContext"] == OPERATOR_USER
    assert "volumes" not in pod


def test_a_rolling_update_leaves_no_gap(base: dict[str, dict[str, Any]]) -> None:
    """The new replica is there before the old one goes, and no variable of a Service can be taken for a setting."""
    deployment = base["Deployment"]["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    grace = deployment["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > GRACE_SECONDS + EVENTS_SECONDS + HANDOVER_SECONDS + 10
    assert deployment["selector"]["matchLabels"].items() <= deployment["template"]["metadata"]["labels"].items()
    assert deployment["template"]["spec"]["enableServiceLinks"] is False


def test_ports_and_probes(base: dict[str, dict[str, Any]]) -> None:
    """The ports are those of the settings, and the probes ask for pages that are there."""
    (container,) = base["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"metrics": Settings().metrics_port, "health": Settings().health_port}
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probes == {
        "startupProbe": {"path": LIVE, "port": "health"},
        "livenessProbe": {"path": LIVE, "port": "health"},
        "readinessProbe": {"path": READY, "port": "health"},
    }


def test_time_to_end(base: dict[str, dict[str, Any]]) -> None:
    """The kubelet waits for longer than the operator takes to stop."""
    assert base["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 30


def test_names_of_the_crd(crd: dict[str, Any]) -> None:
    """The CRD and the code speak of the same kind."""
    spec = crd["spec"]
    assert (spec["group"], spec["names"]["kind"], spec["names"]["plural"]) == (
        v1alpha1.GROUP,
        v1alpha1.KIND,
        v1alpha1.PLURAL,
    )
    assert [version["name"] for version in spec["versions"]] == [v1alpha1.VERSION]


def test_paths_of_the_crd(crd: dict[str, Any]) -> None:
    """Each column and each selectable field shows a field that there is."""
    version = crd["spec"]["versions"][0]
    known = {path for path, _ in walk("", version["schema"]["openAPIV3Schema"])} | {".metadata.creationTimestamp"}
    for shown in (*version["additionalPrinterColumns"], *version["selectableFields"]):
        path = shown["jsonPath"].replace('[?(@.type=="Ready")]', "[]")
        assert path in known, f"{path} is no field"


def test_every_field(crd: dict[str, Any]) -> None:
    """Each field is described, each string, list and map has a limit, and each pattern is anchored and in words too."""
    properties = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for path, field in (*walk("spec", properties["spec"]), *walk("status", properties["status"])):
        limit = {"string": "maxLength", "array": "maxItems"}.get(field["type"], "type")
        assert limit in field, f"{path} has no {limit}"
        assert "maxProperties" in field or "additionalProperties" not in field, f"{path} has no maxProperties"
        assert "description" in field or path.endswith(".*"), f"{path} has no description"
        assert "x-kubernetes-preserve-unknown-fields" not in field
        pattern = field.get("pattern")
        assert pattern is None or (pattern[0], pattern[-1]) == ("^", "$"), f"the pattern of {path} is not anchored"
        rules = field.get("x-kubernetes-validations", [])
        assert all("message" in rule for rule in rules), f"a rule of {path} has no message"
        if pattern is not None and path.startswith("spec"):
            in_cel = pattern.replace("\\", "\\\\")
            assert f"self.matches('{in_cel}')" in {rule["rule"] for rule in rules}, f"{path}: pattern and rule differ"


def walk(path: str, field: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Go through a schema, with the path of each part."""
    yield path, field
    for name, child in field.get("properties", {}).items():
        yield from walk(f"{path}.{name}", child)
    if "items" in field:
        yield from walk(f"{path}[]", field["items"])
    if "additionalProperties" in field:
        yield from walk(f"{path}.*", cast("dict[str, Any]", field["additionalProperties"]))
