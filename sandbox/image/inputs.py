"""The inputs of an image: read from the Dockerfile and .dockerignore, and identified by a digest."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_KEY_LENGTH = 12


def base_name(dockerfile: str) -> str:
    """Read the base image from a Dockerfile.

    Parameters
    ----------
    dockerfile
        Its text.

    Returns
    -------
    str
        The default of its argument ``BASE``.

    Raises
    ------
    ValueError
        If it has no such argument.
    """
    found = re.search(r"^ARG BASE=(\S+)$", dockerfile, re.MULTILINE)
    if found is None:
        message = "The Dockerfile has no ARG BASE"
        raise ValueError(message)
    return found[1]


def python_and_codename(base: str) -> tuple[str, str]:
    """Read the versions of Python and Debian from the name of a base image.

    Parameters
    ----------
    base
        Its name, such as ``docker.io/library/python:3.13-slim-trixie``.

    Returns
    -------
    tuple of str and str
        Such as ``3.13`` and ``trixie``.

    Raises
    ------
    ValueError
        If the tag does not name them.
    """
    found = re.fullmatch(r"\S+/python:(\d+\.\d+)(?:\.\d+)?-slim-([a-z]+)", base)
    if found is None:
        message = f"{base} names no Python on a slim Debian: a base for it cannot be made here"
        raise ValueError(message)
    return found[1], found[2]


def context(folder: Path) -> list[Path]:
    """List the files that a build can see.

    Parameters
    ----------
    folder
        The folder of ``.dockerignore``, which ignores everything except the paths that it names after ``!``.

    Returns
    -------
    list of pathlib.Path
        The files, sorted, including the Dockerfile and .dockerignore.
    """
    ignore = folder / ".dockerignore"
    found = [folder / "Dockerfile", ignore]
    for line in ignore.read_text(encoding="utf-8").splitlines():
        if line.startswith("!"):
            named = folder / line[1:]
            found += [named] if named.is_file() else [file for file in named.rglob("*") if file.is_file()]
    return sorted(file for file in found if "__pycache__" not in file.parts)


def key(folder: Path, files: Iterable[Path], *others: str) -> str:
    """Return an identifier for the inputs of a build.

    Parameters
    ----------
    folder
        The folder of the files: their names are relative to it.
    files
        The files. Their content counts.
    *others
        Other inputs.

    Returns
    -------
    str
        A shortened digest.
    """
    digest = hashlib.sha256(repr(others).encode())
    for file in sorted(files):
        content = file.read_bytes()
        digest.update(f"\0{file.relative_to(folder)}\0{file.stat().st_mode:o}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:_KEY_LENGTH]
