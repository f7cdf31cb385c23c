"""The version, and the places that name it."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import yaml

from tools.release.changelog import ChangelogError, section

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHART = "charts/appconfig-operator"
IMAGE = "appconfig-operator"

_UNPUBLISHED = "nothing is published yet"
_PROSE = ("README.md", "docs/*.md", f"{CHART}/*.gotmpl", f"{CHART}/values.yaml", f"{CHART}/templates/NOTES.txt")

_DEPLOYMENT = "manifests/base/deployment.yaml"


def project_version(root: Path) -> str:
    """Read the authoritative version.

    Parameters
    ----------
    root
        The repository.

    Returns
    -------
    str
        That of ``pyproject.toml``.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def problems(root: Path, tag: str) -> list[str]:
    """Find what prevents a tag from being released.

    Parameters
    ----------
    root
        The repository at that tag.
    tag
        Such as ``v0.1.0``.

    Returns
    -------
    list of str
        One text for each place with a different version. Empty: it can be released.
    """
    found = re.fullmatch(r"v(\d+\.\d+\.\d+)", tag)
    if found is None:
        return [f"the tag {tag} is not of the form v1.2.3"]
    wanted = found[1]
    wrong = [f"{place} is {version}, not {wanted}" for place, version in _places(root) if version != wanted]
    try:
        section((root / "CHANGELOG.md").read_text(encoding="utf-8"), wanted)
    except ChangelogError as error:
        wrong.append(str(error))
    return wrong + [f"{place} says that {_UNPUBLISHED}" for place in _stale(root)]


def _stale(root: Path) -> list[str]:
    """Return the files with statements that the first release makes untrue."""
    files = sorted(path for pattern in _PROSE for path in root.glob(pattern))
    texts = {path: " ".join(path.read_text(encoding="utf-8").lower().split()) for path in files}
    return [str(path.relative_to(root)) for path, text in texts.items() if _UNPUBLISHED in text]


def _places(root: Path) -> Iterator[tuple[str, str]]:
    yield "pyproject.toml: version", project_version(root)
    chart = yaml.safe_load((root / CHART / "Chart.yaml").read_text(encoding="utf-8"))
    for field in ("version", "appVersion"):
        yield f"{CHART}/Chart.yaml: {field}", str(chart[field])
    dockerfile = (root / "Dockerfile").read_text(encoding="utf-8")
    for version in re.findall(r"^ARG VERSION=(.*)$", dockerfile, re.MULTILINE):
        yield "Dockerfile: ARG VERSION", version
    deployment = yaml.safe_load((root / _DEPLOYMENT).read_text(encoding="utf-8"))
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        yield f"{_DEPLOYMENT}: the tag of the image", container["image"].removeprefix(f"{IMAGE}:")
