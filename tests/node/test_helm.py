"""The chart on a real node: installed, upgraded and removed as users do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.kube.helm import Helm
from tests.node.support.installation import (
    CHART,
    CRD,
    KIND,
    check_logs,
    objects,
    pods,
    restricted_namespace,
    wait_until_left,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.node.support.site import Site
    from tests.node.support.stages import Stages

RELEASE = "appconfig-operator"
NAMESPACE = "platform"
SOME_UID = 1_000_660_000
WAIT = ("--wait", "--timeout=100s")

# The first of all tests may have to build the image.
pytestmark = pytest.mark.timeout(600)


def test_installed_upgraded_and_removed(site: Site) -> None:
    kubectl, helm, stages = site.kubectl, Helm(site.cluster.kubeconfig), site.stages("helm")
    values_file, readers = site.values_file(), site.readers(stages)
    with restricted_namespace(kubectl, NAMESPACE):
        before = objects(kubectl, but=site.namespace)
        readers.deploy(1)
        install(helm, stages, "helm install --wait", values_file)
        readers.apply()
        readers.check()
        readers.follow(2)
        readers.restart_variables_reader()
        check_logs(kubectl, NAMESPACE)

        (old,) = pods(kubectl, NAMESPACE)
        # A uid that the image does not know, as OpenShift gives one.
        changes = f"--set=logLevel=debug,podSecurityContext.runAsUser={SOME_UID},podSecurityContext.runAsGroup=0"
        with stages.timed("helm upgrade --wait, another log level and uid"):
            helm("upgrade", RELEASE, CHART, "-n", NAMESPACE, "--reuse-values", changes, *WAIT)
        (new,) = pods(kubectl, NAMESPACE)
        assert new["metadata"]["uid"] != old["metadata"]["uid"]
        assert "--log-level=debug" in new["spec"]["containers"][0]["args"]
        readers.follow(3)
        check_logs(kubectl, NAMESPACE)

        written = readers.config_map_versions()
        with stages.timed("helm uninstall --wait"):
            helm("uninstall", RELEASE, "-n", NAMESPACE, *WAIT)
        with stages.timed("until nothing is left but the CRD"):
            wait_until_left(kubectl, before | KIND, but=site.namespace)
        assert readers.file() == readers.newest
        assert readers.config_map_versions() == written

        install(helm, stages, "helm install --wait, with the CRD and its sources there", values_file)
        readers.follow(4)
        kubectl("delete", "appconfigsources", "--all", "-n", site.namespace)
        helm("uninstall", RELEASE, "-n", NAMESPACE, *WAIT)
        kubectl("delete", "crd", CRD)
        wait_until_left(kubectl, before, but=site.namespace)


def install(helm: Helm, stages: Stages, stage: str, values_file: Path, *more: str) -> None:
    with stages.timed(stage):
        helm("install", RELEASE, CHART, "-n", NAMESPACE, "-f", values_file, *WAIT, *more)
