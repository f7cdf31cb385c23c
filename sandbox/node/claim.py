"""A number that no other cluster on this machine has: subnet and names are derived from it."""

from __future__ import annotations

import ipaddress
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.node import cgroups

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PREFIX = "appconfig-operator-node-"

# What a killed run leaves behind can usually be removed at once; on a busy machine, its processes take a while to die.
_SWEEP_TIMEOUT = 10.0

# A private range, then the one for network tests (RFC 2544), in case a VPN routes all of 10.0.0.0/8.
_RANGES = (ipaddress.IPv4Network("10.198.0.0/16"), ipaddress.IPv4Network("198.18.0.0/16"))
_SUBNETS = tuple(subnet for network in _RANGES for subnet in network.subnets(new_prefix=24))


@dataclass(frozen=True)
class Claim:
    """A number, and what is derived from it."""

    number: int

    @property
    def name(self) -> str:
        """The name of its cgroups, and the prefix of its folder's name."""
        return f"{PREFIX}{self.number}"

    @property
    def link(self) -> str:
        """The end of the cable that is on this machine's side."""
        return f"acop-node{self.number}"

    @property
    def subnet(self) -> ipaddress.IPv4Network:
        """The subnet that Pods, servers and this machine share."""
        return _SUBNETS[self.number]

    @property
    def address(self) -> str:
        """The address of the servers and the node, on the bridge."""
        return str(self.subnet[1])

    @property
    def outer_address(self) -> str:
        """The address of this machine, in the same subnet."""
        return str(self.subnet[2])


def routed_networks(routes: str) -> list[ipaddress.IPv4Network]:
    """Read the networks that this machine has routes to.

    Parameters
    ----------
    routes
        The output of ``ip -4 -json route show table all``.

    Returns
    -------
    list of ipaddress.IPv4Network
        All except the default routes.
    """
    destinations = [route["dst"] for route in json.loads(routes or "[]")]
    return [ipaddress.IPv4Network(destination) for destination in destinations if destination != "default"]


def free_numbers(routed: Iterable[ipaddress.IPv4Network]) -> list[int]:
    """Find the numbers with subnets that do not overlap any of these networks.

    Parameters
    ----------
    routed
        The networks in use.

    Returns
    -------
    list of int
        The numbers, in the order to try them.
    """
    taken = list(routed)
    return [number for number, subnet in enumerate(_SUBNETS) if not any(map(subnet.overlaps, taken))]


def _hold(number: int) -> socket.socket | None:
    """Claim a number, unless it is taken: an abstract socket has one holder, and is free when the holder dies."""
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(f"\0{PREFIX}{number}")
    except OSError:
        held.close()
        return None
    return held


@contextmanager
def claim() -> Iterator[Claim]:
    """Claim a free number for the duration of the block. First, remove what killed runs have left behind.

    If something cannot be removed yet, its number is skipped.

    Raises
    ------
    OSError
        If all numbers are taken.
    """
    stuck = _sweep()
    routes = subprocess.run(
        ["ip", "-4", "-json", "route", "show", "table", "all"], capture_output=True, text=True, check=True
    )
    for number in free_numbers(routed_networks(routes.stdout)):
        if number not in stuck and (held := _hold(number)):
            with held:
                yield Claim(number)
            return
    message = f"no free subnet of 256 addresses in {' and '.join(map(str, _RANGES))}"
    raise OSError(message)


def _sweep() -> set[int]:
    """Remove what killed runs have left behind, and return the numbers of those that cannot be removed yet."""
    folders = Path(tempfile.gettempdir())
    names = {path.name for path in folders.glob(f"{PREFIX}*")} | cgroups.names(PREFIX)
    numbers = {name.removeprefix(PREFIX).partition("-")[0] for name in names}
    stuck = set()
    for number in map(int, filter(str.isdecimal, numbers)):
        if held := _hold(number):
            with held:
                try:
                    _remove(Claim(number), folders)
                except OSError as error:
                    stuck.add(number)
                    sys.stderr.write(f"sandbox: the next start will remove what a killed node left behind: {error}\n")
    return stuck


def _remove(left: Claim, folders: Path) -> None:
    cgroups.remove(left.name, _SWEEP_TIMEOUT)
    for folder in folders.glob(f"{left.name}-*"):
        shutil.rmtree(folder)
