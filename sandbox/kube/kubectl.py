"""kubectl, as users call it: the one that uv.lock pins."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.processes.commands import call

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = Path(sys.executable).with_name("kubectl")
_TIMEOUT = 240.0
"""Against what hangs. A call that waits has a time-out of its own, or waits for as long as it takes."""


class KubectlError(OSError):
    """kubectl ended with an error. The text is what it wrote. Who waits takes it for "not yet"."""


class Kubectl:
    """kubectl for one cluster.

    Parameters
    ----------
    kubeconfig
        Which cluster, and as whom.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def command(self, arguments: Sequence[str | Path]) -> list[str]:
        """Give the command that a call runs."""
        # What another server at the same address once served is not this one's.
        cache = self._kubeconfig.with_name("kubectl-cache")
        return [str(PROGRAM), f"--kubeconfig={self._kubeconfig}", f"--cache-dir={cache}", *map(str, arguments)]

    def __call__(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """Run it.

        Parameters
        ----------
        *arguments
            As on the command line.
        stdin
            Text for `-f -`.

        Returns
        -------
        str
            What it wrote to standard output.

        Raises
        ------
        KubectlError
            When it ended with an error.
        """
        # No proxy is on the way to a server of the sandbox.
        environment = {**os.environ, "NO_PROXY": "*"}
        done = call(self.command(arguments), environment=environment, stdin=stdin, timeout=_TIMEOUT)
        if done.returncode != 0:
            message = f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}"
            raise KubectlError(message)
        return done.stdout
