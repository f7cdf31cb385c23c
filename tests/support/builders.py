"""Makes sources and ConfigMaps for unit tests."""

from __future__ import annotations

from typing import Any

from appconfig_operator.api.status import Status
from appconfig_operator.api.v1alpha1 import Source, Spec, Target
from appconfig_operator.core.formats.content import Content

UID = "0f7b9d3e-0000-4000-8000-000000000001"


def target(**changes: Any) -> Target:
    return Target(**{"name": "checkout-config", "key": "checkout.json", "labels": {}, "annotations": {}} | changes)


def spec(**changes: Any) -> Spec:
    fields: dict[str, Any] = {
        "application": "shop",
        "environment": "production",
        "configuration_profile": "checkout",
        "region": None,
        "poll_interval_seconds": 60,
        "suspend": False,
        "target": target(),
    }
    return Spec(**fields | changes)


def source(**changes: Any) -> Source:
    fields: dict[str, Any] = {
        "namespace": "shop",
        "name": changes.get("uid", "checkout"),  # another uid is another source, and no two have one name
        "uid": UID,
        "generation": 1,
        "resource_version": "10",
        "deleting": False,
        "spec": spec(),
        "status": Status(),
    }
    return Source(**fields | changes)


def content(
    body: bytes = b'{"a":1}', label: str = "v1", content_type: str = "application/json", modified_time: str = ""
) -> Content:
    return Content(body=body, content_type=content_type, version_label=label, modified_time=modified_time)
