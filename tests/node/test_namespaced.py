"""The chart for one namespace on a real node: installed by its administrator, with no right on the cluster at all."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest

from sandbox import wait_until
from sandbox.kube.helm import Helm
from sandbox.kube.kubectl import Kubectl
from sandbox.kube.operator_process import MANIFESTS
from tests.node.support.installation import CHART, KIND, ROOT, check_logs, objects, wait_until_left

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Request
    from sandbox.node import Cluster
    from tests.node.support.site import Site

RELEASE = "checkout"
ADMINISTRATOR = "team"
DISCOVERY = re.compile(
    r"/version|/api(/v1)?|/apis(/[^/]+/[^/]+)?|/apis/authorization\.k8s\.io/v1/selfsubjectaccessreviews"
)
RIGHTS_OF_USER_ROLES = (
    ("list", "appconfigsources"),
    ("create", "appconfigsources"),
    ("create", "controllerrevisions.apps"),
)
"""One of each: Kubernetes takes them up one after the other."""
UNAUTHORIZED, FORBIDDEN = 401, 403

# The first of all tests may have to build the image.
pytestmark = pytest.mark.timeout(600)


def test_installed_by_who_has_rights_in_one_namespace_only(site: Site) -> None:
    kubectl, namespace, requests_of = site.kubectl, site.namespace, site.cluster.control_plane.requests_of
    before = objects(kubectl, but=namespace)
    for folder in (ROOT / "crds", MANIFESTS / "user-roles"):
        kubectl("apply", "--server-side", "-k", folder)
    wait_until(lambda: objects(kubectl, but=namespace) >= KIND, 30, "the kind")
    installed = objects(kubectl, but=namespace)
    team = administrator_of(site.cluster, kubectl, namespace)
    as_team, helm, stages = Kubectl(team), Helm(team), site.stages("namespaced")
    values_file = site.values_file(crds={"enabled": False}, watchNamespaces=[namespace])
    readers = site.readers(stages, as_team)
    readers.deploy(1)
    with stages.timed("helm install --wait"):
        helm("install", RELEASE, CHART, "-n", namespace, "-f", values_file, "--wait", "--timeout=100s")
    assert objects(kubectl, but=namespace) == installed
    readers.apply()
    readers.check()
    readers.follow(2)
    check_logs(as_team, namespace)
    check_requests(requests_of(user(namespace, name_of(RELEASE))), namespace)

    with stages.timed("helm uninstall --wait"):
        helm("uninstall", RELEASE, "-n", namespace, "--wait", "--timeout=60s")
    asked = requests_of(user(namespace, ADMINISTRATOR))
    assert [request for request in asked if request.code == FORBIDDEN] == []
    for folder in (MANIFESTS / "user-roles", ROOT / "crds"):
        kubectl("delete", "-k", folder)
    wait_until_left(kubectl, before, but=namespace)


def administrator_of(cluster: Cluster, kubectl: Kubectl, namespace: str) -> Path:
    """Give a kubeconfig for who is `admin` in a namespace, with the user roles, and nobody anywhere else."""
    kubectl("create", "serviceaccount", ADMINISTRATOR, "-n", namespace)
    subject = f"--serviceaccount={namespace}:{ADMINISTRATOR}"
    kubectl("create", "rolebinding", ADMINISTRATOR, "--clusterrole=admin", subject, "-n", namespace)
    kubeconfig = cluster.control_plane.service_account_kubeconfig(namespace, ADMINISTRATOR)
    asked = Kubectl(kubeconfig)
    for verb, resource in RIGHTS_OF_USER_ROLES:
        wait_until(partial(may, asked, verb, resource, namespace), 30, f"the right to {verb} {resource}")
    return kubeconfig


def may(kubectl: Kubectl, verb: str, resource: str, namespace: str) -> bool:
    return kubectl("auth", "can-i", verb, resource, "-n", namespace).strip() == "yes"


def name_of(release: str) -> str:
    """Return the name of the objects of a release."""
    return f"{release}-appconfig-operator"


def user(namespace: str, service_account: str) -> str:
    """Return the name under which the API server knows a ServiceAccount."""
    return f"system:serviceaccount:{namespace}:{service_account}"


def check_requests(requests: list[Request], namespace: str) -> None:
    """Check that the operator was never refused, and asked for nothing outside of its namespace."""
    assert {request.resource for request in requests} >= {"appconfigsources", "configmaps", "leases", "events"}
    assert [request for request in requests if request.code in {UNAUTHORIZED, FORBIDDEN}] == []
    outside = [request for request in requests if request.namespace != namespace]
    assert [request for request in outside if not DISCOVERY.fullmatch(request.uri.partition("?")[0])] == []
