"""All files of a release: wheel, sdist, chart, manifests, and their checksums."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.release import chart, manifests
from tools.release.versions import CHART, IMAGE, project_version

CHECKSUMS = "SHA256SUMS"

_UV = Path(sys.executable).with_name("uv")


def make(root: Path, registry: str, out: Path) -> None:
    """Make all files of a release.

    Parameters
    ----------
    root
        The repository.
    registry
        The registry of the image, such as ``ghcr.io/someone``.
    out
        The output folder: new, or empty.

    Raises
    ------
    ValueError
        If the folder is not empty, because its content would also be published.
    """
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise ValueError(f"{out} is not empty")
    image = f"{registry}/{IMAGE}"
    version = project_version(root)
    with tempfile.TemporaryDirectory() as work:
        _distributions(root, out, Path(work) / "build.txt")
        chart.package(root / CHART, image, out, Path(work))
    for name, folder in manifests.sources(root).items():
        (out / name).write_text(manifests.render(folder, image, version), encoding="utf-8")
    (out / CHECKSUMS).write_text(checksums(out), encoding="utf-8")


def _distributions(root: Path, out: Path, locked: Path) -> None:
    """Make wheel and sdist, using only packages with a digest in uv.lock."""
    wanted = ["--only-group=build", f"--output-file={locked}"]
    subprocess.run([_UV, "export", "--quiet", "--frozen", *wanted], cwd=root, check=True)
    by_digest = ["--require-hashes", f"--build-constraints={locked}"]
    subprocess.run([_UV, "build", "--quiet", "--no-create-gitignore", *by_digest, "--out-dir", out, root], check=True)


def checksums(folder: Path) -> str:
    """Return the checksums of all files in a folder.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    str
        A line for each, for ``sha256sum --check``.
    """
    files = sorted(path for path in folder.iterdir() if path.name != CHECKSUMS)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
