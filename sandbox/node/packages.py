"""What a node needs of this machine: Linux, root, and packages of Debian."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.provision import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

BUSYBOX = Path("/bin/busybox")

# A program of each package, by which it is known to be there.
PACKAGES = {
    "buildah": "/usr/bin/buildah",
    "busybox-static": str(BUSYBOX),
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "mmdebstrap": "/usr/bin/mmdebstrap",
    "openssl": "/usr/bin/openssl",
    "runc": "/usr/sbin/runc",
}
_TOOLS = ("apt-get", "dpkg-deb", "ip", "nsenter", "unshare", "cc")
_CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")
_WAIT_FOR_APT = ("-o", "DPkg::Lock::Timeout=300")


class PackagesError(RuntimeError):
    """A node cannot run on this machine, or a package could not be had. The text says what is needed."""


def check_machine() -> None:
    """Make sure that a node can run here at all.

    Raises
    ------
    PackagesError
        If not: the text says what is needed.
    """
    lacking = []
    if sys.platform != "linux":
        lacking.append("Linux")
    elif os.geteuid() != 0:
        lacking.append("root")
    lacking += [name for name in _TOOLS if shutil.which(name) is None]
    if lacking:
        message = (
            f"a node needs {', '.join(lacking)}. It runs as root on Debian or Ubuntu, with a C compiler, iproute2 and "
            "util-linux; the other packages it installs itself. `make test` and `make demo` run without it."
        )
        raise PackagesError(message)


def ensure_packages(environment: Mapping[str, str] | None = None) -> Path:
    """Install the packages that are missing, and unpack containerd beside the built programs.

    containerd is not installed: its package would start it, for all of this machine.

    Parameters
    ----------
    environment
        The environment variables. Default: ours.

    Returns
    -------
    pathlib.Path
        The folder of containerd's programs.

    Raises
    ------
    PackagesError
        If this machine cannot run a node, or a package could not be had.
    """
    check_machine()
    missing = [name for name, program in PACKAGES.items() if not Path(program).exists()]
    if missing:
        sys.stderr.write(f"sandbox: installing {', '.join(missing)} with apt-get\n")
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", *missing)
    return _containerd(cache_folder(os.environ if environment is None else environment))


def _apt(*arguments: str, folder: Path | None = None) -> None:
    command = ["apt-get", "-q", *_WAIT_FOR_APT, *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = f"{' '.join(command)} failed:\n{done.stderr.strip()}"
        raise PackagesError(message)


def _containerd(cache: Path) -> Path:
    final = cache / "containerd"
    programs = final / "usr/bin"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "containerd.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((programs / name).exists() for name in _CONTAINERD):
            sys.stderr.write("sandbox: downloading containerd with apt-get, to be unpacked, not installed\n")
            _apt("update")
            with tempfile.TemporaryDirectory(prefix="containerd-", dir=cache) as folder:
                _unpack(Path(folder)).rename(final)
    return programs


def _unpack(folder: Path) -> Path:
    # apt-get downloads as the user _apt where it can, and warns where it cannot.
    _apt("-o", "APT::Sandbox::User=root", "download", "containerd", folder=folder)
    (package,) = folder.glob("containerd_*.deb")
    unpacked = folder / "unpacked"
    subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
    return unpacked
