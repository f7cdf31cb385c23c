"""Prints a package from uv.lock, with all its digests, in the form that pip accepts.

The Dockerfile installs uv itself this way: uv reads everything else in uv.lock.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def requirement(lock: str, name: str) -> str:
    """Write the requirement for a package without dependencies.

    Parameters
    ----------
    lock
        The content of ``uv.lock``.
    name
        The package.

    Returns
    -------
    str
        A line for ``pip install --require-hashes --requirement``.
    """
    (package,) = (one for one in tomllib.loads(lock)["package"] if one["name"] == name)
    digests = " ".join(f"--hash={wheel['hash']}" for wheel in package["wheels"])
    return f"{name}=={package['version']} {digests}\n"


if __name__ == "__main__":
    sys.stdout.write(requirement(Path("uv.lock").read_text(encoding="utf-8"), sys.argv[1]))
