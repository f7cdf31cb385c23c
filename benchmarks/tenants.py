"""Namespaces and their sources, which users create, change and delete."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks.sources import THREADS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.api import Api
    from benchmarks.storms import Spec

INTERVAL = 15
"""Seconds between two polls of each: the minimum that the CRD allows."""


class Tenant:
    """A namespace. Each source has a profile and a ConfigMap with the same name.

    Parameters
    ----------
    api
        The administrator's requests.
    namespace
        Its name. It is created.
    """

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self.namespace = namespace
        self._sources = f"/apis/appconfig-operator.io/v1alpha1/namespaces/{namespace}/appconfigsources"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        api.call("POST", "/api/v1/namespaces", body)

    def create(self, name: str, spec: Spec | None = None) -> None:
        """Create a source."""
        body = {
            "apiVersion": "appconfig-operator.io/v1alpha1",
            "kind": "AppConfigSource",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "application": "shop",
                "environment": "production",
                "configurationProfile": name,
                "pollIntervalSeconds": INTERVAL,
                "target": {},
                **(spec or {}),
            },
        }
        self._api.call("POST", self._sources, body)

    def create_all(self, specs: Mapping[str, Spec]) -> None:
        """Create sources, several at once."""
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(self.create, specs, specs.values()))

    def delete_all(self, names: Iterable[str]) -> None:
        """Delete sources, several at once."""
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda name: self._api.call("DELETE", f"{self._sources}/{name}"), names))

    def change(self, name: str, spec: Spec) -> int:
        """Change the spec of a source, and return its new generation."""
        source = self._api.call("GET", f"{self._sources}/{name}")
        source["spec"].update(spec)
        changed = self._api.call("PUT", f"{self._sources}/{name}", source)
        return int(changed["metadata"]["generation"])

    def ready(self) -> dict[str, int]:
        """Return the generation of each source that is ready, as reported by `Ready`."""
        items = self._api.call("GET", self._sources)["items"]
        return {item["metadata"]["name"]: generation for item in items if (generation := _ready(item))}


def _ready(source: Mapping[str, Any]) -> int:
    conditions = source.get("status", {}).get("conditions", ())
    return next(
        (
            int(condition["observedGeneration"])
            for condition in conditions
            if (condition["type"], condition["status"]) == ("Ready", "True")
        ),
        0,
    )
