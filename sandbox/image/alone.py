"""Runs a program in separate mount and process namespaces, so that it leaves nothing on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_GUARD = Path(__file__).parents[1] / "processes" / "guard.py"
# The guard ends unshare with us; unshare ends its first process, which ends all others and the mounts.
_ALONE = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")


class ImageError(RuntimeError):
    """The image cannot be built here. The message says why."""


def run_alone(command: Sequence[str | Path], *, folder: Path, descriptors: Collection[int] = ()) -> None:
    """Run a program to its end. If we are killed before, it and all that it started are killed, and its mounts go.

    Parameters
    ----------
    command
        The program, and its arguments.
    folder
        A folder for its temporary files.
    descriptors
        Our open files that it may read, as ``/proc/self/fd/N``.

    Raises
    ------
    ImageError
        If it fails. The message has its output.
    """
    run = subprocess.run(
        [sys.executable, "-I", "-S", _GUARD, str(os.getpid()), *_ALONE, *command],
        env={**os.environ, "TMPDIR": str(folder)},
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        message = f"{' '.join(map(str, command))}\nfailed with exit code {run.returncode}:\n{run.stdout}"
        raise ImageError(message)
