"""The operator as its own process, with the ServiceAccount and the permissions that the manifests give it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from sandbox.kube.kubectl import Kubectl
from sandbox.processes.process import Process
from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.kube.control_plane import ControlPlane

MANIFESTS = Path(__file__).parents[2] / "manifests"

NAMESPACE = "appconfig-operator"
SERVICE_ACCOUNT = "appconfig-operator"
USER = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"

_PROGRAM = Path(sys.executable).with_name("appconfig-operator")
_STARTED = "Started"
_ESTABLISHED = '{{range .status.conditions}}{{if eq .type "Established"}}{{.status}}{{end}}{{end}}'
_KIND_TIMEOUT = 30.0


def install(control_plane: ControlPlane) -> None:
    """Apply the manifests: CRD, permissions and Deployment. Without a node, the Deployment's Pod stays pending."""
    kubectl = Kubectl(control_plane.kubeconfig)
    kubectl("apply", "--server-side", "-k", MANIFESTS / "base")
    wait_for_kind(kubectl)


def wait_for_kind(kubectl: Kubectl) -> None:
    """Wait until the API server serves the resource."""
    # Not `kubectl wait`: it fails if there are no conditions at all yet.
    arguments = ("get", "crd/appconfigsources.appconfig-operator.io", "-o", f"go-template={_ESTABLISHED}")
    wait_until(lambda: kubectl(*arguments) == "True", _KIND_TIMEOUT, "the kind AppConfigSource")


def allow_leases(control_plane: ControlPlane, namespace: str) -> None:
    """Grant the operator the permissions for Leases in another namespace: operators share work through a common one."""
    rights = [
        {**document, "metadata": {**document["metadata"], "namespace": namespace}}
        for document in yaml.safe_load_all((MANIFESTS / "base" / "rbac.yaml").read_text(encoding="utf-8"))
        if document["kind"] in {"Role", "RoleBinding"}
    ]
    kubectl = Kubectl(control_plane.kubeconfig)
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(rights))


def operator(  # noqa: PLR0913 - what an operator needs to know
    control_plane: ControlPlane,
    folder: Path,
    *,
    aws: Mapping[str, str],
    arguments: Sequence[str] = ("--log-format=text",),
    lease_namespace: str = NAMESPACE,
    kubeconfig: Path | None = None,
) -> Process:
    """Prepare the operator. The manifests must be installed.

    Parameters
    ----------
    control_plane
        The control plane to use.
    folder
        The folder for its log.
    aws
        Environment variables that lead it to AWS AppConfig.
    arguments
        Arguments for `appconfig-operator run`. Without them, no port is opened.
    lease_namespace
        The namespace of its Leases.
    kubeconfig
        A different connection to the API server, or a different token. Default: a new one.

    Returns
    -------
    Process
        Not started yet.
    """
    kubeconfig = kubeconfig or control_plane.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
    # Only what it needs: the credentials of this machine's user must not reach it.
    kept = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME"} or name.startswith("COVERAGE")
    }
    process = Process(
        "operator",
        [_PROGRAM, "run", f"--lease-namespace={lease_namespace}", "--metrics-port=0", "--health-port=0", *arguments],
        folder,
        environment={**kept, **_as_users_set(aws), "KUBECONFIG": str(kubeconfig)},
        stop_timeout=10.0,
    )
    process.ready = lambda: _STARTED in process.log
    return process


def _as_users_set(aws: Mapping[str, str]) -> dict[str, str]:
    # With boto3's own variable, it would not be noticed if the one of all SDKs were not read.
    return {name: value for name, value in aws.items() if name != "AWS_DEFAULT_REGION" or "AWS_REGION" not in aws}
