"""Renders manifests/, and overlays like those that users write, with kustomize."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "manifests"
KUBECTL = Path(sys.executable).with_name("kubectl")
_TIMEOUT = 60.0


class KustomizeError(RuntimeError):
    """kustomize failed, or printed a warning. The message is its output."""


@dataclass(frozen=True)
class Overlay:
    """An overlay as users write it. Folders are absolute, or relative to manifests/."""

    resources: Sequence[str] = ("base",)
    components: Sequence[str] = ()
    fields: Mapping[str, object] = field(default_factory=dict)
    """Other fields of the kustomization."""

    def write(self, folder: Path) -> None:
        """Write the kustomization.

        Parameters
        ----------
        folder
            The folder to write it to.
        """
        # kustomize takes no absolute paths.
        relative = {
            kind: [os.path.relpath(MANIFESTS / path, folder.resolve()) for path in paths]
            for kind, paths in (("resources", self.resources), ("components", self.components))
        }
        head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
        text = yaml.safe_dump({**head, **relative, **self.fields})
        (folder / "kustomization.yaml").write_text(text, encoding="utf-8")


_ONE, _OTHER = {"namespace": "team-a"}, {"namespace": "team-b"}
SERVED_BY_TEAM_A = {
    "target": {"kind": "RoleBinding"},
    "patch": "- {op: replace, path: /subjects/0/namespace, value: team-a}",
}
"""The patch to `watch-namespace` that sets the namespace of the operator."""

COMBINATIONS = {
    "identities": Overlay(components=["components/identities"]),
    "secrets": Overlay(components=["components/identities/secrets"]),
    "service-accounts": Overlay(components=["components/identities/service-accounts"]),
    "ha-identities": Overlay(["overlays/high-availability"], ["components/identities"]),
    "in-team-a": Overlay(["overlays/namespaced"], fields=_ONE),
    "ha-in-team-a": Overlay(["overlays/namespaced"], ["components/high-availability"], _ONE),
    "identities-in-team-a": Overlay(components=["components/identities", "components/namespaced"], fields=_ONE),
    "all-in-team-a": Overlay(
        components=["components/high-availability", "components/identities", "components/namespaced"], fields=_ONE
    ),
    "also-in-team-b": Overlay(["overlays/watch-namespace"], fields={**_OTHER, "patches": [SERVED_BY_TEAM_A]}),
    "identities-also-in-team-b": Overlay(
        components=["components/identities", "components/watch-namespace"],
        fields={**_OTHER, "patches": [SERVED_BY_TEAM_A]},
    ),
}
"""Combinations that users may write, by name."""


def render(folder: Path) -> str:
    """Render a folder with the kustomize in kubectl.

    Parameters
    ----------
    folder
        A folder with a kustomization.

    Returns
    -------
    str
        The objects, as YAML.

    Raises
    ------
    KustomizeError
        If it fails, or warns about a deprecation.
    """
    command = [str(KUBECTL), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    if done.returncode or done.stderr:
        message = f"kubectl kustomize {folder}: {done.stderr.strip()}"
        raise KustomizeError(message)
    return done.stdout


def render_overlay(overlay: Overlay) -> str:
    """Render an overlay. Parameters and errors are like those of `render`."""
    with tempfile.TemporaryDirectory(prefix="appconfig-operator-overlay-") as folder:
        overlay.write(Path(folder))
        return render(Path(folder))
