"""Retrying operations that need the network."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TypeVar

from sandbox.processes.process import tail

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PAUSES = (5.0, 20.0, 60.0)
"""Seconds before each further attempt: long enough to survive a registry that is down for a minute."""


def persist(attempt: Callable[[], T], error: type[Exception], what: str) -> T:
    """Try until it succeeds, a few times.

    Parameters
    ----------
    attempt
        What to try. A failed attempt must not leave anything that blocks the next one.
    error
        What it raises if another attempt may help.
    what
        What is attempted, for messages.

    Returns
    -------
    T
        The result of the first successful attempt.

    Raises
    ------
    Exception
        That of the last attempt.
    """
    for pause in PAUSES:
        try:
            return attempt()
        except error as failure:
            sys.stderr.write(f"sandbox: {what} failed:\n{tail(str(failure))}\nRetrying in {pause:g} s.\n")
        time.sleep(pause)
    return attempt()
