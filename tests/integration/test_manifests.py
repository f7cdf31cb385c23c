"""What kustomize makes, at a real API server: taken without a warning where Pod Security `restricted` is enforced."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from appconfig_operator.api.v1alpha1 import GROUP
from sandbox import wait_until
from sandbox.kube.rest import Rest
from tools.manifests import COMBINATIONS, KUBECTL, MANIFESTS, Overlay

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.kube.control_plane import ControlPlane
    from sandbox.kube.kubectl import Kubectl

RENDERS = {
    "base": Overlay(),
    "high-availability": Overlay(["overlays/high-availability"]),
    "consumers": Overlay(["samples/consumers"]),
    "user-roles": Overlay(["user-roles"]),
    **COMBINATIONS,
}


@pytest.fixture
def restricted(kubectl: Kubectl, namespace: str) -> str:
    """A namespace that takes only Pods of the restricted standard, and warns of what would make others."""
    labels = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
    kubectl("label", "namespace", namespace, *labels)
    return namespace


def apply(control_plane: ControlPlane, folder: Path) -> subprocess.CompletedProcess[str]:
    """Apply a folder, to nobody's harm: the objects are checked and admitted, and not kept."""
    options = (
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--warnings-as-errors",
        f"--kustomize={folder}",
    )
    command = [str(KUBECTL), f"--kubeconfig={control_plane.kubeconfig}", "apply", *options, "-k", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def token_of(kubeconfig: Path) -> str:
    (user,) = json.loads(kubeconfig.read_text(encoding="utf-8"))["users"]
    return str(user["user"]["token"])


def elsewhere(overlay: Overlay, namespace: str, more: Mapping[str, object] | None = None) -> Overlay:
    """Put an overlay into another namespace."""
    return Overlay(overlay.resources, overlay.components, {**overlay.fields, "namespace": namespace, **(more or {})})


@pytest.mark.parametrize("name", RENDERS)
def test_each_render_is_taken_as_it_is(installed: ControlPlane, restricted: str, tmp_path: Path, name: str) -> None:
    elsewhere(RENDERS[name], restricted).write(tmp_path)
    done = apply(installed, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


@pytest.mark.usefixtures("installed")
def test_each_sample_is_taken_as_it_is(kubectl: Kubectl) -> None:
    samples = MANIFESTS / "samples"
    kubectl("apply", "--server-side", f"--filename={samples / 'namespace.yaml'}")
    files = [f"--filename={file}" for file in samples.glob("*.yaml") if file.name != "kustomization.yaml"]
    kubectl("apply", "--server-side", "--dry-run=server", "--warnings-as-errors", *files)


@pytest.mark.parametrize("name", ["base", "consumers"])
def test_a_pod_that_is_not_restricted_would_be_told(
    installed: ControlPlane, restricted: str, tmp_path: Path, name: str
) -> None:
    patch = "- {op: remove, path: /spec/template/spec/securityContext/seccompProfile}"
    patches = {"patches": [{"target": {"kind": "Deployment"}, "patch": patch}]}
    elsewhere(RENDERS[name], restricted, patches).write(tmp_path)
    done = apply(installed, tmp_path)
    assert done.returncode == 1
    assert 'would violate PodSecurity "restricted' in done.stderr


@pytest.mark.parametrize(("role", "level"), [("view", 1), ("edit", 2), ("admin", 3)])
def test_roles_of_kubernetes_take_the_user_roles_up(
    installed: ControlPlane, kubectl: Kubectl, namespace: str, role: str, level: int
) -> None:
    """Each has one right more than the one before."""
    rights = ["list appconfigsources", "create appconfigsources", "patch appconfigsources/status"]
    kubectl("apply", "--server-side", "-k", MANIFESTS / "user-roles")
    kubectl("create", "rolebinding", role, f"--clusterrole={role}", "--user=somebody", "-n", namespace)
    administrator = Rest(installed.url, installed.ca_file, token_of(installed.kubeconfig))

    def allowed(right: str) -> bool:
        verb, _, resource = right.partition(" ")
        asked = {"verb": verb, "group": GROUP, "resource": resource, "namespace": namespace}
        review = {"spec": {"user": "somebody", "resourceAttributes": asked}}
        answer = administrator.json("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer["status"]["allowed"])

    wait_until(lambda: all(map(allowed, rights[:level])), 20, f"the rights of {role}")
    assert not any(map(allowed, rights[level:]))
