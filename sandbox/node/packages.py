"""What a node needs on this machine: Linux, root, and Debian packages, only some of them installed."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.toolchain.persistence import persist
from sandbox.toolchain.provision import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

# Packages to install, each with a file that shows that it is installed.
PACKAGES = {
    "buildah": "usr/bin/buildah",
    # mmdebstrap verifies Debian's packages with these keys. Ubuntu does not install them.
    "debian-archive-keyring": "usr/share/keyrings/debian-archive-keyring.*",
    "iproute2": "*bin/ip",
    # runc is linked with it.
    "libseccomp2": "usr/lib/*/libseccomp.so.2",
    "mmdebstrap": "usr/bin/mmdebstrap",
    "openssl": "usr/bin/openssl",
}
# Packages that are only unpacked. Installing containerd would start it for the whole machine; installing containerd or
# runc would remove Docker's own packages of them; and busybox-static and the ordinary busybox replace each other.
UNPACKED = {
    "busybox-static": "**/bin/busybox",
    "containerd": "usr/bin/containerd",
    "containernetworking-plugins": "usr/lib/cni/bridge",
    "runc": "usr/*bin/runc",
}
_ROOT = Path("/")
_TOOLS = ("apt-get", "dpkg-deb", "nsenter", "unshare", "cc")
_WAIT_FOR_APT = ("-o", "DPkg::Lock::Timeout=300")


class PackagesError(RuntimeError):
    """A node cannot run on this machine, or a package could not be obtained. The message says what is needed."""


@dataclass(frozen=True)
class Programs:
    """The paths of the unpacked programs."""

    busybox: Path
    """A statically linked busybox."""
    containerd: Path
    """The folder of containerd, its shim and ctr."""
    network: Path
    """The folder of the plug-ins of the container network."""
    runc: Path


def check_machine() -> None:
    """Ensure that a node can run on this machine.

    Raises
    ------
    PackagesError
        If not. The message says what is needed.
    """
    lacking = []
    if sys.platform != "linux":
        lacking.append("Linux")
    elif os.geteuid() != 0:
        lacking.append("root")
    lacking += [name for name in _TOOLS if shutil.which(name) is None]
    if lacking:
        message = (
            f"a node needs {', '.join(lacking)}. It runs as root on Debian or Ubuntu, with a C compiler and "
            "util-linux; the rest it gets with apt-get itself. `make test` and `make demo` run without it."
        )
        raise PackagesError(message)


def ensure_packages(environment: Mapping[str, str] | None = None) -> Programs:
    """Install and unpack what is missing. Installed packages stay.

    Parameters
    ----------
    environment
        The environment variables. Default: ours.

    Returns
    -------
    Programs
        The unpacked programs.

    Raises
    ------
    PackagesError
        If this machine cannot run a node, or a package could not be obtained.
    """
    check_machine()
    missing = [name for name, file in PACKAGES.items() if _find(_ROOT, file) is None]
    if missing:
        sys.stderr.write(f"sandbox: installing {', '.join(missing)} with apt-get\n")
        _get("install", "--yes", "--no-install-recommends", "--no-remove", *missing)
    return _unpacked(cache_folder(os.environ if environment is None else environment) / "debian")


def _find(folder: Path, pattern: str) -> Path | None:
    return min(folder.glob(pattern), default=None)


def _get(*command: str, folder: Path | None = None) -> None:
    """Update the package lists, and run apt-get."""

    def attempt() -> None:
        trouble = ""
        try:
            _apt("update")
        except PackagesError as error:
            # It fails if any package source fails, even one that is not needed here.
            trouble = f"{error}\n"
        try:
            _apt(*command, folder=folder)
        except PackagesError as error:
            message = f"{trouble}{error}"
            raise PackagesError(message) from error

    persist(attempt, PackagesError, "apt-get")


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


def _unpacked(folder: Path) -> Programs:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [name for name, file in UNPACKED.items() if _find(folder / name, file) is None]
        if missing:
            sys.stderr.write(f"sandbox: downloading {', '.join(missing)} with apt-get, to be unpacked, not installed\n")
            _unpack(missing, folder)
    found = {name: _program(folder / name, file) for name, file in UNPACKED.items()}
    return Programs(
        busybox=found["busybox-static"],
        containerd=found["containerd"].parent,
        network=found["containernetworking-plugins"].parent,
        runc=found["runc"],
    )


def _unpack(names: list[str], final: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="download-", dir=final) as temporary:
        folder = Path(temporary)
        # apt-get downloads as the user _apt if possible, and warns if not.
        _get("-o", "APT::Sandbox::User=root", "download", *names, folder=folder)
        for name in names:
            (package,) = folder.glob(f"{name}_*.deb")
            unpacked = folder / name
            subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
            if (final / name).exists():
                shutil.rmtree(final / name)
            unpacked.rename(final / name)


def _program(folder: Path, pattern: str) -> Path:
    found = _find(folder, pattern)
    if found is None:
        message = f"the package {folder.name} has no {pattern}"
        raise PackagesError(message)
    return found.resolve()
