"""Pods that read what the operator writes: the samples for consumers, in a namespace of a test's own."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import yaml

from sandbox import wait_until
from sandbox.kube.operator_process import MANIFESTS
from sandbox.node.images import BUSYBOX_IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import AppConfig
    from sandbox.kube.kubectl import Kubectl
    from tests.node.support.stages import Stages

POLL_SECONDS = 15
"""`spec.pollIntervalSeconds` of the sources: the least that the CRD takes."""

SOURCES = ("checkout-env", "checkout-file")
_FILE_READER, _VARIABLES_READER = "checkout-file-reader", "checkout-env-reader"
_FILE = "/etc/checkout/checkout.json"
_TIMEOUT = 60.0


def document(version: int) -> str:
    """Give what is deployed as a version."""
    checkout = {"database": {"host": f"db-{version}.shop.svc"}, "timeout": 10 * version}
    return json.dumps({"version": version, "services": {"checkout": checkout}})


def variables(version: int) -> dict[str, str]:
    """Give what becomes of a part of it."""
    return {"DATABASE_HOST": f"db-{version}.shop.svc", "TIMEOUT": str(10 * version)}


@dataclass
class Readers:
    """Two sources, a Pod that mounts the one's ConfigMap, and a Pod that has the other's as variables."""

    kubectl: Kubectl
    appconfig: AppConfig
    namespace: str
    folder: Path
    stages: Stages
    versions: list[int] = field(default_factory=list)

    @property
    def newest(self) -> str:
        """What was deployed last."""
        return document(self.versions[-1])

    def deploy(self, version: int) -> float:
        """Deploy a version, and return when that was complete (`time.monotonic`)."""
        content = document(version).encode()
        self.appconfig.deploy(self.namespace, "production", "checkout", content, version_label=f"v{version}")
        self.versions.append(version)
        return time.monotonic()

    def apply(self) -> None:
        """Apply sources and Pods, and wait until all of it is there."""
        overlay = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": self.namespace,
            "resources": [os.path.relpath(MANIFESTS / "samples" / "consumers", self.folder.resolve())],
            "images": [{"name": "busybox", "newName": BUSYBOX_IMAGE.rpartition(":")[0], "newTag": "1"}],
            "patches": [
                {
                    "target": {"kind": "AppConfigSource"},
                    "patch": yaml.safe_dump(
                        [
                            {"op": "replace", "path": "/spec/application", "value": self.namespace},
                            {"op": "add", "path": "/spec/pollIntervalSeconds", "value": POLL_SECONDS},
                        ]
                    ),
                }
            ],
        }
        self.folder.mkdir(exist_ok=True)
        (self.folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
        with self.stages.timed("sources and Pods applied, until both containers run"):
            self._kubectl("apply", "-k", self.folder)
            for name in (_FILE_READER, _VARIABLES_READER):
                self._kubectl("rollout", "status", f"deployment/{name}", "--timeout=150s")

    def check(self) -> None:
        """Check that both containers have the version that was deployed last, the one since its start."""
        assert self.file() == self.newest
        assert self.variables() == variables(self.versions[0])

    def follow(self, version: int) -> None:
        """Deploy a version, and see it arrive in the file of the container that runs."""
        before = self.container(_FILE_READER)
        deployed = self.deploy(version)
        expected = document(version)
        written = self._when(lambda: self.config_map("checkout-file") == {"checkout.json": expected}, f"v{version}")
        read = self._when(lambda: self.file() == expected, f"v{version} in the container")
        assert self.container(_FILE_READER) == before
        self.stages.note(
            f"v{version} deployed, until the ConfigMap has it (polled every {POLL_SECONDS} s)", written - deployed
        )
        self.stages.note(f"v{version} in the ConfigMap, until the file of the same container has it", read - written)

    def restart_variables_reader(self) -> None:
        """Start the container with variables again, as a rollout does, and check that it has what is newest."""
        expected = variables(self.versions[-1])
        wait_until(
            lambda: self.config_map("checkout-env") == expected, _TIMEOUT, "the newest variables in the ConfigMap"
        )
        self._kubectl("rollout", "restart", f"deployment/{_VARIABLES_READER}")
        self._kubectl("rollout", "status", f"deployment/{_VARIABLES_READER}", "--timeout=150s")
        assert self.variables() == expected

    def file(self) -> str:
        """Read the file, in the container."""
        return self._exec(_FILE_READER, "cat", _FILE)

    def variables(self) -> dict[str, str]:
        """Read the variables, in the container."""
        pairs = (line.partition("=") for line in self._exec(_VARIABLES_READER, "env").splitlines())
        return {name: value for name, _, value in pairs if name in variables(0)}

    def container(self, reader: str) -> tuple[str, int]:
        """Return the ID of a reader's container, and how often it started again."""
        (status,) = self._pod(reader)["status"]["containerStatuses"]
        return status["containerID"], status["restartCount"]

    def config_map(self, name: str) -> dict[str, str]:
        """Return the data of a ConfigMap."""
        data: dict[str, str] = self.object("configmap", name)["data"]
        return data

    def object(self, kind: str, name: str) -> dict[str, Any]:
        """Give an object of the namespace."""
        found: dict[str, Any] = json.loads(self._kubectl("get", kind, name, "-o", "json"))
        return found

    def config_map_versions(self) -> dict[str, str]:
        """Return the `resourceVersion` of each ConfigMap: the same as before says that nobody wrote it."""
        return {name: self.object("configmap", name)["metadata"]["resourceVersion"] for name in SOURCES}

    def _pod(self, reader: str) -> dict[str, Any]:
        """Give a reader's only Pod, but those that are about to go."""
        pods = json.loads(self._kubectl("get", "pods", "-l", f"app.kubernetes.io/name={reader}", "-o", "json"))
        (pod,) = [pod for pod in pods["items"] if "deletionTimestamp" not in pod["metadata"]]
        return cast("dict[str, Any]", pod)

    def _exec(self, reader: str, *command: str) -> str:
        return self._kubectl("exec", self._pod(reader)["metadata"]["name"], "--", *command)

    def _kubectl(self, verb: str, *arguments: str | Path) -> str:
        return self.kubectl(verb, "-n", self.namespace, *arguments)

    @staticmethod
    def _when(condition: Callable[[], bool], what: str) -> float:
        wait_until(condition, _TIMEOUT, what)
        return time.monotonic()
