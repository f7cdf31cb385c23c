"""What an installation needs to find AWS here, and what it leaves."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sandbox import wait_until
from sandbox.operator_process import MANIFESTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import MiniStack
    from sandbox.kubectl import Kubectl

ROOT = MANIFESTS.parent
CHART = ROOT / "charts" / "appconfig-operator"
CRD = "CustomResourceDefinition//appconfigsources.appconfig-operator.io"

_NOT_KEPT = {"events", "events.events.k8s.io", "componentstatuses"}
_LINES = '{range .items[*]}{.kind}{"/"}{.metadata.namespace}{"/"}{.metadata.name}{"\\n"}{end}'
_TIMEOUT = 60.0


def credentials(ministack: MiniStack) -> list[dict[str, str]]:
    """Give the variables of a container by which the operator is somebody to MiniStack."""
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
    yield
    kubectl("delete", "namespace", name)


def objects(kubectl: Kubectl, *, but: str) -> set[str]:
    """Give kind, namespace and name of all that the cluster holds, but what is in one namespace."""
    kinds = set(kubectl("api-resources", "--verbs=list", "-o", "name").split()) - _NOT_KEPT
    lines = kubectl("get", ",".join(sorted(kinds)), "--all-namespaces", "-o", f"jsonpath={_LINES}").splitlines()
    # Nodes tell that they live by Leases, and the namespace itself is no part of what is in it.
    return {
        line for line in lines if line.split("/")[1] not in {but, "kube-node-lease"} and line != f"Namespace//{but}"
    }


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
        message = f"more: {sorted(seen - expected)}; less: {sorted(expected - seen)}"
        raise AssertionError(message) from error


def pods(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    """Give the Pods of the operator, but those that are about to go."""
    found = json.loads(
        kubectl("get", "pods", "-n", namespace, "-l", "app.kubernetes.io/name=appconfig-operator", "-o", "json")
    )
    return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]


def check_logs(kubectl: Kubectl, namespace: str) -> None:
    """Check that no Pod of the operator tells of an error, and none started anew."""
    for pod in pods(kubectl, namespace):
        name = pod["metadata"]["name"]
        (status,) = pod["status"]["containerStatuses"]
        assert status["restartCount"] == 0, name
        lines = [json.loads(line) for line in kubectl("logs", "-n", namespace, name).splitlines()]
        assert [line for line in lines if line["level"] in {"ERROR", "CRITICAL"}] == []
