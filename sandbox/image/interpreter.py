"""Finds a Python for the base image, and copies it to where the official Python image has it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.image.alone import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASK = """
import json, os, sys, sysconfig
shared = sysconfig.get_config_var("Py_ENABLE_SHARED")
library = os.path.join(sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME")) if shared else None
print(json.dumps({
    "version": sys.version.split()[0],
    "program": os.path.realpath(sys.executable),
    "standard": sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix, "base": sys.base_prefix}),
    "library": library,
}))
"""
_SECONDS = 30


@dataclass(frozen=True)
class Interpreter:
    """A Python on this machine."""

    version: str
    """Such as ``3.13.0``."""
    program: str
    """The interpreter itself."""
    standard: str
    """The folder of its standard library."""
    library: str | None
    """Its shared library, if it has one."""

    @property
    def minor(self) -> str:
        """Such as ``3.13``."""
        return self.version.rpartition(".")[0]

    @property
    def of_the_distribution(self) -> bool:
        """Whether it is installed directly in ``/usr``."""
        return Path(self.standard).parents[1] == Path("/usr")


def find_interpreter(minor: str) -> Interpreter:
    """Find a Python: on PATH, or among those of pyenv, or else the one that runs this code.

    Parameters
    ----------
    minor
        The required version, such as ``3.13``.

    Returns
    -------
    Interpreter
        The Python. Never the distribution's, because only it finds its modules and libraries where they are.

    Raises
    ------
    ImageError
        If there is none.
    """
    for candidate in _candidates(minor):
        found = ask(candidate)
        if found is not None and found.minor == minor and not found.of_the_distribution:
            return found
    own = ask(Path(sys.executable))
    if own is not None and not own.of_the_distribution:
        return own
    message = (
        f"To build the image here, a Python {minor} is needed, on PATH or among those of pyenv, and not the "
        "distribution's own"
    )
    raise ImageError(message)


def ask(program: Path) -> Interpreter | None:
    """Ask a Python about itself.

    Parameters
    ----------
    program
        Its path.

    Returns
    -------
    Interpreter or None
        The answer; None if there is none.
    """
    run = subprocess.run(
        [program, "-I", "-S", "-c", _ASK], capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    return Interpreter(**json.loads(run.stdout)) if run.returncode == 0 else None


def _candidates(minor: str) -> Iterator[Path]:
    on_path = shutil.which(f"python{minor}")
    if on_path is not None:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{minor}*/bin/python{minor}"))


def install(interpreter: Interpreter, root: Path) -> None:
    """Copy a Python to ``/usr/local`` in a root file system, with the pip of this environment.

    Parameters
    ----------
    interpreter
        Which one.
    root
        The root file system.
    """
    prefix = root / "usr/local"
    standard = prefix / "lib" / f"python{interpreter.minor}"
    left_out = shutil.ignore_patterns("__pycache__", "site-packages", "dist-packages", "test", "config-*")
    shutil.copytree(interpreter.standard, standard, symlinks=True, ignore=left_out)
    program = prefix / "bin" / f"python{interpreter.minor}"
    program.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(interpreter.program, program)
    for name in ("python3", "python"):
        (program.parent / name).symlink_to(program.name)
    if interpreter.library is not None:
        shutil.copy2(interpreter.library, prefix / "lib")
    _install_pip(standard / "site-packages")
    _strip([file for file in prefix.rglob("*") if file.name == program.name or ".so" in file.suffixes])
    subprocess.run(["ldconfig", "-r", root], check=True)


def _install_pip(target: Path) -> None:
    spec = importlib.util.find_spec("pip")
    if spec is None or spec.origin is None:
        message = f"There is no pip in {sys.prefix}"
        raise OSError(message)
    packages = Path(spec.origin).parents[1]
    for folder in (packages / "pip", *packages.glob("pip-*.dist-info")):
        shutil.copytree(folder, target / folder.name, ignore=shutil.ignore_patterns("__pycache__"))


def _strip(files: list[Path]) -> None:
    """Strip debug symbols, as the official image does. They are most of the size."""
    strip = shutil.which("strip")
    programs = [file for file in files if file.is_file() and not file.is_symlink()]
    if strip is not None:
        subprocess.run([strip, "--strip-unneeded", *programs], check=True)
