"""Where the programs come from: a folder that is named, the cache, or a build.

``KUBEBUILDER_ASSETS`` names a folder, as it does for controller-runtime's envtest. What is not in it is looked for in
``${XDG_CACHE_HOME:-~/.cache}/appconfig-operator/programs/``, and built into there if need be: but for the control
plane, as whoever names a folder wants no build of that.
"""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.toolchain.build import build
from sandbox.toolchain.modules import GROUPS, MODULES, Module

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Say where programs are kept.

    Parameters
    ----------
    environment
        The environment variables.

    Returns
    -------
    pathlib.Path
        The folder, which may not exist yet.
    """
    # A relative XDG_CACHE_HOME is to be ignored, says the XDG Base Directory Specification.
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    home = named if named.is_absolute() else Path.home() / ".cache"
    return home / "appconfig-operator" / "programs"


def find(module: Module, program: str, environment: Mapping[str, str]) -> Path | None:
    """Find a program that is there already.

    Parameters
    ----------
    module
        The module that it comes from.
    program
        Its name.
    environment
        The environment variables.

    Returns
    -------
    pathlib.Path or None
        The program: of ``KUBEBUILDER_ASSETS``, else of the cache.
    """
    assets = environment.get("KUBEBUILDER_ASSETS")
    # Programs are started in folders of their own.
    places = [Path(assets).absolute()] if assets else []
    places.append(cache_folder(environment) / module.key)
    for place in places:
        if os.access(place / program, os.X_OK):
            return place / program
    return None


def ensure_programs(
    environment: Mapping[str, str] | None = None, modules: Sequence[Module] = GROUPS["control-plane"]
) -> dict[str, Path]:
    """Make sure that programs are there; build what is missing.

    Parameters
    ----------
    environment
        The environment variables. Default: ours.
    modules
        The modules whose programs are meant. Default: those of the control plane.

    Returns
    -------
    dict of str to pathlib.Path
        Where each program is.

    Raises
    ------
    FileNotFoundError
        If ``KUBEBUILDER_ASSETS`` is set, and a program of the control plane is neither there nor in the cache.
    sandbox.toolchain.go.GoError
        If something is missing and cannot be built.
    """
    known = os.environ if environment is None else environment
    programs = {}
    for module in modules:
        found = {name: find(module, name, known) for name in module.packages}
        if None in found.values():
            _build_missing(module, known)
            found = {name: find(module, name, known) for name in module.packages}
        programs.update({name: path for name, path in found.items() if path is not None})
    return programs


def program(name: str) -> Path:
    """Give the path of a program, built if need be.

    Parameters
    ----------
    name
        Such as ``etcd``.

    Returns
    -------
    pathlib.Path
        Where it is.
    """
    (module,) = (module for module in MODULES if name in module.packages)
    return ensure_programs(modules=[module])[name]


def _build_missing(module: Module, environment: Mapping[str, str]) -> None:
    assets = environment.get("KUBEBUILDER_ASSETS")
    if assets and module in GROUPS["control-plane"]:
        missing = [name for name in module.packages if find(module, name, environment) is None]
        message = (
            f"KUBEBUILDER_ASSETS is {assets}, where {' and '.join(missing)} {module.version} is missing. "
            "Put it there, or unset KUBEBUILDER_ASSETS to have it built."
        )
        raise FileNotFoundError(message)
    cache = cache_folder(environment)
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{module.key}.lock"):
        # Another run may have built it while we waited.
        missing = [name for name in module.packages if find(module, name, environment) is None]
        if not missing:
            return
        final = cache / module.key
        final.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=cache) as folder:
            build(module, missing, Path(folder))
            # A rename is all or nothing: nobody ever finds half a program.
            for name in missing:
                (Path(folder) / name).rename(final / name)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write("sandbox: another run is building the programs; waiting for it\n")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
