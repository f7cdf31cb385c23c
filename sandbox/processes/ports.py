"""Free ports on the loopback interface."""

from __future__ import annotations

import contextlib
import secrets
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"

_LOWEST = 10_300
"""Above the fixed ports of a node's programs, up to 10259: from this machine, they do not appear to be in use."""
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_EPHEMERAL_START = 32_768
_ENOUGH = 1_000
_TRIES = 200


def _below_ephemeral() -> range:
    # A client that connects to a closed ephemeral port on loopback can get that same port as its own. It is then
    # connected to itself, and a restarted server finds its port in use. This cannot happen with ports below the range.
    start = _EPHEMERAL_START
    with contextlib.suppress(OSError, ValueError, IndexError):
        start = int(_EPHEMERAL.read_text(encoding="ascii").split()[0])
    return range(_LOWEST, start) if start >= _LOWEST + _ENOUGH else range(_LOWEST, _EPHEMERAL_START)


def free_ports(count: int) -> list[int]:
    """Find ports that nothing listens on.

    Parameters
    ----------
    count
        How many.

    Returns
    -------
    list of int
        Distinct ports, picked at random so that parallel runs hardly ever collide.

    Raises
    ------
    OSError
        If too few could be found.
    """
    candidates = _below_ephemeral()
    with contextlib.ExitStack() as stack:
        ports: list[int] = []
        for _ in range(_TRIES):
            if len(ports) == count:
                return ports
            held = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            port = secrets.choice(candidates)
            # Kept open until all are found, so that none is found twice.
            with contextlib.suppress(OSError):
                held.bind((LOOPBACK, port))
                ports.append(port)
    message = f"no {count} free ports among {candidates.start} to {candidates.stop - 1} on {LOOPBACK}"
    raise OSError(message)
