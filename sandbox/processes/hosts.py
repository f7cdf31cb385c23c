"""Where servers run: on this machine's loopback interface, or in namespaces of their own."""

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

# The programs of Go see no need for a proxy on the way to a loopback address only.
_NO_PROXY = {"NO_PROXY": "*", "no_proxy": "*"}


@dataclass(frozen=True)
class Host:
    """An address that servers listen on, and the way to start them where that address is."""

    address: str
    """Where others reach them, this process too."""
    prefix: tuple[str, ...] = ()
    """What goes before a command so that it runs there, and becomes it under the same process id."""
    folder: Path | None = None
    """Where servers keep what goes with them. Default: where temporary files go."""

    def command(self, command: Sequence[str | Path]) -> list[str]:
        """Give the command that runs another one there."""
        return [*self.prefix, *map(str, command)]

    def temporary_folder(self, name: str, stack: ExitStack) -> Path:
        """Make a folder for a server that runs there. It goes with the stack."""
        made = tempfile.TemporaryDirectory(prefix=f"appconfig-operator-{name}-", dir=self.folder)
        return Path(stack.enter_context(made))

    def environment(self) -> dict[str, str]:
        """Give the environment of what runs there: ours, without its proxies."""
        return {**os.environ, **_NO_PROXY}


LOCAL = Host(LOOPBACK)
"""This machine: only its own processes reach what runs here."""
