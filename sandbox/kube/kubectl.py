"""kubectl, as users call it: the one that uv.lock pins."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.processes.commands import Tool, call

if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import CompletedProcess

PROGRAM = Path(sys.executable).with_name("kubectl")
_TIMEOUT = 240.0
"""Against hanging calls. A call that waits has its own timeout, or waits as long as it takes."""


class KubectlError(OSError):
    """kubectl failed. The message is its output. `wait_until` treats it as "not yet"."""


class Kubectl(Tool):
    """kubectl for one cluster.

    Parameters
    ----------
    kubeconfig
        The cluster and the user.
    """

    name = "kubectl"
    failure = KubectlError

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def command(self, arguments: Sequence[str | Path]) -> list[str]:
        """Return the command that a call runs."""
        # What another server at the same address once served is not this one's.
        cache = self._kubeconfig.with_name("kubectl-cache")
        return [str(PROGRAM), f"--kubeconfig={self._kubeconfig}", f"--cache-dir={cache}", *map(str, arguments)]

    def _run(self, arguments: Sequence[str | Path], stdin: str | None) -> CompletedProcess[str]:
        # No proxy is on the way to a server of the sandbox.
        environment = {**os.environ, "NO_PROXY": "*"}
        return call(self.command(arguments), environment=environment, stdin=stdin, timeout=_TIMEOUT)
