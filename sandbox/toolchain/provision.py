"""Where the programs come from: a given folder, the cache, or a build.

``KUBEBUILDER_ASSETS`` names a folder, as for controller-runtime's envtest. Programs that are not in it come from
``${XDG_CACHE_HOME:-~/.cache}/appconfig-operator/programs/``, and are built there if necessary, except for the control
plane: whoever names a folder does not want to build it.
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
    """Return the folder for programs.

    Parameters
    ----------
    environment
        The environment variables.

    Returns
    -------
    pathlib.Path
        The folder, which may not exist yet.
    """
    # The XDG Base Directory Specification says to ignore a relative XDG_CACHE_HOME.
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    home = named if named.is_absolute() else Path.home() / ".cache"
    return home / "appconfig-operator" / "programs"


def find(module: Module, program: str, environment: Mapping[str, str]) -> Path | None:
    """Find an existing program.

    Parameters
    ----------
    module
        Its module.
    program
        Its name.
    environment
        The environment variables.

    Returns
    -------
    pathlib.Path or None
        The program, from ``KUBEBUILDER_ASSETS`` or else from the cache.
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
    """Ensure that programs exist; build missing ones.

    Parameters
    ----------
    environment
        The environment variables. Default: ours.
    modules
        The modules of the programs. Default: those of the control plane.

    Returns
    -------
    dict of str to pathlib.Path
        The path of each program.

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
    """Return the path of a program, built if necessary.

    Parameters
    ----------
    name
        Such as ``etcd``.

    Returns
    -------
    pathlib.Path
        Its path.
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
        # Another run may have built it in the meantime.
        missing = [name for name in module.packages if find(module, name, environment) is None]
        if not missing:
            return
        final = cache / module.key
        final.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="build-", dir=cache) as folder:
            build(module, missing, Path(folder))
            # A rename is atomic: a partial program is never visible.
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
