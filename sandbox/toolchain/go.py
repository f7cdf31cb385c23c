"""Go: the machine's, or else the one of the Python package index."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.processes.process import tail

_ROOT = Path(__file__).parents[2]

# Neither a different toolchain nor the workspace of this machine's user.
ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOWORK": "off"}


class GoError(RuntimeError):
    """There is no Go that is new enough, or it failed. The message has the end of its output."""


def version_of(text: str) -> tuple[int, ...] | None:
    """Read a version of Go.

    Parameters
    ----------
    text
        What ``go version`` prints, or a ``go.mod``.

    Returns
    -------
    tuple of int or None
        Such as ``(1, 26, 8)``, for comparison; None if it is not a release.
    """
    found = re.search(r"^(?:go version )?go ?(\d+(?:\.\d+)+)(?=\s|$)", text, re.MULTILINE)
    return None if found is None else tuple(int(part) for part in found[1].split("."))


def find_go(go_mod: str) -> Path:
    """Find a Go that can build a module.

    Parameters
    ----------
    go_mod
        The text of its ``go.mod``: the directive ``go`` says which version it needs.

    Returns
    -------
    pathlib.Path
        The machine's ``go`` if it is new enough, or else that of the dependency group ``go``, installed if necessary.

    Raises
    ------
    GoError
        If there is none.
    """
    needed = version_of(go_mod)
    if needed is None:
        message = "go.mod does not say which version of Go it needs"
        raise GoError(message)
    for name in (shutil.which("go"), _bundled()):
        if name is not None and _new_enough(Path(name), needed):
            return Path(name)
    _install(needed)
    bundled = _bundled()
    if bundled is None or not _new_enough(Path(bundled), needed):
        message = f"the dependency group go did not install Go {_text(needed)} into {sys.prefix}"
        raise GoError(message)
    return Path(bundled)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _bundled() -> str | None:
    return shutil.which("go", path=str(Path(sys.prefix) / "bin"))


def _new_enough(go: Path, needed: tuple[int, ...]) -> bool:
    run = subprocess.run(
        [go, "version"], env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False
    )
    version = version_of(run.stdout) if run.returncode == 0 else None
    return version is not None and version >= needed


def _install(needed: tuple[int, ...]) -> None:
    uv = shutil.which("uv", path=str(Path(sys.prefix) / "bin"))
    if uv is None:
        message = (
            f"Go {_text(needed)} or newer is needed to build the programs. "
            f"Install it, or uv into {sys.prefix}, or name a folder with prebuilt programs in KUBEBUILDER_ASSETS."
        )
        raise GoError(message)
    sys.stderr.write(f"sandbox: no Go {_text(needed)} here; installing the dependency group go into {sys.prefix}\n")
    run = subprocess.run(
        [uv, "sync", "--frozen", "--inexact", "--group", "go"],
        cwd=_ROOT,
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": sys.prefix},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        message = f"uv sync failed with exit code {run.returncode}:\n{tail(run.stdout)}"
        raise GoError(message)
