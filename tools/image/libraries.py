"""The shared libraries that programs and extension modules in the image need, for the architecture of the build."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

_ELF = b"\x7fELF"
_FOUND = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_MISSING = re.compile(r"^\s*(\S+) => not found$", re.MULTILINE)
# glibc opens it by name when a thread exits, so it is not listed as a dependency of any program.
_BY_NAME = "libgcc_s.so.1"


def needed(listing: str) -> list[Path]:
    """Read the output of ``ldd``.

    Parameters
    ----------
    listing
        Its output.

    Returns
    -------
    list of pathlib.Path
        The libraries, including the loader.

    Raises
    ------
    ValueError
        If one is missing.
    """
    missing = _MISSING.findall(listing)
    if missing:
        message = f"Libraries are missing: {', '.join(missing)}"
        raise ValueError(message)
    return [Path(path) for path in _FOUND.findall(listing)]


def copy_libraries(root: Path) -> list[Path]:
    """Copy the libraries that the files below a root need, and write the loader's cache.

    Parameters
    ----------
    root
        The root of the image.

    Returns
    -------
    list of pathlib.Path
        What was copied, links and their targets, by their paths in the build stage.
    """
    wanted = {path for file in sorted(root.rglob("*")) if _is_program(file) for path in _ldd(file)}
    wanted.add(_by_name(_BY_NAME))
    # Libraries that pip installed with a package are already there.
    outside = sorted(path for path in wanted if not path.is_relative_to(root))
    copied = [place for path in outside for place in copy_with_links(path, root)]
    for name in ("lib", "lib64"):
        link = Path("/", name)
        if link.is_symlink():
            (root / name).symlink_to(link.readlink())
    (root / "etc").mkdir(exist_ok=True)
    shutil.copytree("/etc/ld.so.conf.d", root / "etc/ld.so.conf.d", dirs_exist_ok=True)
    shutil.copy2("/etc/ld.so.conf", root / "etc")
    subprocess.run(["ldconfig", "-X", "-r", root], check=True)
    return copied


def copy_with_links(path: Path, root: Path) -> list[Path]:
    """Copy a file, and every link that leads to it, to their paths in the build stage.

    Parameters
    ----------
    path
        The file, or a link.
    root
        The root of the image.

    Returns
    -------
    list of pathlib.Path
        Their paths, without links to folders.
    """
    places = []
    while True:
        # /lib is a link to /usr/lib, here and in the image.
        place = path.parent.resolve() / path.name
        places.append(place)
        target = root / place.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink():
            shutil.copy2(place, target)
            return places
        if not target.is_symlink():
            target.symlink_to(place.readlink())
        path = place.parent / place.readlink()


def _is_program(file: Path) -> bool:
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as content:
        return content.read(len(_ELF)) == _ELF


def _ldd(file: Path) -> list[Path]:
    run = subprocess.run(["ldd", file], capture_output=True, text=True, check=True)
    return needed(run.stdout)


def _by_name(name: str) -> Path:
    listing = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"^\s*{re.escape(name)} \(.*\) => (/\S+)$", listing, re.MULTILINE)
    if found is None:
        message = f"{name} is not among the libraries of the build stage"
        raise ValueError(message)
    return Path(found[1])
