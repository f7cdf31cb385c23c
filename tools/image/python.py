"""The parts of Python in the image: the interpreter, and its library without what a server does not need."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

# Folders and modules of the standard library to leave out.
_LEFT_OUT = (
    "__pycache__",
    "site-packages",
    # Tests, and what only they use.
    "test",
    "tests",
    "_test*",
    "_ctypes_test.*",
    "_xxtestfuzz.*",
    "xxlimited*",
    "xxsubtype*",
    # Other systems, and editors.
    "fetch_macholib*",
    "idlelib",
    "tkinter",
    "_tkinter.*",
    "turtle.py",
    "turtledemo",
    # Terminals.
    "curses",
    "_curses*",
    "readline.*",
    # To install, build and convert.
    "config-*",
    "ensurepip",
    "venv",
    "lib2to3",
    "pydoc_data",
    # Databases. Their libraries are what scanners find most in.
    "sqlite3",
    "_sqlite3.*",
    "_dbm.*",
    "_gdbm.*",
)


def copy_python(prefix: Path, root: Path) -> None:
    """Copy the interpreter that runs this code.

    Parameters
    ----------
    prefix
        Where it is installed, such as ``/usr/local``.
    root
        The root of the image; the interpreter has the same path there.
    """
    target = root / prefix.relative_to("/")
    version = sysconfig.get_python_version()
    standard = Path("lib") / f"python{version}"
    shutil.copytree(
        prefix / standard,
        target / standard,
        symlinks=True,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns(*_LEFT_OUT),
    )
    scripts = target / "bin"
    scripts.mkdir(parents=True, exist_ok=True)
    shutil.copy2(prefix / "bin" / f"python{version}", scripts)
    # Programs look for Python in PATH as python3.
    (scripts / "python3").symlink_to(f"python{version}")
