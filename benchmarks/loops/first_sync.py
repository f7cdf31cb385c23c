"""``python -m benchmarks.loops.first_sync FILE``: two AWS calls, one ConfigMap and one status for each source.

`FILE` is JSON with the uid of each source by its name. The clients are the official ones, shared by all threads, and
answers are read but not turned into objects: code that is written for speed.
"""

from __future__ import annotations

import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubernetes import client, config

from benchmarks.loops.client import THREADS, appconfig, start
from benchmarks.sources import NAMESPACE

if TYPE_CHECKING:
    from mypy_boto3_appconfigdata import AppConfigDataClient

_GROUP, _VERSION, _PLURAL = "appconfig-operator.io", "v1alpha1", "appconfigsources"
_MANAGER = "raw-loop"


class Loop:
    """The clients, and the work for a source."""

    def __init__(self) -> None:
        configuration = client.Configuration()
        configuration.connection_pool_maxsize = THREADS
        config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        api = client.ApiClient(configuration)
        self._core = client.CoreV1Api(api)
        self._custom = client.CustomObjectsApi(api)
        self._aws: AppConfigDataClient = appconfig()

    def sync(self, source: tuple[str, str]) -> None:
        """Fetch a configuration, write it, and report it in the status."""
        name, uid = source
        answer = self._aws.get_latest_configuration(ConfigurationToken=start(self._aws, name))
        body = answer["Configuration"].read()
        written = self._core.patch_namespaced_config_map(
            name,
            NAMESPACE,
            _config_map(name, uid, body),
            field_manager=_MANAGER,
            force=True,
            _content_type="application/apply-patch+yaml",
            _preload_content=False,
        )
        version = json.loads(_read(written))["metadata"]["resourceVersion"]
        patched = self._custom.patch_namespaced_custom_object_status(
            _GROUP,
            _VERSION,
            NAMESPACE,
            _PLURAL,
            name,
            {"status": _status(name, body, version)},
            field_manager=_MANAGER,
            _content_type="application/merge-patch+json",
            _preload_content=False,
        )
        _read(patched)


def _read(response: Any) -> bytes:  # noqa: ANN401 - the client has no types
    """Read the whole answer: otherwise, its connection is not reused, and the next call opens a new one."""
    data: bytes = response.data
    response.release_conn()
    if response.status >= 300:  # noqa: PLR2004 (HTTP: no success)
        raise RuntimeError(data)
    return data


def _config_map(name: str, uid: str, body: bytes) -> dict[str, Any]:
    owner = {"apiVersion": f"{_GROUP}/{_VERSION}", "kind": "AppConfigSource", "name": name, "uid": uid}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, "ownerReferences": [owner]},
        "data": {"config.json": body.decode()},
    }


def _status(name: str, body: bytes, version: str) -> dict[str, Any]:
    """Return a status of the size that the operator writes."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    conditions = [
        {"type": kind, "status": status, "reason": "Synced", "message": f"ConfigMap {name} holds version v1."}
        for kind, status in (("Ready", "True"), ("Reconciling", "False"), ("Stalled", "False"))
    ]
    return {
        "observedGeneration": 1,
        "conditions": [{**item, "observedGeneration": 1, "lastTransitionTime": now} for item in conditions],
        "source": {
            "versionLabel": "v1",
            "contentType": "application/json",
            "digest": digest,
            "sizeBytes": len(body),
            "receivedTime": now,
        },
        "target": {
            "name": name,
            "versionLabel": "v1",
            "digest": digest,
            "keys": 1,
            "syncedTime": now,
            "resourceVersion": version,
        },
    }


def main(file: Path) -> None:
    """Sync all sources."""
    sources = json.loads(file.read_text(encoding="utf-8"))
    loop = Loop()
    with ThreadPoolExecutor(THREADS) as threads:
        # A list, so that a failure ends the program.
        list(threads.map(loop.sync, sources.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
