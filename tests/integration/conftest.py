"""What integration tests share: a strict AppConfig for each, and the API server as whom they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appconfig_operator.kube.configmaps import ConfigMaps
from sandbox.aws.data_plane import AppConfigProxy
from tests.integration.support.aws_access import lead
from tests.integration.support.kube_access import Administrator, api_of, api_of_operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appconfig_operator.kube.api import Api
    from sandbox import ControlPlane, MiniStack


@pytest.fixture
def proxy(ministack: MiniStack) -> Iterator[AppConfigProxy]:
    """AppConfig's data plane as strict as the real one."""
    with AppConfigProxy(ministack.url) as running:
        yield running


@pytest.fixture
def led(proxy: AppConfigProxy, ministack: MiniStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead boto3 to that data plane, which takes polls at any time."""
    proxy.rules.enforce_interval = False
    lead(monkeypatch, ministack.environment() | proxy.environment())


@pytest.fixture(scope="module")
def api(installed: ControlPlane) -> Api:
    """The API server, with the rights that the manifests give."""
    return api_of_operator(installed)


@pytest.fixture(scope="module")
def admin_api(installed: ControlPlane) -> Api:
    """The API server, with all rights."""
    return api_of(installed.kubeconfig)


@pytest.fixture
def maps(api: Api) -> ConfigMaps:
    """The ConfigMaps, with the rights of the operator."""
    return ConfigMaps(api)


@pytest.fixture
def admin(admin_api: Api, namespace: str) -> Administrator:
    """Somebody who may do anything, in a namespace of the test's own."""
    return Administrator(admin_api, namespace)
