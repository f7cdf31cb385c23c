"""Makes a base image like Python's official slim one, from Debian packages and a Python on this machine."""

from __future__ import annotations

import shutil
import tarfile
from typing import TYPE_CHECKING

from sandbox.image.alone import ImageError, run_alone
from sandbox.image.interpreter import Interpreter, install
from sandbox.toolchain.persistence import persist

if TYPE_CHECKING:
    from pathlib import Path

# The packages that the official slim image adds to the essential ones: certificates, time zones, service names; and the
# libraries of Python's extension modules. If a newer Debian renames one, the old name still works.
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
        The Debian release, such as ``trixie``.
    interpreter
        The Python to use.
    folder
        A working folder.

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
        # Without devices: a container gets its own, and creating them may not be allowed.
        archive.add(root, arcname=".", filter=lambda member: None if member.isdev() else member)
    return path
