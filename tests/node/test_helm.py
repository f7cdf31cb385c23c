"""The chart on a real node: installed, upgraded and removed as users do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.helm import Helm
from tests.node.installation import (
    CHART,
    CRD,
    check_logs,
    objects,
    pods,
    restricted_namespace,
    values,
    wait_until_left,
)
from tests.node.readers import Readers
from tests.node.stages import Stages

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import AppConfig, MiniStack
    from sandbox.kubectl import Kubectl
    from sandbox.node import Cluster

RELEASE = "appconfig-operator"
NAMESPACE = "platform"
WAIT = ("--wait", "--timeout=100s")
CLUSTER_WIDE = ("clusterroles", "clusterrolebindings")


@pytest.mark.usefixtures("operator_image")
def test_installed_upgraded_and_removed(  # noqa: PLR0913, PLR0917 - as pytest hands them in
    cluster: Cluster,
    ministack: MiniStack,
    kubectl: Kubectl,
    appconfig: AppConfig,
    namespace: str,
    tmp_path: Path,
    seconds: dict[str, float],
) -> None:
    helm, stages = Helm(cluster.kubeconfig), Stages("helm", seconds)
    values_file = tmp_path / "values.json"
    values_file.write_text(values(ministack), encoding="utf-8")
    readers = Readers(kubectl, appconfig, namespace, tmp_path, stages)
    with restricted_namespace(kubectl, NAMESPACE):
        before = objects(kubectl, but=namespace)
        readers.deploy(1)
        install(helm, stages, "helm install --wait", values_file)
        readers.apply()
        readers.check()
        readers.follow(2)
        readers.restart_variables_reader()
        check_logs(kubectl, NAMESPACE)

        (old,) = pods(kubectl, NAMESPACE)
        with stages.timed("helm upgrade --wait, another log level"):
            helm("upgrade", RELEASE, CHART, "-n", NAMESPACE, "--reuse-values", "--set=logLevel=debug", *WAIT)
        (new,) = pods(kubectl, NAMESPACE)
        assert new["metadata"]["uid"] != old["metadata"]["uid"]
        assert "--log-level=debug" in new["spec"]["containers"][0]["args"]
        readers.follow(3)
        check_logs(kubectl, NAMESPACE)

        written = readers.config_map_versions()
        with stages.timed("helm uninstall --wait"):
            helm("uninstall", RELEASE, "-n", NAMESPACE, *WAIT)
        with stages.timed("until nothing is left but the CRD"):
            wait_until_left(kubectl, before | {CRD}, but=namespace)
        assert readers.file() == readers.newest
        assert readers.config_map_versions() == written

        install(helm, stages, "helm install --wait, with the CRD and its sources there", values_file)
        readers.follow(4)
        kubectl("delete", "appconfigsources", "--all", "-n", namespace)
        helm("uninstall", RELEASE, "-n", NAMESPACE, *WAIT)
        kubectl("delete", "crd", CRD.rpartition("/")[2])
        wait_until_left(kubectl, before, but=namespace)


def install(helm: Helm, stages: Stages, stage: str, values_file: Path, *more: str) -> None:
    with stages.timed(stage):
        helm("install", RELEASE, CHART, "-n", NAMESPACE, "-f", values_file, *WAIT, *more)
