"""Records for scanners which Debian packages the files of the image come from, and keeps their licences.

As in distroless images, there is a stanza for each package in ``/var/lib/dpkg/status.d``, next to the digests of its
files. Trivy, Grype and Syft read them there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_INFO = Path("/var/lib/dpkg/info")
_OWNER = re.compile(r"^([a-z0-9][a-z0-9.+-]*)(?::[a-z0-9-]+)?: (/.*)$", re.MULTILINE)
# Files that a package creates during installation, so that they belong to no package in dpkg's lists.
_MADE = {
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
    "/etc/nsswitch.conf": "base-files",
}


def owners(listing: str) -> dict[str, str]:
    """Read the output of ``dpkg -S``.

    Parameters
    ----------
    listing
        Its output.

    Returns
    -------
    dict of str to str
        The package of each path.
    """
    return {path: package for package, path in _OWNER.findall(listing)}


def only(digests: str, files: Collection[str]) -> str:
    """Keep the lines of a list of digests that are about the given files.

    Parameters
    ----------
    digests
        The content of a package's ``md5sums``.
    files
        Paths, without a leading slash.

    Returns
    -------
    str
        The lines.
    """
    return "".join(line for line in digests.splitlines(keepends=True) if line.split(maxsplit=1)[1].strip() in files)


def describe(files: list[Path], root: Path) -> None:
    """Record which packages files come from.

    Parameters
    ----------
    files
        Their paths in the build stage.
    root
        The root of the image.

    Raises
    ------
    ValueError
        If a file belongs to no package.
    """
    of_package: dict[str, set[str]] = {}
    for file in sorted(set(files)):
        of_package.setdefault(_package_of(file), set()).update(_spellings(file))
    target = root / "var/lib/dpkg/status.d"
    target.mkdir(parents=True)
    for package, paths in of_package.items():
        stanza = subprocess.run(["dpkg", "--status", package], capture_output=True, text=True, check=True).stdout
        (target / package).write_text(stanza, encoding="utf-8")
        digests = _digests(package)
        (target / f"{package}.md5sums").write_text(only(digests, {path[1:] for path in paths}), encoding="utf-8")
        copyright_file = Path("/usr/share/doc", package, "copyright")
        kept = root / copyright_file.relative_to("/")
        kept.parent.mkdir(parents=True)
        shutil.copyfile(copyright_file, kept)


def _spellings(file: Path) -> list[str]:
    """Return the paths by which dpkg may know a file: older packages use /lib for /usr/lib."""
    name = str(file)
    return [name, name.removeprefix("/usr")] if name.startswith("/usr/lib") else [name]


def _package_of(file: Path) -> str:
    if str(file) in _MADE:
        return _MADE[str(file)]
    # dpkg fails if it does not know one of the paths.
    run = subprocess.run(["dpkg", "--search", *_spellings(file)], capture_output=True, text=True, check=False)
    found = owners(run.stdout)
    if not found:
        message = f"No known package contains {file}"
        raise ValueError(message)
    return next(iter(found.values()))


def _digests(package: str) -> str:
    # Names of libraries include the architecture.
    for path in (*_INFO.glob(f"{package}.md5sums"), *_INFO.glob(f"{package}:*.md5sums")):
        return path.read_text(encoding="utf-8")
    return ""
