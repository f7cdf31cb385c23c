"""A real API server takes what the chart renders: it refuses unknown fields, and warns of what is deprecated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox.kube.kubectl import Kubectl, KubectlError
from sandbox.toolchain.build import download
from sandbox.toolchain.modules import PROMETHEUS_OPERATOR
from tests.chart.support.rendering import CASES, NAMESPACE, objects_of, text_of

if TYPE_CHECKING:
    from sandbox import ControlPlane

MONITORING = ("podmonitors", "prometheusrules", "servicemonitors")


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    """kubectl for a cluster with all kinds and namespaces that the chart renders objects of and into."""
    kubectl = Kubectl(control_plane.kubeconfig)
    folder = download(PROMETHEUS_OPERATOR) / "example" / "prometheus-operator-crd"
    crds = [f"--filename={folder}/monitoring.coreos.com_{plural}.yaml" for plural in MONITORING]
    kubectl("apply", "--server-side", *crds)
    kubectl("wait", "--for=condition=Established", *crds)
    for name in (NAMESPACE, "shop", "billing"):
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, "pod-security.kubernetes.io/warn=restricted")
    return kubectl


def dry_run(kubectl: Kubectl, text: str) -> str:
    """Let the API server check and admit objects, and keep none. Its warnings are errors."""
    return kubectl("apply", "--server-side", "--dry-run=server", "--warnings-as-errors", "-f", "-", stdin=text)


@pytest.mark.parametrize("case", CASES)
def test_each_case_is_taken_without_a_warning(kubectl: Kubectl, case: str) -> None:
    """Nothing deprecated, nothing that the restricted Pod Security Standard would refuse."""
    assert len(dry_run(kubectl, text_of(case)).splitlines()) == len(objects_of(case))


@pytest.mark.parametrize(
    ("case", "kind", "mistake", "words"),
    [
        ("default", "ServiceAccount", {"lables": {}}, r"\.lables: field not declared in schema"),
        ("default", "Deployment", {"spec": {"replicas": "two"}}, r"\.spec\.replicas: expected numeric"),
        ("pod-monitor", "PodMonitor", {"spec": {"podMetricsEndpoint": []}}, r"\.podMetricsEndpoint: field"),
        ("default", "Role", {"apiVersion": "rbac.authorization.k8s.io/v1beta1"}, 'no matches for kind "Role"'),
    ],
    ids=["field", "type", "field of a monitor", "version"],
)
def test_a_mistake_is_refused(kubectl: Kubectl, case: str, kind: str, mistake: dict[str, Any], words: str) -> None:
    (body, *_) = (item for item in objects_of(case) if item["kind"] == kind)
    with pytest.raises(KubectlError, match=words):
        dry_run(kubectl, yaml.safe_dump({**body, **mistake}))


def test_a_warning_is_an_error(kubectl: Kubectl) -> None:
    with pytest.raises(KubectlError, match="Endpoints is deprecated"):
        dry_run(kubectl, "{apiVersion: v1, kind: Endpoints, metadata: {name: x, namespace: default}}")
