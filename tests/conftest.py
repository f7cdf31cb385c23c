"""Servers that tests share. They start when the first test asks for them, and end with the run."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from sandbox import AppConfig, ControlPlane, MiniStack
from sandbox.aws.iam import Iam
from sandbox.kube.kubectl import Kubectl
from sandbox.kube.operator_process import install

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A Kubernetes control plane, empty."""
    with ControlPlane() as running:
        yield running


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with CRD, ServiceAccount and rights of the operator."""
    install(control_plane)
    return control_plane


@pytest.fixture
def kubectl(control_plane: ControlPlane) -> Kubectl:
    """kubectl as the administrator."""
    return Kubectl(control_plane.kubeconfig)


@pytest.fixture
def namespace(kubectl: Kubectl) -> str:
    """A namespace of the test's own."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    kubectl("create", "namespace", name)
    return name


@pytest.fixture(scope="session")
def ministack() -> Iterator[MiniStack]:
    """A local AWS."""
    with MiniStack() as running:
        yield running


@pytest.fixture(scope="session")
def appconfig(ministack: MiniStack) -> AppConfig:
    """The control plane of AppConfig in it."""
    return AppConfig(ministack.url)


@pytest.fixture(scope="session")
def strict_ministack() -> Iterator[MiniStack]:
    """A local AWS that verifies signatures and asks policies."""
    with MiniStack(access_checks=True) as running:
        yield running


@pytest.fixture(scope="session")
def iam(strict_ministack: MiniStack) -> Iam:
    """The control plane of IAM in it."""
    return Iam(strict_ministack.url)
