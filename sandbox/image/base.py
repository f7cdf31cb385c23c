"""Makes a base image like Python's official slim one, out of Debian packages and a Python of this machine."""

from __future__ import annotations

import shutil
import tarfile
from typing import TYPE_CHECKING

from sandbox.image.alone import ImageError, run_alone
from sandbox.image.interpreter import Interpreter, install
from sandbox.toolchain.persistence import persist

if TYPE_CHECKING:
    from pathlib import Path

# What the official slim image has beside the essential packages: certificates, time zones, names of services; and the
# libraries of Python's extension modules. Where a newer Debian calls one otherwise, it still answers to this name.
PACKAGES = (
    "ca-certificates",
    "libbz2-1.0",
    "libdb5.3",
    "libffi8",
    "libgdbm6",
    "liblzma5",
    "libncursesw6",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libuuid1",
    "netbase",
    "tzdata",
    "zlib1g",
)

# The file that turns it into an image.
DOCKERFILE = """\
FROM scratch
ADD base.tar /
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin
"""


def make_base(codename: str, interpreter: Interpreter, folder: Path) -> Path:
    """Make the root file system of the base.

    Parameters
    ----------
    codename
        Which Debian, such as ``trixie``.
    interpreter
        Which Python.
    folder
        Where to work.

    Returns
    -------
    pathlib.Path
        A tar of it.
    """
    root = folder / "base"

    def download() -> None:
        shutil.rmtree(root, ignore_errors=True)
        command = ["mmdebstrap", "--quiet", "--variant=minbase", "--format=directory"]
        run_alone([*command, f"--include={','.join(PACKAGES)}", codename, root], folder=folder)

    persist(download, ImageError, "download of the base image's packages")
    install(interpreter, root)
    path = folder / "base.tar"
    with tarfile.open(path, "w") as archive:
        # Without devices: a container gets its own, and not everybody may make them.
        archive.add(root, arcname=".", filter=lambda member: None if member.isdev() else member)
    return path
