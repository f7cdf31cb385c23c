"""An operator that has all its rights in one namespace, and nowhere else, so that single ones can be taken from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from sandbox import free_ports, wait_until
from sandbox.kube.operator_process import MANIFESTS, operator
from tests.e2e.support.scene import TIMEOUT
from tests.e2e.support.stage import LEASE_SECONDS, ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox import ControlPlane, Process
    from tests.e2e.support.scene import Scene

ACCOUNT = "limited"
_ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/{}"
_METRIC = re.compile(r'^appconfig_operator_refused\{resource="(\S+)",verb="(\S+)"\} (\S+)$', re.MULTILINE)

Right = tuple[str, str]
"""Verb and resource."""


def rules() -> list[dict[str, Any]]:
    """Give all rules of the operator."""
    documents = yaml.safe_load_all((MANIFESTS / "base" / "rbac.yaml").read_text(encoding="utf-8"))
    return [rule for document in documents for rule in document.get("rules", ())]


def without(*rights: Right) -> list[dict[str, Any]]:
    """Return the rules without some rights. Each has one resource."""
    left = (
        {**rule, "verbs": [verb for verb in rule["verbs"] if (verb, rule["resources"][0]) not in rights]}
        for rule in rules()
    )
    return [rule for rule in left if rule["verbs"]]


@dataclass
class Limited:
    """The operator, as a ServiceAccount with a Role in the namespace of a scene."""

    control_plane: ControlPlane
    scene: Scene
    folder: Path
    aws: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    runs: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.health_port, self.metrics_port = free_ports(2)
        self.add_account()
        self.grant()

    def add_account(self) -> None:
        body = {"metadata": {"name": ACCOUNT}}
        self.scene.api.request("POST", f"/api/v1/namespaces/{self.scene.namespace}/serviceaccounts", body)

    def grant(self, *, namespace: str = "") -> None:
        """Give it all its rights, in its own namespace or another one."""
        where = namespace or self.scene.namespace
        role = {"metadata": {"name": ACCOUNT}, "rules": rules()}
        self.scene.api.request("POST", _ROLES.format(where, "roles"), role)
        binding = {
            "metadata": {"name": ACCOUNT},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.scene.namespace}],
        }
        self.scene.api.request("POST", _ROLES.format(where, "rolebindings"), binding)

    def take_away(self, *rights: Right) -> None:
        """Leave it all but some rights: none taken gives all back."""
        path = f"{_ROLES.format(self.scene.namespace, 'roles')}/{ACCOUNT}"
        self.scene.api.request("PUT", path, {"metadata": {"name": ACCOUNT}, "rules": without(*rights)})

    def start(self) -> Process:
        """Start a process."""
        folder = self.folder / str(len(self.runs))
        folder.mkdir(parents=True)
        process = operator(
            self.control_plane,
            folder,
            aws=self.aws,
            arguments=[
                f"--namespace={self.scene.namespace}",
                f"--lease-duration={LEASE_SECONDS}",
                f"--health-port={self.health_port}",
                f"--metrics-port={self.metrics_port}",
                "--log-format=text",
                *self.arguments,
            ],
            lease_namespace=self.scene.namespace,
            kubeconfig=self.control_plane.service_account_kubeconfig(self.scene.namespace, ACCOUNT),
        )
        self.runs.append(process)
        process.start()
        return process

    def restart_without(self, *rights: Right) -> Process:
        """Stop it, take rights away, and start it again."""
        self.runs[-1].stop()
        self.take_away(*rights)
        return self.start()

    @property
    def log(self) -> str:
        return self.runs[-1].log

    def readyz(self) -> tuple[int, str]:
        return ask(self.health_port, "/readyz")

    def wait_until_ready(self, *, timeout: float = TIMEOUT) -> None:
        wait_until(lambda: self.readyz() == (200, "ok\n"), timeout, "readiness")

    def wait_until_unready(self, words: str, *, timeout: float = 60.0) -> None:
        def unready() -> bool:
            status, text = self.readyz()
            return status == 503 and words in text

        wait_until(unready, timeout, f"no readiness with {words}")

    def refused(self) -> dict[Right, float]:
        """Give what the metric says."""
        _, text = ask(self.metrics_port, "/metrics")
        return {(verb, resource): float(value) for resource, verb, value in _METRIC.findall(text)}

    def wait_for_refused(self, right: Right, number: float, *, timeout: float = TIMEOUT) -> None:
        wait_until(lambda: self.refused().get(right) == number, timeout, f"{number} for {right} in the metric")

    def reported(self, words: str) -> int:
        """Count the lines of the log with such words."""
        return sum(words in line for line in self.log.splitlines())
