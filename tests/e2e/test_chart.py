"""The Helm chart on a real API server: its rights are enough, and what stays when it goes."""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING

import pytest

from sandbox import ControlPlane, wait_until
from sandbox.aws.ministack import REGION
from sandbox.kube.helm import Helm, HelmError
from sandbox.kube.kubectl import Kubectl
from sandbox.kube.operator_process import wait_for_kind
from tests.e2e.support.canary import LOOKOUT
from tests.e2e.support.scene import Scene, administrator, check_log
from tests.support.releases import CRD, NAME, Release, previous_chart
from tools.chart import CHART, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sandbox import AppConfig

TEXT = {"logFormat": "text"}
OTHERS_CRD = {**TEXT, "crds": {"enabled": False}}
UNINSTALL_SECONDS = 30.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[ControlPlane]:
    """A cluster of its own: releases come and go with the CRD."""
    with ControlPlane() as running, LOOKOUT.over(administrator(running)):
        yield running


@pytest.fixture
def release(cluster: ControlPlane) -> Release:
    """A release that is not installed yet."""
    namespace = f"release-{uuid.uuid4().hex[:10]}"
    return Release(cluster, Helm(cluster.kubeconfig), Kubectl(cluster.kubeconfig), namespace)


@pytest.fixture
def new_scene(cluster: ControlPlane, appconfig: AppConfig) -> Callable[[], Scene]:
    def new() -> Scene:
        scene = Scene(administrator(cluster), appconfig, f"test-{uuid.uuid4().hex[:10]}")
        scene.create_namespace()
        scene.deploy(b'{"version": "can4rybird 1"}')
        return scene

    return new


def install_crd(release: Release) -> None:
    """As somebody else would who has rights for the cluster."""
    release.kubectl("apply", "--server-side", "--force-conflicts", "-k", ROOT / "crds")
    wait_for_kind(release.kubectl)
    # The garbage collector then knows the kind at once.
    release.control_plane.restart_controllers()


def is_there(release: Release, *what: str) -> bool:
    return release.kubectl("get", *what, "--ignore-not-found", "-o=name") != ""


def test_namespaced(release: Release, new_scene: Callable[[], Scene], aws: Mapping[str, str], tmp_path: Path) -> None:
    """With rights in two namespaces, and none for the cluster, it serves the two."""
    install_crd(release)
    first, second, other = (new_scene() for _ in range(3))
    release.install({**OTHERS_CRD, "watchNamespaces": [first.namespace, second.namespace]})
    assert not is_there(release, "clusterroles,clusterrolebindings", "-l", f"app.kubernetes.io/part-of={NAME}")
    assert release.may("list", "appconfigsources", first.namespace)
    assert not release.may("list", "appconfigsources", other.namespace)
    assert not release.may("list", "appconfigsources")
    assert not release.may("get", "secrets", first.namespace)
    assert not release.may("list", "leases", first.namespace)
    for scene in (first, second, other):
        scene.apply("checkout")
    with release.operator(tmp_path, aws) as running:
        for scene in (first, second):
            scene.wait_for("checkout", "Synced")
            scene.wait_for_events("checkout", [("Normal", "Synced")])
            assert scene.config_map("checkout")["data"] == {"config.json": '{"version": "can4rybird 1"}'}
    check_log(running)
    assert "conditions" not in other.source("checkout").get("status", {})
    assert other.config_maps() == []
    # It stopped in order: its sessions are for the next replica.
    assert is_there(
        release, "secrets", f"--namespace={release.namespace}", "-l", f"app.kubernetes.io/managed-by={NAME}"
    )
    release.uninstall()
    for scene in (first, second):
        assert not is_there(release, "roles,rolebindings", f"--namespace={scene.namespace}")


