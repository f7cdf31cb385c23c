"""Sources that ask for a ConfigMap, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appconfig_operator.api.v1alpha1 import CreationPolicy, Source
from appconfig_operator.core.errors import BlockedError
from appconfig_operator.core.formats.render import Data
from appconfig_operator.core.target import references
from appconfig_operator.core.target.plan import WantedConfigMap, wanted_config_map
from appconfig_operator.core.target.rendered_version import RenderedVersion
from tests.integration.support.kube_access import sync

if TYPE_CHECKING:
    from appconfig_operator.kube.configmaps import ConfigMaps
    from tests.integration.support.kube_access import Administrator

KIND = "configmaps"
SOURCES = "appconfigsources"
OWNER, ORPHAN, MERGE = CreationPolicy.OWNER, CreationPolicy.ORPHAN, CreationPolicy.MERGE


def ask(admin: Administrator, name: str, target: str, policy: CreationPolicy = OWNER, key: str | None = None) -> Source:
    """Create a source that asks for a ConfigMap, or change what it asks for."""
    spec = {"target": {"name": target, "creationPolicy": policy, "key": key}}
    found = admin.api.call("GET", admin._path(SOURCES))["items"]
    if all(item["metadata"]["name"] != name for item in found):
        admin.source(name)
    return Source.from_dict(admin.patch(SOURCES, name, {"spec": spec}))


def want(source: Source, **text: str) -> WantedConfigMap:
    return wanted_config_map(source, RenderedVersion(Data(text=text, binary={}), "v1", "text/plain"))


def refused(maps: ConfigMaps, wanted: WantedConfigMap) -> BlockedError:
    with pytest.raises(BlockedError) as caught:
        sync(maps, wanted, known=False)
    return caught.value


def config_map(admin: Administrator, name: str = "shared") -> dict[str, Any] | None:
    items = admin.api.call("GET", admin._path(KIND))["items"]
    return next((item for item in items if item["metadata"]["name"] == name), None)


def data(admin: Administrator, name: str = "shared") -> dict[str, str] | None:
    found = config_map(admin, name)
    return None if found is None else found.get("data") or {}


def owners(admin: Administrator, name: str = "shared") -> dict[str, bool]:
    found = (config_map(admin, name) or {"metadata": {}})["metadata"]
    return {owner["name"]: bool(owner.get("controller")) for owner in references.references(found)}


def shared(admin: Administrator, **text: str) -> None:
    admin.create(KIND, {"metadata": {"name": "shared"}, "data": text})
