"""A cluster with a node, and a MiniStack that its Pods reach. Both start with the first test that asks for them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from sandbox import AppConfig, MiniStack
from sandbox.image import build_image
from sandbox.kube.kubectl import Kubectl
from sandbox.node import Cluster
from tests.node.support.installation import report
from tests.node.support.site import Site
from tests.node.support.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import ControlPlane

SECONDS = pytest.StashKey[dict[str, float]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SECONDS] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how long each stage took."""
    if config.stash[SECONDS]:
        terminalreporter.section("seconds of each stage")
    for stage, seconds in config.stash[SECONDS].items():
        terminalreporter.write_line(f"{seconds:8.2f}  {stage}")


@pytest.fixture(scope="session")
def seconds(pytestconfig: pytest.Config) -> dict[str, float]:
    """What took how long. All that tests put into it is printed at the end."""
    return pytestconfig.stash[SECONDS]


@pytest.fixture(scope="session")
def cluster(seconds: dict[str, float]) -> Iterator[Cluster]:
    """A cluster with a node that is ready. Its kubelet looks at each Pod every second."""
    with Cluster() as running:
        seconds.update(running.seconds)
        yield running


@pytest.fixture(scope="session")
def control_plane(cluster: Cluster) -> ControlPlane:
    """The cluster's: what is made for a control plane without a node works here, too."""
    return cluster.control_plane


@pytest.fixture(scope="session")
def ministack(cluster: Cluster) -> Iterator[MiniStack]:
    """A local AWS that Pods reach."""
    with MiniStack(host=cluster.host) as running:
        yield running


@pytest.fixture(scope="session")
def appconfig(ministack: MiniStack) -> AppConfig:
    """The control plane of AppConfig in it."""
    return AppConfig(ministack.url)


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    """kubectl as the administrator."""
    return Kubectl(cluster.kubeconfig)


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace of the test's own, in which Pod Security `restricted` is enforced. Its Pods end with the test."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def operator_image(cluster: Cluster, seconds: dict[str, float]) -> None:
    """The operator's image on the node, built from the Dockerfile as it is."""
    stages = Stages("image", seconds)
    with stages.timed("built, or found as it was built before"):
        archive = build_image()
    with stages.timed("loaded into the node"):
        cluster.load_image(archive)


@pytest.fixture
def site(  # noqa: PLR0913, PLR0917 - as pytest hands them in
    cluster: Cluster,
    operator_image: None,  # noqa: ARG001 - it has to be there
    ministack: MiniStack,
    appconfig: AppConfig,
    kubectl: Kubectl,
    namespace: str,
    tmp_path: Path,
    seconds: dict[str, float],
) -> Iterator[Site]:
    """Where a story takes place."""
    yield Site(cluster, ministack, appconfig, kubectl, namespace, tmp_path, seconds)
    report(kubectl)