def test_cluster_from_an_older_version_to_its_end(
    release: Release, new_scene: Callable[[], Scene], aws: Mapping[str, str], tmp_path: Path
) -> None:
    """Installed, upgraded, changed, uninstalled with the CRD kept, installed again, and uninstalled with all of it."""
    release.kubectl("delete", CRD, "--ignore-not-found")
    scene = new_scene()
    release.install(TEXT, chart=previous_chart(tmp_path / "previous"))
    wait_for_kind(release.kubectl)
    release.control_plane.restart_controllers()
    scene.apply("owner")
    scene.apply("orphan", target={"creationPolicy": "Orphan"})
    with release.operator(tmp_path, aws) as running:
        scene.wait_for("owner", "Synced")
        scene.wait_for("orphan", "Synced")
    check_log(running)
    before, crd = release.deployment(), uid_of(release, CRD)

    release.upgrade({**TEXT, "workers": 5, "replicaCount": 2, "aws": {"region": REGION}})
    after = release.deployment()
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["selector"] == before["spec"]["selector"]
    assert after["spec"]["replicas"] == 2
    assert uid_of(release, CRD) == crd
    assert is_there(release, "poddisruptionbudget", f"--namespace={release.namespace}")
    scene.deploy(b'{"version": "can4rybird 2"}')
    with release.operator(tmp_path, aws) as running:
        scene.wait_for_content("owner", {"config.json": '{"version": "can4rybird 2"}'})
        scene.wait_for_content("orphan", {"config.json": '{"version": "can4rybird 2"}'})
    check_log(running)

    release.uninstall()
    assert not is_there(release, f"deployment/{NAME}", f"--namespace={release.namespace}")
    assert uid_of(release, CRD) == crd
    assert len(scene.sources()) == len(scene.config_maps()) == 2

    release.install({**TEXT, "crds": {"keep": False}})
    assert uid_of(release, CRD) == crd
    release.uninstall()
    wait_until(lambda: not is_there(release, CRD), UNINSTALL_SECONDS, "the end of the CRD")
    wait_until(lambda: not scene.has_config_map("owner"), UNINSTALL_SECONDS, "the end of the owned ConfigMap")
    assert scene.config_map("orphan")["data"] == {"config.json": '{"version": "can4rybird 2"}'}


def uid_of(release: Release, what: str) -> str:
    return release.kubectl("get", what, "-o=jsonpath={.metadata.uid}")


def test_a_crd_that_was_there_before_is_taken_over_when_that_is_asked_for(release: Release, tmp_path: Path) -> None:
    """Also one of another version, that somebody has applied."""
    text = (ROOT / "crds" / "appconfigsources.yaml").read_text(encoding="utf-8")
    old = text.replace("The AppConfig application.", "The application.")
    assert old != text
    release.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=old)
    with pytest.raises(HelmError, match=r"appconfigsources\.appconfig-operator\.io.*exists and cannot be imported"):
        release.install(TEXT)
    before = uid_of(release, CRD)
    release.install(TEXT, "--take-ownership", "--force-conflicts")
    assert uid_of(release, CRD) == before
    assert "The AppConfig application." in release.kubectl("get", CRD, "-o=yaml")
    release.upgrade(TEXT, chart=changed_chart(tmp_path, "Later words."))
    assert "Later words." in release.kubectl("get", CRD, "-o=yaml")
    release.uninstall()
    assert uid_of(release, CRD) == before


def test_a_crd_that_was_taken_over_as_it_was_is_taken_once_more_when_it_changes(
    release: Release, tmp_path: Path
) -> None:
    """kubectl and Helm then own the same fields, until Helm says that it wants them for itself."""
    install_crd(release)
    release.install(TEXT, "--take-ownership", "--force-conflicts")
    second, third = (changed_chart(tmp_path / words, f"{words} words.") for words in ("Second", "Third"))
    with pytest.raises(HelmError, match=r'conflict with "kubectl".*\.spec\.versions'):
        release.upgrade(TEXT, chart=second)
    release.upgrade(TEXT, "--force-conflicts", chart=second)
    assert "Second words." in release.kubectl("get", CRD, "-o=yaml")
    release.upgrade(TEXT, chart=third)
    assert "Third words." in release.kubectl("get", CRD, "-o=yaml")
    release.uninstall()


def changed_chart(folder: Path, words: str) -> Path:
    """Give this chart with other words in its CRD, as a new version may have them."""
    chart = shutil.copytree(CHART, folder / CHART.name)
    crd = chart / "files" / "crd.yaml"
    old = crd.read_text(encoding="utf-8")
    new = old.replace("The AppConfig application.", words)
    assert new != old
    crd.write_text(new, encoding="utf-8")
    return chart


def test_a_second_operator_in_the_namespace_is_refused(release: Release) -> None:
    """Whoever the first one came from, and whatever the names are."""
    install_crd(release)
    names = {"nameOverride": "config", "fullnameOverride": "other"}
    release.install(OTHERS_CRD)
    words = (
        rf"the Deployment {NAME}, which is not other of the release second.*Install this one in a different namespace"
    )
    with pytest.raises(HelmError, match=words):
        release.install({**OTHERS_CRD, **names}, name="second")
    # Its own Deployment is no second one, but is under another name.
    release.upgrade(OTHERS_CRD)
    with pytest.raises(HelmError, match=rf"the Deployment {NAME}, which is not renamed of the release {NAME}"):
        release.upgrade({**OTHERS_CRD, "fullnameOverride": "renamed"})
    release.uninstall()
    release.kubectl("create", "deployment", NAME, "--image=x", f"--namespace={release.namespace}")
    release.kubectl("label", "deployment", NAME, f"app.kubernetes.io/name={NAME}", f"--namespace={release.namespace}")
    with pytest.raises(HelmError, match="already has an appconfig-operator"):
        release.install({**OTHERS_CRD, **names}, name="second")
