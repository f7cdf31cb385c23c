"""Helm, as users call it: the one that the sandbox builds."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.processes.commands import Tool, call
from sandbox.toolchain.provision import program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import CompletedProcess

_TIMEOUT = 180.0
_HOMES = ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")


class HelmError(RuntimeError):
    """Helm failed. The message is its output."""


class Helm(Tool):
    """Helm for one cluster, or for none.

    Parameters
    ----------
    kubeconfig
        The cluster and the user. Default: none, for `template` and `lint`.
    """

    name = "helm"
    failure = HelmError

    def __init__(self, kubeconfig: Path | None = None) -> None:
        self._program = program("helm")
        self._kubeconfig = kubeconfig

    def _run(self, arguments: Sequence[str | Path], stdin: str | None) -> CompletedProcess[str]:
        if self._kubeconfig is not None:
            # Beside it, so that both go at one time, whatever happens here.
            return self._run_in(self._kubeconfig.with_name("helm"), arguments, stdin)
        with tempfile.TemporaryDirectory(prefix="appconfig-operator-helm-") as home:
            return self._run_in(Path(home), arguments, stdin)

    def _run_in(self, home: Path, arguments: Sequence[str | Path], stdin: str | None) -> CompletedProcess[str]:
        # Neither the plugins nor the cache of the user of this machine.
        environment = {"PATH": os.environ.get("PATH", os.defpath), **dict.fromkeys(("HOME", *_HOMES), str(home))}
        environment["KUBECONFIG"] = str(self._kubeconfig or os.devnull)
        command = [str(self._program), *map(str, arguments)]
        return call(command, environment=environment, stdin=stdin, timeout=_TIMEOUT)
