"""Making and removing sources, many at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sandbox.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.api import Api

NAMESPACE = "bench"
THREADS = 8

_SOURCES = f"/apis/appconfig-operator.io/v1alpha1/namespaces/{NAMESPACE}/appconfigsources"
_CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
_GONE_TIMEOUT = 120.0


def names(count: int) -> list[str]:
    """Return the names of sources: each is also the name of its profile and of its ConfigMap."""
    return [f"source-{number:05d}" for number in range(count)]


def create(api: Api, count: int, target: Mapping[str, str] | None = None) -> dict[str, str]:
    """Create sources.

    Parameters
    ----------
    api
        The API server to create them in.
    count
        The number of sources.
    target
        The `spec.target` of each.

    Returns
    -------
    dict of str to str
        The uid of each, by its name.
    """

    def make(name: str) -> tuple[str, str]:
        made = api.call("POST", _SOURCES, _source(name, target or {}))
        return name, str(made["metadata"]["uid"])

    with ThreadPoolExecutor(THREADS) as threads:
        return dict(threads.map(make, names(count)))


def remove_all(api: Api) -> None:
    """Delete all sources and all ConfigMaps, and wait until they are gone."""
    for collection in (_SOURCES, _CONFIG_MAPS):
        api.call("DELETE", collection)
    wait_until(lambda: not api.call("GET", f"{_SOURCES}?limit=1")["items"], _GONE_TIMEOUT, "no sources")


def _source(name: str, target: Mapping[str, str]) -> dict[str, object]:
    return {
        "apiVersion": "appconfig-operator.io/v1alpha1",
        "kind": "AppConfigSource",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "application": "shop",
            "environment": "production",
            "configurationProfile": name,
            "target": dict(target),
        },
    }
