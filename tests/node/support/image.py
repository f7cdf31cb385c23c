"""The operator's image, unpacked, and how its programs are run in it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.image import Archive

USER = 10001
_SECONDS = 120

# In mounts of its own, which end with it: the root is read-only, /tmp too. PATH is that of the image.
_READ_ONLY = """
mount=$1 chroot=$2 root=$3; shift 3
"$mount" --bind "$root" "$root" && "$mount" -o remount,bind,ro "$root" && cd / || exit 125
exec "$chroot" --userspec=%d:%d --groups= "$root" "$@"
"""


def _found(name: str) -> str:
    path = shutil.which(name)
    assert path is not None, f"{name} is needed"
    return path


@dataclass(frozen=True)
class Unpacked:
    """The image, and its files in a folder."""

    archive: Archive
    root: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the image as its user, who cannot write anywhere."""
        script = _READ_ONLY % (USER, USER)
        tools = [_found("mount"), _found("chroot")]
        return subprocess.run(
            [_found("unshare"), "--mount", "/bin/sh", "-c", script, "sh", *tools, self.root, *command],
            env=dict(line.split("=", maxsplit=1) for line in self.archive.config["Env"]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )

    def python(self, code: str) -> str:
        """Run code with the Python of the image, and give what it prints."""
        run = self.run("python3", "-c", code)
        assert run.returncode == 0, run.stderr
        return run.stdout
