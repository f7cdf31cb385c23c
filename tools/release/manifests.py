"""The manifests as they are published: rendered, with the image of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from tools.manifests import Overlay, render_overlay
from tools.manifests import render as render_folder
from tools.release.versions import IMAGE

if TYPE_CHECKING:
    from pathlib import Path


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
    installing = {f"install-{path.name}.yaml": path for path in overlays if _runs_the_image(render_folder(path))}
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
    images = [{"name": IMAGE, "newName": image, "newTag": version}]
    return render_overlay(Overlay([str(folder.resolve())], fields={"images": images}))


def _runs_the_image(text: str) -> bool:
    return any(document["kind"] == "Deployment" for document in yaml.safe_load_all(text))
