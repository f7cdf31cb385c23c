"""Releases of the Helm chart on a cluster of their own, and operators that run as their Deployments say."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.kube.operator_process import operator
from tools.chart import CHART, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox import ControlPlane, Process
    from sandbox.kube.helm import Helm
    from sandbox.kube.kubectl import Kubectl

NAME = "appconfig-operator"
CRD = "crd/appconfigsources.appconfig-operator.io"


@dataclass(frozen=True)
class Release:
    """A release of the chart, in a namespace of its own."""

    control_plane: ControlPlane
    helm: Helm
    kubectl: Kubectl
    namespace: str

    def install(self, values: Mapping[str, object], *flags: str, name: str = NAME, chart: Path = CHART) -> str:
        command = (f"--namespace={self.namespace}", "--create-namespace", "--values=-", *flags)
        return self.helm("install", name, chart, *command, stdin=yaml.safe_dump(dict(values)))

    def upgrade(self, values: Mapping[str, object], *flags: str, chart: Path = CHART) -> str:
        command = (f"--namespace={self.namespace}", "--values=-", *flags)
        return self.helm("upgrade", NAME, chart, *command, stdin=yaml.safe_dump(dict(values)))

    def uninstall(self) -> None:
        self.helm("uninstall", NAME, f"--namespace={self.namespace}")

    def deployment(self) -> dict[str, Any]:
        found = self.kubectl("get", f"deployment/{NAME}", f"--namespace={self.namespace}", "-o=json")
        return dict(json.loads(found))

    def operator(self, folder: Path, aws: Mapping[str, str]) -> Process:
        """Prepare what the Deployment would run, as its ServiceAccount: there is no node here."""
        spec = self.deployment()["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        _, *arguments = container["args"]
        environment = {item["name"]: item["value"] for item in container.get("env", ())}
        return operator(
            self.control_plane,
            folder,
            aws={**aws, **environment},
            arguments=arguments,
            lease_namespace=self.namespace,
            kubeconfig=self.control_plane.service_account_kubeconfig(self.namespace, spec["serviceAccountName"]),
        )

    def may(self, verb: str, resource: str, namespace: str | None = None) -> bool:
        """Ask the API server whether the operator may do something: in a namespace, or in all."""
        where = ["--all-namespaces"] if namespace is None else [f"--namespace={namespace}"]
        who = f"--as=system:serviceaccount:{self.namespace}:{NAME}"
        # It ends with status 1 when the answer is no.
        command = self.kubectl.command(["auth", "can-i", verb, resource, who, *where])
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert done.stdout.strip() in {"yes", "no"}, done.stderr
        return done.stdout.strip() == "yes"


def previous_chart(folder: Path, root: Path = ROOT) -> Path:
    """Return the chart of the last release before this commit, or else this chart as if it were an older version.

    Parameters
    ----------
    folder
        An empty one, where it goes.
    root
        The repository.

    Returns
    -------
    Path
        The chart.
    """
    path = CHART.relative_to(ROOT)
    tags = _git(root, "tag", "--list", "v*", "--sort=-version:refname", "--no-contains=HEAD").decode().split()
    if tags:
        with tarfile.open(fileobj=BytesIO(_git(root, "archive", tags[0], str(path)))) as archive:
            archive.extractall(folder, filter="data")
        return folder / path
    older = shutil.copytree(root / path, folder / path)
    metadata = yaml.safe_load((older / "Chart.yaml").read_text(encoding="utf-8"))
    metadata |= {"version": "0.0.1", "appVersion": "0.0.1"}
    (older / "Chart.yaml").write_text(yaml.safe_dump(metadata), encoding="utf-8")
    return older


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True, timeout=30).stdout
