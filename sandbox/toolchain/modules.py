"""The Go modules, the programs built from them, and their cache keys."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "programs"
_KEY_LENGTH = 12

_VERSION_PACKAGE = "k8s.io/component-base/version"
_MAJOR_SUFFIX = re.compile(r"/v\d+$")


def required_version(go_mod: str, module: str) -> str:
    """Read from a ``go.mod`` which version of a module it requires.

    Parameters
    ----------
    go_mod
        The text of the file.
    module
        The path of the module.

    Returns
    -------
    str
        The version, such as ``v1.36.3``.

    Raises
    ------
    ValueError
        If it does not require that module.
    """
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if found is None:
        message = f"go.mod does not require {module}"
        raise ValueError(message)
    return found[1]


@dataclass(frozen=True)
class Module:
    """A Go module of ours, which only requires the modules of the programs."""

    folder: Path
    """The folder of its ``go.mod`` and ``go.sum``."""
    requires: str
    """The module that determines the version."""
    packages: dict[str, str]
    """The main package of each program."""
    stamped: bool = False
    """Whether to set the version in the programs, as Kubernetes requires."""

    @property
    def go_mod(self) -> str:
        """The text of its ``go.mod``."""
        return (self.folder / "go.mod").read_text(encoding="utf-8")

    @property
    def version(self) -> str:
        """The version of the programs, such as ``v1.36.3``."""
        return required_version(self.go_mod, self.requires)

    @property
    def flags(self) -> list[str]:
        """The flags of ``go build``."""
        link = ["-s", "-w"]
        if self.stamped:
            major, minor, _ = self.version.removeprefix("v").split(".", 2)
            values = {"gitVersion": self.version, "gitMajor": major, "gitMinor": minor}
            for name, value in values.items():
                link += ["-X", f"{_VERSION_PACKAGE}.{name}={value}"]
        return ["-trimpath", "-ldflags", " ".join(link)]

    @property
    def key(self) -> str:
        """The cache key of this build: the version, and a digest of all its inputs."""
        parts = [self.go_mod, (self.folder / "go.sum").read_text(encoding="utf-8"), *self.flags]
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_KEY_LENGTH]
        return f"{self.folder.name}-{self.version}-{digest}"

    def built_name(self, program: str) -> str:
        """Return the name under which ``go build`` leaves a program.

        Parameters
        ----------
        program
            Which.

        Returns
        -------
        str
            The last part of its package path that is not a major version.
        """
        return _MAJOR_SUFFIX.sub("", self.packages[program]).rsplit("/", 1)[-1]


def _commands(folder: str, requires: str, *programs: str, stamped: bool = False) -> Module:
    """Describe programs whose main packages are in the folder ``cmd`` of their module."""
    return Module(_FOLDER / folder, requires, {name: f"{requires}/cmd/{name}" for name in programs}, stamped=stamped)


_KUBERNETES = "k8s.io/kubernetes"
KUBERNETES = _commands("kubernetes", _KUBERNETES, "kube-apiserver", "kube-controller-manager", stamped=True)
NODE = _commands("kubernetes", _KUBERNETES, "kube-scheduler", "kubelet", stamped=True)
ETCD = Module(_FOLDER / "etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"})
HELM = _commands("helm", "helm.sh/helm/v4", "helm")
HELM_DOCS = _commands("helm-docs", "github.com/norwoodj/helm-docs", "helm-docs")
ACTIONLINT = _commands("actionlint", "github.com/rhysd/actionlint", "actionlint")
PROMETHEUS_OPERATOR = Module(_FOLDER / "prometheus-operator", "github.com/prometheus-operator/prometheus-operator", {})
"""Only its CRDs are read; nothing is built."""

GROUPS = {
    "control-plane": (ETCD, KUBERNETES),
    "node": (NODE, HELM),
    "checks": (HELM, HELM_DOCS, ACTIONLINT),
}
"""Groups of modules, by purpose."""

MODULES = (ETCD, KUBERNETES, NODE, HELM, HELM_DOCS, ACTIONLINT, PROMETHEUS_OPERATOR)
"""All of them."""
