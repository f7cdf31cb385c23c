"""Where servers run: on this machine's loopback interface, or in separate namespaces."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.processes.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

# Go programs bypass the proxy only for loopback addresses.
_NO_PROXY = {"NO_PROXY": "*", "no_proxy": "*"}


@dataclass(frozen=True)
class Host:
    """An address for servers to listen on, and the way to start them where that address exists."""

    address: str
    """The address at which others, including this process, reach them."""
    prefix: tuple[str, ...] = ()
    """A prefix that runs a command there, with the same process ID."""
    folder: Path | None = None
    """The folder for files that are deleted with the servers. Default: that for temporary files."""

    def command(self, command: Sequence[str | Path]) -> list[str]:
        """Return the command that runs another command there."""
        return [*self.prefix, *map(str, command)]

    def temporary_folder(self, name: str, stack: ExitStack) -> Path:
        """Create a folder for a server that runs there. It is removed with the stack."""
        made = tempfile.TemporaryDirectory(prefix=f"appconfig-operator-{name}-", dir=self.folder)
        return Path(stack.enter_context(made))

    def environment(self) -> dict[str, str]:
        """Return the environment of programs there: ours, without proxies."""
        return {**os.environ, **_NO_PROXY}


LOCAL = Host(LOOPBACK)
"""This machine: only its own processes can reach the servers."""
