"""``python -m tools.kubeconform FILE...``: check objects against the API of Kubernetes; ``-`` reads standard input."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.processes.output import say
from sandbox.toolchain.go import GoError
from sandbox.toolchain.provision import program
from tools import schemas

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT = 120.0


def check(files: Sequence[str], folder: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Check objects: no unknown field, no key twice, nothing deprecated, no kind that nobody knows.

    Parameters
    ----------
    files
        Files and folders of YAML, or `-`.
    folder
        What `tools.schemas.write` has filled.
    stdin
        Text for `-`. Default: our own standard input.

    Returns
    -------
    subprocess.CompletedProcess
        Exit status 0 when all is right; standard output says what is not, and counts.
    """
    command = [str(program("kubeconform")), "-strict", "-summary", "-n=2"]
    command += [f"-schema-location={folder}/{schemas.LOCATION}", *files]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=_TIMEOUT)


def main(files: Sequence[str]) -> int:
    """Run the command line, and return its exit status."""
    if not files:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="appconfig-operator-schemas-") as folder:
            schemas.write(Path(folder))
            done = check(files, Path(folder), sys.stdin.read() if "-" in files else None)
    except GoError as error:
        sys.stderr.write(f"kubeconform: {error}\n")
        return 1
    say(done.stdout.removesuffix("\n"))
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
