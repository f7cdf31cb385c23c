"""Builds the image with buildah, and caches it with the other build results."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.image.alone import ImageError, run_alone
from sandbox.image.base import DOCKERFILE, PACKAGES, make_base
from sandbox.image.inputs import base_name, context, key, python_and_codename
from sandbox.image.interpreter import Interpreter, find_interpreter
from sandbox.image.machine import secrets
from sandbox.toolchain.provision import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent
_OF_THE_BASE = [_HERE / "base.py", _HERE / "interpreter.py"]
_VERSION = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

IMAGE = f"docker.io/library/appconfig-operator:{_VERSION}"
"""The name of the image. On a node, ``appconfig-operator:VERSION`` is short for it."""


_KEPT = 7 * 86400.0

# One of buildah's folders cannot be configured, so ours is mounted in its place. buildah copies secrets into its folder
# of containers: that one is in memory only, so that a killed build leaves no secrets.
_PREPARE = """
mkdir -p /var/lib/containers "$1" "$2" && mount --bind "$1" /var/lib/containers || exit
mount -t tmpfs -o mode=700 containers "$2" && shift 2 && exec "$@"
"""


def build_image(folder: Path = _ROOT) -> Path:
    """Build the image, or find one that was built from the same inputs.

    Parameters
    ----------
    folder
        The repository.

    Returns
    -------
    pathlib.Path
        An OCI archive, which ``ctr images import`` takes.

    Raises
    ------
    ImageError
        If it cannot be built on this machine.
    """
    base = base_name((folder / "Dockerfile").read_text(encoding="utf-8"))
    minor, codename = python_and_codename(base)
    interpreter = find_interpreter(minor)
    base_key = key(_HERE, _OF_THE_BASE, base, repr(interpreter), *PACKAGES)
    image_key = key(folder, context(folder), base_key, IMAGE)
    cache = cache_folder(os.environ).with_name("images")
    image = cache / f"appconfig-operator-{image_key}.tar"
    if image.exists():
        image.touch()
        return image
    _check_machine()
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        # Another run may have built it in the meantime.
        if not image.exists():
            if interpreter.minor != minor:
                sys.stderr.write(f"sandbox: no Python {minor} here, so the image gets Python {interpreter.version}\n")
            with tempfile.TemporaryDirectory(prefix="build-", dir=cache) as work:
                kept = _base(cache / f"base-{base_key}.tar", codename, interpreter, Path(work))
                _build(base, kept, folder, Path(work)).rename(image)
                kept.touch()
            _forget(cache)
    return image


def _check_machine() -> None:
    missing = [program for program in ("buildah", "mmdebstrap") if shutil.which(program) is None]
    if missing:
        message = f"To build the image, {' and '.join(missing)} is needed: apt-get install {' '.join(missing)}"
        raise ImageError(message)
    if os.geteuid() != 0:
        message = "To build the image, you have to be root: Debian's packages are unpacked with their owners"
        raise ImageError(message)


def _base(path: Path, codename: str, interpreter: Interpreter, work: Path) -> Path:
    if not path.exists():
        sys.stderr.write(f"sandbox: making a base image of Debian {codename} and Python {interpreter.version}\n")
        try:
            made = make_base(codename, interpreter, work)
        except (OSError, subprocess.CalledProcessError) as error:
            message = f"The base image could not be made: {error}"
            raise ImageError(message) from error
        made.rename(path)
    return path


def _build(base: str, base_tar: Path, folder: Path, work: Path) -> Path:
    """Build in a separate store, which is deleted together with its folder."""
    sys.stderr.write("sandbox: building the image\n")
    policy = work / "policy.json"
    policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}), encoding="utf-8")
    base_context = work / "base-context"
    base_context.mkdir()
    (base_context / "base.tar").hardlink_to(base_tar)
    (base_context / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    bud = ["bud", "--isolation=chroot", "--layers=false", "--pull-never", "--network=host", "--quiet"]
    bud.append(f"--signature-policy={policy}")
    _buildah([*bud, f"--tag={base}", str(base_context)], work)
    settings, certificates = secrets()
    with _in_memory(settings) as descriptor:
        passed = [f"--secret=id=pip.conf,src=/proc/self/fd/{descriptor}", f"--secret=id=ca.pem,src={certificates}"]
        made = [*bud, *passed, f"--build-arg=VERSION={_VERSION}", f"--tag={IMAGE}", str(folder)]
        _buildah(made, work, descriptor)
    archive = work / "image.tar"
    _buildah(["push", "--quiet", f"--signature-policy={policy}", IMAGE, f"oci-archive:{archive}:{IMAGE}"], work)
    return archive


def _buildah(command: Sequence[str], work: Path, *descriptors: int) -> None:
    store = work / "store"
    prepare = ["sh", "-c", _PREPARE, "sh", str(work / "containers"), str(store / "vfs-containers")]
    # Few machines allow a build to mount an overlay; plain copies work everywhere.
    buildah = ["buildah", f"--root={store}", f"--runroot={work / 'run'}", "--storage-driver=vfs"]
    run_alone([*prepare, *buildah, *command], folder=work, descriptors=descriptors)


@contextmanager
def _in_memory(text: str) -> Iterator[int]:
    descriptor = os.memfd_create("secret")
    try:
        os.write(descriptor, text.encode())
        yield descriptor
    finally:
        os.close(descriptor)


def _forget(cache: Path) -> None:
    """Remove what a killed build left, and images that have not been used for a while: each change creates another."""
    for folder in cache.glob("build-*"):
        # Only the holder of the lock builds. That is us, and we have just finished.
        try:
            shutil.rmtree(folder)
        except OSError as error:
            sys.stderr.write(f"sandbox: a build was killed, and what it left cannot be removed: {error}\n")
    for path in cache.glob("*.tar"):
        if time.time() - path.stat().st_mtime > _KEPT:
            path.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
