"""The overlays on a real node: two replicas, of which one is killed, and all of it removed again."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sandbox import wait_until
from sandbox.kube.operator_process import MANIFESTS, NAMESPACE
from sandbox.node.cluster import NODE
from tests.node.support.installation import check_logs, credentials, objects, pods, wait_until_left

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import MiniStack
    from sandbox.kube.kubectl import Kubectl
    from tests.node.support.site import Site

OVERLAY = "high-availability"
REPLICAS = 2

# The first of all tests may have to build the image.
pytestmark = pytest.mark.timeout(600)


def test_two_replicas_of_which_one_is_killed(site: Site) -> None:
    kubectl, stages = site.kubectl, site.stages("kustomize")
    readers, overlay = site.readers(stages), write_overlay(site.folder / "overlay", site.ministack)
    before = objects(kubectl, but=site.namespace)
    readers.deploy(1)
    with stages.timed("kubectl apply -k, until two replicas are ready"):
        kubectl("apply", "--server-side", "-k", overlay)
        kubectl("rollout", "status", "deployment/appconfig-operator", "-n", NAMESPACE, "--timeout=150s")
    enforced = kubectl("get", "namespace", NAMESPACE, "-o", "jsonpath={.metadata.labels}")
    assert json.loads(enforced)["pod-security.kubernetes.io/enforce"] == "restricted"
    wait_for_shares(kubectl)
    readers.apply()
    readers.check()
    readers.follow(2)
    check_logs(kubectl, NAMESPACE)

    killed, other = pods(kubectl, NAMESPACE)
    if polls(kubectl, other, "checkout-file"):
        killed, other = other, killed
    assert polls(kubectl, killed, "checkout-file")
    assert not polls(kubectl, other, "checkout-file")
    # No other Pod can come in its place.
    kubectl("cordon", NODE)
    site.cluster.kill_container(status_of(killed)["containerID"])
    kubectl("delete", "pod", name_of(killed), "-n", NAMESPACE, "--force", "--grace-period=0")
    readers.follow(3)
    wait_until(lambda: {pod_of(holder) for holder in holders(kubectl)} == {name_of(other)}, 60, "all its shards")
    check_logs(kubectl, NAMESPACE)

    kubectl("uncordon", NODE)
    with stages.timed("another Pod in place of the one that was killed"):
        kubectl("rollout", "status", "deployment/appconfig-operator", "-n", NAMESPACE, "--timeout=150s")
    wait_for_shares(kubectl)
    readers.restart_variables_reader()

    with stages.timed("kubectl delete -k"):
        kubectl("delete", "-k", overlay)
    with stages.timed("until nothing is left"):
        wait_until_left(kubectl, before, but=site.namespace)
        owned = "--selector=app.kubernetes.io/managed-by=appconfig-operator"
        wait_until(
            lambda: not kubectl("get", "configmaps", "-n", site.namespace, owned, "-o", "name"), 60, "no ConfigMap"
        )


def write_overlay(folder: Path, ministack: MiniStack) -> Path:
    environment = ministack.environment()
    variables = [
        {"name": "AWS_REGION", "value": environment["AWS_REGION"]},
        {"name": "AWS_ENDPOINT_URL_APPCONFIGDATA", "value": ministack.url},
        *credentials(ministack),
    ]
    patch = [{"op": "add", "path": "/spec/template/spec/containers/0/env", "value": variables}]
    folder.mkdir()
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(MANIFESTS / "overlays" / OVERLAY, folder.resolve())],
        "patches": [{"target": {"kind": "Deployment"}, "patch": yaml.safe_dump(patch)}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return folder


def polls(kubectl: Kubectl, pod: dict[str, Any], source: str) -> bool:
    """Return whether a replica polls a source, as its log says."""
    lines = kubectl("logs", "-n", NAMESPACE, pod["metadata"]["name"]).splitlines()
    return any(line.get("source") == source for line in map(json.loads, lines))


def status_of(pod: dict[str, Any]) -> dict[str, Any]:
    (status,) = pod["status"]["containerStatuses"]
    return dict(status)


def name_of(pod: dict[str, Any]) -> str:
    return str(pod["metadata"]["name"])


def pod_of(holder: str) -> str:
    """Return the Pod of a replica that holds a shard."""
    return holder.rpartition("-")[0]


def wait_for_shares(kubectl: Kubectl) -> None:
    """Wait until each replica holds as many shards as the other: then none moves any more."""

    def shared() -> bool:
        shares = Counter(holders(kubectl))
        return len(shares) == REPLICAS and len(set(shares.values())) == 1 and "" not in shares

    wait_until(shared, 60, "as many shards for each replica")


def holders(kubectl: Kubectl) -> list[str]:
    """Give who holds each shard. Empty: nobody."""
    selector = "--selector=appconfig-operator.io/lease=shard"
    leases = json.loads(kubectl("get", "leases", "-n", NAMESPACE, selector, "-o", "json"))["items"]
    return [lease["spec"].get("holderIdentity", "") for lease in leases]
