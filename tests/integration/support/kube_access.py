"""`kube/` on a real API server: as whom it calls, what it is about, and who meddles."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.config import kube_config

from appconfig_operator.api.v1alpha1 import API_VERSION, KIND, PLURAL, Source
from appconfig_operator.core.formats.content import Content
from appconfig_operator.core.formats.render import Data, render
from appconfig_operator.core.target.plan import WantedConfigMap, wanted_config_map
from appconfig_operator.core.target.rendered_version import RenderedVersion
from appconfig_operator.engine import sync as engine
from appconfig_operator.kube.api import Api, connect
from sandbox.kube.operator_process import NAMESPACE, SERVICE_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from appconfig_operator.core.target.planned_write import WriteResult
    from appconfig_operator.kube.configmaps import ConfigMaps
    from sandbox.kube.control_plane import ControlPlane

MERGE_PATCH = "application/merge-patch+json"


def api_of(kubeconfig: Path) -> Api:
    """Connect as the operator does, by that kubeconfig."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        patch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))  # read when first imported
        return connect(workers=2)


def api_of_operator(control_plane: ControlPlane) -> Api:
    """Connect with the rights that the manifests give."""
    return api_of(control_plane.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT))


class Meddling(Api):
    """Somebody else does something right before a call of ours, and the calls are counted by their method."""

    def __init__(self, api: Api, *, before: str = "", meddle: Callable[[], object] = lambda: None) -> None:
        super().__init__(api._client)
        self.calls: Counter[str] = Counter()
        self._before = before
        self._meddle = meddle

    def sized(self, method: str, path: str, **options: Any) -> tuple[dict[str, Any], int]:
        self.calls[method] += 1
        if method == self._before:
            self._meddle()
        return super().sized(method, path, **options)


class Administrator:
    """Somebody who may do anything, in one namespace."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api = api
        self.namespace = namespace

    def _path(self, kind: str, name: str = "") -> str:
        root = f"/apis/{API_VERSION}" if kind == PLURAL else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def get(self, kind: str, name: str) -> dict[str, Any]:
        return self.api.call("GET", self._path(kind, name))

    def create(self, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self.api.call("POST", self._path(kind), body=body)

    def patch(self, kind: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        query = {"fieldManager": "kubectl-edit"}
        return self.api.call("PATCH", self._path(kind, name), query=query, body=body, content_type=MERGE_PATCH)

    def delete(self, kind: str, name: str) -> None:
        self.api.call("DELETE", self._path(kind, name))

    def config_map(self, name: str = "checkout", **metadata: Any) -> dict[str, Any]:
        """Create a ConfigMap that has nothing to do with the operator."""
        return self.create("configmaps", {"metadata": {"name": name, **metadata}, "data": {"theirs": "untouched"}})

    def source(self, name: str = "checkout") -> Source:
        """Create an AppConfigSource."""
        spec = {"application": "shop", "environment": "production", "configurationProfile": "checkout"}
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}
        return Source.from_dict(self.create(PLURAL, body))


def sync(
    config_maps: ConfigMaps,
    wanted: WantedConfigMap,
    *,
    known: bool,
    keep: Callable[[RenderedVersion], None] = lambda _: None,
) -> WriteResult:
    """Bring a ConfigMap to what is wanted, as the engine does; nothing is kept unless a test does."""
    return engine.sync(config_maps, wanted, known=known, keep=keep)


def wanted(  # noqa: PLR0913 - what differs from test to test, by name
    source: Source,
    body: bytes = b'{"a":1}',
    *,
    data: Data | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> WantedConfigMap:
    """Describe the ConfigMap of a source, as the engine does."""
    target = replace(source.spec.target, labels=labels or {}, annotations=annotations or {})
    content = Content(body=body, content_type=content_type, version_label="v1")
    changed = replace(source, spec=replace(source.spec, target=target))
    version = RenderedVersion(data or render(content, changed.spec), content.version_label, content.content_type)
    return wanted_config_map(changed, version)
