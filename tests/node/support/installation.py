"""What an installation needs to find AWS here, and what it leaves."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sandbox import wait_until
from sandbox.kube.kubectl import KubectlError
from sandbox.kube.operator_process import MANIFESTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import MiniStack
    from sandbox.kube.kubectl import Kubectl

ROOT = MANIFESTS.parent
CHART = ROOT / "charts" / "appconfig-operator"
CRD = "appconfigsources.appconfig-operator.io"
KIND = {f"CustomResourceDefinition//{CRD}", "APIService//v1alpha1.appconfig-operator.io"}
"""What the cluster holds with the CRD, and without a source."""

OPERATORS = "--selector=app.kubernetes.io/name=appconfig-operator"

_NOT_KEPT = {"events", "events.events.k8s.io", "componentstatuses"}
_LINES = '{range .items[*]}{.kind}{"/"}{.metadata.namespace}{"/"}{.metadata.name}{"\\n"}{end}'
_TIMEOUT = 60.0


def credentials(ministack: MiniStack) -> list[dict[str, str]]:
    """Return the variables of a container by which the operator is somebody to MiniStack."""
    environment = ministack.environment()
    return [{"name": name, "value": environment[name]} for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]


def values(ministack: MiniStack, **more: Any) -> str:
    """Give values for the chart, as text."""
    environment = ministack.environment()
    return json.dumps(
        {
            "aws": {"region": environment["AWS_REGION"], "endpointUrls": {"appconfigdata": ministack.url}},
            "extraEnv": credentials(ministack),
            **more,
        }
    )


@contextmanager
def restricted_namespace(kubectl: Kubectl, name: str) -> Iterator[None]:
    """Have a namespace, in which only Pods of the restricted Pod Security Standard are admitted."""
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    kubectl("create", "-f", "-", stdin=json.dumps(namespace))
    try:
        # What every namespace gets. Who looks what there is does not see it come later.
        given = ("serviceaccount/default", "configmap/kube-root-ca.crt")
        kubectl("wait", "--for=create", *given, "-n", name, "--timeout=60s")
        yield
    finally:
        kubectl("delete", "namespace", name)


def objects(kubectl: Kubectl, *, but: str) -> set[str]:
    """Give kind, namespace and name of all that the cluster holds, but what is in one namespace."""
    # Nodes report that they are alive by Leases. What other tests have deleted may take its time.
    passed_over = {but, "kube-node-lease", *going(kubectl)}
    kinds = set(kubectl("api-resources", "--verbs=list", "-o", "name").split()) - _NOT_KEPT
    lines = kubectl("get", ",".join(sorted(kinds)), "--all-namespaces", "-o", f"jsonpath={_LINES}").splitlines()
    return {line for line in lines if line.split("/")[1] not in passed_over} - {
        f"Namespace//{name}" for name in passed_over
    }


def going(kubectl: Kubectl) -> set[str]:
    """Return the namespaces that are about to go."""
    namespaces = json.loads(kubectl("get", "namespaces", "-o", "json"))["items"]
    return {item["metadata"]["name"] for item in namespaces if "deletionTimestamp" in item["metadata"]}


def wait_until_left(kubectl: Kubectl, expected: set[str], *, but: str) -> None:
    """Wait until the cluster holds what it is to hold, and not a thing more."""
    seen: set[str] = set()

    def left() -> bool:
        nonlocal seen
        seen = objects(kubectl, but=but)
        return seen == expected

    try:
        wait_until(left, _TIMEOUT, "the cluster as it was")
    except TimeoutError as error:
        if not seen:
            raise
        message = f"more: {sorted(seen - expected)}; less: {sorted(expected - seen)}"
        raise AssertionError(message) from error


def pods(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    """Return the Pods of the operator, but those that are about to go."""
    found = json.loads(
        kubectl("get", "pods", "-n", namespace, "-l", "app.kubernetes.io/name=appconfig-operator", "-o", "json")
    )
    return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]


def check_logs(kubectl: Kubectl, namespace: str) -> None:
    """Check that no Pod of the operator that runs reports an error, and none started again."""
    for pod in pods(kubectl, namespace):
        name = pod["metadata"]["name"]
        if pod["status"]["phase"] == "Pending":
            continue
        (status,) = pod["status"]["containerStatuses"]
        assert status["restartCount"] == 0, name
        lines = [json.loads(line) for line in kubectl("logs", "-n", namespace, name).splitlines()]
        assert [line for line in lines if line["level"] in {"ERROR", "CRITICAL"}] == []


def report(kubectl: Kubectl) -> None:
    """Write what there is, and what the operators say: pytest shows it when a test has failed."""
    commands: list[tuple[str, ...]] = [
        ("get", kinds, "--all-namespaces", "-o", "wide") for kinds in ("pods,configmaps", "events")
    ]
    names = kubectl("get", "pods", "--all-namespaces", OPERATORS, "-o", f"jsonpath={_LINES}").splitlines()
    commands += [("logs", "-n", namespace, name) for _, namespace, name in (line.split("/") for line in names)]
    for command in commands:
        try:
            text = kubectl(*command)
        except KubectlError as error:  # no logs of a container that never began
            text = str(error)
        sys.stdout.write(f"$ kubectl {' '.join(command)}\n{text}\n")
