"""The manifests as they are published: rendered, with the image of the registry."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tools.release.versions import IMAGE

_KUBECTL = Path(sys.executable).with_name("kubectl")


def sources(root: Path) -> dict[str, Path]:
    """Say which file is rendered from which folder.

    Parameters
    ----------
    root
        The repository.

    Returns
    -------
    dict of str to pathlib.Path
        The base, and each overlay that installs an operator.
    """
    overlays = sorted(path.parent for path in (root / "manifests" / "overlays").glob("*/kustomization.yaml"))
    installing = {f"install-{path.name}.yaml": path for path in overlays if _runs_the_image(kustomize(path))}
    return {"crds.yaml": root / "crds", "install.yaml": root / "manifests" / "base", **installing}


def render(folder: Path, image: str, version: str) -> str:
    """Render a folder of kustomize with another image.

    Parameters
    ----------
    folder
        The folder, which stays as it is.
    image
        The image, without its tag.
    version
        Its tag.

    Returns
    -------
    str
        The manifests, as ``kubectl apply -f`` takes them.
    """
    with tempfile.TemporaryDirectory() as made:
        here = Path(made).resolve()
        overlay = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            # kustomize takes no absolute path.
            "resources": [os.path.relpath(folder.resolve(), here)],
            "images": [{"name": IMAGE, "newName": image, "newTag": version}],
        }
        (here / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
        return kustomize(here)


def kustomize(folder: Path) -> str:
    """Render a folder of kustomize.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    str
        What it renders.
    """
    done = subprocess.run([_KUBECTL, "kustomize", folder], check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout


def _runs_the_image(text: str) -> bool:
    return any(document["kind"] == "Deployment" for document in yaml.safe_load_all(text))
