"""Where servers run: on this machine's loopback interface, or in namespaces of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Host:
    """An address that servers listen on, and the way to start them where that address is."""

    address: str
    """Where others reach them, this process too."""
    prefix: tuple[str, ...] = ()
    """What goes before a command so that it runs there, and becomes it under the same process id."""

    def command(self, command: Sequence[str | Path]) -> list[str]:
        """Give the command that runs another one there."""
        return [*self.prefix, *map(str, command)]


LOCAL = Host(LOOPBACK)
"""This machine: only its own processes reach what runs here."""
